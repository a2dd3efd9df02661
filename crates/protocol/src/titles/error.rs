//! Why the contract of titles refuses a message.

use super::{
    abi::{Reader, Writer},
    selector,
};
use crate::hash::{Address, Hash};
use alloc::vec::Vec;
use core::fmt;

/// Why the contract of titles refused a message. Nothing was changed. Those
/// that EIP-6093 names have its names on chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// Returned if no model of this id has a title here.
    NonexistentToken(Hash),
    /// Returned if the model is not owned by the account that it is to be taken from.
    IncorrectOwner {
        /// The account that was named.
        sender: Address,
        /// The model.
        token: Hash,
        /// Its owner.
        owner: Address,
    },
    /// Returned if the balance of the zero address is asked for.
    InvalidOwner(Address),
    /// Returned if a title is issued that there is already.
    InvalidSender(Address),
    /// Returned if the receiver is the zero address, or a contract that does not take tokens.
    InvalidReceiver(Address),
    /// Returned if the caller is neither owner nor approved.
    InsufficientApproval {
        /// The caller.
        operator: Address,
        /// The model.
        token: Hash,
    },
    /// Returned if somebody approves who is neither owner nor approved for all.
    InvalidApprover(Address),
    /// Returned if the zero address is to be approved for all.
    InvalidOperator(Address),
    /// Returned if there is no token of this number.
    OutOfBounds {
        /// The number that was asked for.
        index: u128,
    },
    /// Returned if someone other than the deployer binds the registry.
    NotAdmin,
    /// Returned if the registry has been bound before.
    RegistryAlreadyBound,
    /// Returned if the contract to be bound is no registry of this version that names these titles.
    NotARegistry(Address),
    /// Returned if a registry is needed and none is bound.
    RegistryNotBound,
    /// Returned if someone other than the bound registry issues a title.
    NotRegistry,
    /// Returned if another token than one of the predecessor's titles is sent here.
    NotPredecessor(Address),
    /// Returned if a predecessor's token is sent here whose model is not imported.
    NotImported(Hash),
    /// Returned if the contract has no such message, or its arguments are malformed.
    BadCallData,
}

