//! Scalar operations, functions and map expressions.

use crate::case::{KINDS, Random, bits, case, tensor};
use assay_exact::{Expr, Instr, Op, functions, maps, scalar};
use serde_json::{Value, json};

/// Numbers at which something changes.
fn edges() -> Vec<f32> {
    let positive = [
        0x0000_0000,
        0x0000_0001,
        0x0000_0003,
        0x007f_ffff,
        0x0080_0000,
        0x3300_0000,
        0x3eff_ffff,
        0x3f00_0000,
        0x3f1f_ffff,
        0x3f20_0000,
        0x3f35_04f3,
        0x3f58_0000,
        0x3f7f_ffff,
        0x3f80_0000,
        0x3f80_0001,
        0x3fc0_0000,
        0x4020_0000,
        0x407f_ffff,
        0x4120_0000,
        0x42ae_0000,
        0x42b2_0000,
        0x42d2_0000,
        0x4aff_ffff,
        0x4b00_0000,
        0x4b80_0000,
        0x7f7f_ffff,
        0x7f80_0000,
    ];
    positive.into_iter().flat_map(|bits| [bits, bits | 0x8000_0000]).map(f32::from_bits).collect()
}

type One = (&'static str, fn(f32) -> f32);
type Two = (&'static str, fn(f32, f32) -> f32);

pub fn scalars() -> Vec<Value> {
    let mut r = Random::new(1);
    let mut numbers = edges();
    numbers.extend((0..40).map(|_| r.finite()));
    let one: [One; 2] = [("rint", scalar::rint), ("sqrt", scalar::sqrt)];
    let two: [Two; 6] = [
        ("add", |x, y| x + y),
        ("sub", |x, y| x - y),
        ("mul", |x, y| x * y),
        ("div", |x, y| x / y),
        ("min", scalar::min),
        ("max", scalar::max),
    ];
    let special = [0.0, -0.0, 1.0, -1.0, f32::MAX, f32::from_bits(1), f32::INFINITY, f32::NEG_INFINITY, f32::NAN];
    let mut cases = Vec::new();
    for (op, f) in one {
        let lines: Vec<String> = numbers.iter().map(|&x| format!("{} {}", bits(x), name(f(x)))).collect();
        cases.push(json!({ "op": op, "lines": lines }));
    }
    let powers = [-300, -150, -149, -23, -1, 0, 1, 24, 149, 277];
    let pairs = numbers.iter().flat_map(|&x| powers.map(|k| (x, k)));
    let lines: Vec<String> = pairs.map(|(x, k)| format!("{} {k} {}", bits(x), name(scalar::ldexp(x, k)))).collect();
    cases.push(json!({ "op": "ldexp", "lines": lines }));
    for (op, f) in two {
        let some = numbers.iter().enumerate().flat_map(|(i, &x)| [0, 1, 2, 3].map(|j| (x, 7 * i + 11 * j)));
        let some = some.map(|(x, j)| (x, numbers[j % numbers.len()]));
        let lines: Vec<String> = special
            .iter()
            .flat_map(|&x| special.map(|y| (x, y)))
            .chain(some)
            .map(|(x, y)| format!("{} {} {}", bits(x), bits(y), name(f(x, y))))
            .collect();
        cases.push(json!({ "op": op, "lines": lines }));
    }
    cases
}

/// The bits of a result; which NaN it is does not matter.
fn name(x: f32) -> String {
    if x.is_nan() { "nan".into() } else { bits(x) }
}

pub fn functions() -> Vec<Value> {
    let all: [One; 6] = [
        ("exp", functions::exp),
        ("log", functions::log),
        ("tanh", functions::tanh),
        ("erf", functions::erf),
        ("sinpi", functions::sinpi),
        ("cospi", functions::cospi),
    ];
    let mut cases = Vec::new();
    for (function, f) in all {
        let mut r = Random::new(2);
        let mut numbers = edges();
        numbers.extend((0..40).map(|_| r.finite()));
        // Where the functions are neither flat nor infinite.
        numbers.extend((0..160).map(|i| r.tensor(&[1], KINDS[0]).data[0] * [0.4, 1.0, 5.0, 50.0][i % 4]));
        let lines: Vec<String> = numbers.into_iter().map(|x| format!("{} {}", bits(x), name(f(x)))).collect();
        cases.push(json!({ "op": function, "lines": lines }));
    }
    cases
}

pub fn maps() -> Vec<Value> {
    use Instr::*;
    let mut r = Random::new(3);
    let mut cases = Vec::new();
    let named = [
        ("rsqrt", maps::rsqrt()),
        ("sigmoid", maps::sigmoid()),
        ("silu", maps::silu()),
        ("gelu", maps::gelu()),
        ("gelu_tanh", maps::gelu_tanh()),
    ];
    for (name, expr) in named {
        let shift = |x: f32| if name == "rsqrt" { x * x } else { x };
        let x: Vec<f32> = (0..12).map(|i| shift((i as f32 - 5.5) * 1.37)).collect();
        cases.push(case(name, Op::Map(expr), &[tensor(&[12], &x)], &[12]));
    }
    let every = Expr {
        instrs: vec![
            Const(0x3fa0_0000),
            Copy(0),
            Add(2, 1),
            Sub(4, 0),
            Mul(5, 1),
            Div(6, 2),
            Min(7, 0),
            Max(8, 3),
            Neg(9),
            Abs(10),
            Sqrt(11),
            Rint(12),
            Ldexp(12, -3),
            Exp(14),
            Log(15),
            Tanh(16),
            SelectLt(17, 0, 1, 17),
            SelectEq(13, 0, 18, 12),
            Erf(19),
            SinPi(20),
            CosPi(21),
            Add(22, 13),
        ],
    };
    for kind in KINDS {
        let (a, b) = (r.tensor(&[2, 1, 3], kind), r.tensor(&[4, 1], kind));
        cases.push(case(&format!("every instruction, {kind:?}"), Op::Map(every.clone()), &[a, b], &[2, 4, 3]));
    }
    let quotient = Op::Map(Expr { instrs: vec![Div(0, 1)] });
    let (a, b) = (tensor(&[3], &[1.0, 2.0, -3.0]), tensor(&[3], &[4.0, 0.5, 0.0]));
    cases.push(case("division by zero", quotient.clone(), &[a, b], &[3]));
    let zero = tensor(&[], &[0.0]);
    cases.push(case("zero by zero", quotient.clone(), &[zero.clone(), zero.clone()], &[2]));
    let limited = Op::Map(Expr { instrs: vec![Exp(0), Const(0x3f80_0000), Div(2, 1)] });
    cases.push(case("an infinity on the way", limited, &[tensor(&[2], &[1000.0, -1000.0])], &[2]));
    cases.push(case("does not broadcast", quotient.clone(), &[r.tensor(&[2], KINDS[0]), zero], &[3]));
    cases.push(case("empty", quotient, &[tensor(&[0, 1], &[]), tensor(&[2], &[1.0, 2.0])], &[0, 2]));
    cases
}
