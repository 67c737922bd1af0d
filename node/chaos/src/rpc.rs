//! Questions to a node's JSON-RPC.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longest answer that is read, bytes.
const LONGEST: u64 = 64 << 20;
const PATIENCE: Duration = Duration::from_secs(4);

/// The `result` of a GET, `/block?height=7`.
pub(crate) async fn get(port: u16, path: &str) -> anyhow::Result<Value> {
    let asked = tokio::time::timeout(PATIENCE, ask(port, path)).await;
    let text = asked.with_context(|| format!("{path}: no answer in time"))??;
    let (_, body) = text.split_once("\r\n\r\n").with_context(|| format!("{path}: no body"))?;
    let mut answer: Value = serde_json::from_str(body).with_context(|| format!("{path}: no JSON"))?;
    if !answer["error"].is_null() {
        anyhow::bail!("{path}: {}", answer["error"]);
    }
    Ok(answer["result"].take())
}

async fn ask(port: u16, path: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut text = String::new();
    stream.take(LONGEST).read_to_string(&mut text).await?;
    Ok(text)
}

/// A number that is written as a text.
pub(crate) fn number(value: &Value) -> Option<u64> {
    value.as_str()?.parse().ok()
}
