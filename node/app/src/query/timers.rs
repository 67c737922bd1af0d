//! What happens at its time: timers, and changes that wait for a later block.

use proto::dydxprotocol::{delaymsg, epochs};

use super::{page, Answered, Call, Failure};
use crate::state;

/// What is answered here.
pub(super) const METHODS: &[&str] = &[
    "dydxprotocol.delaymsg.Query/BlockMessageIds",
    "dydxprotocol.delaymsg.Query/Message",
    "dydxprotocol.delaymsg.Query/NextDelayedMessageId",
    "dydxprotocol.epochs.Query/EpochInfo",
    "dydxprotocol.epochs.Query/EpochInfoAll",
];

/// Seconds of the hours by which volumes are counted.
const HOUR_SECONDS: u32 = 3_600;

pub(super) fn call(call: &Call<'_>, service: &str, method: &str) -> Answered {
    match (service, method) {
        ("dydxprotocol.delaymsg.Query", "BlockMessageIds") => call.with(|request| block_ids(call, request)),
        ("dydxprotocol.delaymsg.Query", "Message") => call.with(|request| message(call, request)),
        ("dydxprotocol.delaymsg.Query", "NextDelayedMessageId") => {
            call.plain(&delaymsg::QueryNextDelayedMessageIdResponse {
                next_delayed_message_id: short(governance::queue::next_number(call.state)),
            })
        }
        ("dydxprotocol.epochs.Query", "EpochInfo") => {
            call.with(|request: &epochs::QueryGetEpochInfoRequest| {
                let found = timers(call).into_iter().find(|timer| timer.name == request.name);
                let shown: String = request.name.chars().take(128).collect();
                let missing = || Failure::not_found(format!("there is no timer {shown}"));
                Ok::<_, Failure>(epochs::QueryEpochInfoResponse {
                    epoch_info: Some(found.ok_or_else(missing)?),
                })
            })
        }
        ("dydxprotocol.epochs.Query", "EpochInfoAll") => {
            call.with(|request: &epochs::QueryAllEpochInfoRequest| {
                let rows = (0..).zip(timers(call)).collect();
                let (rows, pagination) = page::of(request.pagination.as_ref(), rows, |(place, _)| *place)?;
                let epoch_info = rows.into_iter().map(|(_, timer)| timer).collect();
                Ok::<_, Failure>(epochs::QueryEpochInfoAllResponse { epoch_info, pagination })
            })
        }
        _ => None,
    }
}

/// The largest number of 32 bits when it is more.
fn short(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn block_ids(
    call: &Call<'_>,
    request: &delaymsg::QueryBlockMessageIdsRequest,
) -> Result<delaymsg::QueryBlockMessageIdsResponse, Failure> {
    let due = governance::queue::due(call.state, call.height).into_iter();
    let due = due.filter(|due| due.height == u64::from(request.block_height));
    let message_ids: Vec<u32> = due.map(|due| short(due.number)).collect();
    if message_ids.is_empty() {
        let words = format!("no change waits for block {}", request.block_height);
        return Err(Failure::not_found(words));
    }
    Ok(delaymsg::QueryBlockMessageIdsResponse { message_ids })
}

fn message(
    call: &Call<'_>,
    request: &delaymsg::QueryMessageRequest,
) -> Result<delaymsg::QueryMessageResponse, Failure> {
    let mut due = governance::queue::due(call.state, call.height).into_iter();
    let missing = || Failure::not_found(format!("no change with number {} waits", request.id));
    let due = due.find(|due| due.number == u64::from(request.id)).ok_or_else(missing)?;
    let msg = prost_types::Any { type_url: due.change.type_url, value: due.change.bytes };
    let message =
        delaymsg::DelayedMessage { id: short(due.number), msg: Some(msg), block_height: short(due.height) };
    Ok(delaymsg::QueryMessageResponse { message: Some(message) })
}

/// Samples and ticks of funding, and the hours of volumes. Epochs are counted since 1970; the height of the last
/// tick is not kept and shown as 0.
fn timers(call: &Call<'_>) -> [epochs::EpochInfo; 3] {
    let (params, clock) = (funding::state::params(call.state), funding::state::clock(call.state));
    let now = state::previous_block(call.state).time.seconds();
    let hour = i64::from(HOUR_SECONDS);
    let next_hour = now.saturating_sub(now.rem_euclid(hour)).saturating_add(hour);
    let timer = |name: &str, next: i64, duration: u32| {
        let next_tick = u32::try_from(next).unwrap_or_default();
        epochs::EpochInfo {
            name: name.into(),
            next_tick,
            duration,
            current_epoch: next_tick.checked_div(duration).unwrap_or_default().saturating_sub(1),
            current_epoch_start_block: 0,
            is_initialized: true,
            fast_forward_next_tick: true,
        }
    };
    [
        timer("funding-sample", clock.next_sample.seconds(), params.sample_seconds),
        timer("funding-tick", clock.next_tick.seconds(), params.tick_seconds),
        timer("stats-epoch", next_hour, HOUR_SECONDS),
    ]
}
