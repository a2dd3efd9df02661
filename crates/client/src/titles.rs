//! The contract of titles, message by message: who owns a model, by ERC-721 in
//! Solidity's encoding.

use crate::{
    chain::Chain,
    contract::{Call, Reading},
    dryrun::Returned,
    error::{CallError, Error, ExecutionError},
    submit::{ContractEvent, Receipt},
};
use assay_protocol::{
    Address, Hash,
    titles::{self, Call as Message, abi::Reader},
};

/// A refusal of the titles, or what else went wrong.
pub type TitlesError = CallError<titles::Error>;

/// The contract of titles at an address. A token's id is its model's.
#[derive(Clone, Debug)]
pub struct Titles {
    chain: Chain,
    address: Address,
}

impl Titles {
    /// The titles at `address`. Asks nothing; see
    /// [`Deployment::verify`](crate::Deployment::verify).
    pub fn at(chain: &Chain, address: Address) -> Self {
        Self { chain: chain.clone(), address }
    }

    /// Where the contract is.
    pub fn address(&self) -> Address {
        self.address
    }

    fn send(&self, label: &'static str, message: &Message) -> Call<(), titles::Error> {
        self.call(label, message, nothing)
    }

    fn call<A>(
        &self,
        label: &'static str,
        message: &Message,
        read: crate::contract::Reader<Result<A, titles::Error>>,
    ) -> Call<A, titles::Error> {
        Call::with_reader(&self.chain, self.address, label, message.encode(), read)
    }

    // Messages that change something.

    /// Gives a model to an account; a contract must agree. By its owner, or by
    /// whom the owner approved.
    pub fn safe_transfer_from(&self, from: Address, to: Address, token: Hash) -> Call<(), titles::Error> {
        self.send("safeTransferFrom", &Message::SafeTransferFrom { from, to, token })
    }

    /// Gives a model to an account, which is not asked.
    pub fn transfer_from(&self, from: Address, to: Address, token: Hash) -> Call<(), titles::Error> {
        self.send("transferFrom", &Message::TransferFrom { from, to, token })
    }

    /// Lets an account transfer one model; `None` takes that back.
    pub fn approve(&self, to: Option<Address>, token: Hash) -> Call<(), titles::Error> {
        self.send("approve", &Message::Approve { to: to.unwrap_or_default(), token })
    }

    /// Lets an account transfer all models of the sender, or takes that back.
    pub fn set_approval_for_all(&self, operator: Address, approved: bool) -> Call<(), titles::Error> {
        self.send("setApprovalForAll", &Message::SetApprovalForAll { operator, approved })
    }

    /// Binds the registry whose models these are, once and for good. Only the deployer.
    pub fn bind_registry(&self, registry: Address) -> Call<(), titles::Error> {
        self.send("bindRegistry", &Message::BindRegistry { registry })
    }

    // Messages that only answer; none needs an account.

    /// Who owns a model; `None` if it has no title here.
    ///
    /// # Errors
    /// If the contract cannot be asked.
    pub async fn owner_of(&self, token: Hash) -> Result<Option<Address>, Error> {
        of_token(self.call("ownerOf", &Message::OwnerOf { token }, address).ask().await)
    }

    /// Who else may transfer this model; `None` for nobody.
    ///
    /// # Errors
    /// If the model has no title here.
    pub async fn approved(&self, token: Hash) -> Result<Option<Address>, TitlesError> {
        let approved = self.call("getApproved", &Message::GetApproved { token }, address).ask().await?;
        Ok((approved != Address::default()).then_some(approved))
    }

    /// Whether an account may transfer all models of another.
    ///
    /// # Errors
    /// If the contract cannot be asked.
    pub async fn is_approved_for_all(&self, owner: Address, operator: Address) -> Result<bool, TitlesError> {
        self.call("isApprovedForAll", &Message::IsApprovedForAll { owner, operator }, flag).ask().await
    }

    /// How many models an account owns.
    ///
    /// # Errors
    /// If the account is zero.
    pub async fn balance_of(&self, owner: Address) -> Result<u128, TitlesError> {
        self.call("balanceOf", &Message::BalanceOf { owner }, number).ask().await
    }

    /// How many models have a title here.
    ///
    /// # Errors
    /// If the contract cannot be asked.
    pub async fn total_supply(&self) -> Result<u128, TitlesError> {
        self.call("totalSupply", &Message::TotalSupply, number).ask().await
    }

    /// A description of a model: a `data:` URL of JSON.
    ///
    /// # Errors
    /// If the model has no title here.
    pub async fn token_uri(&self, token: Hash) -> Result<String, TitlesError> {
        self.call("tokenURI", &Message::TokenUri { token }, text).ask().await
    }

