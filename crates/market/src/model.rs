//! Registering the model of a final job.

use crate::{DATASETS, ENDS, MODEL, MODEL_ID, MarketHost, job, no_value, terms};
use assay_protocol::commitment::model_id;
use assay_protocol::market::{EndStates, Error, Event, Job, State, Terms};
use assay_protocol::registry::{self, RegisterModel};

/// Registers the model of a job that has just become final. The money does not
/// wait for it: if it cannot be registered now, an event says why, and
/// [`register`] can be sent later.
pub(crate) fn register_final(host: &mut impl MarketHost, id: u64, job: &Job, terms: &Terms) {
    if let Err(error) = try_register(host, id, job, terms) {
        host.emit(Event::ModelRefused { job: id, error });
    }
}

/// Registers the model of a final job that has none yet; anybody may send it.
///
/// # Errors
/// [`Error::UnknownJob`], [`Error::WrongState`], [`Error::NothingToRegister`],
/// [`Error::Registry`].
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
    try_register(host, id, &job, &terms).map_err(Error::Registry)
}

fn try_register(host: &mut impl MarketHost, id: u64, job: &Job, terms: &Terms) -> Result<(), registry::Error> {
    let ends = ENDS.get(host, &id).expect("a final job has opened its ends");
    let model = model_id(host, &job.client, &terms.program, &ends.final_state);
    let known = match host.register_model(registration(host, id, job, terms, ends)) {
        Ok(()) => false,
        // The same program, data and seed give the same model: another job of this client had it made before.
        Err(registry::Error::AlreadyRegistered) => true,
        Err(error) => return Err(error),
    };
    MODEL_ID.set(host, &id, &model);
    host.emit(Event::ModelRegistered { job: id, model, known });
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
