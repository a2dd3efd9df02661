//! What changed in the contract of titles, as Solidity's events.

use super::{
    abi::{Reader, Writer, address, address_word},
    keccak,
};
use crate::hash::{Address, Hash};
use alloc::{vec, vec::Vec};

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A model has a new owner. From the zero address: its title was issued.
    Transfer {
        /// Its owner until now.
        from: Address,
        /// Its owner from now on.
        to: Address,
        /// The model.
        token: Hash,
    },
    /// An account may transfer a model; the zero address: nobody but its owner.
    Approval {
        /// Its owner.
        owner: Address,
        /// The account.
        approved: Address,
        /// The model.
        token: Hash,
    },
    /// An account may transfer all models of another, or may no more.
    ApprovalForAll {
        /// Whose models.
        owner: Address,
        /// The account.
        operator: Address,
        /// Whether it may.
        approved: bool,
    },
    /// The registry whose models these are was set.
    RegistryBound {
        /// The registry contract.
        registry: Address,
    },
}

impl Event {
    /// The signatures of all events; topic 0 is the Keccak-256 of one.
    pub const SIGNATURES: &'static [&'static str] = &[
        "Transfer(address,address,uint256)",
        "Approval(address,address,uint256)",
        "ApprovalForAll(address,address,bool)",
        "RegistryBound(address)",
    ];
    const TOPICS: [[u8; 32]; 4] = [
        keccak(Self::SIGNATURES[0]),
        keccak(Self::SIGNATURES[1]),
        keccak(Self::SIGNATURES[2]),
        keccak(Self::SIGNATURES[3]),
    ];

    /// The event's topics and its data in Solidity's encoding.
    pub fn encode(&self) -> (Vec<[u8; 32]>, Vec<u8>) {
        let [transfer, approval, approval_for_all, registry_bound] = Self::TOPICS;
        match self {
            Event::Transfer { from, to, token } => {
                (vec![transfer, address_word(from), address_word(to), token.0], vec![])
            }
            Event::Approval { owner, approved, token } => {
                (vec![approval, address_word(owner), address_word(approved), token.0], vec![])
            }
            Event::ApprovalForAll { owner, operator, approved } => {
                let topics = vec![approval_for_all, address_word(owner), address_word(operator)];
                (topics, Writer::default().flag(*approved).finish())
            }
            Event::RegistryBound { registry } => (vec![registry_bound, address_word(registry)], vec![]),
        }
    }

    /// The event with these topics and data; nothing if it is none of these.
    pub fn decode(topics: &[[u8; 32]], data: &[u8]) -> Option<Self> {
        let (signature, topics) = topics.split_first()?;
        let index = Self::TOPICS.iter().position(|topic| topic == signature)?;
        let mut data = Reader::new(data);
        match (index, topics) {
            (0, [from, to, token]) => {
                Some(Event::Transfer { from: address(from)?, to: address(to)?, token: Hash(*token) })
            }
            (1, [owner, approved, token]) => {
                Some(Event::Approval { owner: address(owner)?, approved: address(approved)?, token: Hash(*token) })
            }
            (2, [owner, operator]) => Some(Event::ApprovalForAll {
                owner: address(owner)?,
                operator: address(operator)?,
                approved: data.flag()?,
            }),
            (3, [registry]) => Some(Event::RegistryBound { registry: address(registry)? }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_those_of_the_standard() {
        let hex = |topic: [u8; 32]| Hash(topic).to_string();
        use alloc::string::ToString;
        // As every ERC-721 contract has them.
        let known = [
            "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef",
            "0x8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925",
            "0x17307eab39ab6107e8899845ad3d59bd9653f200f220920489ca2b5937696c31",
        ];
        assert_eq!(Event::TOPICS.map(hex)[..3], known);
    }

    #[test]
    fn events_are_read_as_they_are_written() {
        let (alice, bob, token) = (Address([1; 20]), Address([2; 20]), Hash([3; 32]));
        let all = [
            Event::Transfer { from: alice, to: bob, token },
            Event::Approval { owner: alice, approved: bob, token },
            Event::ApprovalForAll { owner: alice, operator: bob, approved: true },
            Event::RegistryBound { registry: bob },
        ];
        for event in all {
            let (topics, data) = event.encode();
            assert_eq!(Event::decode(&topics, &data), Some(event));
            assert_eq!(Event::decode(&topics[..topics.len() - 1], &data), None);
            assert_eq!(Event::decode(&topics[1..], &data), None);
        }
        assert_eq!(Event::decode(&[], &[]), None);
    }
}
