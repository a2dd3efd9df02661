//! Budgets of memory: what they change, and what they do not.

use assay_engine::{Backend, CpuBackend, EngineError, Footprint, Input, TrainingSpec};

use crate::{Batch, spec, start, train};

/// With `block` samples a block.
fn gpt(rest: &str) -> TrainingSpec {
    spec(&format!(
        r#"{{ "model": {{ "gpt": {{ "vocabulary": 32, "context": 32, "layers": 3, "heads": 2, "width": 32,
             "dropout": 0.1 }} }}, "optimiser": {{ "sgd": {{ "lr": 0.1, "momentum": 0.9, "weight_decay": 0 }} }},
             "batch": 16 {rest} }}"#
    ))
}

fn limited(bytes: u64) -> CpuBackend {
    CpuBackend::new(2).unwrap().with_memory_limit(bytes)
}

/// The least memory that a program can be worked on in.
fn least(spec: &TrainingSpec) -> u64 {
    match limited(1).prepare(&spec.compile().unwrap()).map(|_| ()) {
        Err(EngineError::TooLarge { needed, limit: 1 }) => u64::try_from(needed).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_budget_changes_no_bit() {
    let spec = gpt(r#", "block": 1"#);
    let all = u64::try_from(spec.compile().unwrap().memory_bytes()).unwrap();
    let least = least(&spec);
    // Parts of one sample instead of sixteen, and memory handed on: far less.
    assert!(least < all / 12, "{least} of {all}");
    let want = train(&limited(all), &spec, 2);
    for limit in [all - 1, all / 2, all / 4, all / 8, least] {
        assert_eq!(train(&limited(limit), &spec, 2), want, "{limit} bytes");
    }
    assert!(limited(least - 1).prepare(&spec.compile().unwrap()).is_err());
}

#[test]
fn exact_sums_over_the_batch_need_all_of_it() {
    // Without blocks, what the gradients of weights are made of is kept for all samples.
    let (whole, blocks) = (least(&gpt("")), least(&gpt(r#", "block": 1"#)));
    assert!(2 * whole > 3 * blocks, "{whole} and {blocks}");
    let spec = gpt("");
    assert_eq!(train(&limited(whole), &spec, 2), train(&CpuBackend::new(1).unwrap(), &spec, 2));
}

#[test]
fn inference_fits_into_a_budget_with_its_logits() {
    let spec = gpt("");
    let program = spec.compile_forward().unwrap();
    let batch = Batch::new(&spec, &spec.compile().unwrap(), 0);
    let logits = |backend: &CpuBackend| {
        start(backend, &program).run(&[Input::new("tokens", batch.get("tokens"))], "logits").unwrap()
    };
    let all = u64::try_from(program.memory_bytes()).unwrap();
    assert_eq!(logits(&limited(all / 8)), logits(&limited(all)));
}

#[test]
fn what_is_not_kept_is_not_given() {
    let spec = gpt(r#", "block": 1"#);
    let program = spec.compile().unwrap();
    let batch = Batch::new(&spec, &program, 0);
    let mut session = start(&CpuBackend::new(1).unwrap().with_parts(4), &program);
    session.step(&batch.inputs()).unwrap();
    assert!(session.tensor("loss").is_ok() && session.tensor("transformer.ln_f.weight").is_ok());
    let error = session.tensor("logits").unwrap_err().to_string();
    assert!(error.contains("\"logits\" is not kept"), "{error}");
}

#[test]
fn errors_in_a_part_name_the_place_in_the_whole() {
    let spec = gpt(r#", "block": 1"#);
    let program = spec.compile().unwrap();
    let batch = Batch::new(&spec, &program, 0);
    let mut wrong = batch.get("labels").to_vec();
    wrong[300] = 32.0;
    let inputs: Vec<Input<'_>> = batch
        .inputs()
        .into_iter()
        .map(|own| if own.name == "labels" { Input::new("labels", &wrong) } else { own })
        .collect();
    for parts in [1, 4] {
        let mut session = start(&CpuBackend::new(1).unwrap().with_parts(parts), &program);
        let before = session.state_root().unwrap();
        let error = session.step(&inputs).unwrap_err().to_string();
        assert!(error.contains("element 300 of input 1 is 32, but should be an integer from 0 to 31"), "{error}");
        assert_eq!(session.state_root().unwrap(), before);
    }
}

#[test]
fn batches_are_cut_evenly() {
    let program = gpt("").compile().unwrap();
    let error = CpuBackend::new(1).unwrap().with_parts(3).prepare(&program).map(|_| ()).unwrap_err().to_string();
    assert_eq!(error, "a batch of 16 cannot be cut into 3 parts");
}

const OPTIMISER: &str =
    r#""optimiser": { "adamw": { "lr": 0.01, "beta1": 0.9, "beta2": 0.99, "eps": 1e-8, "weight_decay": 0.1 } }"#;

/// Deep models of each kind, whose weights' gradients are exact sums over the batch: cutting it helps little.
fn deep() -> [TrainingSpec; 3] {
    let layer = r#"{ "convolution": { "channels": 4, "kernel": [3, 3], "padding": [1, 1], "activation": "gelu" } }"#;
    let layers = [layer; 12].join(", ");
    let hidden = ["24"; 16].join(", ");
    let mlp = format!(r#"{{ "mlp": {{ "inputs": 24, "hidden": [{hidden}], "classes": 5, "activation": "tanh" }} }}"#);
    let conv = format!(
        r#"{{ "conv": {{ "image": [1, 8, 8], "layers": [{layers}, {{ "dropout": {{ "rate": 0.1 }} }}], "classes": 5 }} }}"#
    );
    [(mlp, 512), (conv, 16), (layered_gpt(16), 16)]
        .map(|(model, batch)| spec(&format!(r#"{{ "model": {model}, {OPTIMISER}, "clip": 1, "batch": {batch} }}"#)))
}

fn layered_gpt(context: u32) -> String {
    format!(
        r#"{{ "gpt": {{ "vocabulary": 16, "context": {context}, "layers": 12, "heads": 2, "width": 16, "dropout": 0.1 }} }}"#
    )
}

fn footprint(backend: &CpuBackend, spec: &TrainingSpec) -> Footprint {
    backend.footprint(&spec.compile().unwrap()).unwrap()
}

#[test]
fn what_is_computed_twice_gives_the_same_bits_in_less_memory() {
    for spec in deep() {
        let handed_on = footprint(&CpuBackend::new(1).unwrap().with_parts(1), &spec);
        let least = least(&spec);
        let want = train(&CpuBackend::new(2).unwrap(), &spec, 2);
        let bytes = u64::try_from(handed_on.bytes).unwrap();
        let mut seen = vec![];
        for limit in [bytes, bytes - 1, (3 * bytes + least) / 4, (bytes + least) / 2, (bytes + 3 * least) / 4, least] {
            let backend = limited(limit);
            let footprint = footprint(&backend, &spec);
            assert!(footprint.bytes <= u128::from(limit), "{footprint} within {limit}");
            assert_eq!(footprint.again == 0 && footprint.parts == 1, limit == bytes, "{footprint} within {limit}");
            assert!(2 * footprint.again < footprint.ops, "{footprint}: more than a forward pass");
            assert_eq!(train(&backend, &spec, 2), want, "{footprint} within {limit}");
            seen.push(footprint.again);
        }
        seen.dedup();
        assert!(seen.len() > 2, "{seen:?}");
        match limited(least - 1).prepare(&spec.compile().unwrap()).map(|_| ()) {
            Err(EngineError::TooLarge { needed, .. }) => assert_eq!(needed, u128::from(least)),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_gpt_of_many_layers_fits_into_far_less_without_cutting_its_batch() {
    // Of one sample, so that there is nothing to cut.
    let spec = spec(&format!(r#"{{ "model": {}, {OPTIMISER}, "batch": 1 }}"#, layered_gpt(128)));
    let handed_on = footprint(&CpuBackend::new(1).unwrap().with_parts(1), &spec);
    let small = footprint(&limited(least(&spec)), &spec);
    assert_eq!((handed_on.parts, small.parts), (1, 1));
    assert!(3 * small.bytes < handed_on.bytes, "{small}, and {handed_on}");
    println!("{small}, and {handed_on}");
    assert_eq!(
        small.to_string(),
        format!("{} bytes, in 1 part, with {} of {} ops done twice", small.bytes, small.again, small.ops)
    );
}
