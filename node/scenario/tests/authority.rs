//! What the authority may change, and that nobody else may: from the message to the block it holds in.

use app::genesis::Governance;
use cosmos_sdk_proto::Any;
use proto::ballast::clob::v1::MsgBatch;
use proto::dydxprotocol::clob as clob_wire;
use proto::dydxprotocol::clob::order::Side;
use proto::dydxprotocol::feetiers as fees_wire;
use proto::dydxprotocol::listing as listing_wire;
use proto::dydxprotocol::perpetuals as perpetuals_wire;
use scenario::{any, Wallet, World};
use types::MarketId;

const BTC: MarketId = MarketId(0);

/// The devnet, with olga as its authority.
fn world() -> World {
    let mut app = World::devnet();
    let authority = Some(Wallet::new("olga").address().to_bech32(&app.prefix));
    app.governance = Governance { authority };
    World::with(app, &["olga", "alice", "bob"], 1_000_000_000_000)
}

fn pair(world: &World, change: impl FnOnce(&mut clob_wire::ClobPair)) -> Any {
    let mut pair = clob::query::wire_pair(&clob::pair(world.machine.state(), BTC).unwrap());
    change(&mut pair);
    any(&clob_wire::MsgUpdateClobPair { authority: world.address("olga"), clob_pair: Some(pair) })
}

fn perpetual(world: &World, change: impl FnOnce(&mut perpetuals_wire::PerpetualParams)) -> Any {
    let request = perpetuals_wire::QueryPerpetualRequest { id: 0 };
    let found = perpetuals::query::one_perpetual(world.machine.state(), &request).unwrap();
    let mut params = found.perpetual.unwrap().params.unwrap();
    change(&mut params);
    let (authority, perpetual_params) = (world.address("olga"), Some(params));
    any(&perpetuals_wire::MsgUpdatePerpetualParams { authority, perpetual_params })
}

fn limits(world: &World, num_blocks: u32, limit: u32) -> Any {
    let window = clob_wire::MaxPerNBlocksRateLimit { num_blocks, limit };
    let config = clob_wire::BlockRateLimitConfiguration {
        max_short_term_orders_and_cancels_per_n_blocks: vec![window],
        ..clob_wire::BlockRateLimitConfiguration::default()
    };
    any(&clob_wire::MsgUpdateBlockRateLimitConfiguration {
        authority: world.address("olga"),
        block_rate_limit_config: Some(config),
    })
}

fn refusal(world: &mut World, person: &str, message: Any) -> Option<(String, u32)> {
    let result = world.run(person, &[message]);
    result.refusal.map(|refusal| (refusal.codespace, refusal.code))
}

/// What a block of its own answers to a transaction.
fn included(world: &mut World, tx: &[u8]) -> Option<(String, u32)> {
    world.submit(tx.to_vec());
    let result = world.block().pop().unwrap();
    result.refusal.map(|refusal| (refusal.codespace, refusal.code))
}

/// Alice and Bob have 100,000 dollars each in their accounts.
fn fund(world: &mut World) {
    for person in ["alice", "bob"] {
        let deposit = world.deposit(person, 100_000_000_000);
        assert_eq!(refusal(world, person, deposit), None);
    }
}

/// Alice sells so many bitcoin quantums to Bob at the oracle price.
fn trade(world: &mut World, size: u64) {
    for (person, side) in [("alice", Side::Sell), ("bob", Side::Buy)] {
        let order = world.place(world.order(person, 0, 1, (side, size, 2_868_800_000)));
        assert_eq!(refusal(world, person, order), None);
    }
}

