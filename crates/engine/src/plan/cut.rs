//! What is done once, for each part of the batch, and after that.

use std::collections::HashMap;

use super::forms::{Batch, Input};
use super::{Plan, Slot, Work};
use crate::error::EngineError;
use crate::program::{Program, TensorKind};

/// What a tensor has to do with the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Known before any sample.
    Early,
    /// Known before any sample, and as well made part by part.
    Free,
    /// Made part by part.
    Split,
    /// Known after all samples.
    Late,
}

/// The samples of a batch: the first dimension of all inputs but the counter.
pub(super) fn samples(program: &Program) -> Option<u32> {
    let inputs = program.tensors.iter().filter(|tensor| tensor.kind == TensorKind::Input && tensor.name != "counter");
    let mut sizes = inputs.map(|tensor| tensor.shape.dims().first().copied().filter(|&size| size > 0));
    let first = sizes.next()??;
    sizes.all(|size| size == Some(first)).then_some(first)
}

/// A plan without buffers.
pub(super) fn cut(program: &Program, parts: u32) -> Result<Plan, EngineError> {
    let samples = if parts == 1 { 1 } else { samples(program).unwrap_or(1) };
    if parts == 0 || !samples.is_multiple_of(parts) {
        return Err(EngineError::Machine(format!("a batch of {samples} cannot be cut into {parts} parts")));
    }
    let count = program.tensors.len();
    let role = |kind, name: &str| match kind {
        TensorKind::Input if parts > 1 && name != "counter" => Role::Split,
        _ => Role::Early,
    };
    let mut cutter = Cutter {
        program,
        batch: Batch { samples, parts },
        roles: program.tensors.iter().map(|tensor| role(tensor.kind, &tensor.name)).collect(),
        made: HashMap::new(),
        places: HashMap::new(),
        plan: Plan {
            parts,
            slots: Vec::new(),
            whole: vec![None; count],
            buffers: Vec::new(),
            sums: Vec::new(),
            head: Vec::new(),
            body: Vec::new(),
            tail: Vec::new(),
            again: 0,
        },
    };
    for (id, tensor) in program.tensors.iter().enumerate() {
        if tensor.kind != TensorKind::Temporary {
            cutter.slot(id as u32, false);
        }
    }
    for number in 0..program.ops.len() {
        cutter.op(number);
    }
    // What is asked for afterwards. Logits of a training step are not, where they would not fit.
    let pulse = program.pulse.map(|pulse| [pulse.loss, pulse.grad_norm]);
    let updates = program.updates.iter().map(|&(_, source)| source);
    let outputs = program.outputs.iter().copied().filter(|_| parts == 1 || program.pulse.is_none());
    for id in pulse.into_iter().flatten().chain(updates).chain(outputs).collect::<Vec<_>>() {
        let slot = cutter.whole(id);
        cutter.plan.slots[slot].is_kept = true;
    }
    Ok(cutter.plan)
}

struct Cutter<'a> {
    program: &'a Program,
    batch: Batch,
    roles: Vec<Role>,
    /// Of free tensors: the op that makes it, and which of its inputs that takes as parts.
    made: HashMap<u32, (usize, Vec<bool>)>,
    /// Slots of parts.
    places: HashMap<u32, usize>,
    plan: Plan,
}

