//! The compact form of a batch's operations. One form for each list of operations: numbers are varints in the
//! fewest bytes, the base height is the least of the blocks named, no part that may be absent has its default
//! value, and nothing follows the last operation.
//!
//! ```text
//! batch      = base-height operation+
//! operation  = tag market client-id until (ticks steps [extras])    the part in brackets: not of cancels
//! tag        = bits 0-1: 0 place, 1 replace, 2 cancel
//!              bit 2: sell     bits 3-4: 0 rest, 1 immediate or cancel, 2 post-only     bit 5: reduce-only
//!              bit 6: lives until a time     bit 7: has extras
//!              of a cancel bits 2, 5 and 7 are 0, and 3-4 say of an order with a time: 0 long-term,
//!              1 conditional, 2 twap
//! until      = blocks after the base height, or seconds since 1970
//! extras     = byte [metadata] [address fee-ppm] [kind trigger-ticks]
//!              bits 0-1: self-trade, 1 cancel taker, 2 cancel both     bit 2: metadata     bit 3: builder
//!              bit 4: condition, kind 1 stop-loss, 2 take-profit
//! ```
//!
//! The base height is 0 when no operation names a block.

use alloc::vec::Vec;

use types::{Address, Malformed, MarketId};

use crate::batch::{Operation, Placing, MAX_OPERATIONS};
use crate::error::Error;
use crate::order::{Builder, ConditionKind, GoodTil, Kind, SelfTrade, Side, TimeInForce};

const SELL: u8 = 1 << 2;
const REDUCE_ONLY: u8 = 1 << 5;
const BY_TIME: u8 = 1 << 6;
const EXTRAS: u8 = 1 << 7;

const METADATA: u8 = 1 << 2;
const BUILDER: u8 = 1 << 3;
const CONDITION: u8 = 1 << 4;

fn wrong(reason: &'static str) -> Error {
    Error::Malformed(Malformed::new("operations", reason))
}

/// What has not been read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Result<u8, Error> {
        let (byte, rest) = self.0.split_first().ok_or_else(|| wrong("end in the middle of one"))?;
        self.0 = rest;
        Ok(*byte)
    }

    fn varint(&mut self) -> Result<u64, Error> {
        let mut value: u64 = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            // The tenth byte has room for one bit.
            let part = bits.checked_shl(shift).filter(|part| part.checked_shr(shift) == Some(bits));
            value |= part.ok_or_else(|| wrong("have a number above 64 bits"))?;
            if byte & 0x80 == 0 {
                if byte == 0 && shift > 0 {
                    return Err(wrong("have a number in more bytes than it needs"));
                }
                return Ok(value);
            }
        }
        Err(wrong("have a number above 64 bits"))
    }

    fn small(&mut self) -> Result<u32, Error> {
        u32::try_from(self.varint()?).map_err(|_| wrong("have a number above 32 bits where none may be"))
    }

    fn address(&mut self) -> Result<Address, Error> {
        let (bytes, rest) = self.0.split_first_chunk::<20>().ok_or_else(|| wrong("end in an address"))?;
        self.0 = rest;
        Ok(Address::new(*bytes))
    }
}

/// Read operations, with the rules of orders that need no state.
pub fn decode(bytes: &[u8]) -> Result<Vec<Operation>, Error> {
    let mut reader = Reader(bytes);
    let base = reader.small()?;
    let mut operations = Vec::new();
    let mut least = None;
    while !reader.0.is_empty() {
        if operations.len() >= MAX_OPERATIONS {
            return Err(wrong("are more than 100"));
        }
        let operation = operation(&mut reader, base)?;
        let until = match operation {
            Operation::Place(placing) | Operation::Replace(placing) => placing.good_til,
            Operation::Cancel { good_til, .. } => good_til,
        };
        if let GoodTil::Block(height) = until {
            least = Some(least.map_or(height, |least: u32| least.min(height)));
        }
        operations.push(operation);
    }
    if operations.is_empty() {
        return Err(wrong("are none"));
    }
    if least.unwrap_or(0) != base {
        return Err(wrong("have a base height that is not the least block named"));
    }
    Ok(operations)
}

