//! What an operator asks of a job, for clients to read.

use crate::{MarketHost, OFFER, no_value};
use assay_protocol::market::{Error, Event, MAX_NOTE_BYTES, Offer};
use assay_protocol::registry;

/// The caller publishes what it asks of a job, or takes that back with `None`.
/// An offer binds nobody: claiming a job is what binds.
///
/// # Errors
/// [`Error::BadOffer`], [`Error::ValueNotWanted`].
pub fn publish_offer(host: &mut impl MarketHost, offer: Option<Offer>) -> Result<(), Error> {
    no_value(host)?;
    let operator = host.caller();
    match &offer {
        Some(Offer { note, .. })
            if note.len() > MAX_NOTE_BYTES || (!note.is_empty() && registry::check_text(note).is_err()) =>
        {
            return Err(Error::BadOffer);
        }
        Some(offer) => OFFER.set(host, &operator, offer),
        None => OFFER.remove(host, &operator),
    }
    host.emit(Event::OfferChanged { operator, offered: offer.is_some() });
    Ok(())
}
