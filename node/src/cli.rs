//! The command line.

use crate::genesis::Endowment;
use clap::Parser;
use std::{path::PathBuf, time::Duration};

/// The port that Substrate clients try first.
pub const DEFAULT_RPC_PORT: u16 = 9944;

/// What the user asked for.
#[derive(Debug, Parser)]
#[command(
    name = "assay-node",
    version,
    about = "A development chain for Assay: ink! contracts on pallet-revive, one process, no peers.",
    after_help = "When the chain answers requests, one line appears on standard output:\n\
                  \n    ready ws://127.0.0.1:PORT genesis 0xHASH\n\
                  \nEverything else goes to standard error. Exit status: 0 after SIGTERM or \
                  SIGINT, 1 when the chain cannot start or fails, 2 for a usage error."
)]
pub struct Args {
    /// Port on 127.0.0.1 for JSON-RPC over WebSocket and HTTP; 0 takes any free one.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_RPC_PORT)]
    pub rpc_port: u16,

    /// Make a block every N milliseconds, also an empty one. Without this a
    /// block is made for each transaction as it arrives.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub block_time_ms: Option<u64>,

    /// Keep the chain in this folder, and carry on from what is there.
    #[arg(long, value_name = "DIR", conflicts_with = "tmp")]
    pub base_path: Option<PathBuf>,

    /// Keep the chain in memory and forget it at exit (the default).
    #[arg(long)]
    pub tmp: bool,

    /// Give an account this many tokens at genesis, for example `//Dave=1000` or
    /// `5Grw...utQY=0.5`. May be repeated. A stored chain was made with its own
    /// set and must be started with the same one.
    #[arg(long, value_name = "SURI_OR_SS58=AMOUNT")]
    pub fund: Vec<Endowment>,

    /// What to log: error, warn, info, debug or trace, or a filter such as
    /// `info,txpool=debug`. A single word sets this program's own messages and
    /// keeps its libraries one step quieter.
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    pub log: String,
}

impl Args {
    /// When blocks are made.
    pub fn pace(&self) -> crate::sealing::Pace {
        match self.block_time_ms {
            Some(ms) => crate::sealing::Pace::Every(Duration::from_millis(ms)),
            None => crate::sealing::Pace::PerTransaction,
        }
    }

    /// The log filter that [`Args::log`] stands for.
    pub fn log_directives(&self) -> String {
        let libraries = match self.log.as_str() {
            "error" => "error",
            "warn" | "info" => "warn",
            "debug" => "info",
            "trace" => "debug",
            filter => return filter.to_owned(),
        };
        format!("{libraries},assay_node={}", self.log)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn definition_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn base_path_and_tmp_exclude_each_other() {
        assert!(Args::try_parse_from(["assay-node", "--tmp", "--base-path", "x"]).is_err());
    }

    #[test]
    fn a_block_time_of_zero_is_refused() {
        assert!(Args::try_parse_from(["assay-node", "--block-time-ms", "0"]).is_err());
    }

    #[test]
    fn a_level_keeps_libraries_quieter_and_a_filter_is_left_alone() {
        let with = |log| Args::parse_from(["assay-node", "--log", log]).log_directives();
        assert_eq!(with("info"), "warn,assay_node=info");
        assert_eq!(with("debug"), "info,assay_node=debug");
        assert_eq!(with("info,txpool=debug"), "info,txpool=debug");
    }
}
