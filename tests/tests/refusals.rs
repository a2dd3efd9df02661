//! What the market refuses on the real chain: each refusal with the contract's
//! own reason, and with nothing kept.

use assay_client::{Amount, Chain, Deployment, Market, Signer};
use assay_e2e::{CLIENT, CLIENT_SECRET, JobOptions, OPERATOR, VERIFIERS, World, refused, tokens};
use assay_protocol::market::{Error, Opening, Role, SlotOpening, State, Windows};
use assay_protocol::{Address, Hash};

#[tokio::test]
async fn what_is_wrong_is_refused_by_name_and_costs_nothing() -> anyhow::Result<()> {
    let world = World::start().await?;
    let market = &world.market;
    let client = world.signer(CLIENT).await?;
    let operator = world.signer(OPERATOR).await?;
    let options = JobOptions::default();
    let job = world.digits_job(client.address(), &options);
    let held = world.chain.address_balance(market.address()).await?;

    // Wrong payment: too little, too much, nothing.
    let price = World::price(&job);
    for sent in [Amount::ZERO, Amount(price.0 - 10u128.pow(12)), Amount(price.0 + 10u128.pow(12))] {
        let reason = refused(market.post_job(&job).value(sent).execute(&client).await);
        assert_eq!(reason, Error::WrongValue { expected: price.0, sent: sent.0 });
    }
    // Data that nobody registered; a specification that is not what its hash says.
    let mut unknown = job.clone();
    unknown.datasets = vec![Hash([9; 32])];
    assert!(matches!(refused(market.post_job(&unknown).execute(&client).await), Error::Registry(_)));
    let mut other = job.clone();
    other.spec[10] ^= 1;
    assert!(matches!(refused(market.post_job(&other).execute(&client).await), Error::BadTerms(_)));
    assert_eq!(world.chain.address_balance(market.address()).await?, held, "nothing is kept of a refused message");

    // A job that does not exist.
    assert_eq!(refused(market.claim(7).execute(&operator).await), Error::UnknownJob);
    assert!(market.job(7).await?.is_none());

    // Claims: without verifiers, without stake, twice.
    let id = world.post(&options).await?;
    assert!(matches!(refused(market.claim(id).execute(&operator).await), Error::TooFewVerifiers { needed: 3, .. }));
    let verifiers = world.enlist_all(id).await?;
    assert!(matches!(refused(market.claim(id).execute(&operator).await), Error::StakeTooSmall { .. }));
    assert_eq!(refused(market.claim(id).execute(&client).await), Error::ConflictOfInterest);
    market.stake(Role::Operator, Some("http://127.0.0.1:1"), tokens(100)).execute(&operator).await?;
    market.claim(id).execute(&operator).await?;
    assert_eq!(refused(market.claim(id).execute(&operator).await), Error::WrongState(State::Claimed));
    let standing = market.standing(Role::Operator, operator.address()).await?.expect("it has staked");
    assert_eq!(standing.locked, tokens(100).0);
    let free = refused(market.unstake(Role::Operator, tokens(1)).execute(&operator).await);
    assert_eq!(free, Error::StakeTooSmall { needed: tokens(1).0, free: 0 });

    // Commitments: by somebody else, twice.
    let work = world.train(&options, id, &operator.address())?;
    let (good, commitments, segments) = (work.commit(), &work.commitments, work.segments);
    assert_eq!(refused(market.commit(id, &good).execute(&verifiers[0].0).await), Error::NotOperator);
    market.commit(id, &good).execute(&operator).await?;
    assert_eq!(refused(market.commit(id, &good).execute(&operator).await), Error::WrongState(State::Committed));

    // Secrets: another's, twice.
    let (first, secret) = &verifiers[0];
    assert_eq!(refused(market.reveal_secret(id, verifiers[1].1).execute(first).await), Error::WrongSecret);
    market.reveal_secret(id, *secret).execute(first).await?;
    assert_eq!(refused(market.reveal_secret(id, *secret).execute(first).await), Error::AlreadyRevealed);
    assert_eq!(refused(market.reveal_secret(id, *secret).execute(&operator).await), Error::NotEnlisted);
    for (verifier, secret) in &verifiers[1..] {
        market.reveal_secret(id, *secret).execute(verifier).await?;
    }
    assert!(matches!(refused(market.advance(id).execute(&operator).await), Error::TooEarly { .. }));
    market.reveal_secret(id, CLIENT_SECRET).execute(&client).await?;
    world.until(id, |job| job.job.draw_block.is_some()).await?;
    world.chain.blocks().next().await?;
    market.advance(id).execute(&operator).await?;

    // Openings: of another boundary, swapped, then right, then again.
    let slots = market.slots(id).await?;
    assert_eq!(slots.len(), 3);
    let opening = |slot: usize, before: u32, after: u32| SlotOpening {
        slot: slot as u8,
        before: commitments.opening(before),
        after: commitments.opening(after),
    };
    let segment = slots[0].segment;
    let with = |slots: Vec<SlotOpening>| Opening { ends: Some(work.ends()), slots };
    let swapped = with(vec![opening(0, segment + 1, segment)]);
    assert_eq!(refused(market.open(id, &swapped).execute(&operator).await), Error::BadProof { boundary: segment });
    let elsewhere = (segment + 2) % segments;
    let shifted = with(vec![opening(0, segment, elsewhere)]);
    let boundary = segment + 1;
    assert_eq!(refused(market.open(id, &shifted).execute(&operator).await), Error::BadProof { boundary });
    let right = with(slots.iter().enumerate().map(|(n, slot)| opening(n, slot.segment, slot.segment + 1)).collect());
    // The ends: another leaf's proof, a swapped leaf, not at all.
    let mut bad = right.clone();
    bad.ends.as_mut().expect("they are there").last = commitments.opening(segments - 1);
    assert_eq!(refused(market.open(id, &bad).execute(&operator).await), Error::BadProof { boundary: segments });
    let mut bad = right.clone();
    bad.ends.as_mut().expect("they are there").first.state = work.ends().last.state;
    assert_eq!(refused(market.open(id, &bad).execute(&operator).await), Error::BadProof { boundary: 0 });
    let without = Opening { ends: None, ..right.clone() };
    assert_eq!(refused(market.open(id, &without).execute(&operator).await), Error::EndsMissing);
    market.open(id, &right).execute(&operator).await?;
    assert_eq!(refused(market.open(id, &right).execute(&operator).await), Error::WrongState(State::Opened));

    // Attestations: by somebody who was not drawn; without replay, which fits nothing later.
    assert_eq!(refused(market.attest(id, 0, Hash([3; 32])).execute(&client).await), Error::NotDrawn);
    for (number, slot) in (0u8..).zip(&slots) {
        let verifier =
            verifiers.iter().find(|(signer, _)| signer.address() == slot.verifier).expect("a drawn verifier");
        market.attest(id, number, Hash([3; 32])).execute(&verifier.0).await?;
    }
    // Traces: not those that were sealed, not all, then right.
    let reveal = |change: u8| {
        let traces = (0u8..).zip(&slots).map(|(slot, entry)| {
            let mut trace = work.traces[entry.segment as usize];
            trace.0[0] ^= change;
            assay_protocol::market::SlotTrace { slot, trace }
        });
        traces.collect::<Vec<_>>()
    };
    let wrong = market.reveal_traces(id, &reveal(1)).execute(&operator).await;
    assert_eq!(refused(wrong), Error::WrongTrace { slot: 0 });
    let part = market.reveal_traces(id, &reveal(0)[1..]).execute(&operator).await;
    assert_eq!(refused(part), Error::IncompleteTraces);
    market.reveal_traces(id, &reveal(0)).execute(&operator).await?;
    let checks: Vec<_> = market.slots(id).await?.iter().map(|slot| slot.check).collect();
    assert!(checks.iter().all(|check| *check == assay_protocol::market::Check::Mismatched), "{checks:?}");
    Ok(())
}

