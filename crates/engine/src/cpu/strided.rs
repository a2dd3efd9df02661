//! Ops that move whole runs of neighbours: permute, slice, concat; and iota.

use assay_exact::{MAX_RANK, Shape};

use super::split::Split;
use crate::session::View;

pub(super) fn permute(input: View<'_>, order: [u8; MAX_RANK], output: &Shape, out: &mut [f32], split: Split) -> bool {
    if out.is_empty() {
        return true;
    }
    let rank = output.rank();
    // Of the output's dimensions, with those of size 1 in front up to the greatest rank.
    let (mut sizes, mut strides) = ([1usize; MAX_RANK], [0usize; MAX_RANK]);
    for (i, (&size, &from)) in output.dims().iter().zip(&order).enumerate() {
        sizes[MAX_RANK - rank + i] = size as usize;
        strides[MAX_RANK - rank + i] = inner(&input.shape, from) / input.shape.dims()[usize::from(from)] as usize;
    }
    let run = sizes[3];
    split.fill(out, run, 2 * run, |start, out| {
        for (row, out) in out.chunks_exact_mut(run).enumerate() {
            let row = start / run + row;
            let place = [row / sizes[2] / sizes[1], row / sizes[2] % sizes[1], row % sizes[2]];
            let from: usize = place.iter().zip(strides).map(|(place, stride)| place * stride).sum();
            if strides[3] == 1 {
                out.copy_from_slice(&input.data[from..][..run]);
            } else {
                out.iter_mut().enumerate().for_each(|(i, x)| *x = input.data[from + i * strides[3]]);
            }
        }
        true
    })
}

/// Elements from one index of the dimension before `axis` to the next.
fn inner(shape: &Shape, axis: u8) -> usize {
    shape.dims()[usize::from(axis)..].iter().map(|&dim| dim as usize).product()
}

pub(super) fn slice(input: View<'_>, axis: u8, start: u32, output: &Shape, out: &mut [f32], split: Split) -> bool {
    if out.is_empty() {
        return true;
    }
    let (run, whole) = (inner(output, axis), inner(&input.shape, axis));
    let skipped = whole / input.shape.dims()[usize::from(axis)] as usize * start as usize;
    split.fill(out, run, 2 * run, |start, out| {
        for (place, out) in out.chunks_exact_mut(run).enumerate() {
            out.copy_from_slice(&input.data[(start / run + place) * whole + skipped..][..run]);
        }
        true
    })
}

pub(super) fn concat(inputs: &[View<'_>], axis: u8, output: &Shape, out: &mut [f32], split: Split) -> bool {
    if out.is_empty() {
        return true;
    }
    let whole = inner(output, axis);
    split.fill(out, whole, 2 * whole, |start, out| {
        for (place, mut rest) in out.chunks_exact_mut(whole).enumerate() {
            for input in inputs {
                let run = inner(&input.shape, axis);
                let (own, after) = rest.split_at_mut(run);
                own.copy_from_slice(&input.data[(start / whole + place) * run..][..run]);
                rest = after;
            }
        }
        true
    })
}

pub(super) fn iota(axis: u8, output: &Shape, out: &mut [f32]) -> bool {
    if !out.is_empty() {
        let length = output.dims()[usize::from(axis)] as usize;
        let run = inner(output, axis) / length;
        for (i, run) in out.chunks_exact_mut(run).enumerate() {
            run.fill((i % length) as f32);
        }
    }
    true
}
