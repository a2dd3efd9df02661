//! The committed bundles.

use crate::messages::Contract;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// Code and selectors of a contract.
pub struct Bundle {
    pub code: Vec<u8>,
    pub constructor: [u8; 4],
    /// The hash by which chains know the code.
    pub code_hash: String,
    selectors: BTreeMap<String, [u8; 4]>,
}

impl Bundle {
    /// The bundle of `contract` in `contracts/artefacts`.
    pub fn load(contract: Contract) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts/artefacts");
        let path = folder.join(format!("{}.contract", contract.name()));
        let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let json: Value = serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let messages = json["spec"]["messages"].as_array().expect("a bundle lists its messages");
        let label = |message: &Value| message["label"].as_str().expect("a message has a label").to_owned();
        Self {
            code: bytes(&json["source"]["contract_binary"]),
            constructor: selector(&json["spec"]["constructors"][0]),
            code_hash: json["source"]["hash"].as_str().expect("a bundle names its code hash").into(),
            selectors: messages.iter().map(|message| (label(message), selector(message))).collect(),
        }
    }

    /// The first four bytes of a message.
    pub fn selector(&self, label: &str) -> [u8; 4] {
        *self.selectors.get(label).unwrap_or_else(|| panic!("the contract has no message {label}"))
    }
}

fn selector(of: &Value) -> [u8; 4] {
    bytes(&of["selector"]).try_into().expect("a selector has four bytes")
}

fn bytes(hex: &Value) -> Vec<u8> {
    let digits = hex.as_str().and_then(|text| text.strip_prefix("0x")).expect("hex begins with 0x");
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hex digits")).collect()
}
