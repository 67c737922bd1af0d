//! Fees of a block: who pays what, what is undone, and where the money goes.

use crate::world::{chain, fill, pool, user, World, USD};
use fees::{
    builder_charge, charge, check_builder, collector, match_fees, query, rates, remove_discount,
    set_discount, set_params, set_tiers, Discount, Genesis, Params, Rates,
};
use num::{Ppm, QuoteQuantums, SignedPpm};
use proptest::prelude::*;
use proto::dydxprotocol::feetiers as wire;
use store::{attempt, Journaled};
use types::{Address, MarketId, Rejection, Time};

fn quote(raw: i128) -> QuoteQuantums {
    QuoteQuantums::new(raw)
}

fn both(taker: i32, maker: i32, of: i128) -> (i128, i128) {
    let fees = match_fees(quote(of), SignedPpm::new(taker), SignedPpm::new(maker)).unwrap();
    (fees.taker.raw(), fees.maker.raw())
}

#[test]
fn q4_a_rebate_is_at_most_what_the_other_side_pays() {
    for (id, taker, maker, of, expected) in [
        ("both pay", 500, 100, 1_000_001, (501, 101)),
        ("a rebate out of a fee", 250, -110, 1_000_001, (251, -110)),
        ("Q4: discounted to nothing", 0, -110, 1_000_000, (0, 0)),
        ("Q4: less than the rebate", 50, -110, 1_000_000, (50, -50)),
        ("a taker's rebate out of a maker's fee", -60, 40, 1_000_000, (-40, 40)),
        ("nobody pays two rebates", -60, -40, 1_000_000, (0, 0)),
        ("nothing traded", 500, -110, 0, (0, 0)),
    ] {
        assert_eq!(both(taker, maker, of), expected, "{id}");
    }
    assert_eq!(match_fees(quote(i128::MAX), SignedPpm::new(2_000_000), SignedPpm::ZERO), None);
}

fn discount(start: i64, end: i64, charge: u32) -> Discount {
    let at = |seconds| Time::from_unix(seconds, 0);
    Discount { start: at(start), end: at(end), charge: Ppm::new(charge) }
}

#[test]
fn e3_a_discount_runs_from_its_start_and_not_at_its_end() {
    let market = MarketId(3);
    let genesis =
        Genesis { discounts: vec![(market, discount(1_100, 1_200, 333_333))], ..Genesis::default() };
    let mut world = World::new(&genesis);
    for (seconds, taker, maker) in [
        (1_050, 500, 100),
        (1_099, 500, 100),
        (1_100, 166, 33),
        (1_150, 166, 33),
        (1_199, 166, 33),
        (1_200, 500, 100),
    ] {
        let expected = Rates { maker: SignedPpm::new(maker), taker: SignedPpm::new(taker) };
        let usual = Rates { maker: SignedPpm::new(100), taker: SignedPpm::new(500) };
        world.block(seconds, |ctx, desk| {
            for _ in 0..2 {
                assert_eq!(desk.rates(ctx.state.as_read(), &user(1), market), expected, "at {seconds}");
                assert_eq!(desk.rates(ctx.state.as_read(), &user(1), MarketId(4)), usual);
            }
            assert_eq!(rates(ctx.state.as_read(), &user(1), market), expected);
        });
    }
    let request = wire::QueryPerMarketFeeDiscountParamsRequest { clob_pair_id: 3 };
    let shown = query::per_market_fee_discount_params(&world.state, &request).params.unwrap();
    assert_eq!((shown.start_time.unwrap().seconds, shown.charge_ppm), (1_100, 333_333));
    assert_eq!(query::all_market_fee_discount_params(&world.state).params, [shown]);
}

#[test]
fn discounts_lower_rebates_as_well_toward_nothing() {
    let mut genesis =
        Genesis { discounts: vec![(MarketId(0), discount(0, 10, 500_000))], ..Genesis::default() };
    genesis.tiers.truncate(1);
    genesis.tiers[0].maker = SignedPpm::new(-111);
    let mut world = World::new(&genesis);
    let rates = world.block(1, |ctx, desk| desk.rates(ctx.state.as_read(), &user(1), MarketId(0)));
    assert_eq!((rates.maker.raw(), rates.taker.raw()), (-55, 250));
}

