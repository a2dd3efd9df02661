//! `operator` and `verifier`: who stakes, on which terms, and how it went.

use crate::cli::{Answer, Global, shown};
use crate::names::Account;
use crate::show;
use anyhow::{Context, bail};
use assay_client::{Unit, all_pages};
use assay_protocol::Address;
use assay_protocol::market::{MAX_STANDINGS_PAGE, Offer, Role, Standing};
use assay_shell::options::Deployed;
use clap::Subcommand;
use serde_json::{Value, json};

/// Who stakes in a role.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum Staked {
    /// List who ever staked
    List {
        /// Only those with free stake
        #[arg(long)]
        free: bool,
    },
    /// Show an account's standing; an operator's with its offer
    Show {
        /// An address or SS58
        account: Account,
    },
}

impl Staked {
    /// The command's name below `operator` or `verifier`.
    pub fn name(&self) -> &'static str {
        match self {
            Staked::List { .. } => "list",
            Staked::Show { .. } => "show",
        }
    }

    /// Does it.
    pub async fn run(self, role: Role, global: &Global) -> anyhow::Result<Answer> {
        match self {
            Staked::List { free } => list(role, free, global).await,
            Staked::Show { account } => show_one(role, account.address(), global).await,
        }
    }
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Operator => "operator",
        Role::Verifier => "verifier",
    }
}

async fn all(deployed: &Deployed, role: Role) -> anyhow::Result<Vec<(Address, Standing)>> {
    let market = &deployed.market;
    Ok(match role {
        Role::Operator => all_pages(|offset| market.operators(offset, MAX_STANDINGS_PAGE)).await?,
        Role::Verifier => all_pages(|offset| market.verifiers(offset, MAX_STANDINGS_PAGE)).await?,
    })
}

/// An account's standing for `--json`.
pub fn data(unit: &Unit, standing: &Standing) -> Value {
    json!({
        "stake": shown(unit, standing.stake),
        "locked": shown(unit, standing.locked),
        "unbonding": shown(unit, standing.unbonding),
        "unbonds_at": (standing.unbonding > 0).then_some(standing.unbonds_at),
        "done": standing.done,
        "lost": standing.lost,
        "missed": standing.missed,
        "endpoint": standing.endpoint,
    })
}

/// An account's standing in a few words.
pub fn text(unit: &Unit, role: Role, standing: &Standing, now: u64) -> String {
    let (done, lost, missed) = match role {
        Role::Operator => ("jobs done", "lost", "late or handed back"),
        Role::Verifier => ("segments checked", "disputes lost", "turns missed"),
    };
    let mut text = format!(
        "stake {}, of it {} locked; {} {done}, {} {lost}, {} {missed}",
        shown(unit, standing.stake),
        shown(unit, standing.locked),
        standing.done,
        standing.lost,
        standing.missed
    );
    if standing.unbonding > 0 {
        let when = match standing.unbonds_at.checked_sub(now).filter(|left| *left > 0) {
            Some(left) => format!("can be collected in {}", show::duration(left)),
            None => "`assay collect` credits it".into(),
        };
        text += &format!("; {} unbonding, {when}", shown(unit, standing.unbonding));
    }
    if !standing.endpoint.is_empty() {
        text += &format!(", at {}", show::plain(&standing.endpoint));
    }
    text
}

/// What an operator asks, in a few words.
fn asks(unit: &Unit, offer: &Offer) -> String {
    let mut text = shown(unit, offer.min_payment);
    if offer.payment_per_segment > 0 {
        text += &format!(", {} a segment", shown(unit, offer.payment_per_segment));
    }
    text
}

async fn list(role: Role, free: bool, global: &Global) -> anyhow::Result<Answer> {
    let deployed = global.connect().await?;
    let unit = deployed.chain.unit();
    let (mut rows, mut listed) = (vec![], vec![]);
    for (account, standing) in all(&deployed, role).await? {
        if free && standing.free() == 0 {
            continue;
        }
        let offer = match role {
            Role::Operator => deployed.market.offer(account).await?,
            Role::Verifier => None,
        };
        let mut row = vec![
            account.to_string(),
            shown(unit, standing.stake),
            shown(unit, standing.free()),
            standing.done.to_string(),
            standing.lost.to_string(),
            standing.missed.to_string(),
        ];
        if role == Role::Operator {
            row.push(offer.as_ref().map_or_else(|| "-".into(), |offer| asks(unit, offer)));
        }
        rows.push(row);
        let mut one = data(unit, &standing);
        one["account"] = json!(account);
        if role == Role::Operator {
            one["offer"] = json!(offer.map(|offer| offer_data(unit, &offer)));
        }
        listed.push(one);
    }
    let mut heading = vec!["ACCOUNT", "STAKE", "FREE", "DONE", "LOST", "MISSED"];
    if role == Role::Operator {
        heading.push("ASKS");
    }
    let text = match rows.is_empty() {
        true => format!("no {} stakes here", role_name(role)),
        false => show::table(&heading, &rows),
    };
    Answer::new(listed, text)
}

