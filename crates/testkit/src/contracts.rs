//! The committed contracts, deployed to a development chain.

use assay_client::deployment::DeployedContract;
use assay_client::{Bundle, Chain, Deploy, Deployment, Registry, Signer, Titles};
use assay_protocol::Address;
use std::path::Path;

/// Deploys titles, registry and market with this longest window, in seconds, and
/// binds them to each other.
///
/// # Panics
/// If the bundles cannot be read or the chain refuses.
pub async fn deploy(chain: &Chain, deployer: &Signer, longest_window: u32) -> Deployment {
    chain.ensure_mapped(deployer).await.expect("the deployer can pay");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts/artefacts");
    let bundle = |name: &str| Bundle::load(&folder.join(format!("{name}.contract"))).expect("the bundle is whole");
    let (titles, registry, market) = (bundle("titles"), bundle("registry"), bundle("market"));
    let execute = async |bundle: &Bundle, deploy: Deploy| {
        let (address, _) = deploy.execute(deployer).await.expect("the chain takes the contract");
        DeployedContract { address, code_hash: bundle.code_hash() }
    };
    let none: Option<Address> = None;
    let titles = execute(&titles, titles.deploy(chain, "new", ()).expect("it has this constructor")).await;
    let arguments = (titles.address, none);
    let registry = execute(&registry, registry.deploy(chain, "new", arguments).expect("it has this constructor")).await;
    let arguments = (registry.address, longest_window);
    let market = execute(&market, market.deploy(chain, "new", arguments).expect("it has this constructor")).await;
    let bound = Titles::at(chain, titles.address).bind_registry(registry.address);
    bound.execute(deployer).await.expect("titles take their registry");
    let bound = Registry::at(chain, registry.address).bind_market(market.address);
    bound.execute(deployer).await.expect("the registry takes its market");
    Deployment {
        network: chain.name().into(),
        url: chain.url().into(),
        genesis: chain.genesis(),
        titles,
        registry,
        market,
        block: chain.latest().await.expect("the chain answers").number,
        deployed_at: chain.now().await.expect("the chain answers"),
    }
}
