//! Laws about time and order: sequences, votes and prices, clocks, queues, budgets, parameters.

use cosmos_sdk_proto::cosmos::base::abci::v1beta1::TxMsgData;
use prost::Message;
use proto::ballast::clob::v1::MsgBatchResponse;
use std::collections::{BTreeMap, BTreeSet};

use app::msg::Transaction;
use clob::GoodTil;
use types::{MarketId, Value};

use super::books::{id_of, OWN};
use super::seen::{market, number, Seen};
use super::Verdict;

/// I-19: an account's sequences follow one another, one for each transaction that was accepted with one.
pub(super) fn sequences(seen: &Seen<'_>) -> Verdict {
    let mut next: BTreeMap<types::Address, u64> = BTreeMap::new();
    let mut count = 0;
    for (tx, result) in seen.input.txs.iter().zip(&seen.outcome.results) {
        let told =
            result.events.iter().filter(|event| event.kind == "tx").find_map(|event| event.get("acc_seq"));
        let Some(told) = told.and_then(Value::text) else { continue };
        let tx = Transaction::decode(tx, &accounts::Limits::default(), seen.chain);
        let signer = tx.and_then(|tx| tx.signer(seen.chain)).map_err(|refusal| refusal.log)?;
        let before = || accounts::account(seen.before, &signer).unwrap_or_default().sequence;
        let expected = next.entry(signer).or_insert_with(before);
        let text = format!("{}/{expected}", signer.to_bech32(&seen.chain.prefix));
        if told != text {
            return Err(format!("{told} was used where {text} is next"));
        }
        *expected += 1;
        count += 1;
    }
    for (signer, expected) in next {
        let is = accounts::account(seen.now, &signer).unwrap_or_default().sequence;
        if is != expected {
            return Err(format!("{signer:?} is at {is}, by its transactions at {expected}"));
        }
    }
    Ok(count)
}

/// I-19: no transaction succeeds twice, and no operation of a batch does; those that have are in `ran`.
pub(super) fn once(seen: &Seen<'_>, ran: &mut BTreeSet<(Vec<u8>, usize)>) -> Verdict {
    let mut count = 0;
    let all = seen.input.txs.iter().zip(&seen.outcome.results).skip(usize::from(seen.input.votes));
    for (tx, result) in all.filter(|(_, result)| result.refusal.is_none()) {
        for operation in done(result) {
            if !ran.insert((tx.clone(), operation)) {
                return Err(format!("operation {operation} of a transaction ran twice: {tx:02x?}"));
            }
            count += 1;
        }
    }
    Ok(count)
}

/// Which operations of a transaction succeeded: of a batch, those that were not refused; of others, the whole.
fn done(result: &app::TxResult) -> Vec<usize> {
    let answer = TxMsgData::decode(result.data.as_slice()).unwrap_or_default();
    let batch = answer.msg_responses.iter().find(|any| any.type_url == "/ballast.clob.v1.MsgBatchResponse");
    let Some(batch) = batch.and_then(|any| MsgBatchResponse::decode(any.value.as_slice()).ok()) else {
        return vec![0];
    };
    let accepted = batch.results.iter().enumerate().filter(|(_, operation)| operation.codespace.is_empty());
    accepted.map(|(number, _)| number).collect()
}

/// I-21: prices are above zero, not from the future, and at most a step away from the last unless the market
/// recovers.
pub(super) fn prices(seen: &Seen<'_>) -> Verdict {
    let step = i128::from(prices::module_params(seen.now).max_step.raw());
    let mut count = 0;
    for params in prices::markets(seen.now) {
        let Some(row) = prices::price(seen.now, params.market) else { continue };
        let future = row.updated_height > seen.block.0 || row.updated_time > seen.block.1;
        if row.price.raw() == 0 || future {
            return Err(format!("market {} has {row:?} at {:?}", params.market, seen.block));
        }
        let old = prices::price(seen.before, params.market);
        if let Some(old) = old.filter(|old| step > 0 && row.recovering == 0 && old.updated_height > 0) {
            let (was, is) = (i128::from(old.price.raw()), i128::from(row.price.raw()));
            if (is - was).abs() > (was * step / 1_000_000).max(1) {
                return Err(format!("market {} went from {was} to {is}", params.market));
            }
        }
        count += 1;
    }
    Ok(count)
}