fn operation(reader: &mut Reader<'_>, base: u32) -> Result<Operation, Error> {
    let tag = reader.byte()?;
    let market = MarketId(reader.small()?);
    let client_id = reader.small()?;
    let until = reader.small()?;
    let by_time = tag & BY_TIME != 0;
    let good_til = if by_time {
        GoodTil::Time(until)
    } else {
        GoodTil::Block(base.checked_add(until).ok_or_else(|| wrong("have a block above 32 bits"))?)
    };
    match good_til {
        GoodTil::Block(0) => return Err(Error::NoBlock),
        GoodTil::Time(0) => return Err(Error::NoTime),
        GoodTil::Block(_) | GoodTil::Time(_) => {}
    }
    let variant = (tag >> 3) & 3;
    if tag & 3 == 2 {
        let kind = match (by_time, variant) {
            (false, 0) => Kind::ShortTerm,
            (true, 0) => Kind::LongTerm,
            (true, 1) => Kind::Conditional,
            (true, 2) => Kind::Twap,
            _ => return Err(wrong("have a cancel of no kind")),
        };
        if tag & (SELL | REDUCE_ONLY | EXTRAS) != 0 {
            return Err(wrong("have a cancel with terms of an order"));
        }
        return Ok(Operation::Cancel { market, kind, client_id, good_til });
    }
    let time_in_force = match variant {
        0 => TimeInForce::Rest,
        1 => TimeInForce::ImmediateOrCancel,
        2 => TimeInForce::PostOnly,
        _ => return Err(Error::TimeInForce(3)),
    };
    let (ticks, steps) = (reader.varint()?, reader.varint()?);
    let mut placing = Placing {
        market,
        client_id,
        side: if tag & SELL == 0 { Side::Buy } else { Side::Sell },
        ticks,
        steps,
        good_til,
        time_in_force,
        reduce_only: tag & REDUCE_ONLY != 0,
        self_trade: SelfTrade::CancelMaker,
        client_metadata: 0,
        condition: None,
        builder: None,
    };
    if tag & EXTRAS != 0 {
        extras(reader, &mut placing)?;
    }
    check(&placing)?;
    match tag & 3 {
        0 => Ok(Operation::Place(placing)),
        1 => Ok(Operation::Replace(placing)),
        _ => Err(wrong("have one that neither places, replaces nor cancels")),
    }
}

fn extras(reader: &mut Reader<'_>, placing: &mut Placing) -> Result<(), Error> {
    let byte = reader.byte()?;
    if byte == 0 || byte >= CONDITION << 1 {
        return Err(wrong("have extras that are nothing"));
    }
    placing.self_trade = match byte & 3 {
        0 => SelfTrade::CancelMaker,
        1 => SelfTrade::CancelTaker,
        2 => SelfTrade::CancelBoth,
        _ => return Err(wrong("have a choice for self-trades that there is not")),
    };
    if byte & METADATA != 0 {
        placing.client_metadata = reader.small()?;
        if placing.client_metadata == 0 {
            return Err(wrong("have metadata 0, which is to be left out"));
        }
    }
    if byte & BUILDER != 0 {
        let address = reader.address()?;
        placing.builder = Some(Builder { address, fee_ppm: reader.small()? });
    }
    if byte & CONDITION != 0 {
        let kind = match reader.byte()? {
            1 => ConditionKind::StopLoss,
            2 => ConditionKind::TakeProfit,
            other => return Err(Error::Condition(other.into())),
        };
        placing.condition = Some((kind, reader.varint()?));
    }
    Ok(())
}

/// The rules of an order that need no state, in the order of those of a single one.
fn check(placing: &Placing) -> Result<(), Error> {
    if placing.steps == 0 {
        return Err(Error::ZeroSize);
    }
    if placing.kind() == Kind::LongTerm && placing.time_in_force == TimeInForce::ImmediateOrCancel {
        return Err(Error::LongTermImmediate);
    }
    if placing.ticks == 0 {
        return Err(Error::ZeroPrice);
    }
    match placing.condition {
        Some(_) if placing.kind() != Kind::Conditional => return Err(Error::Condition(1)),
        Some((_, 0)) => return Err(Error::Trigger),
        Some(_) | None => {}
    }
    match placing.builder {
        Some(builder) if !(1..=10_000).contains(&builder.fee_ppm) => {
            Err(Error::BuilderCode("fee must be 1 to 10000 ppm"))
        }
        Some(_) | None => Ok(()),
    }
}

