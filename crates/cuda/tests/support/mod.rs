//! Emulated devices, and programs run on them beside the law.
#![allow(dead_code)]

#[path = "../../../engine/tests/common/mod.rs"]
pub mod common;

use std::path::Path;
use std::sync::OnceLock;

use assay_cuda::{DeviceBackend, EmulatedDevice};
use assay_engine::{
    Backend, EngineError, Input, LawBackend, Op, OpNode, Program, Shape, State, TensorDecl, TensorKind,
};
use assay_exact::ElementError;

pub type Emulated = DeviceBackend<EmulatedDevice>;

/// Where kernels are compiled to.
pub fn folder() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

/// One device for each way in which the kernels differ: Turing, and all later ones; their threads take
/// turns in another order.
pub fn devices() -> &'static [Emulated] {
    static DEVICES: OnceLock<Vec<Emulated>> = OnceLock::new();
    DEVICES.get_or_init(|| {
        [(750, 1), (900, 2)]
            .map(|(capability, seed)| DeviceBackend::new(EmulatedDevice::new(folder(), capability, seed)))
            .into_iter()
            .collect()
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
        let got = run(device, program, inputs);
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
            panic!("{} differs from the law: {at}\n{ops:?}\n{shapes:?}", device.device_name());
        }
    }
    law
}

trait Named {
    fn device_name(&self) -> &str;
}

impl Named for Emulated {
    fn device_name(&self) -> &str {
        self.name()
    }
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
        Program {
            tensors: self.tensors.clone(),
            ops: self.ops.clone(),
            updates: vec![],
            outputs: vec![],
            pulse: None,
        }
    }

    pub fn same_everywhere(&self) -> Outcome {
        same_everywhere(&self.program(), &self.inputs)
    }
}
