//! Every table of the chain in one list, and which store of the Merkle tree each module's bytes belong to.

use store::Collection;

/// Module byte and store name; the name is what proofs and `/store/<name>/key` queries use.
pub const STORES: &[(u8, &str)] = &[
    (0x01, "app"),
    (0x10, "bank"),
    (0x11, "prices"),
    (0x12, "accounts"),
    (0x13, "perpetuals"),
    (0x14, "fees"),
    (0x15, "subaccounts"),
    (0x16, "insurance"),
    (0x17, "clob"),
    (0x18, "funding"),
    (0x19, "liquidations"),
    (0x1a, "governance"),
];

/// All tables, by prefix.
pub fn layout() -> Vec<Collection> {
    let mut rows = crate::state::rows();
    rows.extend(bank::layout());
    rows.extend(prices::layout());
    rows.extend(accounts::layout());
    rows.extend(perpetuals::layout());
    rows.extend(fees::layout());
    rows.extend(subaccounts::layout());
    rows.extend(insurance::layout());
    rows.extend(clob::layout());
    rows.extend(funding::layout());
    rows.extend(liquidations::layout());
    rows.extend(governance::layout());
    rows.sort();
    rows
}