/// Write operations. What [`decode`] reads is written as it was.
pub fn encode(operations: &[Operation]) -> Vec<u8> {
    let block = |operation: &Operation| match operation {
        Operation::Place(Placing { good_til: GoodTil::Block(height), .. })
        | Operation::Replace(Placing { good_til: GoodTil::Block(height), .. })
        | Operation::Cancel { good_til: GoodTil::Block(height), .. } => Some(*height),
        Operation::Place(_) | Operation::Replace(_) | Operation::Cancel { .. } => None,
    };
    let base = operations.iter().filter_map(block).min().unwrap_or(0);
    let mut out = Vec::new();
    varint(&mut out, base.into());
    for operation in operations {
        match operation {
            Operation::Place(placing) => place(&mut out, 0, placing, base),
            Operation::Replace(placing) => place(&mut out, 1, placing, base),
            Operation::Cancel { market, kind, client_id, good_til } => {
                let variant = match kind {
                    Kind::ShortTerm | Kind::LongTerm | Kind::TwapSlice => 0,
                    Kind::Conditional => 1 << 3,
                    Kind::Twap => 2 << 3,
                };
                head(&mut out, 2 | variant, (*market, *client_id), (*good_til, base));
            }
        }
    }
    out
}

fn varint(out: &mut Vec<u8>, value: u64) {
    let mut rest = value;
    while rest >= 0x80 {
        let [low, ..] = rest.to_le_bytes();
        out.push(low | 0x80);
        rest >>= 7;
    }
    let [low, ..] = rest.to_le_bytes();
    out.push(low);
}

fn head(out: &mut Vec<u8>, tag: u8, (market, client_id): (MarketId, u32), until: (GoodTil, u32)) {
    let (by_time, until) = match until {
        (GoodTil::Time(seconds), _) => (BY_TIME, seconds),
        (GoodTil::Block(height), base) => (0, height.saturating_sub(base)),
    };
    out.push(tag | by_time);
    [market.0, client_id, until].into_iter().for_each(|number| varint(out, number.into()));
}

fn place(out: &mut Vec<u8>, action: u8, placing: &Placing, base: u32) {
    let variant = match placing.time_in_force {
        TimeInForce::Rest => 0,
        TimeInForce::ImmediateOrCancel => 1 << 3,
        TimeInForce::PostOnly => 2 << 3,
    };
    let self_trade = match placing.self_trade {
        SelfTrade::CancelMaker => 0,
        SelfTrade::CancelTaker => 1,
        SelfTrade::CancelBoth => 2,
    };
    let bit = |yes: bool, bit: u8| if yes { bit } else { 0 };
    let extras = self_trade
        | bit(placing.client_metadata != 0, METADATA)
        | bit(placing.builder.is_some(), BUILDER)
        | bit(placing.condition.is_some(), CONDITION);
    let tag = action
        | variant
        | bit(placing.side == Side::Sell, SELL)
        | bit(placing.reduce_only, REDUCE_ONLY)
        | bit(extras != 0, EXTRAS);
    head(out, tag, (placing.market, placing.client_id), (placing.good_til, base));
    varint(out, placing.ticks);
    varint(out, placing.steps);
    if extras == 0 {
        return;
    }
    out.push(extras);
    if placing.client_metadata != 0 {
        varint(out, placing.client_metadata.into());
    }
    if let Some(builder) = placing.builder {
        out.extend_from_slice(builder.address.bytes());
        varint(out, builder.fee_ppm.into());
    }
    if let Some((kind, trigger)) = placing.condition {
        out.push(match kind {
            ConditionKind::StopLoss => 1,
            ConditionKind::TakeProfit => 2,
        });
        varint(out, trigger);
    }
}
