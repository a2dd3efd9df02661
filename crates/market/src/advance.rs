//! `advance`: the one message that moves a job on when its deadline has passed,
//! and that draws. Anybody may call it; nobody can choose anything by it.

use crate::check::{put, slots};
use crate::money::{distribute, pay, penalise, refund, share, slash, standing, unlock};
use crate::panel::{Verdict, conclude, convict, dispute, end_void, pay_verifiers, seats, tally};
use crate::{
    BARRED, COMMITMENT, DATASETS, JOB, MODEL, MODEL_ID, MarketHost, STANDING, draw, job, move_to, no_value, panel,
    post, terms,
};
use alloc::vec::Vec;
use assay_protocol::commitment::model_id;
use assay_protocol::market::{
    Check, Error, Event, IDLE_PENALTY_BP, Job, LATE_PENALTY_BP, MAX_ATTEMPTS, MAX_ROUNDS, Reason, Role, State, Terms,
};
use assay_protocol::registry::{self, RegisterModel};
use assay_protocol::{Address, Hash};

/// Moves a job on.
///
/// | state | when | what follows |
/// | --- | --- | --- |
/// | Open | deadline passed | cancelled, client refunded |
/// | Claimed | deadline passed | operator loses a tenth of the stake, job open again (cancelled after the third) |
/// | Committed | all secrets in, or deadline passed | draw (after a passed deadline, one block later); void if too few revealed |
/// | Drawn | deadline passed | operator loses its stake, client refunded |
/// | Opened | deadline passed | idle verifiers pay, their slots go to others; void after the third draw |
/// | Attested | deadline passed | operator loses its stake, client refunded |
/// | Window | deadline passed | a panel for a slot that is in doubt, else final |
/// | Disputed | deadline passed | ruling by those that sealed; void without a majority |
/// | Ruling | deadline passed | ruling by those that revealed |
///
/// # Errors
/// [`Error::UnknownJob`], [`Error::TooEarly`], [`Error::DrawBlockPending`],
/// [`Error::WrongState`] for a job that has ended.
pub fn advance(host: &mut impl MarketHost, id: u64) -> Result<(), Error> {
    no_value(host)?;
    let mut job = job(host, id)?;
    if job.state.is_terminal() {
        return Err(Error::WrongState(job.state));
    }
    let now = host.now();
    let early = (now <= job.deadline).then_some(Error::TooEarly { deadline: job.deadline, now });
    let job = &mut job;
    let terms = terms(host, id);
    match (job.state, early) {
        (State::Committed, early) => return committed(host, id, job, &terms, early),
        (_, Some(error)) => return Err(error),
        (State::Open, None) => post::end_cancelled(host, id, job),
        (State::Claimed, None) => late(host, id, job, &terms),
        (State::Drawn, None) => absent(host, id, job, &terms),
        (State::Opened, None) => idle(host, id, job, &terms),
        (State::Attested, None) => absent(host, id, job, &terms),
        (State::Window, None) => close(host, id, job, &terms),
        (State::Disputed, None) => panel_idle(host, id, job, &terms),
        (State::Ruling, None) => {
            let verdict = tally(host, id, job);
            conclude(host, id, job, verdict);
        }
        (State::Final | State::Failed | State::Void | State::Cancelled, None) => unreachable!("refused above"),
    }
    Ok(())
}

/// Draws.
///
/// With all secrets in, they alone make the seed: who reveals last chooses the
/// block it reveals in, and must not choose the draw by it. With a secret
/// missing, the hash of the block in which the missed deadline was noticed goes
/// in, in the block after it at the earliest, so that holding back a secret is a
/// throw of dice and not a choice between two known draws. If that block is too
/// far back by now, the current one is taken.
fn committed(
    host: &mut impl MarketHost,
    id: u64,
    job: &mut Job,
    terms: &Terms,
    early: Option<Error>,
) -> Result<(), Error> {
    let current = host.block_number();
    let complete = job.client_secret.is_some() && job.revealed == job.enlisted;
    match job.draw_block {
        _ if complete => {
            draw_or_void(host, id, job, terms, Hash::default());
            return Ok(());
        }
        None => {
            if let Some(error) = early {
                return Err(error);
            }
            if job.revealed < 1 + u32::from(terms.panel) {
                end_void(host, id, job, terms);
                return Ok(());
            }
        }
        Some(block) if block >= current => return Err(Error::DrawBlockPending(block)),
        Some(block) => {
            if let Some(hash) = host.block_hash(block) {
                draw_or_void(host, id, job, terms, hash);
                return Ok(());
            }
        }
    }
    job.draw_block = Some(current);
    JOB.set(host, &id, job);
    Ok(())
}

fn draw_or_void(host: &mut impl MarketHost, id: u64, job: &mut Job, terms: &Terms, block_hash: Hash) {
    if !draw::first(host, id, job, terms, block_hash) {
        end_void(host, id, job, terms);
    }
}

