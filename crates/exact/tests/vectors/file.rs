//! The files of `docs/vectors`, for the tests of this crate and of the engine.

use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The folder, from any crate.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/vectors")
}

/// Compares `cases` with the file of this name, or writes it.
pub fn check(name: &str, about: &str, cases: Vec<Value>) {
    let path = folder().join(format!("{name}.json"));
    if std::env::var_os("ASSAY_WRITE_VECTORS").is_some() {
        let text = serde_json::to_string_pretty(&json!({ "about": about, "cases": cases })).unwrap() + "\n";
        std::fs::write(&path, text).unwrap();
        return;
    }
    let text = std::fs::read_to_string(&path).unwrap();
    let written: Value = serde_json::from_str(&text).unwrap();
    let written = written["cases"].as_array().unwrap();
    assert_eq!(cases.len(), written.len(), "{}", path.display());
    for (got, want) in cases.iter().zip(written) {
        assert_eq!(got, want, "{}", path.display());
    }
}
