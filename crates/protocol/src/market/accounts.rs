//! What the market stores and shows of accounts.

use crate::hash::Hash;
use alloc::string::String;
use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

protocol_type! {
    /// In which role an account stakes.
    #[derive(Hash, PartialOrd, Ord)]
    pub enum Role {
        /// Trains.
        #[codec(index = 0)]
        Operator,
        /// Checks.
        #[codec(index = 1)]
        Verifier,
    }
}

protocol_type! {
    /// An operator's or a verifier's standing.
    #[derive(Default)]
    pub struct Standing {
        /// Stake, locked part included and unbonding part not, in the contract's unit.
        pub stake: u128,
        /// Part of the stake that is locked in jobs.
        pub locked: u128,
        /// What was taken back and waits; it is no stake any more.
        pub unbonding: u128,
        /// From which second of chain time on the unbonding sum can be collected.
        pub unbonds_at: u64,
        /// Jobs done (operator) or segments checked (verifier).
        pub done: u32,
        /// Jobs lost (operator) or disputes lost (verifier).
        pub lost: u32,
        /// Jobs late or handed back (operator) or turns not done (verifier).
        pub missed: u32,
        /// Where its content is served; empty for none.
        pub endpoint: String,
    }
}

impl Standing {
    /// Stake that no job has locked.
    pub fn free(&self) -> u128 {
        self.stake.saturating_sub(self.locked)
    }
}

protocol_type! {
    /// A verifier's part in a job.
    pub struct Enlistment {
        /// Its sealed secret.
        pub sealed_secret: Hash,
        /// What it locked: its weight in the draw.
        pub locked: u128,
        /// What is left of that: its bond.
        pub bond: u128,
        /// Its place among those that have enlisted, from 0.
        pub place: u32,
        /// Whether it has revealed its secret.
        pub revealed: bool,
        /// Whether it missed a turn or was overruled, and is not drawn again.
        pub idle: bool,
    }
}
