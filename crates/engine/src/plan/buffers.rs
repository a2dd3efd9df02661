//! Which values share memory.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::{Plan, Work};
use crate::program::{Program, TensorKind};

/// A buffer as it is given out.
struct Buffer {
    elements: u64,
    /// When it is taken, first to last; `None` for always.
    lives: Option<BTreeMap<usize, usize>>,
}

impl Buffer {
    /// Takes it from the first to the last of these works, if it is free then.
    fn take(&mut self, (first, last): (usize, usize)) -> bool {
        let Some(lives) = &mut self.lives else { return false };
        let is_free = lives.range(..=last).next_back().is_none_or(|(_, end)| *end < first);
        if is_free {
            lives.insert(first, last);
        }
        is_free
    }
}

impl Work {
    /// The slots that it reads and the one that it writes.
    pub(super) fn slots(&self) -> (&[usize], Option<usize>) {
        match self {
            Work::Run { inputs, output, .. } => (inputs, Some(*output)),
            Work::Add { inputs, .. } => (inputs, None),
            Work::Finish { output, .. } => (&[], Some(*output)),
            Work::Load { from, to } | Work::Store { from, to } => (std::slice::from_ref(from), Some(*to)),
        }
    }
}

impl Plan {
    pub(super) fn give_each_a_buffer(&mut self) {
        self.buffers = self.slots.iter().map(|slot| slot.shape.elements()).collect();
        self.slots.iter_mut().enumerate().for_each(|(i, slot)| (slot.buffer, slot.is_kept) = (i, true));
    }

    /// Values whose times do not overlap share buffers. The largest are placed first, each in the smallest buffer
    /// that is free for all of its time (Y. Pisarchyk and J. Lee, *Efficient Memory Management for Deep Neural
    /// Net Inference*, arXiv:2001.03288, "greedy by size"): so no small value that is read late holds
    /// a large buffer that others could have.
    pub(super) fn share_buffers(&mut self, program: &Program) {
        let (begin, end) = (self.head.len(), self.head.len() + self.body.len());
        let all: Vec<&Work> = self.head.iter().chain(&self.body).chain(&self.tail).collect();
        // By slot: when it is written first and read last.
        let mut times = vec![(usize::MAX, 0); self.slots.len()];
        for (at, work) in all.iter().enumerate() {
            let (reads, write) = work.slots();
            for &slot in reads {
                // What the body reads from before it is read again for the next part.
                let again = begin <= at && at < end && times[slot].0 < begin;
                times[slot].1 = times[slot].1.max(if again { end - 1 } else { at });
            }
            if let Some(slot) = write {
                // What parts are stored in has to be there for all of them.
                let from = if matches!(work, Work::Store { .. }) { begin } else { at };
                times[slot] = (times[slot].0.min(from), times[slot].1.max(at));
            }
        }
        let mut buffers: Vec<Buffer> = Vec::new();
        let mut order: Vec<usize> = Vec::new();
        for (i, slot) in self.slots.iter_mut().enumerate() {
            let is_given = program.tensors[slot.tensor as usize].kind != TensorKind::Temporary && slot.is_kept;
            if is_given {
                slot.buffer = buffers.len();
                buffers.push(Buffer { elements: slot.shape.elements(), lives: None });
            } else if times[i].0 < all.len() {
                order.push(i);
            }
        }
        order.sort_by_key(|&i| (Reverse(self.slots[i].shape.elements()), times[i].0));
        for i in order {
            let slot = &mut self.slots[i];
            let life = (times[i].0, if slot.is_kept { all.len() } else { times[i].1 });
            // All are large enough, and the last the smallest.
            let place = buffers.iter_mut().rposition(|buffer| buffer.take(life));
            slot.buffer = place.unwrap_or(buffers.len());
            if place.is_none() {
                buffers.push(Buffer { elements: slot.shape.elements(), lives: Some(BTreeMap::from([life])) });
            }
        }
        self.buffers = buffers.into_iter().map(|buffer| buffer.elements).collect();
    }
}
