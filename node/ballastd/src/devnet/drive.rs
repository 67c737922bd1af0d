//! A devnet from its first block to its last line.

use std::time::Duration;

use client::Client;
use solo::End;
use tokio::sync::watch;

use crate::devnet::accounts;
use crate::devnet::bots::Crowd;
use crate::devnet::chain::Chain;
use crate::devnet::view::View;
use crate::devnet::Args;
use crate::failure::Failure;
use crate::start::Stop;

/// How often the traders look for a new block.
const LOOK: Duration = Duration::from_millis(20);
/// Longest pause of traders who cannot reach the node.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// Run until the last height, a signal, or a fault. Answers the line of JSON.
pub(crate) async fn drive(args: &Args, on_terminal: bool) -> Result<serde_json::Value, Failure> {
    let chain = Chain::start(args).await?;
    let mut asked = Stop::listen()?;
    introduce(args, &chain)?;
    let node = format!("http://{}", chain.node.grpc_address());
    let (stop, stopping) = watch::channel(false);
    let signals = tokio::spawn(async move {
        asked.asked().await;
        let _ = stop.send(true);
    });
    let mut view = View::new(Client::lazy(&node)?, chain.tally.clone(), on_terminal && !args.no_bots);
    let seed = args.seed.unwrap_or_default();
    let mut crowd = Crowd::new(Client::lazy(&node)?, seed, &chain.traders, &chain.markets);
    let outcome = if args.fast {
        in_lockstep(&chain, &mut crowd, &mut view, &stopping).await
    } else {
        by_the_clock(&chain, &mut crowd, &mut view, &stopping).await
    };
    drop(view);
    signals.abort();
    outcome?;
    finish(chain).await
}

/// Blocks as fast as the traders act, who act between two blocks.
async fn in_lockstep(
    chain: &Chain,
    crowd: &mut Crowd,
    view: &mut View,
    stopping: &watch::Receiver<bool>,
) -> Result<(), Failure> {
    while !*stopping.borrow() && !view.asked_to_stop() {
        let height = chain.node.handle.latest().height;
        if chain.last.is_some_and(|last| height >= last) {
            break;
        }
        if height > 0 {
            // Traders that fail would make another chain than the seed's: better none.
            crowd.act(height).await?;
        }
        chain.node.handle.step().await.map_err(Failure::store)?;
        view.tick().await;
    }
    Ok(())
}

/// Blocks at their times; the traders act after each that they see.
async fn by_the_clock(
    chain: &Chain,
    crowd: &mut Crowd,
    view: &mut View,
    stopping: &watch::Receiver<bool>,
) -> Result<(), Failure> {
    let handle = &chain.node.handle;
    let mut acted_at = 0;
    let mut pause = LOOK;
    while !*stopping.borrow() && !view.asked_to_stop() {
        tokio::select! {
            end = handle.ended() => return match end {
                End::Stopped => Ok(()),
                End::Failed(reason) => Err(Failure::store(format!("the engine stopped: {reason}"))),
            },
            () = tokio::time::sleep(pause) => {}
        }
        let height = handle.latest().height;
        if height > acted_at {
            acted_at = height;
            pause = match crowd.act(height).await {
                Ok(()) => LOOK,
                Err(error) => {
                    tracing::warn!(%error, "the traders wait");
                    (pause * 2).min(LONGEST_PAUSE)
                }
            };
        }
        view.tick().await;
    }
    Ok(())
}

/// Where it is and, for those who bring a client, who is on it.
fn introduce(args: &Args, chain: &Chain) -> Result<(), Failure> {
    let rpc = chain.node.rpc_address().map(|address| address.to_string()).unwrap_or_default();
    let rest =
        chain.node.rest_address().map(|address| format!(", REST http://{address}")).unwrap_or_default();
    let mut lines = vec![format!(
        "devnet in {}: JSON-RPC http://{rpc}, gRPC http://{}{rest}",
        chain.home.folder().display(),
        chain.node.grpc_address()
    )];
    if args.no_bots {
        for name in accounts::PEOPLE {
            let phrase = accounts::phrase(name)?;
            let address = client::Key::from_mnemonic(&phrase)?.address().to_bech32("ballast");
            lines.push(format!("{name} {address} {phrase}"));
        }
    }
    // With a last height, standard output belongs to the line of JSON.
    for line in lines {
        if args.no_bots && args.blocks.is_none() {
            println!("{line}");
        } else {
            eprintln!("{line}");
        }
    }
    Ok(())
}

/// Ask the node once more whether its laws hold, stop it, and sum up.
async fn finish(chain: Chain) -> Result<serde_json::Value, Failure> {
    let client = Client::lazy(&format!("http://{}", chain.node.grpc_address()))?;
    let (mut insurance, mut failed) = (0, Vec::new());
    if chain.node.handle.latest().height > 0 {
        insurance = client.insurance().await?.1;
        let laws = client.invariants().await?.results;
        failed = laws.into_iter().filter(|law| !law.holds).collect();
    }
    chain.tally.see(&chain.node.host.last_block());
    let line = chain.tally.json(insurance, failed.len());
    chain.node.stop().await?;
    for (reason, count) in chain.tally.counts().reasons {
        tracing::info!(reason, count, "transactions were refused");
    }
    if failed.is_empty() {
        return Ok(line);
    }
    println!("{line}");
    let names: Vec<_> =
        failed.iter().map(|law| format!("{} {}: {}", law.module, law.name, law.detail)).collect();
    Err(Failure::fault(names.join("; ")))
}
