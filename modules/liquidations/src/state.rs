//! What this module keeps in the store. Module byte `0x19`.

use store::{Collection, Ctx, Item, Map, Read};
use types::SubaccountId;

use crate::params::Params;
use crate::Error;

/// Parameters.
pub(crate) const PARAMS: Item<Params> = Item::new([0x19, 0x00], "liquidations/params");

/// Accounts that a block had no room for: `account -> height since which it waits`.
pub(crate) const WAITING: Map<SubaccountId, u64> = Map::new([0x19, 0x01], "liquidations/waiting");

/// What this module keeps.
pub fn layout() -> [Collection; 2] {
    [PARAMS.collection(), WAITING.collection()]
}

/// Parameters of liquidation.
pub fn params(state: &dyn Read) -> Params {
    PARAMS.get(state).unwrap_or_default()
}

/// Replace the parameters. Refused (code 4) when one is out of its bounds.
pub fn set_params(ctx: &mut Ctx<'_>, params: &Params) -> Result<(), Error> {
    params.check()?;
    PARAMS.set(ctx.state, params);
    Ok(())
}
