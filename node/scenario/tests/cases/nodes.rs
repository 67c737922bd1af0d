//! Cases of nodes (ABCI) whose point is how much there is: they run a hundredth of it, and all of it with
//! `BALLAST_FULL_LOAD=1`, as those of [`crate::load`].

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use app::upgrade::{versions, Upgrade};
use app::{Machine, Release};
use cosmos_sdk_proto::cosmos::upgrade::v1beta1::{MsgSoftwareUpgrade, Plan};
use num::Price;
use proto::dydxprotocol::clob::order::{ConditionType, GoodTilOneof, Side};
use proto::dydxprotocol::clob::MsgPlaceOrder;
use scenario::any;
use store::{Ctx, Map, Memory};
use subaccounts::Subaccount;
use types::{MarketId, SubaccountId};

use crate::load::{load, owner, refused, resident, Load};
use crate::{BTC, COIN, DOLLAR, STEP};

/// Triggers, liquidations and meetings of orders that a block of these tests has room for.
const ROOM: u32 = 20;

/// So many owners, every second one long a tenth of a bitcoin with little behind it and a stop below; the others
/// short the same, with a bid just above where those are worth nothing.
fn crowd(owners: u64) -> Load {
    let mut load = Load::new(owners, 300, |app| {
        app.orders.short_term_rates.clear();
        app.orders.stateful_rates.clear();
        app.orders.taker_band_ppm = 0;
        app.orders.max_triggers = ROOM;
        app.liquidations.max_accounts = ROOM;
        app.liquidations.max_position_portion_ppm = 1_000_000;
        app.liquidations.bankruptcy_adjustment_ppm = 1_000_000;
    });
    let until = load.next() + 1;
    for at in 0..load.owners.len() {
        let side = if at % 2 == 0 { Side::Buy } else { Side::Sell };
        load.order(at, 1, (side, COIN / 10, 28_688 * DOLLAR), until);
    }
    assert_eq!(refused(&load.block()), BTreeMap::new());
    let until = u32::try_from(load.world.time().seconds() + 86_400).unwrap();
    for at in (0..load.owners.len()).step_by(2) {
        let mut stop = load.terms(at, 2, (Side::Sell, STEP, 20_000 * DOLLAR), 0);
        stop.order_id.as_mut().unwrap().order_flags = 32;
        stop.condition_type = ConditionType::StopLoss.into();
        stop.conditional_order_trigger_subticks = 28_000 * DOLLAR;
        stop.good_til_oneof = Some(GoodTilOneof::GoodTilBlockTime(until));
        load.add(&any(&MsgPlaceOrder { order: Some(stop) }));
        let bid = (Side::Buy, COIN / 10, 25_750 * DOLLAR);
        load.order(at + 1, 3, bid, load.next() + 30);
    }
    assert_eq!(refused(&load.block()), BTreeMap::new());
    load
}

/// A fall of everybody's price wakes every stop and puts everybody who is long below their margin. However many
/// they are, a block does its part and leaves the rest to the next ones, and a node that starts again in between
/// leaves the same to the same ones.
#[test]
fn abci_17_what_a_block_has_no_room_for_waits_for_the_next_on_every_node_alike() {
    let owners = load(20_000).min(2_000);
    let mut load = crowd(owners);
    load.world.prices.insert(MarketId(BTC), Price::new(25_800 * 100_000));
    let (mut blocks, mut triggered, mut attempted) = (0_u64, 0, BTreeSet::new());
    loop {
        let mut twin = load.world.twin();
        twin.machine.full_checks = false;
        let time = load.world.machine.last_block().1.plus_seconds(1);
        let ours = load.world.machine.rehearse(time, &load.world.prices, &[]).unwrap();
        let theirs = twin.machine.rehearse(time, &load.world.prices, &[]).unwrap();
        assert_eq!((&ours.events, ours.summary), (&theirs.events, theirs.summary), "block {blocks}");
        let changes = load.world.machine.take_changes();
        assert_eq!(changes, twin.machine.take_changes(), "block {blocks}");
        let of = |kind: &str| ours.events.iter().filter(|event| event.kind == kind).count();
        let (fired, closed) = (of("conditional_triggered"), of("liquidation"));
        assert!(fired <= ROOM as usize && closed <= ROOM as usize, "{fired} triggers, {closed} liquidations");
        blocks += 1;
        triggered += fired;
        attempted.insert(closed);
        if fired + closed == 0 || blocks == owners {
            break;
        }
    }
    println!("ABCI-17: {owners} owners, {triggered} stops and liquidations {attempted:?} a block in {blocks} blocks");
    assert!(blocks >= owners / 2 / u64::from(ROOM), "they were too many for a few blocks");
    assert!(attempted.contains(&(ROOM as usize)), "no block was full");
}

