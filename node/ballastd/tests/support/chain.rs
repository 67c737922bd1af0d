//! A chain whose node is disturbed again and again, and what its clients know.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use client::{Client, Keyring};
use rand_chacha::ChaCha8Rng;

use super::load::{check, compare_with_twin, connect, Told, Traders};
use super::{Ended, Home, Node};

/// Something for the application's `query`: only JSON-RPC gets that far.
fn ask_over_rpc(address: &str) {
    let address = address.trim_start_matches("tcp://");
    let Ok(mut stream) = TcpStream::connect(address) else { return };
    let _ = write!(stream, "GET /abci_query?path=%22/nothing%22 HTTP/1.0\r\nHost: {address}\r\n\r\n");
    let _ = stream.read_to_end(&mut Vec::new());
}

/// One chain and what its clients know.
pub struct Chain {
    pub home: Home,
    pub told: Told,
}

impl Chain {
    /// A new one.
    pub fn new() -> Self {
        Self { home: Home::with_chain(&["alice", "bob"]), told: Told::default() }
    }

    fn keyring(&self) -> Keyring {
        Keyring::new(self.home.file("keyring-test"))
    }

    /// A node that nothing happens to; all that was told holds.
    pub async fn undisturbed(&self) -> (Node, Client) {
        let node = self.home.start(&["--block-interval", "20"]);
        let client = connect(&node.grpc).await;
        check(&client, &self.told).await;
        (node, client)
    }

    /// Both traders get collateral.
    pub async fn deposit(&mut self) {
        let (node, client) = self.undisturbed().await;
        let mut traders = Traders::new(&node.grpc, &self.keyring()).await.unwrap();
        traders.deposit(&mut self.told).await;
        drop(client);
        node.kill();
    }

    /// Let there be this many heights in the state at most, from the next start.
    fn keep(&self, heights: u32) {
        let config = self.home.file("config/ballastd.toml");
        let text = std::fs::read_to_string(&config).unwrap();
        let setting = |line: &str| line.starts_with("keep_heights = ");
        assert!(text.lines().any(setting), "{text}");
        let line = format!("keep_heights = {heights}");
        let lines = text.lines().map(|old| if setting(old) { line.as_str() } else { old });
        std::fs::write(&config, lines.collect::<Vec<_>>().join("\n")).unwrap();
    }

    /// Rows that the next start prunes: more heights than it is going to keep.
    pub async fn leave_rows_to_prune(&self) {
        self.keep(100);
        let (node, client) = self.undisturbed().await;
        let height = client.height().await.unwrap();
        while client.height().await.unwrap() < height + 8 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        node.kill();
        self.keep(3);
    }

    /// Trade until the node has ended by itself. Nothing when it goes on for longer than `patience`; then it is
    /// killed.
    pub async fn load_until_it_ends(
        &mut self,
        mut node: Node,
        patience: Duration,
        random: &mut ChaCha8Rng,
    ) -> Option<Ended> {
        let deadline = Instant::now() + patience;
        while !node.gone() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                node.kill();
                return None;
            }
            // What breaks off is the node's end, or the next try is told the same.
            let _ = tokio::time::timeout(left, self.load(&node, random)).await;
        }
        Some(node.end())
    }

    /// Trade until an answer does not come.
    async fn load(&mut self, node: &Node, random: &mut ChaCha8Rng) {
        let Ok(client) = Client::connect(&node.grpc).await else { return };
        let Ok(height) = client.height().await else { return };
        assert!(height >= self.told.height, "height {height} after {} was told", self.told.height);
        let Ok(mut traders) = Traders::new(&node.grpc, &self.keyring()).await else { return };
        while traders.round(&mut self.told, random).await.is_ok() {
            let rpc = node.rpc.clone();
            let _ = tokio::task::spawn_blocking(move || ask_over_rpc(&rpc)).await;
        }
    }

    /// Start it once more: all that was told holds, and a twin agrees. Blocks and transactions compared.
    pub async fn finish(&self) -> (u64, usize) {
        let (node, client) = self.undisturbed().await;
        let compared = compare_with_twin(&client, &self.home).await;
        assert_eq!(node.stop(), 0);
        compared
    }
}
