//! Contracts that mean harm, on the real chain: as who is paid, as who owns a
//! model, as who receives one. Balances are right to the unit throughout.

use anyhow::Context;
use assay_client::{Amount, Bundle, Call, CallError, Chain, Registry, Signer, Titles};
use assay_e2e::{CLIENT, DEPLOYER, Hostile, JobOptions, World, message, repository, tokens};
use assay_protocol::hash::Native;
use assay_protocol::market::{Error, Role, Windows};
use assay_protocol::registry::{self, DatasetTerms, NamedParent, RegisterDataset, RegisterModel};
use assay_protocol::titles::{self, INTERFACE_ERC721, INTERFACE_ERC721_RECEIVER};
use assay_protocol::{Address, Hash};
use assay_testkit::{DevNode, NodeOptions};

/// The longest window of a job here, in seconds.
const WINDOW: u32 = 5;

fn short() -> JobOptions {
    let windows = Windows { claim: 5, train: 5, secrets: 5, open: 5, attest: 5, reveal: 5, dispute: 5 };
    JobOptions { windows, ..JobOptions::default() }
}

/// The order to an accomplice to have itself send a message: the chain stops
/// whoever calls a contract that is waiting, so that the inner one traps and the
/// outer one can tell.
fn through(accomplice: &Hostile, to: Address, input: Vec<u8>) -> (Address, Vec<u8>) {
    let inner = Hostile::forwarding(to, Amount::ZERO, input);
    (accomplice.address(), Hostile::forwarding(accomplice.address(), Amount::ZERO, inner))
}

/// What comes of [`through`] then: it worked, and reports a call (1) that was
/// refused (1) with no answer (0).
fn stopped() -> Option<(bool, Vec<u8>)> {
    Some((false, vec![0, 0, 1, 1, 0]))
}

/// The contract at `from` owes `owed` to the hostile one, which takes it out by
/// `withdraw` while it refuses and calls back in every way, and gets it once.
///
/// `back` are messages to the paying contract; `failed` and `nothing` its reasons
/// for a payment that did not go through and one that is not owed.
async fn is_paid_once<E: parity_scale_codec::Decode + PartialEq + std::fmt::Debug>(
    (hostile, accomplice): (&Hostile, &Hostile),
    (chain, from, owed): (&Chain, Address, Amount),
    back: &[Vec<u8>],
    (failed, nothing): (E, E),
) -> anyhow::Result<()> {
    let withdraw = || message("withdraw", ());
    let (held, had) = (chain.address_balance(from).await?, hostile.balance().await?);
    let taken = hostile.seen().await?.0;
    let unpaid = async |why: String| -> anyhow::Result<()> {
        let reason: E = hostile.refused(from, Amount::ZERO, withdraw()).await?;
        assert_eq!(reason, failed, "{why}");
        let credit: u128 = chain.read(from, "credit", (hostile.address(),)).await?;
        assert_eq!(credit, owed.0, "the credit stays: {why}");
        assert_eq!(chain.address_balance(from).await?, held, "{why}");
        assert_eq!(hostile.balance().await?, had, "{why}");
        assert_eq!(hostile.seen().await?, (taken, None), "nothing is kept of it: {why}");
        Ok(())
    };
    // It refuses to be paid.
    hostile.plan(None, true, &[]).await?;
    unpaid("it refuses".into()).await?;
    // It calls back itself: the chain stops it, and so it is not paid.
    for input in back {
        hostile.plan(Some((from, input.clone())), false, &[]).await?;
        unpaid(format!("it calls back with {input:?}")).await?;
    }
    // It has another call back, and does not care what comes of it: paid, once.
    hostile.plan(Some(through(accomplice, from, back[0].clone())), false, &[]).await?;
    hostile.must_forward(from, Amount::ZERO, withdraw()).await?;
    assert_eq!(hostile.seen().await?, (taken + 1, stopped()), "the chain stopped the accomplice");
    assert_eq!(hostile.balance().await?, Amount(had.0 + owed.0), "paid to the unit");
    assert_eq!(chain.address_balance(from).await?, Amount(held.0 - owed.0));
    // There is nothing more to be had.
    let reason: E = hostile.refused(from, Amount::ZERO, withdraw()).await?;
    assert_eq!(reason, nothing);
    assert_eq!(hostile.balance().await?, Amount(had.0 + owed.0));
    Ok(())
}

