//! What each message of the contracts costs with few and with many records
//! present: prints the tables of `docs/costs.md`. Run it by `scripts/bench contracts`.
//!
//! The runtime of the development chain runs in memory with the bundles of
//! `contracts/artefacts`. Records are made by the contracts' own logic over a
//! map, a history of jobs from posting to the last bond, and then put under the
//! contracts' keys; the contracts' own read messages show that they are right.
//! Then one of each message is sent and measured.
//!
//! Arguments: numbers of records, 10, 1,000 and 100,000 if there are none.
//! Exit status: 0 all goals met, 1 not, 2 wrong usage. The goals: no message costs
//! more than 2 % more with many records than with few, and the computation of a
//! job's whole life is at most a tenth of a block's.

mod bundle;
mod chain;
mod life;
mod messages;
mod native;
mod table;
mod work;

use assay_protocol::hash::Native as Sha;
use assay_protocol::market::{Offer, Role, UNBONDING_WINDOWS};
use assay_protocol::registry::{Node, StatementKind};
use assay_protocol::titles::Call;
use assay_protocol::{Address, Hash};
use chain::{Chain, Life};
use codec::{Decode, Encode};
use life::{account, dataset, dataset_terms, Cast, Size, World, LONGEST_WINDOW, UNIT};
use messages::{self as message, Contract, Message};
use native::Native;
use std::process::ExitCode;
use table::{Measured, Table};

/// Numbers of records of each kind, if none are given.
const RECORDS: [u64; 3] = [10, 1_000, 100_000];
/// Seconds since 1970 at which the history begins, and by which it is over.
const BEGIN: u64 = 1_700_000_000;
const END: u64 = 1_900_000_000;
/// The number of the first job that is measured, whatever came before: a job's
/// number is part of its draw, and another draw costs a little more or less.
const FIRST_JOB: u64 = 100_000;

