//! The messages of the contract of titles and their answers.

use super::{
    abi::{Reader, Writer},
    selector,
};
use crate::hash::{Address, Hash};
use alloc::{string::String, vec::Vec};

macro_rules! calls {
    ($($(#[$meta:meta])* $name:ident $({ $($(#[$field_meta:meta])* $field:ident: $type:ty => $part:ident),* $(,)? })?
        = $signature:literal;)*) => {
        /// A message to the contract of titles.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Call {
            $($(#[$meta])* $name $({ $($(#[$field_meta])* $field: $type),* })?,)*
        }

        impl Call {
            /// The signatures of all messages.
            pub const SIGNATURES: &'static [&'static str] = &[$($signature),*];

            /// The message in Solidity's encoding, selector first.
            pub fn encode(&self) -> Vec<u8> {
                match self {
                    $(Call::$name $({ $($field),* })? => {
                        const SELECTOR: [u8; 4] = selector($signature);
                        let writer = Writer::default();
                        $($(let writer = parts::$part::write(writer, $field);)*)?
                        [&SELECTOR[..], &writer.finish()].concat()
                    })*
                }
            }

            /// The message in `bytes`; nothing if the contract has none of this
            /// selector, or its arguments are not what the signature says.
            pub fn decode(bytes: &[u8]) -> Option<Self> {
                $({
                    const SELECTOR: [u8; 4] = selector($signature);
                    if bytes.get(..4)? == SELECTOR {
                        #[allow(unused_mut, unused_variables)]
                        let mut reader = Reader::new(&bytes[4..]);
                        return Some(Call::$name $({ $($field: parts::$part::read(&mut reader)?),* })?);
                    }
                })*
                None
            }
        }
    };
}

/// How each part of a message is written and read.
mod parts {
    macro_rules! part {
        ($name:ident, $type:ty, $given:ty, |$writer:ident, $value:ident| $write:expr, |$reader:ident| $read:expr) => {
            pub mod $name {
                use super::super::*;
                pub fn write($writer: Writer, $value: &$given) -> Writer {
                    $write
                }
                pub fn read($reader: &mut Reader<'_>) -> Option<$type> {
                    $read
                }
            }
        };
    }
    part!(address, Address, Address, |writer, value| writer.address(value), |reader| reader.address());
    part!(token, Hash, Hash, |writer, value| writer.word(value.0), |reader| reader.token());
    part!(number, u128, u128, |writer, value| writer.number(*value), |reader| reader.number());
    part!(flag, bool, bool, |writer, value| writer.flag(*value), |reader| reader.flag());
    part!(bytes4, [u8; 4], [u8; 4], |writer, value| writer.bytes4(*value), |reader| reader.bytes4());
    part!(bytes, Vec<u8>, [u8], |writer, value| writer.bytes(value), |reader| reader.bytes().map(<[u8]>::to_vec));
}

calls! {
    /// How many models an account owns. Answers a number.
    BalanceOf {
        /// The account.
        owner: Address => address,
    } = "balanceOf(address)";
    /// Who owns a model. Answers an address.
    OwnerOf {
        /// The model.
        token: Hash => token,
    } = "ownerOf(uint256)";
    /// Gives a model to an account that may be a contract, which must agree.
    SafeTransferFromWith {
        /// Its owner.
        from: Address => address,
        /// Its owner from now on.
        to: Address => address,
        /// The model.
        token: Hash => token,
        /// What the receiving contract is told.
        data: Vec<u8> => bytes,
    } = "safeTransferFrom(address,address,uint256,bytes)";
    /// The same without data.
    SafeTransferFrom {
        /// Its owner.
        from: Address => address,
        /// Its owner from now on.
        to: Address => address,
        /// The model.
        token: Hash => token,
    } = "safeTransferFrom(address,address,uint256)";
    /// Gives a model to an account, which is not asked.
    TransferFrom {
        /// Its owner.
        from: Address => address,
        /// Its owner from now on.
        to: Address => address,
        /// The model.
        token: Hash => token,
    } = "transferFrom(address,address,uint256)";
    /// Lets an account transfer one model; the zero address takes that back.
    Approve {
        /// The account.
        to: Address => address,
        /// The model.
        token: Hash => token,
    } = "approve(address,uint256)";
    /// Lets an account transfer all models of the caller, or takes that back.
    SetApprovalForAll {
        /// The account.
        operator: Address => address,
        /// Whether it may.
        approved: bool => flag,
    } = "setApprovalForAll(address,bool)";
    /// Who else may transfer this model. Answers an address, zero for nobody.
    GetApproved {
        /// The model.
        token: Hash => token,
    } = "getApproved(uint256)";
    /// Whether an account may transfer all models of another. Answers a flag.
    IsApprovedForAll {
        /// Whose models.
        owner: Address => address,
        /// The account.
        operator: Address => address,
    } = "isApprovedForAll(address,address)";
    /// Name of the collection. Answers a text.
    Name = "name()";
    /// Symbol of the collection. Answers a text.
    Symbol = "symbol()";
    /// A description of a model. Answers a text, a `data:` URL of JSON.
    TokenUri {
        /// The model.
        token: Hash => token,
    } = "tokenURI(uint256)";
    /// Whether the contract has an interface, by EIP-165. Answers a flag.
    SupportsInterface {
        /// The interface.
        interface: [u8; 4] => bytes4,
    } = "supportsInterface(bytes4)";
    /// How many models have a title here. Answers a number.
    TotalSupply = "totalSupply()";
    /// A model by its number, oldest first. Answers a token.
    TokenByIndex {
        /// The number, from 0.
        index: u128 => number,
    } = "tokenByIndex(uint256)";
    /// Another contract sent a token here: the predecessor's titles, whose
    /// tokens are exchanged for titles here. Answers four bytes.
    OnErc721Received {
        /// Who sent it.
        operator: Address => address,
        /// Who owned it.
        from: Address => address,
        /// The model.
        token: Hash => token,
        /// What it was sent with.
        data: Vec<u8> => bytes,
    } = "onERC721Received(address,address,uint256,bytes)";
    /// Issues the title of a new model. Only the bound registry.
    Mint {
        /// Its first owner.
        to: Address => address,
        /// The model.
        token: Hash => token,
    } = "mint(address,uint256)";
    /// Binds the registry whose models these are, once and for good. Only the deployer.
    BindRegistry {
        /// The registry contract.
        registry: Address => address,
    } = "bindRegistry(address)";
    /// The bound registry. Answers an address, zero before it is bound.
    Registry = "registry()";
    /// Who deployed the contract. Answers an address.
    Admin = "admin()";
    /// What the contract is. Answers a text, [`super::KIND`].
    Kind = "kind()";
    /// Version of messages, events and errors. Answers a number.
    Version = "version()";
}

/// What a message answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing.
    Done,
    /// An `address`.
    Address(Address),
    /// A token: a model's id.
    Token(Hash),
    /// A `uint256`.
    Number(u128),
    /// A `bool`.
    Flag(bool),
    /// A `bytes4`.
    Bytes4([u8; 4]),
    /// A `string`.
    Text(String),
}