/// I-22: a price changes exactly when more than two thirds of all power voted, each validator once, and is then
/// the weighted lower median; or a step towards it.
pub(super) fn votes(seen: &Seen<'_>) -> Verdict {
    let validators = governance::validators(seen.now);
    let total: u128 = validators.iter().map(|validator| u128::from(validator.power)).sum();
    let front = seen.input.txs.first().filter(|_| seen.input.votes);
    let set = front.and_then(|tx| app::oracle::decode_vote_set(tx).ok());
    let set = set.filter(|set| set.votes.len() == validators.len());
    let mut ballots: BTreeMap<MarketId, Vec<(u64, u128)>> = BTreeMap::new();
    for (vote, validator) in set.iter().flat_map(|set| &set.votes).zip(&validators) {
        let said = app::oracle::decode(&vote.vote_extension).filter(|_| vote.block_id_flag == 2);
        let mut named = BTreeSet::new();
        for (market, difference) in said.unwrap_or_default() {
            // What they saw when they voted: the state before the last block.
            let base = prices::base(seen.before, market, seen.block.0 - 1).raw();
            let price = u64::try_from(i128::from(base) + difference).unwrap_or_default();
            if named.insert(market) && price > 0 {
                ballots.entry(market).or_default().push((price, validator.power.into()));
            }
        }
    }
    let mut count = 0;
    for params in prices::markets(seen.now) {
        let mut of = ballots.remove(&params.market).unwrap_or_default();
        of.sort_unstable();
        let power: u128 = of.iter().map(|(_, power)| power).sum();
        let lower =
            |at: u64| of.iter().filter(|(price, _)| *price <= at).map(|(_, power)| power).sum::<u128>();
        let median = of.iter().map(|(price, _)| *price).find(|price| lower(*price) * 2 >= power);
        let decided = median.filter(|_| power * 3 > total * 2);
        let row = prices::price(seen.now, params.market);
        let updated = row.filter(|row| row.updated_height == seen.block.0).map(|row| row.price.raw());
        let bounded = seen.of_kind("price_bounded").find(|event| market(event) == params.market);
        let voted = bounded.map_or(updated, |event| u64::try_from(number(event, "voted")).ok());
        if voted != decided {
            return Err(format!("market {}: votes say {decided:?}, the chain {voted:?}", params.market));
        }
        count += u64::from(decided.is_some());
    }
    Ok(count)
}

/// I-23: heights follow one another, time does not run backwards, and the state knows both.
pub(super) fn times(seen: &Seen<'_>) -> Verdict {
    let told = (seen.input.height, seen.input.time);
    if seen.block != told || told.0 != seen.last.0 + 1 || told.1 < seen.last.1 {
        return Err(format!("after {:?} came {told:?}, the state says {:?}", seen.last, seen.block));
    }
    Ok(1)
}

/// I-23: the next tick of funding is on its grid, later than now and at most a period away; indexes move only in a
/// block that a tick was due in.
pub(super) fn ticks(seen: &Seen<'_>) -> Verdict {
    let period = i64::from(funding::state::params(seen.now).tick_seconds);
    let (was, is) = (funding::state::clock(seen.before), funding::state::clock(seen.now));
    let (next, now) = (is.next_tick.seconds(), seen.block.1.seconds());
    if next <= now || next > now + period || next % period != 0 {
        return Err(format!("at {now} the next tick is {next}, every {period} s"));
    }
    for perpetual in perpetuals::all(seen.now) {
        let old = perpetuals::perpetual(seen.before, perpetual.market);
        let moved = old.is_some_and(|old| old.funding_index != perpetual.funding_index);
        if moved && was.next_tick > seen.block.1 {
            return Err(format!("funding of {} moved before {:?}", perpetual.market, was.next_tick));
        }
    }
    Ok(u64::from(was.next_tick <= seen.block.1))
}

/// I-24: each validator once, with power, together at most what the engine allows.
pub(super) fn validators(seen: &Seen<'_>) -> Verdict {
    let set = governance::validators(seen.now);
    let keys: BTreeSet<_> = set.iter().map(|validator| validator.public_key).collect();
    let sum: u128 = set.iter().map(|validator| u128::from(validator.power)).sum();
    let powers = set.iter().all(|validator| validator.power > 0);
    let total = governance::total_power(seen.now);
    let most = sum <= u128::from(governance::MAX_TOTAL_POWER) && sum == u128::from(total);
    if keys.len() != set.len() || set.is_empty() || !powers || !most {
        return Err(format!("{} validators with {sum} of {total}", set.len()));
    }
    Ok(1)
}

