//! The vectors of `docs/vectors` about hashes and whole jobs: what this crate gives for
//! them has not changed. `crates/exact/tests/vectors` has the others and checks all of
//! them against an implementation of `docs/law.md` in Python.
//!
//! After a deliberate change of the law or of a program,
//! `ASSAY_WRITE_VECTORS=1 cargo test -p assay-engine --test vectors` writes them anew.

#[path = "../../exact/tests/vectors/file.rs"]
mod file;

use assay_engine::{
    Backend, CpuBackend, Expr, Init, Input, Instr, LawBackend, Op, OpNode, Precision, Program, Pulse, PulseTensors,
    Sampler, Shape, State, TensorDecl, TensorKind, TrainingSpec, philox_key, salted_trace, split, tensor_root,
    trace_root,
};
use assay_exact::philox;
use parity_scale_codec::Encode;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

fn bits(x: &[f32]) -> String {
    x.iter().map(|x| format!("{:08x}", x.to_bits())).collect::<Vec<_>>().join(" ")
}

/// A program whose state has these names and shapes.
fn program_of(tensors: &[(&str, &[u32])]) -> Program {
    let declare = |&(name, dims): &(&str, &[u32])| TensorDecl {
        name: name.into(),
        shape: Shape::new(dims).unwrap(),
        kind: TensorKind::State(Init::Uniform { bound: 0.7f32.to_bits() }),
    };
    let tensors = tensors.iter().map(declare).collect();
    Program { tensors, ops: vec![], updates: vec![], outputs: vec![], pulse: None }
}

#[test]
fn hashes() {
    let mut cases = Vec::new();
    for count in [0, 1, 255, 256, 257, 600, 1300] {
        let data: Vec<f32> = (0..count).map(|i| philox::uniform(philox::word([1, 2], 3, 4, i), 9.0)).collect();
        cases.push(json!({ "tensor": bits(&data), "root": hex::encode(tensor_root(&data)) }));
    }
    let layouts: [&[(&str, &[u32])]; 4] = [
        &[("w", &[2, 3])],
        &[("layer1.weight", &[3, 2]), ("layer0.weight", &[2]), ("Z", &[])],
        &[("a", &[0]), ("a.b", &[1, 1, 1, 2]), ("a-b", &[2, 2, 1])],
        &[],
    ];
    for (seed, layout) in (0u8..).zip(layouts) {
        let start = State::init(&program_of(layout), [seed; 32]).unwrap();
        let data = start.tensors().map(|(_, _, data)| data.to_vec()).collect();
        let state = State::from_parts(0x0102_0304_0506 * u64::from(seed), start.layout().clone(), data).unwrap();
        let tensors: Vec<Value> = state
            .tensors()
            .map(|(name, shape, data)| json!({ "name": name, "shape": shape.dims(), "bits": bits(data) }))
            .collect();
        cases.push(json!({ "state": tensors, "step": state.step(), "root": hex::encode(state.root()) }));
    }
    for count in [0, 1, 3] {
        let pulse = |step| Pulse { step, loss: (step as f32 / 3.0).into(), grad_norm: (-0.0).into() };
        let pulses: Vec<Pulse> = (7..7 + count).map(pulse).collect();
        // The salt, as assay_protocol::commitment::trace_salt makes it.
        let (job, segment, after) = (5u64, 2u32, [9u8; 32]);
        let salt: [u8; 32] = Sha256::digest([&b"asy:seal"[..], &(job, segment, after).encode()].concat()).into();
        let listed: Vec<Value> =
            pulses.iter().map(|p| json!({ "step": p.step, "bits": bits(&[p.loss(), p.grad_norm()]) })).collect();
        cases.push(json!({
            "pulses": listed, "root": hex::encode(trace_root(&pulses)),
            "job": job, "segment": segment, "after": hex::encode(after),
            "salt": hex::encode(salt), "salted": hex::encode(salted_trace(salt, &pulses)),
        }));
    }
    file::check("hashes", "Tensor roots, state roots, trace roots and salted traces.", cases);
}

/// Rows of two features and a class.
const ROWS: [[f32; 3]; 9] = [
    [0.0, 0.1, 0.0],
    [1.0, -0.2, 1.0],
    [0.3, 1.0, 1.0],
    [-1.0, 1.2, 0.0],
    [0.5, 0.5, 1.0],
    [100.0, 1e-30, 0.0],
    [-0.0, 2.0, 1.0],
    [0.7, -0.7, 0.0],
    [0.25, 0.125, 1.0],
];

/// Four steps of a program on [`ROWS`], on both back ends.
fn job(program: &Program, batch: u32, names: &[&str]) -> Value {
    let (seed, held_out) = ([0x5a; 32], 2);
    let (training, _) = split(&seed, ROWS.len() as u64, held_out).unwrap();
    let sampler = Sampler::new(&seed, training, batch).unwrap();
    let run = |backend: &dyn Backend| -> (Vec<String>, Vec<Pulse>) {
        let mut session = backend.prepare(program).unwrap();
        let start = State::init(program, seed).unwrap();
        session.load(&start).unwrap();
        let (mut roots, mut pulses) = (vec![hex::encode(start.root())], vec![]);
        for step in 0..4 {
            let rows = sampler.rows(step);
            let features: Vec<f32> = rows.iter().flat_map(|&row| ROWS[row as usize][..2].to_vec()).collect();
            let labels: Vec<f32> = rows.iter().map(|&row| ROWS[row as usize][2]).collect();
            let counter = philox::counter(philox_key(&seed), step);
            let all = [("features", &features[..]), ("labels", &labels), ("counter", &counter)];
            let inputs: Vec<Input<'_>> = all
                .into_iter()
                .filter(|(name, _)| names.contains(name))
                .map(|(name, data)| Input::new(name, data))
                .collect();
            pulses.push(session.step(&inputs).unwrap());
            roots.push(hex::encode(session.state().unwrap().root()));
        }
        (roots, pulses)
    };
    let (roots, pulses) = run(&LawBackend);
    assert_eq!(run(&CpuBackend::new(2).unwrap()), (roots.clone(), pulses.clone()));
    json!({
        "program": hex::encode(program.encode()), "program_hash": hex::encode(program.hash()),
        "seed": hex::encode(seed), "rows": ROWS.iter().map(|row| bits(row)).collect::<Vec<_>>(),
        "held_out": held_out, "batch": batch, "roots": roots,
        "pulses": pulses.iter().map(|p| bits(&[p.loss(), p.grad_norm()])).collect::<Vec<_>>(),
        "trace_root": hex::encode(trace_root(&pulses)),
    })
}

