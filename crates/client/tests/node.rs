//! The client against a real chain. `ASSAY_NODE` names the node's binary.

use assay_client::{
    AccountId, Amount, Bundle, Call, CallError, Chain, Deployment, Deposit, Error, Market, Patience, Registry, Signer,
    Titles,
    chain::Balance,
    deployment::DeployedContract,
    error::{AccountError, ConnectionError, DeploymentError, ExecutionError, SubmitError},
};
use assay_protocol::{
    Address, Hash,
    hash::{Native, Sha256},
    market, registry, titles,
};
use assay_testkit::{DevNode, NodeOptions};
use std::{path::PathBuf, time::Duration};

fn bundle(name: &str) -> Bundle {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../contracts/artefacts");
    Bundle::load(&folder.join(format!("{name}.contract"))).unwrap()
}

fn registry_bundle() -> Bundle {
    bundle("registry")
}

async fn connected() -> (DevNode, Chain) {
    let node = DevNode::start(NodeOptions::default()).await.unwrap();
    let chain = Chain::connect(node.url()).await.unwrap();
    (node, chain)
}

/// Titles and a registry that are bound to each other.
async fn titles_and_registry(chain: &Chain, signer: &Signer) -> (Titles, Registry) {
    chain.ensure_mapped(signer).await.unwrap();
    let (titles, _) = bundle("titles").deploy(chain, "new", ()).unwrap().execute(signer).await.unwrap();
    let arguments = (titles, None::<Address>);
    let (registry, _) = registry_bundle().deploy(chain, "new", arguments).unwrap().execute(signer).await.unwrap();
    let titles = Titles::at(chain, titles);
    titles.bind_registry(registry).execute(signer).await.unwrap();
    (titles, Registry::at(chain, registry))
}

async fn deployed(chain: &Chain, signer: &Signer) -> Registry {
    titles_and_registry(chain, signer).await.1
}

fn suri(name: &str) -> Signer {
    Signer::from_suri(name).unwrap()
}

fn dataset(byte: u8) -> registry::RegisterDataset {
    registry::RegisterDataset {
        id: Hash([byte; 32]),
        name: format!("digits {byte}"),
        bytes: 1_797,
        terms: registry::DatasetTerms::open("CC-BY-4.0"),
        locations: vec!["https://example.org/digits".into()],
        parents: vec![],
    }
}

#[tokio::test]
async fn the_chain_says_what_it_is() {
    let (node, chain) = connected().await;
    assert_eq!(chain.genesis().to_string(), node.genesis());
    assert!(!chain.name().is_empty());
    assert!(!chain.unit().symbol.is_empty());
    // What one token is to a contract does not depend on the chain.
    assert_eq!(chain.unit().parse("1 UNIT").unwrap(), Amount(10u128.pow(18)));
    assert!(chain.existential_deposit() > Amount::ZERO);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let chain_now = chain.now().await.unwrap();
    assert!(chain_now == 0 || chain_now.abs_diff(now) < 60, "{chain_now}");
}

#[tokio::test]
async fn a_fresh_account_is_mapped_once() {
    let (_node, chain) = connected().await;
    let alice = suri("//Alice");
    assert_eq!(chain.mapped_account(alice.address()).await.unwrap(), None);
    let (fee, deposit) = chain.mapping_cost(alice.account()).await.unwrap().unwrap();
    let before = chain.balance(alice.account()).await.unwrap();
    let receipt = chain.ensure_mapped(&alice).await.unwrap().unwrap();
    assert_eq!(chain.mapped_account(alice.address()).await.unwrap(), Some(alice.account()));
    assert!(chain.ensure_mapped(&alice).await.unwrap().is_none());
    assert_eq!(chain.mapping_cost(alice.account()).await.unwrap(), None);
    // What was foretold is what it cost, and what it cost is what is missing.
    assert_eq!(receipt.deposit, deposit);
    assert!(receipt.fee <= fee && receipt.fee > Amount::ZERO);
    let after = chain.balance(alice.account()).await.unwrap();
    let spent = before.free.checked_sub(after.free).unwrap();
    assert_eq!(spent, receipt.fee.checked_add(deposit.charged()).unwrap());
    assert_eq!(after.reserved, deposit.charged());
}

