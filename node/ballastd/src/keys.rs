//! `ballastd keys`: accounts' keys in the node's folder.

use std::io::Read as _;

use client::{new_mnemonic, Key, PublicKey};
use serde_json::{json, Value};

use crate::failure::{Failure, Outcome};
use crate::home::HomeArgs;
use crate::output::{pairs, table, OutputArgs};
use crate::passphrase;

/// Options that all of them share.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Common {
    #[command(flatten)]
    home: HomeArgs,
    /// Bech32 prefix that addresses are shown with
    #[arg(long, default_value = "ballast")]
    prefix: String,
    #[command(flatten)]
    output: OutputArgs,
}

/// Commands around keys.
#[derive(clap::Subcommand, Debug)]
pub(crate) enum Command {
    /// Make a new key and print its 24 words once
    Add {
        /// Its name: letters, digits, '-' and '_'
        name: String,
        /// Read 12 or 24 words from standard input instead of making new ones
        #[arg(long)]
        recover: bool,
        /// Seal it under a passphrase: $BALLAST_PASSPHRASE, or asked for
        #[arg(long)]
        seal: bool,
        #[command(flatten)]
        common: Common,
    },
    /// List all keys
    List {
        #[command(flatten)]
        common: Common,
    },
    /// Show a key's address and public key
    Show {
        /// Its name
        name: String,
        /// Print the address and nothing else
        #[arg(long, short = 'a')]
        address: bool,
        #[command(flatten)]
        common: Common,
    },
    /// Delete a key for good
    Delete {
        /// Its name
        name: String,
        /// Yes, delete it
        #[arg(long, short = 'y')]
        yes: bool,
        #[command(flatten)]
        common: Common,
    },
    /// Store a key whose secret (64 hex digits) comes from standard input
    Import {
        /// Its name
        name: String,
        /// Seal it under a passphrase: $BALLAST_PASSPHRASE, or asked for
        #[arg(long)]
        seal: bool,
        #[command(flatten)]
        common: Common,
    },
    /// Print a key's secret (64 hex digits)
    Export {
        /// Its name
        name: String,
        /// Yes, print the secret: whoever sees it has the account
        #[arg(long = "unsafe")]
        unsafe_: bool,
        #[command(flatten)]
        common: Common,
    },
}

/// Run one of them.
pub(crate) fn run(command: &Command) -> Outcome {
    match command {
        Command::Add { name, recover, seal, common } => add(name, (*recover, *seal), common),
        Command::List { common } => list(common),
        Command::Show { name, address, common } => show(name, *address, common),
        Command::Delete { name, yes, common } => delete(name, *yes, common),
        Command::Import { name, seal, common } => {
            let key = Key::from_hex(&read_secret()?)?;
            store(name, &key, *seal, common)?;
            print(name, &PublicKey { bytes: key.public(), sealed: *seal }, common);
            Ok(())
        }
        Command::Export { name, unsafe_, common } => export(name, *unsafe_, common),
    }
}

fn store(name: &str, key: &Key, seal: bool, common: &Common) -> Outcome {
    let keyring = common.home.resolve()?.keyring();
    if seal {
        let passphrase = passphrase::new(name).map_err(Failure::refused)?;
        keyring.store_sealed(name, key, &passphrase)?;
    } else {
        keyring.store(name, key)?;
    }
    Ok(())
}

fn add(name: &str, (recover, seal): (bool, bool), common: &Common) -> Outcome {
    let phrase = if recover { read_secret()? } else { new_mnemonic()? };
    let key = Key::from_mnemonic(&phrase)?;
    store(name, &key, seal, common)?;
    let known = PublicKey { bytes: key.public(), sealed: seal };
    if recover {
        print(name, &known, common);
        return Ok(());
    }
    let mut answer = described(name, &known, common);
    answer["mnemonic"] = phrase.clone().into();
    common.output.print(&answer, || {
        format!(
            "{}\n\nThese words are the key. They are shown this once; whoever has them has the account:\n\n{phrase}",
            rows(name, &known, common)
        )
    });
    Ok(())
}

fn list(common: &Common) -> Outcome {
    let keyring = common.home.resolve()?.keyring();
    let mut keys = Vec::new();
    for name in keyring.names()? {
        let key = keyring.public(&name)?;
        keys.push((name, key));
    }
    if keys.is_empty() {
        eprintln!("there is no key yet; `ballastd keys add NAME` makes one");
    }
    let answer: Vec<_> = keys.iter().map(|(name, key)| described(name, key, common)).collect();
    common.output.print(&Value::Array(answer), || {
        let row = |(name, key): &(String, PublicKey)| {
            let sealed = if key.sealed { "yes" } else { "no" };
            vec![name.clone(), key.address().to_bech32(&common.prefix), sealed.into()]
        };
        table(&["NAME", "ADDRESS", "SEALED"], &keys.iter().map(row).collect::<Vec<_>>())
    });
    Ok(())
}

fn show(name: &str, address: bool, common: &Common) -> Outcome {
    let key = common.home.resolve()?.keyring().public(name)?;
    if address {
        println!("{}", key.address().to_bech32(&common.prefix));
    } else {
        print(name, &key, common);
    }
    Ok(())
}

fn delete(name: &str, yes: bool, common: &Common) -> Outcome {
    if !yes {
        return Err(Failure::refused(format!(
            "deleting {name:?} cannot be undone; add --yes if its words or secret are kept elsewhere"
        )));
    }
    common.home.resolve()?.keyring().delete(name)?;
    common.output.print(&json!({ "deleted": name }), || format!("{name} is deleted"));
    Ok(())
}

fn export(name: &str, sure: bool, common: &Common) -> Outcome {
    if !sure {
        return Err(Failure::refused("this prints a secret; add --unsafe if nobody else can see it"));
    }
    let key = common.home.resolve()?.keyring().load(name)?;
    let secret = hex::encode(key.secret());
    common.output.print(&json!({ "name": name, "secret": secret }), || secret.clone());
    Ok(())
}

fn print(name: &str, key: &PublicKey, common: &Common) {
    common.output.print(&described(name, key, common), || rows(name, key, common));
}

fn described(name: &str, key: &PublicKey, common: &Common) -> Value {
    json!({
        "name": name,
        "address": key.address().to_bech32(&common.prefix),
        "public_key": hex::encode(key.bytes),
        "sealed": key.sealed,
    })
}

fn rows(name: &str, key: &PublicKey, common: &Common) -> String {
    pairs(&[
        ("name", name.into()),
        ("address", key.address().to_bech32(&common.prefix)),
        ("public key", hex::encode(key.bytes)),
        ("sealed", if key.sealed { "yes" } else { "no" }.into()),
    ])
}

/// Words or digits from standard input, so that they stand in no history of commands.
fn read_secret() -> Result<String, Failure> {
    let mut text = String::new();
    std::io::stdin().take(4096).read_to_string(&mut text).map_err(Failure::refused)?;
    if text.trim().is_empty() {
        return Err(Failure::refused("nothing came on standard input"));
    }
    Ok(text.trim().to_owned())
}
