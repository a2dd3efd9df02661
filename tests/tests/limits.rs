//! The edges of what the contracts take, on the real chain: bytes, sums, blocks
//! and seconds.

use anyhow::{Context, bail};
use assay_client::{Amount, CallError, Chain};
use assay_e2e::{CLIENT, CLIENT_SECRET, DEPLOYER, Hostile, JobOptions, OPERATOR, VERIFIERS, World, refused, tokens};
use assay_job::Commitments;
use assay_oracle::steps;
use assay_protocol::hash::{Native, Sha256};
use assay_protocol::market::{
    Check, Commit, Error, MAX_SAMPLES, MAX_SEGMENTS, MAX_SPEC_BYTES, Role, State, TermsError, Windows,
};
use assay_protocol::registry::{self, DatasetTerms, MAX_DATASETS, MAX_NAME_BYTES, RegisterDataset};
use assay_protocol::{Address, Hash};
use assay_testkit::{DevNode, NodeOptions, contracts};
use parity_scale_codec::Encode;
use std::time::Duration;

#[tokio::test]
async fn the_largest_job_is_posted_and_a_byte_more_is_told() -> anyhow::Result<()> {
    let world = World::start().await?;
    let (market, client) = (&world.market, world.signer(CLIENT).await?);
    let owner = world.signer(DEPLOYER).await?;
    let mut job = world.digits_job(client.address(), &JobOptions::default());
    for number in 1..=MAX_DATASETS as u8 {
        let dataset = RegisterDataset {
            id: Hash([number; 32]),
            name: "d".repeat(MAX_NAME_BYTES),
            bytes: u64::MAX,
            terms: DatasetTerms::open("CC-BY-4.0"),
            locations: (0..registry::MAX_LOCATIONS).map(|copy| format!("https://{copy}.example/")).collect(),
            parents: vec![],
        };
        world.registry.register_dataset(&dataset).execute(&owner).await?;
        job.datasets.push(dataset.id);
    }
    let with_spec = |bytes: usize| {
        let mut job = job.clone();
        job.spec = (0..bytes).map(|byte| byte as u8).collect();
        job.terms.spec = Native.sha256(&job.spec);
        job
    };
    let price = World::price(&job);
    let post = async |job: &_| market.post_job(job).value(price).execute(&client).await;

    // One dataset too many, and one byte.
    let nine = refused(post(&with_spec(MAX_SPEC_BYTES)).await);
    assert_eq!(nine, Error::Registry(registry::Error::TooManyDatasets));
    job.datasets.pop();
    job.model.name = "m".repeat(MAX_NAME_BYTES);
    let with_spec = |bytes: usize| {
        let mut job = job.clone();
        job.spec = (0..bytes).map(|byte| byte as u8).collect();
        job.terms.spec = Native.sha256(&job.spec);
        job
    };
    let longer = refused(post(&with_spec(MAX_SPEC_BYTES + 1)).await);
    assert_eq!(longer, Error::BadTerms(TermsError::SpecLength));
    // The largest of all.
    let largest = with_spec(MAX_SPEC_BYTES);
    let receipt = post(&largest).await?;
    let id = market.posted_job(&receipt)?;
    assert_eq!(market.spec(id).await?, Some(largest.spec));
    assert_eq!(world.job(id).await?.datasets, largest.datasets);
    assert_eq!(world.chain.address_balance(market.address()).await?, price);

    // More than the contract can read at all, and more than the chain takes.
    for limit in [16 << 10, 128 << 10] {
        let error = post(&with_spec(limit)).await.err().context("nothing can read it")?;
        let CallError::Failed(error) = error else { bail!("refused by the contract: {error}") };
        assert!(error.to_string().contains(&format!("at most {limit} can be read")), "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn the_longest_job_with_most_samples_is_opened_in_the_daemons_batches() -> anyhow::Result<()> {
    let world = World::start().await?;
    let (market, client, operator) = (&world.market, world.signer(CLIENT).await?, world.signer(OPERATOR).await?);
    // What would be trained does not matter here, only how long it is.
    let mut job = world.digits_job(client.address(), &JobOptions::default());
    (job.terms.segments, job.terms.samples) = (MAX_SEGMENTS, MAX_SAMPLES);
    job.terms.windows.open = 60;
    // Nobody draws one false segment of a million: no stake would be enough.
    job.terms.policy.gain = 0;
    let id = market.posted_job(&market.post_job(&job).execute(&client).await?)?;
    let verifiers = world.enlist_all(id).await?;
    market.stake(Role::Operator, None, tokens(100)).execute(&operator).await?;
    market.claim(id).execute(&operator).await?;

    let by = operator.address();
    let commitments = tokio::task::spawn_blocking(move || {
        let hash = |number: u32| Native.sha256(&number.to_le_bytes());
        let states: Vec<Hash> = (0..=MAX_SEGMENTS).map(hash).collect();
        Commitments::new(id, &by, &states, &states[1..])
    })
    .await?;
    let root = commitments.root();
    market.commit(id, &Commit { root }).execute(&operator).await?;
    for (verifier, secret) in &verifiers {
        market.reveal_secret(id, *secret).execute(verifier).await?;
    }
    market.reveal_secret(id, CLIENT_SECRET).execute(&client).await?;
    market.advance(id).execute(&operator).await?;

    let slots = market.slots(id).await?;
    let batches =
        tokio::task::spawn_blocking(move || steps::openings(&commitments, Hash([7; 32]), MAX_SEGMENTS, false, &slots))
            .await?;
    assert!(batches.len() > 1);
    // All in one message is more than the contract reads.
    let mut all = batches[0].clone();
    all.slots = batches.iter().flat_map(|batch| batch.slots.clone()).collect();
    assert!(all.encoded_size() > 16 << 10);
    let error = market.open(id, &all).execute(&operator).await.err().context("nothing can read it")?;
    assert!(matches!(error, CallError::Failed(_)) && error.to_string().contains("at most 16384"), "{error}");
    for batch in &batches {
        market.open(id, batch).execute(&operator).await?;
    }
    let opened = world.job(id).await?;
    assert_eq!((opened.job.state, opened.job.opened), (State::Opened, MAX_SAMPLES));
    assert!(market.slots(id).await?.iter().all(|slot| slot.check == Check::Opened));
    Ok(())
}

#[tokio::test]
async fn sums_at_their_edges_are_kept_to_the_unit_or_refused() -> anyhow::Result<()> {
    let world = World::start_with(5).await?;
    let (market, chain, client) = (&world.market, &world.chain, world.signer(CLIENT).await?);
    let at = market.address();
    let role = Role::Verifier;
    let funds = chain.balance(client.account()).await?.spendable;

    // Finer than the chain's own unit, in a transaction.
    let whole = chain.unit().from_native(1);
    let error = market.stake(role, None, Amount(u128::MAX)).execute(&client).await.err().context("nobody has that")?;
    assert!(error.to_string().contains("smallest amount"), "{error}");
    // More than there is, to the most that a message can name.
    let most = u128::MAX / whole.0 * whole.0;
    for sum in [Amount(most), Amount((funds.0 + whole.0).next_multiple_of(whole.0))] {
        let error = market.stake(role, None, sum).execute(&client).await.err().context("nobody has that")?;
        let words = error.to_string();
        assert!(matches!(error, CallError::Failed(_)), "{words}");
        assert!(words.contains("balance") || words.contains("fund"), "{words}");
    }
    assert_eq!(chain.address_balance(at).await?, Amount::ZERO);
    let mut job = world.digits_job(client.address(), &JobOptions::default());
    let windows = Windows { claim: 5, train: 5, secrets: 5, open: 5, attest: 5, reveal: 5, dispute: 5 };
    (job.terms.windows, job.terms.payment, job.terms.fee) = (windows, u128::MAX, 1);
    let over = market.post_job(&job).value(Amount::ZERO).execute(&client).await;
    assert_eq!(refused(over), Error::Overflow);
    job.terms.payment -= 1;
    let wrong = market.post_job(&job).value(Amount::ZERO).execute(&client).await;
    assert_eq!(refused(wrong), Error::WrongValue { expected: u128::MAX, sent: 0 });
    let most = refused(market.unstake(role, Amount(u128::MAX)).execute(&client).await);
    assert_eq!(most, Error::StakeTooSmall { needed: u128::MAX, free: 0 });

    // Less than the chain's own balances can hold: a unit is a unit all the same.
    let hostile = Hostile::deploy(chain, &client).await?;
    let dust = Amount(1);
    assert!(dust < whole, "the chain's own unit is larger");
    let stake = |amount: Amount| (amount, assay_e2e::message("stake", (role, None::<String>)));
    for (number, amount) in [dust, Amount(whole.0 - 1), Amount(whole.0 + 1)].into_iter().enumerate() {
        let before = chain.address_balance(at).await?;
        let (value, input) = stake(amount);
        hostile.must_forward(at, value, input).await?;
        assert_eq!(chain.address_balance(at).await?, Amount(before.0 + amount.0), "stake {number}");
    }
    let total = Amount(2 * whole.0 + 1);
    let standing = market.standing(role, hostile.address()).await?.context("it has staked")?;
    assert_eq!(standing.stake, total.0);
    // One unit out, then the rest.
    for part in [dust, Amount(total.0 - 1)] {
        let had = hostile.balance().await?;
        hostile.must_forward(at, Amount::ZERO, assay_e2e::message("unstake", (role, part.0))).await?;
        let until = market.standing(role, hostile.address()).await?.context("it has staked")?.unbonds_at;
        let mut blocks = chain.blocks();
        while chain.now().await? < until {
            blocks.next().await?;
        }
        hostile.must_forward(at, Amount::ZERO, assay_e2e::message("collect", (role,))).await?;
        hostile.must_forward(at, Amount::ZERO, assay_e2e::message("withdraw", ())).await?;
        assert_eq!(hostile.balance().await?, Amount(had.0 + part.0));
    }
    assert_eq!(chain.address_balance(at).await?, Amount::ZERO);
    Ok(())
}

/// A chain that makes a block every 20 ms, with the contracts and a dataset that
/// nobody serves.
async fn quick_world() -> anyhow::Result<World> {
    let options = NodeOptions { block_time: Some(Duration::from_millis(20)), ..NodeOptions::default() };
    let node = DevNode::start(options).await?;
    let chain = Chain::connect(node.url()).await?;
    let deployer = assay_client::Signer::from_suri(DEPLOYER)?;
    let deployment = contracts::deploy(&chain, &deployer, 60).await;
    let (market, registry, titles) =
        (deployment.market(&chain), deployment.registry(&chain), deployment.titles(&chain));
    let dataset = RegisterDataset {
        id: Hash([0xda; 32]),
        name: "data".into(),
        bytes: 1,
        terms: DatasetTerms::open("CC0-1.0"),
        locations: vec![],
        parents: vec![],
    };
    registry.register_dataset(&dataset).execute(&deployer).await?;
    let folder = tempfile::tempdir()?;
    Ok(World { node, chain, deployment, market, registry, titles, dataset: dataset.id, folder })
}

/// Waits until a block of this number is there.
async fn until_block(chain: &Chain, number: u64) -> anyhow::Result<()> {
    let mut blocks = chain.blocks();
    while blocks.next().await?.number < number {}
    Ok(())
}

#[tokio::test]
async fn the_chain_knows_256_blocks_and_a_draw_that_waited_longer_takes_another() -> anyhow::Result<()> {
    let world = quick_world().await?;
    let (market, chain, client) = (&world.market, &world.chain, world.signer(CLIENT).await?);
    let operator = world.signer(OPERATOR).await?;
    let windows = Windows { secrets: 3, ..JobOptions::default().windows };
    let id = world.post(&JobOptions { windows, ..JobOptions::default() }).await?;
    let verifiers = world.enlist_all(id).await?;
    market.stake(Role::Operator, None, tokens(100)).execute(&operator).await?;
    market.claim(id).execute(&operator).await?;
    market.commit(id, &Commit { root: Hash([3; 32]) }).execute(&operator).await?;
    // The client keeps its secret back: a block's hash goes into the draw.
    for (verifier, secret) in &verifiers {
        market.reveal_secret(id, *secret).execute(verifier).await?;
    }
    world.past_deadline(id).await?;
    let noticed = market.advance(id).execute(&client).await?.block.number;
    let draw_block = |job: &assay_protocol::market::JobView| job.job.draw_block.map(u64::from);
    assert_eq!(draw_block(&world.job(id).await?), Some(noticed));

    // Nobody draws until that block's hash is forgotten.
    let hostile = Hostile::deploy(chain, &client).await?;
    until_block(chain, noticed + 258).await?;
    let (now, hashes) = hostile.blocks(&[0, 1, 255, 256, 257]).await?;
    assert!(now > 257);
    let known: Vec<bool> = hashes.iter().map(Option::is_some).collect();
    assert_eq!(known, [false, true, true, true, false], "the current block, and those up to 256 back");
    let again = market.advance(id).execute(&client).await?.block.number;
    let job = world.job(id).await?;
    assert_eq!((job.job.state, draw_block(&job)), (State::Committed, Some(again)), "another block, and no draw");
    until_block(chain, again + 1).await?;
    market.advance(id).execute(&client).await?;
    let job = world.job(id).await?;
    assert_eq!(job.job.state, State::Drawn);
    assert_eq!(market.slots(id).await?.len(), 3);
    Ok(())
}

/// What the market says to `commit` by the operator and to `advance` at one
/// second of chain time, and that second.
async fn both_at(world: &World, id: u64, operator: &assay_client::Signer) -> anyhow::Result<Option<(u64, [bool; 2])>> {
    let now = world.chain.now().await?;
    let taken = |result: Result<(), CallError<Error>>| match result {
        Ok(()) => Ok(true),
        Err(CallError::Refused { reason: Error::DeadlinePassed { .. } | Error::TooEarly { .. }, .. }) => Ok(false),
        Err(other) => Err(other),
    };
    let commit = world.market.commit(id, &Commit { root: Hash([3; 32]) });
    let commit = taken(commit.dry_run(operator.account()).await.map(|_| ()))?;
    let advance = taken(world.market.advance(id).dry_run(operator.account()).await.map(|_| ()))?;
    // Time only moves forward: all was asked in this second, or is asked again.
    Ok((world.chain.now().await? == now).then_some((now, [commit, advance])))
}

#[tokio::test]
async fn the_deadlines_second_belongs_to_the_message_and_the_next_to_advance() -> anyhow::Result<()> {
    let world = World::start().await?;
    let (market, operator) = (&world.market, world.signer(OPERATOR).await?);
    let windows = Windows { train: 4, ..JobOptions::default().windows };
    let id = world.post(&JobOptions { windows, ..JobOptions::default() }).await?;
    world.enlist_all(id).await?;
    market.stake(Role::Operator, None, tokens(100)).execute(&operator).await?;
    market.claim(id).execute(&operator).await?;
    let deadline = world.job(id).await?.job.deadline;
    // In every block, as the chain itself would run them there.
    let mut blocks = world.chain.blocks();
    let mut seen = vec![];
    while seen.last().is_none_or(|(second, _)| *second <= deadline + 1) {
        blocks.next().await?;
        seen.extend(both_at(&world, id, &operator).await?);
    }
    let expected = |second: u64| if second <= deadline { [true, false] } else { [false, true] };
    for (second, taken) in &seen {
        assert_eq!(*taken, expected(*second), "second {second} with deadline {deadline}: commit, advance");
    }
    for edge in [deadline, deadline + 1] {
        assert!(seen.iter().any(|(second, _)| *second == edge), "nothing was asked in second {edge}: {seen:?}");
    }
    // And in earnest.
    let late = refused(market.commit(id, &Commit { root: Hash([3; 32]) }).execute(&operator).await);
    assert!(matches!(late, Error::DeadlinePassed { deadline: at, .. } if at == deadline), "{late}");
    let by = world.signer(VERIFIERS[0]).await?;
    let receipt = market.advance(id).execute(&by).await?;
    assert!(world.chain.time_at(receipt.block.hash).await? > deadline);
    let job = world.job(id).await?;
    assert_eq!((job.job.state, job.job.operator), (State::Open, None::<Address>));
    Ok(())
}
