//! `job`: post, list, show, watch, reveal, advance, cancel, demands, demand,
//! register, contributions, ledger.

mod act;
mod contributions;
mod demand;
mod post;
mod view;
mod watch;

use crate::cli::{Answer, Global};
use crate::commands::ledger::Ledger;
use clap::Subcommand;

/// Training jobs.
#[derive(Debug, Subcommand)]
pub enum Job {
    /// Post a job that a JSON file describes (docs/job.md); prints its number
    Post(post::Post),
    /// List the jobs of the market
    List(view::List),
    /// Show a job: terms, state, deadline, draws
    Show {
        /// The job's number
        id: u64,
    },
    /// Follow a job until it has ended; exits with 0 if it is final, else with 1
    Watch(watch::Watch),
    /// Reveal the secret that was sealed when the job was posted (client, after the commitment)
    Reveal {
        /// The job's number
        id: u64,
    },
    /// Move a job on whose deadline has passed, or whose draw is due (anybody)
    Advance {
        /// The job's number
        id: u64,
    },
    /// Take back a job that nobody has claimed (client)
    Cancel {
        /// The job's number
        id: u64,
    },
    /// Who contributed data, computation and verification to a job, and what each was paid
    Contributions {
        /// The job's number
        id: u64,
    },
    /// What is demanded of a job's operator on chain
    Demands {
        /// The job's number
        id: u64,
    },
    Demand(demand::DemandArgs),
    /// Register the model of a final job that has none yet (anybody)
    Register {
        /// The job's number
        id: u64,
    },
    /// Who was paid and slashed in a job and why, with the sums checked
    Ledger(Ledger),
}

impl Job {
    /// The command's name below `job`.
    pub fn name(&self) -> &'static str {
        match self {
            Job::Post(_) => "post",
            Job::List(_) => "list",
            Job::Show { .. } => "show",
            Job::Watch(_) => "watch",
            Job::Reveal { .. } => "reveal",
            Job::Advance { .. } => "advance",
            Job::Cancel { .. } => "cancel",
            Job::Contributions { .. } => "contributions",
            Job::Demands { .. } => "demands",
            Job::Demand(_) => "demand",
            Job::Register { .. } => "register",
            Job::Ledger(_) => "ledger",
        }
    }

    /// Does it.
    pub async fn run(self, global: &Global) -> anyhow::Result<Answer> {
        match self {
            Job::Post(command) => command.run(global).await,
            Job::List(command) => command.run(global).await,
            Job::Show { id } => view::show(global, id).await,
            Job::Watch(command) => command.run(global).await,
            Job::Reveal { id } => act::reveal(global, id).await,
            Job::Advance { id } => act::advance(global, id).await,
            Job::Cancel { id } => act::cancel(global, id).await,
            Job::Contributions { id } => contributions::contributions(global, id).await,
            Job::Demands { id } => demand::demands(global, id).await,
            Job::Demand(command) => command.run(global).await,
            Job::Register { id } => act::register(global, id).await,
            Job::Ledger(command) => command.run(global).await,
        }
    }
}