#[test]
fn changes_of_an_authority_are_checked_and_hold_from_the_next_block_on() {
    let mut world = World::new(&Genesis::default());
    let market = MarketId(0);
    for (name, wrong, code) in [
        ("never runs", discount(10, 10, 0), 1_008),
        ("ends first", discount(10, 9, 0), 1_008),
        ("longer than 90 days", discount(0, 7_776_001, 0), 1_008),
        ("above the whole", discount(0, 10, 1_000_001), 1_009),
    ] {
        let error = world.run(|ctx, _| set_discount(ctx, market, &wrong)).unwrap_err();
        assert_eq!((error.codespace(), error.code()), ("feetiers", code), "{name}");
    }
    let mut table = Genesis::default().tiers;
    table[0].taker = SignedPpm::new(400);
    world.block(1, |ctx, desk| {
        assert_eq!(desk.rates(ctx.state.as_read(), &user(1), market).taker.raw(), 500);
        set_tiers(ctx, &table).unwrap();
        set_discount(ctx, market, &discount(0, 7_776_000, 500_000)).unwrap();
        assert_eq!(desk.rates(ctx.state.as_read(), &user(1), market).taker.raw(), 500);
        assert_eq!(desk.rates(ctx.state.as_read(), &user(2), market).taker.raw(), 500, "a stranger as well");
    });
    world.block(2, |ctx, desk| {
        assert_eq!(desk.rates(ctx.state.as_read(), &user(1), market).taker.raw(), 200);
        remove_discount(ctx, market);
        assert_eq!(set_tiers(ctx, &[]).unwrap_err().code(), 1_000);
    });
    world.block(3, |ctx, desk| {
        assert_eq!(desk.rates(ctx.state.as_read(), &user(1), market).taker.raw(), 400);
    });
}

#[test]
fn the_fund_gets_its_share_rounded_down_once_a_block_and_the_collector_the_rest() {
    let params = Params { insurance_share: Ppm::new(333_333), ..Params::default() };
    let mut world = World::new(&Genesis { params, ..Genesis::default() });
    let before = world.holds(&pool());
    world.block(1, |_, desk| {
        desk.record(&fill(1, 2, 1_000, 2));
        desk.record(&fill(3, 2, 1_000, 5));
    });
    let fund = insurance::balance(&world.state, &chain().collateral).raw();
    assert_eq!((fund, world.holds(&collector())), (2, 5));
    assert_eq!(before - world.holds(&pool()), 7);
    // The parameters of the block that runs are those of its beginning.
    world.block(2, |ctx, desk| {
        desk.record(&fill(1, 2, 1_000, 100));
        set_params(ctx, &Params::default()).unwrap();
    });
    assert_eq!(insurance::balance(&world.state, &chain().collateral).raw(), 35);
    world.block(3, |_, desk| desk.record(&fill(1, 2, 1_000, 100)));
    assert_eq!(insurance::balance(&world.state, &chain().collateral).raw(), 35);
}

#[test]
fn builders_are_paid_and_remembered() {
    let mut world = World::new(&Genesis::default());
    let (one, two) = (user(8), user(9));
    world.block(1, |_, desk| {
        for (builder, of, rate) in [(one, 1_000_001, 1_000), (two, 500, 10_000), (one, 2_000_000, 10)] {
            let fee = builder_charge(quote(of), Ppm::new(rate)).unwrap();
            desk.record_builder(pool(), builder, quote(of), fee);
        }
        assert_eq!(desk.held(&pool()), quote(1_001 + 5 + 20));
        let waits = desk.require_paid(&pool()).unwrap_err();
        assert_eq!((waits.codespace(), waits.code()), ("feetiers", 1_013));
        assert_eq!(desk.require_paid(&user(4)).map_err(|error| error.code()), Ok(()));
    });
    world.block(1, |_, desk| assert!(desk.require_paid(&pool()).is_ok()));
    assert_eq!((world.holds(&one), world.holds(&two)), (1_021, 5));
    let merits = fees::builder(&world.state, &one);
    assert_eq!((merits.fills, merits.quote, merits.fees), (2, quote(3_000_001), quote(1_021)));
    assert_eq!(fees::genesis::export(&world.state).builders.len(), 2);
}

#[test]
fn ord_22_builder_fees_beyond_the_cap_or_to_modules_are_refused() {
    let world = World::new(&Genesis::default());
    let check =
        |builder: &Address, fee| check_builder(&world.state, builder, Ppm::new(fee)).map_err(|e| e.code());
    assert_eq!(check(&user(1), 10_000), Ok(()));
    assert_eq!(check(&user(1), 1), Ok(()));
    assert_eq!(check(&user(1), 0), Err(1_011));
    assert_eq!(check(&user(1), 10_001), Err(1_011));
    assert_eq!(check(&collector(), 100), Err(1_012));
}

