//! Values that are computed again instead of being kept.
//!
//! A backward pass reads what the forward pass made, last things first, so that at the turn between
//! them most memory holds values that wait. After T. Chen, B. Xu, C. Zhang and C. Guestrin, *Training Deep
//! Nets with Sublinear Memory Cost* (arXiv:1604.06174), section 4: the ops before the fullest moment are
//! cut into segments that make as many waiting bytes each. What one segment hands to another is kept. All
//! else that waits is dropped, and made again by the same ops when it is first read after the
//! turn; only the last segment, which is read at once, keeps its values. A cut is where
//! the least is handed over, in a net between two layers. With `k` segments of a net of `n` equal layers,
//! what is kept is `k` hand-overs and the insides of `n / k` layers, least at about the root of `n`;
//! since the number of bytes is computed and not guessed, the plan takes the first `k` that fits.
//!
//! No op is done more than twice, and none after the turn. An op gives the same bits whenever it is
//! done, random numbers too (they are counted by step and element), so this changes no bit.

use assay_exact::Op;

use super::{Plan, Slot, Work};
use crate::program::Program;

/// How many segments are tried, in this order: more of them do more ops again, and less and less is won.
pub(super) const SEGMENTS: [usize; 11] = [2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64];

/// What is kept of a value's life in the list of works that is changed.
#[derive(Clone, Copy)]
struct Life {
    /// The work that makes it; `None` for what is not made by an op here.
    made: Option<usize>,
    /// The last one that reads it.
    last: usize,
    /// The last one before the turn that reads it.
    last_before: usize,
    /// Whether it has to be there afterwards.
    is_fixed: bool,
    bytes: u64,
}

impl Plan {
    /// This plan, without buffers, with values dropped and made again: in so many segments, and, with
    /// `keeps_products`, without doing any matmul again. `None` where nothing can be dropped so.
    pub(super) fn computing_again(&self, program: &Program, segments: usize, keeps_products: bool) -> Option<Plan> {
        let list = if self.parts > 1 { &self.body } else { &self.head };
        let mut lives = self.lives(list);
        let turn = fullest(&lives, list.len());
        for (at, work) in list[..turn].iter().enumerate() {
            work.slots().0.iter().for_each(|&slot| lives[slot].last_before = at);
        }
        let cuts = cuts(&lives, turn, segments)?;
        let is_product = |work: &Work| {
            matches!(work, Work::Run { op, .. }
                if matches!(program.ops[*op].op, Op::MatMul { .. } | Op::BlockMatMul { .. }))
        };
        let is_dropped = |slot: usize| {
            let life = lives[slot];
            let Some(made) = life.made.filter(|&made| made < turn && !life.is_fixed) else { return false };
            // None for the last segment.
            let end = cuts.iter().find(|&&cut| cut > made);
            end.is_some_and(|&end| life.last_before < end) && !(keeps_products && is_product(&list[made]))
        };
        let mut rewriter = Rewriter {
            list,
            lives: &lives,
            slots: self.slots.clone(),
            again: vec![None; self.slots.len()],
            out: vec![],
        };
        rewriter.out.extend_from_slice(&list[..turn]);
        for work in &list[turn..] {
            rewriter.work(work, &is_dropped);
        }
        let Rewriter { slots, out, .. } = rewriter;
        let again = out.len() - list.len();
        let (head, body) = if self.parts > 1 { (self.head.clone(), out) } else { (out, self.body.clone()) };
        (again > 0).then(|| Plan { slots, head, body, again, ..self.clone() })
    }

    fn lives(&self, list: &[Work]) -> Vec<Life> {
        let life = |slot: &Slot| Life {
            made: None,
            last: 0,
            last_before: 0,
            is_fixed: slot.is_kept,
            bytes: 4 * slot.shape.elements(),
        };
        let mut lives: Vec<Life> = self.slots.iter().map(life).collect();
        for (at, work) in list.iter().enumerate() {
            work.slots().0.iter().for_each(|&slot| lives[slot].last = at);
            if let Work::Run { output, .. } = work {
                lives[*output].made = Some(at);
            }
        }
        for work in &self.tail {
            work.slots().0.iter().for_each(|&slot| lives[slot].is_fixed = true);
        }
        lives
    }
}

/// The first work at which most bytes are held.
fn fullest(lives: &[Life], works: usize) -> usize {
    let mut changes = vec![0i128; works + 1];
    for life in lives {
        if let Some(made) = life.made {
            changes[made] += i128::from(life.bytes);
            changes[if life.is_fixed { works } else { life.last.max(made) + 1 }] -= i128::from(life.bytes);
        }
    }
    let (mut held, mut most, mut at) = (0, 0, 0);
    for (work, change) in changes.iter().enumerate() {
        held += change;
        if held > most {
            (most, at) = (held, work);
        }
    }
    at
}