/// A linear map with dropout whose gradient is summed block by block.
fn with_dropout() -> Program {
    let mut tensors = Vec::new();
    let mut declare = |name: &str, dims: &[u32], kind| {
        tensors.push(TensorDecl { name: name.into(), shape: Shape::new(dims).unwrap(), kind });
        tensors.len() as u32 - 1
    };
    let temporary = TensorKind::Temporary;
    let features = declare("features", &[4, 2], TensorKind::Input);
    let counter = declare("counter", &[8], TensorKind::Input);
    let start = Init::Uniform { bound: 0.5f32.to_bits() };
    let weight = declare("weight", &[2, 2], TensorKind::State(start));
    let bias = declare("bias", &[1, 2], TensorKind::State(Init::Constant(0)));
    // Never updated.
    let rate = declare("rate", &[], TensorKind::State(Init::Constant(0.01f32.to_bits())));
    let noise = declare("noise", &[4, 2], temporary);
    let kept = declare("kept", &[4, 2], temporary);
    let product = declare("product", &[4, 2], temporary);
    let out = declare("out", &[4, 2], temporary);
    let (squares, loss) = (declare("squares", &[4, 2], temporary), declare("loss", &[], temporary));
    let weight_grad = declare("weight.grad", &[2, 2], temporary);
    let bias_grad = declare("bias.grad", &[1, 2], temporary);
    let (norm2, norm) = (declare("norm2", &[1, 1], temporary), declare("norm", &[], temporary));
    let (weight_next, bias_next) =
        (declare("weight.next", &[2, 2], temporary), declare("bias.next", &[1, 2], temporary));
    let scaled = declare("weight.square", &[2, 2], temporary);

    let map = |instrs: &[Instr]| Op::Map(Expr { instrs: instrs.into() });
    let (half, two) = (0.5f32.to_bits(), 2f32.to_bits());
    let drop = map(&[
        Instr::Const(half),
        Instr::Const(0),
        Instr::Const(two),
        Instr::SelectLt(1, 2, 3, 4),
        Instr::Mul(0, 5),
        Instr::Erf(6),
    ]);
    let square = || map(&[Instr::Mul(0, 0)]);
    let descend = || map(&[Instr::Mul(1, 2), Instr::Sub(0, 3)]);
    let precision = Precision::Int8x2;
    let nodes = [
        (Op::Random { stream: 1 }, vec![counter], noise),
        (drop, vec![features, noise], kept),
        (Op::MatMul { transpose_a: false, transpose_b: false, precision }, vec![kept, weight], product),
        (map(&[Instr::Add(0, 1)]), vec![product, bias], out),
        (square(), vec![out], squares),
        (Op::Total, vec![squares], loss),
        (Op::BlockMatMul { transpose_a: true, transpose_b: false, precision, block: 1 }, vec![kept, out], weight_grad),
        (Op::LongSum { axes: 1 }, vec![out], bias_grad),
        (square(), vec![weight_grad], scaled),
        (Op::LongSum { axes: 3 }, vec![scaled], norm2),
        (Op::Reshape, vec![norm2], norm),
        (descend(), vec![weight, weight_grad, rate], weight_next),
        (descend(), vec![bias, bias_grad, rate], bias_next),
    ];
    let ops = nodes.map(|(op, inputs, output)| OpNode { op, inputs, output }).into();
    let updates = vec![(weight, weight_next), (bias, bias_next)];
    Program { tensors, ops, updates, outputs: vec![out], pulse: Some(PulseTensors { loss, grad_norm: norm }) }
}

#[test]
fn jobs() {
    let spec = |optimiser: Value, activation: &str, precision: [&str; 3]| -> TrainingSpec {
        serde_json::from_value(json!({
            "model": { "mlp": { "inputs": 2, "hidden": [3], "classes": 2, "activation": activation } },
            "optimiser": optimiser,
            "precision": { "forward": precision[0], "grad_input": precision[1], "grad_weight": precision[2] },
            "batch": 4,
        }))
        .unwrap()
    };
    let adamw = json!({ "adamw": { "lr": 0.01, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.01 } });
    let sgd = json!({ "sgd": { "lr": 0.1, "momentum": 0.9, "weight_decay": 0.001 } });
    let names = ["features", "labels"];
    let cases = vec![
        job(&spec(adamw, "tanh", ["int8x2"; 3]).compile().unwrap(), 4, &names),
        job(&spec(sgd, "relu", ["int8x1", "int8x2", "int8x3"]).compile().unwrap(), 4, &names),
        job(&with_dropout(), 4, &["features", "counter"]),
    ];
    file::check("jobs", "Whole jobs: program, seed and data give every state root and pulse.", cases);
}
