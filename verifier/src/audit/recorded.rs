//! Checks that need only the chain's records.

use crate::audit::records::Records;
use crate::audit::report::Checks;
use assay_engine::Program;
use assay_job::JobSpec;
use assay_market::draw;
use assay_protocol::Hash;
use assay_protocol::commitment::model_id;
use assay_protocol::hash::{Domain, Native, Sha256};
use assay_protocol::market::{Check, Commitment, EndStates, JobView, State};
use assay_protocol::registry::Node;
use std::collections::BTreeSet;

/// What the records' checks leave for those of the served bytes.
pub(crate) struct Recorded {
    pub job: JobView,
    pub commitment: Commitment,
    pub ends: EndStates,
    pub spec: JobSpec,
}

/// Makes all checks that need only records. `None` if too little is on record
/// to look at the served bytes.
pub(crate) fn check(records: &Records, checks: &mut Checks) -> Option<Recorded> {
    let record = &records.record;
    let id = model_id(&Native, &record.first_owner, &record.program, &record.final_state);
    checks.same("model id", "the hash of client, program and final state", id, records.model);
    match records.bound_market {
        Some(market) if market == record.market => checks.ok("market", "the record is from the registry's one market"),
        Some(market) => {
            checks.failed(
                "market",
                format!("the record names {}, and the registry takes models from {market}", record.market),
            );
        }
        None => checks.failed("market", "the registry is bound to no market"),
    }
    let Some(job) = records.job.clone() else {
        checks.failed("job", format!("market {} has no job {}", record.market, record.job));
        return None;
    };
    check_job(records, &job, checks);
    let Some(commitment) = job.commitment.clone() else {
        checks.failed("commitment", "the job has none");
        return None;
    };
    let Some(ends) = job.ends.clone() else {
        checks.failed("commitment", "its ends were never opened");
        return None;
    };
    match (ends.final_state == record.final_state, ends.artefact == record.artefact) {
        (true, true) => {
            checks.ok("commitment", format!("root {}, final state and artefact as on record", commitment.root))
        }
        (false, _) => checks.failed("commitment", format!("its final state is {}, not the record's", ends.final_state)),
        (_, false) => checks.failed("commitment", format!("its artefact is {}, not the record's", ends.artefact)),
    }
    let spec = check_spec(records, &job, checks);
    check_lineage(records, &job, checks);
    check_draw(records, &job, &commitment, checks);
    check_slots(records, &job, checks);
    let (spec, _) = spec?;
    Some(Recorded { job, commitment, ends, spec })
}

fn check_job(records: &Records, job: &JobView, checks: &mut Checks) {
    let record = &records.record;
    let mut wrong = Vec::new();
    if job.job.state != State::Final {
        wrong.push(format!("it is {:?}, not Final", job.job.state));
    }
    if job.model_id != Some(records.model) {
        wrong.push("it made another model".to_owned());
    }
    if job.job.client != record.first_owner {
        wrong.push("its client is not the record's first owner".to_owned());
    }
    if job.job.operator != Some(record.operator) {
        wrong.push("its operator is not the record's".to_owned());
    }
    if (record.segments, record.segments_drawn) != (job.terms.segments, u32::from(job.terms.samples)) {
        wrong.push("its segments or samples are not the record's".to_owned());
    }
    if record.program != job.terms.program {
        wrong.push("its program is not the record's".to_owned());
    }
    if (&record.name, &record.licence) != (&job.model.name, &job.model.licence) {
        wrong.push("its model has another name or licence".to_owned());
    }
    match wrong.is_empty() {
        true => checks.ok("job", format!("job {} is final and made this model", job.id)),
        false => checks.failed("job", wrong.join("; ")),
    }
}

