//! Every op on the CPU equals the law bit for bit, whatever the values, the shapes
//! and the number of threads.

mod common;

use assay_engine::{Expr, Instr, Op, Precision, Shape};
use assay_exact::ElementError;
use common::{Random, same_everywhere, shape};
use proptest::prelude::*;

/// A tensor of random values.
fn tensor(r: &mut Random, shape: Shape) -> (Shape, Vec<f32>) {
    (shape, r.values(shape.elements() as usize))
}

/// A random expression of `inputs` inputs that uses every kind of instruction.
fn expression(r: &mut Random, inputs: usize) -> Expr {
    let count = 1 + r.below(14) as usize;
    let mut instrs: Vec<Instr> = (0..count)
        .map(|i| {
            let mut register = || r.below((inputs + i) as u32) as u8;
            let (a, b, x, y) = (register(), register(), register(), register());
            match r.below(23) {
                0 => Instr::Const(r.finite().to_bits()),
                1 => Instr::Copy(a),
                2 | 3 => Instr::Add(a, b),
                4 => Instr::Sub(a, b),
                5 | 6 => Instr::Mul(a, b),
                7 => Instr::Div(a, b),
                8 => Instr::Min(a, b),
                9 => Instr::Max(a, b),
                10 => Instr::Neg(a),
                11 => Instr::Abs(a),
                12 => Instr::Sqrt(a),
                13 => Instr::Rint(a),
                14 => Instr::Ldexp(a, r.pick(&[-3, 7, -140, 127, -300, 300, i16::MIN, i16::MAX])),
                15 => Instr::Exp(a),
                16 => Instr::Log(a),
                17 => Instr::Tanh(a),
                18 => Instr::SelectLt(a, b, x, y),
                19 => Instr::Erf(a),
                20 => Instr::SinPi(a),
                21 => Instr::CosPi(a),
                _ => Instr::SelectEq(a, b, x, y),
            }
        })
        .collect();
    if r.below(4) > 0 {
        // Put 0 where the result is not finite, so that the other elements are compared.
        let last = (inputs + count - 1) as u8;
        instrs.extend([
            Instr::Abs(last),
            Instr::Const(f32::INFINITY.to_bits()),
            Instr::Const(0),
            Instr::SelectLt(last + 1, last + 2, last, last + 3),
        ]);
    }
    Expr { instrs }
}

/// `output` with some dimensions set to 1 or left out on the left.
fn broadcastable(r: &mut Random, output: &Shape) -> Shape {
    let skip = r.below(output.rank() as u32 + 1) as usize;
    let all = r.below(3) == 0;
    let keep = if all { 0 } else { skip };
    let dims: Vec<u32> =
        output.dims()[keep..].iter().map(|&size| if !all && r.below(3) == 0 { 1 } else { size }).collect();
    shape(&dims)
}

proptest! {
    #[test]
    fn maps(seed: u64) {
        let r = &mut Random::new(seed);
        let rank = r.below(5) as usize;
        let output = r.shape(rank);
        let count = 1 + r.below(4) as usize;
        let inputs: Vec<_> = (0..count)
            .map(|_| {
                let shape = broadcastable(r, &output);
                tensor(r, shape)
            })
            .collect();
        let _ = same_everywhere(&Op::Map(expression(r, count)), &inputs, output);
    }

    #[test]
    fn sums_and_maxima(seed: u64) {
        let r = &mut Random::new(seed);
        let rank = 1 + r.below(4) as usize;
        let input = r.shape(rank);
        let axes = 1 + r.below((1 << rank) - 1) as u8;
        let output = input.reduced(axes).unwrap();
        let x = tensor(r, input);
        let _ = same_everywhere(&Op::Sum { axes }, std::slice::from_ref(&x), output);
        if input.reduction_count(axes) > 0 {
            same_everywhere(&Op::Max { axes }, &[x], output).unwrap();
        }
    }

    #[test]
    fn totals(seed: u64) {
        let r = &mut Random::new(seed);
        let inputs: Vec<_> = (0..1 + r.below(4))
            .map(|_| {
                let rank = r.below(4) as usize;
                let shape = r.shape(rank);
                tensor(r, shape)
            })
            .collect();
        let _ = same_everywhere(&Op::Total, &inputs, Shape::SCALAR);
    }

    #[test]
    fn matmuls(seed: u64) {
        let r = &mut Random::new(seed);
        let size = |r: &mut Random| match r.below(10) { 0 => 0, 1 => 1, 2 => 33, _ => 1 + r.below(9) };
        let (m, n) = (size(r), size(r));
        let k = match r.below(6) { 0 => 0, 1 => 1100, 2 => 64, _ => 1 + r.below(40) };
        let batch: &[u32] = if r.below(4) == 0 { &[2] } else { &[] };
        let (transpose_a, transpose_b) = (r.below(2) == 1, r.below(2) == 1);
        let dims = |r: u32, c: u32, swap| {
            let last = if swap { [c, r] } else { [r, c] };
            shape(&[batch, &last[..]].concat())
        };
        let (a, b) = (dims(m, k, transpose_a), dims(k, n, transpose_b));
        let inputs = [tensor(r, a), tensor(r, b)];
        for precision in [Precision::Int8x1, Precision::Int8x2, Precision::Int8x3] {
            let op = Op::MatMul { transpose_a, transpose_b, precision };
            let _ = same_everywhere(&op, &inputs, dims(m, n, false));
        }
    }

    #[test]
    fn moves(seed: u64) {
        let r = &mut Random::new(seed);
        let rank = 2 + r.below(2) as usize;
        let input = r.shape(rank);
        let mut dims = input.dims().to_vec();
        dims.swap(rank - 1, rank - 2);
        let x = tensor(r, input);
        same_everywhere(&Op::Transpose, std::slice::from_ref(&x), shape(&dims)).unwrap();
        let flat = shape(&[input.elements() as u32]);
        prop_assert_eq!(&same_everywhere(&Op::Reshape, std::slice::from_ref(&x), flat).unwrap(), &x.1);

        let (rows, width, count) = (1 + r.below(9), r.below(9), r.below(20));
        // One index in ten is out of range or not an integer.
        let indices: Vec<f32> = (0..count)
            .map(|_| if r.below(40) == 0 { r.pick(&[-1.0, 0.5, 1e9, 9.0]) } else { r.below(rows) as f32 })
            .collect();
        let indices = (shape(&[count]), indices);
        let table = tensor(r, shape(&[rows, width]));
        let _ = same_everywhere(&Op::Gather, &[table, indices.clone()], shape(&[count, width]));
        let values = tensor(r, shape(&[count, width]));
        let _ = same_everywhere(&Op::ScatterAdd, &[values, indices.clone()], shape(&[rows, width]));
        let _ = same_everywhere(&Op::OneHot, &[indices], shape(&[count, rows]));
    }
}

