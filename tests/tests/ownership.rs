//! Who owns what, who may use it, and who is paid for it.

use anyhow::Context;
use assay_client::{Amount, CallError};
use assay_e2e::{CLIENT, DEPLOYER, JobOptions, OPERATOR, VERIFIERS, World, tokens};
use assay_protocol::market::{self, State, Windows};
use assay_protocol::registry::{self, DatasetTerms, Node, StatementKind};

#[tokio::test(flavor = "multi_thread")]
async fn access_is_bought_royalties_are_paid_and_every_part_is_accounted_for() -> anyhow::Result<()> {
    let world = World::start_with(30).await?;
    let (registry, market) = (&world.registry, &world.market);
    let (owner, client) = (world.signer(DEPLOYER).await?, world.signer(CLIENT).await?);
    let windows = Windows { claim: 30, train: 30, secrets: 30, open: 30, attest: 30, reveal: 30, dispute: 3 };
    let options = JobOptions { windows, ..JobOptions::default() };

    // The owner puts a price on the digits: no job of others without a grant.
    let terms = DatasetTerms {
        open: false,
        price: Some(tokens(4).0),
        access_seconds: 3_600,
        royalty_bp: 1_250,
        ..DatasetTerms::open("CC-BY-4.0")
    };
    registry.set_terms(world.dataset, &terms).execute(&owner).await?;
    let job = world.digits_job(client.address(), &options);
    let refused = market.post_job(&job).execute(&client).await;
    let refused = refused.err().context("there is no grant")?;
    let reason = registry::Error::NoGrant(world.dataset);
    assert!(matches!(&refused, CallError::Refused { reason: market::Error::Registry(found), .. } if *found == reason));
    assert!(refused.to_string().contains("buy"), "{refused}");
    let dataset = world.dataset.to_string();
    world.succeed("assay", &["dataset", "buy", &dataset, "--suri", CLIENT, "-x", "-y"]).await?;
    let grant = registry.grant(world.dataset, client.address()).await?.context("it was bought")?;
    assert_eq!(grant.paid, tokens(4).0);
    assert_eq!(registry.credit(owner.address()).await?, tokens(4));
    // Taking it off sale, or a higher royalty, changes nothing for what was bought and posted.
    let id = world.post(&options).await?;
    registry
        .set_terms(world.dataset, &DatasetTerms { price: None, royalty_bp: 9_000, ..terms })
        .execute(&owner)
        .await?;

    let verifiers = world.verifiers().await?;
    let operator_daemon = world.operator().await?;
    let done = world.finish(id).await?;
    assert_eq!(done.job.state, State::Final);
    let operator = world.signer(OPERATOR).await?.address();
    let parts = market.contributions(id).await?.context("the job exists")?;
    let royalty = done.terms.payment * 1_250 / 10_000;
    assert_eq!(parts.data.len(), 1);
    let data = &parts.data[0];
    assert_eq!((data.node, data.owner), (Node::Dataset(world.dataset), owner.address()));
    assert_eq!((data.share_bp, data.paid), (1_250, royalty));
    let compute = parts.compute.as_ref().context("somebody trained it")?;
    assert_eq!((compute.operator, compute.paid), (operator, done.terms.payment - royalty));
    assert_eq!(parts.verification.iter().map(|part| part.segments).sum::<u32>(), 3);
    assert_eq!(parts.total(), done.terms.payment + done.terms.fee, "all that came in went out");
    assert_eq!(market.credit(owner.address()).await?, Amount(royalty));
    // The same, as a reader sees it.
    let shown = world.succeed("assay", &["job", "contributions", &id.to_string()]).await?;
    for words in ["1.25 UNIT", "8.75 UNIT", &operator.to_string()[..10]] {
        assert!(shown.contains(words), "{words} in {shown}");
    }

    // The model's title moves as an ERC-721 token, and a stranger's word on it stays.
    let model = done.model_id.context("it is registered")?;
    let buyer = world.signer(VERIFIERS[0]).await?;
    let to = buyer.address().to_string();
    let arguments = ["model", "transfer", &model.to_string(), "--to", &to, "--suri", CLIENT, "-x", "-y"];
    world.succeed("assay", &arguments).await?;
    assert_eq!(world.titles.owner_of(model).await?, Some(buyer.address()));
    assert_eq!(registry.owner_of(model).await?, Some(buyer.address()));
    let late = registry.set_royalty(model, 100).execute(&client).await;
    assert!(matches!(late, Err(CallError::Refused { reason: registry::Error::NotOwner, .. })), "no owner any more");
    registry.set_royalty(model, 100).execute(&buyer).await?;
    let node = Node::Model(model);
    let words = "97 % on a set of its own";
    registry.add_statement(&node, StatementKind::Evaluation, words, None).execute(&owner).await?;
    let statements = registry.statements(&node, 0, 10).await?;
    assert_eq!((statements.items[0].author, statements.items[0].text.as_str()), (owner.address(), words));

    // Everything can be taken out of both contracts, to the last unit.
    registry.withdraw().execute(&owner).await?;
    assert_eq!(world.chain.address_balance(registry.address()).await?, Amount::ZERO);
    for daemon in verifiers {
        daemon.terminate().await?;
    }
    operator_daemon.terminate().await?;
    let everybody: Vec<&str> = [DEPLOYER, CLIENT, OPERATOR].into_iter().chain(VERIFIERS).collect();
    world.empty(&[id], &everybody).await?;
    assert_eq!(world.chain.address_balance(market.address()).await?, Amount::ZERO, "nothing is left behind");
    Ok(())
}
