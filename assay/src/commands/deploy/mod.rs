//! `deploy`: titles, registry, market, and the bonds between them.

mod partial;

use self::partial::{Partial, Start};
use crate::cli::{Answer, Global};
use crate::show;
use crate::signing::{Cost, Signing};
use anyhow::{Context, bail};
use assay_client::deployment::DeployedContract;
use assay_client::{Amount, Bundle, Chain, Deploy as Deploying, Deployment, Deposit, Patience, Registry, Titles, Unit};
use assay_protocol::Address;
use assay_protocol::market::MAX_WINDOW_SECONDS;
use clap::Args;
use serde_json::json;
use std::path::{Path, PathBuf};

/// The bundles that are deployed unless others are given.
const TITLES: &[u8] = include_bytes!("../../../../contracts/artefacts/titles.contract");
const REGISTRY: &[u8] = include_bytes!("../../../../contracts/artefacts/registry.contract");
const MARKET: &[u8] = include_bytes!("../../../../contracts/artefacts/market.contract");

/// Where a node is looked for if neither `--url` nor a deployment file says.
const DEFAULT_URL: &str = "ws://127.0.0.1:9944";

/// Deploy titles, registry and market to a chain, and write the deployment file.
///
/// Works on any chain with pallet-revive: a development chain
/// (--url ws://127.0.0.1:9944) or the public Polkadot Hub TestNet. An
/// interrupted deployment is carried on by the same command; a finished one is
/// left as it is.
#[derive(Args, Debug)]
pub struct Deploy {
    /// Longest window that a job of the market may have, in seconds, up to 30 days;
    /// stake that is taken back waits twice as long
    #[arg(long, value_name = "SECONDS", default_value_t = 7 * 24 * 3600,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_WINDOW_SECONDS)))]
    longest_window: u32,
    /// Address of the registry that the new one carries on: its records can then be
    /// imported (`assay registry import`)
    #[arg(long, value_name = "ADDRESS")]
    predecessor: Option<Address>,
    /// Folder with titles.contract, registry.contract and market.contract [default: those built into this program]
    #[arg(long, value_name = "DIR")]
    bundles: Option<PathBuf>,
    /// Deploy anew, though the deployment file holds another deployment, which it
    /// then no longer does
    #[arg(long)]
    force: bool,
}

const BIND_REGISTRY: &str = "bind the registry to the titles";
const BIND_MARKET: &str = "bind the market to the registry";

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
        || chain.code_hash(found.market.address).await?.is_some()
        || chain.code_hash(found.titles.address).await?.is_some();
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

/// The contracts to deploy.
struct Bundles {
    titles: Bundle,
    registry: Bundle,
    market: Bundle,
}

impl Bundles {
    fn load(folder: Option<&Path>) -> anyhow::Result<Self> {
        Ok(Self {
            titles: bundle(folder, "titles", TITLES)?,
            registry: bundle(folder, "registry", REGISTRY)?,
            market: bundle(folder, "market", MARKET)?,
        })
    }
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
        let bundles = Bundles::load(self.bundles.as_deref())?;
        let chain = Chain::connect_with(&url, Patience::COMMAND).await?;
        if let Some(deployment) = existing(&chain, &path, self.force).await? {
            let text = format!("deployed already; {} is up to date. --force deploys anew", path.display());
            return Answer::new(json!({ "deployment": deployment, "file": path, "executed": false }), text);
        }
        let mut signing = Signing::new(global, &chain).await?;
        let partial_path = Partial::path(&path);
        let start = Start {
            genesis: chain.genesis(),
            deployer: signing.address(),
            predecessor: self.predecessor,
            longest_window: self.longest_window,
        };
        let partial = Partial::open(&partial_path, start, self.force)?;
        let mut run =
            Run { chain: &chain, bundles: &bundles, signing: &mut signing, partial, partial_path, confirmed: false };
        let Some(deployment) = run.all(&path).await? else {
            return signing.tried(json!({ "network": chain.name(), "url": url, "file": path }));
        };
        let text = show::fields([
            ("network", show::plain(chain.name())),
            ("titles", deployment.titles.address.to_string()),
            ("registry", deployment.registry.address.to_string()),
            ("market", deployment.market.address.to_string()),
            ("file", path.display().to_string()),
        ]);
        signing.done(json!({ "deployment": deployment, "file": path }), text)
    }
}

/// What is to be done, in this order: each needs those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Titles,
    Registry,
    BindRegistry,
    Market,
    BindMarket,
}

const STEPS: [Step; 5] = [Step::Titles, Step::Registry, Step::BindRegistry, Step::Market, Step::BindMarket];

struct Run<'a, 'b> {
    chain: &'a Chain,
    bundles: &'a Bundles,
    signing: &'a mut Signing<'b>,
    partial: Partial,
    partial_path: PathBuf,
    confirmed: bool,
}