fn main() -> ExitCode {
    let records = match arguments() {
        Ok(records) => records,
        Err(error) => {
            eprintln!("costs: {error}");
            return ExitCode::from(2);
        }
    };
    let measured = records.iter().map(|records| measure(*records)).collect();
    let table = Table::new(records, measured);
    print!("{table}");
    let complaints = table.complaints();
    for complaint in &complaints {
        eprintln!("costs: {complaint}");
    }
    if complaints.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// How many records to measure with.
fn arguments() -> Result<Vec<u64>, String> {
    let records: Vec<u64> = std::env::args()
        .skip(1)
        .map(|argument| match argument.parse() {
            Ok(records) if (1..=FIRST_JOB).contains(&records) => Ok(records),
            _ => Err(format!("{argument} is no number of records: give some from 1 to {FIRST_JOB}")),
        })
        .collect::<Result<_, _>>()?;
    Ok(if records.is_empty() { RECORDS.into() } else { records })
}

/// The dataset that all others, and all models, are made from.
fn root() -> Hash {
    dataset(0, vec![], None).id
}

/// `records` datasets, jobs, models and accounts with stake. All datasets and
/// models are made from the first dataset, all models from the first model, as
/// many have been granted access to that dataset, and as much was said of it: the
/// lists that hang on these are as long.
fn history(records: u64, native: &mut Native) {
    let owner = account(0);
    let parties: Vec<Address> = (1..=6).map(account).collect();
    let market = native.address(Contract::Market);
    let mut cast = Cast::new(market, &parties, Size { segments: 1, samples: 1, panel: 2, spec: 200 }, root(), None);
    cast.stake(native, 1);
    for number in 0..records {
        let made_from = if number == 0 { vec![] } else { vec![root()] };
        native.send(owner, 0, "", message::register_dataset(dataset(number, made_from, None)));
        native.send(owner, 0, "", message::grant_access(root(), many(number), END * 2, Hash::default()));
        native.send(many(number), 0, "", statement(Node::Dataset(root())));
        native.send(many(number), UNIT, "", message::stake(Role::Verifier, None));
        let job = cast.quiet(native);
        cast.parent = cast.parent.or_else(|| model_of(native, job));
    }
}

/// One of many accounts.
fn many(number: u64) -> Address {
    account(1_000 + number)
}

fn statement(node: Node) -> Message<()> {
    let text = "measured again: 97.1 % of the held-out digits".into();
    message::add_statement(node, StatementKind::Evaluation, text, Some(Hash::default()))
}

fn model_of(world: &mut impl World, job: u64) -> Option<Hash> {
    world.ask(message::job(job)).and_then(|job| job.model_id)
}

/// That the contracts read what their logic wrote.
fn check(records: u64, native: &mut Native, chain: &mut Chain) {
    fn same<T: Decode + Encode>(native: &mut Native, chain: &mut Chain, message: impl Fn() -> Message<T>) -> T {
        let (ours, theirs) = (native.ask(message()), chain.ask(message()));
        assert!(ours.encode() == theirs.encode(), "`{}` reads something else than was filled in", message().label);
        theirs
    }
    let (at, last) = (records as u32 - 1, FIRST_JOB - 1);
    let datasets = same(native, chain, || message::datasets(at, 1));
    let models = same(native, chain, || message::models(at, 1));
    let grants = same(native, chain, || message::grants(root(), at, 1));
    let statements = same(native, chain, || message::statements(Node::Dataset(root()), at, 1));
    let totals = [datasets.total, models.total, grants.total, statements.total];
    assert_eq!(totals, [records as u32; 4]);
    assert_eq!(grants.items[0].0, many(u64::from(at)));
    assert!(same(native, chain, || message::dataset(datasets.items[0])).is_some());
    assert!(same(native, chain, || message::model(models.items[0])).is_some());
    assert!(same(native, chain, || message::owner_of(models.items[0])).is_some());
    // Datasets but the first, and all models.
    let made = same(native, chain, || message::made_into(Node::Dataset(root()), at, 2));
    assert_eq!(u64::from(made.total), 2 * records - 1);
    assert_eq!(u64::from(same(native, chain, || message::jobs(last, 1)).total), FIRST_JOB);
    assert!(same(native, chain, || message::job(last)).is_some());
    assert!(same(native, chain, || message::spec(last)).is_some());
    assert!(same(native, chain, || message::contributions(last)).is_some());
    assert_eq!(same(native, chain, || message::slots(last)).len(), 1);
    // The verifiers of the jobs were the first.
    assert_eq!(u64::from(same(native, chain, || message::verifiers(at, 4)).total), records + 3);
}

/// Sends every message (but `register`, which does again what the last `advance`
/// of a job does) once or more with `records` records of each kind present.
fn measure(records: u64) -> Measured {
    let (mut chain, admin) = Chain::new(END);
    let mut native = Native::new(admin, |contract| chain.address(contract), BEGIN);
    native.begin_with_job(FIRST_JOB - records);
    history(records, &mut native);
    assert!(native.now() < END, "the history is over");
    chain.fill(&native);
    check(records, &mut native, &mut chain);
    drop(native);
    let values = chain.values();
    let parent = model_of(&mut chain, FIRST_JOB - records);

    let parties: Vec<Address> = (0..7).map(|_| chain.party()).collect();
    let market_at = chain.address(Contract::Market);
    let cast =
        Cast::new(market_at, &parties, Size { segments: 1_000, samples: 8, panel: 3, spec: 1_000 }, root(), parent);
    registry(&mut chain, &cast);
    let lives = market(&mut chain, &cast);
    successor(&mut chain, admin, parent.expect("the history has models"));
    Measured { values, rows: std::mem::take(&mut chain.rows), lives, bundles: chain.bundles() }
}

/// The registry's messages.
fn registry(chain: &mut Chain, cast: &Cast) {
    let (owner, buyer) = (chain.party(), cast.stranger);
    let new = dataset(FIRST_JOB, vec![root()], Some(UNIT));
    let (id, terms) = (new.id, new.terms.hash(&Sha));
    chain.send(owner, 0, " (one parent, one location)", message::register_dataset(new));
    chain.send(buyer, UNIT, " (one parent)", message::buy_access(id, terms));
    chain.send(owner, 0, " (of the registry)", message::withdraw_sales());
    chain.send(owner, 0, "", message::grant_access(id, cast.client, END * 2, terms));
    chain.send(owner, 0, "", message::set_terms(id, dataset_terms(Some(2 * UNIT))));
    chain.send(buyer, 0, "", statement(Node::Dataset(root())));
    let locations = vec!["https://mirror.example.org/some-dataset".into()];
    chain.send(owner, 0, "", message::set_locations(Node::Dataset(id), locations));
    chain.send(owner, 0, "", message::transfer_dataset(id, buyer));
    chain.send(buyer, 0, "", message::withdraw_locations(id));
}

/// The market's messages, and those about a model. Gives the lives of a job in
/// peace and of one with a dispute.
fn market(chain: &mut Chain, cast: &Cast) -> [Life; 2] {
    cast.stake(chain, 7);
    let offer = Offer {
        min_payment: UNIT,
        payment_per_segment: UNIT / 1_000,
        max_stake: Some(100 * UNIT),
        max_data_bytes: 1 << 30,
        max_steps: 1_000_000,
        max_disk_bytes: 1 << 40,
        max_memory_bytes: 1 << 36,
        max_jobs: 2,
        min_train_seconds: 600,
        min_window_seconds: 60,
        note: "one accelerator, at night".into(),
    };
    chain.send(cast.operator, 0, "", message::publish_offer(Some(offer)));

    chain.begin();
    let job = cast.quiet(chain);
    assert_eq!(job, FIRST_JOB);
    let quiet = chain.life();
    let model = model_of(chain, job).expect("the job is final");
    chain.begin();
    cast.disputed(chain);
    let disputed = chain.life();
    cast.contested(chain);
    cast.triplets(chain);
    let job = cast.claimed(chain);
    chain.send(cast.operator, 0, "", message::hand_back(job));
    chain.send(cast.client, 0, "", message::cancel(job));

    chain.send(cast.operator, 0, "", message::unstake(Role::Operator, UNIT));
    chain.pass(u64::from(UNBONDING_WINDOWS * LONGEST_WINDOW) + 1);
    chain.send(cast.operator, 0, "", message::collect(Role::Operator));
    chain.send(cast.operator, 0, "", message::withdraw());
    chain.send(cast.client, 0, "", message::withdraw_burned());

    let (from, to, by) = (cast.client, cast.operator, cast.stranger);
    chain.send(from, 0, "", message::set_royalty(model, 200));
    chain.send(from, 0, "", message::titles("approve", Call::Approve { to: by, token: model }));
    chain.send(by, 0, "", message::titles("transferFrom", Call::TransferFrom { from, to, token: model }));
    let everything = Call::SetApprovalForAll { operator: by, approved: true };
    chain.send(to, 0, "", message::titles("setApprovalForAll", everything));
    let back = Call::SafeTransferFrom { from: to, to: from, token: model };
    chain.send(by, 0, "", message::titles("safeTransferFrom", back));
    [quiet, disputed]
}

/// The messages of a registry that carries on the one with all records.
fn successor(chain: &mut Chain, admin: Address, model: Hash) {
    let anybody = chain.party();
    let predecessor = chain.address(Contract::Registry);
    chain.deploy_registry(admin, Some(predecessor));
    chain.send(anybody, 0, "", message::import_dataset(root()));
    chain.send(anybody, 0, "", message::import_model(model));
    chain.send(anybody, 0, "", message::import_grant(root(), many(0)));
}
