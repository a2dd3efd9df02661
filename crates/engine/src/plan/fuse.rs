//! Maps that are done together, a block of each at a time.
//!
//! An optimiser's maps over one parameter read what the one before has just written. Done one after
//! another over a whole tensor, every such value goes to memory and back; done block by block it is
//! still in the processor's cache.

use assay_exact::{Expr, Op};

use super::{Plan, Work};
use crate::program::Program;

/// The most maps that are done together: what they read and write of a block shall fit the cache.
pub(crate) const MAX_FUSED: usize = 6;

/// What is done at a time.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// One work.
    One(Work),
    /// Several maps of one output shape.
    Maps(Vec<Fused>),
}

/// A map among others.
#[derive(Clone, Debug)]
pub(crate) struct Fused {
    /// The op's number in the program.
    pub op: usize,
    pub inputs: Vec<Read>,
    /// Its slot. No other map of the group writes there, or reads what was there before.
    pub output: usize,
    pub is_part: bool,
}

/// Where a map among others reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// A slot that none of the group writes.
    Slot(usize),
    /// What an earlier map of the group has written, at the same index: its number in the group.
    Earlier(usize),
}

/// The works in their order, maps that follow each other in groups if their outputs have at `least` so many
/// elements. No bit depends on it.
pub(crate) fn fuse(program: &Program, plan: &Plan, least: u64, works: Vec<Work>) -> Vec<Step> {
    let mut steps = Vec::with_capacity(works.len());
    let mut group: Vec<Fused> = Vec::new();
    for work in works {
        if let Some(next) = join(program, plan, least, &group, &work) {
            group.push(next);
            continue;
        }
        close(&mut steps, &mut group);
        match join(program, plan, least, &group, &work) {
            Some(first) => group.push(first),
            None => steps.push(Step::One(work)),
        }
    }
    close(&mut steps, &mut group);
    steps
}

/// The expression of a map.
pub(crate) fn expr(program: &Program, op: usize) -> Option<&Expr> {
    match &program.ops[op].op {
        Op::Map(expr) => Some(expr),
        _ => None,
    }
}

/// Ends a group.
fn close(steps: &mut Vec<Step>, group: &mut Vec<Fused>) {
    match group.len() {
        0 => {}
        1 => {
            let Fused { op, inputs, output, is_part } = group.remove(0);
            let slot = |read: Read| match read {
                Read::Slot(slot) => slot,
                Read::Earlier(_) => unreachable!("nothing is earlier than the first"),
            };
            let inputs = inputs.into_iter().map(slot).collect();
            steps.push(Step::One(Work::Run { op, inputs, output, is_part }));
        }
        _ => steps.push(Step::Maps(std::mem::take(group))),
    }
}