/// Where the works before the turn are cut into at most so many segments; `None` if nowhere.
fn cuts(lives: &[Life], turn: usize, segments: usize) -> Option<Vec<usize>> {
    // By work: bytes made by earlier ones that wait for the turn, and bytes of theirs that are read from here on
    // before the turn.
    let (mut waiting, mut handed) = (vec![0u128; turn + 1], vec![0i128; turn + 1]);
    for life in lives {
        let Some(made) = life.made.filter(|&made| made < turn) else { continue };
        if life.last >= turn && !life.is_fixed {
            waiting[made + 1] += u128::from(life.bytes);
        }
        if life.last_before > made {
            handed[made + 1] += i128::from(life.bytes);
            handed[life.last_before + 1] -= i128::from(life.bytes);
        }
    }
    for at in 1..=turn {
        waiting[at] += waiting[at - 1];
        handed[at] += handed[at - 1];
    }
    let (all, segments) = (waiting[turn], segments as u128);
    let cut = |number: u128| {
        // Halfway to the neighbours.
        let near = |at: &usize| {
            let place = 2 * segments * waiting[*at];
            (2 * number - 1) * all <= place && place < (2 * number + 1) * all
        };
        let ideal = |at: usize| (segments * waiting[at]).abs_diff(number * all);
        (1..turn).filter(near).min_by_key(|&at| (handed[at], ideal(at)))
    };
    let mut cuts: Vec<usize> = (1..segments).filter_map(cut).collect();
    cuts.dedup();
    (!cuts.is_empty()).then_some(cuts)
}

/// Writes the works after the turn.
struct Rewriter<'a> {
    list: &'a [Work],
    lives: &'a [Life],
    slots: Vec<Slot>,
    /// By slot: the one that its value is made again in.
    again: Vec<Option<usize>>,
    out: Vec<Work>,
}

impl Rewriter<'_> {
    fn work(&mut self, work: &Work, is_dropped: &dyn Fn(usize) -> bool) {
        let (inputs, _) = work.slots();
        // What has to be made again for it, in the order in which it was made.
        let mut open: Vec<usize> = inputs.to_vec();
        let mut missing: Vec<usize> = Vec::new();
        while let Some(slot) = open.pop() {
            if self.again[slot].is_some() || !is_dropped(slot) {
                continue;
            }
            let made = self.lives[slot].made.expect("what is dropped was made");
            self.again[slot] = Some(self.slots.len());
            self.slots.push(self.slots[slot]);
            missing.push(made);
            open.extend(self.list[made].slots().0);
        }
        missing.sort_unstable();
        for made in missing {
            let again = self.renamed(&self.list[made]);
            self.out.push(again);
        }
        let renamed = self.renamed(work);
        self.out.push(renamed);
    }

    /// The work with what is made again in the place of what was dropped.
    fn renamed(&self, work: &Work) -> Work {
        let now = |slot: &usize| self.again[*slot].unwrap_or(*slot);
        let all = |slots: &[usize]| slots.iter().map(now).collect();
        match work {
            Work::Run { op, inputs, output, is_part } => {
                Work::Run { op: *op, inputs: all(inputs), output: now(output), is_part: *is_part }
            }
            Work::Add { op, inputs, sums } => Work::Add { op: *op, inputs: all(inputs), sums: *sums },
            Work::Store { from, to } => Work::Store { from: now(from), to: *to },
            Work::Finish { .. } | Work::Load { .. } => work.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::TrainingSpec;
    use crate::plan::cut::cut;
    use crate::program::TensorKind;

    fn program(model: &str) -> Program {
        let json = format!(
            r#"{{ "model": {model}, "optimiser": {{ "sgd": {{ "lr": 1, "momentum": 0, "weight_decay": 0 }} }}, "batch": 8, "block": 2 }}"#
        );
        serde_json::from_str::<TrainingSpec>(&json).unwrap().compile().unwrap()
    }

    const GPT: &str =
        r#"{ "gpt": { "vocabulary": 8, "context": 4, "layers": 6, "heads": 2, "width": 8, "dropout": 0.1 } }"#;

    /// How often each op is done.
    fn times(plan: &Plan) -> HashMap<usize, usize> {
        let mut times = HashMap::new();
        for work in plan.head.iter().chain(&plan.body).chain(&plan.tail) {
            if let Work::Run { op, .. } = work {
                *times.entry(*op).or_default() += 1;
            }
        }
        times
    }

    /// Every work finds what it reads, in every plan, and no op is done again more than once.
    #[test]
    fn what_is_read_was_made_before() {
        let program = program(GPT);
        for parts in [1, 4] {
            let plain = cut(&program, parts).unwrap();
            let before = times(&plain);
            let mut most = 0;
            for (segments, keeps_products) in SEGMENTS.into_iter().flat_map(|k| [(k, true), (k, false)]) {
                let Some(plan) = plain.computing_again(&program, segments, keeps_products) else { continue };
                let is_given =
                    |slot: &Slot| slot.is_kept && program.tensors[slot.tensor as usize].kind != TensorKind::Temporary;
                let mut made: Vec<bool> = plan.slots.iter().map(is_given).collect();
                for work in plan.head.iter().chain(&plan.body).chain(&plan.tail) {
                    let (inputs, output) = work.slots();
                    assert!(inputs.iter().all(|&slot| made[slot]), "{work:?} in {segments} segments");
                    output.into_iter().for_each(|slot| made[slot] = true);
                }
                let after = times(&plan);
                let again: Vec<usize> = after.keys().copied().filter(|op| after[op] > before[op]).collect();
                assert!(again.iter().all(|op| after[op] == before[op] + 1));
                assert_eq!(again.len(), plan.again);
                let is_product = |op: &usize| matches!(program.ops[*op].op, Op::MatMul { .. } | Op::BlockMatMul { .. });
                assert!(!(keeps_products && again.iter().any(is_product)), "{segments} segments");
                most = most.max(plan.again);
            }
            assert!(most > program.ops.len() / 10, "{most} of {}", program.ops.len());
        }
    }
}
