//! A request taken apart without a node behind it: for tests that try any bytes.

use crate::query::Query;
use crate::rpc::args::{paging, Args, Params};
use crate::rpc::envelope::{Body, RpcError};
use crate::rpc::server::uri_args;

/// Names under which methods take arguments.
const NAMES: &[&str] = &["height", "page", "per_page", "query", "tx", "path", "data", "hash", "prove"];

/// Why parts of a request are refused: the calls of a POST body, and the arguments of a URI. Every argument is read
/// in each way that some method reads one, and queries are taken apart. Answers how many calls and arguments there
/// were, and all refusals.
pub fn dry_run(body: &[u8], query: &str, max_batch: usize) -> (usize, Vec<String>) {
    let (mut count, mut refusals) = (0, Vec::new());
    let calls = match Body::parse(body, max_batch) {
        Ok(Body::Single(call)) => vec![call],
        Ok(Body::Batch(calls)) => calls,
        Err(error) => {
            refusals.push(error.data);
            Vec::new()
        }
    };
    let from_body = calls.into_iter().map(|call| call.map(|call| call.args).map_err(|(_, error)| error));
    for args in from_body.chain([uri_args(query)]) {
        count += 1;
        match args {
            Ok(args) => count += read(&args, &mut refusals),
            Err(error) => refusals.push(error.data),
        }
    }
    (count, refusals)
}

/// Reads all arguments in all ways; answers how many there were.
fn read(args: &Args, refusals: &mut Vec<String>) -> usize {
    let mut note = |error: RpcError| refusals.push(error.data);
    let params = match Params::new(args, NAMES) {
        Ok(params) => params,
        Err(error) => {
            note(error);
            return 0;
        }
    };
    for name in NAMES {
        let readings = [
            params.integer(name).err(),
            params.boolean(name).err(),
            params.text(name).err(),
            params.base64(name).err(),
            params.hex(name).err(),
            params.hash(name).err(),
        ];
        readings.into_iter().flatten().for_each(&mut note);
    }
    if let Ok(Some(text)) = params.text("query") {
        let parsed = Query::parse(&text).map_err(|error| RpcError::internal(error.to_string()));
        parsed.err().into_iter().for_each(&mut note);
    }
    for total in [0, 1, 1_000, usize::MAX] {
        paging(&params, total).err().into_iter().for_each(&mut note);
    }
    match args {
        Args::Named(named) => named.len(),
        Args::Listed(listed) => listed.len(),
    }
}
