//! `scripts/bench reader`: registers datasets on a development chain, `fill NUMBER`.
//!
//! ASSAY_DEPLOYMENT names the deployment file. Prints an id per line.

use assay_client::{Chain, Deployment, Registry, Signer};
use assay_protocol::Hash;
use assay_protocol::registry::{DatasetTerms, RegisterDataset};
use std::error::Error;
use tokio::task::JoinSet;

/// Accounts that register at the same time: the numbered ones of a development chain.
const ACCOUNTS: u64 = 32;

type Failed = Box<dyn Error + Send + Sync>;

fn dataset(number: u64) -> RegisterDataset {
    let mut id = [0xda; 32];
    id[..8].copy_from_slice(&number.to_be_bytes());
    RegisterDataset {
        id: Hash(id),
        name: format!("measured {number}"),
        bytes: number + 1,
        terms: DatasetTerms::open("CC0-1.0"),
        locations: vec![format!("https://example.org/{number}")],
        parents: vec![],
    }
}

/// Registers every dataset that falls to this account, one after the other. The first one is tried before it
/// is sent; the others cost as much.
async fn register(chain: Chain, registry: Registry, account: u64, number: u64) -> Result<(), Failed> {
    let signer = Signer::from_suri(&format!("//Assay{account}"))?;
    chain.ensure_mapped(&signer).await?;
    let run = registry.register_dataset(&dataset(account)).dry_run(signer.account()).await?;
    for number in (account..number).step_by(ACCOUNTS as usize) {
        registry.register_dataset(&dataset(number)).send(&signer, &run).await?;
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Failed> {
    let number: u64 = std::env::args().nth(1).ok_or("usage: fill NUMBER")?.parse()?;
    let deployment = Deployment::load(&Deployment::default_path()?)?;
    let chain = Chain::connect(&deployment.url).await?;
    deployment.verify(&chain).await?;
    let mut accounts = JoinSet::new();
    for account in 0..ACCOUNTS.min(number) {
        accounts.spawn(register(chain.clone(), deployment.registry(&chain), account, number));
    }
    while let Some(done) = accounts.join_next().await {
        done??;
    }
    (0..number).for_each(|number| println!("{}", dataset(number).id));
    Ok(())
}
