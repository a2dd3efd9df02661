//! Who may register a model: the first job that opened its ends.

use crate::{DATASETS, ENDS, JOB, MODEL, MODEL_ID, MarketHost, RESERVED, job, no_value, terms};
use assay_protocol::Hash;
use assay_protocol::commitment::model_id;
use assay_protocol::market::{EndStates, Error, Event, Job, State, Terms};
use assay_protocol::registry::{self, RegisterModel};

/// The job that holds a model's id before job `id`, if any: one that ended
/// without a model holds nothing.
fn holder(host: &impl MarketHost, id: u64, model: &Hash) -> Option<u64> {
    let holder = RESERVED.get(host, model).filter(|holder| *holder != id)?;
    let state = JOB.get(host, &holder)?.state;
    (!state.is_terminal() || state == State::Final).then_some(holder)
}

/// The ends of a job are open: it holds its model's id from now on, unless
/// another job does.
pub(crate) fn reserve(host: &mut impl MarketHost, id: u64, terms: &Terms, ends: &EndStates) {
    let model = model_id(host, &terms.program, &ends.final_state);
    if holder(host, id, &model).is_none() {
        RESERVED.set(host, &model, &id);
    }
    host.emit(Event::EndsOpened { job: id, model });
}

/// Registers the model of a job that has just become final. The money does not
/// wait for it: if it cannot be registered now, an event says why, and
/// [`register`] can be sent later.
pub(crate) fn register_final(host: &mut impl MarketHost, id: u64, job: &Job, terms: &Terms) {
    match try_register(host, id, job, terms) {
        Ok(()) => {}
        Err(Refusal::Held(holder)) => host.emit(Event::ModelWaits { job: id, holder }),
        Err(Refusal::Registry(error)) => host.emit(Event::ModelRefused { job: id, error }),
    }
}

/// Registers the model of a final job that has none yet; anybody may send it.
///
/// # Errors
/// [`Error::UnknownJob`], [`Error::WrongState`], [`Error::NothingToRegister`],
/// [`Error::ModelHeld`] while another job holds the id, [`Error::Registry`].
pub fn register(host: &mut impl MarketHost, id: u64) -> Result<(), Error> {
    no_value(host)?;
    let job = job(host, id)?;
    if job.state != State::Final {
        return Err(Error::WrongState(job.state));
    }
    if MODEL_ID.get(host, &id).is_some() {
        return Err(Error::NothingToRegister);
    }
    let terms = terms(host, id);
    try_register(host, id, &job, &terms).map_err(|refusal| match refusal {
        Refusal::Held(holder) => Error::ModelHeld { holder },
        Refusal::Registry(error) => Error::Registry(error),
    })
}

/// Why a model is not registered.
enum Refusal {
    Held(u64),
    Registry(registry::Error),
}

fn try_register(host: &mut impl MarketHost, id: u64, job: &Job, terms: &Terms) -> Result<(), Refusal> {
    let ends = ENDS.get(host, &id).expect("a final job has opened its ends");
    let model_id = model_id(host, &terms.program, &ends.final_state);
    let known = match holder(host, id, &model_id) {
        // The same program, data and seed give the same model: it has an owner already.
        Some(holder) if MODEL_ID.get(host, &holder).is_some() => true,
        Some(holder) => return Err(Refusal::Held(holder)),
        None => {
            RESERVED.set(host, &model_id, &id);
            match host.register_model(registration(host, id, job, terms, ends)) {
                Ok(()) => false,
                Err(registry::Error::AlreadyRegistered) => true,
                Err(error) => return Err(Refusal::Registry(error)),
            }
        }
    };
    MODEL_ID.set(host, &id, &model_id);
    host.emit(Event::ModelRegistered { job: id, model: model_id, known });
    Ok(())
}

fn registration(host: &impl MarketHost, id: u64, job: &Job, terms: &Terms, ends: EndStates) -> RegisterModel {
    let model = MODEL.get(host, &id).expect("every job has a model");
    RegisterModel {
        owner: job.client,
        name: model.name,
        licence: model.licence,
        royalty_bp: model.royalty_bp,
        program: terms.program,
        final_state: ends.final_state,
        artefact: ends.artefact,
        datasets: DATASETS.get(host, &id).unwrap_or_default(),
        parent: model.parent,
        job: id,
        operator: job.operator.expect("a final job has an operator"),
        segments: terms.segments,
        segments_drawn: u32::from(terms.samples),
        // Final means that every drawn segment passed or was upheld.
        segments_checked: u32::from(terms.samples),
    }
}
