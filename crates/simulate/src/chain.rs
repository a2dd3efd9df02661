//! A chain in memory with the market on it, that keeps account of every unit
//! and lets an attacker look ahead, as it can with a copy of the chain.

use assay_market::{MarketHost, rules};
use assay_protocol::commitment::JobId;
use assay_protocol::host::{Host, MemoryHost};
use assay_protocol::market::{Error, Event};
use assay_protocol::registry::{self, RegisterModel, Royalty};
use assay_protocol::{Address, Hash, delegate_host};
use std::collections::HashMap;

/// The longest window that the market allows, in seconds.
const LONGEST_WINDOW: u32 = 3_600;

/// Where the market is.
pub const MARKET: Address = Address([0x3a; 20]);

/// By what seals name job `id` of the market.
pub fn job_id(id: u64) -> JobId {
    JobId { market: MARKET, number: id }
}

/// A message that the market refused: the simulated agents send none such, so it
/// is a fault of the simulation, or terms under which its agents cannot act.
#[derive(Debug, thiserror::Error)]
#[error("the market refused `{message}`: {error}")]
pub struct Refused {
    /// What was sent.
    pub message: &'static str,
    /// The market's answer.
    pub error: Error,
}

/// Chain and market.
#[derive(Default)]
pub struct Chain {
    memory: MemoryHost,
    journal: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    /// What each account has gained (lost, if below 0) by the job under way.
    flows: HashMap<Address, i128>,
    /// Changes of `flows` since the job began.
    moves: Vec<(Address, i128)>,
}

/// A point in time to go back to.
pub struct Mark {
    journal: usize,
    moves: usize,
    now: u64,
    block: u32,
}

impl Chain {
    /// A chain with nothing but the market, at some time after 1970.
    ///
    /// # Errors
    /// If the market refuses its own deployment.
    pub fn new() -> Result<Self, Refused> {
        let memory = MemoryHost { address: MARKET, now: 1_000_000, block_number: 1_000, ..MemoryHost::default() };
        let mut chain = Self { memory, ..Self::default() };
        chain
            .send("deploy", Address::default(), 0, |chain| rules::deploy(chain, Address::default(), LONGEST_WINDOW))?;
        Ok(chain)
    }

    /// Forgets what the accounts have gained before: a job begins.
    pub fn begin_job(&mut self) {
        self.journal.clear();
        self.moves.clear();
        self.flows.clear();
    }

    /// What `account` has gained since [`Chain::begin_job`], in the contract's unit.
    pub fn gained(&self, account: Address) -> i128 {
        self.flows.get(&account).copied().unwrap_or(0)
    }

    /// The sum over all accounts: 0 for a job that has ended.
    pub fn sum_of_gains(&self) -> i128 {
        self.flows.values().sum()
    }

    /// Sends a message; nothing is kept of a refused one.
    ///
    /// # Errors
    /// [`Refused`] with the market's answer.
    pub fn send<T>(
        &mut self,
        message: &'static str,
        caller: Address,
        value: u128,
        call: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Refused> {
        let mark = self.mark();
        self.memory.caller = caller;
        self.memory.value = value;
        let answer = call(self);
        self.memory.value = 0;
        match answer {
            Ok(answer) => {
                self.book(caller, -(value as i128));
                Ok(answer)
            }
            Err(error) => {
                self.back_to(mark);
                Err(Refused { message, error })
            }
        }
    }

    /// Lets time pass; a new block begins.
    pub fn wait(&mut self, seconds: u64) {
        self.memory.now += seconds;
        self.memory.block_number += 1;
    }

    /// A point in time to come back to.
    pub fn mark(&self) -> Mark {
        Mark {
            journal: self.journal.len(),
            moves: self.moves.len(),
            now: self.memory.now,
            block: self.memory.block_number,
        }
    }

    /// Undoes all that has happened since `mark`, which lies in the job under way.
    pub fn back_to(&mut self, mark: Mark) {
        for (key, value) in self.journal.drain(mark.journal..).rev() {
            match value {
                Some(value) => self.memory.storage.insert(key, value),
                None => self.memory.storage.remove(&key),
            };
        }
        for (account, amount) in self.moves.drain(mark.moves..) {
            *self.flows.entry(account).or_default() -= amount;
        }
        self.memory.now = mark.now;
        self.memory.block_number = mark.block;
    }

    fn book(&mut self, account: Address, amount: i128) {
        *self.flows.entry(account).or_default() += amount;
        self.moves.push((account, amount));
    }

    fn remember(&mut self, key: &[u8]) {
        self.journal.push((key.to_vec(), self.memory.get(key)));
    }
}

delegate_host!(Chain, memory, remember);

/// The registry knows every input, asks no royalties and takes every model.
impl MarketHost for Chain {
    fn check_inputs(&self, _: Address, _: &[Hash], _: Option<Hash>) -> Result<Vec<Royalty>, registry::Error> {
        Ok(Vec::new())
    }

    fn register_model(&mut self, _: RegisterModel) -> Result<(), registry::Error> {
        Ok(())
    }

    fn emit(&mut self, event: Event) {
        match event {
            Event::Credited { account, job: Some(_), amount, .. } => self.book(account, amount as i128),
            Event::Slashed { account, amount, .. } => self.book(account, -(amount as i128)),
            _ => {}
        }
    }
}