#[tokio::test]
async fn a_payee_that_refuses_or_calls_the_market_back_is_paid_once() -> anyhow::Result<()> {
    let world = World::start_with(WINDOW).await?;
    let (market, chain) = (&world.market, &world.chain);
    let at = market.address();
    let user = world.signer(CLIENT).await?;
    let hostile = Hostile::deploy(chain, &user).await?;
    let accomplice = Hostile::deploy(chain, &user).await?;
    let both = (&hostile, &accomplice);

    // As a client: it posts a job, takes it back, and is owed what it paid.
    let job = world.digits_job(hostile.address(), &short());
    let price = World::price(&job);
    hostile.must_forward(at, price, message("post_job", (&job,))).await?;
    assert_eq!(world.job(0).await?.job.client, hostile.address());
    hostile.must_forward(at, Amount::ZERO, message("cancel", (0u64,))).await?;
    let back = [message("withdraw", ()), message("advance", (0u64,)), message("cancel", (0u64,))];
    is_paid_once(both, (chain, at, price), &back, (Error::TransferFailed, Error::NothingToWithdraw)).await?;
    assert_eq!(chain.address_balance(at).await?, Amount::ZERO);

    // As a verifier: part of its stake is on its way out. A dust unit goes with it.
    let (stake, part) = (Amount(tokens(50).0 + 7), Amount(tokens(20).0 + 1));
    let role = Role::Verifier;
    hostile.must_forward(at, stake, message("stake", (role, None::<String>))).await?;
    hostile.must_forward(at, Amount::ZERO, message("unstake", (role, part.0))).await?;
    let waits: Error = hostile.refused(at, Amount::ZERO, message("collect", (role,))).await?;
    assert!(matches!(waits, Error::StillUnbonding { .. }), "{waits}");
    let standing = market.standing(role, hostile.address()).await?.context("it has staked")?;
    let mut blocks = chain.blocks();
    while chain.now().await? < standing.unbonds_at {
        blocks.next().await?;
    }
    hostile.must_forward(at, Amount::ZERO, message("collect", (role,))).await?;
    let rest = stake.0 - part.0;
    let back = [
        message("unstake", (role, rest)),
        message("stake", (role, None::<String>)),
        message("collect", (role,)),
        message("withdraw_burned", ()),
    ];
    is_paid_once(both, (chain, at, part), &back, (Error::TransferFailed, Error::NothingToWithdraw)).await?;
    let standing = market.standing(role, hostile.address()).await?.context("it has staked")?;
    assert_eq!((standing.stake, standing.unbonding, standing.locked), (rest, 0, 0));
    assert_eq!(
        chain.address_balance(at).await?,
        Amount(rest),
        "the market holds the rest of the stake and nothing else"
    );
    Ok(())
}

#[tokio::test]
async fn a_seller_that_refuses_or_calls_the_registry_back_is_paid_once() -> anyhow::Result<()> {
    let world = World::start_with(WINDOW).await?;
    let (registry, chain) = (&world.registry, &world.chain);
    let at = registry.address();
    let user = world.signer(CLIENT).await?;
    let hostile = Hostile::deploy(chain, &user).await?;
    let accomplice = Hostile::deploy(chain, &user).await?;
    let price = Amount(tokens(4).0 + 3);
    let terms = DatasetTerms { open: false, price: Some(price.0), ..DatasetTerms::open("CC-BY-4.0") };
    let id = Hash([0xda; 32]);
    let dataset = RegisterDataset {
        id,
        name: "for sale".into(),
        bytes: 1,
        terms: terms.clone(),
        locations: vec![],
        parents: vec![NamedParent { dataset: world.dataset, most_bp: 10_000 }],
    };
    hostile.must_forward(at, Amount::ZERO, message("register_dataset", (&dataset,))).await?;
    accomplice.must_forward(at, price, message("buy_access", (id, terms.hash(&Native)))).await?;

    let back =
        [message("withdraw", ()), message("set_terms", (id, &terms)), message("buy_access", (id, terms.hash(&Native)))];
    let errors = (registry::Error::TransferFailed, registry::Error::NothingToWithdraw);
    is_paid_once((&hostile, &accomplice), (chain, at, price), &back, errors).await?;
    assert_eq!(chain.address_balance(at).await?, Amount::ZERO, "nothing is left behind");
    Ok(())
}

