//! `deploy`: registry, market, and the bond between them.

use crate::cli::{Answer, Global};
use crate::secrets::random;
use crate::show;
use crate::signing::{Cost, Signing};
use anyhow::{Context, bail};
use assay_client::deployment::DeployedContract;
use assay_client::{Amount, Bundle, Chain, Deployment, Deposit, Market, Patience, Registry, Unit};
use assay_content::store::write_atomically;
use assay_protocol::{Address, Hash};
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::{Path, PathBuf};

/// The bundles that are deployed unless others are given.
const REGISTRY: &[u8] = include_bytes!("../../../contracts/artefacts/registry.contract");
const MARKET: &[u8] = include_bytes!("../../../contracts/artefacts/market.contract");

/// Where a node is looked for if neither `--url` nor a deployment file says.
const DEFAULT_URL: &str = "ws://127.0.0.1:9944";

/// Deploy registry and market to a chain, and write the deployment file.
///
/// Works on any chain with pallet-revive: a development chain
/// (--url ws://127.0.0.1:9944) or the public Polkadot Hub TestNet. An
/// interrupted deployment is carried on by the same command; a finished one is
/// left as it is.
#[derive(Args, Debug)]
pub struct Deploy {
    /// Folder with registry.contract and market.contract [default: those built into this program]
    #[arg(long, value_name = "DIR")]
    bundles: Option<PathBuf>,
    /// Deploy anew, though the deployment file holds another deployment, which it
    /// then no longer does
    #[arg(long)]
    force: bool,
}

/// The last step.
const BIND: &str = "bind the market to the registry";

/// What is under way, written before anything is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Partial {
    genesis: Hash,
    deployer: Address,
    /// Decides both contracts' addresses, so that they are found again.
    salt: Hash,
    registry: Option<DeployedContract>,
    market: Option<DeployedContract>,
}

impl Partial {
    fn path(deployment: &Path) -> PathBuf {
        let mut name = deployment.as_os_str().to_owned();
        name.push(".partial");
        name.into()
    }

    /// What an interrupted deployment left, or a new start.
    fn open(path: &Path, genesis: Hash, deployer: Address, force: bool) -> anyhow::Result<Self> {
        let new = Self { genesis, deployer, salt: random()?, registry: None, market: None };
        let text = match std::fs::read_to_string(path) {
            Ok(text) if !force => text,
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
            _ => return Ok(new),
        };
        let partial: Partial = serde_json::from_str(&text)
            .with_context(|| format!("{} is damaged; --force deploys anew", path.display()))?;
        if (partial.genesis, partial.deployer) != (genesis, deployer) {
            bail!(
                "{} is an interrupted deployment by {} to the chain with genesis {}; \
                 carry it on with that account and --url, or deploy anew with --force",
                path.display(),
                partial.deployer,
                partial.genesis
            );
        }
        Ok(partial)
    }

    fn save(&self, path: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        let write = || {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            std::fs::create_dir_all(folder)?;
            write_atomically(&folder.join(path.file_name().unwrap_or_default()), text.as_bytes())
        };
        write().with_context(|| format!("cannot write {}", path.display()))
    }
}

fn bundle(folder: Option<&Path>, name: &str, built_in: &[u8]) -> anyhow::Result<Bundle> {
    Ok(match folder {
        Some(folder) => Bundle::load(&folder.join(format!("{name}.contract")))?,
        None => Bundle::parse(built_in, &format!("the built-in {name}.contract"))?,
    })
}

/// Whether the file's deployment stands on this chain. A file for another chain
/// is only passed over with `force`.
async fn existing(chain: &Chain, path: &Path, force: bool) -> anyhow::Result<Option<Deployment>> {
    if force || !path.exists() {
        return Ok(None);
    }
    let found = Deployment::load(path)?;
    if found.genesis != chain.genesis() {
        bail!(
            "{} holds a deployment to {} (genesis {}), and {} is {} (genesis {}); \
             name another file with --deployment, or overwrite it with --force",
            path.display(),
            found.network,
            found.genesis,
            chain.url(),
            chain.name(),
            chain.genesis()
        );
    }
    // A development chain that has forgotten everything has the same genesis.
    let stands = chain.code_hash(found.registry.address).await?.is_some()
        || chain.code_hash(found.market.address).await?.is_some();
    if !stands {
        return Ok(None);
    }
    found.verify(chain).await.context("the deployment file holds a deployment to this chain; --force deploys anew")?;
    Ok(Some(found))
}

