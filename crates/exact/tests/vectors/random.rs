//! Random numbers and the order of samples.

use crate::case::{bits, case, tensor};
use assay_exact::{Op, order, philox};
use serde_json::{Value, json};
use std::slice::from_ref;

const KEYS: [philox::Key; 3] = [[0, 0], [u32::MAX, u32::MAX], [0xa409_3822, 0x299f_31d0]];

pub fn cases() -> Vec<Value> {
    let mut cases = Vec::new();
    let hex = |words: &[u32]| words.iter().map(|word| format!("{word:08x}")).collect::<Vec<_>>().join(" ");
    for key in KEYS {
        for counter in [[0; 4], [u32::MAX; 4], [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344]] {
            let block = philox::block(counter, key);
            cases.push(json!({ "what": "block", "key": hex(&key), "counter": hex(&counter), "block": hex(&block) }));
        }
        for (stream, step, index) in [(0, 0, 0), (3, 1, 6), (1 << 24, (7 << 32) + 5, (1 << 34) - 1)] {
            let word = philox::word(key, stream, step, index);
            cases.push(json!({
                "what": "word", "key": hex(&key), "stream": stream, "step": step, "index": index,
                "word": hex(&[word]), "unit": bits(philox::unit(word)),
                "bound": bits(0.3), "uniform": bits(philox::uniform(word, 0.3)),
            }));
        }
        for (stream, epoch, n) in [(1 << 24, 0, 1u64), (9, 3, 2), (0, 1 << 40, 100), (5, 2, 1 << 62)] {
            let images: Vec<u64> = (0..n.min(10)).map(|i| order::permute(key, stream, epoch, n, i)).collect();
            cases.push(json!({
                "what": "permute", "key": hex(&key), "stream": stream, "epoch": epoch, "n": n, "images": images,
            }));
        }
    }
    for (key, step) in [(KEYS[2], 0), (KEYS[2], 1), (KEYS[0], (3 << 32) + 7)] {
        let counter = tensor(&[8], &philox::counter(key, step));
        cases.push(case(&format!("step {step}"), Op::Random { stream: 0 }, from_ref(&counter), &[2, 5]));
        cases.push(case(&format!("step {step}"), Op::Random { stream: (1 << 24) - 1 }, &[counter], &[3]));
    }
    let mut wrong = philox::counter(KEYS[2], 0);
    cases.push(case("stream too large", Op::Random { stream: 1 << 24 }, &[tensor(&[8], &wrong)], &[3]));
    wrong[6] = 65_536.0;
    cases.push(case("no counter", Op::Random { stream: 0 }, &[tensor(&[8], &wrong)], &[3]));
    cases
}
