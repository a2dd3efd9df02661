//! Random histories on the real node through the typed client: every message
//! goes to the contract and to its logic in memory, and after each of them both
//! have taken or refused it alike and hold the same, to the unit.
//!
//! A failure names the seed and the message; what follows from a seed depends on
//! the chain's clock too, as deadlines pass in real time.

mod actors;
mod mirror;
mod mischief;

use actors::Actors;
use anyhow::Context;

/// Plays a job of each of these kinds, then empties the market.
async fn history(seed: u64, kinds: &[usize]) -> anyhow::Result<()> {
    let mut actors = Actors::begin(seed).await?;
    for kind in kinds {
        let id = actors.post(*kind).await?;
        actors.play(id).await.with_context(|| format!("seed {seed}, job {id} of kind {kind}"))?;
    }
    actors.mirror.empty().await.with_context(|| format!("seed {seed}, at the end"))?;
    let mirror = &actors.mirror;
    let sum = |which: usize| mirror.counts.values().map(|counts| counts[which]).sum::<u32>();
    eprintln!("seed {seed}: {} messages taken, {} refused, jobs {:?}", sum(0), sum(1), mirror.ends());
    eprintln!("[taken, refused]: {:?}\nreasons: {:?}", mirror.counts, mirror.reasons);
    Ok(())
}

#[tokio::test]
async fn contract_and_logic_agree_after_every_message() -> anyhow::Result<()> {
    // Each on a chain of its own: most of the time they wait for deadlines.
    tokio::try_join!(history(1, &[1, 8, 5]), history(2, &[6, 7, 3]), history(3, &[4, 9, 2]))?;
    Ok(())
}