impl Error {
    /// The signatures of all errors; the first four bytes of the Keccak-256 of one come first.
    pub const SIGNATURES: &'static [&'static str] = &[
        "ERC721NonexistentToken(uint256)",
        "ERC721IncorrectOwner(address,uint256,address)",
        "ERC721InvalidOwner(address)",
        "ERC721InvalidSender(address)",
        "ERC721InvalidReceiver(address)",
        "ERC721InsufficientApproval(address,uint256)",
        "ERC721InvalidApprover(address)",
        "ERC721InvalidOperator(address)",
        "OutOfBounds(uint256)",
        "NotAdmin()",
        "RegistryAlreadyBound()",
        "NotARegistry(address)",
        "RegistryNotBound()",
        "NotRegistry()",
        "NotPredecessor(address)",
        "NotImported(uint256)",
        "BadCallData()",
    ];
    const SELECTORS: [[u8; 4]; Self::SIGNATURES.len()] = {
        let mut selectors = [[0; 4]; Self::SIGNATURES.len()];
        let mut index = 0;
        while index < selectors.len() {
            selectors[index] = selector(Self::SIGNATURES[index]);
            index += 1;
        }
        selectors
    };

    /// The error in Solidity's encoding, selector first.
    pub fn encode(&self) -> Vec<u8> {
        let writer = Writer::default();
        let (index, writer) = match self {
            Error::NonexistentToken(token) => (0, writer.word(token.0)),
            Error::IncorrectOwner { sender, token, owner } => (1, writer.address(sender).word(token.0).address(owner)),
            Error::InvalidOwner(account) => (2, writer.address(account)),
            Error::InvalidSender(account) => (3, writer.address(account)),
            Error::InvalidReceiver(account) => (4, writer.address(account)),
            Error::InsufficientApproval { operator, token } => (5, writer.address(operator).word(token.0)),
            Error::InvalidApprover(account) => (6, writer.address(account)),
            Error::InvalidOperator(account) => (7, writer.address(account)),
            Error::OutOfBounds { index } => (8, writer.number(*index)),
            Error::NotAdmin => (9, writer),
            Error::RegistryAlreadyBound => (10, writer),
            Error::NotARegistry(account) => (11, writer.address(account)),
            Error::RegistryNotBound => (12, writer),
            Error::NotRegistry => (13, writer),
            Error::NotPredecessor(account) => (14, writer.address(account)),
            Error::NotImported(token) => (15, writer.word(token.0)),
            Error::BadCallData => (16, writer),
        };
        [&Self::SELECTORS[index][..], &writer.finish()].concat()
    }

    /// The error that a refused message answered; nothing if it is none of these.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let selector = bytes.get(..4)?;
        let index = Self::SELECTORS.iter().position(|known| known == selector)?;
        let mut reader = Reader::new(&bytes[4..]);
        Some(match index {
            0 => Error::NonexistentToken(reader.token()?),
            1 => Error::IncorrectOwner { sender: reader.address()?, token: reader.token()?, owner: reader.address()? },
            2 => Error::InvalidOwner(reader.address()?),
            3 => Error::InvalidSender(reader.address()?),
            4 => Error::InvalidReceiver(reader.address()?),
            5 => Error::InsufficientApproval { operator: reader.address()?, token: reader.token()? },
            6 => Error::InvalidApprover(reader.address()?),
            7 => Error::InvalidOperator(reader.address()?),
            8 => Error::OutOfBounds { index: reader.number()? },
            9 => Error::NotAdmin,
            10 => Error::RegistryAlreadyBound,
            11 => Error::NotARegistry(reader.address()?),
            12 => Error::RegistryNotBound,
            13 => Error::NotRegistry,
            14 => Error::NotPredecessor(reader.address()?),
            15 => Error::NotImported(reader.token()?),
            _ => Error::BadCallData,
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::NonexistentToken(token) => {
                write!(f, "model {token} has no title here: check its id and the address of the titles")
            }
            Error::IncorrectOwner { sender, token, owner } => {
                write!(f, "model {token} is owned by {owner}, not by {sender}: name its owner")
            }
            Error::InvalidOwner(account) => write!(f, "{account} owns nothing: name another account"),
            Error::InvalidSender(_) => f.write_str("the model has a title already: nothing is to be issued"),
            Error::InvalidReceiver(account) => {
                write!(f, "{account} does not take models: name another receiver")
            }
            Error::InsufficientApproval { operator, token } => {
                write!(f, "{operator} may not transfer model {token}: sign as its owner, or let the owner approve it")
            }
            Error::InvalidApprover(account) => {
                write!(f, "{account} may not approve for this model: sign as its owner")
            }
            Error::InvalidOperator(account) => write!(f, "{account} cannot act for others: name another account"),
            Error::OutOfBounds { index } => {
                write!(f, "there is no model number {index}: ask totalSupply for the count")
            }
            Error::NotAdmin => {
                f.write_str("only the account that deployed the titles may bind the registry: sign with it")
            }
            Error::RegistryAlreadyBound => {
                f.write_str("the titles are bound to a registry for good: deploy new ones for a new registry")
            }
            Error::NotARegistry(account) => write!(
                f,
                "{account} is no registry of this version that names these titles: deploy it with their address first"
            ),
            Error::RegistryNotBound => f.write_str("no registry is bound yet: let the deployer send bindRegistry"),
            Error::NotRegistry => f.write_str("only the bound registry issues titles: finalise the model's job"),
            Error::NotPredecessor(account) => {
                write!(f, "tokens of {account} are not exchanged here: send those of the predecessor's titles only")
            }
            Error::NotImported(token) => {
                write!(f, "model {token} is not imported from the predecessor: send import_model to the registry first")
            }
            Error::BadCallData => {
                f.write_str("the titles have no such message, or its arguments are malformed: check the ABI")
            }
        }
    }
}

impl core::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_read_as_they_are_written() {
        let (alice, bob, token) = (Address([1; 20]), Address([2; 20]), Hash([3; 32]));
        let all = [
            Error::NonexistentToken(token),
            Error::IncorrectOwner { sender: alice, token, owner: bob },
            Error::InvalidOwner(alice),
            Error::InvalidSender(alice),
            Error::InvalidReceiver(alice),
            Error::InsufficientApproval { operator: alice, token },
            Error::InvalidApprover(alice),
            Error::InvalidOperator(alice),
            Error::OutOfBounds { index: 7 },
            Error::NotAdmin,
            Error::RegistryAlreadyBound,
            Error::NotARegistry(alice),
            Error::RegistryNotBound,
            Error::NotRegistry,
            Error::NotPredecessor(alice),
            Error::NotImported(token),
            Error::BadCallData,
        ];
        assert_eq!(all.len(), Error::SIGNATURES.len());
        for (error, signature) in all.into_iter().zip(Error::SIGNATURES) {
            let bytes = error.encode();
            assert_eq!(bytes[..4], selector(signature));
            assert_eq!(Error::decode(&bytes), Some(error));
            assert_eq!(Error::decode(&bytes[..bytes.len() - 1]), None);
        }
        // As OpenZeppelin's contracts, from which tools know it.
        assert_eq!(Error::NonexistentToken(token).encode()[..4], [0x7e, 0x27, 0x32, 0x89]);
        assert_eq!(Error::decode(&[]), None);
    }
}
