//! What the composition itself keeps: the chain's configuration and the last block. Module byte `0x01`.

use borsh::{BorshDeserialize, BorshSerialize};
use store::{Collection, Item, Map, Read};
use types::{Block, Chain, Time};

/// The chain's fixed configuration, written at genesis.
pub(crate) const CHAIN: Item<Chain> = Item::new([0x01, 0x00], "app/chain");
/// The block that was executed last.
pub(crate) const LAST_BLOCK: Item<Block> = Item::new([0x01, 0x01], "app/last_block");
/// First height whose votes carry oracle prices; 0 when votes never do.
pub(crate) const EXTENSIONS_FROM: Item<u64> = Item::new([0x01, 0x02], "app/extensions_from");
/// Oracle votes of the last block that carried any: what each validator said.
pub(crate) const LAST_VOTES: Item<Vec<u8>> = Item::new([0x01, 0x03], "app/last_votes");
/// Minimum gas prices and highest gas limit of every transaction, written at genesis.
pub(crate) const RULES: Item<Rules> = Item::new([0x01, 0x04], "app/rules");

/// Versions of modules that upgrades have raised, by module byte; the others have version 1.
pub(crate) const VERSIONS: Map<u8, u32> = Map::new([0x01, 0x05], "app/versions");

/// What every transaction of the chain must bring.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Rules {
    /// Minimum gas prices, as text: amount and denomination.
    pub(crate) gas_prices: Vec<String>,
    /// Highest gas limit.
    pub(crate) max_gas: u64,
}

/// The rules in the form that `accounts` wants.
pub(crate) fn rules(state: &dyn Read) -> accounts::Rules {
    let rules = RULES.get(state).unwrap_or_default();
    accounts::Rules {
        // They parsed at genesis.
        gas_prices: rules.gas_prices.iter().filter_map(|text| accounts::GasPrice::parse(text).ok()).collect(),
        max_gas: rules.max_gas,
    }
}

pub(crate) fn rows() -> Vec<Collection> {
    vec![
        CHAIN.collection(),
        LAST_BLOCK.collection(),
        EXTENSIONS_FROM.collection(),
        LAST_VOTES.collection(),
        RULES.collection(),
        VERSIONS.collection(),
    ]
}

/// Height and time of the last block; height 0 and the genesis time before the first.
pub fn last_block(state: &dyn Read) -> (u64, Time) {
    LAST_BLOCK.get(state).map_or((0, Time::default()), |block| (block.height, block.time))
}

/// The block that was executed last.
pub fn previous_block(state: &dyn Read) -> Block {
    LAST_BLOCK.get(state).unwrap_or_default()
}

/// The chain's fixed configuration.
pub fn chain(state: &dyn Read) -> Option<Chain> {
    CHAIN.get(state)
}

/// Minimum gas prices of the chain, as text: amount and denomination.
pub fn gas_prices(state: &dyn Read) -> Vec<String> {
    RULES.get(state).unwrap_or_default().gas_prices
}
