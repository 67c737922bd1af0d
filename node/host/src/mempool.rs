//! Checking transactions for the mempool, and simulating them.

use app::check::{check, Mode};
use store::Overlay;
use tendermint_proto::v0_38::abci::{CheckTxType, RequestCheckTx, ResponseCheckTx};
use types::Rejection;

use crate::host::Host;
use crate::render::render;

/// Refusals of the node itself, codespace `sdk` as Cosmos chains have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Busy {
    #[error("mempool is full: {written} keys are written by waiting transactions, at most {limit} may be")]
    Full { written: usize, limit: usize },
}

impl Rejection for Busy {
    fn codespace(&self) -> &'static str {
        "sdk"
    }

    fn code(&self) -> u32 {
        20
    }
}

impl Host {
    pub(crate) fn do_check_tx(&self, request: &RequestCheckTx) -> ResponseCheckTx {
        let mode = if request.r#type == i32::from(CheckTxType::Recheck) { Mode::Again } else { Mode::New };
        let mut pending = self.pending();
        let (written, limit) = (pending.state.written(), self.shared.config.max_pending_keys);
        if mode == Mode::New && written > limit {
            return refused(&Busy::Full { written, limit });
        }
        let moment = (pending.height, pending.time);
        let result = check(&mut pending.state, &request.tx, moment, mode, &self.shared.signatures);
        drop(pending);
        let refusal = result.refusal.unwrap_or_default();
        ResponseCheckTx {
            code: refusal.code,
            codespace: refusal.codespace,
            log: refusal.log,
            gas_wanted: i64::try_from(result.gas_wanted).unwrap_or(i64::MAX),
            gas_used: i64::try_from(result.gas_used).unwrap_or(i64::MAX),
            ..ResponseCheckTx::default()
        }
    }

    /// What `tx` would do and cost, on committed state: signature, fee and gas limit may be missing.
    pub fn simulate(&self, tx: &[u8]) -> app::TxResult {
        let last = self.last_block();
        let mut state = Overlay::new(self.shared.reader.latest());
        check(&mut state, tx, (last.height, last.time), Mode::Simulate, &self.shared.signatures)
    }

    /// The same, with events as text.
    pub fn simulate_rendered(&self, tx: &[u8]) -> (app::TxResult, Vec<tendermint_proto::v0_38::abci::Event>) {
        let result = self.simulate(tx);
        let prefix = self.chain().map(|chain| chain.prefix).unwrap_or_default();
        let events = result.events.iter().map(|event| render(event, &prefix)).collect();
        (result, events)
    }
}

fn refused(rejection: &dyn Rejection) -> ResponseCheckTx {
    ResponseCheckTx {
        code: rejection.code(),
        codespace: rejection.codespace().into(),
        log: rejection.to_string(),
        ..ResponseCheckTx::default()
    }
}
