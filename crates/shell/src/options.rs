//! Options that every command has.

use anyhow::{Context, bail};
use assay_client::{Chain, Deployment, Market, Patience, Registry, Signer, Titles};
use assay_content::Fetcher;
use clap::Args;
use std::io::IsTerminal;
use std::path::PathBuf;

/// Which chain, and which contracts on it.
#[derive(Args, Clone, Debug, Default)]
pub struct ChainOptions {
    /// WebSocket URL of a node [default: the one in the deployment file]
    #[arg(long, env = "ASSAY_URL", value_name = "URL", global = true)]
    pub url: Option<String>,
    /// File with the addresses of the contracts, written by `assay deploy`
    /// [default: deployment.json in Assay's configuration folder]
    #[arg(long, env = "ASSAY_DEPLOYMENT", value_name = "FILE", global = true)]
    pub deployment: Option<PathBuf>,
    /// Also read datasets and checkpoints from paths and file:// URLs that
    /// others named on chain. For development: it lets strangers choose which
    /// files of this machine are opened
    #[arg(long, env = "ASSAY_ALLOW_LOCAL_LOCATIONS", global = true)]
    pub allow_local_locations: bool,
}

/// A chain and the contracts on it, checked to be there.
#[derive(Clone, Debug)]
pub struct Deployed {
    /// The chain.
    pub chain: Chain,
    /// Where the contracts are.
    pub deployment: Deployment,
    /// The market.
    pub market: Market,
    /// The registry.
    pub registry: Registry,
    /// The titles of models.
    pub titles: Titles,
    /// Whether content is also read from places on this machine that others name.
    pub allow_local: bool,
}

impl Deployed {
    /// A fetcher for places that the chain names.
    pub fn fetcher(&self) -> Fetcher {
        Fetcher::default().allow_local(self.allow_local)
    }
}

impl ChainOptions {
    /// The deployment file's path.
    ///
    /// # Errors
    /// If none is given and there is no configuration folder.
    pub fn deployment_path(&self) -> anyhow::Result<PathBuf> {
        match &self.deployment {
            Some(path) => Ok(path.clone()),
            None => Ok(Deployment::default_path()?),
        }
    }

    /// Connects, and checks that it is the deployment's chain and that the
    /// contracts are there.
    ///
    /// # Errors
    /// What is wrong, and what to do.
    pub async fn connect(&self, patience: Patience) -> anyhow::Result<Deployed> {
        let deployment = Deployment::load(&self.deployment_path()?)?;
        let url = self.url.as_deref().unwrap_or(&deployment.url);
        let chain = Chain::connect_with(url, patience).await?;
        deployment.verify(&chain).await?;
        let (market, registry) = (deployment.market(&chain), deployment.registry(&chain));
        let titles = deployment.titles(&chain);
        Ok(Deployed { chain, deployment, market, registry, titles, allow_local: self.allow_local_locations })
    }
}

/// Whose key signs.
#[derive(Args, Clone, Default)]
pub struct KeyOptions {
    /// Secret URI of the account: a phrase, 0x and 64 hex digits, or a
    /// development account such as //Alice. Others on this machine can see a
    /// command line: prefer the environment or a keystore
    #[arg(
        long,
        env = "ASSAY_SURI",
        value_name = "URI",
        hide_env_values = true,
        conflicts_with = "keystore",
        global = true
    )]
    pub suri: Option<String>,
    /// Encrypted keystore of the account, as polkadot.js exports it (JSON)
    #[arg(long, env = "ASSAY_KEYSTORE", value_name = "FILE", global = true)]
    pub keystore: Option<PathBuf>,
    /// File that holds the keystore's password [default: ask at the terminal]
    #[arg(long, env = "ASSAY_PASSWORD_FILE", value_name = "FILE", global = true)]
    pub password_file: Option<PathBuf>,
}

impl std::fmt::Debug for KeyOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never the key itself.
        f.debug_struct("KeyOptions").field("keystore", &self.keystore).finish_non_exhaustive()
    }
}

impl KeyOptions {
    /// Whether any key is given.
    pub fn is_given(&self) -> bool {
        self.suri.is_some() || self.keystore.is_some()
    }

    /// The signer.
    ///
    /// # Errors
    /// If no key is given, or it cannot be read.
    pub fn signer(&self) -> anyhow::Result<Signer> {
        match (&self.suri, &self.keystore) {
            (Some(suri), _) => Ok(Signer::from_suri(suri)?),
            (None, Some(path)) => Ok(Signer::from_keystore(path, || match &self.password_file {
                Some(file) => Ok(std::fs::read_to_string(file)?.trim_end_matches(['\r', '\n']).to_owned()),
                None => rpassword::prompt_password(format!("Password of {}: ", path.display())),
            })?),
            (None, None) => {
                bail!(super::output::UsageError(
                    "this needs a key: give --suri or --keystore (or ASSAY_SURI, ASSAY_KEYSTORE)".into()
                ))
            }
        }
    }
}

/// How much is logged, to standard error.
#[derive(Args, Clone, Debug)]
pub struct LogOptions {
    /// What to log: error, warn, info, debug, trace, or a filter such as info,assay_client=debug
    #[arg(long, env = "ASSAY_LOG", value_name = "LEVEL", default_value = "info", global = true)]
    pub log: String,
}

impl LogOptions {
    /// Starts logging. Call once.
    ///
    /// # Errors
    /// If the filter cannot be read.
    pub fn start(&self) -> anyhow::Result<()> {
        let filter = tracing_subscriber::EnvFilter::try_new(&self.log)
            .with_context(|| format!("--log {}: not a level or filter", self.log))?;
        // A log that goes to a file has no use for colours.
        let colours = std::io::stderr().is_terminal();
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours).init();
        Ok(())
    }
}
