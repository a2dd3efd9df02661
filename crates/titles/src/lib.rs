//! Logic of the contract of titles: who owns a model, by ERC-721. Messages,
//! answers, events and errors are in [`assay_protocol::titles`].
//!
//! Only the bound registry issues titles, one for each model, when it
//! registers the model. In a contract that succeeds another one a title is
//! issued also in exchange for the predecessor's, for an imported model.
//! Nobody else has any power over a title but its owner and whom the owner
//! approves.
//!
//! A receiving contract is called last, when everything is stored. It cannot
//! call back: the chain refuses re-entry.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod describe;
mod transfer;

use alloc::string::ToString;
use assay_protocol::{
    Address, Hash,
    host::{Host, Table},
    registry::{ModelRecord, Predecessor},
    titles::{self, Answer, Call, Error, Event},
};

/// What the titles need from their chain beside a [`Host`]: the registry,
/// receivers and events.
pub trait TitlesHost: Host {
    /// The titles that the contract at `registry` names as those of its models;
    /// `None` if it is no registry of the version that this is made for.
    fn titles_of(&self, registry: Address) -> Option<Address>;

    /// A model's record in the registry.
    fn model(&self, registry: Address, id: &Hash) -> Option<ModelRecord>;

    /// What the registry carries on.
    fn predecessor(&self, registry: Address) -> Option<Predecessor>;

    /// Whether the registry has imported a model.
    fn is_imported(&self, registry: Address, id: &Hash) -> bool;

    /// Sends `call`, an [`Call::OnErc721Received`], to `receiver`; whether it is
    /// no contract, or answers as a receiver does.
    fn receives(&mut self, receiver: Address, call: &Call) -> bool;

    /// Emits an event.
    fn emit(&mut self, event: Event);
}

const ADMIN: Table<(), Address> = Table::new(b'a');
const REGISTRY: Table<(), Address> = Table::new(b'r');
const OWNER: Table<Hash, Address> = Table::new(b'o');
const BALANCE: Table<Address, u64> = Table::new(b'b');
/// Who else may transfer a token.
const APPROVED: Table<Hash, Address> = Table::new(b'p');
/// Who may transfer all tokens of the first account.
const OPERATOR: Table<(Address, Address), ()> = Table::new(b'q');
const COUNT: Table<(), u64> = Table::new(b'n');
const TOKEN: Table<u64, Hash> = Table::new(b't');

/// Nobody.
const ZERO: Address = Address([0; 20]);

/// Sets up a new contract; its caller becomes the admin.
pub fn init(host: &mut impl Host) {
    let admin = host.caller();
    ADMIN.set(host, &(), &admin);
}

