//! `job list` and `job show`.

use super::act::job;
use crate::cli::{Answer, Global, shown};
use crate::show;
use assay_client::Unit;
use assay_protocol::market::{Check, Demand, JobView, MAX_PAGE, Seat, Slot, State, Wanted};
use assay_protocol::registry::share;
use assay_shell::options::Deployed;
use clap::Args;
use serde_json::{Value, json};

/// List the jobs of the market.
#[derive(Args, Debug)]
pub struct List {
    /// Jobs that have not ended only
    #[arg(long)]
    open: bool,
}

impl List {
    /// Does it.
    pub async fn run(self, global: &Global) -> anyhow::Result<Answer> {
        let deployed = global.connect().await?;
        let now = deployed.chain.now().await?;
        let (mut jobs, mut offset) = (vec![], 0u64);
        loop {
            let page = deployed.market.jobs(offset, MAX_PAGE).await?;
            offset += page.items.len() as u64;
            let end = page.items.is_empty() || offset >= u64::from(page.total);
            jobs.extend(page.items.into_iter().filter(|job| !self.open || !job.state.is_terminal()));
            if end {
                break;
            }
        }
        let rows: Vec<Vec<String>> = jobs
            .iter()
            .map(|job| {
                let deadline = if job.state.is_terminal() { String::new() } else { show::deadline(job.deadline, now) };
                let operator = job.operator.map_or_else(|| "-".into(), |operator| operator.to_string());
                vec![job.id.to_string(), format!("{:?}", job.state), job.client.to_string(), operator, deadline]
            })
            .collect();
        let text = match rows.is_empty() {
            true => "no jobs; `assay job post` posts one".into(),
            false => show::table(&["JOB", "STATE", "CLIENT", "OPERATOR", "DEADLINE"], &rows),
        };
        Answer::new(jobs, text)
    }
}

/// What a state waits for, in words.
pub fn waits_for(state: State) -> &'static str {
    match state {
        State::Open => "waits for verifiers to enlist and for an operator to claim it",
        State::Claimed => "the operator trains",
        State::Committed => "the operator has committed; client and verifiers reveal their secrets for the draw",
        State::Drawn => "segments are drawn; the operator opens them, and the ends of its work",
        State::Opened => "the drawn verifiers replay their segments",
        State::Attested => "all seals are in; the operator reveals its traces",
        State::Window => "the traces are known; a verifier may insist, and anybody may challenge a segment",
        State::Disputed => "a panel replays the disputed segment",
        State::Ruling => "the panel reveals what it found",
        State::Final => "done: paid, and the model is registered",
        State::Failed => "the operator was convicted, stayed away or left a demand open; the client is refunded",
        State::Void => "nobody could check or decide; the client is refunded",
        State::Cancelled => "nobody did it, or the client took it back; the client is refunded",
    }
}

/// The state with its deadline, in words.
pub fn state_text(job: &JobView, now: u64) -> String {
    let state = job.job.state;
    let mut text = format!("{state:?}: {}", waits_for(state));
    if !state.is_terminal() {
        text += &format!("; {}", show::deadline(job.job.deadline, now));
        if now > job.job.deadline {
            text += &format!(", `assay job advance {}` moves it on", job.id);
        }
    }
    text
}

/// A check in words.
pub fn check_text(check: Check) -> &'static str {
    match check {
        Check::Drawn => "drawn",
        Check::Opened => "opened, being replayed",
        Check::Sealed => "sealed",
        Check::Passed => "passed: replayed, and the same",
        Check::Mismatched => "MISMATCHED: the replay gave something else",
        Check::Unserved => "UNSERVED: the verifier demands the checkpoint on chain",
        Check::Upheld => "upheld: a panel found for the operator",
        Check::Refuted => "REFUTED: a panel found against the operator",
        Check::Idle => "idle: its verifier stayed away, or its demand was answered",
        Check::Challenged => "CHALLENGED: a panel decides",
        Check::Undecided => "undecided: two panels could not decide the challenge",
    }
}

