//! What is fixed at deployment. Nobody can change it later.

use crate::{MarketHost, RULES};
use assay_protocol::Address;
use assay_protocol::market::{Error, MAX_WINDOW_SECONDS, Rules, UNBONDING_WINDOWS};

/// Fixes the rules of a new market: its registry, and the longest window of its
/// jobs in seconds, from which the unbonding delay follows.
///
/// # Errors
/// [`Error::BadRules`].
pub fn deploy(host: &mut impl MarketHost, registry: Address, longest_window: u32) -> Result<(), Error> {
    if longest_window == 0 || longest_window > MAX_WINDOW_SECONDS {
        return Err(Error::BadRules);
    }
    RULES.set(host, &(), &Rules { registry, longest_window, unbonding: UNBONDING_WINDOWS * longest_window });
    Ok(())
}

/// The rules of this market.
///
/// # Panics
/// If it was never deployed.
pub fn rules(host: &impl MarketHost) -> Rules {
    RULES.get(host, &()).expect("a market has rules from its deployment on")
}
