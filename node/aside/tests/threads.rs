//! Who gives way, and who does not.

/// The niceness of the calling thread, from 0 to 19.
fn niceness() -> i32 {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
    // After the name, which may hold anything, in brackets.
    let fields = stat.rsplit(") ").next().unwrap();
    fields.split(' ').nth(16).unwrap().parse().unwrap()
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn net_14_questions_give_way_and_what_asks_them_does_not() {
    let own = niceness();
    let answered = aside::run(|| (niceness(), std::thread::current().id())).await.unwrap();
    assert_eq!(answered.0, (own + aside::NICENESS).min(19));
    assert_ne!(answered.1, std::thread::current().id());
    assert_eq!(niceness(), own);
    assert_eq!(tokio::task::spawn_blocking(niceness).await.unwrap(), own, "ordinary work is not slowed");
}

#[tokio::test]
async fn work_that_panics_ends_alone() {
    assert!(aside::run(|| panic!("on purpose")).await.unwrap_err().is_panic());
    assert_eq!(aside::run(|| 7).await.unwrap(), 7);
}