/// Titles and a registry whose market is the account that deploys them.
async fn records(chain: &Chain, admin: &Signer) -> anyhow::Result<(Titles, Registry)> {
    chain.ensure_mapped(admin).await?;
    let bundle = |name: &str| Bundle::load(&repository().join(format!("contracts/artefacts/{name}.contract")));
    let (titles, _) = bundle("titles")?.deploy(chain, "new", ())?.execute(admin).await?;
    let (registry, _) = bundle("registry")?.deploy(chain, "new", (titles, None::<Address>))?.execute(admin).await?;
    let (titles, registry) = (Titles::at(chain, titles), Registry::at(chain, registry));
    titles.bind_registry(registry.address()).execute(admin).await?;
    registry.bind_market(admin.address()).execute(admin).await?;
    Ok((titles, registry))
}

/// Puts a model on record that belongs to `owner`.
async fn model(chain: &Chain, registry: &Registry, market: &Signer, owner: Address) -> anyhow::Result<Hash> {
    let dataset = Hash([0xda; 32]);
    let args = RegisterDataset {
        id: dataset,
        name: "data".into(),
        bytes: 1,
        terms: DatasetTerms::open("CC0-1.0"),
        locations: vec![],
        parents: vec![],
    };
    registry.register_dataset(&args).execute(market).await?;
    let args = RegisterModel {
        owner,
        name: "model".into(),
        licence: "CC0-1.0".into(),
        royalty_bp: 0,
        program: Hash([1; 32]),
        final_state: Hash([2; 32]),
        artefact: Hash([3; 32]),
        datasets: vec![dataset],
        parent: None,
        job: 0,
        operator: owner,
        segments: 1,
        segments_drawn: 1,
        segments_checked: 1,
    };
    let call = Call::<Hash, registry::Error>::new(chain, registry.address(), "register_model", (args,));
    let run = call.dry_run(market.account()).await?;
    call.send(market, &run).await?;
    Ok(run.output)
}

