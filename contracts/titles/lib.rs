//! Assay's titles: who owns a model, by ERC-721, for the tools of Ethereum.
//!
//! A thin layer: `crates/titles` holds the logic, `assay_protocol::titles` the
//! messages, events and errors, `contracts/artefacts/titles.abi.json` their ABI.
//!
//! Everything but the constructor is in Solidity's ABI. So it does not go
//! through ink!'s dispatch: one message takes whatever is sent and answers
//! bytes. No message takes value.
//!
//! Who may do what: the deployer binds one registry, once; that registry issues
//! titles; owners and whom they approve transfer them. Nobody can take one
//! away, pause or upgrade the contract.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

mod chain;

#[ink::contract]
mod titles {
    use crate::chain::TitlesChain;
    use assay_protocol::titles::{Call, Error, KIND};
    use assay_titles as logic;
    use ink::prelude::string::String;

    /// All state is in the tables of `crates/titles`.
    #[ink(storage)]
    #[derive(Default)]
    pub struct Titles {}

    impl Titles {
        /// Without a registry or titles; its caller becomes the admin.
        #[ink(constructor)]
        pub fn new() -> Self {
            logic::init(&mut TitlesChain::default());
            Self {}
        }

        /// Any message in Solidity's ABI.
        #[ink(message, selector = _)]
        pub fn solidity(&mut self) {
            let mut chain = TitlesChain::default();
            let result = Call::decode(&chain.host.input())
                .ok_or(Error::BadCallData)
                .and_then(|call| logic::handle(&mut chain, call));
            match result {
                Ok(answer) => chain.host.answer(&answer.encode()),
                Err(error) => chain.host.refuse(&error.encode()),
            }
        }

        /// `titles`, to tell this contract from any other in ink!'s ABI too.
        /// (ink! wants a message of this selector beside one that takes any.)
        #[ink(message, selector = @)]
        pub fn kind(&self) -> String {
            KIND.into()
        }
    }
}
