//! Every op's kernels, on emulated devices, equal the law bit for bit.

mod support;

use assay_engine::{Expr, Instr, Op, Precision, Shape};
use assay_exact::{ElementError, Window, maps, philox};
use proptest::prelude::*;
use support::Builder;
use support::common::{Random, shape};

/// A random tensor.
fn tensor(b: &mut Builder, r: &mut Random, shape: Shape) -> u32 {
    let data = r.values(shape.elements() as usize);
    b.input(shape, data)
}

/// One op on random tensors of these shapes.
fn one(r: &mut Random, op: Op, inputs: &[Shape], output: Shape) -> support::Outcome {
    let mut b = Builder::default();
    let inputs: Vec<u32> = inputs.iter().map(|&shape| tensor(&mut b, r, shape)).collect();
    b.op(op, &inputs, output);
    b.same_everywhere()
}

fn config() -> ProptestConfig {
    ProptestConfig::with_cases(48)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn sums_and_maxima(seed: u64) {
        let r = &mut Random::new(seed);
        let rank = 1 + r.below(4) as usize;
        let mut input = r.shape(rank);
        // Long enough to be cut, along rows and down columns.
        if r.below(3) == 0 {
            input = r.pick(&[shape(&[3, 4500]), shape(&[2, 300, 5]), shape(&[1500, 3]), shape(&[1, 5000, 1])]);
        }
        let axes = 1 + r.below((1 << input.rank()) - 1) as u8;
        let output = input.reduced(axes).unwrap();
        let _ = one(r, Op::Sum { axes }, &[input], output);
        let _ = one(r, Op::LongSum { axes }, &[input], output);
        if input.reduction_count(axes) > 0 {
            one(r, Op::Max { axes }, &[input], output).unwrap();
        }
    }

    #[test]
    fn totals(seed: u64) {
        let r = &mut Random::new(seed);
        let shapes: Vec<Shape> = (0..1 + r.below(4))
            .map(|_| match r.below(4) {
                0 => shape(&[5000 + r.below(2000)]),
                rank => r.shape(rank as usize),
            })
            .collect();
        let _ = one(r, Op::Total, &shapes, Shape::SCALAR);
    }

    #[test]
    fn moves(seed: u64) {
        let r = &mut Random::new(seed);
        let rank = 2 + r.below(2) as usize;
        let mut input = r.shape(rank);
        if r.below(4) == 0 {
            input = shape(&[40, 70]);
        }
        let mut dims = input.dims().to_vec();
        let rank = dims.len();
        dims.swap(rank - 1, rank - 2);
        one(r, Op::Transpose, &[input], shape(&dims)).unwrap();
        one(r, Op::Reshape, &[input], shape(&[input.elements() as u32])).unwrap();

        let mut order = [0u8, 1, 2, 3];
        for i in (1..rank).rev() {
            order.swap(i, r.below(i as u32 + 1) as usize);
        }
        let permuted: Vec<u32> = order[..rank].iter().map(|&from| input.dims()[usize::from(from)]).collect();
        one(r, Op::Permute { order }, &[input], shape(&permuted)).unwrap();

        let axis = r.below(rank as u32) as u8;
        let at = usize::from(axis);
        let size = input.dims()[at];
        let start = r.below(size + 1);
        let mut dims = input.dims().to_vec();
        dims[at] = r.below(size - start + 1);
        one(r, Op::Slice { axis, start }, &[input], shape(&dims)).unwrap();
        let parts: Vec<Shape> = (0..1 + r.below(4)).map(|_| { dims[at] = r.below(5); shape(&dims) }).collect();
        dims[at] = parts.iter().map(|part| part.dims()[at]).sum();
        one(r, Op::Concat { axis }, &parts, shape(&dims)).unwrap();
        one(r, Op::Iota { axis }, &[], input).unwrap();
    }

    #[test]
    fn moves_by_integers(seed: u64) {
        let r = &mut Random::new(seed);
        let (rows, width, count) = (1 + r.below(9), r.below(9), r.below(20));
        let rows = if r.below(4) == 0 { 300 } else { rows };
        // One in forty is out of range or not an integer.
        let integers: Vec<f32> = (0..count)
            .map(|_| if r.below(40) == 0 { r.pick(&[-1.0, 0.5, 1e9, 300.0, -0.0]) } else { r.below(rows) as f32 })
            .collect();
        let mut by = |op: Op, first: Option<Shape>, output: Shape| {
            let mut b = Builder::default();
            let first = first.map(|shape| tensor(&mut b, r, shape));
            let x = b.input(shape(&[count]), integers.clone());
            b.op(op, &first.into_iter().chain([x]).collect::<Vec<_>>(), output);
            let _ = b.same_everywhere();
        };
        by(Op::Gather, Some(shape(&[rows, width])), shape(&[count, width]));
        by(Op::ScatterAdd, Some(shape(&[count, width])), shape(&[rows, width]));
        by(Op::LongScatterAdd, Some(shape(&[count, width])), shape(&[rows, width]));
        by(Op::OneHot, None, shape(&[count, rows]));
    }

    #[test]
    fn windows(seed: u64) {
        let r = &mut Random::new(seed);
        let images = shape(&[r.below(3), 1 + r.below(3), 1 + r.below(6), 1 + r.below(6)]);
        let mut two = |least: u32, most: u32| [(); 2].map(|()| least + r.below(most));
        let window = Window { kernel: two(1, 3), stride: two(1, 3), padding: two(0, 3) };
        let count = |axis: usize| {
            let room = images.dims()[2 + axis] + 2 * window.padding[axis];
            room.checked_sub(window.kernel[axis]).map(|free| free / window.stride[axis] + 1)
        };
        if let (Some(down), Some(right)) = (count(0), count(1)) {
            let [n, c, ..] = *images.dims() else { unreachable!() };
            let patches = shape(&[n * down * right, c * window.kernel[0] * window.kernel[1]]);
            one(r, Op::Patches(window), &[images], patches).unwrap();
            let _ = one(r, Op::Fold(window), &[patches], images);
        }
    }

    #[test]
    fn random_numbers(key0: u32, key1: u32, step: u64, stream in 0u32..1 << 24, count in 0u32..3000, bad: bool) {
        let mut counter = philox::counter([key0, key1], step).to_vec();
        if bad {
            counter[key0 as usize % 8] += 0.25;
        }
        let mut b = Builder::default();
        let x = b.input(shape(&[8]), counter);
        b.op(Op::Random { stream }, &[x], shape(&[count]));
        prop_assert_eq!(b.same_everywhere().is_err(), bad && count > 0);
    }
}

