//! What is refused in a description, and how it is said.

use assay_engine::{EngineError, TrainingSpec};
use parity_scale_codec::Encode;

const GPT: &str = r#"{
    "model": { "gpt": { "vocabulary": 65, "context": 32, "layers": 2, "heads": 4, "width": 64, "dropout": 0.1 } },
    "optimiser": { "adamw": { "lr": 0.001, "beta1": 0.9, "beta2": 0.95, "eps": 1e-8, "weight_decay": 0.1 } },
    "batch": 8, "block": 2, "clip": 1,
    "schedule": { "warmup": 10, "cosine": { "until": 100, "floor": 0.1 } },
    "groups": [{ "tensors": "*.bias", "lr_scale": 2 }]
}"#;
const CONV: &str = r#"{
    "model": { "conv": { "image": [1, 8, 8], "layers": [
        { "convolution": { "channels": 4, "kernel": [3, 3] } }, { "max_pool": { "kernel": [2, 2] } },
        { "linear": { "outputs": 16, "activation": "relu" } }, { "dropout": { "rate": 0.5 } }
    ], "classes": 10 } },
    "optimiser": { "sgd": { "lr": 0.1, "momentum": 0.9, "weight_decay": 0 } }, "batch": 8
}"#;

#[test]
fn json_and_scale_keep_every_bit() {
    for json in [GPT, CONV] {
        let spec: TrainingSpec = serde_json::from_str(json).unwrap();
        let again = serde_json::to_string(&spec).unwrap();
        assert_eq!(serde_json::from_str::<TrainingSpec>(&again).unwrap(), spec);
        assert_eq!(TrainingSpec::from_bytes(&spec.encode()).unwrap(), spec);
        assert_eq!(spec.compile().unwrap().hash(), spec.compile().unwrap().hash());
    }
}

#[test]
fn everything_that_matters_is_in_the_programs_hash() {
    let hash = |json: &str| serde_json::from_str::<TrainingSpec>(json).unwrap().compile().unwrap().hash();
    for (whole, from, to) in [
        (GPT, "\"heads\": 4", "\"heads\": 2"),
        (GPT, "\"dropout\": 0.1", "\"dropout\": 0.2"),
        (GPT, "\"dropout\": 0.1", "\"tied_head\": false"),
        (GPT, "\"block\": 2", "\"block\": 4"),
        (GPT, "\"clip\": 1", "\"clip\": 2"),
        (GPT, "\"warmup\": 10", "\"warmup\": 11"),
        (GPT, "\"until\": 100", "\"until\": 101"),
        (GPT, "\"floor\": 0.1", "\"floor\": 0.2"),
        (GPT, "\"lr_scale\": 2", "\"lr_scale\": 3"),
        (CONV, "[3, 3]", "[3, 2]"),
        (CONV, "\"max_pool\"", "\"mean_pool\""),
        (CONV, "\"relu\"", "\"gelu\""),
        (CONV, "\"rate\": 0.5", "\"rate\": 0.25"),
    ] {
        let other = whole.replace(from, to);
        assert_ne!(other, whole, "{from}");
        assert_ne!(hash(&other), hash(whole), "{from} -> {to}");
    }
}

