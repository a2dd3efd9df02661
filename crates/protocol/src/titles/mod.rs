//! The titles: who owns a model, by the interface that Ethereum's tools know
//! (ERC-721, Solidity ABI). `crates/titles` holds the logic.
//!
//! A token is a model; its id is the model's id as a `uint256`. All messages,
//! answers, events and errors of that contract are encoded as Solidity does;
//! `contracts/artefacts/titles.abi.json` describes them to other tools.
//!
//! | module | holds |
//! | --- | --- |
//! | [`abi`] | words, texts and bytes in Solidity's encoding |
//! | `calls` | the messages and their answers |
//! | `events` | what changed |
//! | `error` | why a message is refused |
//!
//! Interface: [EIP-721](https://eips.ethereum.org/EIPS/eip-721); errors:
//! [EIP-6093](https://eips.ethereum.org/EIPS/eip-6093).

pub mod abi;
mod calls;
mod error;
mod events;

pub use calls::{Answer, Call};
pub use error::Error;
pub use events::Event;

/// What `kind()` of the contract answers, to tell it from any other contract.
pub const KIND: &str = "titles";
/// What `version()` answers. A change of messages, events or errors raises it.
pub const VERSION: u32 = 2;
/// What `name()` answers.
pub const NAME: &str = "Assay models";
/// What `symbol()` answers.
pub const SYMBOL: &str = "ASSAY";

/// Interface of [EIP-165](https://eips.ethereum.org/EIPS/eip-165): `supportsInterface`.
pub const INTERFACE_ERC165: [u8; 4] = [0x01, 0xff, 0xc9, 0xa7];
/// Interface of ERC-721.
pub const INTERFACE_ERC721: [u8; 4] = [0x80, 0xac, 0x58, 0xcd];
/// Interface of ERC-721's `name`, `symbol` and `tokenURI`.
pub const INTERFACE_ERC721_METADATA: [u8; 4] = [0x5b, 0x5e, 0x13, 0x9f];
/// Interface of a receiver of ERC-721 tokens, and what `onERC721Received` answers.
pub const INTERFACE_ERC721_RECEIVER: [u8; 4] = [0x15, 0x0b, 0x7a, 0x02];
/// What no contract supports.
pub const INTERFACE_NONE: [u8; 4] = [0xff; 4];

/// Keccak-256 of `text`, in constants.
const fn keccak(text: &str) -> [u8; 32] {
    keccak_const::Keccak256::new().update(text.as_bytes()).finalize()
}

/// The first four bytes of a signature's Keccak-256: how Solidity names
/// messages and errors.
pub const fn selector(signature: &str) -> [u8; 4] {
    let hash = keccak(signature);
    [hash[0], hash[1], hash[2], hash[3]]
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, string::String, vec::Vec};
    use serde_json::Value;

    /// What other tools are told is what the contract does.
    #[test]
    fn the_abi_has_the_same_signatures() {
        let abi: Vec<Value> = serde_json::from_str(include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../contracts/artefacts/titles.abi.json"
        )))
        .unwrap();
        let signatures = |kind: &str| -> Vec<String> {
            let of_kind = abi.iter().filter(|entry| entry["type"] == kind);
            of_kind
                .map(|entry| {
                    let types = entry["inputs"].as_array().unwrap().iter().map(|input| input["type"].as_str().unwrap());
                    format!("{}({})", entry["name"].as_str().unwrap(), types.collect::<Vec<_>>().join(","))
                })
                .collect()
        };
        assert_eq!(signatures("function"), Call::SIGNATURES);
        assert_eq!(signatures("event"), Event::SIGNATURES);
        assert_eq!(signatures("error"), Error::SIGNATURES);
        // As many topics as the events are encoded with.
        let (account, token) = (crate::Address([1; 20]), crate::Hash([2; 32]));
        let events = [
            Event::Transfer { from: account, to: account, token },
            Event::Approval { owner: account, approved: account, token },
            Event::ApprovalForAll { owner: account, operator: account, approved: true },
            Event::RegistryBound { registry: account },
        ];
        for (event, entry) in events.iter().zip(abi.iter().filter(|entry| entry["type"] == "event")) {
            let indexed = entry["inputs"].as_array().unwrap().iter().filter(|input| input["indexed"] == true).count();
            assert_eq!(event.encode().0.len(), 1 + indexed, "{}", entry["name"]);
        }
    }
}
