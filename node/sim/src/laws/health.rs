//! Laws about what accounts are worth: deficits are known and gate exits, nobody trades into danger.

use store::Read;
use subaccounts::margin::Risk;
use subaccounts::Subaccount;
use types::{Event, SubaccountId};

use super::seen::{number, says, subaccount, Seen};
use super::Verdict;

fn risk(state: &dyn Read, id: &SubaccountId, account: &Subaccount) -> Result<Risk, String> {
    subaccounts::risk(state, account).map_err(|error| format!("{id} has no risk: {error}"))
}

/// I-4: what is open grows only up to the cap of its market.
pub(super) fn caps(seen: &Seen<'_>) -> Verdict {
    let mut count = 0;
    for perpetual in perpetuals::all(seen.now) {
        let market = perpetual.market;
        let terms = perpetuals::terms(seen.now, market).map_err(|error| error.to_string())?;
        let price = prices::price(seen.now, market).map(|row| row.price);
        let Some(most) = terms.most_open(price) else { continue };
        let was = perpetuals::perpetual(seen.before, market).map(|perpetual| perpetual.open_interest);
        let grew = was.is_some_and(|was| perpetual.open_interest > was);
        if grew && perpetual.open_interest > most {
            return Err(format!("market {market} has {} open of {most}", perpetual.open_interest));
        }
        count += 1;
    }
    Ok(count)
}

/// I-10: with an account worth less than nothing, the gate of its pool closed in this block; what all of them lack
/// (I-11) is what the block told.
pub(super) fn deficits(seen: &Seen<'_>) -> Verdict {
    let (mut lacking, mut count) = (0, 0_u64);
    for (id, account) in &seen.is {
        let worth = risk(seen.now, id, account)?.net_collateral;
        if !worth.is_negative() {
            continue;
        }
        let of = subaccounts::collateral(seen.now, account);
        let gate = subaccounts::gate::gate_of(seen.now, of);
        if gate.negative_seen != seen.block.0 {
            return Err(format!(
                "{id} is worth {worth}, the gate of {of:?} closed at {}",
                gate.negative_seen
            ));
        }
        lacking += worth.raw();
        count += 1;
    }
    let told: i128 = seen.of_kind("negative_accounts").map(|event| number(event, "net_collateral")).sum();
    if lacking != told {
        return Err(format!("accounts lack {lacking}, the block told {told}"));
    }
    Ok(count)
}

/// I-10: nobody without positions owes.
pub(super) fn empty_accounts(seen: &Seen<'_>) -> Verdict {
    let mut empty = seen.is.iter().filter(|(_, account)| account.positions.is_empty());
    match empty.find(|(_, account)| account.quote.is_negative()) {
        Some((id, account)) => Err(format!("{id} has no position and owes {}", account.quote)),
        None => Ok(seen.is.len() as u64),
    }
}

/// I-11: no money leaves a pool for 50 blocks after it held an account below zero, nor after an outage.
pub(super) fn gates(seen: &Seen<'_>) -> Verdict {
    let mut count = 0;
    let left = |event: &Event| match event.kind {
        "withdraw_from_subaccount" => subaccount(event, "owner", "number"),
        "subaccount_transfer" => subaccount(event, "sender", "sender_number"),
        _ => None,
    };
    for id in seen.events.iter().filter_map(|event| left(event)) {
        let (Some(was), Some(is)) = (seen.was.get(&id), seen.is.get(&id)) else { continue };
        let of = subaccounts::collateral(seen.before, was);
        if subaccounts::collateral(seen.now, is) != of {
            continue;
        }
        let negative = subaccounts::gate::gate_of(seen.before, of).negative_seen;
        let now = subaccounts::gate::gate_of(seen.now, of);
        let opens = subaccounts::gate::Gate { negative_seen: negative, ..now }.opens_at();
        if seen.block.0 < opens {
            return Err(format!("money left {id} at {}, the gate opens at {opens}", seen.block.0));
        }
        count += 1;
    }
    Ok(count)
}

/// Accounts that the chain itself closed positions of.
fn forced(seen: &Seen<'_>, id: &SubaccountId) -> bool {
    seen.events.iter().any(|event| match event.kind {
        "deleveraging" | "final_settlement" => {
            subaccount(event, "owner", "number") == Some(*id)
                || subaccount(event, "counterparty", "counterparty_number") == Some(*id)
        }
        clob::FILL_EVENT => {
            says(event, "liquidation") && subaccount(event, "taker_owner", "taker_number") == Some(*id)
        }
        _ => false,
    })
}

/// I-13: who traded or moved money out has maintenance margin afterwards, or is safer than before: no more margin
/// needed, and `worth_new x margin_old >= worth_old x margin_new`; without margin, worth more than before. Both sides
/// at this block's prices, and for the maintenance margin, which others cannot change within the block as they
/// can the initial one.
pub(super) fn margins(seen: &Seen<'_>) -> Verdict {
    let mut count = 0;
    let empty = Subaccount::default();
    for (id, is) in &seen.is {
        let was = seen.was.get(id).unwrap_or(&empty);
        if was == is || forced(seen, id) {
            continue;
        }
        let (old, new) = (risk(seen.now, id, was)?, risk(seen.now, id, is)?);
        count += 1;
        let raw = |risk: &Risk| (risk.net_collateral.raw(), risk.maintenance.raw());
        let ((old_worth, old_margin), (new_worth, new_margin)) = (raw(&old), raw(&new));
        if new_worth >= new_margin {
            continue;
        }
        let safer = if old_margin == 0 || new_margin == 0 {
            new_margin == old_margin && new_worth > old_worth
        } else {
            new_margin <= old_margin && new_worth * old_margin >= old_worth * new_margin
        };
        if !safer {
            return Err(format!("{id} went from {old:?} to {new:?} by its own doing"));
        }
    }
    Ok(count)
}
