//! Matrix products.

use crate::case::{KINDS, Kind, Random, Tensor, case, tensor};
use assay_exact::{Op, Precision, scalar};
use serde_json::Value;

const ALL: [Precision; 3] = [Precision::Int8x1, Precision::Int8x2, Precision::Int8x3];

fn product(ta: bool, tb: bool, precision: Precision) -> Op {
    Op::MatMul { transpose_a: ta, transpose_b: tb, precision }
}

fn blocks(ta: bool, tb: bool, precision: Precision, block: u32) -> Op {
    Op::BlockMatMul { transpose_a: ta, transpose_b: tb, precision, block }
}

pub fn cases() -> Vec<Value> {
    let mut r = Random::new(5);
    let mut cases = Vec::new();
    for precision in ALL {
        for (i, kind) in KINDS.into_iter().enumerate() {
            let (ta, tb) = (i % 2 == 1, i / 2 % 2 == 1);
            let (m, k, n) = (3, 10, 2);
            let a = r.tensor(&if ta { [k, m] } else { [m, k] }, kind);
            // Huge by huge would only ever overflow.
            let other = if matches!(kind, Kind::Huge | Kind::Anything) { Kind::Subnormal } else { kind };
            let b = r.tensor(&if tb { [n, k] } else { [k, n] }, other);
            let note = format!("{precision:?}, {kind:?} by {other:?}");
            let inputs = [a, b];
            cases.push(case(&note, product(ta, tb, precision), &inputs, &[m, n]));
            for block in [1, 4, 10, u32::MAX] {
                let note = format!("{note}, blocks of {block}");
                cases.push(case(&note, blocks(ta, tb, precision, block), &inputs, &[m, n]));
            }
        }
        let (a, b) = (r.tensor(&[2, 3, 4], Kind::Ordinary), r.tensor(&[2, 5, 4], Kind::Outlier));
        let inputs = [a, b];
        cases.push(case(&format!("{precision:?}, rank 3"), product(false, true, precision), &inputs, &[2, 3, 5]));
        cases.push(case(&format!("{precision:?}, rank 3"), blocks(false, true, precision, 3), &inputs, &[2, 3, 5]));

        // The greatest integer of the precision, and what is just above it.
        let limit = [127.5 / 128.0, 16_319.5 / 16_384.0, 2_088_895.5 / 2_097_152.0][precision as usize];
        for x in [limit, f32::next_down(limit), f32::MAX, f32::from_bits(1)] {
            let (a, b) = (tensor(&[1, 2], &[x, 1.0 / 3.0]), tensor(&[2, 1], &[1.0, -0.7]));
            cases.push(case(&format!("{precision:?}, threshold"), product(false, false, precision), &[a, b], &[1, 1]));
        }
        let none = [tensor(&[2, 0], &[]), tensor(&[0, 2], &[])];
        cases.push(case("k = 0", product(false, false, precision), &none, &[2, 2]));
        cases.push(case("k = 0", blocks(false, false, precision, 7), &none, &[2, 2]));
        let none = [tensor(&[0, 2], &[]), tensor(&[2, 1], &[1.0, 2.0])];
        cases.push(case("m = 0", product(false, false, precision), &none, &[0, 1]));
    }
    let row = |data: &[f32]| tensor(&[1, data.len() as u32], data);
    let column = |data: &[f32]| Tensor { dims: vec![data.len() as u32, 1], data: data.into() };
    let one = Precision::Int8x1;
    let pairs: [(&str, &[f32], &[f32]); 4] = [
        ("1.5 is halved", &[1.0, 0.5], &[3.0, -1.0]),
        ("an outlier coarsens its row", &[1.0, 0.001], &[1.0, 1.0]),
        ("overflows", &[f32::MAX, 0.0], &[4.0, 1.0]),
        ("both infinities", &[f32::MAX, f32::MAX], &[-4.0, 4.0]),
    ];
    for (note, a, b) in pairs {
        cases.push(case(note, product(false, false, one), &[row(a), column(b)], &[1, 1]));
        cases.push(case(note, blocks(false, false, one, 1), &[row(a), column(b)], &[1, 1]));
    }
    // 8192 * 16000 + 8192 * 4480 + 1 = 2.5 * 2^26 + 1, on a grid on which 2^26 is the least
    // subnormal: to 24 bits that is a tie, which is then rounded to 2.
    let scaled = |x: [f32; 3], k: i32| x.map(|x| scalar::ldexp(x, k));
    let (a, b) = (row(&scaled([8192.0, 8192.0, 1.0], -87)), column(&scaled([16_000.0, 4480.0, 1.0], -88)));
    let twice = case("rounded twice", product(false, false, Precision::Int8x2), &[a, b], &[1, 1]);
    assert_eq!(twice["bits"], "00000002");
    cases.push(twice);
    let inputs = [row(&[1.0, 2.0]), column(&[1.0, 2.0])];
    cases.push(case("blocks of nothing", blocks(false, false, one, 0), &inputs, &[1, 1]));
    cases.push(case("wrong output", product(false, false, one), &inputs, &[1, 2]));
    cases.push(case("wrong inner length", product(true, false, one), &inputs, &[2, 1]));
    cases
}
