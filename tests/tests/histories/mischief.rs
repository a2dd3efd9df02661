//! Messages that nobody owes anybody, and turns taken wrongly.

use crate::actors::{Actors, LIE, NONSENSE};
use crate::mirror::{BOB, STRANGER};
use assay_attack::market::Msg;
use assay_e2e::tokens;
use assay_protocol::Hash;
use assay_protocol::commitment::Outcome;
use assay_protocol::market::{Answer, Opening, Role, Wanted};

/// What nobody has sealed.
const UNSEALED: Hash = Hash([8; 32]);

impl Actors {
    /// A message that nobody owes anybody; most are refused.
    pub async fn noise(&mut self, id: u64) -> anyhow::Result<()> {
        let (view, who) = (self.view(id)?, self.rng.usize(0..self.mirror.people.len()));
        let (slot, hash) = (self.rng.u8(0..3), Hash([self.rng.u8(..); 32]));
        let role = if self.rng.bool() { Role::Operator } else { Role::Verifier };
        let job = if self.rng.u8(0..8) == 0 { u64::MAX } else { id };
        let bond = view.terms.demand_bond();
        let boundary = self.rng.u32(0..6);
        // Only who cannot end the history by it cancels or hands back.
        let other = if who == BOB { STRANGER } else { who };
        let (who, value, msg) = match self.rng.u8(0..24) {
            0 => (who, 0, Msg::Unstake { role, amount: tokens(1000).0 }),
            1 => (who, 0, Msg::Unstake { role, amount: tokens(1).0 }),
            2 => (who, 0, Msg::Collect { role }),
            3 => (who, 0, Msg::Withdraw),
            4 => (who, 0, Msg::WithdrawBurned),
            5 => (other, 0, Msg::Cancel { job }),
            6 => (who, 0, Msg::Enlist { job, sealed: hash, bond: tokens(1).0 }),
            7 => (who, 0, Msg::RevealSecret { job, secret: hash }),
            8 => (who, 0, Msg::Release { job }),
            9 => (STRANGER, 0, Msg::Claim { job }),
            10 => (STRANGER, 0, Msg::HandBack { job }),
            11 => (STRANGER, 0, Msg::Commit { job, root: hash }),
            12 => (self.operator(id), 0, Msg::Open { job, opening: Opening { ends: None, slots: vec![] } }),
            13 => (who, 0, Msg::Attest { job, slot, seal: hash }),
            14 => (STRANGER, 0, Msg::ReportUnavailable { job, slot, tensor: 0, chunk: 0 }),
            15 => (self.operator(id), 0, Msg::RevealTraces { job, traces: vec![] }),
            16 => (who, 0, Msg::Insist { job, slot, trace: hash }),
            17 => (STRANGER, 0, Msg::PanelSeal { job, seal: hash }),
            18 => (who, 0, Msg::PanelReveal { job, outcome: LIE }),
            19 => (STRANGER, bond, Msg::Demand { job, wanted: Wanted::Boundary { index: boundary } }),
            20 => (STRANGER, bond, Msg::Demand { job, wanted: Wanted::Leaf { boundary, tensor: 1, chunk: 1 } }),
            21 => (STRANGER, tokens(1).0, Msg::Demand { job, wanted: Wanted::Boundary { index: boundary } }),
            22 => (who, 0, Msg::Advance { job }),
            _ => (who, 0, Msg::Register { job }),
        };
        self.mirror.send(who, value, msg).await.map(drop)
    }

    /// A turn that its sender may not take so.
    pub fn spoil(&mut self, who: usize, value: u128, mut msg: Msg) -> (usize, u128, Msg) {
        // Who has no stake can take nobody's turn.
        if self.rng.u8(0..3) == 0 {
            return (STRANGER, value, msg);
        }
        match &mut msg {
            Msg::Enlist { bond, .. } => *bond = 1,
            Msg::RevealSecret { secret, .. } => *secret = NONSENSE,
            Msg::Attest { slot, .. } | Msg::ReportUnavailable { slot, .. } => *slot = 77,
            Msg::Insist { trace, .. } => *trace = UNSEALED,
            Msg::PanelReveal { outcome, .. } => {
                *outcome = Outcome::FalseEnds { initial_state: NONSENSE, artefact: NONSENSE }
            }
            Msg::RevealTraces { traces, .. } if self.rng.bool() => _ = traces.pop(),
            Msg::RevealTraces { traces, .. } => traces.iter_mut().for_each(|trace| trace.trace = NONSENSE),
            Msg::Open { opening, .. } => match (opening.ends.as_mut(), opening.slots.first_mut()) {
                (Some(ends), _) if self.rng.bool() => ends.last.clone_from(&ends.first),
                (_, Some(slot)) if self.rng.bool() => slot.before.state = NONSENSE,
                (_, Some(slot)) => slot.slot = 77,
                _ => opening.ends = None,
            },
            Msg::Challenge { challenge, .. } if self.rng.bool() => challenge.before.state = NONSENSE,
            Msg::Challenge { .. } => return (who, tokens(1).0, msg),
            Msg::Answer { answer: Answer::Leaf(leaf), .. } => leaf.chunk[0] ^= 1,
            Msg::Answer { answer: Answer::Boundary(leaf), .. } => leaf.seal = NONSENSE,
            _ => msg = msg.about(u64::MAX),
        }
        (who, value, msg)
    }
}