fn offer_data(unit: &Unit, offer: &Offer) -> Value {
    json!({
        "min_payment": shown(unit, offer.min_payment),
        "payment_per_segment": shown(unit, offer.payment_per_segment),
        "max_stake": offer.max_stake.map(|stake| shown(unit, stake)),
        "max_data_bytes": offer.max_data_bytes,
        "max_steps": offer.max_steps,
        "max_disk_bytes": offer.max_disk_bytes,
        "max_memory_bytes": offer.max_memory_bytes,
        "max_jobs": offer.max_jobs,
        "min_train_seconds": offer.min_train_seconds,
        "min_window_seconds": offer.min_window_seconds,
        "note": offer.note,
    })
}

fn offer_lines(unit: &Unit, offer: &Offer) -> Vec<(&'static str, String)> {
    let mut lines = vec![
        ("asks", asks(unit, offer)),
        (
            "locks",
            offer.max_stake.map_or_else(|| "any stake".into(), |stake| format!("{} at most", shown(unit, stake))),
        ),
        ("data", format!("{} at most", show::bytes(offer.max_data_bytes))),
        ("steps", format!("{} at most", offer.max_steps)),
        ("disk", format!("{} at most", show::bytes(offer.max_disk_bytes))),
        ("memory", format!("{} at most", show::bytes(offer.max_memory_bytes))),
        ("at once", show::count(offer.max_jobs, "job")),
        (
            "windows",
            format!(
                "{} to train and {} to open and reveal, at least",
                show::duration(offer.min_train_seconds.into()),
                show::duration(offer.min_window_seconds.into())
            ),
        ),
    ];
    if !offer.note.is_empty() {
        lines.push(("note", show::plain(&offer.note)));
    }
    lines
}

async fn show_one(role: Role, account: Address, global: &Global) -> anyhow::Result<Answer> {
    let deployed = global.connect().await?;
    let (unit, now) = (deployed.chain.unit(), deployed.chain.now().await?);
    let standing = deployed.market.standing(role, account).await?;
    let standing = standing.with_context(|| {
        format!("{account} has never staked as {0}; `assay {0} list` shows who has", role_name(role))
    })?;
    let mut lines = vec![("account", account.to_string()), (role_name(role), text(unit, role, &standing, now))];
    let mut shown = data(unit, &standing);
    shown["account"] = json!(account);
    if role == Role::Operator {
        let offer = deployed.market.offer(account).await?;
        match &offer {
            Some(offer) => lines.extend(offer_lines(unit, offer)),
            None => lines.push(("offer", "none published; its daemon's policy decides".into())),
        }
        shown["offer"] = json!(offer.map(|offer| offer_data(unit, &offer)));
    }
    Answer::new(shown, show::fields(lines))
}

/// Credit what the key's account took back of its stakes and has unbonded.
#[derive(clap::Args, Debug)]
pub struct Collect {}

impl Collect {
    /// Does it.
    pub async fn run(self, global: &Global) -> anyhow::Result<Answer> {
        let deployed = global.connect().await?;
        let (unit, now) = (deployed.chain.unit(), deployed.chain.now().await?);
        let mut signing = crate::signing::Signing::new(global, &deployed.chain).await?;
        let address = signing.address();
        let (mut due, mut wait) = (vec![], None);
        for role in [Role::Operator, Role::Verifier] {
            let standing = deployed.market.standing(role, address).await?.unwrap_or_default();
            match (standing.unbonding, standing.unbonds_at) {
                (0, _) => {}
                (sum, at) if at <= now => due.push((role, sum)),
                (sum, at) => wait = wait.max(Some((at, sum))),
            }
        }
        if due.is_empty() {
            match wait {
                None => bail!("{address} has taken back no stake; the daemons' `unstake` does that"),
                Some((at, sum)) => {
                    bail!("{} can be collected in {} by chain time", shown(unit, sum), show::duration(at - now))
                }
            }
        }
        let mut planned = vec![];
        for (role, sum) in &due {
            let what = format!("collect {} that {address} staked as {}", shown(unit, *sum), role_name(*role));
            let call = deployed.market.collect(*role);
            let run = signing.plan(what.clone(), &call).await?;
            planned.push((what, call, run));
        }
        let total = shown(unit, due.iter().map(|(_, sum)| sum).sum());
        let data = json!({ "amount": total });
        if !signing.confirm().await? {
            return signing.tried(data);
        }
        for (what, call, run) in &planned {
            signing.send(what, call, run).await?;
        }
        signing.done(data, format!("{total} is credited; `assay withdraw` sends it"))
    }
}
