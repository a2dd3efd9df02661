//! Posting a job and taking it back.

use crate::ends::end_cancelled;
use crate::rules::rules;
use crate::{COUNT, DATASETS, MODEL, MarketHost, ROYALTY, SPEC, TERMS, exact_value, job, move_to, no_value};
use assay_protocol::economics::least_stake;
use assay_protocol::market::{
    Error, Job, LATE_PENALTY_BP, MAX_PANEL, MAX_SAMPLES, MAX_SEGMENTS, MAX_SPEC_BYTES, PostJob, SPEC_CHUNK_BYTES,
    State, Terms, TermsError,
};
use assay_protocol::registry::{self, WHOLE_BP, share};

fn check_terms(terms: &Terms, longest_window: u32) -> Result<(), TermsError> {
    if terms.segments == 0 || terms.segments > MAX_SEGMENTS {
        return Err(TermsError::Segments);
    }
    if terms.samples == 0 || terms.samples > MAX_SAMPLES || u32::from(terms.samples) > terms.segments {
        return Err(TermsError::Samples);
    }
    if terms.panel < 2 || terms.panel > MAX_PANEL {
        return Err(TermsError::Panel);
    }
    if terms.windows.all().iter().any(|window| *window == 0 || *window > longest_window) {
        return Err(TermsError::Window);
    }
    // A bond whose share is nothing would make demands and missed turns free.
    if [terms.payment, terms.fee, terms.stake, terms.demand_bond()].contains(&0) {
        return Err(TermsError::Amount);
    }
    if terms.hand_back > share(terms.stake, LATE_PENALTY_BP) {
        return Err(TermsError::HandBack);
    }
    let policy = &terms.policy;
    if policy.false_segments > terms.segments || policy.bribed_bp > WHOLE_BP {
        return Err(TermsError::Policy);
    }
    let least = least_stake(policy, terms.segments, terms.samples, terms.panel);
    if least.is_none_or(|least| terms.stake < least) {
        return Err(TermsError::Stake { least });
    }
    Ok(())
}

/// Posts a job. The value sent must be payment and fee together; the number of
/// the new job is returned.
///
/// # Errors
/// [`Error::BadTerms`], [`Error::WrongValue`], [`Error::Overflow`],
/// [`Error::Registry`] if an input is not registered, or not for this client,
/// [`Error::RoyaltiesRaised`] if its owners ask for more than the client agreed to.
pub fn post_job(host: &mut impl MarketHost, args: PostJob) -> Result<u64, Error> {
    let PostJob { terms, model, datasets, spec, most_royalties_bp } = args;
    check_terms(&terms, rules(host).longest_window).map_err(Error::BadTerms)?;
    if spec.is_empty() || spec.len() > MAX_SPEC_BYTES {
        return Err(Error::BadTerms(TermsError::SpecLength));
    }
    if host.sha256(&spec) != terms.spec {
        return Err(Error::BadTerms(TermsError::SpecHash));
    }
    if registry::check_name(&model.name).is_err() || registry::check_licence(&model.licence).is_err() {
        return Err(Error::BadTerms(TermsError::Model));
    }
    if model.royalty_bp > WHOLE_BP {
        return Err(Error::BadTerms(TermsError::Royalties));
    }
    let held = terms.payment.checked_add(terms.fee).ok_or(Error::Overflow)?;
    exact_value(host, held)?;
    let client = host.caller();
    let royalties = host.check_inputs(client, &datasets, model.parent).map_err(Error::Registry)?;
    let owed: u32 = royalties.iter().map(|royalty| u32::from(royalty.share_bp)).sum();
    if owed > u32::from(WHOLE_BP) {
        return Err(Error::BadTerms(TermsError::Royalties));
    }
    if owed > u32::from(most_royalties_bp) {
        return Err(Error::RoyaltiesRaised { asked_bp: owed as u16, most_bp: most_royalties_bp });
    }

    let id = COUNT.get(host, &()).unwrap_or(0);
    COUNT.set(host, &(), &(id + 1));
    TERMS.set(host, &id, &terms);
    MODEL.set(host, &id, &model);
    DATASETS.set(host, &id, &datasets);
    // As of now: what the client has agreed to, whatever owners change later.
    for (number, royalty) in (0u8..).zip(&royalties) {
        ROYALTY.set(host, &(id, number), royalty);
    }
    for (chunk, bytes) in (0u8..).zip(spec.chunks(SPEC_CHUNK_BYTES)) {
        SPEC.set(host, &(id, chunk), &bytes.to_vec());
    }
    let mut job = Job::posted(client, host.now(), held);
    move_to(host, id, &mut job, State::Open, terms.windows.claim);
    Ok(id)
}

/// The client takes a job back that nobody has claimed; all it paid can be withdrawn.
///
/// # Errors
/// [`Error::UnknownJob`], [`Error::NotClient`], [`Error::WrongState`].
pub fn cancel(host: &mut impl MarketHost, id: u64) -> Result<(), Error> {
    no_value(host)?;
    let mut job = job(host, id)?;
    if job.client != host.caller() {
        return Err(Error::NotClient);
    }
    if job.state != State::Open {
        return Err(Error::WrongState(job.state));
    }
    end_cancelled(host, id, &mut job);
    Ok(())
}
