//! Orders that come again or go: ORD-08 and 09.

use clob::Side as Book;
use proto::dydxprotocol::clob as wire;
use proto::dydxprotocol::clob::order::{GoodTilOneof, Side};
use scenario::tell;

use crate::{book, order, place, world};
use crate::{COIN, DOLLAR};

#[test]
fn ord_08_what_a_replacement_has_left_is_its_size_less_what_the_id_has_traded() {
    tell(
        "
        fees 0% 0%
        alice deposits 100000
        bob   deposits 100000
        alice buys  3 BTC @ 28000 as 7
        bob   sells 1 BTC @ 28000
          => book BTC: 2 @ 28000 |
        alice buys  2 BTC @ 28000 as 7
          => book BTC: 1 @ 28000 |
        alice sells 4 BTC @ 29000 as 7         # another side
          => refused clob/20
        alice buys  1 BTC @ 28000 as 7         # no more than has traded
          => refused clob/24
          => book BTC: 1 @ 28000 |

        alice buys  5 BTC @ 28002 as 7
          => book BTC: 4 @ 28002 |
        bob   sells 2 BTC @ 28000              # during a match: the new terms
          => fill 2 @ 28002
        alice buys  1 BTC @ 27000 long-term as 8
        alice buys  2 BTC @ 27000 long-term as 8
          => refused clob/3005
    ",
    );
}

#[test]
fn ord_08_of_two_replacements_in_a_block_the_later_window_holds_in_any_order() {
    for first in 0..8 {
        let mut world = world(&[("alice", 100_000)]);
        let bid = order(&world, "alice", 7, Side::Buy, (COIN, (20_000 + first) * DOLLAR));
        assert_eq!(place(&mut world, "alice", bid.clone()), None);
        for (more, price) in [(5, 21_000), (20, 22_000)] {
            let until = GoodTilOneof::GoodTilBlock(u32::try_from(world.height() + 10 + more).unwrap());
            let bid = wire::Order { subticks: price * DOLLAR, good_til_oneof: Some(until), ..bid.clone() };
            let tx = world.sign("alice", &[world.place(bid)]);
            world.submit(tx);
        }
        let refused: Vec<_> = world.block().into_iter().filter_map(|result| result.refusal).collect();
        assert!(refused.iter().all(|refusal| refusal.code == 20), "the earlier window came last");
        assert_eq!(book(&world, Book::Buy), [(22_000, 10_000, 1)]);
    }
}

#[test]
fn ord_09_cancel_and_place_in_one_block_end_the_same_whichever_arrives_first() {
    for lines in [
        "alice sells 1 BTC @ 28000 as 7 til 5\n alice cancels 7",
        "alice cancels 7\n alice sells 1 BTC @ 28000 as 7 til 5",
    ] {
        tell(&format!(
            "
            alice deposits 100000
            together
            {lines}
            block
              => refused clob/7
              => book BTC: |
            blocks 41
            alice sells 1 BTC @ 28000 as 7
              => book BTC: | 1 @ 28000
        "
        ));
    }
}
