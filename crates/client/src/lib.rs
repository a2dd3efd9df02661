//! Typed client for Assay's contracts on any chain with `pallet-revive`.
//!
//! ```no_run
//! # async fn example() -> Result<(), assay_client::Error> {
//! use assay_client::{Chain, Deployment, Signer};
//!
//! let chain = Chain::connect("ws://127.0.0.1:9944").await?;
//! let deployment = Deployment::load(&Deployment::default_path()?)?;
//! deployment.verify(&chain).await?;
//! let market = deployment.market(&chain);
//! let signer = Signer::from_suri("//Alice")?;
//! chain.ensure_mapped(&signer).await?;
//! let call = market.withdraw();
//! let run = call.dry_run(signer.account()).await?;
//! println!("costs up to {}", chain.unit().show(run.total()));
//! let receipt = call.send(&signer, &run).await?;
//! println!("paid {} in block {}", chain.unit().show(receipt.fee), receipt.block.number);
//! # Ok(())
//! # }
//! ```
//!
//! Names and shapes come from the chain's metadata, so that chains with an older
//! pallet work too. Every message is tried before it is signed; a refusal comes
//! with the contract's own reason. Connections come back by themselves, and no
//! transaction is ever sent twice.
//!
//! | module | holds |
//! | --- | --- |
//! | [`chain`] | [`Chain`]: connection, token, balances, clock |
//! | [`blocks`] | [`Blocks`]: finalised blocks as they come |
//! | [`signer`] | [`Signer`], [`AccountId`] |
//! | [`contract`] | [`Call`]: messages to a contract |
//! | [`dryrun`] | [`DryRun`]: what a message would do and cost |
//! | [`submit`] | [`Receipt`]: what a message did and cost |
//! | [`bundle`] | [`Bundle`]: contracts to deploy |
//! | [`deployment`] | [`Deployment`]: where the contracts are |
//! | [`registry`], [`market`], [`titles`] | the contracts, message by message |
//! | [`pages`] | lists that come in pages |
//! | [`amount`] | [`Amount`], [`Unit`] |
//! | [`error`] | [`Error`], [`CallError`] |

pub mod amount;
pub mod blocks;
pub mod bundle;
pub mod chain;
pub mod contract;
pub mod deployment;
pub mod dryrun;
pub mod error;
pub mod market;
pub mod pages;
pub mod registry;
pub mod signer;
pub mod submit;
pub mod titles;

mod events;
mod runtime;
mod transport;
mod value;

pub use amount::{Amount, Unit};
pub use blocks::{Block, Blocks};
pub use bundle::{Bundle, Deploy};
pub use chain::{Balance, Chain};
pub use contract::Call;
pub use deployment::Deployment;
pub use dryrun::{Deposit, DryRun, Weight};
pub use error::{CallError, Error};
pub use market::Market;
pub use pages::all_pages;
pub use registry::Registry;
pub use signer::{AccountId, Signer};
pub use submit::{ContractEvent, Receipt};
pub use titles::Titles;
pub use transport::Patience;
