//! Why a command did not do what it was asked, and the exit code that tells programs.

use std::fmt;

/// Success.
pub(crate) const EXIT_OK: u8 = 0;
/// The command or the chain refused; nothing was changed.
pub(crate) const EXIT_REFUSED: u8 = 1;
/// The command line is wrong.
pub(crate) const EXIT_USAGE: u8 = 2;
/// A conservation law or an internal assumption does not hold; the node stopped before it committed.
pub(crate) const EXIT_FAULT: u8 = 70;
/// The database cannot be read or written, or is damaged.
pub(crate) const EXIT_STORE: u8 = 74;
/// The node does not answer.
pub(crate) const EXIT_UNREACHABLE: u8 = 75;
/// The next block is for another release than this one.
pub(crate) const EXIT_UPGRADE: u8 = host::EXIT_UPGRADE;

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    /// Exit code of the process.
    pub(crate) code: u8,
    /// What is wrong, and what to do.
    pub(crate) message: String,
}

/// What a command answers.
pub(crate) type Outcome = Result<(), Failure>;

impl Failure {
    /// Refused; nothing was changed.
    pub(crate) fn refused(message: impl fmt::Display) -> Self {
        Self { code: EXIT_REFUSED, message: message.to_string() }
    }

    /// The command line is wrong in a way that only shows when it is put together.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self { code: EXIT_USAGE, message: message.to_string() }
    }

    /// The state or the program contradicts itself.
    pub(crate) fn fault(message: impl fmt::Display) -> Self {
        Self { code: EXIT_FAULT, message: message.to_string() }
    }

    /// The database.
    pub(crate) fn store(message: impl fmt::Display) -> Self {
        Self { code: EXIT_STORE, message: message.to_string() }
    }

    /// A file or folder, named.
    pub(crate) fn file(path: &std::path::Path, error: impl fmt::Display) -> Self {
        Self::refused(format!("{}: {error}", path.display()))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl From<client::Error> for Failure {
    fn from(error: client::Error) -> Self {
        match error {
            client::Error::Unreachable { .. } => Self {
                code: EXIT_UNREACHABLE,
                message: format!("{error}; is it running, and is this its gRPC port? See --node"),
            },
            client::Error::Refused { ref codespace, code, .. } => {
                Self::refused(match advice(codespace, code) {
                    Some(advice) => format!("{error}\nwhat to do: {advice}"),
                    None => error.to_string(),
                })
            }
            other => Self::refused(other),
        }
    }
}

/// What the guide's table says to do after a refusal.
fn advice(codespace: &str, code: u32) -> Option<&'static str> {
    let rows = include_str!("../../client/GUIDE.md").lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| ")?.split(" | ");
        Some((cells.next()?.split_once(' ')?, cells.nth(1)?.strip_suffix(" |")?))
    });
    let is_it = |text: &str| text.trim().parse() == Ok(code);
    rows.filter(|((space, codes), _)| *space == codespace && codes.split(',').any(is_it))
        .map(|(_, advice)| advice)
        .next()
}

impl From<client::KeyringError> for Failure {
    fn from(error: client::KeyringError) -> Self {
        Self::refused(error)
    }
}

impl From<client::KeyError> for Failure {
    fn from(error: client::KeyError) -> Self {
        Self::refused(error)
    }
}

impl From<client::OrderError> for Failure {
    fn from(error: client::OrderError) -> Self {
        Self::refused(error)
    }
}

impl From<solo::KeyError> for Failure {
    fn from(error: solo::KeyError) -> Self {
        Self::refused(error)
    }
}

impl From<host::Error> for Failure {
    fn from(error: host::Error) -> Self {
        match error {
            host::Error::Release(unfit) => Self { code: EXIT_UPGRADE, message: unfit.to_string() },
            host::Error::Halted(..) => Self::refused(error),
            _ => Self::store(error),
        }
    }
}

impl From<server::Error> for Failure {
    fn from(error: server::Error) -> Self {
        Self::refused(error)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        error.downcast::<Self>().unwrap_or_else(|error| Self::refused(format!("{error:#}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_the_guide_advises() {
        let refused = |codespace: &str, code| {
            let error = client::Error::Refused {
                codespace: codespace.into(),
                code,
                log: "no".into(),
                hash: String::new(),
            };
            Failure::from(error).message
        };
        assert_eq!(refused("sdk", 5), "refused (sdk 5): no\nwhat to do: deposit or send less");
        assert_eq!(refused("clob", 3003), refused("clob", 10).replace("10", "3003"));
        assert!(refused("clob", 3003).contains("what to do: sign again"));
        assert_eq!(refused("clob", 999), "refused (clob 999): no");
        assert_eq!(refused("bank", 5), "refused (bank 5): no");
    }
}