/// Orders that the chain could not take out in this block.
pub(super) fn late(seen: &Seen<'_>) -> BTreeSet<clob::OrderId> {
    seen.of_kind(clob::REMOVAL_FAILED_EVENT).filter_map(|event| id_of(event, OWN)).collect()
}

/// I-25: no order rests past its end, one that was placed in this block past that of the block before, and what waits
/// for the authority's blocks is bounded.
pub(super) fn queues(seen: &Seen<'_>) -> Verdict {
    let (height, now) = (seen.block.0, seen.block.1.seconds());
    let placed: BTreeSet<_> =
        seen.of_kind(clob::PLACED_EVENT).filter_map(|event| id_of(event, OWN)).collect();
    // What the chain could not take out stays for the next block.
    let stays = late(seen);
    let mut count = 0;
    for market in seen.books.markets() {
        for side in [clob::Side::Buy, clob::Side::Sell] {
            let levels = seen.books.levels(market, side);
            for resting in levels.flat_map(|level| seen.books.queue(market, side, level.price)) {
                let alive = match resting.order.good_til {
                    GoodTil::Block(last) => u64::from(last) >= height,
                    // Whoever sends an order knows the time of the block before.
                    GoodTil::Time(end) if placed.contains(&resting.order.id) => {
                        i64::from(end) > seen.last.1.seconds()
                    }
                    GoodTil::Time(end) => i64::from(end) > now,
                };
                if !alive && !stays.contains(&resting.order.id) {
                    return Err(format!(
                        "{} rests at {height}, {now}: {:?}",
                        resting.order.id, resting.order
                    ));
                }
                count += 1;
            }
        }
    }
    let waiting = governance::queue::waiting(seen.now).len();
    if waiting > governance::queue::MAX_WAITING {
        return Err(format!("{waiting} changes wait"));
    }
    Ok(count)
}

/// I-26: one result for each transaction, none of them a fault, no more gas than the sender allowed, and fills,
/// liquidations and deleveragings within their budgets.
pub(super) fn work(seen: &Seen<'_>) -> Verdict {
    let (results, txs) = (&seen.outcome.results, &seen.input.txs);
    if results.len() != txs.len() {
        return Err(format!("{} results of {} transactions", results.len(), txs.len()));
    }
    let faults = results.iter().filter_map(|result| result.refusal.as_ref());
    let mut faults = faults.filter(|refusal| (refusal.codespace.as_str(), refusal.code) == ("app", 1));
    if let Some(fault) = faults.next() {
        return Err(format!("a transaction ran into a fault: {}", fault.log));
    }
    let mut succeeded = results.iter().filter(|result| result.refusal.is_none() && result.gas_wanted > 0);
    if let Some(result) = succeeded.find(|result| result.gas_used > result.gas_wanted) {
        return Err(format!("gas {} of {}", result.gas_used, result.gas_wanted));
    }
    let (clob, params) = (clob::params(seen.now), liquidations::params(seen.now));
    let most = [
        (clob::FILL_EVENT, u64::from(clob.max_block_fills) + u64::from(clob.liquidation_fills)),
        ("deleveraging", u64::from(params.max_deleveragings) * u64::from(params.max_counterparties)),
        ("final_settlement", u64::from(params.max_settlements) * 1_000),
    ];
    for (kind, most) in most {
        let count = seen.of_kind(kind).count() as u64;
        if count > most {
            return Err(format!("{count} of {kind}, at most {most}"));
        }
    }
    Ok(1)
}

/// I-27: all parameters are within their bounds, and a market has its perpetual, its oracle and its tier.
pub(super) fn params(seen: &Seen<'_>) -> Verdict {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    clob::params(seen.now).check().map_err(|error| text(&error))?;
    liquidations::params(seen.now).check().map_err(|error| text(&error))?;
    fees::params(seen.now).check().map_err(|error| text(&error))?;
    prices::module_params(seen.now).check().map_err(|error| text(&error))?;
    perpetuals::module_params(seen.now).check().map_err(|error| text(&error))?;
    for tier in perpetuals::tiers(seen.now) {
        tier.check().map_err(|error| text(&error))?;
    }
    for pair in clob::pairs(seen.now) {
        let perpetual = perpetuals::perpetual(seen.now, pair.market).ok_or("a book of no perpetual")?;
        let tier = perpetuals::tier(seen.now, perpetual.tier);
        if prices::params(seen.now, pair.market).is_none() || tier.is_none() || pair.step.is_zero() {
            return Err(format!("market {} lacks its oracle, tier or step", pair.market));
        }
    }
    Ok(1)
}