#[tokio::test]
async fn an_unmapped_account_is_told_to_map_itself_before_it_pays() {
    let (_node, chain) = connected().await;
    let registry = deployed(&chain, &suri("//Alice")).await;
    let bob = suri("//Bob");
    let before = chain.balance(bob.account()).await.unwrap();
    let error = registry.register_dataset(&dataset(1)).execute(&bob).await.unwrap_err();
    assert!(
        matches!(&error, CallError::Failed(Error::Account(AccountError::Unmapped { account })) if *account == bob.account().to_string()),
        "{error}"
    );
    assert_eq!(chain.balance(bob.account()).await.unwrap(), before);
}

#[tokio::test]
async fn an_account_without_funds_is_told_what_it_needs() {
    let (_node, chain) = connected().await;
    let registry = deployed(&chain, &suri("//Alice")).await;
    let pauper = suri("//Nobody has heard of this one");
    let empty = chain.balance(pauper.account()).await.unwrap();
    assert_eq!(empty, Balance { free: Amount::ZERO, reserved: Amount::ZERO, spendable: Amount::ZERO });
    let symbol = &chain.unit().symbol;

    let error = chain.ensure_mapped(&pauper).await.unwrap_err();
    assert!(matches!(error, Error::Account(AccountError::NotEnoughFunds { .. })), "{error}");
    assert!(error.to_string().contains(&format!("0 {symbol}")), "{error}");

    let eth = AccountId::of_address(Address([5; 20]));
    let error = registry.register_dataset(&dataset(1)).dry_run(eth).await.unwrap_err();
    assert!(matches!(error, CallError::Failed(Error::Account(AccountError::NotEnoughFunds { .. }))), "{error}");

    // Enough for the fee but not for the value.
    let alice = suri("//Alice");
    let all = chain.balance(alice.account()).await.unwrap().spendable;
    let dear: Call<(), registry::Error> =
        Call::new(&chain, registry.address(), "bind_market", (Address([1; 20]),)).value(all);
    let error = dear.execute(&alice).await.unwrap_err();
    assert!(error.refusal().is_none(), "{error}");
}

#[tokio::test]
async fn a_refusal_is_the_contracts_own() {
    let (_node, chain) = connected().await;
    let alice = suri("//Alice");
    let registry = deployed(&chain, &alice).await;
    let before = chain.balance(alice.account()).await.unwrap();
    let mut bad = dataset(1);
    bad.name = String::new();
    let error = registry.register_dataset(&bad).execute(&alice).await.unwrap_err();
    assert_eq!(error.refusal(), Some(&registry::Error::BadName));
    assert_eq!(Error::from(error).to_string(), format!("register_dataset was refused: {}", registry::Error::BadName));
    let unknown = registry.check_inputs(alice.address(), &[Hash([9; 32])], None).await.unwrap_err();
    assert_eq!(unknown.refusal(), Some(&registry::Error::UnknownDataset(Hash([9; 32]))));
    assert_eq!(chain.balance(alice.account()).await.unwrap(), before, "a refused trial costs nothing");
}

#[tokio::test]
async fn a_refusal_in_the_block_is_still_the_contracts_own() {
    let (_node, chain) = connected().await;
    let alice = suri("//Alice");
    let registry = deployed(&chain, &alice).await;
    // Two trials of the same registration succeed; only one of the two can be kept.
    let call = registry.register_dataset(&dataset(1));
    let first = call.dry_run(alice.account()).await.unwrap();
    let second = call.dry_run(alice.account()).await.unwrap();
    call.send(&alice, &first).await.unwrap();
    let error = call.send(&alice, &second).await.unwrap_err();
    assert_eq!(error.refusal(), Some(&registry::Error::AlreadyRegistered), "{error}");
}

