//! `assay`: one command line for clients, data owners, readers and deployers.
//!
//! One file per group of commands under `commands`; what signs goes through
//! [`signing`], so that every command shows fees, deposits and values first and
//! does nothing without `-x`.

mod cli;
mod commands;
mod description;
mod economics;
mod graph;
mod licences;
mod money_log;
mod names;
mod progress;
mod secrets;
mod show;
mod signing;

use assay_shell::{LogOptions, output};
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    let (name, json) = (cli.command.name(), cli.global.json);
    let result = LogOptions { log: cli.global.log.clone() }.start().and_then(|()| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(cli.command.run(&cli.global))
    });
    output::finish(&name, json, result.map(|answer| (answer.data, answer.text)))
}

/// A command line that cannot be read: to a program that asked for JSON, in the envelope.
fn refuse(error: &clap::Error) -> ExitCode {
    let wants_json = std::env::args_os().any(|argument| argument == "--json");
    if wants_json && error.use_stderr() {
        let text = error.to_string();
        let text = text.trim_start_matches("error: ").trim_end().to_owned();
        println!("{}", output::failure("assay", &anyhow::Error::msg(text)));
    } else if let Err(error) = error.print() {
        eprintln!("error: {error}");
    }
    ExitCode::from(if error.use_stderr() { output::USAGE } else { 0 })
}