    /// The registry whose models these are, once bound.
    ///
    /// # Errors
    /// If the contract cannot be asked.
    pub async fn registry(&self) -> Result<Option<Address>, Error> {
        let registry = self.call("registry", &Message::Registry, address).ask().await?;
        Ok((registry != Address::default()).then_some(registry))
    }

    /// What the contract says it is: [`titles::KIND`].
    ///
    /// # Errors
    /// If it is another contract.
    pub async fn kind(&self) -> Result<String, Error> {
        Ok(self.call("kind", &Message::Kind, text).ask().await?)
    }

    /// Version of the contract's messages, events and errors.
    ///
    /// # Errors
    /// If it is another contract.
    pub async fn version(&self) -> Result<u32, Error> {
        let version = self.call("version", &Message::Version, number).ask().await?;
        Ok(u32::try_from(version).unwrap_or(u32::MAX))
    }

    // Events.

    /// These titles' events in a receipt, in order.
    ///
    /// # Errors
    /// If an event's fields cannot be read.
    pub fn events(&self, receipt: &Receipt) -> Result<Vec<titles::Event>, Error> {
        receipt.events.iter().filter_map(|event| self.event(event).transpose()).collect()
    }

    /// The event; `None` if another contract emitted it.
    ///
    /// # Errors
    /// If the event is none that this version knows.
    pub fn event(&self, event: &ContractEvent) -> Result<Option<titles::Event>, Error> {
        if event.contract != self.address {
            return Ok(None);
        }
        let topics: Vec<[u8; 32]> = event.topics.iter().map(|topic| topic.0).collect();
        match titles::Event::decode(&topics, &event.data) {
            Some(event) => Ok(Some(event)),
            None => Err(ExecutionError::BadAnswer {
                address: self.address,
                message: "event".into(),
                reason: format!("its topics are {:?}", event.topics),
            }
            .into()),
        }
    }
}

fn of_token<A>(asked: Result<A, TitlesError>) -> Result<Option<A>, Error> {
    match asked {
        Ok(answer) => Ok(Some(answer)),
        Err(CallError::Refused { reason: titles::Error::NonexistentToken(_), .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

type Answered<A> = Reading<Result<A, titles::Error>>;

fn reading<A>(returned: &Returned, read: impl Fn(&mut Reader<'_>) -> Option<A>) -> Answered<A> {
    let unreadable = || Reading::Unreadable(format!("its {} bytes are no such answer", returned.data.len()));
    if returned.reverted {
        return match titles::Error::decode(&returned.data) {
            Some(titles::Error::BadCallData) => Reading::UnknownMessage,
            Some(error) => Reading::Answer(Err(error)),
            None => unreadable(),
        };
    }
    read(&mut Reader::new(&returned.data)).map_or_else(unreadable, |answer| Reading::Answer(Ok(answer)))
}

fn nothing(returned: &Returned) -> Answered<()> {
    reading(returned, |_| returned.data.is_empty().then_some(()))
}

fn address(returned: &Returned) -> Answered<Address> {
    reading(returned, |reader| reader.address())
}

fn number(returned: &Returned) -> Answered<u128> {
    reading(returned, |reader| reader.number())
}

fn flag(returned: &Returned) -> Answered<bool> {
    reading(returned, |reader| reader.flag())
}

fn text(returned: &Returned) -> Answered<String> {
    reading(returned, |reader| reader.text())
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_protocol::titles::Answer;

    #[test]
    fn answers_refusals_and_other_contracts_are_told_apart() {
        let returned = |reverted, data: Vec<u8>| Returned { reverted, data, address: None };
        let owner = Address([7; 20]);
        let answer = returned(false, Answer::Address(owner).encode());
        assert!(matches!(address(&answer), Reading::Answer(Ok(found)) if found == owner));
        let refused = returned(true, titles::Error::NonexistentToken(Hash([1; 32])).encode());
        assert!(matches!(address(&refused), Reading::Answer(Err(titles::Error::NonexistentToken(_)))));
        let unknown = returned(true, titles::Error::BadCallData.encode());
        assert!(matches!(address(&unknown), Reading::UnknownMessage));
        for other in [returned(false, vec![0]), returned(true, vec![]), returned(true, vec![1, 1])] {
            assert!(matches!(address(&other), Reading::Unreadable(_)));
        }
        assert!(matches!(nothing(&returned(false, vec![])), Reading::Answer(Ok(()))));
        assert!(matches!(nothing(&answer), Reading::Unreadable(_)), "another contract may answer something");
    }
}
