//! What the ops promise: cuts of a batch change no bit, moves undo each other,
//! convolutions are what they should be.

use assay_exact::long::LongSum;
use assay_exact::{ElementError, Op, Operand, Precision, Shape, SliceOperand, Window, element, philox};
use proptest::prelude::*;

type Tensor = (Vec<u32>, Vec<f32>);

/// The whole output of an op.
fn run(op: &Op, inputs: &[&Tensor], output: &[u32]) -> Result<Tensor, ElementError> {
    let operands: Vec<SliceOperand<'_>> =
        inputs.iter().map(|(dims, data)| SliceOperand::new(Shape::new(dims).unwrap(), data)).collect();
    let operands: Vec<&dyn Operand> = operands.iter().map(|operand| operand as &dyn Operand).collect();
    let shape = Shape::new(output).unwrap();
    let data = (0..shape.elements()).map(|i| element(op, &operands, &shape, i)).collect::<Result<_, _>>()?;
    Ok((output.to_vec(), data))
}

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| x.to_bits()).collect()
}

/// Numbers of magnitudes from 2^-60 to 2^60, and zeros of both signs.
fn numbers(seed: u64, count: u32) -> Vec<f32> {
    (0..u64::from(count))
        .map(|i| {
            let word = |stream| philox::word([seed as u32, (seed >> 32) as u32], stream, 0, i);
            match word(0) % 9 {
                0 => 0.0,
                1 => -0.0,
                _ => philox::uniform(word(1), 1.0) * 2f32.powi((word(2) % 121) as i32 - 60),
            }
        })
        .collect()
}

/// Integers from -4 to 4, on which all sums below are exact.
fn small_integers(seed: u64, dims: &[u32]) -> Tensor {
    let count: u32 = dims.iter().product();
    let word = |i| philox::word([seed as u32, (seed >> 32) as u32], 3, 0, u64::from(i));
    (dims.to_vec(), (0..count).map(|i| (word(i) % 9) as f32 - 4.0).collect())
}

