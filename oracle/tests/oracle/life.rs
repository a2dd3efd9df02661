//! A job from the claim to the pay, through crashes.

use crate::harness::{OPERATOR, TOKEN, World, honest, signer};
use assay_client::Amount;
use assay_content::Fetcher;
use assay_oracle::progress::Progress;
use assay_protocol::hash::{Native, Sha256};
use assay_protocol::market::{Role, State, Wanted};

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_every_state_it_is_paid_all_the_same() {
    let world = World::new().await;
    let spec = world.spec(60_000);
    let task = world.task(&spec);
    let oracle = world.oracle("data", &[]).start().await;
    let job = world.post(&spec, 3 * TOKEN).await;
    oracle.sigkill().await;

    // Open: it has seen the job before it can be claimed.
    let oracle = world.oracle("data", &[]).start().await;
    world.enlist(job).await;
    // Claimed, and some segments are done.
    world.until(job, State::Claimed).await;
    oracle.says("segment done").await;
    oracle.sigkill().await;
    let before = Progress::peek(&world.data("data").join(format!("jobs/{job}/progress"))).len();
    assert!(before >= 2, "{before}");
    let oracle = world.oracle("data", &[]).start().await;
    let view = world.until(job, State::Committed).await;
    oracle.sigkill().await;
    let (roots, _, last) = honest(&task, world.market.job_id(job));
    assert!(view.ends.is_none(), "nobody can copy what is not open");

    // Committed, and drawn while the oracle is away.
    world.reveal_secrets(job).await;
    world.draw(job).await;
    let oracle = world.oracle("data", &[]).start().await;
    let ends = world.until(job, State::Opened).await.ends.unwrap();
    assert_eq!((ends.initial_state, ends.final_state), (roots[0], roots[6]));
    oracle.sigkill().await;
    // Opened; the oracle comes back with another port, and says so on chain.
    let oracle = world.oracle("data", &[]).start().await;
    let operator = signer(OPERATOR).address();
    let standing = world.market.standing(Role::Operator, operator).await.unwrap().unwrap();
    assert_eq!(standing.endpoint, oracle.endpoint);
    assert_eq!((standing.stake, standing.locked), (20 * TOKEN, 5 * TOKEN), "topped up once");
    for slot in world.market.slots(job).await.unwrap() {
        let (root, segment) = (slot.before.unwrap(), slot.segment);
        let check = |bytes: Vec<u8>| task.read_state(&bytes, &root, segment).map(|_| ());
        let endpoints = [oracle.endpoint.clone()];
        Fetcher::default().state(&endpoints, &root, task.state_bytes(), &|_, _| (), check).await.unwrap();
    }
    let endpoints = [oracle.endpoint.clone()];
    let model = Fetcher::default().blob(&endpoints, &ends.artefact, 1 << 20, &|_, _| ()).await.unwrap();
    assert_eq!(model, task.artefact(&last).unwrap());
    oracle.sigkill().await;
    world.attest(job, &task).await;

    // Attested.
    let oracle = world.oracle("data", &[]).start().await;
    world.until(job, State::Window).await;
    oracle.sigkill().await;
    // Window; it moves the job on itself once the time is up.
    let before = world.chain.balance(signer(OPERATOR).account()).await.unwrap().spendable;
    let oracle = world.oracle("data", &[]).start().await;
    world.until(job, State::Final).await;
    oracle.says("withdrawn").await;
    assert_eq!(oracle.terminate().await, 0);
    let after = world.chain.balance(signer(OPERATOR).account()).await.unwrap().spendable;
    let gained = after.checked_sub(before).expect("the payment is more than the fees");
    assert!(gained > Amount(2 * TOKEN) && gained < Amount(3 * TOKEN), "{gained:?}");
    let standing = world.market.standing(Role::Operator, operator).await.unwrap().unwrap();
    assert_eq!((standing.stake, standing.locked, standing.done, standing.lost), (20 * TOKEN, 0, 1, 0));
}