#[test]
fn wrong_descriptions_are_refused_by_field() {
    for (whole, from, to, text) in [
        (GPT, "\"vocabulary\": 65", "\"vocabulary\": 1", "model.gpt.vocabulary: 1 is not from 2 to 16777216"),
        (GPT, "\"context\": 32", "\"context\": 0", "model.gpt.context: 0 is not from 1"),
        (GPT, "\"layers\": 2", "\"layers\": 0", "model.gpt.layers: 0 is not from 1 to 256"),
        (GPT, "\"layers\": 2", "\"layers\": 4000000000", "model.gpt.layers: 4000000000 is not from 1 to 256"),
        (GPT, "\"heads\": 4", "\"heads\": 5", "model.gpt.heads: 5 heads do not divide a width of 64"),
        (GPT, "\"dropout\": 0.1", "\"dropout\": 1", "model.gpt.dropout: 1 is not from 0 to below 1"),
        (GPT, "\"block\": 2", "\"block\": 0", "block: 0 is not from 1"),
        (GPT, "\"clip\": 1", "\"clip\": 0", "clip: 0 is not above 0"),
        (GPT, "\"until\": 100", "\"until\": 10", "schedule.cosine.until: 10 is not above the 10 steps of warmup"),
        (GPT, "\"floor\": 0.1", "\"floor\": 2", "schedule.cosine.floor: 2 is not from 0 to 1"),
        (GPT, "\"lr_scale\": 2", "\"lr_scale\": -1", "groups[0].lr_scale: -1 is not at least 0"),
        (CONV, "[1, 8, 8]", "[1, 0, 8]", "model.conv.image[1]: 0 is not from 1"),
        (CONV, "[1, 8, 8]", "[4096, 4096, 4096]", "model.conv.image: 4096 x 4096 x 4096 is 68719476736"),
        (CONV, "[3, 3]", "[9, 3]", "model.conv.layers[0]: a kernel of [9, 3] does not fit into images of [8, 8]"),
        (CONV, "[2, 2]", "[2, 0]", "model.conv.layers[1].kernel: 0 is not from 1"),
        (CONV, "\"outputs\": 16", "\"outputs\": 0", "model.conv.layers[2].outputs: 0 is not from 1"),
        (CONV, "\"rate\": 0.5", "\"rate\": -0.5", "model.conv.layers[3].rate: -0.5 is not from 0"),
        (
            CONV,
            "{ \"dropout\": { \"rate\": 0.5 } }",
            "{ \"max_pool\": { \"kernel\": [1, 1] } }",
            "model.conv.layers[3]: images are needed",
        ),
    ] {
        let json = whole.replace(from, to);
        assert_ne!(json, whole, "{from}");
        let error = serde_json::from_str::<TrainingSpec>(&json).unwrap().compile().unwrap_err().to_string();
        assert!(error.starts_with(text), "{from} -> {to}: {error}");
    }
}

#[test]
fn unknown_fields_are_refused() {
    for (whole, from, to, text) in [
        (GPT, "\"width\": 64", "\"width\": 64, \"bias\": true", "unknown field `bias`"),
        (GPT, "\"warmup\": 10", "\"warm_up\": 10", "unknown field `warm_up`"),
        (GPT, "\"lr_scale\": 2", "\"lr\": 2", "unknown field `lr`"),
        (CONV, "\"channels\": 4", "\"channels\": 4, \"dilation\": [1, 1]", "unknown field `dilation`"),
        (CONV, "\"max_pool\"", "\"min_pool\"", "unknown variant `min_pool`"),
        (CONV, "\"relu\"", "\"swish\"", "unknown variant `swish`"),
    ] {
        let json = whole.replace(from, to);
        assert_ne!(json, whole, "{from}");
        let error = serde_json::from_str::<TrainingSpec>(&json).unwrap_err().to_string();
        assert!(error.contains(text), "{from} -> {to}: {error}");
    }
}

/// Nothing of the sort is ever allocated: this machine has no such memory.
#[test]
fn absurd_sizes_are_refused_with_what_they_would_need() {
    let json = GPT.replace("\"width\": 64", "\"width\": 16777216");
    let error = serde_json::from_str::<TrainingSpec>(&json).unwrap().compile().unwrap_err();
    let EngineError::TooLarge { needed, limit } = error else { panic!("{error}") };
    // Weights and both moments of the two layers alone.
    let weights = 2 * 12 * (1u128 << 48);
    assert!(needed > 3 * 4 * weights && limit < needed, "{needed}");
    let json = GPT.replace("\"context\": 32", "\"context\": 16777216").replace("\"batch\": 8", "\"batch\": 16777216");
    let error = serde_json::from_str::<TrainingSpec>(&json).unwrap().compile().unwrap_err().to_string();
    assert!(error.starts_with("batch times model.gpt.context: 16777216 x 16777216 is 281474976710656"), "{error}");
}
