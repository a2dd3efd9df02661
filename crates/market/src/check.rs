//! Opening the drawn leaves, replaying them, comparing the findings.

use crate::train::check_leaf;
use crate::{COMMITMENT, DISPUTE, JOB, MarketHost, SLOT, job, job_in, move_to, no_value, panel, slot, terms};
use alloc::vec::Vec;
use assay_protocol::Hash;
use assay_protocol::commitment::seal;
use assay_protocol::market::{Check, Error, Event, Job, Slot, SlotOpening, SlotTrace, State};

/// Stores a slot and says so.
pub(crate) fn put(host: &mut impl MarketHost, id: u64, number: u8, slot: &Slot) {
    SLOT.set(host, &(id, number), slot);
    host.emit(Event::SlotMoved { job: id, slot: number, verifier: slot.verifier, check: slot.check });
}

/// All slots of a job, in order.
pub(crate) fn slots(host: &impl MarketHost, id: u64) -> Vec<Slot> {
    (0u8..).map_while(|number| SLOT.get(host, &(id, number))).collect()
}

/// The operator opens the leaves around drawn segments; as many at once as it likes.
///
/// # Errors
/// [`Error::WrongState`], [`Error::DeadlinePassed`], [`Error::NotOperator`],
/// [`Error::UnknownSlot`], [`Error::WrongCheck`] for a slot that is open,
/// [`Error::BadProof`].
pub fn open(host: &mut impl MarketHost, id: u64, openings: Vec<SlotOpening>) -> Result<(), Error> {
    no_value(host)?;
    let mut job = job_in(host, id, State::Drawn)?;
    if job.operator != Some(host.caller()) {
        return Err(Error::NotOperator);
    }
    let terms = terms(host, id);
    let root = COMMITMENT.get(host, &id).expect("a drawn job has a commitment").root;
    for SlotOpening { slot: number, before, after } in openings {
        let mut entry = slot(host, id, number)?;
        if entry.check != Check::Drawn {
            return Err(Error::WrongCheck(entry.check));
        }
        check_leaf(host, &root, terms.segments, entry.segment, &before)?;
        check_leaf(host, &root, terms.segments, entry.segment + 1, &after)?;
        entry.before = Some(before.state);
        entry.after = Some(after.state);
        entry.operator_seal = Some(after.seal);
        entry.check = Check::Opened;
        put(host, id, number, &entry);
        job.opened += 1;
    }
    if job.opened == terms.samples {
        move_to(host, id, &mut job, State::Opened, terms.windows.attest);
    } else {
        JOB.set(host, &id, &job);
    }
    Ok(())
}

/// The slot `number` of an opened job, if it is the caller's and still to be checked.
fn open_slot(host: &impl MarketHost, id: u64, number: u8) -> Result<(Job, Slot), Error> {
    let job = job_in(host, id, State::Opened)?;
    let entry = slot(host, id, number)?;
    if entry.verifier != host.caller() {
        return Err(Error::NotDrawn);
    }
    if entry.check != Check::Opened {
        return Err(Error::WrongCheck(entry.check));
    }
    Ok((job, entry))
}

/// Moves the job on once no opened slot waits for its verifier.
fn attested(host: &mut impl MarketHost, id: u64, mut job: Job) {
    if slots(host, id).iter().any(|slot| slot.check == Check::Opened) {
        return;
    }
    let windows = terms(host, id).windows;
    if slots(host, id).iter().any(|slot| slot.check == Check::Sealed) {
        move_to(host, id, &mut job, State::Attested, windows.reveal);
    } else {
        // No seals, so no traces to reveal: all verifiers say that nothing is served.
        move_to(host, id, &mut job, State::Window, windows.dispute);
    }
}

