//! Emulated devices, and programs run on them beside the law.
#![allow(dead_code)]

#[path = "../../../engine/tests/common/mod.rs"]
pub mod common;

use std::path::Path;
use std::sync::OnceLock;

use assay_cuda::{CudaBackend, DeviceBackend, EmulatedDevice};
use assay_engine::{
    Backend, EngineError, Expr, Input, Instr, LawBackend, Op, OpNode, Program, Shape, State, TensorDecl, TensorKind,
};
use assay_exact::ElementError;

/// Where kernels are compiled to.
pub fn folder() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

/// An emulated device for each way in which the kernels differ: Turing, and all later ones; their
/// threads take turns in another order. With a number in `ASSAY_GPU`, that GPU as well.
pub fn devices() -> &'static [Box<dyn Backend>] {
    static DEVICES: OnceLock<Vec<Box<dyn Backend>>> = OnceLock::new();
    DEVICES.get_or_init(|| {
        let emulated = |(capability, seed)| -> Box<dyn Backend> {
            Box::new(DeviceBackend::new(EmulatedDevice::new(folder(), capability, seed)))
        };
        let gpu = std::env::var("ASSAY_GPU").ok().map(|number| -> Box<dyn Backend> {
            Box::new(
                CudaBackend::open(number.parse().expect("ASSAY_GPU is a number")).expect("the GPU named by ASSAY_GPU"),
            )
        });
        [(750, 1), (900, 2)].map(emulated).into_iter().chain(gpu).collect()
    })
}

/// The bits of every temporary, or what ended the step.
pub type Outcome = Result<Vec<Vec<u32>>, (usize, ElementError)>;

pub fn run(backend: &dyn Backend, program: &Program, inputs: &[Vec<f32>]) -> Outcome {
    let mut session = backend.prepare(program).unwrap();
    session.load(&State::init(program, [0; 32]).unwrap()).unwrap();
    let declared: Vec<&TensorDecl> = program.tensors.iter().filter(|tensor| tensor.kind == TensorKind::Input).collect();
    let given: Vec<Input<'_>> =
        declared.iter().zip(inputs).map(|(tensor, data)| Input::new(&tensor.name, data)).collect();
    match session.execute(&given) {
        Ok(_) => {}
        Err(EngineError::Element { op, problem, .. }) => return Err((op, problem)),
        Err(other) => panic!("{}: {other}", backend.name()),
    }
    let temporaries = program.tensors.iter().filter(|tensor| tensor.kind == TensorKind::Temporary);
    Ok(temporaries
        .map(|tensor| session.tensor(&tensor.name).unwrap().data.iter().map(|x| x.to_bits()).collect())
        .collect())
}

/// Runs the program by the law and on every emulated device and insists on the same bits, or the
/// same error.
pub fn same_everywhere(program: &Program, inputs: &[Vec<f32>]) -> Outcome {
    let law = run(&LawBackend, program, inputs);
    for device in devices() {
        let got = run(&**device, program, inputs);
        if got != law {
            let ops: Vec<&Op> = program.ops.iter().map(|node| &node.op).collect();
            let shapes: Vec<Shape> = program.tensors.iter().map(|tensor| tensor.shape).collect();
            let at = match (&got, &law) {
                (Ok(got), Ok(law)) => {
                    let tensor = (0..law.len()).find(|&i| got[i] != law[i]).unwrap();
                    let index = (0..law[tensor].len()).find(|&i| got[tensor][i] != law[tensor][i]).unwrap();
                    format!("temporary {tensor} at {index}: {:#x} for {:#x}", got[tensor][index], law[tensor][index])
                }
                (got, law) => format!("{:?} for {:?}", got.as_ref().err(), law.as_ref().err()),
            };
            panic!("{} differs from the law: {at}\n{ops:?}\n{shapes:?}", device.name());
        }
    }
    law
}

/// Builds programs of ops that each make a tensor of their own.
#[derive(Default)]
pub struct Builder {
    tensors: Vec<TensorDecl>,
    ops: Vec<OpNode>,
    pub inputs: Vec<Vec<f32>>,
}

impl Builder {
    pub fn input(&mut self, shape: Shape, data: Vec<f32>) -> u32 {
        let id = self.tensors.len() as u32;
        self.tensors.push(TensorDecl { name: format!("i{id}"), shape, kind: TensorKind::Input });
        self.inputs.push(data);
        id
    }

    pub fn op(&mut self, op: Op, inputs: &[u32], shape: Shape) -> u32 {
        let id = self.tensors.len() as u32;
        self.tensors.push(TensorDecl { name: format!("t{id}"), shape, kind: TensorKind::Temporary });
        self.ops.push(OpNode { op, inputs: inputs.to_vec(), output: id });
        id
    }

    pub fn program(&self) -> Program {
        Program { tensors: self.tensors.clone(), ops: self.ops.clone(), updates: vec![], outputs: vec![], pulse: None }
    }

    pub fn same_everywhere(&self) -> Outcome {
        same_everywhere(&self.program(), &self.inputs)
    }
}

/// A program of maps that have every instruction and read their inputs in every way.
pub fn every_instruction() -> Builder {
    use Instr::*;
    let one: [Instr; 13] = [
        Const(7),
        Copy(0),
        Neg(0),
        Abs(0),
        Sqrt(0),
        Rint(0),
        Ldexp(0, -3),
        Exp(0),
        Log(0),
        Tanh(0),
        Erf(0),
        SinPi(0),
        CosPi(0),
    ];
    let two =
        [Add(0, 1), Sub(0, 1), Mul(0, 1), Div(0, 1), Min(0, 1), Max(0, 1), SelectLt(0, 1, 1, 0), SelectEq(0, 1, 1, 0)];
    let mut b = Builder::default();
    let all = common::shape(&[2, 3, 4]);
    let x = b.input(all, vec![0.5; 24]);
    for instr in one {
        b.op(Op::Map(Expr { instrs: vec![instr] }), &[x], all);
    }
    let shapes: [&[u32]; 5] = [&[2, 3, 4], &[1], &[4], &[2, 3, 1], &[3, 1]];
    for (i, instr) in two.into_iter().enumerate() {
        let shape = common::shape(shapes[i % shapes.len()]);
        let y = b.input(shape, vec![0.25; shape.elements() as usize]);
        b.op(Op::Map(Expr { instrs: vec![instr] }), &[x, y], all);
    }
    b
}
