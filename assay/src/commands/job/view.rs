//! `job list` and `job show`.

use super::act::job;
use crate::cli::{Answer, Global, shown};
use crate::show;
use assay_client::Unit;
use assay_protocol::market::{Check, JobView, MAX_PAGE, Seat, Slot, State};
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
        State::Drawn => "segments are drawn; the operator opens them",
        State::Opened => "the drawn verifiers replay their segments",
        State::Attested => "all seals are in; the operator reveals its traces",
        State::Window => "the traces are known; a verifier that found something else may insist",
        State::Disputed => "a panel replays the disputed segment",
        State::Ruling => "the panel reveals what it found",
        State::Final => "done: paid, and the model is registered",
        State::Failed => "the operator was convicted or stayed away; the client is refunded",
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
        Check::Unavailable => "UNAVAILABLE: the checkpoint is not served",
        Check::Upheld => "upheld: a panel found for the operator",
        Check::Refuted => "REFUTED: a panel found against the operator",
        Check::Idle => "idle: its verifier stayed away",
    }
}

/// A job for `--json`, with amounts in the chain's unit.
fn data(unit: &Unit, job: &JobView, now: u64, slots: &[Slot], seats: &[Seat]) -> Value {
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
        "held": shown(unit, state.held),
        "terms": {
            "spec": terms.spec,
            "program": terms.program,
            "segments": terms.segments,
            "payment": shown(unit, terms.payment),
            "fee": shown(unit, terms.fee),
            "stake": shown(unit, terms.stake),
            "bond": shown(unit, terms.bond),
            "samples": terms.samples,
            "panel": terms.panel,
            "windows": terms.windows,
        },
        "model": job.model,
        "datasets": job.datasets,
        "commitment": job.commitment,
        "slots": slots,
        "dispute": job.dispute,
        "seats": seats,
        "model_id": job.model_id,
    })
}

/// Slots and seats as they concern the job.
pub async fn details(deployed: &Deployed, id: u64) -> anyhow::Result<(Vec<Slot>, Vec<Seat>)> {
    Ok((deployed.market.slots(id).await?, deployed.market.seats(id).await?))
}

pub async fn show(global: &Global, id: u64) -> anyhow::Result<Answer> {
    let deployed = global.connect().await?;
    let view = job(&deployed, id).await?;
    let (slots, seats) = details(&deployed, id).await?;
    let now = deployed.chain.now().await?;
    let unit = deployed.chain.unit();
    let (terms, state) = (&view.terms, &view.job);
    let mut lines = vec![
        ("job", id.to_string()),
        ("state", state_text(&view, now)),
        ("model", format!("{} ({})", show::plain(&view.model.name), show::plain(&view.model.licence))),
        ("client", state.client.to_string()),
        ("operator", state.operator.map_or_else(|| "none".into(), |operator| operator.to_string())),
        ("verifiers", format!("{} enlisted, {} have revealed their secret", state.enlisted, state.revealed)),
        (
            "payment",
            format!("{} to the operator, {} to the verifiers", shown(unit, terms.payment), shown(unit, terms.fee)),
        ),
        (
            "locked",
            format!("{} by the operator, {} by each verifier", shown(unit, terms.stake), shown(unit, terms.bond)),
        ),
        ("held", shown(unit, state.held)),
        ("segments", format!("{}, of which {} are drawn", terms.segments, terms.samples)),
        ("program", terms.program.to_string()),
    ];
    if let Some(parent) = view.model.parent {
        lines.push(("parent", parent.to_string()));
    }
    lines.extend(view.datasets.iter().map(|id| ("dataset", id.to_string())));
    if let Some(commitment) = &view.commitment {
        lines.push(("committed", format!("root {} in block {}", commitment.root, commitment.block)));
        lines.push(("artefact", commitment.artefact.to_string()));
    }
    for (number, slot) in slots.iter().enumerate() {
        lines.push((
            "slot",
            format!("{number}: segment {} by {}: {}", slot.segment, slot.verifier, check_text(slot.check)),
        ));
    }
    for (number, seat) in seats.iter().enumerate() {
        let found = match (&seat.outcome, &seat.seal) {
            (Some(outcome), _) => format!("found {outcome:?}"),
            (None, Some(_)) => "sealed".into(),
            (None, None) => "replays".into(),
        };
        lines.push(("seat", format!("{number}: {} {found}", seat.verifier)));
    }
    if let Some(model) = view.model_id {
        lines.push(("model id", model.to_string()));
    }
    Answer::new(data(unit, &view, now, &slots, &seats), show::fields(lines))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_and_check_has_its_own_words() {
        use State::*;
        let states = [
            Open, Claimed, Committed, Drawn, Opened, Attested, Window, Disputed, Ruling, Final, Failed, Void, Cancelled,
        ];
        let words: std::collections::HashSet<_> = states.iter().map(|state| waits_for(*state)).collect();
        assert_eq!(words.len(), states.len());
    }
}
