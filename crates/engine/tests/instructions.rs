//! Every set of instructions that this machine has gives the law's bits, on numbers that are
//! hard on matmuls, sums and maps; and one that it lacks is refused.

mod common;

use assay_engine::{CpuBackend, ExactMatMul, Instructions, Matrix, Op, Precision};
use assay_exact::{SliceOperand, element};
use common::{same_everywhere, shape};
use proptest::prelude::*;

const PRECISIONS: [Precision; 3] = [Precision::Int8x1, Precision::Int8x2, Precision::Int8x3];

/// Numbers of all kinds: ordinary, huge, tiny, subnormal, zeros of both signs.
fn number() -> impl Strategy<Value = f32> {
    prop_oneof![
        4 => -1.0f32..1.0,
        1 => any::<u32>().prop_map(|bits| f32::from_bits(bits & 0xdfff_ffff)),
        1 => (any::<bool>(), 0u32..5).prop_map(|(negative, bits)| f32::from_bits(bits | u32::from(negative) << 31)),
        1 => (-1.0f32..1.0).prop_map(|x| x * 1e18),
        1 => (-1.0f32..1.0).prop_map(|x| x * 1e-38),
        1 => Just(-0.0f32),
        1 => Just(1.0f32),
    ]
}

fn numbers(count: usize) -> impl Strategy<Value = Vec<f32>> {
    prop_oneof![
        proptest::collection::vec(number(), count),
        // The greatest integer everywhere, with any sign.
        proptest::collection::vec(any::<bool>(), count)
            .prop_map(|signs| signs.into_iter().map(|sign| if sign { 1.0 } else { -1.0 }).collect()),
        // One outlier.
        (proptest::collection::vec(-1e-3f32..1e-3, count), any::<usize>()).prop_map(|(mut all, at)| {
            let count = all.len().max(1);
            if let Some(x) = all.get_mut(at % count) {
                *x = 1e12;
            }
            all
        }),
    ]
}

