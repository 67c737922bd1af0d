//! Threads that wait for whoever makes blocks: when cores are short, questions of strangers get what consensus
//! leaves.
//!
//! [`run`] is for work that only reads, on committed views. Never for what holds a lock that a block takes (checking
//! a transaction does): consensus would wait for a thread that waits for it.

use std::cell::Cell;
use std::sync::OnceLock;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// How much less than the thread that began it one of ours wants, in the kernel's steps, which end at 19. A thread
/// 15 steps below another has about a thirtieth of its share beside it, and a whole core where nobody else wants it.
pub const NICENESS: i32 = 15;

thread_local! {
    static LOWERED: Cell<bool> = const { Cell::new(false) };
}

/// From now on the calling thread gives way to others, for ever: the kernel lets nobody take it back. Elsewhere
/// than on Linux it goes on as it is.
pub fn give_way() {
    if LOWERED.replace(true) {
        return;
    }
    #[cfg(target_os = "linux")]
    let lower = |own: i32| rustix::process::setpriority_process(None, own.saturating_add(NICENESS));
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::getpriority_process(None).and_then(lower) {
        tracing::debug!(%error, "a thread that answers questions keeps its priority");
    }
}

/// Threads of their own: one that gave way must never run anything else. Its tasks are never polled; it is there
/// for the threads that may block, whose number those who ask bound.
fn threads() -> &'static Result<Runtime, std::io::Error> {
    static THREADS: OnceLock<Result<Runtime, std::io::Error>> = OnceLock::new();
    THREADS.get_or_init(|| {
        Builder::new_current_thread().thread_name("questions").on_thread_start(give_way).build()
    })
}

/// Do `work`, which may block, on a thread that gives way. On an ordinary one where there can be none.
pub fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    match threads() {
        Ok(threads) => threads.spawn_blocking(work),
        Err(_) => tokio::task::spawn_blocking(work),
    }
}
