//! Ops that move values, or make them from nothing.

use crate::case::{Kind, Random, Tensor, case, tensor};
use assay_exact::{Op, Window};
use serde_json::Value;
use std::slice::from_ref;

/// A tensor whose elements are all different.
fn numbered(dims: &[u32]) -> Tensor {
    let count: u32 = dims.iter().product();
    tensor(dims, &(0..count).map(|i| i as f32 - 3.0).collect::<Vec<_>>())
}

pub fn cases() -> Vec<Value> {
    let mut r = Random::new(6);
    let mut cases = Vec::new();
    let mut add = |note: &str, op: Op, inputs: &[Tensor], output: &[u32]| cases.push(case(note, op, inputs, output));
    add("minus zero", Op::Fill { bits: 0x8000_0000 }, &[], &[2, 2]);
    add("an infinity", Op::Fill { bits: 0x7f80_0000 }, &[], &[1]);
    add("an infinity nowhere", Op::Fill { bits: 0x7f80_0000 }, &[], &[0]);
    add("", Op::OneHot, &[tensor(&[3], &[2.0, -0.0, 1.0])], &[3, 4]);
    add("too large", Op::OneHot, &[tensor(&[2], &[0.0, 4.0])], &[2, 4]);
    add("rank 2", Op::Transpose, &[numbered(&[2, 3])], &[3, 2]);
    add("rank 3", Op::Transpose, &[numbered(&[2, 3, 2])], &[2, 2, 3]);
    add("", Op::Reshape, &[r.tensor(&[2, 6], Kind::Anything)], &[3, 1, 4]);
    add("another count", Op::Reshape, &[numbered(&[2, 6])], &[11]);
    add("", Op::Gather, &[numbered(&[3, 2]), tensor(&[4], &[2.0, 0.0, 2.0, 1.0])], &[4, 2]);
    add("a fraction", Op::Gather, &[numbered(&[3, 2]), tensor(&[2], &[1.0, 1.5])], &[2, 2]);

    add("rank 0", Op::Permute { order: [0, 1, 2, 3] }, &[numbered(&[])], &[]);
    add("rank 3", Op::Permute { order: [2, 0, 1, 3] }, &[numbered(&[2, 3, 4])], &[4, 2, 3]);
    add("heads", Op::Permute { order: [0, 2, 1, 3] }, &[numbered(&[2, 3, 2, 2])], &[2, 2, 3, 2]);
    add("rank 4", Op::Permute { order: [3, 1, 0, 2] }, &[numbered(&[2, 3, 1, 2])], &[2, 3, 2, 1]);
    add("twice the same", Op::Permute { order: [0, 0, 2, 3] }, &[numbered(&[2, 2])], &[2, 2]);
    add("beyond the rank", Op::Permute { order: [0, 1, 3, 2] }, &[numbered(&[2, 2])], &[2, 2]);

    add("", Op::Slice { axis: 1, start: 2 }, &[numbered(&[2, 5, 2])], &[2, 3, 2]);
    add("the first axis", Op::Slice { axis: 0, start: 1 }, &[numbered(&[3, 2])], &[2, 2]);
    add("nothing", Op::Slice { axis: 0, start: 3 }, &[numbered(&[3, 2])], &[0, 2]);
    add("too far", Op::Slice { axis: 0, start: 2 }, &[numbered(&[3, 2])], &[2, 2]);
    add("too large a start", Op::Slice { axis: 0, start: u32::MAX }, &[numbered(&[3])], &[1]);

    let parts = [numbered(&[2, 1, 2]), numbered(&[2, 0, 2]), numbered(&[2, 3, 2])];
    add("", Op::Concat { axis: 1 }, &parts, &[2, 4, 2]);
    add("the last axis", Op::Concat { axis: 1 }, &[numbered(&[2, 1]), numbered(&[2, 2])], &[2, 3]);
    add("other sizes", Op::Concat { axis: 1 }, &[numbered(&[2, 1]), numbered(&[1, 2])], &[2, 3]);

    let window = |kernel, stride, padding| Op::Patches(Window { kernel, stride, padding });
    let images = r.tensor(&[2, 2, 3, 5], Kind::Ordinary);
    add("", window([3, 2], [1, 2], [1, 0]), from_ref(&images), &[12, 12]);
    add("strides leave a rest", window([2, 2], [2, 2], [0, 0]), from_ref(&images), &[4, 8]);
    add("padding only", window([1, 1], [3, 5], [2, 1]), &[tensor(&[1, 1, 0, 1], &[])], &[2, 1]);
    add("too large", window([4, 1], [1, 1], [0, 0]), from_ref(&images), &[0, 8]);
    add("no stride", window([1, 1], [0, 1], [0, 0]), &[images], &[30, 2]);
    let fold = Op::Fold(Window { kernel: [2, 2], stride: [2, 2], padding: [0, 0] });
    add("wrong patches", fold, &[numbered(&[4, 7])], &[2, 2, 3, 5]);

    add("", Op::Iota { axis: 0 }, &[], &[3, 2]);
    add("", Op::Iota { axis: 1 }, &[], &[2, 1, 2]);
    add("", Op::Iota { axis: 2 }, &[], &[2, 1, 3]);
    add("rank 0", Op::Iota { axis: 0 }, &[], &[]);
    cases
}
