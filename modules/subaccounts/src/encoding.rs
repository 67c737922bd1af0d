//! Bytes of an account's row: whole numbers of any size in as many bytes as they need, seven bits each, the
//! lowest first, the sign in the lowest bit. Most accounts have few positions of modest size.

use alloc::vec::Vec;

use borsh::io::{Error, ErrorKind, Read, Result, Write};
use borsh::{BorshDeserialize, BorshSerialize};
use num::{BaseQuantums, FundingIndex, QuoteQuantums};
use types::MarketId;

use crate::ledger::Ledger;
use crate::state::{Position, Subaccount};

/// Bytes that 128 bits need.
const LONGEST: u32 = 19;

/// Positions for which room is made before they are read.
const ROOM: usize = 64;

fn put(writer: &mut impl Write, number: i128) -> Result<()> {
    let mut left = (number.wrapping_shl(1) ^ (number >> 127)).cast_unsigned();
    loop {
        let low = u8::try_from(left & 0x7f).unwrap_or_default();
        left >>= 7;
        if left == 0 {
            return writer.write_all(&[low]);
        }
        writer.write_all(&[low | 0x80])?;
    }
}

fn get(reader: &mut impl Read) -> Result<i128> {
    let mut sum: u128 = 0;
    for place in 0..LONGEST {
        let mut byte = [0];
        reader.read_exact(&mut byte)?;
        let [byte] = byte;
        let bits = u128::from(byte & 0x7f);
        let shifted = bits.wrapping_shl(place.saturating_mul(7));
        if shifted.wrapping_shr(place.saturating_mul(7)) != bits {
            return Err(wrong());
        }
        sum |= shifted;
        if byte & 0x80 == 0 {
            let sign = (sum & 1).cast_signed().wrapping_neg();
            return Ok((sum >> 1).cast_signed() ^ sign);
        }
    }
    Err(wrong())
}

fn wrong() -> Error {
    Error::new(ErrorKind::InvalidData, "a number of an account outgrows 128 bits")
}

impl BorshSerialize for Subaccount {
    fn serialize<W: Write>(&self, writer: &mut W) -> Result<()> {
        put(writer, self.quote.raw())?;
        put(writer, i128::try_from(self.positions.len()).unwrap_or_default())?;
        for (market, position) in &self.positions {
            put(writer, market.0.into())?;
            put(writer, position.base.raw())?;
            put(writer, position.funding_index.raw())?;
            put(writer, position.cost.raw())?;
            put_ledger(writer, &position.ledger)?;
        }
        put_ledger(writer, &self.closed)
    }
}

impl BorshDeserialize for Subaccount {
    fn deserialize_reader<R: Read>(reader: &mut R) -> Result<Self> {
        let quote = QuoteQuantums::new(get(reader)?);
        let count = usize::try_from(get(reader)?).map_err(|_| wrong())?;
        let mut positions = Vec::with_capacity(count.min(ROOM));
        for _ in 0..count {
            let market = MarketId(u32::try_from(get(reader)?).map_err(|_| wrong())?);
            let base = BaseQuantums::new(get(reader)?);
            let funding_index = FundingIndex::new(get(reader)?);
            let cost = QuoteQuantums::new(get(reader)?);
            let ledger = get_ledger(reader)?;
            positions.push((market, Position { base, funding_index, cost, ledger }));
        }
        Ok(Self { quote, positions, closed: get_ledger(reader)? })
    }
}

fn put_ledger(writer: &mut impl Write, ledger: &Ledger) -> Result<()> {
    put(writer, ledger.realised.raw())?;
    put(writer, ledger.funding.raw())?;
    put(writer, ledger.fees.raw())
}

fn get_ledger(reader: &mut impl Read) -> Result<Ledger> {
    let realised = QuoteQuantums::new(get(reader)?);
    let funding = QuoteQuantums::new(get(reader)?);
    let fees = QuoteQuantums::new(get(reader)?);
    Ok(Ledger { realised, funding, fees })
}