/// What is demanded, in words.
pub fn wanted_text(wanted: Wanted) -> String {
    match wanted {
        Wanted::Leaf { boundary, tensor, chunk } => {
            format!("chunk {chunk} of tensor {tensor} in the state at boundary {boundary}")
        }
        Wanted::Boundary { index } => format!("the leaf of boundary {index}"),
    }
}

/// What a job shows beside its record.
pub struct Details {
    /// Drawn and challenged segments.
    pub slots: Vec<Slot>,
    /// The panel.
    pub seats: Vec<Seat>,
    /// What is demanded of the operator.
    pub demands: Vec<Demand>,
}

/// Slots, seats and demands as they concern the job.
pub async fn details(deployed: &Deployed, id: u64) -> anyhow::Result<Details> {
    let market = &deployed.market;
    let (slots, seats, demands) = tokio::try_join!(market.slots(id), market.seats(id), market.demands(id))?;
    Ok(Details { slots, seats, demands })
}

/// A demand for `--json`.
pub fn demand_data(unit: &Unit, demand: &Demand) -> Value {
    json!({
        "number": demand.number,
        "by": demand.by,
        "wanted": demand.wanted,
        "state": demand.state,
        "bond": shown(unit, demand.bond),
        "deadline": demand.deadline,
    })
}

/// A job for `--json`, with amounts in the chain's unit.
fn data(unit: &Unit, job: &JobView, now: u64, details: &Details) -> Value {
    let (terms, state) = (&job.terms, &job.job);
    json!({
        "id": job.id,
        "client": state.client,
        "state": state.state,
        "ended": state.state.is_terminal(),
        "deadline": (!state.state.is_terminal()).then_some(state.deadline),
        "now": now,
        "posted_at": state.posted_at,
        "operator": state.operator,
        "attempts": state.attempts,
        "rounds": state.rounds,
        "enlisted": state.enlisted,
        "revealed": state.revealed,
        "client_revealed": state.client_secret.is_some(),
        "challenges": state.challenges,
        "held": shown(unit, state.held),
        "terms": {
            "spec": terms.spec,
            "program": terms.program,
            "segments": terms.segments,
            "payment": shown(unit, terms.payment),
            "fee": shown(unit, terms.fee),
            "stake": shown(unit, terms.stake),
            "hand_back": shown(unit, terms.hand_back),
            "bond": shown(unit, terms.bond),
            "samples": terms.samples,
            "panel": terms.panel,
            "policy": {
                "gain": shown(unit, terms.policy.gain),
                "false_segments": terms.policy.false_segments,
                "bribed_bp": terms.policy.bribed_bp,
            },
            "windows": terms.windows,
        },
        "model": job.model,
        "datasets": job.datasets,
        "royalties": job.royalties,
        "commitment": job.commitment,
        "ends": job.ends,
        "slots": details.slots,
        "dispute": job.dispute,
        "seats": details.seats,
        "demands": details.demands.iter().map(|demand| demand_data(unit, demand)).collect::<Vec<_>>(),
        "model_id": job.model_id,
    })
}

fn terms_lines(unit: &Unit, view: &JobView) -> Vec<(&'static str, String)> {
    let (terms, policy) = (&view.terms, &view.terms.policy);
    let mut lines = vec![(
        "payment",
        format!("{} to the operator, {} to the verifiers", shown(unit, terms.payment), shown(unit, terms.fee)),
    )];
    for royalty in &view.royalties {
        let amount = shown(unit, share(terms.payment, royalty.share_bp));
        lines.push(("royalty", format!("{amount} of the payment to {} for {}", royalty.to, royalty.node)));
    }
    lines.extend([
        (
            "locked",
            format!(
                "{} by the operator, {} or more by each verifier",
                shown(unit, terms.stake),
                shown(unit, terms.bond)
            ),
        ),
        ("hand back", format!("for {}", shown(unit, terms.hand_back))),
        (
            "policy",
            match policy.gain {
                0 => "none".into(),
                gain => format!(
                    "makes unprofitable: {} false for {}, {} % of the verifiers' weight bribed",
                    show::count(policy.false_segments, "segment"),
                    shown(unit, gain),
                    f64::from(policy.bribed_bp) / 100.0
                ),
            },
        ),
        ("held", shown(unit, view.job.held)),
        ("segments", format!("{}, of which {} are drawn", terms.segments, terms.samples)),
        ("program", terms.program.to_string()),
    ]);
    lines
}