#[test]
fn a_change_that_fails_is_told_and_those_behind_it_are_carried_out() {
    let (mut dropped, mut behind) = (0, 0);
    for seed in 0..8 {
        let mut world = world();
        let messages: Vec<_> = (1..=6).map(|limit| limits(&world, 10, limit)).collect();
        assert_eq!(world.run("olga", &messages).refusal, None);
        assert_eq!(governance::queue::waiting(world.machine.state()).len(), 6);
        world.stumble(Some(seed));
        world.block();
        assert!(governance::queue::waiting(world.machine.state()).is_empty(), "each had its turn");
        let changes = world.last.events.iter().filter(|event| event.kind == "change");
        let refused: Vec<_> = changes.map(|event| event.get("refused").is_some()).collect();
        assert_eq!(refused.len(), 6);
        let last = refused.iter().rposition(|refused| !refused);
        let holds = clob::params(world.machine.state()).rate_limits.short_term;
        let limit = holds.first().map(|window| usize::try_from(window.limit).unwrap());
        assert_eq!(limit, last.map(|last| last + 1), "the last one that did not fail holds, seed {seed}");
        dropped += refused.iter().filter(|refused| **refused).count();
        behind += refused.iter().skip_while(|refused| !**refused).filter(|refused| !**refused).count();
    }
    println!("{dropped} changes failed, {behind} behind them were carried out");
    assert!(dropped > 0 && behind > 0);
}

#[test]
fn gov_01_nobody_but_the_authority_changes_anything() {
    let mut world = world();
    // Signed by somebody else, the message is not theirs to send.
    let message = pair(&world, |pair| pair.subticks_per_tick = 1);
    assert_eq!(refusal(&mut world, "alice", message), Some(("sdk".into(), 8)));
    // In the name of somebody else it is not the authority's.
    let mut wire = clob_wire::MsgUpdateClobPair { authority: world.address("alice"), clob_pair: None };
    wire.clob_pair = Some(clob::query::wire_pair(&clob::pair(world.machine.state(), BTC).unwrap()));
    assert_eq!(refusal(&mut world, "alice", any(&wire)), Some(("governance".into(), 4)));
    assert!(governance::queue::waiting(world.machine.state()).is_empty());
}

#[test]
fn without_an_authority_in_the_genesis_nobody_has_its_key() {
    let mut world = World::new(&["olga"], 1_000_000);
    let message = pair(&world, |_| ());
    assert_eq!(refusal(&mut world, "olga", message), Some(("governance".into(), 4)));
}

#[test]
fn gov_03_a_grid_becomes_finer_only_and_resting_orders_stay() {
    let mut world = world();
    fund(&mut world);
    let order = world.place(world.order("alice", 0, 1, (Side::Sell, 10_000_000_000, 2_868_800_000)));
    assert_eq!(refusal(&mut world, "alice", order), None);
    let old = clob::pair(world.machine.state(), BTC).unwrap();
    let coarse = pair(&world, |pair| pair.subticks_per_tick *= 2);
    assert_eq!(refusal(&mut world, "olga", coarse).map(|(space, _)| space), Some("clob".into()));
    let zero = pair(&world, |pair| pair.step_base_quantums = 0);
    assert_eq!(refusal(&mut world, "olga", zero).map(|(space, _)| space), Some("clob".into()));
    let exponent = pair(&world, |pair| pair.quantum_conversion_exponent -= 1);
    assert_eq!(refusal(&mut world, "olga", exponent), Some(("governance".into(), 6)));
    let (tick, step) = (old.subticks_per_tick / 10, old.step.raw() / 10);
    let finer = pair(&world, |pair| {
        (pair.subticks_per_tick, pair.step_base_quantums) = (tick, step);
    });
    assert_eq!(refusal(&mut world, "olga", finer), None);
    assert_eq!(clob::pair(world.machine.state(), BTC).unwrap(), old, "it holds from the next block on");
    let price = 2_868_800_000 + u64::from(tick);
    let bid = world.place(world.order("bob", 0, 1, (Side::Buy, step, price)));
    assert_eq!(refusal(&mut world, "bob", bid), None, "in that block the finer grid holds");
    assert_eq!(world.account("bob").size(BTC).raw(), i128::from(step));
    world.restart();
    world.block();
}

/// One order for 0.01 BTC at 40,000 dollars, counted in ticks and steps.
fn asks_at_40_000(world: &World, good_til: clob::GoodTil) -> Vec<u8> {
    let pair = clob::pair(world.machine.state(), BTC).unwrap();
    let placing = clob::Placing {
        market: BTC,
        client_id: 7,
        side: clob::Side::Sell,
        ticks: 4_000_000_000 / u64::from(pair.subticks_per_tick),
        steps: 100_000_000 / pair.step.raw(),
        good_til,
        time_in_force: clob::TimeInForce::Rest,
        reduce_only: false,
        self_trade: clob::SelfTrade::CancelTaker,
        client_metadata: 0,
        condition: None,
        builder: None,
    };
    let message = any(&MsgBatch {
        subaccount_id: Some(world.wire_id("alice")),
        atomic: false,
        operations: clob::compact::encode(&[clob::Operation::Place(placing)]),
    });
    world.sign("alice", &[message])
}