#[test]
fn fills() {
    let fill = Op::Fill { bits: 0.5f32.to_bits() };
    assert_eq!(same_everywhere(&fill, &[], shape(&[2])).unwrap(), [0.5, 0.5]);
    let infinite = Op::Fill { bits: f32::INFINITY.to_bits() };
    assert!(matches!(same_everywhere(&infinite, &[], shape(&[2])), Err(ElementError::NonFinite { index: 0, .. })));
}

#[test]
fn what_is_not_a_number_is_found_at_its_index() {
    let root = Op::Map(Expr { instrs: vec![Instr::Sqrt(0)] });
    let mut x = vec![1.0; 700];
    x[613] = -1.0;
    assert_eq!(
        same_everywhere(&root, &[(shape(&[7, 100]), x)], shape(&[7, 100])),
        Err(ElementError::NonFinite { index: 613, bits: 0x7fc0_0000 })
    );
}

#[test]
fn known_products() {
    let a = (shape(&[2, 2]), vec![1.0, 2.0, 3.0, 4.0]);
    let b = (shape(&[2, 2]), vec![0.5, 0.25, -1.0, 8.0]);
    for precision in [Precision::Int8x1, Precision::Int8x2, Precision::Int8x3] {
        for (transpose_a, transpose_b, want) in [
            (false, false, [-1.5, 16.25, -2.5, 32.75]),
            (true, false, [-2.5, 24.25, -3.0, 32.5]),
            (false, true, [1.0, 15.0, 2.5, 29.0]),
            (true, true, [1.25, 23.0, 2.0, 30.0]),
        ] {
            let op = Op::MatMul { transpose_a, transpose_b, precision };
            let got = same_everywhere(&op, &[a.clone(), b.clone()], shape(&[2, 2])).unwrap();
            // One byte has seven bits: the products of these small numbers are within a percent.
            for (got, want) in got.iter().zip(want) {
                assert!((got - want).abs() <= 0.01 * 32.75, "{precision:?}: {got} {want}");
            }
        }
    }
}

#[test]
fn precisions_are_as_fine_as_they_say() {
    let r = &mut Random::new(7);
    let (m, k, n) = (8usize, 300usize, 8usize);
    let mut uniform =
        |count: usize| -> Vec<f32> { (0..count).map(|_| assay_exact::philox::uniform(r.word(), 1.0)).collect() };
    let (a, b) = (uniform(m * k), uniform(k * n));
    for (precision, bits) in [(Precision::Int8x1, 7), (Precision::Int8x2, 14), (Precision::Int8x3, 21)] {
        let op = Op::MatMul { transpose_a: false, transpose_b: false, precision };
        let inputs = [(shape(&[8, 300]), a.clone()), (shape(&[300, 8]), b.clone())];
        let got = same_everywhere(&op, &inputs, shape(&[8, 8])).unwrap();
        for (i, got) in got.iter().enumerate() {
            let real: f64 = (0..k).map(|j| f64::from(a[i / n * k + j]) * f64::from(b[j * n + i % n])).sum();
            // Each operand is off by at most half a grid step (2^-bits, as the greatest is near 1).
            let error = (f64::from(*got) - real).abs();
            let bound = k as f64 * 2f64.powi(-bits) + real.abs() * 2f64.powi(-24);
            assert!(error <= bound, "{precision:?}: {error} above {bound}");
            assert!(error > 0.0 || precision == Precision::Int8x3);
        }
    }
}
