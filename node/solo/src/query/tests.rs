use super::*;

fn held(query: &str, values: &[&str]) -> bool {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    Query::parse(query).unwrap().matches(&[("a.b".to_owned(), values)].into())
}

#[test]
fn each_comparison_holds_for_what_it_says_and_for_nothing_else() {
    let rows: [(&str, &[&str], &[&str]); 14] = [
        ("a.b = 'x y'", &["x y"], &["", "x", "x y "]),
        ("a.b=5", &["5", "5.0", "005", "5atom", "5.", "5-"], &["", "6", "-5", "x5", "55", ".5"]),
        ("a.b=1.50", &["1.5", "1.500x"], &["1.05", "1", "15", "1.51"]),
        ("a.b<10", &["9", "0", "9.99", "00009"], &["10", "10.0", "11", "-1", "x"]),
        ("a.b<=10", &["9", "10.0"], &["10.01", "11"]),
        ("a.b>10", &["10.000001", "11", "100"], &["10", "9", ""]),
        ("a.b>=99999999999999999999999", &["99999999999999999999999", "100000000000000000000000"], &["9"]),
        ("a.b CONTAINS 'ell'", &["hello", "ell"], &["el", "ELL", ""]),
        ("a.b CONTAINS ''", &["", "x"], &[]),
        ("a.b EXISTS", &["", "x"], &[]),
        ("a.b = DATE 2026-02-28", &["2026-02-28"], &["2026-02-28T00:00:00Z", "2026-03-01", "x"]),
        ("a.b > DATE 2026-02-28", &["2026-03-01"], &["2026-02-28", "2026-02-30", ""]),
        (
            "a.b <= TIME 2026-02-28T12:00:00Z",
            &["2026-02-28T12:00:00Z", "2026-02-28T12:59:59.9+01:00"],
            &["2026-02-28T12:00:00.000000001Z", "2026-02-28"],
        ),
        ("a.b = 'it AND that'", &["it AND that"], &["it"]),
    ];
    let mut cases = 0;
    for (query, good, bad) in rows {
        for value in good {
            assert!(held(query, &[value]), "{query}: {value}");
        }
        for value in bad {
            assert!(!held(query, &[value]), "{query}: {value}");
        }
        assert!(!held(query, &[]), "{query}: no value");
        cases += good.len() + bad.len();
    }
    println!("comparisons: {cases}");
    assert!(cases > 50);
}

#[test]
fn conditions_may_hold_for_different_values_of_a_key() {
    assert!(held("a.b='x' AND a.b>4", &["x", "5"]));
    assert!(!held("a.b='x' AND a.b>4", &["x", "4"]));
    assert!(!held("a.b='x' AND c.d EXISTS", &["x"]));
}

/// What CometBFT 0.38 takes and refuses, asked from a node of it.
#[test]
fn what_cometbft_takes_is_taken_and_what_it_refuses_is_refused() {
    let recorded = include_str!("../../tests/recorded/queries.txt");
    let (mut taken, mut refused) = (0, 0);
    for line in recorded.lines().filter(|line| !line.starts_with('#')) {
        let (verdict, query) = line.split_once(' ').unwrap();
        let query: String = serde_json::from_str(query).unwrap();
        let parsed = Query::parse(&query);
        assert_eq!(parsed.is_ok(), verdict == "taken", "{query:?}: {parsed:?}");
        *(if verdict == "taken" { &mut taken } else { &mut refused }) += 1;
        if let Ok(parsed) = parsed {
            assert_eq!(Query::parse(&parsed.to_string()), Ok(parsed), "{query:?} printed is the same query");
        }
    }
    println!("queries taken: {taken}, refused: {refused}");
    assert!(taken > 20 && refused > 20);
}

#[test]
fn what_is_too_long_is_refused_by_its_bound() {
    let long = format!("a.b='{}'", "x".repeat(MAX_QUERY));
    assert!(Query::parse(&long).unwrap_err().reason.contains("1024 bytes"));
    let many = ["a=1"; MAX_CONDITIONS + 1].join(" AND ");
    assert!(Query::parse(&many).unwrap_err().reason.contains("more than 10"));
    assert!(Query::parse(&["a=1"; MAX_CONDITIONS].join(" AND ")).is_ok());
}

#[test]
fn a_refusal_says_where() {
    for (query, at, part) in [
        ("", 0, "EOF"),
        ("tx.height", 9, "EOF"),
        ("a='b' OR c='d'", 6, "wanted AND"),
        ("a='b", 2, "not closed"),
        ("a.b=c", 4, "got a name"),
        ("\u{e4}='\u{f6}' \u{20ac}", 8, "no meaning"),
    ] {
        let error = Query::parse(query).unwrap_err();
        assert_eq!(error.at, at, "{query}: {error}");
        assert!(error.to_string().contains(part), "{query}: {error}");
    }
}
