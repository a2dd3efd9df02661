//! From a call to a finalised block.
//!
//! A transaction is signed once and is safe to hand to the node any number of
//! times: its nonce makes a chain include it once at most. Whether it was
//! included is read from the finalised blocks alone, never from what the node
//! says about its pool, so that a lost connection or a restarted node leaves no
//! doubt: found in a block, or its nonce was used by another, or expired.

use crate::{
    amount::Amount,
    blocks::{self, Block},
    chain::{Chain, from_hex, to_hex},
    dryrun::{Deposit, Weight, not_enough_funds, validity},
    error::{ChainError, ConnectionError, Error, SubmitError},
    runtime::{Runtime, SignedTransaction},
    signer::{AccountId, Signer},
    transport::rpc_params,
    value::{self, Decoded},
};
use assay_protocol::{Address, Hash};
use serde::Deserialize;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// How often an account's transaction is signed anew after another process
/// with the same account took its nonce.
const TRIES: u32 = 3;
/// After this long without inclusion, the same transaction is handed in again:
/// the node's pool may have lost it.
const REPEAT: Duration = Duration::from_secs(12);

/// JSON-RPC error codes of `author_submitExtrinsic`.
mod code {
    /// Invalid now: bad nonce, cannot pay, bad signature, too old.
    pub const INVALID: i32 = 1010;
    pub const BANNED: i32 = 1012;
    pub const ALREADY_IN_POOL: i32 = 1013;
    pub const PRIORITY_TOO_LOW: i32 = 1014;
    pub const POOL_FULL: i32 = 1016;
}

/// An event that a contract emitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractEvent {
    /// The contract.
    pub contract: Address,
    /// The event's fields.
    pub data: Vec<u8>,
    /// What the event can be found by; the first is its signature.
    pub topics: Vec<Hash>,
}

/// A transaction that succeeded in a finalised block.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// The block.
    pub block: Block,
    /// Hash of the transaction.
    pub transaction: Hash,
    /// The fee that was paid.
    pub fee: Amount,
    /// The storage deposit that was put down or came back.
    pub deposit: Deposit,
    /// The weight that was used.
    pub weight: Weight,
    /// What contracts emitted, in order.
    pub events: Vec<ContractEvent>,
    /// Contracts that were deployed.
    pub deployed: Vec<Address>,
}

/// What became of an included transaction.
pub(crate) enum Included {
    Succeeded(Receipt),
    /// The runtime's error; nothing but the fee was kept.
    Failed {
        block: Block,
        runtime: Arc<Runtime>,
        error: Decoded,
    },
}

type Payload = subxt::tx::DynamicPayload<subxt::ext::scale_value::Composite<()>>;

/// Signs a call, hands it in, and waits until it is in a finalised block.
///
/// `call` makes the call for the runtime that is current.
pub(crate) async fn submit(
    chain: &Chain,
    signer: &Signer,
    call: impl Fn(&Runtime) -> Result<Payload, Error>,
) -> Result<Included, Error> {
    let _turn = signer.take_turn().await;
    let mut tries = 0;
    loop {
        tries += 1;
        match submit_once(chain, signer, &call).await {
            Err(Error::Submit(SubmitError::Usurped { nonce, .. })) if tries < TRIES => {
                tracing::info!(nonce, "another transaction took the nonce; signing anew");
            }
            other => return other,
        }
    }
}

async fn submit_once(
    chain: &Chain,
    signer: &Signer,
    call: &impl Fn(&Runtime) -> Result<Payload, Error>,
) -> Result<Included, Error> {
    let account = signer.account();
    let start = blocks::latest(chain.transport()).await?;
    let runtime = chain.runtime(start.hash).await?;
    let nonce: u64 = chain.transport().request("system_accountNextIndex", rpc_params((account.to_string(),))).await?;
    let validity = validity(nonce, start.number, start.hash);
    let last = start.number + validity.period;
    let transaction = runtime.transaction(&call(&runtime)?, account, Some(signer), validity)?;
    let mut pending = Pending { chain, account, transaction, nonce, scanned: start.number, last };

    let seconds = chain.transport().patience().finality;
    match tokio::time::timeout(seconds, pending.finish()).await {
        Ok(result) => result,
        Err(_) => Err(SubmitError::NotFinalised { hash: pending.transaction.hash, seconds: seconds.as_secs() }.into()),
    }
}

/// A signed transaction that is not in a finalised block yet.
struct Pending<'a> {
    chain: &'a Chain,
    account: AccountId,
    transaction: SignedTransaction,
    nonce: u64,
    /// Finalised blocks up to this one do not have it.
    scanned: u64,
    /// From this block on it is void.
    last: u64,
}

