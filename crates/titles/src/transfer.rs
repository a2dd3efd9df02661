//! Owners, approvals and transfers, as ERC-721 has them.

use crate::{APPROVED, BALANCE, OPERATOR, OWNER, TitlesHost, ZERO};
use alloc::vec::Vec;
use assay_protocol::{
    Address, Hash,
    host::Host,
    titles::{Answer, Call, Error, Event},
};

/// Who owns a token.
pub fn owner(host: &impl Host, token: &Hash) -> Result<Address, Error> {
    OWNER.get(host, token).ok_or(Error::NonexistentToken(*token))
}

/// By its owner, an operator of its owner, or who is approved for it.
pub fn transfer(host: &mut impl TitlesHost, from: Address, to: Address, token: Hash) -> Result<Answer, Error> {
    // Nobody could ever transfer on what this contract owned by itself.
    if to == ZERO || to == host.address() {
        return Err(Error::InvalidReceiver(to));
    }
    let (owner, caller) = (owner(host, &token)?, host.caller());
    if !acts_for(host, owner, caller) && APPROVED.get(host, &token) != Some(caller) {
        return Err(Error::InsufficientApproval { operator: caller, token });
    }
    if owner != from {
        return Err(Error::IncorrectOwner { sender: from, token, owner });
    }
    APPROVED.remove(host, &token);
    store_owner(host, from, to, token);
    Ok(Answer::Done)
}

/// The same, and a contract that receives must agree.
pub fn safe_transfer(
    host: &mut impl TitlesHost,
    from: Address,
    to: Address,
    token: Hash,
    data: Vec<u8>,
) -> Result<Answer, Error> {
    transfer(host, from, to, token)?;
    let operator = host.caller();
    if host.receives(to, &Call::OnErc721Received { operator, from, token, data }) {
        Ok(Answer::Done)
    } else {
        Err(Error::InvalidReceiver(to))
    }
}

/// By the owner or an operator of it; zero takes an approval back.
pub fn approve(host: &mut impl TitlesHost, to: Address, token: Hash) -> Result<Answer, Error> {
    let (owner, caller) = (owner(host, &token)?, host.caller());
    if !acts_for(host, owner, caller) {
        return Err(Error::InvalidApprover(caller));
    }
    match to {
        ZERO => APPROVED.remove(host, &token),
        _ => APPROVED.set(host, &token, &to),
    }
    host.emit(Event::Approval { owner, approved: to, token });
    Ok(Answer::Done)
}

/// For all tokens that the caller owns and will own.
pub fn set_approval_for_all(host: &mut impl TitlesHost, operator: Address, approved: bool) -> Result<Answer, Error> {
    if operator == ZERO {
        return Err(Error::InvalidOperator(operator));
    }
    let owner = host.caller();
    match approved {
        true => OPERATOR.set(host, &(owner, operator), &()),
        false => OPERATOR.remove(host, &(owner, operator)),
    }
    host.emit(Event::ApprovalForAll { owner, operator, approved });
    Ok(Answer::Done)
}

/// Moves a token; from zero if it is new.
pub fn store_owner(host: &mut impl TitlesHost, from: Address, to: Address, token: Hash) {
    if from != ZERO {
        let balance = BALANCE.get(host, &from).expect("an owner has a balance") - 1;
        match balance {
            0 => BALANCE.remove(host, &from),
            _ => BALANCE.set(host, &from, &balance),
        }
    }
    let balance = BALANCE.get(host, &to).unwrap_or(0) + 1;
    BALANCE.set(host, &to, &balance);
    OWNER.set(host, &token, &to);
    host.emit(Event::Transfer { from, to, token });
}

/// Whether `caller` is `owner` or an operator of it.
fn acts_for(host: &impl Host, owner: Address, caller: Address) -> bool {
    caller == owner || OPERATOR.get(host, &(owner, caller)).is_some()
}