#[test]
fn what_is_undone_was_never_counted_and_never_paid() {
    let mut world = World::new(&Genesis::default());
    let kept = |world: &mut World, with: bool| {
        world.block(1, |ctx, desk| {
            desk.record(&fill(1, 2, 10 * USD, 11));
            desk.record_builder(pool(), user(7), quote(10), quote(1));
            let undone: Result<(), ()> = attempt(ctx, desk, |ctx, desk| {
                desk.record(&fill(1, 2, 5 * USD, 3));
                desk.record(&fill(4, 5, 5 * USD, 3));
                desk.record_builder(pool(), user(7), quote(10), quote(1));
                desk.record_builder(pool(), user(8), quote(10), quote(1));
                let kept: Result<(), ()> = attempt(ctx, desk, |_, desk| {
                    desk.record(&fill(2, 1, 6 * USD, 4));
                    Ok(())
                });
                kept.unwrap();
                if with {
                    Ok(())
                } else {
                    Err(())
                }
            });
            assert_eq!(undone.is_ok(), with);
        });
        let rows: Vec<_> = world.state.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        (rows, world.holds(&collector()), world.holds(&user(7)), world.holds(&user(8)))
    };
    let (rows, paid, one, two) = kept(&mut world, false);
    assert_eq!((paid, one, two), (11, 1, 0));
    assert_eq!(fees::volume(&world.state, &user(1)).maker, quote(10 * USD));
    assert_eq!(fees::volume(&world.state, &user(4)).maker, quote(0));
    let mut again = World::new(&Genesis::default());
    again.block(1, |_, desk| {
        desk.record(&fill(1, 2, 10 * USD, 11));
        desk.record_builder(pool(), user(7), quote(10), quote(1));
    });
    assert_eq!(again.state.iter().map(|(k, v)| (k.clone(), v.clone())).collect::<Vec<_>>(), rows);
    let mut with = World::new(&Genesis::default());
    let (_, paid, one, two) = kept(&mut with, true);
    assert_eq!((paid, one, two), (21, 2, 1));
    assert_eq!(fees::volume(&with.state, &user(1)).total(), quote(21 * USD));
}

#[test]
fn a_block_that_is_rehearsed_leaves_nothing_behind() {
    let mut world = World::new(&Genesis::default());
    world.block(1, |_, desk| desk.record(&fill(1, 2, 1_000_000 * USD, 5)));
    let rows = |world: &World| world.state.iter().map(|(k, v)| (k.clone(), v.clone())).collect::<Vec<_>>();
    let before = rows(&world);
    world.seconds = 2;
    world.run(|ctx, desk| {
        ctx.state.savepoint();
        desk.savepoint();
        desk.begin_block(ctx);
        desk.record(&fill(2, 1, 7_000_000 * USD, 5));
        desk.record_builder(pool(), user(7), quote(10), quote(1));
        desk.end_block(ctx);
        desk.rollback();
        ctx.state.rollback();
    });
    assert_eq!(rows(&world), before);
    world.block(3, |ctx, desk| {
        assert_eq!(desk.rates(ctx.state.as_read(), &user(1), MarketId(0)).taker.raw(), 450);
        assert_eq!(desk.held(&pool()), quote(0));
    });
    assert_eq!(fees::volume(&world.state, &user(2)).total(), quote(1_000_000 * USD));
}

#[test]
fn hundreds_of_users_keep_their_own_rates_and_volumes() {
    let mut world = World::new(&Genesis::default());
    let address = |number: u32| {
        let mut bytes = [0; 20];
        bytes[16..].copy_from_slice(&number.to_be_bytes());
        Address::new(bytes)
    };
    let volume = |number: u32| i128::from(number) * 50_000 * USD;
    world.block(1, |_, desk| {
        for number in 1..=500 {
            let of = quote(volume(number));
            desk.record(&fees::Fill { taker: address(number), quote: of, ..fill(1, 2, 0, 0) });
        }
    });
    world.block(2, |ctx, desk| {
        for number in (1..=500).chain((1..=500).rev()) {
            let rate = desk.rates(ctx.state.as_read(), &address(number), MarketId(0)).taker.raw();
            let millions = volume(number) / (1_000_000 * USD);
            let expected = [(25, 350), (5, 400), (1, 450), (0, 500)];
            assert_eq!(rate, expected.iter().find(|(least, _)| millions >= *least).unwrap().1);
        }
    });
}

