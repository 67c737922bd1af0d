//! What rounding of settlements left in the pools goes to the insurance funds, as soon as it is a whole quote
//! quantum.

use store::{attempt, Ctx};
use subaccounts::Accounts;

use crate::Error;

/// I4: after everything that settles accounts, give each fund the whole quote quantums of its pool's dust, in order of
/// pool. The rest, less than one, waits. A pool that cannot pay keeps its dust, and the next block tries again.
pub fn end_block(ctx: &mut Ctx<'_>, accounts: &mut Accounts) {
    for (of, whole) in accounts.whole_dust() {
        let _later = attempt(ctx, accounts, |ctx, accounts| {
            insurance::absorb(ctx, of, whole)?;
            accounts.take_dust(of, whole);
            Ok::<(), Error>(())
        });
    }
}
