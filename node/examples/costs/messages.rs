//! The messages that are measured: for each its label and arguments as the
//! contract takes them, and the function that does the same without a contract.
//!
//! A message that is new or has changed is one line to write or to mend here.

use crate::native::View;
use assay_market::{advance, challenge, check, demand, enlist, ledger, offer, panel, post, reads, stake, train};
use assay_protocol::commitment::Outcome;
use assay_protocol::market::{
    Answer, Challenge, Commit, Contributions, Demand, JobSummary, JobView, Offer, Opening, PostJob, Role, Seat, Slot,
    SlotTrace, Standing, Wanted,
};
use assay_protocol::registry::{
    DatasetRecord, DatasetTerms, Grant, ModelRecord, Node, Page, RegisterDataset, Statement, StatementKind,
};
use assay_protocol::titles::Call;
use assay_protocol::{Address, Hash};
use assay_registry::{access, import, owners, reads as records_read, records, statements};
use codec::{Decode, DecodeAll, Encode};

/// One of the contracts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Contract {
    Titles,
    Registry,
    Market,
}

impl Contract {
    /// The name of its bundle.
    pub fn name(self) -> &'static str {
        match self {
            Self::Titles => "titles",
            Self::Registry => "registry",
            Self::Market => "market",
        }
    }
}

/// How a contract encodes messages and what it returns.
#[derive(Clone, Copy, Debug)]
pub enum Encoding {
    /// ink!'s, whose answer is a `Result`; of a message that may be refused, one in another.
    Ink { may_refuse: bool },
    /// Solidity's, with the selector among the arguments. The answer is not read.
    Solidity,
}

type Run<T> = Box<dyn FnOnce(&mut View) -> Result<T, String>>;

/// A message with its arguments, to be sent to a contract or run natively.
pub struct Message<T> {
    pub contract: Contract,
    pub label: &'static str,
    pub arguments: Vec<u8>,
    pub encoding: Encoding,
    pub native: Run<T>,
}

impl<T: Decode> Message<T> {
    /// What the contract returned when it did not revert; an error is its own.
    pub fn answer(&self, returned: &[u8]) -> Result<T, String> {
        let (results, answer) = match self.encoding {
            Encoding::Ink { may_refuse } => returned.split_at(returned.len().min(1 + usize::from(may_refuse))),
            Encoding::Solidity => (&[][..], &[][..]),
        };
        match results.iter().all(|result| *result == 0) {
            true => T::decode_all(&mut &answer[..]).map_err(|error| error.to_string()),
            false => Err(format!("refused: {returned:?}")),
        }
    }
}

macro_rules! messages {
    ($contract:ident: $($name:ident($($argument:ident: $type:ty),*) -> $result:ty, |$host:ident| $run:expr;)*) => {$(
        pub fn $name($($argument: $type),*) -> Message<$result> {
            Message {
                contract: Contract::$contract,
                label: stringify!($name),
                arguments: ($(&$argument,)*).encode(),
                encoding: Encoding::Ink { may_refuse: true },
                native: Box::new(move |$host| $run.map_err(|error| error.to_string())),
            }
        }
    )*};
}

macro_rules! reads {
    ($contract:ident: $($name:ident($($argument:ident: $type:ty),*) -> $result:ty, |$host:ident| $run:expr;)*) => {$(
        pub fn $name($($argument: $type),*) -> Message<$result> {
            Message {
                contract: Contract::$contract,
                label: stringify!($name),
                arguments: ($(&$argument,)*).encode(),
                encoding: Encoding::Ink { may_refuse: false },
                native: Box::new(move |$host| Ok($run)),
            }
        }
    )*};
}

/// A message to the contract of titles.
pub fn titles(label: &'static str, call: Call) -> Message<()> {
    Message {
        contract: Contract::Titles,
        label,
        arguments: call.encode(),
        encoding: Encoding::Solidity,
        native: Box::new(move |host| assay_titles::handle(host, call).map(drop).map_err(|error| error.to_string())),
    }
}

/// The registry's `withdraw`; the market has one too.
pub fn withdraw_sales() -> Message<u128> {
    Message {
        contract: Contract::Registry,
        label: "withdraw",
        arguments: vec![],
        encoding: Encoding::Ink { may_refuse: true },
        native: Box::new(|host| access::withdraw(host).map_err(|error| error.to_string())),
    }
}

