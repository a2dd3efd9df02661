//! Hashes that must never change by themselves: any machine, any back end, any number
//! of threads gives these. After a deliberate change of the law or of a program,
//! `ASSAY_WRITE_GOLDEN=1 cargo test -p assay-engine --test golden` writes them anew.

mod common;

use std::path::PathBuf;

use assay_engine::{Dataset, EngineError, Sampler, State, TrainingSpec, split, trace_root, train};
use common::cpus;
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Golden {
    spec: TrainingSpec,
    /// Every byte of the seed.
    seed: u8,
    held_out: u64,
    steps: u64,
    program: String,
    initial_root: String,
    final_root: String,
    trace_root: String,
}

fn digits() -> Dataset {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/digits/digits.csv");
    let text = std::fs::read_to_string(path).expect("the digits are part of the repository");
    Dataset::from_csv(&text, 10, 16.0).unwrap()
}

fn check(name: &str) {
    use assay_engine::Backend;
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "golden", &format!("{name}.json")].iter().collect();
    let want: Golden = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let program = want.spec.compile().unwrap();
    let data = digits();
    let seed = [want.seed; 32];
    let (training, _) = split(&seed, data.rows(), want.held_out).unwrap();
    let sampler = Sampler::new(&seed, training, want.spec.batch).unwrap();
    let start = State::init(&program, seed).unwrap();
    for cpu in cpus() {
        let mut session = cpu.prepare(&program).unwrap();
        session.load(&start).unwrap();
        let mut pulses = Vec::new();
        train(&mut *session, &data, &sampler, want.steps, |pulse| {
            pulses.push(pulse);
            Ok::<(), EngineError>(())
        })
        .unwrap();
        let got = Golden {
            spec: want.spec.clone(),
            seed: want.seed,
            held_out: want.held_out,
            steps: want.steps,
            program: hex::encode(program.hash()),
            initial_root: hex::encode(start.root()),
            final_root: hex::encode(session.state_root().unwrap()),
            trace_root: hex::encode(trace_root(&pulses)),
        };
        if std::env::var_os("ASSAY_WRITE_GOLDEN").is_some() {
            let text = serde_json::to_string_pretty(&got).unwrap() + "\n";
            std::fs::write(&path, text).unwrap();
            return;
        }
        assert_eq!(got, want, "{}", cpu.name());
    }
}

#[test]
fn digits_adamw() {
    check("digits-adamw");
}

#[test]
fn digits_sgd() {
    check("digits-sgd");
}