impl Answer {
    /// The answer in Solidity's encoding. It is read by the method of
    /// [`Reader`] that the [`Call`] names.
    pub fn encode(&self) -> Vec<u8> {
        let writer = Writer::default();
        match self {
            Answer::Done => writer,
            Answer::Address(address) => writer.address(address),
            Answer::Token(token) => writer.word(token.0),
            Answer::Number(number) => writer.number(*number),
            Answer::Flag(flag) => writer.flag(*flag),
            Answer::Bytes4(bytes) => writer.bytes4(*bytes),
            Answer::Text(text) => writer.bytes(text.as_bytes()),
        }
        .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::titles;
    use alloc::{format, vec};

    const ALICE: Address = Address([0xa1; 20]);
    const BOB: Address = Address([0xb0; 20]);
    const TOKEN: Hash = Hash([0x70; 32]);

    /// Selectors as EIP-721 and EIP-165 give them.
    #[test]
    fn selectors_are_those_of_the_standard() {
        let known: [(&str, u32); 16] = [
            ("balanceOf(address)", 0x70a08231),
            ("ownerOf(uint256)", 0x6352211e),
            ("safeTransferFrom(address,address,uint256,bytes)", 0xb88d4fde),
            ("safeTransferFrom(address,address,uint256)", 0x42842e0e),
            ("transferFrom(address,address,uint256)", 0x23b872dd),
            ("approve(address,uint256)", 0x095ea7b3),
            ("setApprovalForAll(address,bool)", 0xa22cb465),
            ("getApproved(uint256)", 0x081812fc),
            ("isApprovedForAll(address,address)", 0xe985e9c5),
            ("name()", 0x06fdde03),
            ("symbol()", 0x95d89b41),
            ("tokenURI(uint256)", 0xc87b56dd),
            ("supportsInterface(bytes4)", 0x01ffc9a7),
            ("totalSupply()", 0x18160ddd),
            ("tokenByIndex(uint256)", 0x4f6ccce7),
            ("onERC721Received(address,address,uint256,bytes)", 0x150b7a02),
        ];
        for (signature, expected) in known {
            assert_eq!(u32::from_be_bytes(selector(signature)), expected, "{signature}");
            assert!(Call::SIGNATURES.contains(&signature), "{signature}");
        }
        // An interface is the exclusive or of its selectors.
        let interface = |signatures: &[&str]| {
            signatures.iter().fold(0, |id, text| id ^ u32::from_be_bytes(selector(text))).to_be_bytes()
        };
        let names = known.map(|(signature, _)| signature);
        assert_eq!(interface(&names[..9]), titles::INTERFACE_ERC721);
        assert_eq!(interface(&names[9..12]), titles::INTERFACE_ERC721_METADATA);
        assert_eq!(interface(&names[12..13]), titles::INTERFACE_ERC165);
        assert_eq!(interface(&names[15..]), titles::INTERFACE_ERC721_RECEIVER);
    }

    #[test]
    fn calls_are_read_as_they_are_written() {
        let data = vec![1, 2, 3];
        let all = [
            Call::BalanceOf { owner: ALICE },
            Call::OwnerOf { token: TOKEN },
            Call::SafeTransferFromWith { from: ALICE, to: BOB, token: TOKEN, data: data.clone() },
            Call::SafeTransferFrom { from: ALICE, to: BOB, token: TOKEN },
            Call::TransferFrom { from: ALICE, to: BOB, token: TOKEN },
            Call::Approve { to: BOB, token: TOKEN },
            Call::SetApprovalForAll { operator: BOB, approved: true },
            Call::GetApproved { token: TOKEN },
            Call::IsApprovedForAll { owner: ALICE, operator: BOB },
            Call::Name,
            Call::Symbol,
            Call::TokenUri { token: TOKEN },
            Call::SupportsInterface { interface: [1, 2, 3, 4] },
            Call::TotalSupply,
            Call::TokenByIndex { index: 7 },
            Call::OnErc721Received { operator: ALICE, from: BOB, token: TOKEN, data },
            Call::Mint { to: ALICE, token: TOKEN },
            Call::BindRegistry { registry: BOB },
            Call::Registry,
            Call::Admin,
            Call::Kind,
            Call::Version,
        ];
        assert_eq!(all.len(), Call::SIGNATURES.len());
        for (call, signature) in all.iter().zip(Call::SIGNATURES) {
            let bytes = call.encode();
            assert_eq!(bytes[..4], selector(signature));
            assert_eq!(Call::decode(&bytes).as_ref(), Some(call), "{signature}");
            // Whatever is cut off is missed.
            let arguments = signature.matches(',').count() + usize::from(!signature.contains("()"));
            for cut in 0..(4 + 32 * arguments).min(bytes.len()) {
                assert_eq!(Call::decode(&bytes[..cut]), None, "{signature} cut to {cut}");
            }
        }
        assert_eq!(Call::decode(&[0; 4]), None);
    }

    /// As viem encodes it: `encodeFunctionData` of the 4-argument transfer.
    #[test]
    fn a_call_in_full() {
        let call = Call::SafeTransferFromWith { from: ALICE, to: BOB, token: TOKEN, data: b"hi".to_vec() };
        let expected = [
            "b88d4fde",
            "000000000000000000000000a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1",
            "000000000000000000000000b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
            "7070707070707070707070707070707070707070707070707070707070707070",
            "0000000000000000000000000000000000000000000000000000000000000080",
            "0000000000000000000000000000000000000000000000000000000000000002",
            "6869000000000000000000000000000000000000000000000000000000000000",
        ];
        let hex: String = call.encode().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, expected.concat());
    }

    #[test]
    fn answers_are_read_as_they_are_written() {
        let text = Answer::Text("Assay models".into()).encode();
        assert_eq!(Reader::new(&text).text().unwrap(), "Assay models");
        assert_eq!(Reader::new(&Answer::Address(ALICE).encode()).address(), Some(ALICE));
        assert_eq!(Reader::new(&Answer::Token(TOKEN).encode()).token(), Some(TOKEN));
        assert_eq!(Reader::new(&Answer::Number(9).encode()).number(), Some(9));
        assert_eq!(Reader::new(&Answer::Flag(true).encode()).flag(), Some(true));
        assert_eq!(Reader::new(&Answer::Bytes4([1, 2, 3, 4]).encode()).bytes4(), Some([1, 2, 3, 4]));
        assert!(Answer::Done.encode().is_empty());
    }
}