proptest! {
    /// A batch of `blocks` blocks is cut into parts anywhere between blocks; each part
    /// is a batch of its own, and all that is kept of it are accumulators.
    #[test]
    fn cutting_a_batch_changes_no_bit(
        seed: u64,
        block in 1u32..6,
        blocks in 1u32..7,
        rest in 0u32..6,
        cuts in any::<u8>(),
        level in 0usize..3,
    ) {
        let precision = [Precision::Int8x1, Precision::Int8x2, Precision::Int8x3][level];
        let (m, n) = (3, 2);
        let k = block * blocks + rest.min(block - 1);
        let (a, b) = ((vec![k, m], numbers(seed, k * m)), (vec![k, n], numbers(!seed, k * n)));
        let op = |block| Op::BlockMatMul { transpose_a: true, transpose_b: false, precision, block };
        let whole = run(&op(block), &[&a, &b], &[m, n]).unwrap().1;

        // From the last part to the first, each part with accumulators of its own.
        let mut total = vec![LongSum::default(); (m * n) as usize];
        let mut end = k;
        for start in (0..k).step_by(block as usize).collect::<Vec<_>>().into_iter().rev() {
            if start > 0 && cuts >> (start / block) & 1 == 0 {
                continue;
            }
            let rows = |(dims, data): &Tensor| {
                let width = dims[1];
                (vec![end - start, width], data[(start * width) as usize..(end * width) as usize].to_vec())
            };
            let (a, b) = (rows(&a), rows(&b));
            let mut part = vec![LongSum::default(); (m * n) as usize];
            for from in (0..end - start).step_by(block as usize) {
                let until = (end - start).min(from + block);
                let rows = |(dims, data): &Tensor| {
                    let width = dims[1];
                    (vec![until - from, width], data[(from * width) as usize..(until * width) as usize].to_vec())
                };
                let product = Op::MatMul { transpose_a: true, transpose_b: false, precision };
                let products = run(&product, &[&rows(&a), &rows(&b)], &[m, n]).unwrap().1;
                part.iter_mut().zip(products).for_each(|(sum, x)| sum.add(x));
            }
            total.iter_mut().zip(part).for_each(|(sum, x)| sum.merge(x));
            end = start;
        }
        prop_assert_eq!(end, 0);
        let got: Vec<f32> = total.into_iter().map(LongSum::finish).collect();
        prop_assert_eq!(bits(&got), bits(&whole));

        // One block is a matmul.
        let one = run(&op(k), &[&a, &b], &[m, n]).unwrap().1;
        let matmul = Op::MatMul { transpose_a: true, transpose_b: false, precision };
        prop_assert_eq!(bits(&one), bits(&run(&matmul, &[&a, &b], &[m, n]).unwrap().1));
    }

    #[test]
    fn block_products_are_close(seed: u64, block in 1u32..9, k in 1u32..40) {
        let a: Tensor = (vec![1, k], numbers(seed, k));
        let b: Tensor = (vec![k, 1], numbers(!seed, k));
        let op = Op::BlockMatMul { transpose_a: false, transpose_b: false, precision: Precision::Int8x2, block };
        let got = f64::from(run(&op, &[&a, &b], &[1, 1]).unwrap().1[0]);
        let (mut real, mut bound) = (0.0, 0.0);
        for (a, b) in a.1.chunks(block as usize).zip(b.1.chunks(block as usize)) {
            let pairs = || a.iter().zip(b).map(|(&a, &b)| (f64::from(a), f64::from(b)));
            let most = |x: &[f32]| x.iter().fold(0.0, |m: f64, &x| m.max(f64::from(x).abs()));
            real += pairs().map(|(a, b)| a * b).sum::<f64>();
            // Half a unit of each grid: 2^(e - 15), and 2^e is at most 4 times the greatest.
            bound += 8.0 * a.len() as f64 * most(a) * most(b) * 2f64.powi(-14);
        }
        prop_assert!((got - real).abs() <= bound + real.abs() * 2f64.powi(-20), "{} {}", got, real);
    }

    #[test]
    fn the_order_of_samples_changes_no_long_sum(seed: u64, n in 0u32..20, shift in 0u32..20) {
        let (values, width) = (numbers(seed, 2 * n), 2);
        let rows: Vec<f32> = (0..n).map(|i| (philox::word([1, seed as u32], 0, 0, u64::from(i)) % 4) as f32).collect();
        let turned = |x: &[f32], width: u32| {
            let mut x = x.to_vec();
            x.rotate_left((width * (shift % n.max(1))) as usize);
            x
        };
        let forward = [(vec![n, width], values.clone()), (vec![n], rows.clone())];
        let backward = [(vec![n, width], turned(&values, width)), (vec![n], turned(&rows, 1))];
        let scatter = |inputs: &[Tensor; 2]| run(&Op::LongScatterAdd, &[&inputs[0], &inputs[1]], &[4, 2]).unwrap().1;
        prop_assert_eq!(bits(&scatter(&forward)), bits(&scatter(&backward)));
        let sum = |input: &Tensor| run(&Op::LongSum { axes: 1 }, &[input], &[1, 2]).unwrap().1;
        prop_assert_eq!(bits(&sum(&forward[0])), bits(&sum(&backward[0])));
        // The rows of a scatter-add are together the whole sum: on one target they are it.
        let one = [(vec![n, width], values), (vec![n], vec![0.0; n as usize])];
        prop_assert_eq!(bits(&run(&Op::LongScatterAdd, &[&one[0], &one[1]], &[1, 2]).unwrap().1), bits(&sum(&one[0])));
    }

    #[test]
    fn permutations_undo_each_other(seed: u64, dims in proptest::collection::vec(0u32..4, 0..=4)) {
        let rank = dims.len();
        let mut order = [0u8, 1, 2, 3];
        for i in (1..rank).rev() {
            order.swap(i, (philox::word([seed as u32, 5], 0, 0, i as u64) as usize) % (i + 1));
        }
        let mut inverse = [0u8, 1, 2, 3];
        (0..4).for_each(|i| inverse[usize::from(order[i])] = i as u8);
        let x = (dims.clone(), numbers(seed, dims.iter().product()));
        let moved: Vec<u32> = order[..rank].iter().map(|&d| dims[usize::from(d)]).collect();
        let there = run(&Op::Permute { order }, &[&x], &moved).unwrap();
        let back = run(&Op::Permute { order: inverse }, &[&there], &dims).unwrap();
        prop_assert_eq!(bits(&back.1), bits(&x.1));
    }

    #[test]
    fn slices_concatenated_are_the_whole(seed: u64, axis in 0usize..3, size in 0u32..6, cut in 0u32..6) {
        let mut dims = vec![2, 3, 2];
        dims[axis] = size;
        let cut = cut.min(size);
        let x = (dims.clone(), numbers(seed, dims.iter().product()));
        let part = |start, size| {
            let mut own = dims.clone();
            own[axis] = size;
            run(&Op::Slice { axis: axis as u8, start }, &[&x], &own).unwrap()
        };
        let (left, right) = (part(0, cut), part(cut, size - cut));
        let whole = run(&Op::Concat { axis: axis as u8 }, &[&left, &right], &dims).unwrap();
        prop_assert_eq!(bits(&whole.1), bits(&x.1));
    }

    /// Patches times weights against the loops that define a convolution; and fold is the
    /// adjoint of patches: `<patches x, y> = <x, fold y>`.
    #[test]
    fn convolutions(
        seed: u64,
        size in (1u32..6, 1u32..6),
        kernel in (1u32..4, 1u32..4),
        stride in (1u32..3, 1u32..3),
        padding in (0u32..3, 0u32..3),
    ) {
        let (n, c, o) = (2, 2, 3);
        let (h, w) = size;
        prop_assume!(h + 2 * padding.0 >= kernel.0 && w + 2 * padding.1 >= kernel.1);
        let (oh, ow) =
            ((h + 2 * padding.0 - kernel.0) / stride.0 + 1, (w + 2 * padding.1 - kernel.1) / stride.1 + 1);
        let window =
            Window { kernel: kernel.into(), stride: stride.into(), padding: padding.into() };
        let (x, weights) = (small_integers(seed, &[n, c, h, w]), small_integers(!seed, &[o, c * kernel.0 * kernel.1]));
        let shape = [n * oh * ow, c * kernel.0 * kernel.1];
        let patches = run(&Op::Patches(window), &[&x], &shape).unwrap();
        let product = Op::MatMul { transpose_a: false, transpose_b: true, precision: Precision::Int8x2 };
        let got = run(&product, &[&patches, &weights], &[shape[0], o]).unwrap().1;
        let mut at = 0;
        for image in 0..n {
            for (oy, ox) in (0..oh).flat_map(|y| (0..ow).map(move |x| (y, x))) {
                for out in 0..o {
                    let mut want = 0.0;
                    for (channel, ky, kx) in
                        (0..c).flat_map(|c| (0..kernel.0).flat_map(move |y| (0..kernel.1).map(move |x| (c, y, x))))
                    {
                        let y = i64::from(oy * stride.0 + ky) - i64::from(padding.0);
                        let x_at = i64::from(ox * stride.1 + kx) - i64::from(padding.1);
                        if (0..i64::from(h)).contains(&y) && (0..i64::from(w)).contains(&x_at) {
                            let pixel = ((image * c + channel) * h + y as u32) * w + x_at as u32;
                            let weight = ((out * c + channel) * kernel.0 + ky) * kernel.1 + kx;
                            want += x.1[pixel as usize] * weights.1[weight as usize];
                        }
                    }
                    prop_assert_eq!(got[at], want);
                    at += 1;
                }
            }
        }
        let y = small_integers(seed ^ 1, &shape);
        let fold = run(&Op::Fold(window), &[&y], &x.0).unwrap();
        let dot = |a: &Tensor, b: &Tensor| a.1.iter().zip(&b.1).map(|(a, b)| a * b).sum::<f32>();
        prop_assert_eq!(dot(&patches, &y), dot(&x, &fold));
    }
}

