//! Every query has a route, and every route answers what the method answers.

use std::collections::{BTreeMap, BTreeSet};

use http::StatusCode;
use prost_reflect::ReflectMessage;
use serde_json::Value as Json;

use super::{all, fields_of, kind_of, rest, status_of};

/// Methods without a route, and why.
const WITHOUT: [(&str, &str); 1] = [(
    "/cosmos.auth.v1beta1.Query/AddressBytesToString",
    "its counterpart has the route that both would have",
)];

#[test]
fn every_query_has_a_route_and_no_two_have_the_same() {
    let routes = server::routes();
    let routed: BTreeSet<&String> = routes.iter().map(|(_, _, path)| path).collect();
    let methods = server::methods();
    let missing: Vec<_> = methods
        .iter()
        .filter(|path| !routed.contains(path) && !WITHOUT.iter().any(|(without, _)| without == path))
        .collect();
    assert!(missing.is_empty(), "without `option (google.api.http)`: {missing:#?}");
    let idle: Vec<_> = WITHOUT.iter().filter(|(path, _)| routed.contains(&(*path).to_owned())).collect();
    assert!(idle.is_empty(), "they have routes: {idle:?}");
    let forms: BTreeSet<(String, String)> = routes
        .iter()
        .map(|(verb, template, _)| {
            let bare = template.split('/').map(|part| if part.starts_with('{') { "{}" } else { part });
            (verb.clone(), bare.collect::<Vec<_>>().join("/"))
        })
        .collect();
    assert_eq!(forms.len(), routes.len());
    assert!(routes.len() > 75, "only {} routes", routes.len());
    println!("{} routes of {} methods", routes.len(), methods.len());
}

#[tokio::test]
async fn every_route_answers_what_its_method_answers() {
    let gateway = rest().await;
    let (mut good, mut refused) = (0, 0);
    for route in all() {
        for name in fields_of(&route.template) {
            kind_of(&route.request, name);
        }
        let got = route.call(&gateway, &BTreeMap::new()).await;
        got.is_sound(&route.template);
        match route.by_grpc(&gateway.chain).await {
            Ok(answer) => {
                assert_eq!(got.status, StatusCode::OK, "{}: {got:?}", route.template);
                let json = got.json();
                let members: BTreeSet<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
                let fields: Vec<_> = answer.descriptor().fields().collect();
                let expected: BTreeSet<&str> = fields.iter().map(|field| field.name()).collect();
                assert_eq!(members, expected, "{}", route.template);
                good += 1;
            }
            Err(status) => {
                assert_eq!(got.status, status_of(i64::from(i32::from(status.code()))), "{}", route.template);
                assert_eq!(got.json()["message"], status.message(), "{}", route.template);
                refused += 1;
            }
        }
    }
    println!("{good} routes answer, {refused} refuse as their methods do");
    assert!(good > 65, "only {good} routes answer; {refused} refuse");
}

#[tokio::test]
async fn the_description_has_every_route_and_every_reference_leads_somewhere() {
    let gateway = rest().await;
    let got = gateway.get("/openapi.json").await;
    assert_eq!((got.status, got.header("content-type")), (StatusCode::OK, "application/json"));
    let document = got.json();
    assert_eq!(document["openapi"], "3.0.3");
    let mut described = 0;
    for (verb, template, _) in server::routes() {
        let operation = &document["paths"][&template][verb.to_lowercase()];
        assert!(operation["responses"]["200"].is_object(), "{template} is not described");
        let parameters = operation["parameters"].as_array().unwrap();
        let in_path = parameters.iter().filter(|parameter| parameter["in"] == "path").count();
        assert_eq!(in_path, fields_of(&template).count(), "{template}");
        described += 1;
    }
    let mut references = BTreeSet::new();
    collect(&document, &mut references);
    for reference in &references {
        let name = reference.strip_prefix("#/components/schemas/").unwrap();
        assert!(document["components"]["schemas"][name].is_object(), "{reference}");
    }
    println!("{described} routes described with {} messages", references.len());
    assert!(described > 75 && references.len() > 100);
}

fn collect(json: &Json, references: &mut BTreeSet<String>) {
    match json {
        Json::Object(members) => {
            if let Some(Json::String(reference)) = members.get("$ref") {
                references.insert(reference.clone());
            }
            members.values().for_each(|member| collect(member, references));
        }
        Json::Array(items) => items.iter().for_each(|item| collect(item, references)),
        _ => {}
    }
}

#[tokio::test]
async fn the_page_shows_the_description_and_runs_no_other_script() {
    let gateway = rest().await;
    for path in ["/", "/swagger", "/swagger/"] {
        let page = gateway.get(path).await;
        assert_eq!((page.status, page.header("content-type")), (StatusCode::OK, "text/html; charset=utf-8"));
        assert!(page.header("content-security-policy").contains("default-src 'none'; script-src 'self'"));
        assert!(page.text.contains("/swagger/page.js") && !page.text.contains("<script>"));
    }
    let script = gateway.get("/swagger/page.js").await;
    assert_eq!(script.header("content-type"), "text/javascript; charset=utf-8");
    assert!(!script.text.contains("innerHTML"));
}
