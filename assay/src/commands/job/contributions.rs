//! `job contributions`: who contributed what to a job, and what each was paid.

use super::act::job;
use crate::cli::{Answer, Global, shown};
use crate::names::no_job;
use crate::show;
use anyhow::Context;
use assay_client::Unit;
use assay_protocol::market::{Contributions, JobView};
use serde_json::{Value, json};

pub async fn contributions(global: &Global, id: u64) -> anyhow::Result<Answer> {
    let deployed = global.connect().await?;
    let view = job(&deployed, id).await?;
    let unit = deployed.chain.unit();
    let contributions = deployed.market.contributions(id).await?.with_context(|| no_job(id))?;
    let rows = rows(unit, &view, &contributions);
    let table = match rows.is_empty() {
        true => "nobody has contributed yet\n".into(),
        false => show::table(&["PART", "ACCOUNT", "WHAT", "PAID"], &rows),
    };
    let sums = sums(unit, &view, &contributions);
    let text = format!("job {id}: {:?}\n\n{table}\n{}", view.job.state, show::fields(sums));
    Answer::new(data(unit, &view, &contributions), text)
}

fn rows(unit: &Unit, view: &JobView, contributions: &Contributions) -> Vec<Vec<String>> {
    let row =
        |part: &str, account: String, what: String, paid: u128| vec![part.to_owned(), account, what, shown(unit, paid)];
    let mut rows = vec![];
    for part in &contributions.data {
        let what = format!("{}, {} % of the payment", part.node, f64::from(part.share_bp) / 100.0);
        rows.push(row("data", part.owner.to_string(), what, part.paid));
    }
    if let Some(part) = &contributions.compute {
        let what = format!("{} of training", show::count(view.terms.segments, "segment"));
        rows.push(row("compute", part.operator.to_string(), what, part.paid));
    }
    for part in &contributions.verification {
        let mut what = format!("{} checked", show::count(part.segments, "segment"));
        if part.seats > 0 {
            what += &format!(", {} on panels", show::count(part.seats, "seat"));
        }
        rows.push(row("verification", part.verifier.to_string(), what, part.paid));
    }
    if contributions.verification_more > 0 {
        rows.push(row("verification", "others".into(), "too many to list".into(), contributions.verification_more));
    }
    rows
}

fn sums(unit: &Unit, view: &JobView, contributions: &Contributions) -> Vec<(&'static str, String)> {
    let mut sums = vec![];
    for (label, amount) in [
        ("to challengers and demanders", contributions.challengers),
        ("bonds given back", contributions.bonds),
        ("back to the client", contributions.refund),
        ("burned", contributions.burned),
        ("held by the job still", view.job.held),
    ] {
        if amount > 0 {
            sums.push((label, shown(unit, amount)));
        }
    }
    sums.push(("paid altogether", shown(unit, contributions.total())));
    sums
}

fn data(unit: &Unit, view: &JobView, contributions: &Contributions) -> Value {
    let shown = |amount: u128| shown(unit, amount);
    let data = contributions.data.iter().map(
        |part| json!({ "node": part.node, "owner": part.owner, "share_bp": part.share_bp, "paid": shown(part.paid) }),
    );
    let verification = contributions.verification.iter().map(|part| {
        json!({
            "verifier": part.verifier, "segments": part.segments, "seats": part.seats, "paid": shown(part.paid),
        })
    });
    json!({
        "job": view.id,
        "state": view.job.state,
        "data": data.collect::<Vec<_>>(),
        "compute": contributions.compute.as_ref().map(|part| {
            json!({ "operator": part.operator, "segments": view.terms.segments, "paid": shown(part.paid) })
        }),
        "verification": verification.collect::<Vec<_>>(),
        "verification_more": shown(contributions.verification_more),
        "challengers": shown(contributions.challengers),
        "bonds": shown(contributions.bonds),
        "refund": shown(contributions.refund),
        "burned": shown(contributions.burned),
        "held": shown(view.job.held),
        "total": shown(contributions.total()),
    })
}
