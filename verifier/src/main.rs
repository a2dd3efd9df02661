//! `assay-verifier`: see [`assay_verifier::cli`].

use assay_verifier::cli::Cli;
use clap::Parser;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    Cli::parse().run().await
}
