//! Devices that refuse, run out of memory or fail half-way: an error, never another hash.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use assay_cuda::device::{Device, DeviceError, Launch, Limits};
use assay_cuda::{CudaBackend, DeviceBackend, EmulatedDevice, EmulatedKernel, EmulatedMemory, FallBack, self_test};
use assay_engine::{Backend, CpuBackend, EngineError, Input, State, TrainingSpec};
use support::{devices, folder};

fn spec() -> TrainingSpec {
    serde_json::from_str(
        r#"{
            "model": { "mlp": { "inputs": 2, "hidden": [3], "classes": 2, "activation": "tanh" } },
            "optimiser": { "sgd": { "lr": 0.5, "momentum": 0.9, "weight_decay": 0.0 } },
            "precision": { "forward": "int8x2", "grad_input": "int8x1", "grad_weight": "int8x3" },
            "batch": 4
        }"#,
    )
    .unwrap()
}

const FEATURES: [f32; 8] = [0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0];
const LABELS: [f32; 4] = [0.0, 1.0, 1.0, 0.0];

fn inputs<'a>(labels: &'a [f32]) -> [Input<'a>; 2] {
    [Input::new("features", &FEATURES), Input::new("labels", labels)]
}

/// An emulated device that fails for good once it was asked to do something `left` times.
struct Failing {
    device: EmulatedDevice,
    left: Arc<AtomicI64>,
    /// Leaves out every launch with this many blocks and more, as a broken device might.
    lies: Option<u32>,
}

impl Failing {
    fn ask(&self) -> Result<(), DeviceError> {
        if self.left.fetch_sub(1, Ordering::Relaxed) > 0 {
            return Ok(());
        }
        Err(DeviceError::Failed { device: "a GPU".into(), operation: "computing", problem: "it is gone".into() })
    }
}

impl Device for Failing {
    type Memory = EmulatedMemory;
    type Module = <EmulatedDevice as Device>::Module;
    type Kernel = EmulatedKernel;
    type Graph = <EmulatedDevice as Device>::Graph;

    fn name(&self) -> &str {
        self.device.name()
    }

    fn limits(&self) -> Result<Limits, DeviceError> {
        self.device.limits()
    }

    fn allocate(&self, bytes: u64) -> Result<EmulatedMemory, DeviceError> {
        self.ask()?;
        self.device.allocate(bytes)
    }

    fn write(&self, to: &EmulatedMemory, bytes: &[u8]) -> Result<(), DeviceError> {
        self.ask()?;
        self.device.write(to, bytes)
    }

    fn read(&self, from: &EmulatedMemory, bytes: &mut [u8]) -> Result<(), DeviceError> {
        self.ask()?;
        self.device.read(from, bytes)
    }

    fn compile(&self, source: &str) -> Result<Self::Module, DeviceError> {
        self.device.compile(source)
    }

    fn kernel(&self, module: &Self::Module, name: &str) -> Result<EmulatedKernel, DeviceError> {
        self.device.kernel(module, name)
    }

    fn record(&self, launches: Vec<Launch<EmulatedKernel>>) -> Result<Self::Graph, DeviceError> {
        self.ask()?;
        let done = |launch: &Launch<_>| self.lies.is_none_or(|blocks| launch.grid[0] < blocks);
        self.device.record(launches.into_iter().filter(done).collect())
    }

    #[allow(unsafe_code)]
    unsafe fn run(&self, graph: &Self::Graph) -> Result<(), DeviceError> {
        // A lost device is found out after it has done a part.
        let asked = self.ask();
        let part = match asked {
            Ok(()) => graph.len(),
            Err(_) => graph.len() / 2,
        };
        // SAFETY: the caller's promise holds for a part as well.
        unsafe { self.device.run(&graph[..part].to_vec())? };
        asked
    }
}

/// Two steps and the root, on a device that fails at its `left`-th task.
fn attempt(left: i64) -> Result<[u8; 32], EngineError> {
    let left = Arc::new(AtomicI64::new(left));
    let device = Failing { device: EmulatedDevice::new(folder(), 900, 4), left, lies: None };
    let program = spec().compile().unwrap();
    let mut session = DeviceBackend::new(device).prepare(&program)?;
    session.load(&State::init(&program, [7; 32]).unwrap())?;
    let steps = (0..2).try_for_each(|_| session.step(&inputs(&LABELS)).map(|_| ()));
    if let Err(error) = steps {
        // Nobody gets anything from it any more.
        assert!(matches!(session.state_root(), Err(EngineError::NoState)));
        assert!(matches!(session.state(), Err(EngineError::NoState)));
        assert!(matches!(session.step(&inputs(&LABELS)), Err(EngineError::NoState)));
        return Err(error);
    }
    session.state_root()
}