/// Does what `call` says and gives its answer.
///
/// # Errors
/// Those of the message, see [`Error`].
pub fn handle(host: &mut impl TitlesHost, call: Call) -> Result<Answer, Error> {
    match call {
        Call::BalanceOf { owner } => match owner {
            ZERO => Err(Error::InvalidOwner(owner)),
            _ => Ok(Answer::Number(BALANCE.get(host, &owner).unwrap_or(0).into())),
        },
        Call::OwnerOf { token } => transfer::owner(host, &token).map(Answer::Address),
        Call::TransferFrom { from, to, token } => transfer::transfer(host, from, to, token),
        Call::SafeTransferFrom { from, to, token } => transfer::safe_transfer(host, from, to, token, [].into()),
        Call::SafeTransferFromWith { from, to, token, data } => transfer::safe_transfer(host, from, to, token, data),
        Call::Approve { to, token } => transfer::approve(host, to, token),
        Call::SetApprovalForAll { operator, approved } => transfer::set_approval_for_all(host, operator, approved),
        Call::GetApproved { token } => {
            transfer::owner(host, &token)?;
            Ok(Answer::Address(APPROVED.get(host, &token).unwrap_or(ZERO)))
        }
        Call::IsApprovedForAll { owner, operator } => {
            Ok(Answer::Flag(OPERATOR.get(host, &(owner, operator)).is_some()))
        }
        Call::Name => Ok(Answer::Text(titles::NAME.to_string())),
        Call::Symbol => Ok(Answer::Text(titles::SYMBOL.to_string())),
        Call::TokenUri { token } => {
            transfer::owner(host, &token)?;
            let record = host.model(registry(host)?, &token).ok_or(Error::NonexistentToken(token))?;
            Ok(Answer::Text(describe::data_url(&token, &record)))
        }
        Call::SupportsInterface { interface } => Ok(Answer::Flag(matches!(
            interface,
            titles::INTERFACE_ERC165
                | titles::INTERFACE_ERC721
                | titles::INTERFACE_ERC721_METADATA
                | titles::INTERFACE_ERC721_RECEIVER
        ))),
        Call::TotalSupply => Ok(Answer::Number(supply(host).into())),
        Call::TokenByIndex { index } => u64::try_from(index)
            .ok()
            .and_then(|index| TOKEN.get(host, &index))
            .map(Answer::Token)
            .ok_or(Error::OutOfBounds { index }),
        Call::OnErc721Received { from, token, .. } => exchange(host, from, token),
        Call::Mint { to, token } => {
            if registry(host)? != host.caller() {
                return Err(Error::NotRegistry);
            }
            issue(host, to, token)
        }
        Call::BindRegistry { registry } => bind_registry(host, registry),
        Call::Registry => Ok(Answer::Address(REGISTRY.get(host, &()).unwrap_or(ZERO))),
        Call::Admin => Ok(Answer::Address(ADMIN.get(host, &()).expect("set when the contract was deployed"))),
        Call::Kind => Ok(Answer::Text(titles::KIND.to_string())),
        Call::Version => Ok(Answer::Number(titles::VERSION.into())),
    }
}

fn registry(host: &impl Host) -> Result<Address, Error> {
    REGISTRY.get(host, &()).ok_or(Error::RegistryNotBound)
}

fn supply(host: &impl Host) -> u64 {
    COUNT.get(host, &()).unwrap_or(0)
}

/// Once and for good, and only a registry that has this contract for its titles.
fn bind_registry(host: &mut impl TitlesHost, registry: Address) -> Result<Answer, Error> {
    if ADMIN.get(host, &()) != Some(host.caller()) {
        return Err(Error::NotAdmin);
    }
    if REGISTRY.get(host, &()).is_some() {
        return Err(Error::RegistryAlreadyBound);
    }
    // A contract that asks itself is stopped by the chain.
    let this = host.address();
    if registry == this || host.titles_of(registry) != Some(this) {
        return Err(Error::NotARegistry(registry));
    }
    REGISTRY.set(host, &(), &registry);
    host.emit(Event::RegistryBound { registry });
    Ok(Answer::Done)
}

/// The predecessor's title of an imported model was sent here: its owner gets
/// the title here. The old one stays here for good.
fn exchange(host: &mut impl TitlesHost, owner: Address, token: Hash) -> Result<Answer, Error> {
    let (registry, sender) = (registry(host)?, host.caller());
    if host.predecessor(registry).map(|predecessor| predecessor.titles) != Some(sender) {
        return Err(Error::NotPredecessor(sender));
    }
    if !host.is_imported(registry, &token) {
        return Err(Error::NotImported(token));
    }
    issue(host, owner, token)?;
    Ok(Answer::Bytes4(titles::INTERFACE_ERC721_RECEIVER))
}

/// The receiver is not asked: a client that is a contract could otherwise keep
/// its own job from becoming final.
fn issue(host: &mut impl TitlesHost, to: Address, token: Hash) -> Result<Answer, Error> {
    if to == ZERO {
        return Err(Error::InvalidReceiver(to));
    }
    if OWNER.get(host, &token).is_some() {
        return Err(Error::InvalidSender(ZERO));
    }
    let number = supply(host);
    TOKEN.set(host, &number, &token);
    COUNT.set(host, &(), &(number + 1));
    transfer::store_owner(host, ZERO, to, token);
    Ok(Answer::Done)
}
