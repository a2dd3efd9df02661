//! `index`: keeping an index of a deployment, and serving it.

use crate::cli::{Answer, Global};
use crate::progress;
use anyhow::Context;
use assay_index::api::{self, Options};
use assay_index::follow::{Place, Progress};
use assay_index::{Follower, Store};
use assay_shell::shutdown::Shutdown;
use clap::{Args, Subcommand};
use serde_json::json;
use std::net::SocketAddr;
use tokio::sync::watch;

/// Blocks that the index may be behind without a bar to show it.
const BEHIND: u64 = 20;

/// Where the index is kept.
#[derive(Args, Debug)]
pub struct Database {
    /// sqlite:FILE, or postgres://USER:PASSWORD@HOST/NAME [default: index.db in the data folder]
    #[arg(long, env = "ASSAY_INDEX_DATABASE", value_name = "URL", hide_env_values = true)]
    database: Option<String>,
}

/// Which blocks are read.
#[derive(Args, Debug)]
pub struct Blocks {
    /// Begin a new index at this block [default: the deployment's]
    #[arg(long, value_name = "BLOCK")]
    from: Option<u64>,
}

/// How the index is served.
#[derive(Args, Debug)]
pub struct Served {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8700")]
    listen: SocketAddr,
    /// Requests per second that an address may go on with
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// Requests that an address may make at once
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    burst: u32,
    /// Believe X-Forwarded-For. Only behind a proxy that sets it
    #[arg(long)]
    behind_proxy: bool,
}

/// An index of a deployment: records, history, search.
#[derive(Debug, Subcommand)]
pub enum Index {
    /// Follow the chain, keep the index up to date and serve it; prints `ready URL`
    Run {
        /// Where it is kept.
        #[command(flatten)]
        database: Database,
        /// Which blocks are read.
        #[command(flatten)]
        blocks: Blocks,
        /// How it is served.
        #[command(flatten)]
        served: Served,
    },
    /// Forget the index, read everything up to now again, and stop
    Rebuild {
        /// Where it is kept.
        #[command(flatten)]
        database: Database,
        /// Which blocks are read.
        #[command(flatten)]
        blocks: Blocks,
    },
    /// Only serve an index that another process keeps; needs no node
    Serve {
        /// Where it is kept.
        #[command(flatten)]
        database: Database,
        /// How it is served.
        #[command(flatten)]
        served: Served,
    },
    /// Print the description of the API, OpenAPI 3.1
    Openapi,
}

impl Database {
    async fn open(&self, global: &Global) -> anyhow::Result<Store> {
        let url = match &self.database {
            Some(url) => url.clone(),
            None => format!("sqlite:{}", global.data()?.join("index.db").display()),
        };
        Ok(Store::open(&url).await?)
    }
}

impl Served {
    /// Serves until the process is asked to stop.
    async fn serve(
        &self,
        store: Store,
        progress: Option<watch::Receiver<Progress>>,
        shutdown: Shutdown,
    ) -> anyhow::Result<()> {
        let options = Options { per_second: self.rate, burst: self.burst, behind_proxy: self.behind_proxy };
        let stop = async move { shutdown.wait().await };
        let (address, server) = api::serve(store, progress, self.listen, options, stop).await?;
        println!("ready http://{address}");
        server.await.context("the server stopped")
    }
}

fn follower(global: &Global, store: &Store, blocks: &Blocks) -> anyhow::Result<Follower> {
    let place = Place { url: global.chain.url.clone(), deployment: global.chain.deployment_path()? };
    Ok(Follower::new(place, store.clone(), blocks.from))
}

/// Shows how far the index is while it is behind.
async fn show(mut progress: watch::Receiver<Progress>) {
    let mut bar = None;
    while progress.changed().await.is_ok() {
        let Progress { indexed, head, .. } = progress.borrow_and_update().clone();
        let (Some(indexed), Some(head)) = (indexed, head) else { continue };
        match head.saturating_sub(indexed) {
            0 => bar = None,
            behind if behind > BEHIND || bar.is_some() => {
                let bar = bar.get_or_insert_with(|| {
                    let bar = progress::things("indexing blocks", head);
                    bar.set_position(indexed);
                    bar.reset_eta();
                    bar
                });
                bar.set_length(head);
                bar.set_position(indexed);
            }
            _ => {}
        }
    }
}

impl Index {
    /// The command's name.
    pub fn name(&self) -> &'static str {
        match self {
            Index::Run { .. } => "run",
            Index::Rebuild { .. } => "rebuild",
            Index::Serve { .. } => "serve",
            Index::Openapi => "openapi",
        }
    }

    /// Does it.
    pub async fn run(self, global: &Global) -> anyhow::Result<Answer> {
        match self {
            Index::Run { database, blocks, served } => {
                let shutdown = Shutdown::on_signals()?;
                let store = database.open(global).await?;
                let follower = follower(global, &store, &blocks)?;
                let bar = tokio::spawn(show(follower.progress()));
                let served = served.serve(store, Some(follower.progress()), shutdown.clone());
                tokio::select! {
                    ended = served => ended?,
                    ended = follower.run() => ended?,
                }
                bar.abort();
                Answer::new(json!({}), "")
            }
            Index::Rebuild { database, blocks } => {
                let store = database.open(global).await?;
                store.clear().await?;
                let follower = follower(global, &store, &blocks)?;
                let bar = tokio::spawn(show(follower.progress()));
                let state = follower.catch_up().await?;
                bar.abort();
                let (from, block) = (state.from, state.chain.block.number);
                let text = format!("{} holds blocks {from} to {block}", store.url());
                Answer::new(json!({ "database": store.url(), "from": from, "block": block }), text)
            }
            Index::Serve { database, served } => {
                let shutdown = Shutdown::on_signals()?;
                served.serve(database.open(global).await?, None, shutdown).await?;
                Answer::new(json!({}), "")
            }
            Index::Openapi => {
                let description = api::openapi();
                let text = description.to_pretty_json().context("the description is not JSON")?;
                Answer::new(description, text)
            }
        }
    }
}
