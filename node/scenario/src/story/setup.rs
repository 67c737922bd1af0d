//! Lines before the first act: they change the devnet's genesis document.

use app::genesis::{Balance, GenesisCoin, Liquidations};

use super::words::{amount, decimal, market, number, ppm};
use super::Teller;

impl Teller {
    /// Whether the line is one of the set-up.
    pub(super) fn set_up(&mut self, words: &[&str]) -> Result<bool, String> {
        match *words {
            ["market", name, "impact", notional] => {
                let tier = market(&mut self.app, name)?.liquidity_tier;
                let notional = amount(notional, 6)?;
                let tiers = self.app.liquidity_tiers.iter_mut();
                tiers.filter(|known| known.id == tier).for_each(|tier| tier.impact_notional = notional);
            }
            ["market", name, "cap", most] => {
                market(&mut self.app, name)?.open_interest_cap = amount(most, 6)?;
            }
            ["market", name, "open", lower, upper] => {
                let tier = market(&mut self.app, name)?.liquidity_tier;
                let (lower, upper) = (amount(lower, 6)?, amount(upper, 6)?);
                for known in self.app.liquidity_tiers.iter_mut().filter(|known| known.id == tier) {
                    (known.open_interest_lower_cap, known.open_interest_upper_cap) = (lower, upper);
                }
            }
            ["market", name, initial, maintenance] => self.margins(name, initial, maintenance)?,
            ["fees", taker, maker] => {
                let (taker, maker) = (ppm(taker)?, ppm(maker)?);
                for tier in &mut self.app.fee_tiers {
                    (tier.taker_ppm, tier.maker_ppm) = (taker, maker);
                }
            }
            ["band", share] => {
                self.app.orders.taker_band_ppm =
                    u32::try_from(ppm(share)?).map_err(|_| format!("a band of {share}"))?;
            }
            ["step", share] => {
                self.app.price_max_step_ppm =
                    u32::try_from(ppm(share)?).map_err(|_| format!("a step of {share}"))?;
            }
            ["recovery", seconds, blocks] => {
                self.app.recovery.after_seconds = number(seconds)?;
                self.app.recovery.blocks = number(blocks)?;
            }
            ["withdrawals", share] => {
                self.app.withdrawals.margin_ppm =
                    u32::try_from(ppm(share)?).map_err(|_| format!("a margin of {share}"))?;
            }
            ["isolated", name] => market(&mut self.app, name)?.isolated = true,
            ["insurance", name, fund] => {
                let id = market(&mut self.app, name)?.id;
                let (fund, denom) = (decimal(fund, 6)?, self.app.collateral.clone());
                let coins = vec![GenesisCoin { denom, amount: fund.to_string() }];
                self.app.balances.push(Balance { address: format!("module:insurance_fund:{id}"), coins });
            }
            ["insurance", fund] => {
                let (fund, denom) = (decimal(fund, 6)?, self.app.collateral.clone());
                let coins = vec![GenesisCoin { denom, amount: fund.to_string() }];
                self.app.balances.push(Balance { address: "module:insurance_fund".into(), coins });
            }
            ["liquidations", name, value] => limit(&mut self.app.liquidations, name, value)?,
            [person, "has", wealth] => self.give(person, amount(wealth, 6)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// A tier of its own for the market. `maintenance` is of notional, the document wants it of the initial.
    fn margins(&mut self, name: &str, initial: &str, maintenance: &str) -> Result<(), String> {
        let (initial, maintenance) = (ppm(initial)?, ppm(maintenance)?);
        let share = i64::from(maintenance) * 1_000_000 / i64::from(initial).max(1);
        if share * i64::from(initial) != i64::from(maintenance) * 1_000_000 {
            return Err("the maintenance margin must be a whole ppm of the initial margin".into());
        }
        let id = u32::try_from(self.app.liquidity_tiers.len()).map_err(|_| "too many tiers")?;
        let market = market(&mut self.app, name)?;
        let old = std::mem::replace(&mut market.liquidity_tier, id);
        let tier = self.app.liquidity_tiers.iter().find(|tier| tier.id == old);
        let mut tier = tier.cloned().ok_or("the market has no tier")?;
        tier.id = id;
        tier.name = name.into();
        tier.initial_margin_ppm = u32::try_from(initial).map_err(|_| "a margin is positive")?;
        tier.maintenance_fraction_ppm = u32::try_from(share).map_err(|_| "a margin is positive")?;
        self.app.liquidity_tiers.push(tier);
        Ok(())
    }
}

/// A limit by its name in the document; amounts in USD.
fn limit(limits: &mut Liquidations, name: &str, value: &str) -> Result<(), String> {
    match name {
        "max_fee_ppm" => limits.max_fee_ppm = number(value)?,
        "min_position_notional" => limits.min_position_notional = amount(value, 6)?,
        "max_position_portion_ppm" => limits.max_position_portion_ppm = number(value)?,
        "max_account_notional" => limits.max_account_notional = amount(value, 6)?,
        "max_insurance_lost" => limits.max_insurance_lost = amount(value, 6)?,
        "bankruptcy_adjustment_ppm" => limits.bankruptcy_adjustment_ppm = number(value)?,
        "spread_to_maintenance_ppm" => limits.spread_to_maintenance_ppm = number(value)?,
        "max_accounts" => limits.max_accounts = number(value)?,
        "max_deleveragings" => limits.max_deleveragings = number(value)?,
        "max_counterparties" => limits.max_counterparties = number(value)?,
        "max_settlements" => limits.max_settlements = number(value)?,
        _ => return Err(format!("there is no limit {name}")),
    }
    Ok(())
}
