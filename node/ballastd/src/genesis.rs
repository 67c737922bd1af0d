//! How a chain begins: the document that `init` writes and `start` reads.

use std::path::Path;

use serde_json::Value;
use types::{Address, Coin};

use crate::failure::{Failure, Outcome};
use crate::home::{Home, HomeArgs};

/// The markets and rules of a new chain.
pub(crate) const DEVNET: &[u8] = include_bytes!("../../../genesis/devnet.json");

/// Commands around the genesis document.
#[derive(clap::Subcommand, Debug)]
pub(crate) enum Command {
    /// Print the app_state of the node's genesis document, for the genesis file of CometBFT
    AppState(HomeArgs),
}

/// Run one of them.
pub(crate) fn run(command: &Command) -> Outcome {
    let Command::AppState(home) = command;
    let (_, app_state) = load(&home.resolve()?)?;
    let text = serde_json::to_string_pretty(&app_state).map_err(Failure::fault)?;
    println!("{text}");
    Ok(())
}

/// What a new chain calls addresses and coins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Names {
    /// `ballast1...`, `uusdc` and `uballast`.
    Ballast,
    /// `dydx1...`, USDC as the dYdX chain has it over IBC, and the native coin of its test networks.
    Dydx,
}

impl Names {
    /// Call them so in a chain without accounts.
    pub(crate) fn give(self, app: &mut app::AppState) {
        match self {
            Self::Ballast => {}
            Self::Dydx => {
                app.prefix = "dydx".into();
                app.collateral = DYDX_USDC.into();
                app.gas_prices = vec![format!("0.025{DYDX_USDC}"), "25000000000adv4tnt".into()];
            }
        }
    }
}

/// USDC from Noble over the channel that the dYdX chain takes it from.
const DYDX_USDC: &str = "ibc/8E27BA2D5493AF5636760E354E46004562C46AB7EC0CC4C1CA14E9E20E2545B5";

/// An account of the genesis and what it holds.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    /// Bech32, or `module:NAME`.
    pub(crate) address: String,
    /// In rising order of denomination.
    pub(crate) coins: Vec<Coin>,
}

impl std::str::FromStr for Grant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (address, coins) = text.split_once('=').ok_or("write it as ADDRESS=COINS or KEY=COINS")?;
        let coins = client::parse_coins(coins).map_err(|error| error.to_string())?;
        Ok(Self { address: address.into(), coins })
    }
}

/// The devnet's markets and rules with these accounts.
pub(crate) fn app_state(grants: &[Grant]) -> Result<app::AppState, Failure> {
    let mut app = app::Genesis::from_json(DEVNET).map_err(Failure::fault)?.app;
    for grant in grants {
        add(&mut app, grant)?;
    }
    Ok(app)
}

/// The insurance fund's account, as the genesis names it.
pub(crate) fn insurance_account() -> String {
    format!("module:{}", insurance::FUND)
}

/// Give an account coins; each account once.
pub(crate) fn add(app: &mut app::AppState, grant: &Grant) -> Outcome {
    if grant.address.starts_with("module:") && grant.address != insurance_account() {
        return Err(Failure::refused(format!(
            "{}: of the chain's own accounts only {} begins with coins",
            grant.address,
            insurance_account()
        )));
    }
    if !grant.address.starts_with("module:") {
        Address::from_bech32(&grant.address, &app.prefix).map_err(|error| {
            Failure::refused(format!(
                "{}: {error}; write an address that begins with {}1, or the name of a key, which \
                 `ballastd keys add` makes",
                grant.address, app.prefix,
            ))
        })?;
    }
    if app.balances.iter().any(|balance| balance.address == grant.address) {
        return Err(Failure::refused(format!("{} is given twice", grant.address)));
    }
    let coins = grant.coins.iter().map(|coin| app::genesis::GenesisCoin {
        denom: coin.denom.to_string(),
        amount: coin.amount.to_string(),
    });
    app.balances.push(app::genesis::Balance { address: grant.address.clone(), coins: coins.collect() });
    Ok(())
}

