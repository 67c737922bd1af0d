//! What reflection shows is what is answered, and answers are what reflection shows.

use std::collections::BTreeSet;

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, ReflectMessage};
use prost_types::FileDescriptorProto;
use tokio_stream::StreamExt;
use tonic::Code;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1alpha;
use tonic_reflection::pb::v1alpha::server_reflection_client::ServerReflectionClient as AlphaClient;

use crate::support::{start, Chain};

/// Questions and answers of one conversation.
async fn ask(chain: &Chain, questions: Vec<MessageRequest>) -> Vec<MessageResponse> {
    let requests = questions
        .into_iter()
        .map(|question| ServerReflectionRequest { host: String::new(), message_request: Some(question) });
    let requests = tokio_stream::iter(requests.collect::<Vec<_>>());
    let mut client = ServerReflectionClient::new(chain.channel.clone());
    let answers = client.server_reflection_info(requests).await.unwrap().into_inner();
    answers.map(|answer| answer.unwrap().message_response.unwrap()).collect().await
}

async fn services(chain: &Chain) -> Vec<String> {
    match ask(chain, vec![MessageRequest::ListServices(String::new())]).await.remove(0) {
        MessageResponse::ListServicesResponse(list) => list.service.into_iter().map(|one| one.name).collect(),
        other => panic!("{other:?}"),
    }
}

async fn files(chain: &Chain, questions: Vec<MessageRequest>) -> Vec<FileDescriptorProto> {
    let answers = ask(chain, questions).await.into_iter();
    let files = answers.map(|answer| match answer {
        MessageResponse::FileDescriptorResponse(files) => {
            FileDescriptorProto::decode(files.file_descriptor_proto[0].as_slice()).unwrap()
        }
        other => panic!("{other:?}"),
    });
    files.collect()
}

/// The schema of all services with everything they import, learnt as a client would.
pub(crate) async fn learn(chain: &Chain) -> DescriptorPool {
    let symbols = services(chain).await.into_iter().map(MessageRequest::FileContainingSymbol).collect();
    let mut known: Vec<FileDescriptorProto> = Vec::new();
    let mut new = files(chain, symbols).await;
    while !new.is_empty() {
        for file in new {
            if !known.iter().any(|old| old.name() == file.name()) {
                known.push(file);
            }
        }
        let wanted: BTreeSet<String> = known.iter().flat_map(|file| file.dependency.clone()).collect();
        let wanted = wanted.into_iter().filter(|name| !known.iter().any(|file| file.name() == name));
        new = files(chain, wanted.map(MessageRequest::FileByFilename).collect()).await;
    }
    let mut pool = DescriptorPool::new();
    pool.add_file_descriptor_protos(known).unwrap();
    pool
}

#[tokio::test]
async fn every_method_that_reflection_shows_is_answered_and_the_other_way_round() {
    let chain = start().await;
    let pool = learn(&chain).await;
    let mut shown = BTreeSet::new();
    for method in pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
        shown.insert(format!("/{}/{}", method.parent_service().full_name(), method.name()));
    }
    let streams = [
        "/grpc.health.v1.Health/Check",
        "/grpc.health.v1.Health/Watch",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        "/dydxprotocol.clob.Query/StreamOrderbookUpdates",
        "/ballast.stream.v1.Query/Blocks",
    ];
    let answered: BTreeSet<String> = server::methods().into_iter().chain(streams.map(String::from)).collect();
    assert_eq!(shown, answered);
    assert!(shown.len() > 75, "only {} methods", shown.len());
    for path in server::methods() {
        if let Err(status) = chain.raw(&path, Vec::new()).await {
            assert!(
                matches!(status.code(), Code::InvalidArgument | Code::NotFound),
                "{path} answers {status:?}"
            );
        }
    }
}