impl Pending<'_> {
    async fn finish(&mut self) -> Result<Included, Error> {
        let mut blocks = self.chain.blocks();
        let mut generations = self.chain.transport().generations();
        let mut head = blocks.next().await?;
        self.hand_in(true).await?;
        let mut repeat_at = Instant::now() + REPEAT;
        loop {
            if let Some(included) = self.scan(head).await? {
                return Ok(included);
            }
            tokio::select! {
                block = blocks.next() => head = block?,
                // A node that was restarted has forgotten its pool.
                _ = generations.changed() => self.hand_in(false).await?,
                () = tokio::time::sleep_until(repeat_at) => {
                    self.hand_in(false).await?;
                    repeat_at = Instant::now() + REPEAT;
                }
            }
        }
    }

    /// Gives the signed bytes to the node. Only on the first time does a
    /// refusal say that nothing can have happened.
    async fn hand_in(&self, first: bool) -> Result<(), Error> {
        let bytes = to_hex(&self.transaction.bytes);
        let handed: Result<Hash, ConnectionError> =
            self.chain.transport().request("author_submitExtrinsic", rpc_params((bytes,))).await;
        let (code, message) = match handed {
            Ok(_) => return Ok(()),
            Err(ConnectionError::Refused { code, message, .. }) => (code, message),
            Err(other) => return Err(other.into()),
        };
        tracing::debug!(code, message, first, "the node does not take the transaction");
        match code {
            code::ALREADY_IN_POOL | code::POOL_FULL => Ok(()),
            // The request may have been repeated after it was heard, so that this
            // can be our own transaction in a block: the blocks will tell.
            code::INVALID if message.contains("outdated") || message.contains("Stale") => Ok(()),
            _ if !first => Ok(()),
            code::INVALID if message.contains("pay some fees") => {
                let needed = "more than that for the transaction's fee".into();
                Err(not_enough_funds(self.chain, self.account, needed).await)
            }
            code::PRIORITY_TOO_LOW => Err(self.usurped()),
            code::BANNED => {
                Err(SubmitError::Rejected { reason: format!("{message}; the same transaction failed a moment ago") }
                    .into())
            }
            _ => Err(SubmitError::Rejected { reason: message }.into()),
        }
    }

    fn usurped(&self) -> Error {
        SubmitError::Usurped { account: self.account.to_string(), nonce: self.nonce }.into()
    }

    /// Looks for the transaction in the blocks up to `head`.
    async fn scan(&mut self, head: Block) -> Result<Option<Included>, Error> {
        while self.scanned < head.number {
            let number = self.scanned + 1;
            let hash = if number == head.number { head.hash } else { self.chain.block_hash(number).await? };
            let block = Block { number, hash };
            let body = extrinsics(self.chain, block).await?;
            if let Some(index) = body.iter().position(|bytes| *bytes == self.transaction.bytes) {
                let included = read(self.chain, block, index as u32, self.account, self.transaction.hash);
                return included.await.map(Some);
            }
            self.scanned = number;
        }
        if self.scanned >= self.last {
            return Err(SubmitError::Expired { hash: self.transaction.hash, block: self.scanned }.into());
        }
        let used = account_nonce(self.chain, head.hash, self.account).await?;
        if used > self.nonce {
            return Err(self.usurped());
        }
        Ok(None)
    }
}

/// The nonce of an account's next transaction at a block.
async fn account_nonce(chain: &Chain, at: Hash, account: AccountId) -> Result<u64, Error> {
    let runtime = chain.runtime(at).await?;
    let answer = chain.ask_encoded(at, &runtime, "AccountNonceApi", "account_nonce", &account.0).await?;
    let nonce = value::unsigned(&answer).and_then(|nonce| u64::try_from(nonce).ok());
    Ok(nonce.ok_or_else(|| value::shape("nonce", "no number"))?)
}

#[derive(Deserialize)]
struct SignedBlock {
    block: BlockBody,
}

#[derive(Deserialize)]
struct BlockBody {
    extrinsics: Vec<Extrinsic>,
}

/// Nodes write an extrinsic in hex if they leave it encoded, and as a list of
/// numbers if they know its type.
#[derive(Deserialize)]
#[serde(untagged)]
enum Extrinsic {
    Hex(String),
    Bytes(Vec<u8>),
}

async fn extrinsics(chain: &Chain, block: Block) -> Result<Vec<Vec<u8>>, Error> {
    let method = "chain_getBlock";
    let answer: Option<SignedBlock> = chain.transport().request(method, rpc_params((block.hash,))).await?;
    let body = answer.ok_or_else(|| ChainError::BlockGone { block: block.number.to_string() })?;
    let bytes = body.block.extrinsics.into_iter().map(|extrinsic| match extrinsic {
        Extrinsic::Hex(text) => from_hex(chain.transport(), method, &text),
        Extrinsic::Bytes(bytes) => Ok(bytes),
    });
    Ok(bytes.collect::<Result<_, _>>()?)
}