proptest! {
    /// One fill cut into parts never costs less in all, and never earns a larger rebate.
    #[test]
    fn splitting_a_fill_never_lowers_fees_and_never_raises_rebates(
        parts in proptest::collection::vec(0_i128..3_000_000, 1..12),
        taker in 0_i32..1_000,
        maker in -1_000_i32..1_000,
    ) {
        let whole: i128 = parts.iter().sum();
        let one = both(taker, maker, whole);
        let cut = parts.iter().map(|part| both(taker, maker, *part));
        let cut = cut.fold((0, 0), |(t, m), (taker, maker)| (t + taker, m + maker));
        prop_assert!(cut.0 >= one.0 && cut.0 + cut.1 >= one.0 + one.1);
        // Where the rebate is cut down to the taker's fee, it follows that fee.
        if maker >= -taker {
            prop_assert!(cut.1 >= one.1);
        }
        prop_assert!(cut.0 + cut.1 >= 0);
        let ratio = |rate: i32| i128::from(rate) * whole;
        prop_assert!(cut.0 * 1_000_000 >= ratio(taker));
        prop_assert!(maker < -taker || cut.1 * 1_000_000 >= ratio(maker));
    }

    /// Whatever tables and discounts say, a match takes in no less than nothing, and nobody's rebate exceeds F1.
    #[test]
    fn no_match_pays_out(taker in any::<i32>(), maker in any::<i32>(), of in 0_i128..1 << 80) {
        let (taker, maker) = (taker % 1_000_001, maker % 1_000_001);
        let (paid, got) = both(taker, maker, of);
        prop_assert!(paid + got >= 0);
        prop_assert!(paid >= charge(quote(of), SignedPpm::new(taker)).unwrap().raw());
        prop_assert!(got >= charge(quote(of), SignedPpm::new(maker)).unwrap().raw());
    }

    /// Random blocks with refusals in them: what left the pool is what arrived, to the unit, and it is the sum
    /// of the fees that were kept.
    #[test]
    fn money_is_conserved_over_random_blocks(
        blocks in proptest::collection::vec(
            proptest::collection::vec((0_u8..4, 0_u8..4, 0_i128..1_000, any::<bool>(), 0_i128..20), 0..8),
            1..8,
        ),
        share in 0_u32..=1_000_000,
    ) {
        let params = Params { insurance_share: Ppm::new(share), ..Params::default() };
        let mut world = World::new(&Genesis { params, ..Genesis::default() });
        let before = world.holds(&pool());
        let (mut fees, mut built, mut fund) = (0, 0, 0);
        for (height, fills) in (1_i64..).zip(blocks) {
            let mut due = 0;
            world.block(height, |ctx, desk| {
                for (maker, taker, fee, keep, extra) in &fills {
                    let _: Result<(), ()> = attempt(ctx, desk, |_, desk| {
                        desk.record(&fill(*maker, *taker, 1_000, *fee));
                        desk.record_builder(pool(), user(7), quote(1_000), quote(*extra));
                        if *keep { Ok(()) } else { Err(()) }
                    });
                    if *keep {
                        due += *fee;
                        built += *extra;
                    }
                }
            });
            fees += due;
            fund += due * i128::from(share) / 1_000_000;
        }
        prop_assert_eq!(insurance::balance(&world.state, &chain().collateral), quote(fund));
        prop_assert_eq!(world.holds(&collector()), u128::try_from(fees - fund).unwrap());
        prop_assert_eq!(world.holds(&user(7)), u128::try_from(built).unwrap());
        prop_assert_eq!(before - world.holds(&pool()), u128::try_from(fees + built).unwrap());
        world.sums_hold();
    }
}

#[test]
fn debts_go_with_the_pool() {
    let debts = |rows: &[(u8, u8, i128)]| {
        rows.iter().map(|(pool, payee, owed)| ((user(*pool), user(*payee)), quote(*owed))).collect()
    };
    let genesis =
        Genesis { unpaid: debts(&[(3, 8, 5), (3, 9, 7), (4, 8, 11), (5, 8, 13)]), ..Genesis::default() };
    let mut world = World::new(&genesis);
    world.run(|ctx, _| fees::move_debts(ctx, &user(3), &user(4)));
    let left: Vec<_> = debts(&[(4, 8, 16), (4, 9, 7), (5, 8, 13)]);
    assert_eq!(fees::unpaid(&world.state), left);
}