messages! { Registry:
    bind_market(market: Address) -> (), |host| records::bind_market(host, market);
    register_dataset(dataset: RegisterDataset) -> (), |host| records::register_dataset(host, dataset);
    set_terms(dataset: Hash, terms: DatasetTerms) -> (), |host| owners::set_terms(host, dataset, terms);
    set_royalty(model: Hash, royalty_bp: u16) -> (), |host| owners::set_royalty(host, model, royalty_bp);
    set_locations(node: Node, locations: Vec<String>) -> (), |host| owners::set_locations(host, node, &locations);
    transfer_dataset(dataset: Hash, to: Address) -> (), |host| owners::transfer_dataset(host, dataset, to);
    withdraw_locations(dataset: Hash) -> (), |host| owners::withdraw_locations(host, dataset);
    grant_access(dataset: Hash, account: Address, until: u64, terms: Hash) -> (),
        |host| access::grant_access(host, dataset, account, until, terms);
    buy_access(dataset: Hash, terms: Hash) -> (), |host| access::buy_access(host, dataset, terms);
    import_dataset(dataset: Hash) -> (), |host| import::import_dataset(host, dataset);
    import_model(model: Hash) -> (), |host| import::import_model(host, model);
    import_grant(dataset: Hash, account: Address) -> (), |host| import::import_grant(host, dataset, account);
    add_statement(node: Node, kind: StatementKind, text: String, evidence: Option<Hash>) -> (),
        |host| statements::add_statement(host, node, kind, text, evidence);
}

reads! { Registry:
    dataset(id: Hash) -> Option<DatasetRecord>, |host| records_read::dataset(host, id);
    model(id: Hash) -> Option<ModelRecord>, |host| records_read::model(host, id);
    owner_of(id: Hash) -> Option<Address>, |host| records_read::owner_of(host, id);
    datasets(offset: u32, limit: u32) -> Page<Hash>, |host| records_read::datasets(host, offset, limit);
    models(offset: u32, limit: u32) -> Page<Hash>, |host| records_read::models(host, offset, limit);
    made_into(node: Node, offset: u32, limit: u32) -> Page<Node>,
        |host| records_read::made_into(host, node, offset, limit);
    grants(dataset: Hash, offset: u32, limit: u32) -> Page<(Address, Grant)>,
        |host| records_read::grants(host, dataset, offset, limit);
    statements(node: Node, offset: u32, limit: u32) -> Page<Statement>,
        |host| records_read::statements(host, node, offset, limit);
}

messages! { Market:
    stake(role: Role, endpoint: Option<String>) -> (), |host| stake::stake(host, role, endpoint);
    unstake(role: Role, amount: u128) -> (), |host| stake::unstake(host, role, amount);
    collect(role: Role) -> (), |host| stake::collect(host, role);
    withdraw() -> u128, |host| stake::withdraw(host);
    withdraw_burned() -> u128, |host| stake::withdraw_burned(host);
    publish_offer(offer: Option<Offer>) -> (), |host| offer::publish_offer(host, offer);
    post_job(job: PostJob) -> u64, |host| post::post_job(host, job);
    cancel(job: u64) -> (), |host| post::cancel(host, job);
    enlist(job: u64, sealed_secret: Hash, bond: u128) -> (), |host| enlist::enlist(host, job, sealed_secret, bond);
    claim(job: u64) -> (), |host| train::claim(host, job);
    hand_back(job: u64) -> (), |host| train::hand_back(host, job);
    commit(job: u64, commit: Commit) -> (), |host| train::commit(host, job, commit);
    reveal_secret(job: u64, secret: Hash) -> (), |host| enlist::reveal_secret(host, job, secret);
    advance(job: u64) -> (), |host| advance::advance(host, job);
    open(job: u64, opening: Opening) -> (), |host| check::open(host, job, opening);
    attest(job: u64, slot: u8, seal: Hash) -> (), |host| check::attest(host, job, slot, seal);
    report_unavailable(job: u64, slot: u8, tensor: u32, chunk: u32) -> (),
        |host| check::report_unavailable(host, job, slot, tensor, chunk);
    reveal_traces(job: u64, traces: Vec<SlotTrace>) -> (), |host| check::reveal_traces(host, job, traces);
    insist(job: u64, slot: u8, trace: Hash) -> (), |host| check::insist(host, job, slot, trace);
    challenge(job: u64, challenge: Challenge) -> u8, |host| challenge::challenge(host, job, challenge);
    demand(job: u64, wanted: Wanted) -> u8, |host| demand::demand(host, job, wanted);
    answer(job: u64, number: u8, answer: Answer) -> (), |host| demand::answer(host, job, number, answer);
    panel_seal(job: u64, seal: Hash) -> (), |host| panel::panel_seal(host, job, seal);
    panel_reveal(job: u64, outcome: Outcome) -> (), |host| panel::panel_reveal(host, job, outcome);
    release(job: u64) -> (), |host| enlist::release(host, job);
}

reads! { Market:
    job(job: u64) -> Option<JobView>, |host| reads::job(host, job);
    jobs(offset: u64, limit: u32) -> Page<JobSummary>, |host| reads::jobs(host, offset, limit);
    spec(job: u64) -> Option<Vec<u8>>, |host| reads::spec(host, job);
    slots(job: u64) -> Vec<Slot>, |host| reads::slots(host, job);
    demands(job: u64) -> Vec<Demand>, |host| reads::demands(host, job);
    seats(job: u64) -> Vec<Seat>, |host| reads::seats(host, job);
    contributions(job: u64) -> Option<Contributions>, |host| ledger::contributions(host, job);
    verifiers(offset: u32, limit: u32) -> Page<(Address, Standing)>,
        |host| reads::standings(host, Role::Verifier, offset, limit);
}