impl Run<'_, '_> {
    /// All steps that are not done; `None` if they were only to be tried.
    async fn all(&mut self, path: &Path) -> anyhow::Result<Option<Deployment>> {
        for (number, step) in STEPS.into_iter().enumerate() {
            if self.is_done(step).await? {
                continue;
            }
            let rest = &STEPS[number + 1..];
            let done = match step {
                Step::Titles | Step::Registry | Step::Market => self.deploy(step, rest).await?,
                Step::BindRegistry | Step::BindMarket => self.bind(step, rest).await?,
            };
            if !done {
                return Ok(None);
            }
        }
        let head = self.chain.latest().await?;
        let stands = |contract: Option<DeployedContract>| contract.context("a contract is missing");
        let deployment = Deployment {
            network: self.chain.name().to_owned(),
            url: self.chain.url().to_owned(),
            genesis: self.chain.genesis(),
            titles: stands(self.partial.titles)?,
            registry: stands(self.partial.registry)?,
            market: stands(self.partial.market)?,
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

    fn bundle(&self, step: Step) -> &Bundle {
        match step {
            Step::Titles => &self.bundles.titles,
            Step::Registry | Step::BindRegistry => &self.bundles.registry,
            Step::Market | Step::BindMarket => &self.bundles.market,
        }
    }

    fn known(&mut self, step: Step) -> &mut Option<DeployedContract> {
        match step {
            Step::Titles => &mut self.partial.titles,
            Step::Registry | Step::BindRegistry => &mut self.partial.registry,
            Step::Market | Step::BindMarket => &mut self.partial.market,
        }
    }

    /// Where a contract of an earlier step is.
    fn address(&mut self, step: Step) -> anyhow::Result<Address> {
        Ok(self.known(step).context("a contract of an earlier step is missing")?.address)
    }

    /// Whether an interrupted deployment has done this already.
    async fn is_done(&mut self, step: Step) -> anyhow::Result<bool> {
        let Some(contract) = *self.known(step) else { return Ok(false) };
        let (wanted, bound) = match step {
            Step::BindRegistry => {
                let titles = Titles::at(self.chain, self.address(Step::Titles)?);
                (contract.address, titles.registry().await?)
            }
            Step::BindMarket => {
                let registry = Registry::at(self.chain, self.address(Step::Registry)?);
                (contract.address, registry.market().await?)
            }
            _ => {
                return match self.chain.code_hash(contract.address).await? {
                    Some(code) if code == self.bundle(step).code_hash() => Ok(true),
                    Some(_) => bail!(
                        "the {} of the interrupted deployment was made from another bundle; finish with that one, \
                         or deploy anew with --force",
                        self.bundle(step).name
                    ),
                    None => Ok(false),
                };
            }
        };
        match bound {
            Some(bound) if bound == wanted => Ok(true),
            Some(bound) => bail!("{bound} is bound already instead of {wanted}; deploy anew with --force"),
            None => Ok(false),
        }
    }

    fn deploying(&mut self, step: Step) -> anyhow::Result<Deploying> {
        let Start { predecessor, longest_window, .. } = self.partial.start;
        let (chain, bundles) = (self.chain, self.bundles);
        let deploy = match step {
            Step::Titles => bundles.titles.deploy(chain, "new", ())?,
            Step::Registry => bundles.registry.deploy(chain, "new", (self.address(Step::Titles)?, predecessor))?,
            _ => bundles.market.deploy(chain, "new", (self.address(Step::Registry)?, longest_window))?,
        };
        Ok(deploy.salt(self.partial.salt.0))
    }

    async fn deploy(&mut self, step: Step, rest: &[Step]) -> anyhow::Result<bool> {
        let deploy = self.deploying(step)?;
        let bundle = self.bundle(step).clone();
        let run = self.signing.plan_deploy(&bundle, &deploy).await?;
        self.plan_rest(rest, Some((&bundle, Cost::from(&run))));
        let contract = DeployedContract { address: run.output, code_hash: bundle.code_hash() };
        if !self.confirm().await? {
            return Ok(false);
        }
        *self.known(step) = Some(contract);
        self.partial.save(&self.partial_path)?;
        self.signing.send_deploy(&bundle, &deploy, &run).await?;
        Ok(true)
    }

    /// Announces the steps that cannot be tried before those before them are done.
    fn plan_rest(&mut self, rest: &[Step], known: Option<(&Bundle, Cost)>) {
        for step in rest {
            match step {
                Step::BindRegistry => {
                    self.signing.plan_later(BIND_REGISTRY, None, "a small fee, known once both stand")
                }
                Step::BindMarket => self.signing.plan_later(BIND_MARKET, None, "a small fee, known once both stand"),
                _ => {
                    let bundle = self.bundle(*step);
                    let cost = known.map(|known| by_size(self.chain.unit(), bundle, known));
                    let what = format!("deploy the {} ({})", bundle.name, show::bytes(bundle.code().len() as u64));
                    self.signing.plan_later(what, cost, "about, by its size; known once the others stand");
                }
            }
        }
    }

    /// Binds for good what was just deployed.
    async fn bind(&mut self, step: Step, rest: &[Step]) -> anyhow::Result<bool> {
        let registry = self.address(Step::Registry)?;
        if step == Step::BindRegistry {
            let call = Titles::at(self.chain, self.address(Step::Titles)?).bind_registry(registry);
            let run = self.signing.plan(BIND_REGISTRY, &call).await?;
            self.plan_rest(rest, None);
            let confirmed = self.confirm().await?;
            if confirmed {
                self.signing.send(BIND_REGISTRY, &call, &run).await?;
            }
            return Ok(confirmed);
        }
        let call = Registry::at(self.chain, registry).bind_market(self.address(Step::Market)?);
        let run = self.signing.plan(BIND_MARKET, &call).await?;
        let confirmed = self.confirm().await?;
        if confirmed {
            self.signing.send(BIND_MARKET, &call, &run).await?;
        }
        Ok(confirmed)
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
        let Bundles { titles, registry, market } = Bundles::load(None).unwrap();
        let names = [&titles, &registry, &market].map(|bundle| bundle.name.as_str());
        assert_eq!(names, ["titles", "registry", "market"]);
        for bundle in [titles, market] {
            bundle.constructor("new").unwrap();
        }
        registry.constructor("new").unwrap();
        registry.message("bind_market").unwrap();
    }
}