#[tokio::test]
async fn a_message_is_foretold_done_and_found_again() {
    let (_node, chain) = connected().await;
    let alice = suri("//Alice");
    let registry = deployed(&chain, &alice).await;
    assert_eq!(registry.kind().await.unwrap(), registry::KIND);
    assert_eq!(registry.version().await.unwrap(), registry::VERSION);
    assert_eq!(registry.admin().await.unwrap(), alice.address());
    assert_eq!(registry.dataset(Hash([1; 32])).await.unwrap(), None);

    let call = registry.register_dataset(&dataset(1));
    let run = call.dry_run(alice.account()).await.unwrap();
    let before = chain.balance(alice.account()).await.unwrap();
    let receipt = call.send(&alice, &run).await.unwrap();
    let after = chain.balance(alice.account()).await.unwrap();
    assert_eq!(receipt.deposit, run.deposit);
    assert!(matches!(receipt.deposit, Deposit::Charge(amount) if amount > Amount::ZERO));
    assert!(receipt.fee <= run.fee, "{:?} {:?}", receipt.fee, run.fee);
    assert!(receipt.weight.ref_time > 0);
    let spent = before.free.checked_sub(after.free).unwrap();
    assert_eq!(spent, receipt.fee.checked_add(receipt.deposit.charged()).unwrap());

    let expected = registry::Event::DatasetRegistered { dataset: Hash([1; 32]), owner: alice.address() };
    assert_eq!(registry.events(&receipt).unwrap(), std::slice::from_ref(&expected));
    let in_block = chain.contract_events(receipt.block).await.unwrap();
    let in_block: Vec<_> = in_block.iter().filter_map(|event| registry.event(event).unwrap()).collect();
    assert_eq!(in_block, [expected]);
    assert_eq!(chain.block(receipt.block.number).await.unwrap(), Some(receipt.block));
    assert_eq!(chain.block(receipt.block.number + 1_000).await.unwrap(), None);

    let record = registry.dataset(Hash([1; 32])).await.unwrap().unwrap();
    assert_eq!((record.owner, record.bytes), (alice.address(), 1_797));
    assert_eq!(u64::from(record.block), receipt.block.number);
    assert_eq!(registry.datasets(0, 10).await.unwrap().items, [Hash([1; 32])]);
    let node = registry::Node::Dataset(Hash([1; 32]));
    assert_eq!(registry.locations(&node).await.unwrap(), ["https://example.org/digits"]);
}

#[tokio::test]
async fn addresses_without_the_contract_are_told_apart() {
    let (_node, chain) = connected().await;
    let alice = suri("//Alice");
    let registry = deployed(&chain, &alice).await;
    let nowhere = Registry::at(&chain, Address([7; 20]));
    let error = nowhere.kind().await.unwrap_err();
    assert!(
        matches!(error, Error::Execution(ExecutionError::NoContract { address, .. }) if address == Address([7; 20])),
        "{error}"
    );
    let error = nowhere.register_dataset(&dataset(1)).execute(&alice).await.unwrap_err();
    assert!(matches!(error, CallError::Failed(Error::Execution(ExecutionError::NoContract { .. }))), "{error}");
    let error = chain.read::<u32>(registry.address(), "no_such_message", ()).await.unwrap_err();
    assert!(matches!(error, Error::Execution(ExecutionError::UnknownMessage { .. })), "{error}");
    let error = chain.read::<(u64, u64)>(registry.address(), "version", ()).await.unwrap_err();
    assert!(matches!(error, Error::Execution(ExecutionError::BadAnswer { .. })), "{error}");
    assert_eq!(chain.code_hash(registry.address()).await.unwrap(), Some(registry_bundle().code_hash()));
    assert_eq!(chain.code_hash(Address([7; 20])).await.unwrap(), None);
}

