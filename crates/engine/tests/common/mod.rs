//! Random numbers, adversarial values, and one-op programs run on every back end.
#![allow(dead_code)]

use std::sync::OnceLock;

use assay_engine::{
    Backend, CpuBackend, EngineError, Input, Instructions, LawBackend, Op, OpNode, Program, Shape, State, Tensor,
    TensorDecl, TensorKind,
};
use assay_exact::{ElementError, philox};

/// A reproducible sequence of random numbers.
pub struct Random {
    key: u64,
    at: u64,
}

impl Random {
    pub fn new(key: u64) -> Random {
        Random { key, at: 0 }
    }

    pub fn word(&mut self) -> u32 {
        self.at += 1;
        philox::word([self.key as u32, (self.key >> 32) as u32], 0, 0, self.at)
    }

    /// Below `limit`.
    pub fn below(&mut self, limit: u32) -> u32 {
        self.word() % limit
    }

    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u32) as usize]
    }

    /// Any finite number.
    pub fn finite(&mut self) -> f32 {
        loop {
            let x = f32::from_bits(self.word());
            if x.is_finite() {
                return x;
            }
        }
    }

    /// Values of one of several tempers: ordinary, tiny, huge, mixed, with one outlier
    /// in a row, mostly zeros of both signs.
    pub fn values(&mut self, count: usize) -> Vec<f32> {
        let temper = self.below(7);
        let outlier = self.below(1 + count as u32) as usize;
        (0..count)
            .map(|i| {
                let ordinary = philox::uniform(self.word(), 2.0);
                match temper {
                    0 | 1 => ordinary,
                    // Subnormal.
                    2 => f32::from_bits(self.word() & 0x807f_ffff),
                    3 => ordinary * 1e37,
                    4 => self.finite(),
                    5 if i % 17 == outlier % 17 => ordinary * 1e20,
                    5 => ordinary,
                    _ => match self.below(8) {
                        0 => ordinary,
                        1 => f32::from_bits(self.below(4)),
                        2..5 => -0.0,
                        _ => 0.0,
                    },
                }
            })
            .collect()
    }

    /// A shape of the given rank; sizes are small, now and then 0 or 1, and the last
    /// is sometimes large.
    pub fn shape(&mut self, rank: usize) -> Shape {
        let dims: Vec<u32> = (0..rank)
            .map(|axis| match self.below(12) {
                0 => 0,
                1 | 2 => 1,
                3 if axis + 1 == rank => 200 + self.below(400),
                _ => 1 + self.below(9),
            })
            .collect();
        shape(&dims)
    }
}

pub fn shape(dims: &[u32]) -> Shape {
    Shape::new(dims).unwrap()
}

/// CPU back ends with several thread counts, cut as finely as can be and as usual, and
/// with every set of instructions that this machine has.
pub fn cpus() -> &'static [CpuBackend] {
    static CPUS: OnceLock<Vec<CpuBackend>> = OnceLock::new();
    CPUS.get_or_init(|| {
        let threads = [(1, 1), (2, 1), (3, 1), (8, 1), (2, 1 << 16)]
            .map(|(threads, grain)| CpuBackend::new(threads).unwrap().with_grain(grain));
        let instructions = Instructions::available()
            .map(|set| CpuBackend::new(2).unwrap().with_grain(1).with_instructions(set).unwrap());
        threads.into_iter().chain(instructions).collect()
    })
}

/// A program that applies one op to inputs `i0`, `i1`, ... and puts out `out`.
pub fn one_op(op: &Op, inputs: &[Shape], output: Shape) -> Program {
    let mut tensors: Vec<TensorDecl> = inputs
        .iter()
        .enumerate()
        .map(|(i, &shape)| TensorDecl { name: format!("i{i}"), shape, kind: TensorKind::Input })
        .collect();
    let out = tensors.len() as u32;
    tensors.push(TensorDecl { name: "out".into(), shape: output, kind: TensorKind::Temporary });
    Program {
        tensors,
        ops: vec![OpNode { op: op.clone(), inputs: (0..out).collect(), output: out }],
        updates: vec![],
        outputs: vec![out],
        pulse: None,
    }
}

fn run(backend: &dyn Backend, program: &Program, inputs: &[(Shape, Vec<f32>)]) -> Result<Tensor, ElementError> {
    let mut session = backend.prepare(program).unwrap();
    session.load(&State::init(program, [0; 32]).unwrap()).unwrap();
    let names: Vec<String> = (0..inputs.len()).map(|i| format!("i{i}")).collect();
    let inputs: Vec<Input<'_>> = names.iter().zip(inputs).map(|(name, (_, data))| Input::new(name, data)).collect();
    match session.run(&inputs, "out") {
        Ok(tensor) => Ok(tensor),
        Err(EngineError::Element { step: 0, op: 0, problem, .. }) => Err(problem),
        Err(other) => panic!("{other}"),
    }
}

/// Runs one op by the law and on every CPU back end and insists on the same bits, or
/// the same error. Gives the law's answer.
pub fn same_everywhere(op: &Op, inputs: &[(Shape, Vec<f32>)], output: Shape) -> Result<Vec<f32>, ElementError> {
    let shapes: Vec<Shape> = inputs.iter().map(|(shape, _)| *shape).collect();
    let program = one_op(op, &shapes, output);
    let bits = |result: &Result<Tensor, ElementError>| {
        result.clone().map(|tensor| tensor.data.iter().map(|x| x.to_bits()).collect::<Vec<_>>())
    };
    let law = run(&LawBackend, &program, inputs);
    for cpu in cpus() {
        let got = run(cpu, &program, inputs);
        assert_eq!(bits(&got), bits(&law), "{} differs from the law in {op:?}, {shapes:?}", cpu.name());
    }
    law.map(|tensor| tensor.data)
}