#[tokio::test]
async fn deadlines_hold_by_chain_time() -> anyhow::Result<()> {
    let world = World::start().await?;
    let market = &world.market;
    let client = world.signer(CLIENT).await?;
    let operator = world.signer(OPERATOR).await?;
    let windows = Windows { train: 3, ..JobOptions::default().windows };
    let options = JobOptions { windows, ..JobOptions::default() };
    let id = world.post(&options).await?;
    world.enlist_all(id).await?;
    market.stake(Role::Operator, None, tokens(100)).execute(&operator).await?;
    market.claim(id).execute(&operator).await?;
    assert!(matches!(refused(market.advance(id).execute(&client).await), Error::TooEarly { .. }));

    let commit = world.train(&options, id, &operator.address())?.commit();
    world.past_deadline(id).await?;
    let late = refused(market.commit(id, &commit).execute(&operator).await);
    assert!(matches!(late, Error::DeadlinePassed { .. }));
    assert!(late.to_string().contains("assay job advance"), "{late}");

    // Anybody may move it on: the operator pays a tenth, which is burned,
    // and the job is open for others.
    market.advance(id).execute(&world.signer(VERIFIERS[0]).await?).await?;
    let job = world.job(id).await?;
    assert_eq!(job.job.state, State::Open);
    assert_eq!(market.credit(client.address()).await?, Amount::ZERO);
    let standing = market.standing(Role::Operator, operator.address()).await?.expect("it has staked");
    assert_eq!((standing.stake, standing.locked), (tokens(90).0, 0));
    assert_eq!(refused(market.claim(id).execute(&operator).await), Error::ConflictOfInterest);

    // The client takes it back and withdraws everything, once.
    market.cancel(id).execute(&client).await?;
    let job_price = World::price(&world.digits_job(client.address(), &options));
    let before = world.chain.balance(client.account()).await?;
    let receipt = market.withdraw().execute(&client).await?;
    let after = world.chain.balance(client.account()).await?;
    let expected = before.spendable.0 + job_price.0 - receipt.fee.0;
    let deposit_moved = expected.abs_diff(after.spendable.0);
    assert!(deposit_moved < tokens(1).0, "withdrawn but for storage deposits: {deposit_moved}");
    assert_eq!(refused(market.withdraw().execute(&client).await), Error::NothingToWithdraw);
    Ok(())
}