/// A quarter of what blocks do by themselves fails: each failure is undone and stands alone, the laws hold after
/// every block, and when nothing fails any more all is done.
#[test]
fn abci_41_an_item_of_a_block_that_fails_is_undone_alone_and_the_others_are_done() {
    let mut load = crowd(200);
    load.world.prices.insert(MarketId(BTC), Price::new(25_800 * 100_000));
    load.world.machine.full_checks = true;
    load.world.stumble(Some(41));
    let (mut done, mut failed) = (0, 0_u64);
    for block in 0..60 {
        if block == 20 {
            failed = load.world.machine.stumbled().values().sum::<u64>();
            load.world.stumble(None);
        }
        let outcome = load.block();
        let of = |kind: &str| outcome.events.iter().filter(|event| event.kind == kind).count();
        done += u32::from(block < 20) * (of("conditional_triggered") + of("liquidation")) as u32;
        assert_eq!(app::load::check(load.world.machine.state()), Ok(()), "block {block}");
    }
    let open = (0..load.owners.len()).step_by(2).filter(|at| !load.account(*at).positions.is_empty()).count();
    println!("ABCI-41: {failed} items failed, {done} were done beside them; {open} accounts are left");
    assert!(failed > 5 && done > 20, "{failed} failed, {done} were done");
    assert_eq!(open, 0, "nobody is below margin in the end");
}

/// The accounts, and what a later program might keep beside each: its collateral, and how many positions it has.
const OLD: Map<SubaccountId, Subaccount> = Map::new([0x15, 0x00], "subaccounts/subaccounts");
const NEW: Map<SubaccountId, (i128, u32)> = Map::new([0x1b, 0xee], "nobody/sums");

#[expect(clippy::unnecessary_wraps, reason = "the form of a migration")]
fn sum_up(ctx: &mut Ctx<'_>) -> Result<(), String> {
    for (id, account) in OLD.scan(ctx.state.as_read(), &(), usize::MAX) {
        NEW.set(ctx.state, &id, &(account.quote.raw(), account.positions.len() as u32));
    }
    Ok(())
}

const SUMS: Release = Release::of(&[Upgrade { name: "sums", raises: &["subaccounts"], migrate: sum_up }]);

/// The block of an upgrade that makes a row of each account, on nodes that started at different times and whose
/// tables hash under different secrets.
#[test]
fn abci_21_an_upgrade_of_a_million_accounts_makes_the_same_rows_on_every_node() {
    let owners = load(1_000_000);
    let mut load = Load::new(owners, 1, |app| {
        app.governance.authority = Some(owner(0).to_bech32(&app.prefix));
    });
    let height = i64::try_from(load.next() + 2).unwrap();
    let plan = Plan { name: "sums".into(), height, ..Plan::default() };
    load.add(&any(&MsgSoftwareUpgrade { authority: load.owners[0].clone(), plan: Some(plan) }));
    assert_eq!(refused(&load.block()), BTreeMap::new());
    load.block();
    let mut made = Vec::new();
    for seed in [0, 1, 2] {
        let rows = load.world.machine.memory().iter().map(|(key, value)| (key.clone(), value.clone()));
        let mut node = Machine::from_state(Memory::seeded(seed, rows)).unwrap();
        node.release = SUMS;
        let time = load.world.machine.last_block().1.plus_seconds(1);
        let began = Instant::now();
        node.rehearse(time, &load.world.prices, &[]).unwrap();
        let changes = node.take_changes();
        let took = began.elapsed();
        assert_eq!(versions(node.state()).iter().find(|row| row.0 == "subaccounts").unwrap().1, 2);
        println!(
            "ABCI-21: {owners} accounts, {} rows changed in {:.2} s, {} MB resident",
            changes.len(),
            took.as_secs_f64(),
            resident() >> 20
        );
        assert!(changes.len() as u64 > owners);
        made.push(changes);
    }
    assert!(made[0] == made[1] && made[1] == made[2], "the rows differ");
    let sum = NEW.get(load.world.machine.state(), &SubaccountId { owner: owner(7), number: 0 });
    assert!(sum.is_none(), "the node that is left has not done it");
}
