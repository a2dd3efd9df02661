//! Which back end a program runs on.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use assay_engine::{Backend, CpuBackend, EngineError, Input, Pulse, State, TrainingSpec};

use crate::backend::CudaBackend;

/// What `--backend` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BackendChoice {
    /// The CPU.
    Cpu,
    /// The first GPU, or an error.
    Cuda,
    /// The first GPU if there is one that passes [`self_test`], otherwise the CPU.
    #[default]
    Auto,
}

impl FromStr for BackendChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<BackendChoice, String> {
        match text {
            "cpu" => Ok(BackendChoice::Cpu),
            "cuda" => Ok(BackendChoice::Cuda),
            "auto" => Ok(BackendChoice::Auto),
            _ => Err("cpu, cuda or auto is needed".into()),
        }
    }
}

impl fmt::Display for BackendChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BackendChoice::Cpu => "cpu",
            BackendChoice::Cuda => "cuda",
            BackendChoice::Auto => "auto",
        })
    }
}

/// The back end that a choice came to.
pub struct Chosen {
    /// The back end.
    pub backend: Arc<dyn Backend>,
    /// Why it is not the GPU, where `auto` looked for one in vain.
    pub instead: Option<String>,
}

impl BackendChoice {
    /// Opens a back end, with `threads` threads (0: one per core) if it is the CPU's, that refuses
    /// programs of more than `memory` bytes.
    ///
    /// # Errors
    /// The machine grants no threads; or with [`BackendChoice::Cuda`], there is no GPU, or it computes
    /// wrongly.
    pub fn open(self, threads: usize, memory: u64) -> Result<Chosen, EngineError> {
        let cpu = || Ok::<_, EngineError>(Arc::new(CpuBackend::new(threads)?.with_memory_limit(memory)));
        let gpu = || -> Result<Arc<dyn Backend>, EngineError> {
            let backend = CudaBackend::open(0).map_err(|error| EngineError::Machine(error.to_string()))?;
            self_test(&backend)?;
            Ok(Arc::new(backend.with_memory_limit(memory)))
        };
        match self {
            BackendChoice::Cpu => Ok(Chosen { backend: cpu()?, instead: None }),
            BackendChoice::Cuda => Ok(Chosen { backend: gpu()?, instead: None }),
            BackendChoice::Auto => match gpu() {
                Ok(backend) => Ok(Chosen { backend, instead: None }),
                Err(error) => Ok(Chosen { backend: cpu()?, instead: Some(error.to_string()) }),
            },
        }
    }
}

/// Steps of the self-test.
const STEPS: usize = 3;

/// Trains a small model on `backend` and on the CPU and compares pulses and state roots.
///
/// # Errors
/// They differ, or one of them fails.
pub fn self_test(backend: &dyn Backend) -> Result<(), EngineError> {
    let spec = r#"{
        "model": { "mlp": { "inputs": 70, "hidden": [150, 9], "classes": 5, "activation": "tanh" } },
        "optimiser": { "adamw": { "lr": 0.01, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.01 } },
        "precision": { "forward": "int8x2", "grad_input": "int8x1", "grad_weight": "int8x3" },
        "batch": 40
    }"#;
    let spec: TrainingSpec = serde_json::from_str(spec).map_err(|error| EngineError::Machine(error.to_string()))?;
    let want = trace(&CpuBackend::new(1)?, &spec)?;
    if trace(backend, &spec)? == want {
        return Ok(());
    }
    Err(EngineError::Machine(format!(
        "{} computes other numbers than the CPU in a self-test: do not use it (--backend cpu), and report it",
        backend.name()
    )))
}

type Trace = Vec<(Pulse, [u8; 32])>;

fn trace(backend: &dyn Backend, spec: &TrainingSpec) -> Result<Trace, EngineError> {
    let program = spec.compile()?;
    let features: Vec<f32> = (0..70 * spec.batch).map(|i| ((i * 37) % 101) as f32 / 64.0 - 0.7).collect();
    let labels: Vec<f32> = (0..spec.batch).map(|i| (i % 5) as f32).collect();
    let inputs = [Input::new("features", &features), Input::new("labels", &labels)];
    let mut session = backend.prepare(&program)?;
    session.load(&State::init(&program, [1; 32])?)?;
    (0..STEPS).map(|_| Ok((session.step(&inputs)?, session.state_root()?))).collect()
}

impl fmt::Debug for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chosen").field("backend", &self.backend.name()).field("instead", &self.instead).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_read_as_they_are_written() {
        for choice in [BackendChoice::Cpu, BackendChoice::Cuda, BackendChoice::Auto] {
            assert_eq!(choice.to_string().parse(), Ok(choice));
        }
        assert_eq!("gpu".parse::<BackendChoice>(), Err("cpu, cuda or auto is needed".into()));
    }

    #[test]
    fn the_cpu_is_there_when_a_gpu_is_not() {
        assert!(BackendChoice::Cpu.open(1, 1 << 30).unwrap().instead.is_none());
        let chosen = BackendChoice::Auto.open(1, 1 << 30).unwrap();
        match (BackendChoice::Cuda.open(1, 1 << 30), chosen.instead) {
            (Ok(cuda), None) => assert_eq!(cuda.backend.name(), chosen.backend.name()),
            (Err(error), Some(instead)) => {
                assert_eq!(error.to_string(), instead);
                assert!(chosen.backend.name().starts_with("cpu"));
            }
            other => panic!("{other:?}"),
        }
    }
}