/// The work as a member of the group, if it can be one.
fn join(program: &Program, plan: &Plan, least: u64, group: &[Fused], work: &Work) -> Option<Fused> {
    let Work::Run { op, inputs, output, is_part } = work else { return None };
    expr(program, *op)?;
    let slot = |slot: usize| &plan.slots[slot];
    let own = slot(*output);
    if own.shape.elements() < least {
        return None;
    }
    if let Some(first) = group.first() {
        let fits = slot(first.output).shape == own.shape && first.is_part == *is_part && group.len() < MAX_FUSED;
        // What one writes, another must not write, nor have read: it may be further on in the tensor.
        let touches = |map: &Fused| {
            let reads = |read: &Read| matches!(read, Read::Slot(read) if slot(*read).buffer == own.buffer);
            slot(map.output).buffer == own.buffer || map.inputs.iter().any(reads)
        };
        if !fits || group.iter().any(touches) {
            return None;
        }
    }
    let read = |&input: &usize| match group.iter().position(|map| slot(map.output).buffer == slot(input).buffer) {
        None => Some(Read::Slot(input)),
        Some(earlier) if group[earlier].output == input => Some(Read::Earlier(earlier)),
        // Something else of that buffer.
        Some(_) => None,
    };
    let inputs = inputs.iter().map(read).collect::<Option<Vec<_>>>()?;
    // What has nothing in common with the others gains nothing.
    let shares = |read: &Read| match read {
        Read::Earlier(_) => true,
        Read::Slot(input) => slot(*input).shape == own.shape && group.iter().any(|map| map.inputs.contains(read)),
    };
    if !group.is_empty() && !inputs.iter().any(shares) {
        return None;
    }
    Some(Fused { op: *op, inputs, output: *output, is_part: *is_part })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TrainingSpec;

    fn program() -> Program {
        let spec: TrainingSpec = serde_json::from_str(
            r#"{ "model": { "gpt": { "vocabulary": 7, "context": 5, "layers": 2, "heads": 2, "width": 8 } },
                 "batch": 4, "clip": 0.5, "optimiser": { "adamw":
                     { "lr": 0.01, "beta1": 0.9, "beta2": 0.95, "eps": 1e-8, "weight_decay": 0.1 } } }"#,
        )
        .unwrap();
        spec.compile().unwrap()
    }

    fn groups(plan: &mut Plan, program: &Program) -> Vec<Vec<Fused>> {
        let works = std::mem::take(&mut plan.tail);
        let in_order = |works: &[Work]| works.iter().map(|work| format!("{work:?}")).collect::<Vec<_>>();
        let before = in_order(&works);
        let steps = fuse(program, plan, 0, works);
        // Nothing is lost, and nothing changes places.
        let mut after = Vec::new();
        let mut groups = Vec::new();
        for step in steps {
            match step {
                Step::One(work) => after.push(work),
                Step::Maps(maps) => {
                    for map in &maps {
                        let slot = |read: &Read| match *read {
                            Read::Slot(slot) => slot,
                            Read::Earlier(earlier) => maps[earlier].output,
                        };
                        let inputs = map.inputs.iter().map(slot).collect();
                        after.push(Work::Run { op: map.op, inputs, output: map.output, is_part: map.is_part });
                    }
                    groups.push(maps);
                }
            }
        }
        assert_eq!(in_order(&after), before);
        groups
    }

    #[test]
    fn an_optimisers_maps_are_done_together() {
        let program = program();
        let mut plan = Plan::keeping_all(&program);
        let mut works = std::mem::take(&mut plan.head);
        works.append(&mut plan.body);
        works.append(&mut plan.tail);
        plan.tail = works;
        let groups = groups(&mut plan, &program);
        // A clipped gradient, two moments and the parameter itself.
        let name = |map: &Fused| program.tensors[program.ops[map.op].output as usize].name.as_str();
        let is_update = |maps: &&Vec<Fused>| maps.len() == 4 && name(&maps[3]).ends_with(".next");
        let parameters = program.tensors.iter().filter(|tensor| tensor.name.ends_with(".clipped")).count();
        assert!(parameters > 20);
        assert_eq!(groups.iter().filter(is_update).count(), parameters);
        assert!(groups.iter().flatten().any(|map| map.inputs.contains(&Read::Earlier(0))));
    }

    #[test]
    fn what_shares_a_buffer_is_not_done_together() {
        let program = program();
        let mut plan = Plan::in_parts(&program, 1).unwrap();
        for list in [&plan.head, &plan.body, &plan.tail].map(Clone::clone) {
            plan.tail = list;
            for maps in groups(&mut plan, &program) {
                let buffer = |slot: usize| plan.slots[slot].buffer;
                for (i, map) in maps.iter().enumerate() {
                    for (j, other) in maps.iter().enumerate().filter(|(j, _)| *j != i) {
                        assert_ne!(buffer(map.output), buffer(other.output));
                        let reads = |read: &Read| matches!(read, Read::Slot(s) if buffer(*s) == buffer(map.output));
                        assert!(!other.inputs.iter().any(reads), "map {j} reads what map {i} writes");
                    }
                }
            }
        }
    }
}
