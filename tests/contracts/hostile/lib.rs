//! A contract for tests that does what Assay's contracts must withstand.
//!
//! As a caller it sends any message to any contract. As who is paid, or called in
//! any other way, it does what it was told before: calls a contract, then refuses
//! or answers. It allows whatever it calls to call back.
//!
//! ink! allows one message beside one that takes anything, so [`Order`] is the
//! argument of that one message.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

mod chain;

#[ink::contract]
mod hostile {
    use crate::chain::call;
    use assay_ink_host::InkHost;
    use assay_protocol::{
        Address as Account, Hash as Digest,
        host::{Host, Table},
    };
    use ink::prelude::vec::Vec;

    /// Whether a call was refused, and what it answered; nothing if it trapped.
    type Answer = (bool, Vec<u8>);

    /// What a test wants of it.
    #[derive(Debug)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Order {
        /// What to do whenever it gets something that is no order: what to call
        /// first, whether to refuse then, what to answer.
        Plan(Option<(Account, Vec<u8>)>, bool, Vec<u8>),
        /// Sends a message with so much value. What came with the order and is
        /// not sent on is kept.
        Forward(Account, u128, Vec<u8>),
        /// Asks what it has seen.
        Seen,
        /// Asks for the hashes of the blocks so many before this one.
        Blocks(Vec<u32>),
    }

    /// What an order gave.
    #[derive(Debug)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Report {
        /// The plan is made.
        Planned,
        /// What came of the message that was sent.
        Forwarded(Answer),
        /// How often it got something and did not refuse, and what came of the
        /// last call that it made then.
        Seen(u32, Option<Answer>),
        /// This block's number, and the hashes that the chain knows.
        Blocks(u32, Vec<Option<Digest>>),
    }

    /// What to call first, whether to refuse then, what to answer.
    type Plan = (Option<(Account, Vec<u8>)>, bool, Vec<u8>);

    // Not in ink!'s root value, which a message that is called back would overwrite.
    const PLAN: Table<(), Plan> = Table::new(b'p');
    const TAKEN: Table<(), u32> = Table::new(b't');
    const NESTED: Table<(), Answer> = Table::new(b'n');

    /// All state is in the tables.
    #[ink(storage)]
    #[derive(Default)]
    pub struct Hostile {}

    impl Hostile {
        /// Takes whatever it gets, until it has a plan.
        #[ink(constructor)]
        pub fn new() -> Self {
            Self {}
        }

        /// Does what a test wants. Refuses nothing.
        #[ink(message, payable, selector = @)]
        pub fn order(&mut self, order: Order) -> Result<Report, ()> {
            let host = &mut InkHost;
            Ok(match order {
                Order::Plan(nested, refuse, answer) => {
                    PLAN.set(host, &(), &(nested, refuse, answer));
                    NESTED.remove(host, &());
                    Report::Planned
                }
                Order::Forward(to, value, input) => Report::Forwarded(call(&to, value, &input)),
                Order::Seen => Report::Seen(TAKEN.get(host, &()).unwrap_or(0), NESTED.get(host, &())),
                Order::Blocks(before) => {
                    let now = host.block_number();
                    Report::Blocks(now, before.into_iter().map(|count| host.block_hash(now - count)).collect())
                }
            })
        }

        /// Anything else: a payment, a question whether it takes a token.
        #[ink(message, payable, selector = _)]
        pub fn anything(&mut self) {
            let host = &mut InkHost;
            let (nested, refuse, answer) = PLAN.get(host, &()).unwrap_or_default();
            if let Some((to, input)) = nested {
                let answer = call(&to, 0, &input);
                NESTED.set(host, &(), &answer);
            }
            if refuse {
                host.refuse(b"no");
            }
            let taken = TAKEN.get(host, &()).unwrap_or(0) + 1;
            TAKEN.set(host, &(), &taken);
            host.answer(&answer)
        }
    }
}
