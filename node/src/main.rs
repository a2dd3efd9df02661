//! The Assay development chain.
//!
//! One process, one author, no peers: a Substrate chain with `pallet-revive` for
//! trying Assay's contracts and daemons on one machine. See `README.md` beside
//! this package for the flags and for what a restart keeps.

mod cli;
mod error;
mod executor;
mod genesis;
mod rpc;
mod sealing;
mod service;
mod store;

use clap::Parser;
use cli::Args;
use error::Error;
use std::{
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};
use tokio::signal::unix::{signal, SignalKind};

/// How long tasks get to end at shutdown.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("assay-node: {error}");
            match error {
                Error::Log(..) => ExitCode::from(2),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

fn run(args: &Args) -> Result<(), Error> {
    let mut logger = sc_tracing::logging::LoggerBuilder::new(args.log_directives());
    logger.with_detailed_output(false);
    logger.init().map_err(|error| Error::Log(args.log.clone(), Box::new(error)))?;

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::System("cannot start worker threads", error))?;
    let outcome = runtime.block_on(serve(args));
    runtime.shutdown_timeout(SHUTDOWN_GRACE);
    outcome
}

/// Runs the node until a signal asks it to stop or one of its tasks fails.
async fn serve(args: &Args) -> Result<(), Error> {
    // Before anything else, so that a signal during start-up is not lost.
    let listen = |kind| signal(kind).map_err(|e| Error::System("cannot listen for signals", e));
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;

    match &args.base_path {
        Some(folder) => log::info!("the chain is kept in {}", folder.display()),
        None => log::info!("the chain is in memory and will be forgotten (--base-path keeps it)"),
    }
    let mut node = service::start(args, tokio::runtime::Handle::current())?;
    log::info!("at block {}, {}", node.height, describe(args.pace()));
    announce(&node).map_err(|error| Error::System("cannot write to standard output", error))?;

    tokio::select! {
        _ = terminate.recv() => log::info!("stopping: SIGTERM"),
        _ = interrupt.recv() => log::info!("stopping: SIGINT"),
        result = node.tasks.future() => result?,
    }
    Ok(())
}

/// The one line on standard output that scripts wait for.
fn announce(node: &service::Node) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "ready ws://127.0.0.1:{} genesis {:?}", node.port, node.genesis)?;
    stdout.flush()
}

fn describe(pace: sealing::Pace) -> String {
    match pace {
        sealing::Pace::PerTransaction => "a block for each transaction".to_owned(),
        sealing::Pace::Every(period) => format!("a block every {} ms", period.as_millis()),
    }
}