/// Also those of boundaries that no verifier asks for, and after a restart.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_demanded_on_chain_is_answered_there() {
    let world = World::new().await;
    let spec = world.spec(600);
    let task = world.task(&spec);
    let job = world.post(&spec, TOKEN).await;
    let oracle = world.oracle("data", &["--keep-checkpoints", "all"]).start().await;
    world.enlist(job).await;
    world.until(job, State::Committed).await;
    world.reveal_secrets(job).await;
    let terms = world.until(job, State::Opened).await.terms;
    oracle.sigkill().await;
    let bond = Amount(terms.demand_bond());
    let alice = signer("//Alice");
    let wanted =
        [Wanted::Leaf { boundary: 0, tensor: 77, chunk: 5 }, Wanted::Leaf { boundary: 6, tensor: 1, chunk: 0 }]
            .into_iter()
            .chain((0..3).map(|index| Wanted::Boundary { index }));
    for wanted in wanted {
        world.market.demand(job, wanted, bond).execute(&alice).await.unwrap();
    }
    let roots = honest(&task, world.market.job_id(job)).0;
    std::fs::remove_file(world.data("data").join(format!("content/state/{}", roots[6]))).unwrap();
    let oracle = world.oracle("data", &[]).start().await;
    world.when(job, |view| view.job.demands == 0).await;
    oracle.says_times("answered the demand", 5).await;
    world.attest(job, &task).await;
    world.until(job, State::Final).await;
    assert_eq!(world.market.credit(alice.address()).await.unwrap(), Amount::ZERO, "asking is not free");
    assert_eq!(oracle.terminate().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_files_are_made_again_and_a_new_folder_of_inputs_is_not_needed() {
    let world = World::new().await;
    let spec = world.spec(600);
    let task = world.task(&spec);
    let job = world.post(&spec, TOKEN).await;
    let oracle = world.oracle("data", &["--once"]).start().await;
    world.enlist(job).await;
    world.until(job, State::Committed).await;
    oracle.sigkill().await;

    // A checkpoint is damaged, another is gone, the progress is cut short, the
    // model is gone, and the data's server as well.
    let roots = honest(&task, world.market.job_id(job)).0;
    let state = |boundary: usize| world.data("data").join(format!("content/state/{}", roots[boundary]));
    let mut bytes = std::fs::read(state(5)).unwrap();
    bytes[100] ^= 1;
    std::fs::write(state(5), bytes).unwrap();
    std::fs::remove_file(state(3)).unwrap();
    let progress = world.data("data").join(format!("jobs/{job}/progress"));
    let whole = std::fs::read(&progress).unwrap();
    std::fs::write(&progress, &whole[..whole.len() - 100]).unwrap();
    std::fs::remove_dir_all(world.data("data").join("content/blob")).unwrap();
    std::fs::rename(world.folder.path().join("dataset"), world.folder.path().join("gone")).unwrap();

    world.reveal_secrets(job).await;
    let mut oracle = world.oracle("data", &["--once", "--keep-checkpoints", "final"]).start().await;
    world.until(job, State::Opened).await;
    for slot in world.market.slots(job).await.unwrap() {
        let bytes = std::fs::read(state(slot.segment as usize)).unwrap();
        task.read_state(&bytes, &slot.before.unwrap(), slot.segment).unwrap();
    }
    assert_eq!(std::fs::read(&progress).unwrap(), whole, "the same record again");
    let artefact = world.market.job(job).await.unwrap().unwrap().ends.unwrap().artefact;
    let model = std::fs::read(world.data("data").join(format!("content/blob/{artefact}"))).unwrap();
    assert_eq!(Native.sha256(&model), artefact);
    world.attest(job, &task).await;
    world.until(job, State::Final).await;
    assert_eq!(oracle.exit_code().await, 0, "{}", oracle.log());
    let kept = std::fs::read_dir(world.data("data").join("content/state")).unwrap();
    let kept: Vec<_> = kept.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(kept, [roots[6].to_string()], "of the checkpoints only the last is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn asked_to_stop_while_it_trains_it_stops_at_once_and_carries_on_later() {
    let world = World::new().await;
    let spec = world.spec(600_000);
    let job = world.post(&spec, TOKEN).await;
    let oracle = world.oracle("data", &["--time-margin", "0"]).start().await;
    world.enlist(job).await;
    world.until(job, State::Claimed).await;
    oracle.says("segment done").await;
    let asked = std::time::Instant::now();
    assert_eq!(oracle.terminate().await, 0);
    assert!(asked.elapsed().as_secs() < 10, "{:?}", asked.elapsed());
    let path = world.data("data").join(format!("jobs/{job}/progress"));
    let before = Progress::peek(&path);
    assert!((2..7).contains(&before.len()), "{before:?}");
    let oracle = world.oracle("data", &["--time-margin", "0"]).start().await;
    oracle.says("carrying on from the last checkpoint").await;
    assert_eq!(Progress::peek(&path)[..before.len()], before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_restarted_does_not_disturb_the_job() {
    let mut world = World::new().await;
    let spec = world.spec(60_000);
    let job = world.post(&spec, TOKEN).await;
    let oracle = world.oracle("data", &[]).start().await;
    world.enlist(job).await;
    world.until(job, State::Claimed).await;
    oracle.says("segment done").await;
    world.node.sigkill().await.unwrap();
    world.node.start_again().await.unwrap();
    world.until(job, State::Committed).await;
    world.reveal_secrets(job).await;
    world.node.restart().await.unwrap();
    world.until(job, State::Opened).await;
    assert_eq!(oracle.terminate().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_is_never_signed_again_with_other_content() {
    let world = World::new().await;
    let spec = world.spec(60_000);
    let job = world.post(&spec, TOKEN).await;
    let oracle = world.oracle("data", &[]).start().await;
    world.enlist(job).await;
    world.until(job, State::Claimed).await;
    oracle.says("segment done").await;
    oracle.sigkill().await;
    // As if a commitment to something else had been signed before the crash.
    let journal = world.data("data").join("journal.jsonl");
    let mut text = std::fs::read_to_string(&journal).unwrap();
    text += &format!("{{\"job\":{job},\"step\":\"commit\",\"content\":\"{}\"}}\n", Native.sha256(b"other"));
    std::fs::write(&journal, text).unwrap();
    let oracle = world.oracle("data", &[]).start().await;
    oracle.says("was signed before with other content").await;
    assert_eq!(world.market.job(job).await.unwrap().unwrap().job.state, State::Claimed);
    assert_eq!(oracle.terminate().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_takes_too_long_is_given_up_by_chain_time() {
    let world = World::new().await;
    let spec = world.spec(6_000_000);
    let job = world.post_with(&spec, TOKEN, 5).await;
    // By its own estimate it would never take it.
    let careful = world.oracle("careful", &["--once"]).start().await;
    world.enlist(job).await;
    careful.says("training would take about").await;
    assert_eq!(careful.terminate().await, 0);
    let mut oracle = world.oracle("data", &["--once", "--time-margin", "0"]).start().await;
    oracle.says("not committed in time").await;
    assert_eq!(oracle.exit_code().await, 1);
    let standing = world.market.standing(Role::Operator, signer(OPERATOR).address()).await.unwrap().unwrap();
    // A tenth of the five tokens that the job locked.
    assert_eq!((standing.stake, standing.locked, standing.lost, standing.missed), (195 * TOKEN / 10, 0, 0, 1));
    assert_eq!(world.market.job(job).await.unwrap().unwrap().job.state, State::Open);
}