impl Cutter<'_> {
    /// A new slot.
    fn slot(&mut self, tensor: u32, is_part: bool) -> usize {
        let shape = self.program.tensors[tensor as usize].shape;
        let shape = if is_part { self.batch.part(&shape) } else { shape };
        let is_kept = self.program.tensors[tensor as usize].kind != TensorKind::Temporary && !is_part;
        self.plan.slots.push(Slot { tensor, shape, buffer: 0, is_kept });
        let slot = self.plan.slots.len() - 1;
        if is_part {
            self.places.insert(tensor, slot);
        } else {
            self.plan.whole[tensor as usize] = Some(slot);
        }
        slot
    }

    /// The slot of a tensor's whole value, made or collected if need be.
    fn whole(&mut self, tensor: u32) -> usize {
        if let Some(slot) = self.plan.whole[tensor as usize] {
            return slot;
        }
        match self.roles[tensor as usize] {
            Role::Free => {
                let op = self.made[&tensor].0;
                let inputs = self.program.ops[op].inputs.iter().map(|&id| self.whole(id)).collect();
                let output = self.slot(tensor, false);
                self.plan.head.push(Work::Run { op, inputs, output, is_part: false });
                output
            }
            _ => {
                let from = self.part(tensor);
                let to = self.slot(tensor, false);
                self.plan.body.push(Work::Store { from, to });
                to
            }
        }
    }

    /// The slot of a tensor's part, made if need be.
    fn part(&mut self, tensor: u32) -> usize {
        if let Some(&slot) = self.places.get(&tensor) {
            return slot;
        }
        match self.made.get(&tensor).cloned() {
            Some((op, forms)) => {
                let inputs = self.inputs(op, &forms);
                let output = self.slot(tensor, true);
                self.plan.body.push(Work::Run { op, inputs, output, is_part: true });
                output
            }
            // An input.
            None => {
                let from = self.whole(tensor);
                let to = self.slot(tensor, true);
                self.plan.body.push(Work::Load { from, to });
                to
            }
        }
    }

    fn inputs(&mut self, op: usize, forms: &[bool]) -> Vec<usize> {
        let ids = self.program.ops[op].inputs.clone();
        ids.into_iter().zip(forms).map(|(id, &part)| if part { self.part(id) } else { self.whole(id) }).collect()
    }

    fn op(&mut self, number: usize) {
        let node = &self.program.ops[number];
        let shape = self.program.tensors[node.output as usize].shape;
        let roles: Vec<Role> = node.inputs.iter().map(|&id| self.roles[id as usize]).collect();
        let whole = vec![false; node.inputs.len()];
        let inputs: Vec<Input> = node
            .inputs
            .iter()
            .zip(&roles)
            .map(|(&id, role)| Input {
                shape: self.program.tensors[id as usize].shape,
                whole: matches!(role, Role::Early | Role::Free),
                part: matches!(role, Role::Free | Role::Split),
            })
            .collect();
        let cuts = self.batch.parts > 1;
        let (has_late, has_split) = (roles.contains(&Role::Late), roles.contains(&Role::Split));
        let forms = if cuts && !has_late { self.batch.split(&node.op, &inputs, &shape) } else { None };
        let role = match forms {
            Some(forms) if has_split => {
                let inputs = self.inputs(number, &forms);
                let output = self.slot(node.output, true);
                self.plan.body.push(Work::Run { op: number, inputs, output, is_part: true });
                Role::Split
            }
            // Made in the form, or the forms, that it turns out to be needed in.
            Some(forms) => {
                self.made.insert(node.output, (number, forms));
                Role::Free
            }
            None if has_split && !has_late && self.batch.adds_up(&node.op, &inputs) => {
                let inputs = self.inputs(number, &vec![true; node.inputs.len()]);
                let sums = self.plan.sums.len();
                self.plan.sums.push(shape.elements());
                self.plan.body.push(Work::Add { op: number, inputs, sums });
                let output = self.slot(node.output, false);
                self.plan.tail.push(Work::Finish { op: number, sums, output });
                Role::Late
            }
            None => {
                let inputs = self.inputs(number, &whole);
                let output = self.slot(node.output, false);
                let is_late = has_late || has_split;
                let list = if is_late { &mut self.plan.tail } else { &mut self.plan.head };
                list.push(Work::Run { op: number, inputs, output, is_part: false });
                if is_late { Role::Late } else { Role::Early }
            }
        };
        self.roles[node.output as usize] = role;
    }
}

#[cfg(test)]
mod tests {
    use assay_exact::Op;

    use super::*;
    use crate::TrainingSpec;

    /// How many ops of a step are done for each part, and how many elements are kept whole of those that are made
    /// in parts.
    fn shares(json: &str) -> (usize, usize, u64) {
        let program = serde_json::from_str::<TrainingSpec>(json).unwrap().compile().unwrap();
        let plan = Plan::in_parts(&program, 4).unwrap();
        let stored = plan.body.iter().filter_map(|work| match work {
            Work::Store { to, .. } => Some(plan.slots[*to].shape.elements()),
            _ => None,
        });
        let is_matmul = |op: usize| matches!(program.ops[op].op, Op::MatMul { .. } | Op::BlockMatMul { .. });
        let late = plan.tail.iter().filter(|work| matches!(work, Work::Run { op, .. } if is_matmul(*op))).count();
        (plan.body.len(), late, stored.sum())
    }

    #[test]
    fn a_gpt_in_blocks_is_cut_but_for_its_losses() {
        let json = r#"{ "model": { "gpt": { "vocabulary": 16, "context": 4, "layers": 1, "heads": 2, "width": 8,
              "dropout": 0.1 } }, "optimiser": { "sgd": { "lr": 1, "momentum": 0, "weight_decay": 0 } }, "clip": 1,
              "batch": 8, "block": 2 }"#;
        // One loss for each token is all that is kept of all samples.
        let (body, late, stored) = shares(json);
        assert!(body > 100, "{body}");
        assert_eq!((late, stored), (0, 32));
        // Blocks that parts would cut into, or none, keep what their weights' gradients need.
        for other in [json.replace("\"block\": 2", "\"block\": 4"), json.replace(", \"block\": 2", "")] {
            let (_, late, stored) = shares(&other);
            assert!(late == 5 && stored > 32, "{late}, {stored}");
        }
    }
}