#[tokio::test]
async fn a_contract_owns_a_model_and_receives_one_only_if_it_says_so() -> anyhow::Result<()> {
    let node = DevNode::start(NodeOptions::default()).await?;
    let chain = Chain::connect(node.url()).await?;
    let (admin, user) = (Signer::from_suri(DEPLOYER)?, Signer::from_suri(CLIENT)?);
    let (titles, registry) = records(&chain, &admin).await?;
    chain.ensure_mapped(&user).await?;
    let hostile = Hostile::deploy(&chain, &user).await?;
    let accomplice = Hostile::deploy(&chain, &user).await?;
    let [us, it, other] = [user.address(), hostile.address(), accomplice.address()];
    let owns = async |owner: Address, why: &str| -> anyhow::Result<()> {
        assert_eq!(titles.owner_of(token(&registry).await?).await?, Some(owner), "{why}");
        for account in [us, it, other] {
            assert_eq!(titles.balance_of(account).await?, u128::from(account == owner), "{why}");
        }
        Ok(())
    };

    // A title is issued without asking, or its owner could keep a job from ending.
    hostile.plan(None, true, &[]).await?;
    let id = model(&chain, &registry, &admin, it).await?;
    owns(it, "issued").await?;
    assert_eq!(hostile.seen().await?, (0, None), "it was not asked");
    // It is the owner, and nobody else is.
    hostile.must_forward(registry.address(), Amount::ZERO, message("set_royalty", (id, 100u16))).await?;
    let refused = registry.set_royalty(id, 200).execute(&user).await;
    assert!(matches!(refused, Err(CallError::Refused { reason: registry::Error::NotOwner, .. })));
    let send = |from, to| titles::Call::TransferFrom { from, to, token: id }.encode();
    let send_safely = |from, to| titles::Call::SafeTransferFrom { from, to, token: id }.encode();
    hostile.must_forward(titles.address(), Amount::ZERO, send(it, us)).await?;
    owns(us, "sent by the contract").await?;
    let (refused, _) = hostile.forward(titles.address(), Amount::ZERO, send(us, it)).await?;
    assert!(refused, "it owns nothing any more");

    // Who does not answer exactly as the standard asks gets nothing.
    let right = titles::Answer::Bytes4(INTERFACE_ERC721_RECEIVER).encode();
    let mut padded_wrongly = right.clone();
    padded_wrongly[31] = 1;
    let longer = [&right[..], &[0]].concat();
    let another = titles::Answer::Bytes4(INTERFACE_ERC721).encode();
    let answers: [(&str, &[u8]); 5] = [
        ("nothing", &[]),
        ("four bytes", &INTERFACE_ERC721_RECEIVER),
        ("more than the magic value", &padded_wrongly),
        ("more than a word", &longer),
        ("another interface", &another),
    ];
    titles.approve(Some(other), id).execute(&user).await?;
    let not_taken = async |why: &str| -> anyhow::Result<()> {
        let refused = titles.safe_transfer_from(us, it, id).execute(&user).await.err().context(why.to_string())?;
        assert_eq!(refused.refusal(), Some(&titles::Error::InvalidReceiver(it)), "{why}: {refused}");
        owns(us, why).await?;
        assert_eq!(titles.approved(id).await?, Some(other), "{why}");
        Ok(())
    };
    for (why, answer) in answers {
        hostile.plan(None, false, answer).await?;
        not_taken(why).await?;
    }
    hostile.plan(None, true, &right).await?;
    not_taken("it refuses").await?;
    // Nor who calls back while it is asked, whatever it answers then.
    for (why, input) in [("sends on", send(it, other)), ("sends on safely", send_safely(it, us))] {
        hostile.plan(Some((titles.address(), input)), false, &right).await?;
        not_taken(why).await?;
    }

    // An accomplice that may do all with what it owns cannot while it is asked.
    let approve = titles::Call::SetApprovalForAll { operator: other, approved: true }.encode();
    hostile.must_forward(titles.address(), Amount::ZERO, approve).await?;
    for (why, input) in [("sends on", send(it, other)), ("sends back safely", send_safely(it, us))] {
        hostile.plan(Some(through(&accomplice, titles.address(), input)), false, &right).await?;
        let call = titles.safe_transfer_from(us, it, id);
        let run = call.dry_run(user.account()).await?;
        eprintln!("{run:?}");
        let result = call.send(&user, &run).await;
        if result.is_err() {
            let name = node.folder().join("node.log");
            std::fs::copy(name, "/tmp/mutants/node.log")?;
        }
        result?;
        assert_eq!(hostile.seen().await?.1, stopped(), "{why}: the chain stopped the accomplice");
        owns(it, why).await?;
        hostile.must_forward(titles.address(), Amount::ZERO, send(it, us)).await?;
    }
    // Nor can it act as the owner elsewhere: nobody is, until it has answered.
    let royalty = Hostile::forwarding(registry.address(), Amount::ZERO, message("set_royalty", (id, 9_999u16)));
    hostile.plan(Some((it, royalty)), false, &right).await?;
    titles.safe_transfer_from(us, it, id).execute(&user).await?;
    owns(it, "it takes it").await?;
    assert_eq!(registry.model(id).await?.context("it is on record")?.royalty_bp, 100);
    // Afterwards the accomplice may, as it was allowed to.
    accomplice.must_forward(titles.address(), Amount::ZERO, send(it, other)).await?;
    owns(other, "sent by whom it approved").await?;
    assert_eq!(titles.total_supply().await?, 1);
    Ok(())
}

/// The one model on record.
async fn token(registry: &Registry) -> anyhow::Result<Hash> {
    registry.models(0, 1).await?.items.first().copied().context("a model is on record")
}
