//! Which values share memory.

use super::{Plan, Work};
use crate::program::{Program, TensorKind};

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

    /// Values whose times do not overlap share buffers: the smallest that is large enough, or
    /// else the largest, made larger.
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
        let mut ends: Vec<Vec<usize>> = vec![Vec::new(); all.len() + 1];
        let mut starts: Vec<Vec<usize>> = vec![Vec::new(); all.len() + 1];
        let mut buffers: Vec<u64> = Vec::new();
        for (i, slot) in self.slots.iter_mut().enumerate() {
            let is_given = program.tensors[slot.tensor as usize].kind != TensorKind::Temporary && slot.is_kept;
            if is_given {
                slot.buffer = buffers.len();
                buffers.push(slot.shape.elements());
            } else {
                starts[times[i].0.min(all.len())].push(i);
                ends[if slot.is_kept { all.len() } else { times[i].1 }].push(i);
            }
        }
        let mut free: Vec<usize> = Vec::new();
        for at in 0..all.len() {
            for &i in &starts[at] {
                let needed = self.slots[i].shape.elements();
                let fitting = (0..free.len()).filter(|&f| buffers[free[f]] >= needed).min_by_key(|&f| buffers[free[f]]);
                let largest = (0..free.len()).max_by_key(|&f| buffers[free[f]]);
                self.slots[i].buffer = match fitting.or(largest) {
                    Some(place) => free.swap_remove(place),
                    None => {
                        buffers.push(0);
                        buffers.len() - 1
                    }
                };
                let own = &mut buffers[self.slots[i].buffer];
                *own = needed.max(*own);
            }
            free.extend(ends[at].iter().map(|&i| self.slots[i].buffer));
        }
        self.buffers = buffers;
    }
}