/// The verifier of a slot posts the [`seal`] over the trace root that its replay gave.
///
/// # Errors
/// [`Error::WrongState`], [`Error::DeadlinePassed`], [`Error::UnknownSlot`],
/// [`Error::NotDrawn`], [`Error::WrongCheck`].
pub fn attest(host: &mut impl MarketHost, id: u64, number: u8, seal: Hash) -> Result<(), Error> {
    no_value(host)?;
    let (job, mut entry) = open_slot(host, id, number)?;
    entry.verifier_seal = Some(seal);
    entry.check = Check::Sealed;
    put(host, id, number, &entry);
    attested(host, id, job);
    Ok(())
}

/// The verifier of a slot says that the operator does not serve the opened
/// checkpoint. A panel will try; if it gets the checkpoint, this costs the
/// idle penalty.
///
/// # Errors
/// As [`attest`].
pub fn report_unavailable(host: &mut impl MarketHost, id: u64, number: u8) -> Result<(), Error> {
    no_value(host)?;
    let (job, mut entry) = open_slot(host, id, number)?;
    entry.check = Check::Unavailable;
    put(host, id, number, &entry);
    attested(host, id, job);
    Ok(())
}

/// The operator reveals the trace roots of all slots that have a seal, and each
/// seal is compared with them.
///
/// # Errors
/// [`Error::WrongState`], [`Error::DeadlinePassed`], [`Error::NotOperator`],
/// [`Error::IncompleteTraces`], [`Error::WrongTrace`].
pub fn reveal_traces(host: &mut impl MarketHost, id: u64, traces: Vec<SlotTrace>) -> Result<(), Error> {
    no_value(host)?;
    let mut job = job_in(host, id, State::Attested)?;
    let operator = host.caller();
    if job.operator != Some(operator) {
        return Err(Error::NotOperator);
    }
    let waiting = slots(host, id).iter().filter(|slot| slot.check == Check::Sealed).count();
    if traces.len() != waiting {
        return Err(Error::IncompleteTraces);
    }
    for SlotTrace { slot: number, trace } in traces {
        let mut entry = slot(host, id, number)?;
        if entry.check != Check::Sealed {
            return Err(Error::IncompleteTraces);
        }
        // No replay gives zero, but a careless verifier may seal it for "none".
        if trace == Hash::default() || entry.operator_seal != Some(seal(host, id, entry.segment, &trace, &operator)) {
            return Err(Error::WrongTrace { slot: number });
        }
        let same = entry.verifier_seal == Some(seal(host, id, entry.segment, &trace, &entry.verifier));
        entry.trace = Some(trace);
        entry.check = if same { Check::Passed } else { Check::Mismatched };
        put(host, id, number, &entry);
    }
    let window = terms(host, id).windows.dispute;
    move_to(host, id, &mut job, State::Window, window);
    Ok(())
}

/// The verifier of a slot stands by what it found, which starts a dispute: with
/// what it sealed (its trace root, or an objection that only it can know), or
/// with `None` if the checkpoint was not served.
///
/// # Errors
/// [`Error::WrongState`], [`Error::DeadlinePassed`], [`Error::UnknownSlot`],
/// [`Error::NotDrawn`], [`Error::NothingToDispute`], [`Error::WrongSeal`].
pub fn insist(host: &mut impl MarketHost, id: u64, number: u8, trace: Option<Hash>) -> Result<(), Error> {
    no_value(host)?;
    let running = job(host, id)?;
    if DISPUTE.get(host, &id).is_some() && !running.state.is_terminal() {
        return Err(Error::DisputeOpen);
    }
    let mut job = job_in(host, id, State::Window)?;
    let entry = slot(host, id, number)?;
    let verifier = host.caller();
    if entry.verifier != verifier {
        return Err(Error::NotDrawn);
    }
    let insisted = match (entry.check, trace) {
        (Check::Mismatched, Some(trace)) => {
            if entry.verifier_seal != Some(seal(host, id, entry.segment, &trace, &verifier)) {
                return Err(Error::WrongSeal);
            }
            true
        }
        (Check::Unavailable, None) => false,
        _ => return Err(Error::NothingToDispute),
    };
    panel::start(host, id, &mut job, number, insisted);
    Ok(())
}