#[test]
fn gov_03_a_batch_that_was_signed_for_larger_ticks_never_runs_at_smaller_ones() {
    let mut world = world();
    fund(&mut world);
    let prices = |world: &World| -> Vec<u64> {
        let resting = clob::query::all_resting(world.machine.state());
        resting.iter().map(|(resting, _)| resting.order.price.raw()).collect()
    };
    let window = u64::from(clob::params::SHORT_BLOCK_WINDOW);
    let block = |height: u64| clob::GoodTil::Block(u32::try_from(height).unwrap());
    let signed = asks_at_40_000(&world, block(world.height() + window));
    assert_eq!(included(&mut world, &signed), None);
    assert_eq!(prices(&world), [4_000_000_000]);
    let same = pair(&world, |_| ());
    assert_eq!(refusal(&mut world, "olga", same), None);
    world.block();
    let signed_then = asks_at_40_000(&world, block(world.height() + window));
    assert_eq!(included(&mut world, &signed_then), None, "the same grid again is no other one");
    let finer = pair(&world, |pair| pair.subticks_per_tick /= 10);
    // Signed as late as anybody could for the larger ticks, and not sent yet.
    let late = asks_at_40_000(&world, block(world.height() + 1 + window));
    assert_eq!(refusal(&mut world, "olga", finer), None);
    // Who saw the batch sends it again, and the late one comes: at a tenth of the price nobody was asked.
    for tx in [&signed, &late, &signed] {
        assert_eq!(included(&mut world, tx), Some(("clob".into(), 20_012)));
        assert_eq!(prices(&world), [4_000_000_000]);
    }
    world.restart();
    assert_eq!(
        included(&mut world, &late),
        Some(("clob".into(), 20_012)),
        "a node that was started again knows"
    );
    // Who means the smaller ticks says so by lasting longer than any old batch could.
    let new = asks_at_40_000(&world, block(world.height() + window));
    assert_eq!(included(&mut world, &new), None);
    assert_eq!(prices(&world), [4_000_000_000]);
}

#[test]
fn gov_03_a_batch_that_lives_until_a_time_waits_until_no_larger_ticks_can_be_meant() {
    let mut world = world();
    fund(&mut world);
    let finer = pair(&world, |pair| pair.subticks_per_tick /= 10);
    let tomorrow = clob::GoodTil::Time(u32::try_from(world.time().seconds()).unwrap() + 86_400);
    // Signed before, and sent after the ticks became smaller.
    let signed = asks_at_40_000(&world, tomorrow);
    assert_eq!(refusal(&mut world, "olga", finer), None);
    let last = world.height() + 1 + u64::from(clob::params::SHORT_BLOCK_WINDOW);
    let too_early = Some(("clob".to_owned(), 20_012));
    assert_eq!(included(&mut world, &signed), too_early);
    world.blocks(last - 1 - world.height());
    let mempool = |world: &mut World, tx: &[u8]| {
        let (mut twin, last) = (world.twin(), world.machine.last_block());
        let known = app::Signatures::default();
        let result = app::check::check(twin.machine.memory(), tx, last, app::check::Mode::New, &known);
        result.refusal.map(|refusal| (refusal.codespace, refusal.code))
    };
    let late = asks_at_40_000(&world, tomorrow);
    assert_eq!(mempool(&mut world, &late), too_early, "what is on its way is forgotten");
    assert_eq!(included(&mut world, &late), too_early, "block {last} is the last");
    assert_eq!(world.height(), last);
    let new = asks_at_40_000(&world, tomorrow);
    assert_eq!(mempool(&mut world, &new), None);
    assert_eq!(included(&mut world, &new), None);
}

