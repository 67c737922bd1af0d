//! What kind of chain a seed has.

use app::genesis::{Balance, GenesisCoin};
use app::AppState;
use scenario::{Dice, World};

use crate::crowd::USD;

/// The devnet with one to four markets, fast funding, and a fund that may be small.
pub(crate) fn document(dice: &mut Dice) -> AppState {
    let mut app = World::devnet();
    app.markets.truncate(usize::try_from(dice.within(1, 4)).unwrap_or(1));
    (app.funding.tick_seconds, app.funding.sample_seconds, app.funding.sample_offset_seconds) = (60, 5, 2);
    for market in &mut app.markets {
        market.default_funding_ppm = *dice.pick(&[0, 100, -250]);
        market.liquidity_tier = *dice.pick(&[0, 0, 1, 2]);
        market.isolated = dice.once_in(8);
    }
    for tier in &mut app.liquidity_tiers {
        tier.impact_notional = *dice.pick(&[100 * USD, 5_000 * USD]);
    }
    app.liquidations.max_position_portion_ppm = *dice.pick(&[100_000, 500_000, 1_000_000]);
    app.liquidations.max_accounts = *dice.pick(&[2, 50]);
    app.liquidations.max_deleveragings = *dice.pick(&[1, 50]);
    app.orders.max_fills = *dice.pick(&[3, 1_000]);
    app.fees.insurance_share_ppm = *dice.pick(&[0, 250_000]);
    let fund = dice.within(0, 500) * USD;
    if fund > 0 {
        let coins = vec![GenesisCoin { denom: app.collateral.clone(), amount: fund.to_string() }];
        app.balances.push(Balance { address: "module:insurance_fund".into(), coins });
    }
    app
}

/// Up to four markets more, which differ in nothing but their terms.
pub(crate) fn widen(app: &mut AppState, dice: &mut Dice) {
    let more = usize::try_from(dice.within(0, 4)).unwrap_or_default();
    let others = World::devnet().markets.into_iter().skip(app.markets.len()).take(more);
    app.markets.extend(others);
}