/// What deploying `bundle` costs, judged by what another one costs.
fn by_size(unit: &Unit, bundle: &Bundle, known: (&Bundle, Cost)) -> Cost {
    let (other, cost) = known;
    let scale = |amount: Amount| {
        let scaled = amount.0 / other.code().len().max(1) as u128 * bundle.code().len() as u128;
        Amount(scaled.next_multiple_of(unit.native_to_contract))
    };
    Cost { value: Amount::ZERO, fee: scale(cost.fee), deposit: Deposit::Charge(scale(cost.deposit.charged())) }
}

impl Deploy {
    /// Does it.
    pub async fn run(self, global: &Global) -> anyhow::Result<Answer> {
        let path = global.chain.deployment_path()?;
        let url = match (&global.chain.url, Deployment::load(&path)) {
            (Some(url), _) => url.clone(),
            (None, Ok(deployment)) => deployment.url,
            (None, Err(_)) => DEFAULT_URL.into(),
        };
        let registry = bundle(self.bundles.as_deref(), "registry", REGISTRY)?;
        let market = bundle(self.bundles.as_deref(), "market", MARKET)?;
        let chain = Chain::connect_with(&url, Patience::COMMAND).await?;
        if let Some(deployment) = existing(&chain, &path, self.force).await? {
            let text = format!("deployed already; {} is up to date. --force deploys anew", path.display());
            return Answer::new(json!({ "deployment": deployment, "file": path, "executed": false }), text);
        }
        let mut signing = Signing::new(global, &chain).await?;
        let partial_path = Partial::path(&path);
        let partial = Partial::open(&partial_path, chain.genesis(), signing.address(), self.force)?;
        let mut run = Run { chain: &chain, signing: &mut signing, partial, partial_path, confirmed: false };
        let Some(deployment) = run.all(&registry, &market, &path).await? else {
            return signing.tried(json!({ "network": chain.name(), "url": url, "file": path }));
        };
        let text = show::fields([
            ("network", show::plain(chain.name())),
            ("registry", deployment.registry.address.to_string()),
            ("market", deployment.market.address.to_string()),
            ("file", path.display().to_string()),
        ]);
        signing.done(json!({ "deployment": deployment, "file": path }), text)
    }
}

struct Run<'a, 'b> {
    chain: &'a Chain,
    signing: &'a mut Signing<'b>,
    partial: Partial,
    partial_path: PathBuf,
    confirmed: bool,
}

