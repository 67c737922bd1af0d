//! Heights in metadata: which state is read, and which was.

use tonic::Code;

use crate::support::{block, height_of, host, start, start_with, HEIGHT};

const PAIRS: &str = "/dydxprotocol.clob.Query/ClobPairAll";

#[tokio::test]
async fn an_answer_names_the_height_it_is_of() {
    let chain = start().await;
    for (asked, expected) in [("0", HEIGHT), ("3", 3), ("2", 2)] {
        let answer = chain.at(PAIRS, asked).await.unwrap();
        assert_eq!(height_of(&answer), expected, "{asked}");
    }
    assert_eq!(height_of(&chain.raw(PAIRS, Vec::new()).await.unwrap()), HEIGHT);
    block(&chain.host, HEIGHT + 1, Vec::new());
    assert_eq!(height_of(&chain.raw(PAIRS, Vec::new()).await.unwrap()), HEIGHT + 1);
}

#[tokio::test]
async fn a_height_that_cannot_be_read_is_an_invalid_argument() {
    let chain = start().await;
    for asked in ["4", "1", "18446744073709551615", "-1", "-0", "1.5", "x", "", "99999999999999999999999"] {
        let status = chain.at(PAIRS, asked).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{asked}");
        let metadata = status.metadata().get("x-cosmos-block-height").unwrap();
        assert_eq!(metadata.to_str().unwrap(), "3", "also a refusal names the last height");
    }
}

#[tokio::test]
async fn before_the_first_block_state_is_unavailable() {
    let chain = start_with(host(&[], 0), server::Limits::default()).await;
    for path in [PAIRS, "/cosmos.base.tendermint.v1beta1.Service/GetLatestBlock"] {
        assert_eq!(chain.raw(path, Vec::new()).await.unwrap_err().code(), Code::Unavailable, "{path}");
    }
    chain.raw("/cosmos.base.tendermint.v1beta1.Service/GetNodeInfo", Vec::new()).await.unwrap();
}
