//! House rules that no compiler knows: sizes, names, words, documents. Each test prints how much it looked at,
//! and fails when that is nothing.
//!
//! Reading order: `tree` (what files there are, what is code in them), `sources`, `documents`, `limits`.

mod documents;
mod limits;
mod sources;
mod tree;

/// Fails with the list of what is wrong, after saying how much was looked at.
fn judge(what: &str, looked_at: usize, wrong: &[String]) {
    println!("{what}: {looked_at} looked at, {} wrong", wrong.len());
    assert!(looked_at > 0, "{what}: nothing was looked at");
    assert!(wrong.is_empty(), "{what}:\n{}", wrong.join("\n"));
}
