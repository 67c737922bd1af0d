//! What must hold when all is over: one chain, nothing lost, nothing twice.

use std::collections::BTreeMap;

use anyhow::Context as _;
use base64::Engine as _;
use client::Client;
use serde_json::Value;
use sha2::{Digest, Sha256};
use types::Denom;

use crate::load::{sink, trader, Ledger, Promise};
use crate::network::Network;
use crate::rpc;

/// Headers that one question may ask for.
const PAGE: u64 = 20;

/// Findings, good and bad, as they are made.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// That held.
    pub(crate) passed: u64,
    /// That did not.
    pub(crate) failed: u64,
}

impl Findings {
    /// Print and count one.
    pub(crate) fn note(&mut self, good: bool, what: &str) {
        if good {
            self.passed += 1;
            println!("ok      {what}");
        } else {
            self.failed += 1;
            println!("FAILED  {what}");
        }
    }
}

/// Block and application hash of each height that a node has, up to `last`.
pub(crate) async fn hashes(port: u16, last: u64) -> anyhow::Result<BTreeMap<u64, (String, String)>> {
    let mut all = BTreeMap::new();
    let mut top = last;
    while top > 0 {
        let low = top.saturating_sub(PAGE - 1).max(1);
        let page = rpc::get(port, &format!("/blockchain?minHeight={low}&maxHeight={top}")).await?;
        for meta in page["block_metas"].as_array().context("no headers")? {
            let height = rpc::number(&meta["header"]["height"]).context("a header without a height")?;
            let text = |value: &Value| value.as_str().map(str::to_owned).context("a header without a hash");
            all.insert(height, (text(&meta["block_id"]["hash"])?, text(&meta["header"]["app_hash"])?));
        }
        top = low - 1;
    }
    Ok(all)
}

/// Where each transaction is, and its code there: (height, code) for each time it is in a block.
type Chain = BTreeMap<String, Vec<(u64, u64)>>;

async fn transactions(port: u16, last: u64) -> anyhow::Result<Chain> {
    let mut all = Chain::new();
    for height in 1..=last {
        let block = rpc::get(port, &format!("/block?height={height}")).await?;
        let txs = block["block"]["data"]["txs"].as_array().cloned().unwrap_or_default();
        if txs.is_empty() {
            continue;
        }
        let results = rpc::get(port, &format!("/block_results?height={height}")).await?;
        for (index, tx) in txs.iter().enumerate() {
            let bytes = base64::engine::general_purpose::STANDARD.decode(tx.as_str().unwrap_or_default())?;
            let code = results["txs_results"][index]["code"].as_u64().unwrap_or(0);
            all.entry(hex::encode_upper(Sha256::digest(&bytes))).or_default().push((height, code));
        }
    }
    Ok(all)
}

/// Promises of a block that has no such transaction.
fn lost<'a>(promises: &'a [Promise], chain: &Chain) -> Vec<&'a Promise> {
    let there = |one: &Promise| {
        chain.get(&one.hash).is_some_and(|places| places.iter().any(|place| place.0 == one.height))
    };
    promises.iter().filter(|one| !there(one)).collect()
}

/// How often a transaction was executed and not refused.
fn executions(chain: &Chain, hash: &str) -> usize {
    chain.get(hash).map_or(0, |places| places.iter().filter(|place| place.1 == 0).count())
}

/// Compare all nodes at all heights up to `last`, and the ledger with the chain.
pub(crate) async fn judge(
    network: &Network,
    (ledger, traders): (&Ledger, u32),
    last: u64,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let first = hashes(network.rpc(0), last).await?;
    let full = u64::try_from(first.len()).unwrap_or(0) == last;
    findings.note(full && last > 0, &format!("node 0 has all {last} blocks"));
    let mut different = 0;
    for node in 1..network.nodes {
        let other = hashes(network.rpc(node), last).await?;
        let wrong: Vec<_> = first.iter().filter(|(height, own)| other.get(height) != Some(own)).collect();
        for (height, own) in &wrong {
            println!("        height {height}: node 0 {own:?}, node {node} {:?}", other.get(height));
        }
        different += wrong.len();
    }
    let nodes = network.nodes;
    findings.note(different == 0, &format!("block and application hashes are the same on {nodes} nodes"));

    let chain = transactions(network.rpc(0), last).await?;
    let lost = lost(&ledger.promises, &chain);
    for one in &lost {
        println!("        lost: {one:?}; in the chain: {:?}", chain.get(&one.hash));
    }
    let promised = ledger.promises.len();
    findings.note(
        lost.is_empty() && promised > 0,
        &format!("{promised} acknowledged transactions, {} lost", lost.len()),
    );

    let twice = chain.keys().filter(|hash| executions(&chain, hash) > 1).count();
    findings.note(twice == 0, &format!("{} transactions in blocks, {twice} executed twice", chain.len()));
    let moved = ledger.transfers.iter().filter(|hash| executions(&chain, hash) > 0).count();
    let moved = u128::try_from(moved)?;
    same_answers(network, traders, moved, findings).await
}

/// What all nodes must answer alike once the chain is quiet.
async fn same_answers(
    network: &Network,
    traders: u32,
    moved: u128,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let usdc = Denom::new("uusdc")?;
    let (mut balances, mut accounts, mut broken, mut laws, mut open) = (Vec::new(), Vec::new(), 0, 0, 0);
    for node in 0..network.nodes {
        let client = Client::connect(&network.grpc(node)).await?;
        let prefix = client.prefix().await?;
        let held = client.balances(&sink().address().to_bech32(&prefix)).await?;
        balances.push(held.iter().find(|coin| coin.denom == usdc).map_or(0, |coin| coin.amount));
        let mut views = Vec::new();
        for number in 0..traders {
            views.push(client.subaccount(&trader(number).address().to_bech32(&prefix), 0).await?);
        }
        accounts.push(views);
        let results = client.invariants().await?.results;
        broken += results.iter().filter(|result| !result.holds).count();
        laws += results.len();
        open = client.market("BTC").await?.open_interest;
    }
    findings.note(
        balances.iter().all(|balance| *balance == moved) && moved > 0,
        &format!("{moved} transfers of one coin were executed; the nodes say {balances:?} coins arrived"),
    );
    findings.note(accounts.iter().all(|views| *views == accounts[0]), "all nodes know the same subaccounts");
    findings.note(open > 0, &format!("orders were filled (open interest {open})"));
    findings.note(broken == 0 && laws > 0, &format!("{laws} conservation laws looked at, {broken} broken"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promise_is_kept_by_the_block_that_it_names_and_no_other() {
        let chain = Chain::from([("A".into(), vec![(7, 0)]), ("B".into(), vec![(3, 5), (9, 0)])]);
        let promise = |hash: &str, height| Promise { hash: hash.into(), height, node: 2 };
        let promises = [promise("A", 7), promise("A", 8), promise("B", 3), promise("B", 9), promise("C", 1)];
        assert_eq!(lost(&promises, &chain), [&promises[1], &promises[4]]);
        assert_eq!(lost(&promises, &Chain::new()).len(), 5);
    }

    #[test]
    fn only_what_was_not_refused_was_executed() {
        let chain = Chain::from([("A".into(), vec![(7, 0), (8, 0)]), ("B".into(), vec![(3, 5), (9, 0)])]);
        assert_eq!(["A", "B", "C"].map(|hash| executions(&chain, hash)), [2, 1, 0]);
    }
}
