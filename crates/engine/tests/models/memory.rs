//! Budgets of memory: what they change, and what they do not.

use assay_engine::{Backend, CpuBackend, EngineError, Input, TrainingSpec};

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
    assert!(whole > 3 * blocks, "{whole} and {blocks}");
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