#[tokio::test]
async fn wrong_accounts_networks_and_addresses_are_told_apart() -> anyhow::Result<()> {
    let world = World::start().await?;
    // An account without funds cannot even be mapped; one that is not mapped is told so.
    let pauper = Signer::from_suri("//Nobody")?;
    let error = world.chain.ensure_mapped(&pauper).await.unwrap_err().to_string();
    assert!(error.contains("fund") || error.contains("balance"), "{error}");
    let unmapped = Signer::from_suri("//Assay9")?;
    let error = world.market.stake(Role::Verifier, None, tokens(1)).execute(&unmapped).await.unwrap_err().to_string();
    assert!(error.contains("map"), "{error}");

    // An address without a contract, and the registry where the market should be.
    let client = world.signer(CLIENT).await?;
    let nowhere = Market::at(&world.chain, Address([7; 20]));
    let error = nowhere.withdraw().execute(&client).await.unwrap_err().to_string();
    assert!(error.contains("contract"), "{error}");
    let path = world.folder.path().join("deployment.json");
    let deployment = Deployment::load(&path)?;
    let mut swapped = deployment.clone();
    std::mem::swap(&mut swapped.market, &mut swapped.registry);
    assert!(swapped.verify(&world.chain).await.is_err());

    // The same deployment on another chain.
    let other = assay_testkit::DevNode::start(assay_testkit::NodeOptions {
        fund: vec![("//Grace".into(), "1".into())],
        ..Default::default()
    })
    .await?;
    let chain = Chain::connect(other.url()).await?;
    let error = deployment.verify(&chain).await.unwrap_err().to_string();
    assert!(error.contains("genesis") || error.contains("network") || error.contains("chain"), "{error}");
    // And as a user meets it.
    let output = world.run("assay", &["job", "list", "--url", other.url()]).await?;
    assert_eq!(output.status.code(), Some(1));
    let output = world.run("assay", &["job", "show", "99"]).await?;
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("99"), "{output:?}");
    Ok(())
}
