//! Moves, windows, random numbers, long sums and block products on the CPU equal the law bit for
//! bit, whatever the values, the shapes and the number of threads.

mod common;

use assay_engine::{Op, Precision, Shape};
use assay_exact::{Window, philox};
use common::{Random, same_everywhere, shape};
use proptest::prelude::*;

fn tensor(r: &mut Random, shape: Shape) -> (Shape, Vec<f32>) {
    (shape, r.values(shape.elements() as usize))
}

/// `dims` with another size in one place.
fn with(dims: &[u32], axis: usize, size: u32) -> Shape {
    let mut dims = dims.to_vec();
    dims[axis] = size;
    shape(&dims)
}

proptest! {
    #[test]
    fn permutations(seed: u64) {
        let r = &mut Random::new(seed);
        let rank = r.below(5) as usize;
        let input = r.shape(rank);
        let mut order = [0, 1, 2, 3];
        for i in (1..rank).rev() {
            order.swap(i, r.below(i as u32 + 1) as usize);
        }
        let dims: Vec<u32> = order[..rank].iter().map(|&from| input.dims()[usize::from(from)]).collect();
        let x = tensor(r, input);
        same_everywhere(&Op::Permute { order }, &[x], shape(&dims)).unwrap();
    }

    #[test]
    fn slices_and_concatenations(seed: u64) {
        let r = &mut Random::new(seed);
        let rank = 1 + r.below(4) as usize;
        let axis = r.below(rank as u32) as usize;
        let whole = r.shape(rank);
        let size = whole.dims()[axis];
        let (start, end) = (r.below(size + 1), r.below(size + 1));
        let (start, end) = (start.min(end), start.max(end));
        let x = tensor(r, whole);
        let slice = Op::Slice { axis: axis as u8, start };
        same_everywhere(&slice, std::slice::from_ref(&x), with(whole.dims(), axis, end - start)).unwrap();

        let mut parts = vec![x];
        let mut total = size;
        for _ in 0..r.below(4) {
            let size = r.below(6);
            total += size;
            parts.push(tensor(r, with(whole.dims(), axis, size)));
        }
        let concat = Op::Concat { axis: axis as u8 };
        same_everywhere(&concat, &parts, with(whole.dims(), axis, total)).unwrap();
        same_everywhere(&Op::Iota { axis: axis as u8 }, &[], whole).unwrap();
    }

    #[test]
    fn windows(seed: u64) {
        let r = &mut Random::new(seed);
        let mut pair = |from: u32, below: u32| [from + r.below(below), from + r.below(below)];
        let window = Window { kernel: pair(1, 4), stride: pair(1, 3), padding: pair(0, 3) };
        let [n, c] = pair(0, 4);
        let [h, w] = pair(1, 9);
        // A row that is longer than what is summed together.
        let w = if r.below(6) == 0 { 70 + r.below(9) } else { w };
        let images = shape(&[n, c, h, w]);
        if let Some([down, right]) = window.count(&images) {
            let [kh, kw] = window.kernel;
            let patches = shape(&[n * down as u32 * right as u32, c * kh * kw]);
            let x = tensor(r, images);
            same_everywhere(&Op::Patches(window), &[x], patches).unwrap();
            let x = tensor(r, patches);
            let _ = same_everywhere(&Op::Fold(window), &[x], images);
        }
    }

    #[test]
    fn random_numbers(seed: u64, key: [u32; 2], step: u64, stream in 0u32..1 << 24) {
        let r = &mut Random::new(seed);
        let rank = r.below(4) as usize;
        let output = r.shape(rank);
        let mut counter = philox::counter(key, step).to_vec();
        let eight = shape(&[8]);
        let got = same_everywhere(&Op::Random { stream }, &[(eight, counter.clone())], output).unwrap();
        prop_assert!(got.iter().all(|x| (0.0..1.0).contains(x)));
        counter[5] = r.pick(&[-1.0, 0.5, 65_536.0]);
        let refused = same_everywhere(&Op::Random { stream }, &[(eight, counter)], output);
        prop_assert_eq!(refused.is_err(), output.elements() > 0);
    }

    #[test]
    fn long_sums(seed: u64) {
        let r = &mut Random::new(seed);
        let rank = 1 + r.below(4) as usize;
        let input = r.shape(rank);
        let axes = 1 + r.below((1 << rank) - 1) as u8;
        let x = tensor(r, input);
        let _ = same_everywhere(&Op::LongSum { axes }, &[x], input.reduced(axes).unwrap());

        let (rows, width, count) = (1 + r.below(9), r.below(90), r.below(20));
        let indices: Vec<f32> = (0..count).map(|_| r.below(rows) as f32).collect();
        let values = tensor(r, shape(&[count, width]));
        let _ = same_everywhere(&Op::LongScatterAdd, &[values, (shape(&[count]), indices)], shape(&[rows, width]));
    }

    #[test]
    fn block_products(seed: u64) {
        let r = &mut Random::new(seed);
        let size = |r: &mut Random| match r.below(10) { 0 => 0, 1 => 1, 2 => 33, _ => 1 + r.below(9) };
        let (m, n) = (size(r), size(r));
        let k = match r.below(6) { 0 => 0, 1 => 300, 2 => 64, _ => 1 + r.below(40) };
        let block = match r.below(4) { 0 => 1, 1 => 16, 2 => 1000, _ => 1 + r.below(20) };
        let batch: &[u32] = if r.below(4) == 0 { &[2] } else { &[] };
        let (transpose_a, transpose_b) = (r.below(2) == 1, r.below(2) == 1);
        let dims = |r: u32, c: u32, swap| {
            let last = if swap { [c, r] } else { [r, c] };
            shape(&[batch, &last[..]].concat())
        };
        let (a, b) = (dims(m, k, transpose_a), dims(k, n, transpose_b));
        let inputs = [tensor(r, a), tensor(r, b)];
        for precision in [Precision::Int8x1, Precision::Int8x2, Precision::Int8x3] {
            let op = Op::BlockMatMul { transpose_a, transpose_b, precision, block };
            // An overflow is the same error everywhere.
            let _ = same_everywhere(&op, &inputs, dims(m, n, false));
        }
    }
}

