//! Whole jobs with real daemons.

use assay_client::Amount;
use assay_e2e::{CLIENT, CLIENT_SECRET, JobOptions, OPERATOR, OTHER_OPERATOR, VERIFIERS, World, tokens};
use assay_protocol::market::{Check, Role, State, Windows};
use assay_protocol::registry::Node;

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_done_checked_paid_and_registered() -> anyhow::Result<()> {
    let world = World::start().await?;
    let _verifiers = world.verifiers().await?;
    let _operator = world.operator().await?;
    let id = world.post(&JobOptions::default()).await?;
    let job = world.finish(id).await?;
    assert_eq!(job.job.state, State::Final);
    assert_eq!(job.job.held, 0);
    let slots = world.market.slots(id).await?;
    assert!(slots.iter().all(|slot| slot.check == Check::Passed), "{slots:?}");

    // The registry: the model, its lineage both ways.
    let model = job.model_id.expect("a final job has a model");
    let record = world.registry.model(model).await?.expect("it is registered");
    let client = world.signer(CLIENT).await?;
    assert_eq!((record.first_owner, record.job, record.segments_checked), (client.address(), id, 3));
    assert_eq!(world.titles.owner_of(model).await?, Some(client.address()));
    let made_from = world.registry.made_from(&Node::Model(model), 0, 10).await?;
    assert!(made_from.items.contains(&Node::Dataset(world.dataset)), "{made_from:?}");
    let made_into = world.registry.made_into(&Node::Dataset(world.dataset), 0, 10).await?;
    assert!(made_into.items.contains(&Node::Model(model)), "{made_into:?}");

    // The programs that readers use.
    let shown = world.succeed("assay", &["model", "show", &model.to_string()]).await?;
    assert!(shown.contains("digits classifier"), "{shown}");
    let tree = world.succeed("assay", &["provenance", &model.to_string()]).await?;
    assert!(tree.contains(&world.dataset.to_string()[..10]), "{tree}");
    let audit = world.succeed("assay-verifier", &["audit", &model.to_string(), "--fraction", "1"]).await?;
    assert!(audit.contains("8 of 8"), "{audit}");

    // The same job again makes the same model, and is paid all the same.
    let again = world.post(&JobOptions::default()).await?;
    let twin = world.finish(again).await?;
    assert_eq!((twin.job.state, twin.model_id), (State::Final, Some(model)));
    assert_eq!(world.registry.model(model).await?.expect("still there").job, id);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cheat_is_convicted_and_every_unit_is_accounted_for() -> anyhow::Result<()> {
    // Stake unbonds for twice the longest window, and this test waits for it.
    let world = World::start_with(30).await?;
    let verifiers = world.verifiers().await?;
    let cheat = world
        .daemon(
            "cheat",
            "assay-cheating-oracle",
            &["--skip-every", "1", "--suri", OTHER_OPERATOR, "--listen", "127.0.0.1:0", "--stake", "150 UNIT"],
        )
        .await?;
    let windows = Windows { claim: 30, train: 30, secrets: 30, open: 30, attest: 30, reveal: 30, dispute: 3 };
    let id = world.post(&JobOptions { windows, ..JobOptions::default() }).await?;
    let job = world.finish(id).await?;
    assert_eq!(job.job.state, State::Failed, "{}", cheat.log());
    assert_eq!(job.job.held, 0);
    assert_eq!(job.model_id, None);
    let cheater = world.signer(OTHER_OPERATOR).await?.address();
    let standing = world.market.standing(Role::Operator, cheater).await?.expect("it had staked");
    assert_eq!((standing.stake, standing.locked, standing.lost), (tokens(50).0, 0, 1));

    // The ledger adds up, as the command says and by our own count.
    world.succeed("assay", &["job", "ledger", &id.to_string()]).await?;
    for daemon in verifiers {
        daemon.terminate().await?;
    }
    cheat.terminate().await?;
    let everybody: Vec<&str> = [CLIENT, OTHER_OPERATOR].into_iter().chain(VERIFIERS).collect();
    world.empty(&[id], &everybody).await?;
    assert_eq!(world.chain.address_balance(world.market.address()).await?, Amount::ZERO, "nothing is left behind");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_when_anything_is_killed_in_any_state() -> anyhow::Result<()> {
    let mut world = World::start().await?;
    let mut verifiers = world.verifiers().await?;
    let mut operator = world.operator().await?;
    // Windows long enough for restarts; nobody may lose stake by them.
    let windows = Windows { dispute: 8, ..JobOptions::default().windows };
    let id = world.post(&JobOptions { windows, steps: 400, segment_steps: 20, ..JobOptions::default() }).await?;
    let states =
        [State::Open, State::Claimed, State::Committed, State::Drawn, State::Opened, State::Attested, State::Window];
    for state in states {
        let order = |state: State| states.iter().position(|known| *known == state).unwrap_or(states.len());
        let job = world.until(id, |job| order(job.job.state) >= order(state)).await?;
        if state == State::Committed && job.job.client_secret.is_none() {
            let client = world.signer(CLIENT).await?;
            world.market.reveal_secret(id, CLIENT_SECRET).execute(&client).await?;
        }
        operator.sigkill().await?;
        verifiers.remove(0).sigkill().await?;
        if state == State::Opened {
            world.node.sigkill().await?;
            world.node.start_again().await?;
        }
        operator = world.operator().await?;
        // The one that was killed comes back as the last, so the next round kills another.
        let number = (order(state)) % VERIFIERS.len();
        verifiers.push(world.verifier(number).await?);
    }
    let job = world.until(id, |job| job.job.state.is_terminal()).await?;
    assert_eq!(job.job.state, State::Final, "{}", operator.log());
    let operator = world.signer(OPERATOR).await?;
    let standing = world.market.standing(Role::Operator, operator.address()).await?.expect("it has staked");
    assert_eq!((standing.stake, standing.lost, standing.done), (tokens(500).0, 0, 1));
    for suri in VERIFIERS {
        let verifier = world.signer(suri).await?;
        let standing = world.market.standing(Role::Verifier, verifier.address()).await?.expect("it has staked");
        assert_eq!((standing.stake, standing.lost), (tokens(500).0, 0), "{suri}");
    }
    Ok(())
}