fn matmuls() -> impl Strategy<Value = (Op, [u32; 3], Vec<f32>, Vec<f32>)> {
    (0u32..40, 0u32..150, 0u32..70, any::<bool>(), any::<bool>(), 0..3usize).prop_flat_map(|(m, k, n, ta, tb, p)| {
        let op = Op::MatMul { transpose_a: ta, transpose_b: tb, precision: PRECISIONS[p] };
        (Just(op), Just([m, k, n]), numbers((m * k) as usize), numbers((k * n) as usize))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn matmuls_are_the_laws((op, [m, k, n], a, b) in matmuls()) {
        let Op::MatMul { transpose_a, transpose_b, .. } = op else { unreachable!() };
        let a_shape = if transpose_a { shape(&[k, m]) } else { shape(&[m, k]) };
        let b_shape = if transpose_b { shape(&[n, k]) } else { shape(&[k, n]) };
        // An overflow is the same error everywhere.
        let _ = same_everywhere(&op, &[(a_shape, a), (b_shape, b)], shape(&[m, n]));
    }

    #[test]
    fn sums_and_maxima_are_the_laws(
        (rows, columns, data) in (1u32..40, 1u32..200).prop_flat_map(|(rows, columns)| {
            (Just(rows), Just(columns), numbers((rows * columns) as usize))
        }),
        axes in 1u8..4,
    ) {
        let input = shape(&[rows, columns]);
        let output = input.reduced(axes).unwrap();
        for op in [Op::Sum { axes }, Op::Max { axes }] {
            let _ = same_everywhere(&op, &[(input, data.clone())], output);
        }
        let _ = same_everywhere(&Op::Total, &[(input, data.clone()), (input, data)], shape(&[]));
    }
}

fn exact(set: Instructions, threads: usize) -> ExactMatMul {
    CpuBackend::new(threads).unwrap().with_grain(1).with_instructions(set).unwrap().exact_matmul()
}

/// Element 0 of `a b` with `a` of one row, `b` of one column, by the law.
fn law(a: &[f32], b: &[f32], precision: Precision) -> f32 {
    let k = a.len() as u32;
    let op = Op::MatMul { transpose_a: false, transpose_b: false, precision };
    let (a, b) = (SliceOperand::new(shape(&[1, k]), a), SliceOperand::new(shape(&[k, 1]), b));
    element(&op, &[&a, &b], &shape(&[1, 1]), 0).unwrap()
}

#[test]
fn long_products_of_the_greatest_integers() {
    // Around the lengths at which sums are carried, at which tiles hand over, and beyond 2^53 for int8x3.
    for k in [7usize, 8, 9, 63, 64, 65, 511, 512, 513, 2047, 2048, 2049, 4095, 4096, 4097, 8191, 65_535, 65_537] {
        for precision in PRECISIONS {
            // Just below 1, whose integer is the greatest; the last is smaller, so that the lowest bits count.
            let most = precision.limit() as f32 / 2f32.powi(precision.bits());
            let mut a = vec![most; k];
            a[k - 1] = 0.3;
            for sign in [1.0, -1.0] {
                let b = vec![sign * most; k];
                let want = law(&a, &b, precision);
                for set in Instructions::available() {
                    for (ta, tb) in [(false, false), (true, true)] {
                        let length = k as u32;
                        let mut out = [0.0];
                        let left =
                            Matrix { shape: if ta { [length, 1] } else { [1, length] }, data: &a, transposed: ta };
                        let right =
                            Matrix { shape: if tb { [1, length] } else { [length, 1] }, data: &b, transposed: tb };
                        assert!(exact(set, 1).run(left, right, precision, &mut out).unwrap());
                        assert_eq!(out[0].to_bits(), want.to_bits(), "{set}, {precision:?}, k {k}, {sign}");
                    }
                }
            }
        }
    }
}

#[test]
fn large_products_are_the_same_everywhere() {
    // Several regions, panels at the edge, two lengths of k; sampled against the law.
    for (m, k, n) in [(301, 257, 203), (70, 2500, 130)] {
        let r = &mut common::Random::new(77);
        let mut random = |count: usize| -> Vec<f32> {
            (0..count).map(|_| assay_exact::philox::uniform(r.word(), 1.0) * 2f32.powi(r.below(9) as i32)).collect()
        };
        let (a, b) = (random(m * k), random(k * n));
        let [left, right] = [([m, k], &a), ([k, n], &b)].map(|(shape, data)| Matrix {
            shape: shape.map(|size| size as u32),
            data,
            transposed: false,
        });
        for precision in PRECISIONS {
            let mut want = vec![0.0; m * n];
            exact(Instructions::Scalar, 1).run(left, right, precision, &mut want).unwrap();
            for at in (0..m * n).step_by(1511) {
                let column: Vec<f32> = (0..k).map(|i| b[i * n + at % n]).collect();
                assert_eq!(want[at], law(&a[at / n * k..][..k], &column, precision), "{precision:?} {at}");
            }
            for set in Instructions::available() {
                for threads in [1, 2, 5] {
                    let mut out = vec![f32::NAN; m * n];
                    assert!(exact(set, threads).run(left, right, precision, &mut out).unwrap());
                    assert!(out == want, "{set}, {threads} threads, {precision:?}");
                }
            }
        }
    }
}

#[test]
fn instructions_that_are_not_there_are_refused() {
    for set in Instructions::ALL {
        let backend = CpuBackend::new(1).unwrap().with_instructions(set);
        match backend {
            Ok(backend) => assert!(set.is_available() && backend.instructions() == set),
            Err(error) => {
                let text = error.to_string();
                assert!(!set.is_available() && text.contains(set.name()) && text.contains("choose one of scalar"));
            }
        }
    }
    assert!(Instructions::Scalar.is_available());
}