fn check_spec(records: &Records, job: &JobView, checks: &mut Checks) -> Option<(JobSpec, Program)> {
    let read = || {
        let bytes = records.spec.as_ref().ok_or("the chain keeps none")?;
        let hash = Native.sha256(bytes);
        if hash != job.terms.spec {
            return Err(format!("its hash is {hash}, and the terms say {}", job.terms.spec));
        }
        let spec = JobSpec::from_bytes(bytes).map_err(|error| error.to_string())?;
        if spec.segments() != job.terms.segments {
            return Err(format!("it makes {} segments, and the terms say {}", spec.segments(), job.terms.segments));
        }
        if job.datasets != [spec.data.dataset] {
            return Err(format!("it trains on dataset {}, which is not what the job names", spec.data.dataset));
        }
        Ok((spec, format!("its hash is the terms': {hash}")))
    };
    let spec = checks.result("specification", read());
    let Some(spec) = spec else {
        checks.skipped("program", "needs the specification");
        return None;
    };
    let compiled = spec.compile().map_err(|error| error.to_string()).and_then(|program| {
        let hash = Hash(program.hash());
        match hash == records.record.program {
            true => Ok(((spec.clone(), program), format!("the specification compiles to {hash}"))),
            false => Err(format!("the specification compiles to {hash}, not the record's {}", records.record.program)),
        }
    });
    checks.result("program", compiled)
}

fn check_lineage(records: &Records, job: &JobView, checks: &mut Checks) {
    let found: BTreeSet<Node> = records.made_from.iter().copied().collect();
    let mut expected: BTreeSet<Node> = job.datasets.iter().map(|id| Node::Dataset(*id)).collect();
    expected.insert(Node::Job { market: records.record.market, job: job.id });
    expected.extend(job.model.parent.map(Node::Model));
    if found != expected {
        let show = |nodes: &BTreeSet<Node>| nodes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        checks.failed("lineage", format!("the registry says {}; the job says {}", show(&found), show(&expected)));
    } else if let Some(parent) = job.model.parent {
        // Specifications of this version start from their seed.
        checks.failed("lineage", format!("it names the parent {parent}, but the specification does not start from it"));
    } else {
        checks.ok(
            "lineage",
            format!("made from {} dataset and job {}, in registry and job alike", job.datasets.len(), job.id),
        );
    }
}

/// Draws again, if what went into the draw is on record.
fn check_draw(records: &Records, job: &JobView, commitment: &Commitment, checks: &mut Checks) {
    let state = &job.job;
    let Some(client) = state.client_secret.filter(|_| state.revealed == state.enlisted) else {
        checks.skipped("draw", "a secret was held back, so a block's hash went in that the node may not have any more");
        return;
    };
    let first = Native.hash_value(Domain::Draw, &(job.id, commitment.root, client, state.secrets, Hash::default()));
    // Verifiers that stayed away are replaced by further draws; the segments stay.
    let last = (2..=state.rounds).fold(first, |seed, round| Native.hash_value(Domain::Draw, &(seed, round)));
    let drawn = draw::segments(&Native, &first, job.terms.segments, job.terms.samples);
    // Challenged segments have the slots after the drawn ones.
    let slots = records.slots.iter().take(usize::from(job.terms.samples));
    let found: Vec<u32> = slots.map(|slot| slot.segment).collect();
    if last != state.seed {
        checks.failed(
            "draw",
            format!("the secrets and the commitment give seed {last}, and on record is {}", state.seed),
        );
    } else if drawn != found {
        checks.failed("draw", format!("the seed draws segments {drawn:?}, and on record are {found:?}"));
    } else {
        checks.ok("draw", format!("all {} secrets give the seed, and the seed the segments", state.revealed + 1));
    }
}

fn check_slots(records: &Records, job: &JobView, checks: &mut Checks) {
    let good = |check: Check| matches!(check, Check::Passed | Check::Upheld);
    let drawn = usize::from(job.terms.samples).min(records.slots.len());
    let (slots, challenged) = records.slots.split_at(drawn);
    let passed = slots.iter().filter(|slot| good(slot.check)).count();
    let (total, claimed) = (slots.len(), records.record.segments_checked as usize);
    if !challenged.is_empty() {
        let upheld = challenged.iter().filter(|slot| good(slot.check)).count();
        let detail = format!("{} segments were challenged, and a panel upheld {upheld}", challenged.len());
        match upheld == challenged.len() {
            true => checks.ok("challenges", detail),
            false => checks.failed("challenges", detail),
        }
    }
    match passed == total && total == claimed {
        true => checks.ok("checks on chain", format!("{passed} of {total} drawn segments were confirmed by verifiers")),
        false => checks.failed(
            "checks on chain",
            format!("{passed} of {total} drawn segments were confirmed by verifiers, and the record says {claimed}"),
        ),
    }
}