#[test]
fn what_is_accepted_holds_from_the_next_block_on_and_survives_a_restart_in_between() {
    let mut world = world();
    let message = limits(&world, 1, 3);
    assert_eq!(refusal(&mut world, "olga", message), None);
    assert_eq!(governance::queue::waiting(world.machine.state()).len(), 1);
    world.restart();
    world.block();
    assert_eq!(clob::params(world.machine.state()).rate_limits.short_term[0].limit, 3);
    assert!(governance::queue::waiting(world.machine.state()).is_empty());
    let done = world.last.events.iter().filter(|event| event.kind == "change");
    assert!(done.clone().all(|event| event.get("refused").is_none()) && done.count() == 1);
}

#[test]
fn shorter_windows_forget_the_same_on_a_node_that_was_started_again() {
    let mut world = world();
    fund(&mut world);
    let wide = limits(&world, 9, 1_000);
    assert_eq!(refusal(&mut world, "olga", wide), None);
    world.block();
    let order = world.place(world.order("alice", 0, 1, (Side::Sell, 10_000_000_000, 2_900_000_000)));
    assert_eq!(refusal(&mut world, "alice", order), None);
    let narrow = limits(&world, 1, 1_000);
    assert_eq!(refusal(&mut world, "olga", narrow), None);
    world.block();
    let mut again = world.twin();
    for _ in 0..12 {
        let input = world.input(Vec::new());
        let (ours, theirs) = (world.machine.execute(&input), again.machine.execute(&input));
        assert_eq!(ours, theirs);
        let (ours, theirs) = (world.machine.take_changes(), again.machine.take_changes());
        assert_eq!(ours, theirs, "at {}", input.height);
        world.pass(1);
    }
}

#[test]
fn gov_02_values_out_of_bounds_and_things_that_are_for_ever_are_refused() {
    let mut world = world();
    let rows: Vec<(&str, Any, (&str, u32))> = vec![
        ("a window of no blocks", limits(&world, 0, 1), ("clob", 0)),
        (
            "default funding",
            perpetual(&world, |params| params.default_funding_ppm = 1_000_001),
            ("perpetuals", 5),
        ),
        ("no ticker", perpetual(&world, |params| params.ticker.clear()), ("perpetuals", 6)),
        ("no such tier", perpetual(&world, |params| params.liquidity_tier = 77), ("perpetuals", 12)),
        ("no such market", perpetual(&world, |p| (p.id, p.market_id) = (77, 77)), ("perpetuals", 1)),
        ("another oracle", perpetual(&world, |params| params.market_id = 1), ("governance", 6)),
        ("another resolution", perpetual(&world, |params| params.atomic_resolution += 1), ("governance", 6)),
        (
            "liquidation fee of nothing",
            any(&clob_wire::MsgUpdateLiquidationsConfig {
                authority: world.address("olga"),
                liquidations_config: Some(clob_wire::LiquidationsConfig {
                    position_block_limits: Some(clob_wire::PositionBlockLimits::default()),
                    subaccount_block_limits: Some(clob_wire::SubaccountBlockLimits::default()),
                    fillable_price_config: Some(clob_wire::FillablePriceConfig::default()),
                    ..clob_wire::LiquidationsConfig::default()
                }),
            }),
            ("liquidations", 4),
        ),
        (
            "funding without a clamp",
            any(&perpetuals_wire::MsgUpdateParams {
                authority: world.address("olga"),
                params: Some(perpetuals_wire::Params::default()),
            }),
            ("perpetuals", 14),
        ),
    ];
    for (name, message, (codespace, code)) in rows {
        let (space, number) = refusal(&mut world, "olga", message).expect(name);
        assert_eq!(space, codespace, "{name}");
        assert!(code == 0 || number == code, "{name}: {number}");
    }
    assert!(governance::queue::waiting(world.machine.state()).is_empty());
}