#[test]
fn large_block_products() {
    // Several tiles in both directions, with more rows and columns than one has.
    let r = &mut Random::new(3);
    let mut random = |dims: &[u32]| {
        let shape = shape(dims);
        let data = (0..shape.elements()).map(|_| philox::uniform(r.word(), 1.0)).collect::<Vec<f32>>();
        (shape, data)
    };
    let inputs = [random(&[70, 130]), random(&[70, 300])];
    let op = Op::BlockMatMul { transpose_a: true, transpose_b: false, precision: Precision::Int8x2, block: 16 };
    same_everywhere(&op, &inputs, shape(&[130, 300])).unwrap();
}

#[test]
fn sums_beyond_both_cuts() {
    // 2^-90 breaks the tie between 1 and the next number, and only the long accumulator sees it.
    let x = vec![1.0, 2f32.powi(-24), 2f32.powi(-90), 0.0];
    let got = same_everywhere(&Op::LongSum { axes: 1 }, &[(shape(&[4]), x.clone())], shape(&[1])).unwrap();
    assert_eq!(got, [1.0f32.next_up()]);
    for dims in [[4, 1], [1, 4]] {
        let axes = if dims[0] == 4 { 1 } else { 2 };
        let got = same_everywhere(&Op::LongSum { axes }, &[(shape(&dims), x.clone())], shape(&[1, 1])).unwrap();
        assert_eq!(got, [1.0f32.next_up()]);
    }
    let huge = vec![f32::MAX, f32::MAX, -f32::MAX, 2f32.powi(-149)];
    let got = same_everywhere(&Op::LongSum { axes: 1 }, &[(shape(&[4]), huge)], shape(&[1])).unwrap();
    assert_eq!(got, [f32::MAX]);
}