#[tokio::test]
async fn no_answer_has_a_field_that_reflection_does_not_show() {
    let chain = start().await;
    chain.engine.txs.lock().unwrap().push(crate::transactions::signed(&chain, "alice", 0));
    let pool = learn(&chain).await;
    let mut good = 0;
    for path in server::methods() {
        let (service, method) = path.trim_start_matches('/').rsplit_once('/').unwrap();
        let service = pool.get_service_by_name(service).unwrap();
        let method = service.methods().find(|candidate| candidate.name() == method).unwrap();
        let request = crate::cases::case(&path).0;
        let asked = DynamicMessage::decode(method.input(), request.as_slice()).unwrap();
        assert_eq!(asked.unknown_fields().count(), 0, "{path}");
        if let Ok(answer) = chain.raw(&path, request).await {
            let answer = DynamicMessage::decode(method.output(), answer.into_inner()).unwrap();
            unknown(&answer, &path);
            good += 1;
        }
    }
    assert!(good > 65, "only {good} methods gave an answer");
}

/// Fail if there is a field that the schema does not have, at any depth.
fn unknown(message: &DynamicMessage, path: &str) {
    assert_eq!(message.unknown_fields().count(), 0, "{path}: {}", message.descriptor().full_name());
    for (_, value) in message.fields() {
        let list = value.as_list().unwrap_or_default();
        for inner in list.iter().chain([value]).filter_map(|value| value.as_message()) {
            unknown(inner, path);
        }
    }
}

#[tokio::test]
async fn the_older_reflection_answers_the_same() {
    let chain = start().await;
    let question = v1alpha::ServerReflectionRequest {
        host: "here".into(),
        message_request: Some(v1alpha::server_reflection_request::MessageRequest::ListServices("*".into())),
    };
    let mut client = AlphaClient::new(chain.channel.clone());
    let requests = tokio_stream::iter(vec![question.clone()]);
    let mut answers = client.server_reflection_info(requests).await.unwrap().into_inner();
    let answer = answers.message().await.unwrap().unwrap();
    assert_eq!((answer.valid_host.as_str(), answer.original_request), ("here", Some(question)));
    let Some(v1alpha::server_reflection_response::MessageResponse::ListServicesResponse(list)) =
        answer.message_response
    else {
        panic!("no list")
    };
    let names: Vec<String> = list.service.into_iter().map(|service| service.name).collect();
    assert_eq!(names, services(&chain).await);
    for name in ["cosmos.tx.v1beta1.Service", "dydxprotocol.clob.Query", "ballast.query.v1.Query"] {
        assert!(names.iter().any(|listed| listed == name), "{name}");
    }
    assert!(!names.iter().any(|name| name.ends_with(".Msg")), "messages are sent in transactions");
}

#[tokio::test]
async fn types_inside_of_any_are_found_by_name() {
    let chain = start().await;
    for symbol in [
        "cosmos.auth.v1beta1.BaseAccount",
        ".cosmos.auth.v1beta1.ModuleAccount",
        "cosmos.crypto.secp256k1.PubKey",
        "cosmos.crypto.ed25519.PubKey",
        "cosmos.bank.v1beta1.MsgSend",
        "dydxprotocol.clob.MsgPlaceOrder",
        "dydxprotocol.accountplus.TxExtension",
        "dydxprotocol.clob.Order.TimeInForce",
        "cosmos.tx.v1beta1.Service.GetTx",
        "cosmos.tx.v1beta1.ModeInfo.Single",
        "tendermint.types.BlockID",
        "google.protobuf.Any",
    ] {
        files(&chain, vec![MessageRequest::FileContainingSymbol(symbol.into())]).await;
    }
}

#[tokio::test]
async fn a_question_without_an_answer_does_not_end_the_conversation() {
    let chain = start().await;
    let answers = ask(
        &chain,
        vec![
            MessageRequest::FileByFilename("no/such.proto".into()),
            MessageRequest::FileContainingSymbol("dydxprotocol.clob.Msg".into()),
            MessageRequest::AllExtensionNumbersOfType("no.such.Type".into()),
            MessageRequest::AllExtensionNumbersOfType("cosmos.tx.v1beta1.Tx".into()),
            MessageRequest::ListServices(String::new()),
        ],
    )
    .await;
    for answer in &answers[..3] {
        let MessageResponse::ErrorResponse(error) = answer else { panic!("{answer:?}") };
        assert_eq!(error.error_code, i32::from(Code::NotFound));
    }
    assert!(matches!(answers[3], MessageResponse::AllExtensionNumbersResponse(_)));
    assert!(matches!(answers[4], MessageResponse::ListServicesResponse(_)));
}
