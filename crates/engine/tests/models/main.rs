//! Whole models: their losses against plain binary64 code, their gradients against finite differences,
//! the CPU against the law, and one state root for any instructions and threads.

#[path = "../common/mod.rs"]
mod common;

mod conv;
mod descriptions;
mod gpt;
mod memory;
mod optimisers;

use assay_engine::{
    Backend, CpuBackend, Input, Instructions, LawBackend, Program, Pulse, Samples, Session, State, TensorKind,
    TrainingSpec,
};
use assay_exact::philox;
use common::{Random, cpus};

fn spec(json: &str) -> TrainingSpec {
    serde_json::from_str(json).unwrap()
}

/// The values of a program's inputs in a step, made up.
struct Batch(Vec<(&'static str, Vec<f32>)>);

impl Batch {
    fn new(spec: &TrainingSpec, program: &Program, step: u64) -> Batch {
        let r = &mut Random::new(77 + step);
        let batch = spec.batch as usize;
        let mut inputs = match spec.model.samples() {
            Samples::Features { width, classes } => {
                let features = (0..batch * width as usize).map(|_| philox::uniform(r.word(), 1.0)).collect();
                let labels = (0..batch).map(|_| r.below(classes) as f32).collect();
                vec![("features", features), ("labels", labels)]
            }
            Samples::Tokens { context, vocabulary } => {
                let mut tokens = || (0..batch * context as usize).map(|_| r.below(vocabulary) as f32).collect();
                vec![("tokens", tokens()), ("labels", tokens())]
            }
        };
        if program.has_input("counter") {
            inputs.push(("counter", philox::counter([3, 5], step).to_vec()));
        }
        Batch(inputs)
    }

    fn get(&self, name: &str) -> &[f32] {
        &self.0.iter().find(|(own, _)| *own == name).unwrap().1
    }

    fn inputs(&self) -> Vec<Input<'_>> {
        self.0.iter().map(|(name, data)| Input::new(name, data)).collect()
    }
}

/// A session at the first state.
fn start(backend: &dyn Backend, program: &Program) -> Box<dyn Session> {
    let mut session = backend.prepare(program).unwrap();
    session.load(&State::init(program, [3; 32]).unwrap()).unwrap();
    session
}

/// Starts a program with larger weights than usual, so that every part of it matters.
fn lively(program: &Program) -> State {
    let start = State::init(program, [4; 32]).unwrap();
    let r = &mut Random::new(21);
    let data = start
        .tensors()
        .map(|(name, _, data)| {
            let near = if name.contains("ln_") && name.ends_with("weight") { 1.0 } else { 0.0 };
            data.iter().map(|_| near + philox::uniform(r.word(), 0.4)).collect()
        })
        .collect();
    State::from_parts(0, start.layout().clone(), data).unwrap()
}

fn pulse(session: &mut dyn Session, state: &State, batch: &Batch) -> Pulse {
    session.load(state).unwrap();
    session.step(&batch.inputs()).unwrap()
}

/// `state` with `by` added to a tensor.
fn moved(state: &State, tensor: &str, by: &[f64]) -> State {
    let data = state.tensors().map(|(name, _, data)| match name == tensor {
        true => data.iter().zip(by).map(|(x, by)| (f64::from(*x) + by) as f32).collect(),
        false => data.to_vec(),
    });
    State::from_parts(state.step(), state.layout().clone(), data.collect()).unwrap()
}

/// Checks the gradient of every parameter along itself and along a random direction. The
/// description must have SGD with a rate of 1 and nothing else, so that a step's update is the gradient.
fn check_gradients(spec: &TrainingSpec) {
    let program = spec.compile().unwrap();
    let batch = Batch::new(spec, &program, 0);
    let mut session = CpuBackend::new(1).unwrap().prepare(&program).unwrap();
    let state = lively(&program);
    pulse(&mut *session, &state, &batch);
    let after = session.state().unwrap();
    let r = &mut Random::new(8);
    for (name, _, before) in state.tensors() {
        let gradient: Vec<f64> =
            before.iter().zip(after.get(name).unwrap().1).map(|(a, b)| f64::from(*a) - f64::from(*b)).collect();
        let norm = gradient.iter().map(|x| x * x).sum::<f64>().sqrt();
        assert!(norm > 1e-4, "{name} has no gradient to speak of: {norm}");
        let along: Vec<f64> = gradient.iter().map(|x| x / norm).collect();
        let random: Vec<f64> = gradient.iter().map(|_| f64::from(philox::uniform(r.word(), 1.0))).collect();
        let length = random.iter().map(|x| x * x).sum::<f64>().sqrt();
        let random = random.iter().map(|x| x / length).collect();
        for direction in [along, random] {
            let want: f64 = gradient.iter().zip(&direction).map(|(a, b)| a * b).sum();
            // Small, so that hardly a maximum changes its place.
            let h = 5e-4;
            let mut loss = |h: f64| {
                let by: Vec<f64> = direction.iter().map(|x| x * h).collect();
                f64::from(pulse(&mut *session, &moved(&state, name, &by), &batch).loss())
            };
            let got = (loss(h) - loss(-h)) / (2.0 * h);
            assert!((got - want).abs() < 1e-3 + 0.01 * want.abs(), "{name}: the slope is {got}, the gradient {want}");
        }
    }
}

/// Insists on the same bits from the law and all CPU back ends, for every tensor that is made.
fn check_against_law(spec: &TrainingSpec, steps: u64) {
    let program = spec.compile().unwrap();
    let mut law = start(&LawBackend, &program);
    let mut others: Vec<_> = cpus().iter().map(|cpu| start(cpu, &program)).collect();
    for number in 0..steps {
        let batch = Batch::new(spec, &program, number);
        let want = law.step(&batch.inputs()).unwrap();
        for other in &mut others {
            assert_eq!(other.step(&batch.inputs()).unwrap(), want);
            for tensor in program.tensors.iter().filter(|tensor| tensor.kind == TensorKind::Temporary) {
                let [a, b] = [&mut law, &mut *other].map(|session| {
                    session.tensor(&tensor.name).unwrap().data.iter().map(|x| x.to_bits()).collect::<Vec<_>>()
                });
                assert_eq!(a, b, "{}", tensor.name);
            }
            assert_eq!(other.state_root().unwrap(), law.state_root().unwrap());
        }
    }
}

/// The state root and the last pulse after some steps.
fn train(backend: &CpuBackend, spec: &TrainingSpec, steps: u64) -> ([u8; 32], Pulse) {
    let program = spec.compile().unwrap();
    let mut session = start(backend, &program);
    let pulses = (0..steps).map(|number| session.step(&Batch::new(spec, &program, number).inputs()).unwrap());
    let last = pulses.last().unwrap();
    (session.state_root().unwrap(), last)
}

/// Insists on one state root for every set of instructions, several numbers of threads, and all numbers of
/// parts that the batch can be cut into.
fn check_invariance(spec: &TrainingSpec, steps: u64) {
    let want = train(&CpuBackend::new(1).unwrap(), spec, steps);
    for set in Instructions::available() {
        for (threads, grain) in [(1, 1), (2, 1), (3, 1), (2, 1 << 14)] {
            let backend = CpuBackend::new(threads).unwrap().with_grain(grain).with_instructions(set).unwrap();
            for parts in (1..=spec.batch).filter(|parts| spec.batch.is_multiple_of(*parts)) {
                let backend = backend.clone().with_parts(parts);
                assert_eq!(train(&backend, spec, steps), want, "{set}, {threads} threads, {parts} parts");
            }
        }
    }
}

/// The loss of logits, by row, in binary64.
fn cross_entropy(logits: &[Vec<f64>], labels: &[f32]) -> f64 {
    let rows = logits.iter().zip(labels).map(|(row, label)| {
        let total: f64 = row.iter().map(|z| z.exp()).sum();
        total.ln() - row[*label as usize]
    });
    rows.sum::<f64>() / labels.len() as f64
}