/// A random expression of `inputs` inputs whose result is always finite.
fn expression(r: &mut Random, inputs: usize) -> Expr {
    let count = 1 + r.below(14) as usize;
    let mut instrs: Vec<Instr> = (0..count)
        .map(|i| {
            let mut register = || r.below((inputs + i) as u32) as u8;
            let (a, b, x, y) = (register(), register(), register(), register());
            match r.below(21) {
                0 => Instr::Const(r.word()),
                1 => Instr::Copy(a),
                2 => Instr::Add(a, b),
                3 => Instr::Sub(a, b),
                4 => Instr::Mul(a, b),
                5 => Instr::Div(a, b),
                6 => Instr::Min(a, b),
                7 => Instr::Max(a, b),
                8 => Instr::Neg(a),
                9 => Instr::Abs(a),
                10 => Instr::Sqrt(a),
                11 => Instr::Rint(a),
                12 => Instr::Ldexp(a, r.pick(&[-3, 7, -140, 127, -300, 300, i16::MIN, i16::MAX])),
                13 => Instr::Exp(a),
                14 => Instr::Log(a),
                15 => Instr::Tanh(a),
                16 => Instr::SelectLt(a, b, x, y),
                17 => Instr::SelectEq(a, b, x, y),
                18 => Instr::Erf(a),
                19 => Instr::SinPi(a),
                _ => Instr::CosPi(a),
            }
        })
        .collect();
    let last = (inputs + count - 1) as u8;
    instrs.extend([
        Instr::Abs(last),
        Instr::Const(f32::INFINITY.to_bits()),
        Instr::Const(0),
        Instr::SelectLt(last + 1, last + 2, last, last + 3),
    ]);
    Expr { instrs }
}

/// `output` with some dimensions set to 1 or left out on the left.
fn broadcastable(r: &mut Random, output: &Shape) -> Shape {
    let skip = r.below(output.rank() as u32 + 1) as usize;
    let all = r.below(3) == 0;
    let kept = &output.dims()[if all { 0 } else { skip }..];
    let dims: Vec<u32> = kept.iter().map(|&size| if !all && r.below(3) == 0 { 1 } else { size }).collect();
    shape(&dims)
}

#[test]
fn maps_of_random_expressions() {
    let r = &mut Random::new(5);
    let mut b = Builder::default();
    for _ in 0..150 {
        let rank = r.below(5) as usize;
        let output = r.shape(rank);
        let count = 1 + r.below(4) as usize;
        let inputs: Vec<u32> = (0..count)
            .map(|_| {
                let shape = broadcastable(r, &output);
                tensor(&mut b, r, shape)
            })
            .collect();
        b.op(Op::Map(expression(r, count)), &inputs, output);
    }
    b.same_everywhere().unwrap();
}