#[tokio::test]
async fn a_deployment_is_checked_against_the_chain() {
    let (_node, chain) = connected().await;
    let (titles, registry) = titles_and_registry(&chain, &suri("//Alice")).await;
    let contract = DeployedContract { address: registry.address(), code_hash: registry_bundle().code_hash() };
    let deployment = Deployment {
        network: chain.name().into(),
        url: chain.url().into(),
        genesis: chain.genesis(),
        titles: DeployedContract { address: titles.address(), code_hash: bundle("titles").code_hash() },
        registry: contract,
        // A registry in the market's place, which only its own word can tell.
        market: contract,
        block: chain.latest().await.unwrap().number,
        deployed_at: chain.now().await.unwrap(),
    };
    let error = |deployment: Deployment| {
        let chain = chain.clone();
        async move {
            match deployment.verify(&chain).await.unwrap_err() {
                Error::Deployment(error) => error,
                other => panic!("{other}"),
            }
        }
    };
    let wrong = error(Deployment { genesis: Hash([1; 32]), ..deployment.clone() }).await;
    assert!(matches!(wrong, DeploymentError::WrongNetwork { .. }), "{wrong}");
    let moved = DeployedContract { address: Address([7; 20]), ..contract };
    let wrong = error(Deployment { registry: moved, ..deployment.clone() }).await;
    assert!(matches!(wrong, DeploymentError::NoCode { contract: "registry", .. }), "{wrong}");
    let other = DeployedContract { code_hash: Hash([2; 32]), ..contract };
    let wrong = error(Deployment { registry: other, ..deployment.clone() }).await;
    assert!(matches!(wrong, DeploymentError::OtherCode { .. }), "{wrong}");
    let wrong = error(deployment).await;
    assert!(matches!(wrong, DeploymentError::NotThisKind { contract: "market", .. }), "{wrong}");
}

