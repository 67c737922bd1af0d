//! What clients of the embedded engine send, and the language in which they ask for events.

/// Bytes of a refusal beside what it repeats of the request.
const WORDS: usize = 300;
/// Calls that the server takes at once.
const CALLS: usize = 20;

/// A body and the arguments of a URI, with the body's length before them.
pub(crate) fn json_calls() -> Vec<Vec<u8>> {
    let bodies = [
        r#"{"jsonrpc":"2.0","id":1,"method":"block","params":{"height":"5"}}"#,
        r#"[{"id":"a","method":"tx","params":{"hash":"q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=","prove":true}}]"#,
        r#"[{"id":null,"method":"tx_search","params":["tx.height=5",null,2,30]},5,{}]"#,
        r#"{"id":1.5,"method":"abci_query","params":{"path":"/x","data":"0xab","tx":"AAE="}}"#,
    ];
    let uris =
        ["height=5&page=2", "path=%22/a%22&data=0xabab", "hash=0x00&prove=true", "query=\"tx.height>5\"&x="];
    let request = |(body, uri): (&str, &str)| {
        let long = u16::try_from(body.len()).unwrap_or_default();
        [&long.to_le_bytes()[..], body.as_bytes(), uri.as_bytes()].concat()
    };
    bodies.into_iter().zip(uris).map(request).collect()
}

/// Every request is taken apart or refused, and a refusal is not much longer than what it is about.
pub(crate) fn json_rpc(data: &[u8]) {
    let Some((long, rest)) = data.split_first_chunk::<2>() else { return };
    let (body, uri) = rest.split_at(usize::from(u16::from_le_bytes(*long)).min(rest.len()));
    let (count, refusals) = solo::dry_run(body, &String::from_utf8_lossy(uri), CALLS);
    assert!(count <= CALLS * (rest.len() + 1), "more arguments than bytes");
    for refusal in refusals {
        assert!(refusal.len() <= WORDS + rest.len(), "a refusal of {} bytes", refusal.len());
    }
}

/// A query, an end of line, and values of its keys, one on a line.
pub(crate) fn queries() -> Vec<Vec<u8>> {
    let texts = [
        "tx.height = 5\n5\n6",
        "tm.event = 'Tx' AND fill.market EXISTS\nTx\n",
        "transfer.amount >= 10.5 AND transfer.sender CONTAINS 'bal'\n11uusdc\nballast1x",
        "block.time < TIME 2026-01-31T23:59:59Z AND a.b > DATE 2026-01-31\n2026-02-01\n2026-01-01T00:00:00Z",
        "tx.hash='AB' AND a.b <= 7\n007\n6.99999999999999999999999",
    ];
    texts.map(|text| text.as_bytes().to_vec()).into()
}

/// A query that is taken is written the same, and holds when each of its conditions does.
pub(crate) fn event_query(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.split('\n');
    let Ok(query) = solo::query::Query::parse(lines.next().unwrap_or_default()) else { return };
    let written = query.to_string();
    let again = solo::query::Query::parse(&written);
    assert!(again.as_ref() == Ok(&query) || written.len() > solo::query::MAX_QUERY, "{written} differs");
    let values: Vec<String> = lines.map(str::to_owned).collect();
    let conditions = query.conditions();
    assert!((1..=solo::query::MAX_CONDITIONS).contains(&conditions.len()), "too many conditions");
    let events = conditions.iter().map(|condition| (condition.key.clone(), values.clone())).collect();
    let each = |condition: &solo::query::Condition| values.iter().any(|value| condition.test.holds(value));
    assert_eq!(query.matches(&events), conditions.iter().all(each), "{written}");
}