impl Run<'_, '_> {
    /// All steps that are not done; `None` if they were only to be tried.
    async fn all(&mut self, registry: &Bundle, market: &Bundle, path: &Path) -> anyhow::Result<Option<Deployment>> {
        let known = self.partial.registry;
        let at_registry = match self.standing(known, registry).await? {
            Some(contract) => contract,
            None => {
                let salt = self.partial.salt.0;
                let deploy = registry.deploy(self.chain, "new", ())?.salt(salt);
                let run = self.signing.plan_deploy(registry, &deploy).await?;
                let market_cost = by_size(self.chain.unit(), market, (registry, Cost::from(&run)));
                let what = format!("deploy the market ({})", show::bytes(market.code().len() as u64));
                self.signing.plan_later(what, Some(market_cost), "about, by its size; known once the registry stands");
                self.signing.plan_later(BIND, None, "a small fee, known once both stand");
                let contract = DeployedContract { address: run.output, code_hash: registry.code_hash() };
                if !self.confirm().await? {
                    return Ok(None);
                }
                self.partial.registry = Some(contract);
                self.partial.save(&self.partial_path)?;
                self.signing.send_deploy(registry, &deploy, &run).await?;
                contract
            }
        };
        let known = self.partial.market;
        let at_market = match self.standing(known, market).await? {
            Some(contract) => contract,
            None => {
                let deploy = market.deploy(self.chain, "new", (at_registry.address,))?.salt(self.partial.salt.0);
                let run = self.signing.plan_deploy(market, &deploy).await?;
                self.signing.plan_later(BIND, None, "a small fee, known once both stand");
                let contract = DeployedContract { address: run.output, code_hash: market.code_hash() };
                if !self.confirm().await? {
                    return Ok(None);
                }
                self.partial.market = Some(contract);
                self.partial.save(&self.partial_path)?;
                self.signing.send_deploy(market, &deploy, &run).await?;
                contract
            }
        };
        if !self.bind(at_registry.address, at_market.address).await? {
            return Ok(None);
        }
        let head = self.chain.latest().await?;
        let deployment = Deployment {
            network: self.chain.name().to_owned(),
            url: self.chain.url().to_owned(),
            genesis: self.chain.genesis(),
            registry: at_registry,
            market: at_market,
            block: head.number,
            deployed_at: self.chain.time_at(head.hash).await?,
        };
        deployment.verify(self.chain).await?;
        deployment.save(path)?;
        match std::fs::remove_file(&self.partial_path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| {
                    format!(
                        "deployed and saved, but {} cannot be removed; remove it by hand",
                        self.partial_path.display()
                    )
                });
            }
            _ => {}
        }
        Ok(Some(deployment))
    }

    /// The contract of an interrupted deployment, if it stands.
    async fn standing(
        &self,
        known: Option<DeployedContract>,
        bundle: &Bundle,
    ) -> anyhow::Result<Option<DeployedContract>> {
        let Some(contract) = known else { return Ok(None) };
        match self.chain.code_hash(contract.address).await? {
            Some(code) if code == bundle.code_hash() => Ok(Some(contract)),
            Some(_) => bail!(
                "the {} of the interrupted deployment was made from another bundle; finish with that one, \
                 or deploy anew with --force",
                bundle.name
            ),
            None => Ok(None),
        }
    }

    async fn bind(&mut self, registry: Address, market: Address) -> anyhow::Result<bool> {
        let registry = Registry::at(self.chain, registry);
        match registry.market().await? {
            Some(bound) if bound == market => return Ok(true),
            Some(bound) => bail!("the registry is bound to another market, {bound}; deploy anew with --force"),
            None => {}
        }
        // Bound for good: better to look twice.
        let asked = Market::at(self.chain, market).registry().await?;
        if asked != registry.address() {
            bail!("the market at {market} works with the registry {asked}; deploy anew with --force");
        }
        let call = registry.bind_market(market);
        let run = self.signing.plan(BIND, &call).await?;
        if !self.confirm().await? {
            return Ok(false);
        }
        self.signing.send(BIND, &call, &run).await?;
        Ok(true)
    }

    async fn confirm(&mut self) -> anyhow::Result<bool> {
        if self.confirmed {
            self.signing.confirm_more().await?;
        } else {
            self.confirmed = self.signing.confirm().await?;
        }
        Ok(self.confirmed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_bundles_have_what_deploying_needs() {
        let registry = bundle(None, "registry", REGISTRY).unwrap();
        let market = bundle(None, "market", MARKET).unwrap();
        assert_eq!((registry.name.as_str(), market.name.as_str()), ("registry", "market"));
        registry.constructor("new").unwrap();
        market.constructor("new").unwrap();
        registry.message("bind_market").unwrap();
    }

    #[test]
    fn an_interrupted_deployment_is_carried_on_by_its_account_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = Partial::path(&folder.path().join("deployment.json"));
        assert!(path.ends_with("deployment.json.partial"));
        let (genesis, deployer) = (Hash([1; 32]), Address([2; 20]));
        let mut first = Partial::open(&path, genesis, deployer, false).unwrap();
        first.registry = Some(DeployedContract { address: Address([3; 20]), code_hash: Hash([4; 32]) });
        first.save(&path).unwrap();
        assert_eq!(Partial::open(&path, genesis, deployer, false).unwrap(), first);
        for (genesis, deployer) in [(Hash([9; 32]), deployer), (genesis, Address([9; 20]))] {
            let error = Partial::open(&path, genesis, deployer, false).unwrap_err().to_string();
            assert!(error.contains("--force") && error.contains("interrupted"), "{error}");
        }
        let anew = Partial::open(&path, genesis, deployer, true).unwrap();
        assert_ne!(anew.salt, first.salt);
        std::fs::write(&path, "{").unwrap();
        assert!(Partial::open(&path, genesis, deployer, false).unwrap_err().to_string().contains("damaged"));
    }
}