#[test]
fn random_numbers_depend_on_everything_and_are_uniform() {
    let draw = |key, step, stream, n| {
        let counter: Tensor = (vec![8], philox::counter(key, step).to_vec());
        run(&Op::Random { stream }, &[&counter], &[n]).unwrap().1
    };
    let base = draw([1, 2], 3, 4, 20_000);
    assert_eq!(base[..50], draw([1, 2], 3, 4, 50), "an element does not depend on the size");
    for other in [draw([9, 2], 3, 4, 50), draw([1, 9], 3, 4, 50), draw([1, 2], 9, 4, 50), draw([1, 2], 3, 9, 50)] {
        assert_ne!(base[..50], other);
    }
    assert!(base.iter().all(|x| (0.0..1.0).contains(x)));
    for tenth in 0..10 {
        let count = base.iter().filter(|&&x| (x * 10.0) as u32 == tenth).count();
        assert!((1_800..2_200).contains(&count), "{count} of 20,000 in a tenth");
    }
}

#[test]
fn a_causal_mask() {
    let row = run(&Op::Iota { axis: 0 }, &[], &[3, 1]).unwrap();
    let column = run(&Op::Iota { axis: 1 }, &[], &[1, 3]).unwrap();
    use assay_exact::{Expr, Instr::*};
    let mask = Op::Map(Expr { instrs: vec![Const(0), Const(1f32.to_bits()), SelectLt(0, 1, 2, 3)] });
    let mask = run(&mask, &[&row, &column], &[3, 3]).unwrap().1;
    assert_eq!(mask, [1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0]);
}
