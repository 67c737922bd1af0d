//! The folder of a node: where everything in it is.

use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Which folder.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct HomeArgs {
    /// Folder of the node and of the keys [default: $BALLAST_HOME, or .ballast in the user's folder]
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
}

impl HomeArgs {
    /// The folder; it need not exist.
    pub(crate) fn resolve(&self) -> Result<Home, Failure> {
        let chosen = self.home.clone().or_else(|| std::env::var_os("BALLAST_HOME").map(PathBuf::from));
        let chosen =
            chosen.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".ballast")));
        let folder = chosen.ok_or_else(|| Failure::refused("there is no HOME; name a folder with --home"))?;
        Ok(Home::at(folder))
    }
}

/// A node's folder.
#[derive(Clone, Debug)]
pub(crate) struct Home {
    folder: PathBuf,
}

impl Home {
    /// The home in `folder`; it need not exist.
    pub(crate) fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The folder itself.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The configuration file.
    pub(crate) fn config(&self) -> PathBuf {
        self.folder.join("config/ballastd.toml")
    }

    /// The genesis document.
    pub(crate) fn genesis(&self) -> PathBuf {
        self.folder.join("config/genesis.json")
    }

    /// The key that signs blocks.
    pub(crate) fn validator_key(&self) -> PathBuf {
        self.folder.join("config/priv_validator_key.json")
    }

    /// The key that names the node.
    pub(crate) fn node_key(&self) -> PathBuf {
        self.folder.join("config/node_key.json")
    }

    /// The keys of accounts.
    pub(crate) fn keyring(&self) -> client::Keyring {
        client::Keyring::new(self.folder.join("keyring-test")).asking(crate::passphrase::of)
    }

    /// Folder of all that the node writes.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Folder in which a state is made that is to replace the present one.
    pub(crate) fn restoring(&self) -> PathBuf {
        self.folder.join("data/state.db.restoring")
    }

    /// Folder of the state that was replaced last.
    pub(crate) fn replaced(&self) -> PathBuf {
        self.folder.join("data/state.db.replaced")
    }

    /// Folder of the state's database.
    pub(crate) fn state(&self) -> PathBuf {
        self.folder.join("data/state.db")
    }
}
