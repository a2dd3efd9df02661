//! The gradient of every op against central differences of the program itself.

mod common;

use assay_engine::{
    Backend, CpuBackend, EngineError, Expr, ExprBuilder, GraphBuilder, Init, Input, Op, Precision, PrecisionSpec,
    Shape, State, Var, Window,
};
use common::{Random, shape};

const EXACT: Precision = Precision::Int8x3;

fn builder() -> GraphBuilder {
    GraphBuilder::new(PrecisionSpec { forward: EXACT, grad_input: EXACT, grad_weight: EXACT })
}

/// `a * b` or, with one input, `a * a`.
fn product(inputs: usize) -> Expr {
    let mut b = ExprBuilder::new(inputs);
    let (x, y) = (b.input(0), b.input(inputs - 1));
    let result = b.mul(x, y);
    b.finish(result).unwrap()
}

/// Builds a tensor from inputs `p0`, `p1`, ... and checks the gradients of the sum of its squares
/// by each of them. The tensor must be linear in every element: central differences of
/// the loss are then exact but for rounding.
fn check(shapes: &[Shape], make: impl Fn(&mut GraphBuilder, &[Var]) -> Result<Var, EngineError>) {
    let mut g = builder();
    let names: Vec<String> = (0..shapes.len()).map(|i| format!("p{i}")).collect();
    let inputs: Vec<Var> = names.iter().zip(shapes).map(|(name, &shape)| g.input(name, shape)).collect();
    let result = make(&mut g, &inputs).unwrap();
    let squares = g.map("squares", product(1), &[result]).unwrap();
    let loss = g.total("the-loss", &[squares]).unwrap();
    for gradient in g.gradients(loss, &inputs).unwrap() {
        g.output(gradient);
    }
    let program = g.finish(None).unwrap();
    let mut session = CpuBackend::new(1).unwrap().prepare(&program).unwrap();
    session.load(&State::init(&program, [0; 32]).unwrap()).unwrap();

    let r = &mut Random::new(11);
    let point: Vec<Vec<f32>> = shapes
        .iter()
        .map(|shape| (0..shape.elements()).map(|_| assay_exact::philox::uniform(r.word(), 1.0)).collect())
        .collect();
    let mut run = |point: &[Vec<f32>], tensor: &str| -> Vec<f32> {
        let inputs: Vec<Input<'_>> = names.iter().zip(point).map(|(name, data)| Input::new(name, data)).collect();
        session.run(&inputs, tensor).unwrap().data
    };
    for (i, &output) in program.outputs.iter().enumerate() {
        let tensor = &program.tensors[output as usize];
        assert_eq!(tensor.shape, shapes[i]);
        let gradient = run(&point, &tensor.name);
        for (j, got) in gradient.iter().enumerate() {
            let mut at = |h: f32| {
                let mut moved = point.clone();
                moved[i][j] += h;
                (f64::from(run(&moved, "the-loss")[0]), f64::from(moved[i][j]))
            };
            let ((y1, x1), (y0, x0)) = (at(0.0625), at(-0.0625));
            let want = (y1 - y0) / (x1 - x0);
            let difference = (f64::from(*got) - want).abs();
            assert!(difference < 1e-3 * (1.0 + want.abs()), "input {i}, element {j}: {got}, not {want}");
        }
    }
}

#[test]
fn matmuls_however_transposed() {
    for (ta, tb) in [(false, false), (false, true), (true, false), (true, true)] {
        let a = if ta { [4, 3] } else { [3, 4] };
        let b = if tb { [5, 4] } else { [4, 5] };
        check(&[shape(&a), shape(&b)], |g, p| g.matmul("out", (p[0], ta), (p[1], tb), EXACT));
        let (a, b) = ([&[2], &a[..]].concat(), [&[2], &b[..]].concat());
        check(&[shape(&a), shape(&b)], |g, p| g.matmul("out", (p[0], ta), (p[1], tb), EXACT));
    }
}

#[test]
fn maps_that_broadcast() {
    for (left, right) in [
        (vec![3, 4], vec![4]),
        (vec![3, 4], vec![3, 1]),
        (vec![2, 3, 4], vec![3, 1]),
        (vec![2, 1, 4], vec![3, 1]),
        (vec![], vec![2, 2]),
    ] {
        check(&[shape(&left), shape(&right)], |g, p| g.map("out", product(2), p));
    }
    // The same tensor twice: both uses count.
    let mut b = ExprBuilder::new(2);
    let (x, y) = (b.input(0), b.input(1));
    let result = b.add(x, y);
    let sum = b.finish(result).unwrap();
    check(&[shape(&[3])], |g, p| g.map("out", sum.clone(), &[p[0], p[0]]));
}

#[test]
fn sums_and_moves() {
    for axes in 1..8 {
        check(&[shape(&[2, 3, 4])], |g, p| g.sum("out", p[0], axes));
    }
    check(&[shape(&[2, 3]), shape(&[4])], |g, p| g.total("out", p));
    check(&[shape(&[2, 3, 4])], |g, p| {
        let turned = g.transpose("turned", p[0])?;
        g.reshape("out", turned, shape(&[8, 3]))
    });
    // Indices computed from no input: 0, 1 and 2 times 0 and 1.
    let indices = |g: &mut GraphBuilder| -> Result<Var, EngineError> {
        let (zero, one) = (g.constant("zero", 0.0)?, g.constant("one", 1.0)?);
        let zero = g.reshape("zeros", zero, shape(&[1]))?;
        let one = g.reshape("ones", one, shape(&[1]))?;
        // Row sums of a one-hot of (0) are (1); both are spread over five places below.
        let hot = g.one_hot("hot", zero, 5)?;
        let hot = g.reshape("flat", hot, shape(&[5]))?;
        g.map("indices", product(2), &[hot, one])
    };
    check(&[shape(&[3, 2])], |g, p| {
        let indices = indices(g)?;
        g.gather("out", p[0], indices)
    });
    check(&[shape(&[5, 2])], |g, p| {
        let indices = indices(g)?;
        g.scatter_add("out", p[0], indices, 4)
    });
}