/// The operator did not commit in time. All of the penalty is burned: a client
/// that earned by it would post jobs that nobody can finish.
fn late(host: &mut impl MarketHost, id: u64, job: &mut Job, terms: &Terms) {
    let operator = job.operator.take().expect("a claimed job has an operator");
    let penalty = share(terms.stake, LATE_PENALTY_BP);
    slash(host, Role::Operator, operator, id, penalty, Reason::Late);
    unlock(host, Role::Operator, operator, terms.stake - penalty);
    distribute(host, id, penalty, None, &[]);
    BARRED.set(host, &(id, operator), &());
    if job.attempts == MAX_ATTEMPTS {
        post::end_cancelled(host, id, job);
    } else {
        move_to(host, id, job, State::Open, terms.windows.claim);
    }
}

/// The operator stayed away after its commitment: as costly as a cheat, or a
/// cheat would stay away. Verifiers that had sealed share with the client.
fn absent(host: &mut impl MarketHost, id: u64, job: &mut Job, terms: &Terms) {
    let sealed: Vec<Address> =
        slots(host, id).iter().filter(|slot| slot.check == Check::Sealed).map(|slot| slot.verifier).collect();
    let client = job.client;
    convict(host, id, job, terms, Reason::Absent, Some(client), &sealed);
}

/// Verifiers that did not attest pay, and others get their slots.
fn idle(host: &mut impl MarketHost, id: u64, job: &mut Job, terms: &Terms) {
    let mut missing = Vec::new();
    for (number, mut entry) in (0u8..).zip(slots(host, id)) {
        if entry.check != Check::Opened {
            continue;
        }
        let penalty = share(terms.bond, IDLE_PENALTY_BP);
        let taken = penalise(host, id, entry.verifier, penalty, Reason::Idle);
        // Burned: whoever gained by it would keep verifiers away.
        distribute(host, id, taken, None, &[]);
        entry.check = Check::Idle;
        put(host, id, number, &entry);
        missing.push(number);
    }
    if job.rounds == MAX_ROUNDS || !draw::again(host, id, job, terms, &missing) {
        end_void(host, id, job, terms);
    }
}

/// The window is over: a slot that is in doubt goes to a panel, else all is well.
fn close(host: &mut impl MarketHost, id: u64, job: &mut Job, terms: &Terms) {
    let doubtful =
        (0u8..).zip(slots(host, id)).find(|(_, slot)| matches!(slot.check, Check::Mismatched | Check::Unavailable));
    match doubtful {
        Some((number, _)) => panel::start(host, id, job, number, false),
        None => finalise(host, id, job, terms),
    }
}

/// Pays everybody and registers the model.
fn finalise(host: &mut impl MarketHost, id: u64, job: &mut Job, terms: &Terms) {
    let operator = job.operator.expect("a committed job has an operator");
    pay(host, id, job, operator, terms.payment, Reason::Payment);
    unlock(host, Role::Operator, operator, terms.stake);
    let mut standing = standing(host, Role::Operator, operator);
    standing.done += 1;
    STANDING.set(host, &(Role::Operator, operator), &standing);
    pay_verifiers(host, id, job, terms);
    // What the division of the fee leaves over.
    refund(host, id, job);
    move_to(host, id, job, State::Final, 0);
    register(host, id, job, terms, operator);
}

/// Registers the model. The money does not wait for it: if the registry
/// refuses, the job is final all the same and an event says why.
fn register(host: &mut impl MarketHost, id: u64, job: &Job, terms: &Terms, operator: Address) {
    let commitment = COMMITMENT.get(host, &id).expect("a final job has a commitment");
    let model = MODEL.get(host, &id).expect("every job has a model");
    let model_id = model_id(host, &terms.program, &commitment.final_state);
    let registered = host.register_model(RegisterModel {
        owner: job.client,
        name: model.name,
        licence: model.licence,
        program: terms.program,
        final_state: commitment.final_state,
        artefact: commitment.artefact,
        datasets: DATASETS.get(host, &id).unwrap_or_default(),
        parent: model.parent,
        job: id,
        operator,
        segments: terms.segments,
        segments_drawn: u32::from(terms.samples),
        // Final means that every drawn segment passed or was upheld.
        segments_checked: u32::from(terms.samples),
    });
    match registered {
        // The same program, data and seed give the same model: it has an owner already.
        Ok(_) | Err(registry::Error::AlreadyRegistered) => {
            MODEL_ID.set(host, &id, &model_id);
            host.emit(Event::ModelRegistered { job: id, model: model_id, known: registered.is_err() });
        }
        Err(error) => host.emit(Event::ModelRefused { job: id, error }),
    }
}

/// The panel's time to seal is over.
fn panel_idle(host: &mut impl MarketHost, id: u64, job: &mut Job, terms: &Terms) {
    let dispute = dispute(host, id);
    if usize::from(dispute.sealed) * 2 > seats(host, id).len() {
        move_to(host, id, job, State::Ruling, terms.windows.reveal);
    } else {
        conclude(host, id, job, Verdict::Undecided);
    }
}