#[test]
fn every_instruction_and_way_of_reading() {
    let outcome = support::every_instruction().same_everywhere().unwrap();
    assert_eq!(outcome.len(), 21);
}

#[test]
fn functions_over_the_whole_range() {
    let functions: [fn(u8) -> Instr; 8] =
        [Instr::Exp, Instr::Log, Instr::Tanh, Instr::Erf, Instr::SinPi, Instr::CosPi, Instr::Sqrt, Instr::Rint];
    let mut expressions: Vec<Expr> = functions.iter().map(|f| Expr { instrs: vec![f(0)] }).collect();
    expressions.extend([maps::gelu(), maps::gelu_tanh(), maps::silu(), maps::rsqrt()]);
    // Every 65,537th number of both signs, and the neighbourhood of special ones.
    let every = (0..65_536u32).map(|i| i.wrapping_mul(65_537));
    let special = [0u32, 0x0080_0000, 0x3f80_0000, 0x42b1_7218, 0xc2cf_f1b5, 0x3f20_0000, 0x3f58_0000, 0x7f7f_ffff];
    let near = special.iter().flat_map(|&bits| (0..64).map(move |i| bits.wrapping_add(i).wrapping_sub(32)));
    let all: Vec<f32> = every.chain(near).map(f32::from_bits).filter(|x| x.is_finite()).collect();
    let mut b = Builder::default();
    for expr in expressions {
        // Where the result is a number.
        let x: Vec<f32> = all.iter().copied().filter(|&x| expr.eval(&[x]).is_finite()).collect();
        assert!(x.len() > 30_000);
        let of = shape(&[x.len() as u32]);
        let input = b.input(of, x);
        b.op(Op::Map(expr), &[input], of);
    }
    b.same_everywhere().unwrap();
}

#[test]
fn the_first_failing_op_and_element_are_named() {
    let mut b = Builder::default();
    let mut data = vec![1.0; 700];
    data[613] = -1.0;
    data[650] = -2.0;
    let x = b.input(shape(&[700]), data);
    let fine = b.op(Op::Map(Expr { instrs: vec![Instr::Neg(0)] }), &[x], shape(&[700]));
    let root = b.op(Op::Map(Expr { instrs: vec![Instr::Sqrt(0)] }), &[x], shape(&[700]));
    // Reads what is not a number, and fails, too, at a lower index.
    b.op(Op::Map(Expr { instrs: vec![Instr::Div(0, 1)] }), &[root, fine], shape(&[700]));
    b.op(Op::OneHot, &[fine], shape(&[700, 2]));
    assert_eq!(b.same_everywhere(), Err((1, ElementError::NonFinite { index: 613, bits: 0x7fc0_0000 })));
}

#[test]
fn fills() {
    let r = &mut Random::new(1);
    assert_eq!(one(r, Op::Fill { bits: 7 }, &[], shape(&[3])), Ok(vec![vec![7; 3]]));
    let infinite = one(r, Op::Fill { bits: f32::INFINITY.to_bits() }, &[], shape(&[2]));
    assert!(matches!(infinite, Err((0, ElementError::NonFinite { index: 0, .. }))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn matmuls(seed: u64) {
        let r = &mut Random::new(seed);
        let size = |r: &mut Random| match r.below(12) { 0 => 0, 1 => 1, 2 => 33, 3 => 140, _ => 1 + r.below(9) };
        let (m, n) = (size(r), size(r));
        let k = match r.below(6) { 0 => 0, 1 => 1100, 2 => 64, _ => 1 + r.below(40) };
        let batch: &[u32] = if r.below(3) == 0 { &[2] } else { &[] };
        let (transpose_a, transpose_b) = (r.below(2) == 1, r.below(2) == 1);
        let dims = |rows: u32, columns: u32, swap: bool| {
            let last = if swap { [columns, rows] } else { [rows, columns] };
            shape(&[batch, &last[..]].concat())
        };
        let shapes = [dims(m, k, transpose_a), dims(k, n, transpose_b)];
        let precision = r.pick(&[Precision::Int8x1, Precision::Int8x2, Precision::Int8x3]);
        let block = r.pick(&[1, 7, 64, 100, 5000]);
        let _ = one(r, Op::MatMul { transpose_a, transpose_b, precision }, &shapes, dims(m, n, false));
        let _ = one(r, Op::BlockMatMul { transpose_a, transpose_b, precision, block }, &shapes, dims(m, n, false));
    }
}
