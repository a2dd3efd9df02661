//! Sums and maxima.

use crate::case::{KINDS, Kind, Random, Tensor, case, tensor};
use assay_exact::{Op, Window};
use serde_json::Value;
use std::slice::from_ref;

fn integers(dims: &[u32], of: &[u32]) -> Tensor {
    tensor(dims, &of.iter().map(|&x| x as f32).collect::<Vec<_>>())
}

pub fn cases() -> Vec<Value> {
    let mut r = Random::new(4);
    let mut cases = Vec::new();
    for kind in KINDS {
        let x = r.tensor(&[3, 4, 2], kind);
        let scaled = Tensor { data: x.data.iter().map(|x| x / 16.0).collect(), ..x.clone() };
        for (axes, output) in [(0b001, [1, 4, 2]), (0b010, [3, 1, 2]), (0b101, [1, 4, 1]), (0b111, [1, 1, 1])] {
            let note = format!("{kind:?}, axes {axes:03b}");
            cases.push(case(&note, Op::Sum { axes }, from_ref(&x), &output));
            cases.push(case(&note, Op::LongSum { axes }, from_ref(&x), &output));
            cases.push(case(&note, Op::Max { axes }, from_ref(&x), &output));
        }
        cases.push(case(&format!("{kind:?}"), Op::Total, &[x.clone(), tensor(&[], &[1.0]), x], &[]));
        cases.push(case(&format!("{kind:?}, less"), Op::Total, &[scaled], &[]));

        let values = r.tensor(&[5, 2], kind);
        let rows = integers(&[5], &[3, 0, 3, 1, 3]);
        cases.push(case(&format!("{kind:?}"), Op::ScatterAdd, &[values.clone(), rows.clone()], &[4, 2]));
        cases.push(case(&format!("{kind:?}"), Op::LongScatterAdd, &[values, rows], &[4, 2]));

        let window = Window { kernel: [3, 2], stride: [1, 2], padding: [1, 0] };
        let patches = r.tensor(&[12, 12], kind);
        cases.push(case(&format!("{kind:?}"), Op::Fold(window), &[patches], &[2, 2, 3, 5]));
    }
    let rows = |x: &[f32]| tensor(&[x.len() as u32], x);
    let least = f32::from_bits(1);
    let mut large = vec![16_777_216.0];
    large.extend([1.0; 64]);
    large.push(-16_777_216.0);
    let edges: [(&str, Vec<f32>); 9] = [
        ("nothing", vec![]),
        ("zeros", vec![-0.0, -0.0]),
        ("cancels", vec![-1.5, 1.5]),
        ("what an ordered addition loses", large),
        ("below the grid: a tie", vec![1.0, -1.0, 2f32.powi(-30)]),
        ("subnormals", vec![least, -f32::MIN_POSITIVE, least]),
        ("a tie broken far below", vec![1.0, 2f32.powi(-24), least]),
        ("overflows", vec![f32::MAX, f32::MAX]),
        ("overflows on the way", vec![f32::MAX, f32::MAX, -f32::MAX]),
    ];
    for (note, x) in edges {
        let x = rows(&x);
        cases.push(case(note, Op::Sum { axes: 1 }, from_ref(&x), &[1]));
        cases.push(case(note, Op::LongSum { axes: 1 }, from_ref(&x), &[1]));
        cases.push(case(note, Op::Max { axes: 1 }, from_ref(&x), &[1]));
        cases.push(case(note, Op::Total, &[x], &[]));
    }
    let values = r.tensor(&[2, 2], Kind::Ordinary);
    for (note, wrong) in [("a fraction", 0.5), ("too large", 3.0), ("below zero", -1.0)] {
        cases.push(case(note, Op::ScatterAdd, &[values.clone(), rows(&[-0.0, wrong])], &[3, 2]));
        cases.push(case(note, Op::LongScatterAdd, &[values.clone(), rows(&[wrong, 0.0])], &[3, 2]));
    }
    cases.push(case("no rows", Op::ScatterAdd, &[tensor(&[0, 2], &[]), rows(&[])], &[2, 2]));
    cases.push(case("no axes", Op::Sum { axes: 0 }, from_ref(&values), &[2, 2]));
    cases.push(case("an axis that is not there", Op::LongSum { axes: 4 }, &[values], &[2, 2]));
    cases
}
