//! `stake`, `unstake`, `withdraw`, `status`.

use crate::harness::{OPERATOR, TOKEN, World, signer};
use assay_protocol::market::{Role, Standing};

async fn standing(world: &World) -> Standing {
    let operator = signer(OPERATOR).address();
    world.market.standing(Role::Operator, operator).await.unwrap().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn money_moves_only_when_it_is_told_to() {
    let world = World::new().await;
    let (code, out, _) = world.command(&["stake", "7.5 UNIT"]).await;
    assert_eq!(code, 0);
    assert!(out.contains("Dry run"), "{out}");
    assert_eq!(standing(&world).await.stake, 0, "nothing without -x");

    let (code, _, error) = world.command(&["stake", "7.5 UNIT", "-x"]).await;
    assert_eq!(code, 2, "nobody can be asked here");
    assert!(error.contains("-y"), "{error}");
    assert_eq!(standing(&world).await.stake, 0);

    // The account is mapped on the way.
    let (code, out, error) = world.command(&["stake", "7.5 UNIT", "-xy", "--json"]).await;
    assert_eq!(code, 0, "{error}");
    assert!(out.contains(r#""ok":true"#) && out.contains("7.5 UNIT"), "{out}");
    assert_eq!(standing(&world).await.stake, 75 * TOKEN / 10);

    let (code, _, error) = world.command(&["unstake", "8 UNIT", "-xy"]).await;
    assert_eq!(code, 1);
    assert!(error.contains("unstake was refused"), "{error}");
    let (code, ..) = world.command(&["unstake", "7.5 UNIT", "-xy"]).await;
    assert_eq!(code, 0);
    assert_eq!(standing(&world).await.stake, 0);

    // It unbonds for longer than this test wants to wait.
    let (code, out, _) = world.command(&["status", "--json"]).await;
    assert_eq!(code, 0);
    assert!(out.contains(r#""unbonding":"7.5 UNIT""#) && out.contains(r#""active":[]"#), "{out}");
    let (code, _, error) = world.command(&["collect", "-xy"]).await;
    assert_eq!(code, 1);
    assert!(error.contains("collected in"), "{error}");
    let (code, _, error) = world.command(&["withdraw", "-xy"]).await;
    assert_eq!(code, 1, "there is nothing left");
    assert!(error.contains("nothing to withdraw"), "{error}");
}