#[test]
fn a_device_lost_at_any_moment_gives_an_error() {
    let want = attempt(i64::MAX).unwrap();
    let mut failures = 0;
    for left in 0.. {
        match attempt(left) {
            Ok(root) => {
                assert_eq!(root, want);
                break;
            }
            Err(EngineError::Machine(problem)) => {
                assert!(problem.contains("it is gone") && problem.contains("checkpoint"), "{problem}");
                failures += 1;
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert!(failures > 20, "only {failures} moments to fail at");
}

#[test]
fn a_step_that_fails_changes_nothing() {
    let program = spec().compile().unwrap();
    for device in devices() {
        let mut session = device.prepare(&program).unwrap();
        assert!(matches!(session.step(&inputs(&LABELS)), Err(EngineError::NoState)));
        session.load(&State::init(&program, [7; 32]).unwrap()).unwrap();
        session.step(&inputs(&LABELS)).unwrap();
        let (root, again) = (session.state_root().unwrap(), session.state().unwrap());
        // A label that does not exist is found by the op that reads it.
        let wrong = [0.0, 1.0, 7.0, 0.0];
        let error = session.step(&inputs(&wrong)).unwrap_err();
        assert!(matches!(error, EngineError::Element { step: 1, .. }), "{error}");
        assert!(error.to_string().contains("is 7"), "{error}");
        assert!(session.tensor("labels").is_err());
        // So is an input that is none, before anything runs.
        assert!(matches!(session.step(&inputs(&[f32::NAN; 4])), Err(EngineError::Input { .. })));
        assert_eq!((session.state_root().unwrap(), session.steps().unwrap()), (root, 1));
        assert_eq!(session.state().unwrap(), again);
        session.step(&inputs(&LABELS)).unwrap();
        assert_ne!(session.state_root().unwrap(), root);
    }
}

#[test]
fn too_little_memory_is_refused_before_anything_is_allocated() {
    let program = spec().compile().unwrap();
    let small = DeviceBackend::new(EmulatedDevice::new(folder(), 900, 1).with_memory(1000));
    let refused = |backend: &dyn Backend| match backend.prepare(&program) {
        Err(EngineError::TooLarge { needed, limit }) => (needed > limit, limit),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("prepared"),
    };
    assert_eq!(refused(&small), (true, 1000));
    let limited = DeviceBackend::new(EmulatedDevice::new(folder(), 900, 1)).with_memory_limit(2000);
    assert_eq!(refused(&limited), (true, 2000));
}

#[test]
fn another_programs_state_is_refused() {
    let program = spec().compile().unwrap();
    let mut other = spec();
    other.batch = 5;
    let assay_engine::ModelSpec::Mlp(mlp) = &mut other.model else { panic!("the digits are learnt by an MLP") };
    mlp.hidden = vec![9];
    let state = State::init(&other.compile().unwrap(), [7; 32]).unwrap();
    let mut session = devices()[0].prepare(&program).unwrap();
    assert!(matches!(session.load(&state), Err(EngineError::WrongShape { .. })));
}

#[test]
fn without_a_gpu_the_error_says_how_to_go_on() {
    match CudaBackend::open(u32::MAX) {
        Err(error @ DeviceError::Missing(_)) => assert!(error.to_string().contains("--backend cpu"), "{error}"),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("there is no GPU of that number"),
    }
}

#[test]
fn the_self_test_tells_a_sound_device_from_a_broken_one() {
    self_test(&*devices()[1]).unwrap();
    let left = Arc::new(AtomicI64::new(i64::MAX));
    let device = Failing { device: EmulatedDevice::new(folder(), 900, 4), left, lies: Some(40) };
    let error = self_test(&DeviceBackend::new(device)).unwrap_err().to_string();
    assert!(error.contains("--backend cpu"), "{error}");
}

/// Two steps on a device that fails at its `left`-th task, with the CPU to take over, by somebody who
/// begins again once: the root, and whether the device has done it.
fn attempt_with_cpu(left: i64) -> ([u8; 32], bool) {
    let left = Arc::new(AtomicI64::new(left));
    let device = Failing { device: EmulatedDevice::new(folder(), 900, 4), left: Arc::clone(&left), lies: None };
    let device = DeviceBackend::new(device);
    let backend = FallBack::new(Arc::new(device), Arc::new(CpuBackend::new(1).unwrap()));
    let program = spec().compile().unwrap();
    let once = || -> Result<_, EngineError> {
        let mut session = backend.prepare(&program)?;
        session.load(&State::init(&program, [7; 32]).unwrap())?;
        (0..2).try_for_each(|_| session.step(&inputs(&LABELS)).map(|_| ()))?;
        Ok((session.state()?.root(), session.state_root()?))
    };
    let (root, on_device) = once()
        .or_else(|error| {
            assert!(error.is_of_machine(), "{error}");
            assert!(backend.name().starts_with("cpu"), "{}", backend.name());
            once()
        })
        .unwrap();
    assert_eq!(root, on_device);
    (root, left.load(Ordering::Relaxed) >= 0)
}

#[test]
fn the_cpu_takes_over_from_a_device_lost_at_any_moment() {
    let want = attempt(i64::MAX).unwrap();
    let mut failures = 0;
    for left in 0.. {
        let (root, on_device) = attempt_with_cpu(left);
        assert_eq!(root, want);
        if on_device {
            break;
        }
        failures += 1;
    }
    assert!(failures > 20, "only {failures} moments to fail at");
}

#[test]
fn what_does_not_fit_a_device_goes_to_the_cpu_and_the_rest_does_not() {
    let device = DeviceBackend::new(EmulatedDevice::new(folder(), 900, 1)).with_memory_limit(4000);
    let name = device.name().to_owned();
    let backend = FallBack::new(Arc::new(device), Arc::new(CpuBackend::new(1).unwrap()));
    let mut large = spec();
    large.batch = 400;
    backend.prepare(&large.compile().unwrap()).unwrap();
    assert_eq!(backend.name(), name);
    // What is wrong with a program is wrong everywhere.
    let mut wrong = spec().compile().unwrap();
    wrong.ops.pop();
    assert!(matches!(backend.prepare(&wrong), Err(EngineError::Program(_))));
}
