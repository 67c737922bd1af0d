//! Faults that are put in on purpose.

use prost::bytes::Bytes;
use scenario::Dice;

/// What a byzantine proposer makes of an honest proposal, and the name of it.
pub(crate) fn damage(honest: &[Bytes], dice: &mut Dice) -> (Vec<Bytes>, &'static str) {
    let mut txs = honest.to_vec();
    let at = |dice: &mut Dice, count: usize| {
        let last = u64::try_from(count).unwrap_or(1).saturating_sub(1);
        usize::try_from(dice.within(0, last)).unwrap_or_default()
    };
    let count = txs.len();
    let kind = dice.within(0, 9);
    match kind {
        0 if count > 1 => {
            txs.remove(1 + at(dice, count - 1));
            (txs, "proposal drops")
        }
        1 if count > 2 => {
            let (one, other) = (at(dice, count), at(dice, count));
            txs.swap(one, other);
            (txs, "proposal reorders")
        }
        2 if count > 0 => {
            let tx = txs[at(dice, count)].clone();
            txs.insert(at(dice, count + 1), tx);
            (txs, "proposal repeats")
        }
        3 if count > 0 => {
            let length = dice.within(0, 60);
            let tx: Vec<u8> = (0..length).map(|_| dice.roll().to_le_bytes()[0]).collect();
            txs.insert(1 + at(dice, count), tx.into());
            (txs, "proposal injects")
        }
        4 if count > 0 => {
            txs.push(vec![0x0a; 200_000].into());
            (txs, "proposal is huge")
        }
        5 if count > 0 => {
            let mut forged = txs[0].to_vec();
            let place = at(dice, forged.len());
            forged[place] ^= 1 << dice.within(0, 7);
            txs[0] = forged.into();
            (txs, "proposal forges votes")
        }
        6 if count > 0 => {
            txs.remove(0);
            (txs, "proposal lacks votes")
        }
        7 if count > 1 => {
            let place = 1 + at(dice, count - 1);
            let mut tx = txs[place].to_vec();
            let byte = at(dice, tx.len());
            if let Some(byte) = tx.get_mut(byte) {
                *byte ^= 1 << dice.within(0, 7);
            }
            txs[place] = tx.into();
            (txs, "proposal alters")
        }
        8 => (Vec::new(), "proposal is empty"),
        _ => {
            txs.push(vec![app::oracle::VOTE_SET_MARK, 8, 1].into());
            (txs, "proposal has stray votes")
        }
    }
}
