//! Which back end programs run on.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use assay_engine::{Backend, CpuBackend, EngineError, Input, Pulse, State, TrainingSpec};

use crate::backend::CudaBackend;
use crate::fall_back::FallBack;

/// What `--backend` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BackendChoice {
    /// The CPU.
    #[default]
    Cpu,
    /// The first GPU, or an error.
    Cuda,
    /// The first GPU if there is one that passes [`self_test`], otherwise the CPU; and the CPU for
    /// what the GPU cannot do, see [`FallBack`].
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

impl BackendChoice {
    /// Opens a back end, with `threads` threads (0: one per core) on the CPU, that refuses
    /// programs of more than `memory` bytes. The log says which it is, and why.
    ///
    /// # Errors
    /// The machine grants no threads; or with [`BackendChoice::Cuda`], there is no GPU, or it computes
    /// wrongly.
    pub fn open(self, threads: usize, memory: u64) -> Result<Arc<dyn Backend>, EngineError> {
        let cpu = || Ok::<_, EngineError>(Arc::new(CpuBackend::new(threads)?.with_memory_limit(memory)));
        let gpu = || -> Result<Arc<dyn Backend>, EngineError> {
            let backend = CudaBackend::open(0).map_err(|error| EngineError::Machine(error.to_string()))?;
            self_test(&backend)?;
            Ok(Arc::new(backend.with_memory_limit(memory)))
        };
        let backend: Arc<dyn Backend> = match self {
            BackendChoice::Cpu => cpu()?,
            BackendChoice::Cuda => gpu()?,
            BackendChoice::Auto => match gpu() {
                Ok(gpu) => Arc::new(FallBack::new(gpu, cpu()?)),
                Err(error) => {
                    tracing::info!("computing on the CPU, since {error}");
                    cpu()?
                }
            },
        };
        tracing::info!(asked = %self, backend = backend.name(), "computing");
        Ok(backend)
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
        assert!(BackendChoice::default().open(1, 1 << 30).unwrap().name().starts_with("cpu"));
        let auto = BackendChoice::Auto.open(1, 1 << 30).unwrap();
        match BackendChoice::Cuda.open(1, 1 << 30) {
            Ok(cuda) => assert_eq!(cuda.name(), auto.name()),
            Err(error) => {
                assert!(error.to_string().contains("--backend cpu"), "{error}");
                assert!(auto.name().starts_with("cpu"), "{}", auto.name());
            }
        }
    }
}