fn detail_lines(unit: &Unit, view: &JobView, details: &Details, now: u64) -> Vec<(&'static str, String)> {
    let mut lines = vec![];
    for (number, slot) in details.slots.iter().enumerate() {
        let text = format!("{number}: segment {} by {}: {}", slot.segment, slot.verifier, check_text(slot.check));
        lines.push((if number < usize::from(view.terms.samples) { "slot" } else { "challenge" }, text));
    }
    for (number, seat) in details.seats.iter().enumerate() {
        let found = match (&seat.outcome, &seat.seal) {
            (Some(outcome), _) => format!("found {outcome:?}"),
            (None, Some(_)) => "sealed".into(),
            (None, None) => "replays".into(),
        };
        lines.push(("seat", format!("{number}: {} {found}", seat.verifier)));
    }
    for demand in &details.demands {
        let (wanted, left) = (wanted_text(demand.wanted), show::deadline(demand.deadline, now));
        let bond = shown(unit, demand.bond);
        lines.push(("demand", format!("{}: {wanted}, by {} for {bond}; {left}", demand.number, demand.by)));
    }
    lines
}

pub async fn show(global: &Global, id: u64) -> anyhow::Result<Answer> {
    let deployed = global.connect().await?;
    let view = job(&deployed, id).await?;
    let details = details(&deployed, id).await?;
    let now = deployed.chain.now().await?;
    let unit = deployed.chain.unit();
    let state = &view.job;
    let mut lines = vec![
        ("job", id.to_string()),
        ("state", state_text(&view, now)),
        ("model", format!("{} ({})", show::plain(&view.model.name), show::plain(&view.model.licence))),
        ("client", state.client.to_string()),
        ("operator", state.operator.map_or_else(|| "none".into(), |operator| operator.to_string())),
        ("verifiers", format!("{} enlisted, {} have revealed their secret", state.enlisted, state.revealed)),
    ];
    lines.extend(terms_lines(unit, &view));
    lines.extend(view.model.parent.map(|parent| ("parent", parent.to_string())));
    lines.extend(view.datasets.iter().map(|id| ("dataset", id.to_string())));
    if let Some(commitment) = &view.commitment {
        lines.push(("committed", format!("root {} in block {}", commitment.root, commitment.block)));
    }
    if let Some(ends) = &view.ends {
        lines.push(("final state", ends.final_state.to_string()));
        lines.push(("artefact", ends.artefact.to_string()));
    }
    lines.extend(detail_lines(unit, &view, &details, now));
    match view.model_id {
        Some(model) => lines.push(("model id", model.to_string())),
        None if state.state == State::Final => lines
            .push(("model id", format!("none yet; `assay job register {id}` registers the model, or says why not"))),
        None => {}
    }
    Answer::new(data(unit, &view, now, &details), show::fields(lines))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_and_check_has_its_own_words() {
        let states = [
            State::Open,
            State::Claimed,
            State::Committed,
            State::Drawn,
            State::Opened,
            State::Attested,
            State::Window,
            State::Disputed,
            State::Ruling,
            State::Final,
            State::Failed,
            State::Void,
            State::Cancelled,
        ];
        let words: std::collections::HashSet<_> = states.iter().map(|state| waits_for(*state)).collect();
        assert_eq!(words.len(), states.len());
        let checks = [
            Check::Drawn,
            Check::Opened,
            Check::Sealed,
            Check::Passed,
            Check::Mismatched,
            Check::Unserved,
            Check::Upheld,
            Check::Refuted,
            Check::Idle,
            Check::Challenged,
            Check::Undecided,
        ];
        let words: std::collections::HashSet<_> = checks.iter().map(|check| check_text(*check)).collect();
        assert_eq!(words.len(), checks.len());
    }
}
