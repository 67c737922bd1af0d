//! `ballastd init`: a node's folder with configuration, keys and genesis.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use serde_json::json;

use crate::config::{EngineKind, TEMPLATE};
use crate::failure::{Failure, Outcome};
use crate::genesis::{self, Grant, Names};
use crate::home::{Home, HomeArgs};
use crate::output::{pairs, OutputArgs};

/// Options of `ballastd init`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    home: HomeArgs,
    /// Name of the chain, 1 to 50 bytes
    #[arg(long, default_value = "ballast-devnet-1")]
    chain_id: String,
    /// Name of the node as others see it
    #[arg(long, default_value = "ballast")]
    moniker: String,
    /// Engine that the configuration names
    #[arg(long, value_enum, default_value_t = EngineKind::Solo)]
    engine: EngineKind,
    /// An account of the genesis, as ADDRESS=COINS or KEY=COINS; may be given again
    #[arg(long = "account", value_name = "ACCOUNT=COINS")]
    accounts: Vec<Grant>,
    /// What the insurance fund starts with, in the smallest unit of the collateral
    #[arg(long, value_name = "AMOUNT", default_value_t = 0)]
    insurance: u128,
    /// Who may change parameters, an address or the name of a key; nobody unless given
    #[arg(long, value_name = "ADDRESS")]
    authority: Option<String>,
    /// How addresses begin and coins are called: `dydx` as clients of the dYdX chain have it built in
    #[arg(long, value_enum, default_value_t = Names::Ballast)]
    names: Names,
    #[command(flatten)]
    output: OutputArgs,
}

/// Make the folder.
pub(crate) fn run(args: &Args) -> Outcome {
    let home = args.home.resolve()?;
    let mut app = genesis::app_state(&[])?;
    args.names.give(&mut app);
    for grant in &args.accounts {
        let grant = resolved(&home, grant, &app.prefix);
        genesis::add(&mut app, &grant)?;
    }
    if args.insurance > 0 {
        let coins = client::parse_coins(&format!("{}{}", args.insurance, app.collateral))?;
        genesis::add(&mut app, &Grant { address: genesis::insurance_account(), coins })?;
    }
    app.governance.authority = args
        .authority
        .as_deref()
        .map(|name| address_of(&home, name, &app.prefix))
        .or(app.governance.authority);
    let config = template(args)?;
    refuse_overwriting(&home)?;
    let key = solo::Key::generate();
    let document = genesis::document(&args.chain_id, &[key.public()], &app)?;
    let text = serde_json::to_string_pretty(&document.to_json()).map_err(Failure::fault)?;
    key.store_validator(&home.validator_key())?;
    let node = solo::Key::load_or_create_node(&home.node_key())?;
    write_new(&home.genesis(), &format!("{text}\n"))?;
    write_new(&home.config(), &config)?;
    let validator = hex::encode_upper(key.address());
    let answer = json!({
        "home": home.folder(),
        "chain_id": args.chain_id,
        "node_id": node.node_id(),
        "validator_address": validator,
    });
    args.output.print(&answer, || {
        pairs(&[
            ("home", home.folder().display().to_string()),
            ("chain", args.chain_id.clone()),
            ("node id", node.node_id()),
            ("validator", validator.clone()),
            ("next", "ballastd start".into()),
        ])
    });
    Ok(())
}

/// The same with an address where the name of a key stands.
fn resolved(home: &Home, grant: &Grant, prefix: &str) -> Grant {
    Grant { address: address_of(home, &grant.address, prefix), coins: grant.coins.clone() }
}

/// The address of a key with this name, or else the name itself.
fn address_of(home: &Home, name: &str, prefix: &str) -> String {
    home.keyring().public(name).map_or_else(|_| name.into(), |key| key.address().to_bech32(prefix))
}

/// The configuration file with the choices of the command line in it.
fn template(args: &Args) -> Result<String, Failure> {
    let engine = match args.engine {
        EngineKind::Solo => "solo",
        EngineKind::Cometbft => "cometbft",
    };
    let moniker = serde_json::to_string(&args.moniker).map_err(Failure::fault)?;
    let text = TEMPLATE.replacen("engine = \"solo\"", &format!("engine = \"{engine}\""), 1).replacen(
        "moniker = \"ballast\"",
        &format!("moniker = {moniker}"),
        1,
    );
    crate::config::Config::parse(&text).map_err(Failure::refused)?;
    Ok(text)
}

fn refuse_overwriting(home: &Home) -> Outcome {
    for path in [home.config(), home.genesis(), home.validator_key(), home.data()] {
        if path.exists() {
            return Err(Failure::refused(format!(
                "{} exists already, and nothing was changed; name another folder with --home",
                path.display()
            )));
        }
    }
    Ok(())
}

fn write_new(path: &Path, text: &str) -> Outcome {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| Failure::file(folder, error))?;
    }
    let file = fs::OpenOptions::new().write(true).create_new(true).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
    written.map_err(|error| Failure::file(path, error))
}