async fn event_bytes(chain: &Chain, runtime: &Runtime, block: Block) -> Result<Vec<u8>, Error> {
    let key = runtime.storage_key("System", "Events", vec![])?;
    let bytes = chain.stored_bytes(block.hash, &key).await?;
    Ok(bytes.ok_or_else(|| ChainError::BlockGone { block: block.number.to_string() })?)
}

/// Reads what a transaction in a block did.
async fn read(
    chain: &Chain,
    block: Block,
    index: u32,
    account: AccountId,
    transaction: Hash,
) -> Result<Included, Error> {
    let runtime = chain.runtime(block.hash).await?;
    let bytes = event_bytes(chain, &runtime, block).await?;
    let unit = chain.unit();
    let mut receipt = Receipt {
        block,
        transaction,
        fee: Amount::ZERO,
        deposit: Deposit::Charge(Amount::ZERO),
        weight: Weight::default(),
        events: Vec::new(),
        deployed: Vec::new(),
    };
    let (mut charged, mut refunded) = (0u128, 0u128);
    for (pallet, name, fields) in runtime.events_of(bytes, Some(index))? {
        let number = |names: &[&str]| value::field(&fields, names).and_then(value::unsigned);
        let is_us = |name: &str| value::field(&fields, &[name]).and_then(value::array::<32>) == Some(account.0);
        match (pallet.as_str(), name.as_str()) {
            ("System", "ExtrinsicFailed") => {
                let error = value::need(&fields, "System.ExtrinsicFailed", &["dispatch_error"])?.clone();
                return Ok(Included::Failed { block, runtime, error });
            }
            ("System", "ExtrinsicSuccess") => {
                let info = value::need(&fields, "System.ExtrinsicSuccess", &["dispatch_info"])?;
                receipt.weight = value::field(info, &["weight"]).and_then(Weight::from_value).unwrap_or_default();
            }
            ("TransactionPayment", "TransactionFeePaid") if is_us("who") => {
                let paid = number(&["actual_fee"]).unwrap_or(0);
                receipt.fee = unit.from_native(paid);
            }
            ("Revive", "ContractEmitted") => receipt.events.push(contract_event(&fields)?),
            ("Revive", "Instantiated") => {
                receipt.deployed.extend(value::field(&fields, &["contract"]).and_then(value::array).map(Address))
            }
            ("Balances", "TransferAndHold") if is_us("source") => {
                charged += number(&["transferred", "amount"]).unwrap_or(0);
            }
            ("Balances", "Held") if is_us("who") => charged += number(&["amount"]).unwrap_or(0),
            ("Balances", "TransferOnHold") if is_us("dest") => {
                refunded += number(&["amount"]).unwrap_or(0);
            }
            ("Balances", "Released") if is_us("who") => refunded += number(&["amount"]).unwrap_or(0),
            _ => {}
        }
    }
    receipt.deposit = match charged.checked_sub(refunded) {
        Some(charged) => Deposit::Charge(unit.from_native(charged)),
        None => Deposit::Refund(unit.from_native(refunded - charged)),
    };
    Ok(Included::Succeeded(receipt))
}

fn contract_event(fields: &Decoded) -> Result<ContractEvent, ChainError> {
    const ITEM: &str = "Revive.ContractEmitted";
    let unreadable = || value::shape(ITEM, "a field has another type");
    let contract = value::array(value::need(fields, ITEM, &["contract"])?).ok_or_else(unreadable)?;
    let data = value::bytes(value::need(fields, ITEM, &["data"])?).ok_or_else(unreadable)?;
    let topics = value::items(value::need(fields, ITEM, &["topics"])?)
        .and_then(|topics| topics.map(|topic| value::array(topic).map(Hash)).collect())
        .ok_or_else(unreadable)?;
    Ok(ContractEvent { contract: Address(contract), data, topics })
}

impl Chain {
    /// What contracts emitted in a block, in order.
    ///
    /// # Errors
    /// If the node no longer has the block's state.
    pub async fn contract_events(&self, block: Block) -> Result<Vec<ContractEvent>, Error> {
        let runtime = self.runtime(block.hash).await?;
        let bytes = event_bytes(self, &runtime, block).await?;
        let mut events = Vec::new();
        for (pallet, name, fields) in runtime.events_of(bytes, None)? {
            if (pallet.as_str(), name.as_str()) == ("Revive", "ContractEmitted") {
                events.push(contract_event(&fields)?);
            }
        }
        Ok(events)
    }

    /// A finalised block by its number; `None` if it is not final yet.
    pub async fn block(&self, number: u64) -> Result<Option<Block>, Error> {
        if number > self.latest().await?.number {
            return Ok(None);
        }
        Ok(Some(self.block_at(number).await?))
    }

    /// A block by its number, which is known to be final; saves the question.
    ///
    /// # Errors
    /// If the node has none of this number.
    pub async fn block_at(&self, number: u64) -> Result<Block, Error> {
        Ok(Block { number, hash: self.block_hash(number).await? })
    }
}
