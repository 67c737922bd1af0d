//! Passphrases of keys: from the environment for programs, from the terminal for people. Never from the command line,
//! which everybody on the machine can read.

use std::io::IsTerminal as _;

/// Where programs put it.
const VARIABLE: &str = "BALLAST_PASSPHRASE";

/// The passphrase of the key called `name`, or why there is none.
pub(crate) fn of(name: &str) -> Result<String, String> {
    asked(&format!("Passphrase of {name}: "))
}

/// A passphrase for a new key, said twice at a terminal.
pub(crate) fn new(name: &str) -> Result<String, String> {
    let first = of(name)?;
    if std::env::var_os(VARIABLE).is_none() && asked("The same again: ")? != first {
        return Err("the two passphrases differ; nothing is stored".into());
    }
    Ok(first)
}

fn asked(prompt: &str) -> Result<String, String> {
    if let Ok(passphrase) = std::env::var(VARIABLE) {
        return Ok(passphrase);
    }
    // The terminal itself is asked, so that words can come on standard input.
    if !std::io::stderr().is_terminal() {
        return Err(format!("put its passphrase into {VARIABLE}, or use a terminal"));
    }
    rpassword::prompt_password(prompt).map_err(|error| format!("the terminal cannot be asked: {error}"))
}
