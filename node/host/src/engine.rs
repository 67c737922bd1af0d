//! Which engines this application lets itself be driven by.

use crate::host::refuse;

/// The oldest CometBFT whose published holes are closed: earlier ones let block times be forged, heights be
/// poisoned and networks be stopped.
const OLDEST: [u64; 3] = [0, 38, 25];

/// End the process, with advice, when the engine names a version that is too old. A version that is not
/// understood is taken: it is of a program that is not CometBFT, or of one that does not exist yet.
pub(crate) fn admit(version: &str) {
    if parse(version).is_some_and(|version| version < OLDEST) {
        let [major, minor, patch] = OLDEST;
        refuse(&format!(
            "CometBFT {version} has known security holes; run v{major}.{minor}.{patch} or later \
             (scripts/localnet installs one, or: go install github.com/cometbft/cometbft/cmd/cometbft@\
             v{major}.{minor}.{patch})"
        ));
    }
    tracing::info!(version, "the engine introduces itself");
}

fn parse(version: &str) -> Option<[u64; 3]> {
    let numbers = version.trim_start_matches('v').split(['-', '+']).next()?;
    let mut parts = numbers.split('.').map(str::parse);
    let parsed = [parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?];
    parts.next().is_none().then_some(parsed)
}

#[cfg(test)]
mod tests {
    use super::{parse, OLDEST};

    #[test]
    fn versions_are_compared_number_by_number() {
        for (text, old) in [
            ("0.37.99", true),
            ("0.38.9", true),
            ("0.38.24", true),
            ("v0.38.24-dev+abc", true),
            ("0.38.25", false),
            ("v0.38.100", false),
            ("0.39.4", false),
            ("1.0.1", false),
        ] {
            assert_eq!(parse(text).unwrap() < OLDEST, old, "{text}");
        }
        for text in ["", "unknown", "0.38", "0.38.x", "0.38.25.1"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