#[test]
fn fees_and_discounts_change_for_the_fills_of_the_next_block() {
    let mut world = world();
    fund(&mut world);
    let request = fees::query::perpetual_fee_params(world.machine.state());
    let mut tiers = request.params.unwrap();
    for tier in &mut tiers.tiers {
        (tier.maker_fee_ppm, tier.taker_fee_ppm) = (0, 10_000);
    }
    let message =
        fees_wire::MsgUpdatePerpetualFeeParams { authority: world.address("olga"), params: Some(tiers) };
    assert_eq!(refusal(&mut world, "olga", any(&message)), None);
    let now = world.machine.last_block().1.seconds();
    let moment = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    let message = fees_wire::MsgSetMarketFeeDiscountParams {
        authority: world.address("olga"),
        params: vec![fees_wire::PerMarketFeeDiscountParams {
            clob_pair_id: 0,
            start_time: moment(now),
            end_time: moment(now + 100),
            charge_ppm: 500_000,
        }],
    };
    assert_eq!(refusal(&mut world, "olga", any(&message)), None);
    // One BTC-cent-sized trade: 1 % of its quote, halved by the discount.
    let size = 10_000_000_000;
    trade(&mut world, size);
    let cost = 100_000_000_000 - world.account("bob").quote.raw();
    let price = world.account("alice").quote.raw() - 100_000_000_000;
    assert_eq!(cost - price, price / 200, "bob paid {cost}, alice got {price}");
}

#[test]
fn an_isolated_market_joins_the_others_with_its_pool_and_its_fund() {
    let mut app = World::devnet();
    app.governance = Governance { authority: Some(Wallet::new("olga").address().to_bech32(&app.prefix)) };
    app.markets[0].isolated = true;
    app.fees.insurance_share_ppm = 500_000;
    let mut world = World::with(app, &["olga", "alice", "bob"], 1_000_000_000_000);
    fund(&mut world);
    trade(&mut world, 10_000_000_000);
    let denom = world.machine.chain().collateral.clone();
    let own = perpetuals::Collateral::Isolated(BTC);
    let held = |world: &World, address| bank::balance(world.machine.state(), &address, &denom);
    assert!(held(&world, own.address(subaccounts::POOL)) > 190_000_000_000);
    let fund = insurance::balance_of(world.machine.state(), BTC, &denom).raw();
    assert!(fund > 0);
    let message = any(&listing_wire::MsgUpgradeIsolatedPerpetualToCross {
        authority: world.address("olga"),
        perpetual_id: 0,
    });
    assert_eq!(refusal(&mut world, "olga", message.clone()), None);
    world.block();
    assert_eq!(held(&world, own.address(subaccounts::POOL)), 0);
    assert_eq!(held(&world, own.address(insurance::FUND)), 0);
    assert!(insurance::balance(world.machine.state(), &denom).raw() >= fund);
    assert!(held(&world, subaccounts::pool()) > 190_000_000_000);
    assert_eq!(refusal(&mut world, "olga", message), Some(("perpetuals".into(), 23)));
    let order = world.place(world.order("bob", 1, 2, (Side::Buy, 1_000_000_000, 1_000_000_000)));
    assert_eq!(refusal(&mut world, "bob", order), None, "other markets are open to its accounts");
    world.restart();
    world.block();
}

#[test]
fn ord_20_a_market_that_is_over_loses_its_orders_and_settles_every_position_at_the_oracle_price() {
    let mut world = world();
    fund(&mut world);
    trade(&mut world, 10_000_000_000);
    let rest = world.place(world.order("alice", 0, 2, (Side::Sell, 10_000_000_000, 2_900_000_000)));
    assert_eq!(refusal(&mut world, "alice", rest), None);
    assert_eq!(world.machine.books().len(), 1);
    let worth = |world: &World, person| {
        subaccounts::risk(world.machine.state(), &world.account(person)).unwrap().net_collateral.raw()
    };
    let before = ["alice", "bob"].map(|person| worth(&world, person));
    let over = pair(&world, |pair| pair.status = clob_wire::clob_pair::Status::FinalSettlement.into());
    assert_eq!(refusal(&mut world, "olga", over), None);
    world.blocks(3);
    assert_eq!(world.machine.books().len(), 0, "its orders are gone");
    for (person, was) in ["alice", "bob"].into_iter().zip(before) {
        assert!(world.account(person).positions.is_empty(), "{person}");
        assert!((worth(&world, person) - was).abs() <= 1, "{person} keeps its worth");
    }
    let open = perpetuals::perpetual(world.machine.state(), BTC).unwrap().open_interest;
    assert!(open.is_zero());
    let order = world.place(world.order("bob", 0, 3, (Side::Buy, 10_000_000_000, 2_868_800_000)));
    assert_eq!(refusal(&mut world, "bob", order).map(|(space, _)| space), Some("clob".into()));
    let active = pair(&world, |pair| pair.status = clob_wire::clob_pair::Status::Active.into());
    assert_eq!(refusal(&mut world, "olga", active), Some(("clob".into(), 35)));
    world.restart();
    world.block();
}

