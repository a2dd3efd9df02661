//! Step programs: what a training job computes, and the back ends that compute it.
//!
//! A [`TrainingSpec`] (model, optimiser, precision, batch) compiles to a
//! [`Program`]: one flat list of ops over numbered tensors for a whole step
//! (forward, backward, optimiser), produced ahead of time. The program is all that
//! a [`Backend`] knows. A [`State`] holds the tensors that live from step to step;
//! [`State::root`] is its hash. A step answers with a [`Pulse`]: its exact loss and
//! exact gradient norm.
//!
//! Models are described in JSON (`docs/models.md`) and built of the layers of [`GraphBuilder`], which can be
//! used without a description, too; gradients are derived from the ops.
//!
//! What every op's every element is, bit for bit, is defined in `assay_exact`;
//! [`LawBackend`] computes just that, slowly, and [`CpuBackend`] the same fast, with
//! any number of threads.
//!
//! ```
//! use assay_engine::{Backend, CpuBackend, Input, State, TrainingSpec};
//!
//! let spec: TrainingSpec = serde_json::from_str(r#"{
//!     "model": { "mlp": { "inputs": 2, "hidden": [8], "classes": 2, "activation": "tanh" } },
//!     "optimiser": { "sgd": { "lr": 0.5, "momentum": 0.9, "weight_decay": 0.0 } },
//!     "precision": { "forward": "int8x2", "grad_input": "int8x2", "grad_weight": "int8x2" },
//!     "batch": 4
//! }"#)?;
//! let program = spec.compile()?;
//! let mut session = CpuBackend::new(2)?.prepare(&program)?;
//! session.load(&State::init(&program, [7; 32])?)?;
//!
//! let features = [0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0];
//! let labels = [0.0, 1.0, 1.0, 0.0];
//! let inputs = [Input::new("features", &features), Input::new("labels", &labels)];
//! let first = session.step(&inputs)?;
//! for _ in 0..200 {
//!     session.step(&inputs)?;
//! }
//! let last = session.step(&inputs)?;
//! assert!(last.loss() < first.loss() / 10.0);
//! println!("{}", hex::encode(session.state()?.root()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod autodiff;
mod backend;
mod builder;
mod cpu;
mod data;
mod derivative;
mod error;
mod float;
mod hash;
mod law;
mod layers;
mod model;
mod optimiser;
mod plan;
mod program;
mod pulse;
mod session;
mod state;
mod state_file;
mod sums;

pub use assay_exact::{ElementError, Expr, Instr, Op, Precision, Shape, SliceOperand, Window};
pub use backend::{Backend, Footprint, Input, Session, Tensor};
pub use builder::{ExprBuilder, GraphBuilder, Reg, Var};
pub use cpu::{CpuBackend, ExactMatMul, Instructions, Matrix};
pub use data::{Batch, Dataset, Sampler, accuracy, predict, split, train};
pub use error::EngineError;
pub use float::F32;
pub use hash::{philox_key, tensor_root};
pub use law::LawBackend;
pub use model::{
    Activation, Conv, ConvLayer, Cosine, Gpt, MAX_SPEC_BYTES, Mlp, ModelSpec, OptimiserSpec, ParameterGroup,
    PrecisionSpec, Samples, Schedule, TrainingSpec, compile_forward,
};
pub use plan::{Order, Run};
pub use program::{Init, OpNode, Program, PulseTensors, StateLayout, TensorDecl, TensorKind};
pub use pulse::{Pulse, salted_trace, trace_root};
pub use state::State;
