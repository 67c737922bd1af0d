//! Laws about what a fill costs, and where fees and the fund's money go.

use bank::FEE_COLLECTOR;
use insurance::FUND;
use num::{BaseQuantums, Subticks};
use types::{Address, Event};

use super::seen::{address, market, number, says, Seen};
use super::Verdict;

const PPM: i128 = 1_000_000;

fn ceil(a: i128, ppm: i128) -> i128 {
    -(-a * ppm).div_euclid(PPM)
}

/// I-7: `quote = floor(size x price x 10^exponent)`, one number for both sides; size and price are above zero.
pub(super) fn quotes(seen: &Seen<'_>) -> Verdict {
    let mut count = 0;
    for fill in seen.of_kind(clob::FILL_EVENT) {
        let pair = clob::pair(seen.now, market(fill)).ok_or("a fill in no market")?;
        let (size, price) = (number(fill, "size"), number(fill, "price"));
        let (base, at) = (BaseQuantums::new(size), Subticks::new(u64::try_from(price).unwrap_or_default()));
        let worth = num::fill_quote(base, at, pair.quantum_conversion_exponent).map(num::QuoteQuantums::raw);
        let told = number(fill, "quote");
        if size <= 0 || price <= 0 || worth != Some(told) {
            return Err(format!("{size} at {price} is worth {worth:?}, {told} changed hands"));
        }
        count += 1;
    }
    Ok(count)
}

/// I-6: a fill pays `taker_fee + maker_fee >= 0`. Each fee is its quote times the rate of a tier, with or without a
/// discount of its market, rounded up; a rebate is at most what the taker pays; a liquidation pays no taker fee and
/// gives no rebate.
pub(super) fn fees(seen: &Seen<'_>) -> Verdict {
    let tiers = [fees::tiers(seen.before), fees::tiers(seen.now)].concat();
    let mut count = 0;
    for fill in seen.of_kind(clob::FILL_EVENT) {
        let of_market = |(of, discount): (types::MarketId, fees::Discount)| {
            (of == market(fill)).then_some(i128::from(discount.charge.raw()))
        };
        let discounts = [fees::state::discounts(seen.before), fees::state::discounts(seen.now)].concat();
        let charges: Vec<i128> = discounts.into_iter().filter_map(of_market).chain([PPM]).collect();
        let quote = number(fill, "quote");
        let fee = |rate: i32, charge: &i128| ceil(quote, ceil(rate.into(), *charge));
        let known = |told: i128, of: fn(&fees::FeeTier) -> i32| {
            tiers.iter().any(|tier| charges.iter().any(|charge| fee(of(tier), charge) == told))
        };
        let (taken, made) = (number(fill, "taker_fee"), number(fill, "maker_fee"));
        let taker =
            if says(fill, "liquidation") { taken == 0 } else { known(taken, |tier| tier.taker.raw()) };
        let maker = known(made, |tier| tier.maker.raw()) || made == -taken;
        if !taker || !maker || taken + made < 0 {
            return Err(format!("a fill of {quote} costs the taker {taken}, the maker {made}"));
        }
        count += 1;
    }
    Ok(count)
}

/// I-6: what fills pay in fees is what the collector, the builders and the funds get, and what pools still owe.
pub(super) fn collector(seen: &Seen<'_>) -> Verdict {
    let fills = || seen.of_kind(clob::FILL_EVENT);
    let sum = |name: &str| fills().map(|fill| number(fill, name)).sum::<i128>();
    let paid: i128 =
        ["taker_fee", "maker_fee", "taker_builder_fee", "maker_builder_fee"].into_iter().map(sum).sum();
    let to_funds: i128 = seen.of_kind("insurance_payment").map(|event| number(event, "amount")).sum();
    let share = to_funds - sum("insurance");
    let collector = Address::module(FEE_COLLECTOR);
    // Fees of transactions come to the collector as transfers inside transactions.
    let sent: i128 = seen.in_transactions().map(|event| received(event, &collector, seen)).sum();
    let built = ["taker_builder_fee", "maker_builder_fee"].into_iter().map(sum).sum::<i128>();
    let owed = |state| fees::unpaid(state).iter().map(|(_, amount)| amount.raw()).sum::<i128>();
    let debts = owed(seen.now) - owed(seen.before);
    let got = seen.gained(&collector) - sent;
    if paid - built != got + share + debts {
        return Err(format!(
            "fills pay {paid}, of it {built} to builders; the collector got {got}, the funds {share}, \
             debts grew by {debts}"
        ));
    }
    Ok(u64::from(paid != 0))
}

/// What `to` received of the collateral by an event.
fn received(event: &Event, to: &Address, seen: &Seen<'_>) -> i128 {
    if event.kind != "transfer" || address(event, "recipient") != Some(*to) {
        return 0;
    }
    let text = event.get("amount").and_then(types::Value::text).unwrap_or_default();
    let coins = text.split(',').filter_map(|coin| coin.strip_suffix(seen.chain.collateral.as_str()));
    coins.filter_map(|amount| amount.parse::<i128>().ok()).sum()
}

/// I-9: each fund moves by what its events say, and by nothing else.
pub(super) fn funds(seen: &Seen<'_>) -> Verdict {
    let mut count = 0;
    for of in seen.pools() {
        let fund = of.address(FUND);
        let named = |event: &&&Event| address(event, "fund") == Some(fund);
        let all = || seen.events.iter().filter(|event| event.kind.starts_with("insurance_")).filter(named);
        let told: i128 = all().map(|event| number(event, "amount")).sum();
        let moved = seen.gained(&fund);
        if moved != told {
            return Err(format!("the fund of {of:?} moved by {moved}, by its events {told}"));
        }
        count += all().count() as u64;
    }
    Ok(count)
}