#[tokio::test]
async fn many_calls_of_one_account_do_not_collide() {
    let (_node, chain) = connected().await;
    let alice = suri("//Alice");
    let registry = deployed(&chain, &alice).await;
    let calls = (1..=8).map(|byte| {
        let (registry, alice) = (registry.clone(), alice.clone());
        tokio::spawn(async move { registry.register_dataset(&dataset(byte)).execute(&alice).await })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap().unwrap();
    }
    assert_eq!(registry.datasets(0, 50).await.unwrap().total, 8);
}

#[tokio::test]
async fn two_processes_with_one_account_sort_themselves_out() {
    let (node, chain) = connected().await;
    let registry = deployed(&chain, &suri("//Alice")).await;
    // A connection and a signer of its own share no lock with the first.
    let other_chain = Chain::connect(node.url()).await.unwrap();
    let other = Registry::at(&other_chain, registry.address());
    let (first, second) = (suri("//Alice"), suri("//Alice"));
    let one = async {
        for byte in 1..=5 {
            retried(&registry, &first, byte).await;
        }
    };
    let two = async {
        for byte in 6..=10 {
            retried(&other, &second, byte).await;
        }
    };
    tokio::join!(one, two);
    assert_eq!(registry.datasets(0, 50).await.unwrap().total, 10);
}

/// Registers; a message that lost the race for its nonce did nothing and is sent again.
async fn retried(registry: &Registry, signer: &Signer, byte: u8) {
    loop {
        match registry.register_dataset(&dataset(byte)).execute(signer).await {
            Ok(_) => return,
            Err(CallError::Failed(Error::Submit(SubmitError::Usurped { .. }))) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn a_restarted_node_is_found_again() {
    let (mut node, chain) = connected().await;
    let alice = suri("//Alice");
    let registry = deployed(&chain, &alice).await;
    registry.register_dataset(&dataset(1)).execute(&alice).await.unwrap();
    let mut blocks = chain.blocks();
    let seen = blocks.next().await.unwrap();

    for round in 2..=4u8 {
        if round % 2 == 0 {
            node.sigkill().await.unwrap()
        } else {
            node.terminate().await.map(drop).unwrap()
        }
        // Asked while the node is away, answered when it is back.
        let (reading, registry_too, alice_too) = (registry.clone(), registry.clone(), alice.clone());
        let read = tokio::spawn(async move { reading.datasets(0, 10).await });
        let write =
            tokio::spawn(async move { registry_too.register_dataset(&dataset(round)).execute(&alice_too).await });
        node.start_again().await.unwrap();
        let total = read.await.unwrap().unwrap().total;
        assert!(total >= u32::from(round) - 1, "no finalised block is lost: {total}");
        write.await.unwrap().unwrap();
        assert_eq!(registry.datasets(0, 10).await.unwrap().total, u32::from(round));
    }
    let now = tokio::time::timeout(Duration::from_secs(20), blocks.next()).await.unwrap().unwrap();
    assert!(now.number > seen.number);
}

#[tokio::test]
async fn another_chain_behind_the_same_url_is_noticed() {
    let mut node = DevNode::start(NodeOptions::default()).await.unwrap();
    let chain = Chain::connect(node.url()).await.unwrap();
    node.terminate().await.unwrap();
    let port = node.url().rsplit(':').next().unwrap().parse().unwrap();
    // Other funds at genesis make another genesis.
    let options = NodeOptions { fund: vec![("//Grace".into(), "7".into())], ..NodeOptions::default() };
    let other = DevNode::start_on(port, options).await.unwrap();
    assert_ne!(other.genesis(), node.genesis());
    let error = chain.now().await.unwrap_err();
    assert!(matches!(error, Error::Connection(ConnectionError::OtherChain { .. })), "{error}");
}

#[tokio::test]
async fn a_node_that_stays_away_is_given_up_on() {
    let mut node = DevNode::start(NodeOptions::default()).await.unwrap();
    let patience = Patience { reconnection: Duration::from_millis(300), ..Patience::COMMAND };
    let chain = Chain::connect_with(node.url(), patience).await.unwrap();
    node.terminate().await.unwrap();
    let error = chain.now().await.unwrap_err();
    assert!(matches!(error, Error::Connection(ConnectionError::Unreachable { .. })), "{error}");
    assert!(error.to_string().contains(node.url()), "{error}");
}

#[tokio::test]
async fn blocks_come_as_they_are_made() {
    let options = NodeOptions { block_time: Some(Duration::from_millis(100)), ..NodeOptions::default() };
    let node = DevNode::start(options).await.unwrap();
    let chain = Chain::connect(node.url()).await.unwrap();
    let mut blocks = chain.blocks();
    let mut last = blocks.next().await.unwrap();
    for _ in 0..5 {
        let next = tokio::time::timeout(Duration::from_secs(20), blocks.next()).await.unwrap().unwrap();
        assert!(next.number > last.number);
        assert!(chain.time_at(next.hash).await.unwrap() >= chain.time_at(last.hash).await.unwrap());
        last = next;
    }
    // Finality is waited for just as well when the chain has a clock of its own.
    let receipt = chain.ensure_mapped(&suri("//Bob")).await.unwrap().unwrap();
    assert!(receipt.block.number > last.number);
}

/// A job whose terms are within their limits, on a dataset that is registered.
fn job(dataset: Hash) -> market::PostJob {
    let spec = b"a specification".to_vec();
    let windows =
        market::Windows { claim: 600, train: 600, secrets: 60, open: 60, attest: 60, reveal: 60, dispute: 60 };
    market::PostJob {
        terms: market::Terms {
            spec: Native.sha256(&spec),
            program: Hash([4; 32]),
            segments: 8,
            payment: 5 * TOKEN,
            fee: TOKEN,
            stake: 10 * TOKEN,
            hand_back: TOKEN / 2,
            bond: 2 * TOKEN,
            samples: 2,
            panel: 3,
            sealed_secret: Hash([5; 32]),
            policy: market::Policy { gain: TOKEN / 5, false_segments: 1, bribed_bp: 1_000 },
            windows,
        },
        model: market::ModelTerms { name: "digits".into(), licence: "CC-BY-4.0".into(), parent: None, royalty_bp: 0 },
        datasets: vec![dataset],
        spec,
        most_royalties_bp: 0,
    }
}

const TOKEN: u128 = 10u128.pow(18);
const LONGEST_WINDOW: u32 = 600;

async fn stands(chain: &Chain, address: Address) -> DeployedContract {
    DeployedContract { address, code_hash: chain.code_hash(address).await.unwrap().unwrap() }
}

#[tokio::test]
async fn both_contracts_are_deployed_checked_and_used() {
    let (_node, chain) = connected().await;
    let alice = suri("//Alice");
    let (titles, registry) = titles_and_registry(&chain, &alice).await;
    let bundle = bundle("market");
    let deploy = bundle.deploy(&chain, "new", (registry.address(), LONGEST_WINDOW)).unwrap();
    let run = deploy.dry_run(alice.account()).await.unwrap();
    let (address, receipt) = deploy.send(&alice, &run).await.unwrap();
    assert_eq!(address, run.output, "a dry run foretells the address");
    let market = Market::at(&chain, address);
    registry.bind_market(address).execute(&alice).await.unwrap();
    assert_eq!(registry.market().await.unwrap(), Some(address));
    let rules =
        market::Rules { registry: registry.address(), longest_window: LONGEST_WINDOW, unbonding: 2 * LONGEST_WINDOW };
    assert_eq!(market.rules().await.unwrap(), rules);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deployment.json");
    let deployment = Deployment {
        network: chain.name().into(),
        url: chain.url().into(),
        genesis: chain.genesis(),
        titles: stands(&chain, titles.address()).await,
        registry: stands(&chain, registry.address()).await,
        market: DeployedContract { address, code_hash: bundle.code_hash() },
        block: receipt.block.number,
        deployed_at: chain.time_at(receipt.block.hash).await.unwrap(),
    };
    deployment.save(&path).unwrap();
    let market = {
        let deployment = Deployment::load(&path).unwrap();
        deployment.verify(&chain).await.unwrap();
        deployment.market(&chain)
    };

    // A job with money in escrow; the events say what the dry run foretold.
    registry.register_dataset(&dataset(1)).execute(&alice).await.unwrap();
    let call = market.post_job(&job(Hash([1; 32])));
    let run = call.dry_run(alice.account()).await.unwrap();
    assert_eq!(run.value, Amount(6 * TOKEN));
    let before = chain.balance(alice.account()).await.unwrap();
    let receipt = call.send(&alice, &run).await.unwrap();
    let after = chain.balance(alice.account()).await.unwrap();
    assert_eq!(market.posted_job(&receipt).unwrap(), run.output);
    let spent = before.free.checked_sub(after.free).unwrap();
    let parts = [run.value, receipt.fee, receipt.deposit.charged()];
    assert_eq!(spent.0, parts.iter().map(|part| part.0).sum::<u128>());
    assert_eq!(chain.address_balance(address).await.unwrap(), Amount(6 * TOKEN));
    let view = market.job(run.output).await.unwrap().unwrap();
    assert_eq!((view.job.client, view.job.state, view.job.held), (alice.address(), market::State::Open, 6 * TOKEN));
    assert_eq!(market.spec(run.output).await.unwrap().unwrap(), b"a specification");
    assert_eq!(market.jobs(0, 10).await.unwrap().total, 1);

    // Money that is not what the message costs stays where it is.
    let wrong = market.post_job(&job(Hash([1; 32]))).value(Amount(TOKEN)).execute(&alice).await.unwrap_err();
    let expected = market::Error::WrongValue { expected: 6 * TOKEN, sent: TOKEN };
    assert_eq!(wrong.refusal(), Some(&expected));
    let unknown = market.claim(99).execute(&alice).await.unwrap_err();
    assert_eq!(unknown.refusal(), Some(&market::Error::UnknownJob));
    let nothing = market.withdraw().execute(&alice).await.unwrap_err();
    assert_eq!(nothing.refusal(), Some(&market::Error::NothingToWithdraw));

    // Stake in, stake out, to the last unit.
    let bob = suri("//Bob");
    chain.ensure_mapped(&bob).await.unwrap();
    let staked = market.stake(market::Role::Verifier, Some("http://127.0.0.1:7000"), Amount(3 * TOKEN));
    let receipt = staked.execute(&bob).await.unwrap();
    let event = market::Event::Staked { account: bob.address(), role: market::Role::Verifier, amount: 3 * TOKEN };
    assert_eq!(market.events(&receipt).unwrap(), [event]);
    market.enlist(run.output, Hash([8; 32]), Amount(2 * TOKEN)).execute(&bob).await.unwrap();
    let standing = market.standing(market::Role::Verifier, bob.address()).await.unwrap().unwrap();
    assert_eq!((standing.stake, standing.locked), (3 * TOKEN, 2 * TOKEN));
    assert_eq!(market.enlistment(run.output, bob.address()).await.unwrap().unwrap().bond, 2 * TOKEN);
    // What is taken back waits; nothing can be collected before its time.
    market.unstake(market::Role::Verifier, Amount(TOKEN)).execute(&bob).await.unwrap();
    let standing = market.standing(market::Role::Verifier, bob.address()).await.unwrap().unwrap();
    assert_eq!((standing.stake, standing.unbonding), (2 * TOKEN, TOKEN));
    let early = market.collect(market::Role::Verifier).execute(&bob).await.unwrap_err();
    assert!(matches!(early.refusal(), Some(market::Error::StillUnbonding { .. })), "{early}");
    assert_eq!(market.verifiers(0, 10).await.unwrap().items, [(bob.address(), standing)]);
    assert_eq!(market.operators(0, 10).await.unwrap().total, 0);

    // The client takes its job back, to the last unit.
    market.cancel(run.output).execute(&alice).await.unwrap();
    let contributions = market.contributions(run.output).await.unwrap().unwrap();
    assert_eq!((contributions.refund, contributions.total()), (6 * TOKEN, 6 * TOKEN));
    assert_eq!(market.payments(run.output, 0, 10).await.unwrap().total, 1);
    assert_eq!(market.credit(alice.address()).await.unwrap(), Amount(6 * TOKEN));
    let before = chain.balance(alice.account()).await.unwrap();
    let receipt = market.withdraw().execute(&alice).await.unwrap();
    let after = chain.balance(alice.account()).await.unwrap();
    let (charged, refunded) = match receipt.deposit {
        Deposit::Charge(amount) => (amount.0, 0),
        Deposit::Refund(amount) => (0, amount.0),
    };
    assert_eq!(after.free.0 + receipt.fee.0 + charged, before.free.0 + 6 * TOKEN + refunded);
}

#[tokio::test]
async fn a_dataset_is_sold_and_its_price_withdrawn() {
    let (_node, chain) = connected().await;
    let (alice, bob) = (suri("//Alice"), suri("//Bob"));
    let registry = deployed(&chain, &alice).await;
    chain.ensure_mapped(&bob).await.unwrap();
    let id = Hash([1; 32]);
    let terms = registry::DatasetTerms {
        open: false,
        price: Some(3 * TOKEN),
        access_seconds: 3_600,
        ..registry::DatasetTerms::open("CC-BY-4.0")
    };
    let sold = registry::RegisterDataset { terms: terms.clone(), ..dataset(1) };
    registry.register_dataset(&sold).execute(&alice).await.unwrap();
    let refused = registry.check_inputs(bob.address(), &[id], None).await.unwrap_err();
    assert_eq!(refused.refusal(), Some(&registry::Error::NoGrant(id)));

    let hash = terms.hash(&Native);
    let short = registry.buy_access(id, hash, Amount(TOKEN)).execute(&bob).await.unwrap_err();
    assert_eq!(short.refusal(), Some(&registry::Error::WrongValue { expected: 3 * TOKEN, sent: TOKEN }));
    let receipt = registry.buy_access(id, hash, Amount(3 * TOKEN)).execute(&bob).await.unwrap();
    let grant = registry.grant(id, bob.address()).await.unwrap().unwrap();
    assert_eq!((grant.terms, grant.paid, grant.until), (hash, 3 * TOKEN, grant.at + 3_600));
    let events = registry.events(&receipt).unwrap();
    let granted = registry::Event::AccessGranted {
        dataset: id,
        account: bob.address(),
        until: grant.until,
        terms: hash,
        paid: 3 * TOKEN,
    };
    assert!(events.contains(&granted), "{events:?}");
    let credited = registry::Event::Credited { account: alice.address(), dataset: id, amount: 3 * TOKEN };
    assert!(events.contains(&credited), "{events:?}");
    assert_eq!(registry.check_inputs(bob.address(), &[id], None).await.unwrap(), []);
    assert_eq!(registry.terms(hash).await.unwrap(), Some(terms));
    assert_eq!(registry.grants(id, 0, 10).await.unwrap().items, [(bob.address(), grant)]);
    assert_eq!(registry.credit(alice.address()).await.unwrap(), Amount(3 * TOKEN));
    registry.withdraw().execute(&alice).await.unwrap();
    assert_eq!(registry.credit(alice.address()).await.unwrap(), Amount::ZERO);
    assert_eq!(chain.address_balance(registry.address()).await.unwrap(), Amount::ZERO);
}

#[tokio::test]
async fn titles_answer_and_refuse_in_soliditys_encoding() {
    let (_node, chain) = connected().await;
    let alice = suri("//Alice");
    let (titles, registry) = titles_and_registry(&chain, &alice).await;
    assert_eq!(titles.kind().await.unwrap(), titles::KIND);
    assert_eq!(titles.version().await.unwrap(), titles::VERSION);
    assert_eq!(titles.registry().await.unwrap(), Some(registry.address()));
    assert_eq!(registry.titles().await.unwrap(), titles.address());
    assert_eq!((titles.total_supply().await.unwrap(), titles.balance_of(alice.address()).await.unwrap()), (0, 0));
    let token = Hash([7; 32]);
    assert_eq!(titles.owner_of(token).await.unwrap(), None);
    let refused = titles.transfer_from(alice.address(), Address([1; 20]), token).execute(&alice).await.unwrap_err();
    assert_eq!(refused.refusal(), Some(&titles::Error::NonexistentToken(token)));
    let again = titles.bind_registry(registry.address()).execute(&alice).await.unwrap_err();
    assert_eq!(again.refusal(), Some(&titles::Error::RegistryAlreadyBound));
    // An event in Solidity's encoding.
    let call = titles.set_approval_for_all(Address([9; 20]), true);
    let receipt = call.execute(&alice).await.unwrap();
    let (owner, operator) = (alice.address(), Address([9; 20]));
    let approved = titles::Event::ApprovalForAll { owner, operator, approved: true };
    assert_eq!(titles.events(&receipt).unwrap(), [approved]);
    assert!(titles.is_approved_for_all(owner, operator).await.unwrap());
    // Another contract does not pass for it.
    let other = Titles::at(&chain, registry.address());
    assert!(other.kind().await.is_err() && other.owner_of(token).await.is_err());
}