#[test]
fn a_market_that_is_over_is_wound_up_though_parts_of_it_fail_again_and_again() {
    let (mut orders, mut positions) = (0, 0);
    for seed in 1..=16_u64 {
        let mut world = world();
        fund(&mut world);
        trade(&mut world, 10_000_000_000);
        for number in 2..6 {
            let rest = world.order("alice", 0, number, (Side::Sell, 10_000_000_000, 2_900_000_000));
            let rest = world.place(rest);
            assert_eq!(refusal(&mut world, "alice", rest), None);
        }
        world.stumble(Some(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        let is_over = |world: &World| {
            let pair = clob::pair(world.machine.state(), BTC).unwrap();
            pair.status == clob::state::Status::FinalSettlement
        };
        // The change itself fails at times.
        while !is_over(&world) {
            let over =
                pair(&world, |pair| pair.status = clob_wire::clob_pair::Status::FinalSettlement.into());
            assert_eq!(refusal(&mut world, "olga", over), None);
            world.block();
        }
        world.blocks(30);
        assert_eq!(world.machine.books().len(), 0, "its orders are gone");
        assert!(["alice", "bob"].iter().all(|person| world.account(person).positions.is_empty()));
        let fell = |kind| world.machine.stumbled().get(&kind).copied().unwrap_or_default();
        orders += fell(store::Scheduled::WindUp);
        positions += fell(store::Scheduled::Settlement);
    }
    println!("{orders} orders and {positions} settlements failed at first");
    assert!(orders > 0 && positions > 0);
}

#[test]
fn margins_of_a_tier_rise_slowly() {
    let mut world = world();
    let old = perpetuals::tier(world.machine.state(), 0).unwrap();
    let tier = perpetuals_wire::LiquidityTier {
        id: 0,
        name: old.name.clone(),
        initial_margin_ppm: old.initial_margin.raw() + 100_000,
        maintenance_fraction_ppm: old.maintenance_fraction.raw(),
        impact_notional: u64::try_from(old.impact_notional.raw()).unwrap(),
        ..perpetuals_wire::LiquidityTier::default()
    };
    let authority = world.address("olga");
    let message = any(&perpetuals_wire::MsgSetLiquidityTier { authority, liquidity_tier: Some(tier) });
    assert_eq!(refusal(&mut world, "olga", message), None);
    world.blocks(11);
    let now = perpetuals::tier(world.machine.state(), 0).unwrap().initial_margin.raw();
    let risen = now - old.initial_margin.raw();
    assert!((900..=1_100).contains(&risen), "a thousandth of 100,000 ppm in each of ten blocks: {risen}");
}

#[test]
fn gov_06_many_changes_are_carried_out_in_their_order_some_in_each_block() {
    let mut world = world();
    for limit in 1..=25 {
        let mut envelope = world.envelope("olga");
        envelope.sequence += u64::from(limit) - 1;
        let message = limits(&world, 1, limit);
        world.submit(scenario::sign(&Wallet::new("olga"), &[message], &envelope));
    }
    assert!(world.block().iter().all(|result| result.refusal.is_none()));
    for expected in [10, 20, 25] {
        world.block();
        assert_eq!(clob::params(world.machine.state()).rate_limits.short_term[0].limit, expected);
    }
}

#[test]
fn liq_20_a_market_with_a_cap_takes_no_new_positions_until_the_cap_goes() {
    let mut world = world();
    let cap = |world: &World, who: &str, cap| {
        let authority = world.address(who);
        any(&proto::ballast::perpetuals::v1::MsgSetOpenInterestCap { authority, perpetual_id: 0, cap })
    };
    let of_alice = cap(&world, "alice", 1);
    assert_eq!(refusal(&mut world, "alice", of_alice), Some(("governance".into(), 4)));
    let mut set = cap(&world, "olga", 1);
    assert_eq!(refusal(&mut world, "olga", set), None);
    for person in ["alice", "bob"] {
        let deposit = world.deposit(person, 100_000_000_000);
        assert_eq!(refusal(&mut world, person, deposit), None);
    }
    let rest = world.place(world.order("alice", 0, 1, (Side::Sell, 10_000_000_000, 2_868_800_000)));
    assert_eq!(refusal(&mut world, "alice", rest), None);
    let take = world.place(world.order("bob", 0, 1, (Side::Buy, 10_000_000_000, 2_868_800_000)));
    assert_eq!(refusal(&mut world, "bob", take), Some(("clob".into(), 20_011)));
    set = cap(&world, "olga", 0);
    assert_eq!(refusal(&mut world, "olga", set), None);
    world.restart();
    let take = world.place(world.order("bob", 0, 2, (Side::Buy, 10_000_000_000, 2_868_800_000)));
    assert_eq!(refusal(&mut world, "bob", take), None);
    let state = world.machine.state();
    assert_eq!(perpetuals::perpetual(state, BTC).unwrap().open_interest.raw(), 10_000_000_000);
}

#[test]
fn what_money_that_leaves_must_leave_is_the_authoritys_to_say() {
    let mut world = world();
    fund(&mut world);
    trade(&mut world, 10_000_000_000);
    let share = |world: &World, who: &str, margin_ppm| {
        let authority = world.address(who);
        any(&proto::ballast::perpetuals::v1::MsgSetWithdrawalMargin { authority, margin_ppm })
    };
    let of_alice = share(&world, "alice", 0);
    assert_eq!(refusal(&mut world, "alice", of_alice), Some(("governance".into(), 4)));
    let beyond = share(&world, "olga", 1_000_001);
    assert_eq!(refusal(&mut world, "olga", beyond), Some(("perpetuals".into(), 1_005)));
    // One bitcoin of 28,688.19524 dollars, of which the market asks 5 % and the default 10 %.
    let risk = |world: &World| subaccounts::risk(world.machine.state(), &world.account("bob")).unwrap();
    let all_but = |world: &World, left: i128| {
        let worth = risk(world).net_collateral.raw();
        world.withdraw("bob", u64::try_from(worth - left).unwrap())
    };
    assert_eq!(risk(&world).initial.raw(), 1_434_409_762);
    let most = all_but(&world, 2_868_819_523);
    assert_eq!(refusal(&mut world, "bob", most), Some(("subaccounts".into(), 1_004)));
    let all = share(&world, "olga", 1_000_000);
    assert_eq!(refusal(&mut world, "olga", all), None);
    // Bounds of funding are another message, which leaves the share alone.
    let authority = world.address("olga");
    let params = perpetuals::query::params(world.machine.state()).params;
    let funding = any(&perpetuals_wire::MsgUpdateParams { authority, params });
    assert_eq!(refusal(&mut world, "olga", funding), None);
    world.restart();
    let most = all_but(&world, 28_688_195_239);
    assert_eq!(refusal(&mut world, "bob", most), Some(("subaccounts".into(), 1_004)));
    let none = share(&world, "olga", 0);
    assert_eq!(refusal(&mut world, "olga", none), None);
    world.block();
    let most = all_but(&world, 1_434_409_761);
    assert_eq!(refusal(&mut world, "bob", most), Some(("subaccounts".into(), 102)));
    let most = all_but(&world, 1_434_409_762);
    assert_eq!(refusal(&mut world, "bob", most), None);
    assert_eq!(risk(&world).net_collateral.raw(), 1_434_409_762);
}

#[test]
fn abci_22_abci_24_not_even_the_authority_changes_validators_or_the_rules_of_consensus() {
    let mut world = world();
    for kind in [
        "/cosmos.consensus.v1.MsgUpdateParams",
        "/cosmos.staking.v1beta1.MsgCreateValidator",
        "/cosmos.staking.v1beta1.MsgUndelegate",
        "/cosmos.slashing.v1beta1.MsgUnjail",
        "/cosmos.gov.v1.MsgSubmitProposal",
    ] {
        let before = governance::validators(world.machine.state());
        let message = Any { type_url: kind.into(), value: Vec::new() };
        assert_eq!(refusal(&mut world, "olga", message), Some(("governance".into(), 2)), "{kind}");
        assert_eq!(governance::validators(world.machine.state()), before);
    }
}