/// The document of a new chain, tried out before anything is written.
pub(crate) fn document(
    chain_id: &str,
    validators: &[[u8; 32]],
    app: &app::AppState,
) -> Result<solo::Genesis, Failure> {
    let validators: Vec<_> = validators.iter().map(|key| solo::ChainValidator::new(*key, 10)).collect();
    let now = tendermint::Time::now();
    let value = serde_json::to_value(app).map_err(Failure::fault)?;
    let genesis = solo::Genesis::new(chain_id, now, validators.clone(), value);
    let trial = app::Genesis {
        chain_id: chain_id.into(),
        time: types::Time::from_unix(now.unix_timestamp(), 0),
        initial_height: 1,
        extensions_from: 1,
        validators: validators
            .iter()
            .map(|validator| app::GenesisValidator { public_key: validator.public_key, power: 10 })
            .collect(),
        app: app.clone(),
    };
    app::Machine::from_genesis(&trial).map_err(Failure::refused)?;
    // What it is read back with checks the rest, such as the length of the chain id.
    solo::Genesis::from_json(genesis.to_json().to_string().as_bytes()).map_err(Failure::refused)
}

/// Read the node's genesis document.
pub(crate) fn load(home: &Home) -> Result<(solo::Genesis, app::AppState), Failure> {
    read(&home.genesis())
}

fn read(path: &Path) -> Result<(solo::Genesis, app::AppState), Failure> {
    let text = std::fs::read(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Failure::refused(format!("{} does not exist; make it with `ballastd init`", path.display()))
        }
        _ => Failure::file(path, error),
    })?;
    let genesis = solo::Genesis::from_json(&text).map_err(|error| Failure::file(path, error))?;
    let app = app_of(&genesis.app_state).map_err(|error| Failure::file(path, error))?;
    Ok((genesis, app))
}

fn app_of(value: &Value) -> Result<app::AppState, app::GenesisError> {
    app::Genesis::from_json(value.to_string().as_bytes()).map(|genesis| genesis.app)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(name: &str) -> String {
        client::Key::from_seed_text(name).unwrap().address().to_bech32("ballast")
    }

    #[test]
    fn a_chain_with_the_names_of_dydx_begins_and_takes_their_addresses_and_coins() {
        let mut app = app_state(&[]).unwrap();
        Names::Dydx.give(&mut app);
        let grant = format!("dydx15yk64u7zc9g9k2yr2wmzeva5qgwxps6y0tptef=5adv4tnt,7{DYDX_USDC}");
        add(&mut app, &grant.parse().unwrap()).unwrap();
        document("localdydxprotocol", &[solo::Key::generate().public()], &app).unwrap();
        assert!(add(&mut app, &format!("{}=5adv4tnt", address("alice")).parse().unwrap()).is_err());
    }

    #[test]
    fn a_document_of_the_devnet_starts_a_machine() {
        let grant = format!("{}=5uballast,7uusdc", address("alice")).parse().unwrap();
        let app = app_state(&[grant]).unwrap();
        let genesis = document("ballast-1", &[[7; 32]], &app).unwrap();
        assert_eq!(genesis.validators.len(), 1);
        assert_eq!(app_of(&genesis.app_state).unwrap().balances[0].coins[1].amount, "7");
    }

    #[test]
    fn accounts_that_make_no_sense_are_refused() {
        for text in ["alice", "alice=", "alice=5", "alice=uusdc", "alice=1uusdc,2uusdc"] {
            assert!(text.parse::<Grant>().is_err(), "{text}");
        }
        for grants in [
            vec!["alice=5uusdc".to_owned()],
            vec!["module:subaccounts=5uusdc".to_owned()],
            vec![format!("{}=5uusdc", address("a").replace("ballast1", "cosmos1"))],
            vec![format!("{}=5uusdc", address("a")), format!("{}=6uusdc", address("a"))],
        ] {
            let grants: Vec<Grant> = grants.iter().map(|text| text.parse().unwrap()).collect();
            assert!(app_state(&grants).is_err(), "{grants:?}");
        }
        let app = app_state(&[]).unwrap();
        assert!(document("", &[[7; 32]], &app).is_err());
        assert!(document(&"x".repeat(51), &[[7; 32]], &app).is_err());
    }
}