#[test]
fn parts_and_orders() {
    check(&[shape(&[2, 3, 1, 4])], |g, p| g.permute("out", p[0], &[3, 1, 0, 2]));
    check(&[shape(&[3, 4]), shape(&[1, 4])], |g, p| g.concat("out", 0, &[p[1], p[0], p[1]]));
    // Slices that touch, overlap and leave gaps: all of it once, some twice, some not at all.
    for parts in [&[(0u32, 2u32), (2, 3)][..], &[(1, 3), (2, 2)], &[(3, 1)], &[(4, 1), (0, 1), (0, 5)]] {
        check(&[shape(&[2, 5, 2])], |g, p| {
            let parts: Vec<Var> = parts
                .iter()
                .map(|&(start, length)| g.slice("part", p[0], 1, start, length))
                .collect::<Result<_, EngineError>>()?;
            g.concat("out", 1, &parts)
        });
    }
}

#[test]
fn windows() {
    for window in [
        Window { kernel: [2, 3], stride: [1, 1], padding: [0, 1] },
        Window { kernel: [1, 2], stride: [3, 2], padding: [1, 0] },
    ] {
        let images = shape(&[2, 2, 4, 5]);
        check(&[images], |g, p| g.patches("out", p[0], window));
        let [down, right] = window.count(&images).unwrap().map(|count| count as u32);
        let patches = shape(&[2 * down * right, 2 * window.kernel[0] * window.kernel[1]]);
        check(&[patches], |g, p| g.fold("out", p[0], window, images));
    }
}

#[test]
fn sums_over_the_batch() {
    check(&[shape(&[2, 3, 4])], |g, p| g.long_sum("out", p[0], 0b101));
    check(&[shape(&[5, 2]), shape(&[5, 3])], |g, p| g.block_matmul("out", (p[0], true), (p[1], false), EXACT, 2));
    check(&[shape(&[3, 2])], |g, p| {
        let indices = g.iota("indices", shape(&[3]), 0)?;
        g.long_scatter_add("out", p[0], indices, 4)
    });
}

/// The gradients of a program in blocks are sums over samples by block products and long sums, and
/// those within a sample stay as they are.
#[test]
fn gradients_of_weights_are_made_in_blocks() {
    let mut g = builder().with_blocks(6, 2);
    let x = g.input("x", shape(&[12, 3]));
    let labels = g.input("labels", shape(&[12]));
    let weight = g.state("w", shape(&[3, 4]), Init::Constant(0));
    let bias = g.state("b", shape(&[4]), Init::Constant(0));
    let table = g.state("t", shape(&[5, 3]), Init::Constant(0));
    let looked_up = g.gather("looked-up", table, labels).unwrap();
    let sum = g.map("sum", product(2), &[x, looked_up]).unwrap();
    let out = g.linear("out", sum, (weight, false), Some(bias)).unwrap();
    let loss = g.cross_entropy(out, labels).unwrap();
    g.gradients(loss, &[weight, bias, table]).unwrap();
    let ops: Vec<Op> = g.finish(None).unwrap().ops.into_iter().map(|node| node.op).collect();
    // Two rows for each sample.
    assert!(ops.iter().any(|op| matches!(op, Op::BlockMatMul { transpose_a: true, block: 4, .. })), "{ops:?}");
    assert!(ops.contains(&Op::LongSum { axes: 1 }) && ops.contains(&Op::LongScatterAdd), "{ops:?}");
    assert!(!ops.contains(&Op::ScatterAdd));
}

#[test]
fn a_stopped_gradient_is_a_constant_and_a_maximum_shares_it() {
    let gradient = |stopped: bool| {
        let mut g = builder();
        let x = g.input("x", shape(&[2, 4]));
        let most = g.max("most", x, 0b10).unwrap();
        if stopped {
            g.stop_gradient(most);
        }
        let scaled = g.map("scaled", product(2), &[x, most]).unwrap();
        let loss = g.total("the-loss", &[scaled]).unwrap();
        let gradient = g.gradients(loss, &[x]).unwrap()[0];
        g.output(gradient);
        let program = g.finish(None).unwrap();
        let mut session = CpuBackend::new(1).unwrap().prepare(&program).unwrap();
        session.load(&State::init(&program, [0; 32]).unwrap()).unwrap();
        let name = &program.tensors[program.outputs[0] as usize].name;
        session.run(&[Input::new("x", &[1.0, 3.0, 2.0, 3.0, -1.0, -5.0, -2.0, -4.0])], name).unwrap().data
    };
    assert_eq!(gradient(true), [3.0, 3.0, 3.0, 3.0, -1.0, -1.0, -1.0, -1.0]);
    // The sum of a row, 9 and -12, goes to the greatest, in equal shares.
    assert_eq!(gradient(false), [3.0, 7.5, 3.0, 7.5, -13.0, -1.0, -1.0, -1.0]);
}

#[test]
fn losses_that_cannot_be_differentiated_are_refused() {
    let mut g = builder();
    let (x, y) = (g.input("x", shape(&[2])), g.input("y", shape(&[2])));
    let loss = g.total("the-loss", &[x]).unwrap();
    assert!(g.gradients(loss, &[y]).unwrap_err().to_string().contains("does not depend on \"y\""));
    assert!(g.gradients(x, &[x]).unwrap_err().to_string().contains("not of rank 0"));
}
