//! Opening the drawn leaves, replaying them, comparing the findings.

use crate::challenge::undisputed;
use crate::train::check_leaf;
use crate::{
    COMMITMENT, ENDS, JOB, MarketHost, SLOT, demand, ends, job_id, job_in, move_to, no_value, panel, slot, terms,
};
use alloc::vec::Vec;
use assay_protocol::commitment::{model_id, seal};
use assay_protocol::market::{
    Check, EndStates, Ends, Error, Event, Job, MAX_DEMANDS, Opening, Slot, SlotOpening, SlotTrace, State, Terms, Wanted,
};
use assay_protocol::{Address, Hash};

/// Stores a slot and says so.
pub(crate) fn put(host: &mut impl MarketHost, id: u64, number: u8, slot: &Slot) {
    SLOT.set(host, &(id, number), slot);
    host.emit(Event::SlotMoved { job: id, slot: number, verifier: slot.verifier, check: slot.check });
}

/// The drawn slots of a job, in order; none before the draw.
pub(crate) fn drawn(host: &impl MarketHost, id: u64, terms: &Terms) -> Vec<Slot> {
    (0..terms.samples).map_while(|number| SLOT.get(host, &(id, number))).collect()
}

/// Opens the ends of a commitment.
fn open_ends(
    host: &mut impl MarketHost,
    id: u64,
    client: Address,
    terms: &Terms,
    root: &Hash,
    ends: Ends,
) -> Result<(), Error> {
    check_leaf(host, root, terms.segments, 0, &ends.first)?;
    check_leaf(host, root, terms.segments, terms.segments, &ends.last)?;
    let ends = EndStates { initial_state: ends.first.state, final_state: ends.last.state, artefact: ends.artefact };
    ENDS.set(host, &id, &ends);
    let model = model_id(host, &client, &terms.program, &ends.final_state);
    host.emit(Event::EndsOpened { job: id, model });
    Ok(())
}

/// The operator opens the ends of its commitment, once and first of all, and the
/// leaves around drawn segments; as many at once as it likes.
///
/// # Errors
/// [`Error::WrongState`], [`Error::DeadlinePassed`], [`Error::NotOperator`],
/// [`Error::EndsMissing`], [`Error::EndsOpen`], [`Error::UnknownSlot`],
/// [`Error::WrongCheck`] for a slot that is open, [`Error::BadProof`].
pub fn open(host: &mut impl MarketHost, id: u64, opening: Opening) -> Result<(), Error> {
    no_value(host)?;
    let mut job = job_in(host, id, State::Drawn)?;
    if job.operator != Some(host.caller()) {
        return Err(Error::NotOperator);
    }
    let terms = terms(host, id);
    let root = COMMITMENT.get(host, &id).expect("a drawn job has a commitment").root;
    match (opening.ends, ENDS.get(host, &id).is_some()) {
        (Some(ends), false) => open_ends(host, id, job.client, &terms, &root, ends)?,
        (None, true) => {}
        (Some(_), true) => return Err(Error::EndsOpen),
        (None, false) => return Err(Error::EndsMissing),
    }
    for SlotOpening { slot: number, before, after } in opening.slots {
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

/// The verifier of a slot posts the [`seal`] over the trace root that its replay gave.
///
/// # Errors
/// [`Error::WrongState`], [`Error::DeadlinePassed`], [`Error::UnknownSlot`],
/// [`Error::NotDrawn`], [`Error::WrongCheck`].
pub fn attest(host: &mut impl MarketHost, id: u64, number: u8, seal: Hash) -> Result<(), Error> {
    no_value(host)?;
    let (mut job, mut entry) = open_slot(host, id, number)?;
    entry.verifier_seal = Some(seal);
    entry.check = Check::Sealed;
    put(host, id, number, &entry);
    let terms = terms(host, id);
    if drawn(host, id, &terms).iter().all(|slot| slot.check == Check::Sealed) {
        move_to(host, id, &mut job, State::Attested, terms.windows.reveal);
    }
    Ok(())
}

/// The verifier of a slot says that the operator does not serve the state before
/// it, and demands a chunk of it at the price of the idle penalty. If nobody
/// answers, `advance` convicts the operator; if somebody does, the slot goes to
/// another verifier.
///
/// # Errors
/// As [`attest`].
pub fn report_unavailable(
    host: &mut impl MarketHost,
    id: u64,
    number: u8,
    tensor: u32,
    chunk: u32,
) -> Result<(), Error> {
    no_value(host)?;
    let (mut job, mut entry) = open_slot(host, id, number)?;
    entry.check = Check::Unserved;
    put(host, id, number, &entry);
    let terms = terms(host, id);
    let wanted = Wanted::Leaf { boundary: entry.segment, tensor, chunk };
    demand::add(host, id, &mut job, &terms, MAX_DEMANDS + number, (wanted, entry.before));
    JOB.set(host, &id, &job);
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
    // All drawn slots have a seal, or the job would not be here.
    let terms = terms(host, id);
    if traces.len() != usize::from(terms.samples) {
        return Err(Error::IncompleteTraces);
    }
    for SlotTrace { slot: number, trace } in traces {
        let mut entry = slot(host, id, number)?;
        if entry.check != Check::Sealed {
            return Err(Error::IncompleteTraces);
        }
        // No replay gives zero, but a careless verifier may seal it for "none".
        if trace == Hash::default()
            || entry.operator_seal != Some(seal(host, job_id(host, id), entry.segment, &trace, &operator))
        {
            return Err(Error::WrongTrace { slot: number });
        }
        let same = entry.verifier_seal == Some(seal(host, job_id(host, id), entry.segment, &trace, &entry.verifier));
        entry.trace = Some(trace);
        entry.check = if same { Check::Passed } else { Check::Mismatched };
        put(host, id, number, &entry);
    }
    move_to(host, id, &mut job, State::Window, terms.windows.dispute);
    Ok(())
}

/// The verifier of a slot stands by what it sealed (its trace root, or an
/// objection that only it can know), which starts a dispute.
///
/// # Errors
/// [`Error::WrongState`], [`Error::DeadlinePassed`], [`Error::DisputeOpen`],
/// [`Error::UnknownSlot`], [`Error::NotDrawn`], [`Error::NothingToDispute`],
/// [`Error::WrongSeal`], [`Error::DemandOpen`] if nobody is left for a panel and
/// a demand keeps the job from being void.
pub fn insist(host: &mut impl MarketHost, id: u64, number: u8, trace: Hash) -> Result<(), Error> {
    no_value(host)?;
    let mut job = undisputed(host, id)?;
    let entry = slot(host, id, number)?;
    let verifier = host.caller();
    if entry.verifier != verifier {
        return Err(Error::NotDrawn);
    }
    if entry.check != Check::Mismatched {
        return Err(Error::NothingToDispute);
    }
    if entry.verifier_seal != Some(seal(host, job_id(host, id), entry.segment, &trace, &verifier)) {
        return Err(Error::WrongSeal);
    }
    let terms = terms(host, id);
    if panel::start(host, id, &mut job, &terms, number, true) {
        return Ok(());
    }
    ends::end_void(host, id, &mut job, &terms)
}
