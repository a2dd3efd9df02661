//! A training step allocates nothing once it is under way.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

use assay_engine::{Backend, CpuBackend, EngineError, Input, Instructions, State, TensorKind, TrainingSpec};
use assay_exact::philox;

/// Counts what all threads of this process allocate, and what each does, and the bytes that are
/// allocated now and were at the most.
struct Counting;

static ALL: AtomicUsize = AtomicUsize::new(0);
static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static OWN: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: all is left to the system's allocator; counting touches no memory of it.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALL.fetch_add(1, Ordering::Relaxed);
        OWN.set(OWN.get() + 1);
        let live = LIVE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(live, Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: likewise.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const STEPS: usize = 64;

/// Allocations of this thread, and of all (the test's harness has one, too), in some steps
/// after the first two; and the most bytes that the session has had at a time.
fn allocations(backend: &CpuBackend, spec: &TrainingSpec) -> (usize, usize, usize) {
    let program = spec.compile().unwrap();
    let state = State::init(&program, [5; 32]).unwrap();
    let without = LIVE.load(Ordering::Relaxed);
    let mut session = backend.prepare(&program).unwrap();
    // Planning is over.
    PEAK.store(LIVE.load(Ordering::Relaxed), Ordering::Relaxed);
    session.load(&state).unwrap();
    // Integers below 7 are labels and tokens, and as good as other numbers.
    let numbers: Vec<f32> = (0..24 * 40).map(|i| (i % 7) as f32).collect();
    let counter = philox::counter([1, 2], 0);
    let inputs: Vec<Input<'_>> = program
        .tensors
        .iter()
        .filter(|tensor| tensor.kind == TensorKind::Input)
        .map(|tensor| match tensor.name.as_str() {
            "counter" => Input::new("counter", &counter),
            name => Input::new(name, &numbers[..tensor.shape.elements() as usize]),
        })
        .collect();
    for _ in 0..2 {
        session.step(&inputs).unwrap();
    }
    let count = || (OWN.get(), ALL.load(Ordering::Relaxed));
    let before = count();
    for _ in 0..STEPS {
        session.step(&inputs).unwrap();
    }
    let after = count();
    (after.0 - before.0, after.1 - before.1, PEAK.load(Ordering::Relaxed) - without)
}

fn spec(model: &str, precision: &str, rest: &str) -> TrainingSpec {
    serde_json::from_str(&format!(
        r#"{{ "model": {model},
            "optimiser": {{ "adamw": {{ "lr": 0.01, "beta1": 0.9, "beta2": 0.99, "eps": 1e-8, "weight_decay": 0.1 }} }},
            "precision": {{ "forward": "{precision}", "grad_input": "{precision}", "grad_weight": "{precision}" }},
            "batch": 24 {rest} }}"#
    ))
    .unwrap()
}

const MLP: &str = r#"{ "mlp": { "inputs": 40, "hidden": [50, 30], "classes": 7, "activation": "tanh" } }"#;
const CONV: &str = r#"{ "conv": { "image": [1, 5, 8], "layers": [
    { "convolution": { "channels": 3, "kernel": [3, 3], "padding": [1, 1], "activation": "relu" } },
    { "max_pool": { "kernel": [2, 2] } }, { "dropout": { "rate": 0.1 } } ], "classes": 7 } }"#;
const GPT: &str =
    r#"{ "gpt": { "vocabulary": 7, "context": 8, "layers": 2, "heads": 2, "width": 16, "dropout": 0.1 } }"#;

#[test]
fn steps_allocate_nothing() {
    for set in Instructions::available() {
        for precision in ["int8x1", "int8x2", "int8x3"] {
            let one = CpuBackend::new(1).unwrap().with_instructions(set).unwrap();
            let mlp = spec(MLP, precision, "");
            assert_eq!(allocations(&one, &mlp).0, 0, "{set}, {precision}");
            // Cut as finely as can be, on three threads. Their queue takes a block of memory for some
            // dozens of steps handed over, and each thread buffers of its own whenever it first does
            // a kind of work.
            let three = CpuBackend::new(3).unwrap().with_grain(1).with_instructions(set).unwrap();
            let (_, count, _) = allocations(&three, &mlp);
            assert!(count < STEPS, "{count} allocations in {STEPS} steps on three threads, {set}, {precision}");
        }
    }
    conv_nets_and_gpts();
    budgets_hold();
}

/// Called by the one test of this file, as allocations of all threads are counted.
fn conv_nets_and_gpts() {
    let backend = CpuBackend::new(1).unwrap();
    // The squares of a GPT's 28 gradients are added by one op, whose list of inputs is too long for the stack.
    for (model, each) in [(CONV, 0), (GPT, 1)] {
        for rest in ["", r#", "block": 2, "clip": 1, "schedule": { "warmup": 3 }"#] {
            let spec = spec(model, "int8x2", rest);
            assert_eq!(allocations(&backend, &spec).0, each * STEPS, "{model} {rest}");
            let parts = backend.clone().with_parts(4);
            assert_eq!(allocations(&parts, &spec).0, each * STEPS, "{model} {rest} in parts");
        }
    }
}

/// Likewise. What is allocated stays below the budget, but for what matmuls pack and the plan itself.
fn budgets_hold() {
    let model =
        r#"{ "gpt": { "vocabulary": 7, "context": 32, "layers": 8, "heads": 2, "width": 16, "dropout": 0.1 } }"#;
    let spec = spec(model, "int8x2", "");
    let backend = CpuBackend::new(1).unwrap();
    let program = spec.compile().unwrap();
    let all = backend.footprint(&program).unwrap();
    let (_, _, peak) = allocations(&backend, &spec);
    let beside = peak - usize::try_from(all.bytes).unwrap();
    let Err(EngineError::TooLarge { needed, .. }) = backend.clone().with_memory_limit(1).prepare(&program) else {
        panic!("this needs more than a byte")
    };
    for share in [0, 1, 2] {
        let limit = u64::try_from(needed + share * (all.bytes - needed) / 16).unwrap();
        let backend = backend.clone().with_memory_limit(limit);
        let footprint = backend.footprint(&program).unwrap();
        let (own, _, peak) = allocations(&backend, &spec);
        assert!(footprint.again > 0 || share > 0, "{footprint}");
        assert_eq!(own, STEPS, "{footprint}");
        assert!(peak < limit as usize + 2 * beside, "{peak} bytes, with {limit} allowed and {beside} beside them");
        assert!(2 * peak < usize::try_from(all.bytes).unwrap() || share > 0, "{peak} of {}", all.bytes);
    }
}
