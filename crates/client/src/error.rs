//! What can go wrong: one root error over a small enum per operation. Every
//! message says what to do.

use assay_protocol::{Address, Hash};
use std::{fmt, path::PathBuf};

/// Anything that this crate's operations can fail with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The node cannot be reached or does not answer as it should.
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    /// The chain is not one that this client can work with.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The signing account cannot do this.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The call does not run, or ran and failed.
    #[error(transparent)]
    Execution(#[from] ExecutionError),
    /// The transaction did not make it into a finalised block.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// An amount is not one.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// A contract's bundle cannot be used.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The file of deployed addresses cannot be used.
    #[error(transparent)]
    Deployment(#[from] DeploymentError),
    /// A contract refused a message with a reason of its own.
    #[error("{message} was refused: {reason}")]
    Refused {
        /// The message.
        message: String,
        /// The contract's reason, in words.
        reason: String,
    },
}

/// Why a message to a contract had no effect: the contract's own reason, or
/// anything else.
#[derive(Debug, thiserror::Error)]
pub enum CallError<E: fmt::Display> {
    /// The contract ran and refused. Nothing of the message was kept.
    #[error("{message} was refused: {reason}")]
    Refused {
        /// The message.
        message: &'static str,
        /// The contract's reason.
        reason: E,
    },
    /// It did not come to that.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl<E: fmt::Display> CallError<E> {
    /// The contract's reason, if it is the contract that refused.
    pub fn refusal(&self) -> Option<&E> {
        match self {
            CallError::Refused { reason, .. } => Some(reason),
            CallError::Failed(_) => None,
        }
    }
}

impl<E: fmt::Display> From<CallError<E>> for Error {
    fn from(error: CallError<E>) -> Self {
        match error {
            CallError::Refused { message, reason } => {
                Error::Refused { message: message.into(), reason: reason.to_string() }
            }
            CallError::Failed(error) => error,
        }
    }
}

macro_rules! through {
    ($($inner:ident),*) => {$(
        impl<E: fmt::Display> From<$inner> for CallError<E> {
            fn from(error: $inner) -> Self {
                CallError::Failed(error.into())
            }
        }
    )*};
}
through!(
    ConnectionError,
    ChainError,
    AccountError,
    ExecutionError,
    SubmitError,
    AmountError,
    BundleError,
    DeploymentError
);

/// The node cannot be reached or does not answer as it should.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionError {
    /// The URL is none.
    #[error("{url:?} is not a node's URL: {reason}; give one such as ws://127.0.0.1:9944 or wss://host")]
    BadUrl {
        /// What was given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No connection within the time allowed.
    #[error("cannot reach a node at {url} ({reason}); check that the node runs and that the URL is right")]
    Unreachable {
        /// The node's URL.
        url: String,
        /// What the last attempt said.
        reason: String,
    },
    /// A different chain answers after a reconnection.
    #[error(
        "the node at {url} now runs another chain: its genesis is {found}, it was {expected}; \
         a development chain that was started afresh must be deployed to again"
    )]
    OtherChain {
        /// The node's URL.
        url: String,
        /// The genesis that was seen first.
        expected: Hash,
        /// The genesis that is there now.
        found: Hash,
    },
    /// The node answers a request with an error.
    #[error("the node at {url} refuses {method}: {message} (code {code})")]
    Refused {
        /// The node's URL.
        url: String,
        /// The JSON-RPC method.
        method: String,
        /// JSON-RPC error code.
        code: i32,
        /// The node's words.
        message: String,
    },
    /// The node's answer makes no sense.
    #[error("the node at {url} gives an answer to {method} that cannot be read: {reason}; is it a Substrate node?")]
    BadAnswer {
        /// The node's URL.
        url: String,
        /// The JSON-RPC method.
        method: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl ConnectionError {
    /// Whether the node says, in one of its ways, that it does not know the block
    /// that it was asked about: it has another chain now, or not come as far.
    pub fn is_unknown_block(&self) -> bool {
        let ConnectionError::Refused { message, .. } = self else { return false };
        let message = message.to_lowercase();
        ["unknown block", "unknownblock"].iter().any(|words| message.contains(words))
    }
}

/// The chain is not one that this client can work with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// `pallet-revive` is not there.
    #[error(
        "the chain {name} has no contracts ({item} is missing); use a chain with pallet-revive, such as Polkadot Hub"
    )]
    NoContracts {
        /// The chain's name.
        name: String,
        /// What was looked for.
        item: String,
    },
    /// The runtime lacks something by name.
    #[error(
        "the chain's runtime has no {item}; this client does not know the chain's version, look for a newer client"
    )]
    Missing {
        /// What was looked for.
        item: String,
    },
    /// The runtime wants an argument that this client does not know.
    #[error(
        "the chain's runtime wants an argument {argument:?} for {call} that this client does not know; look for a newer client"
    )]
    UnknownArgument {
        /// The call or runtime function.
        call: String,
        /// The argument's name.
        argument: String,
    },
    /// What the chain says has another shape than expected.
    #[error("cannot read the chain's {item}: {reason}; the node may be of a version that this client does not know")]
    Shape {
        /// What was read.
        item: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A block that was there is not any more.
    #[error("the node no longer has block {block}; use a node that keeps its history (an archive node)")]
    BlockGone {
        /// Number or hash of the block.
        block: String,
    },
}

/// The signing account cannot do this.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// The secret URI is none. Its text is not repeated, for it is secret.
    #[error(
        "this is not a secret URI ({reason}); give a phrase of 12 to 24 words, 0x and 64 hex digits, \
         or a development account such as //Alice"
    )]
    BadSuri {
        /// What is wrong with it.
        reason: String,
    },
    /// The keystore file cannot be used.
    #[error("cannot use the keystore {path}: {reason}; export the account as JSON from polkadot.js once more")]
    Keystore {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The keystore's password is wrong.
    #[error("the password does not open the keystore {path}; try again")]
    WrongPassword {
        /// The file.
        path: PathBuf,
    },
    /// The password could not be had.
    #[error("no password for the keystore {path}: {reason}")]
    NoPassword {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The account has no mapping to a contract address.
    #[error("the account {account} is not mapped to a contract address yet; map it once with `assay account map`")]
    Unmapped {
        /// The account in SS58.
        account: String,
    },
    /// The account is the address of another one already.
    #[error("the address {address} of the account {account} belongs to another account; use another account")]
    MappedToOther {
        /// The account in SS58.
        account: String,
        /// Its contract address.
        address: Address,
    },
    /// The account cannot pay.
    #[error("the account {account} has {free} free and needs {needed}; send it funds, then try again")]
    NotEnoughFunds {
        /// The account in SS58.
        account: String,
        /// What it can spend, with its unit.
        free: String,
        /// What it needs, with its unit and what for.
        needed: String,
    },
}

/// The call does not run, or ran and failed, for a reason that is not the contract's own.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExecutionError {
    /// There is no contract.
    #[error(
        "there is no contract at {address} on {chain}; check the address and the network, or deploy with `assay deploy`"
    )]
    NoContract {
        /// The address.
        address: Address,
        /// The chain's name.
        chain: String,
    },
    /// The contract does not know the message.
    #[error("the contract at {address} does not understand {message}; it is another contract or another version of it")]
    UnknownMessage {
        /// The contract.
        address: Address,
        /// The message.
        message: String,
    },
    /// The message is longer than the contract can read, or the chain takes.
    #[error(
        "the contract at {address} cannot be sent {message} of {bytes} bytes: at most {limit} can be read; \
         send less at a time"
    )]
    TooLong {
        /// The contract.
        address: Address,
        /// The message.
        message: String,
        /// Its length, selector included.
        bytes: usize,
        /// The most that it may be.
        limit: usize,
    },
    /// The contract crashed.
    #[error(
        "the contract at {address} crashed in {message} ({name}); nothing was kept. \
         If it is of this version, this is a fault in the contract: report it"
    )]
    Trapped {
        /// The contract.
        address: Address,
        /// The message.
        message: String,
        /// The pallet's name for it.
        name: String,
    },
    /// The contract reverted without a reason that can be read.
    #[error(
        "the contract at {address} reverted {message} and gave {data} as its reason, which this client cannot read; \
         it is another contract or another version of it"
    )]
    Reverted {
        /// The contract.
        address: Address,
        /// The message.
        message: String,
        /// What it returned, in hex.
        data: String,
    },
    /// The contract answers with something else than expected.
    #[error(
        "the answer of the contract at {address} to {message} cannot be read ({reason}); it is another contract or another version of it"
    )]
    BadAnswer {
        /// The contract.
        address: Address,
        /// The message.
        message: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A limit of the dry run was not enough in the block.
    #[error(
        "{message} needed more {what} in the block than in the dry run, because the chain changed in between; nothing was kept, try again"
    )]
    LimitTooLow {
        /// The message.
        message: String,
        /// Weight or storage deposit.
        what: &'static str,
    },
    /// It was refused in the block, but is not refused any more.
    #[error("{message} was reverted in block {block}, for a reason that has gone since; nothing was kept, try again")]
    Raced {
        /// The message.
        message: String,
        /// The block.
        block: u64,
    },
    /// A pallet refused.
    #[error("{message} failed: {pallet}.{name}: {docs}")]
    Module {
        /// The message.
        message: String,
        /// The pallet.
        pallet: String,
        /// The error's name.
        name: String,
        /// The error's documentation in the chain's metadata.
        docs: String,
    },
    /// The runtime refused.
    #[error("{message} failed: {reason}")]
    Dispatch {
        /// The message.
        message: String,
        /// The runtime's words.
        reason: String,
    },
}

/// The transaction did not make it into a finalised block.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubmitError {
    /// The node does not take it.
    #[error("the node does not take the transaction: {reason}; nothing was done")]
    Rejected {
        /// The node's words.
        reason: String,
    },
    /// Another transaction of the account took its place.
    #[error(
        "another transaction of {account} took the place of this one (nonce {nonce}); nothing of this one was done. \
         Use one process per account, then try again"
    )]
    Usurped {
        /// The account in SS58.
        account: String,
        /// The nonce.
        nonce: u64,
    },
    /// It can no longer be included.
    #[error("the transaction {hash} was in no block up to {block} and is now void; nothing was done, try again")]
    Expired {
        /// Hash of the transaction.
        hash: Hash,
        /// The last block it could have been in.
        block: u64,
    },
    /// It was not finalised within the time allowed.
    #[error(
        "the transaction {hash} was not finalised within {seconds} s and may still be; \
         look for it before you send it again"
    )]
    NotFinalised {
        /// Hash of the transaction.
        hash: Hash,
        /// How long was waited.
        seconds: u64,
    },
}

/// An amount is not one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AmountError {
    /// The text is no amount.
    #[error("{text:?} is not an amount: {reason}; write for example \"1.5 {symbol}\" or \"250 m{symbol}\"")]
    Unreadable {
        /// The text.
        text: String,
        /// What is wrong with it.
        reason: String,
        /// The chain's token.
        symbol: String,
    },
    /// The chain's balances are coarser.
    #[error("{amount} is finer than the chain can pay; its smallest amount is {smallest}")]
    TooFine {
        /// The amount with its unit.
        amount: String,
        /// The smallest one with its unit.
        smallest: String,
    },
}

/// A contract's bundle cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// The file cannot be read.
    #[error("cannot read the contract bundle {path}: {source}; build it with `scripts/contracts build`")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no bundle.
    #[error("{origin} is not a contract bundle: {reason}; build it with `scripts/contracts build`")]
    Malformed {
        /// Where it came from.
        origin: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The contract has no such constructor or message.
    #[error("the contract {contract} has no {label:?}; the bundle is of another version")]
    NoLabel {
        /// The contract's name.
        contract: String,
        /// What was looked for.
        label: String,
    },
}

/// The file of deployed addresses cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeploymentError {
    /// There is none.
    #[error(
        "there is no deployment file at {path}; deploy with `assay deploy`, or name one with --deployment or ASSAY_DEPLOYMENT"
    )]
    None {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// It cannot be read or written.
    #[error("cannot {what} the deployment file {path}: {source}")]
    Io {
        /// Read or write.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not one.
    #[error(
        "{path} is not a deployment file: {reason}; deploy with `assay deploy`, or name another file with --deployment"
    )]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no place for it.
    #[error(
        "there is no home directory to keep the deployment file in; name one with --deployment or ASSAY_DEPLOYMENT"
    )]
    NoHome,
    /// The node runs another chain.
    #[error(transparent)]
    WrongNetwork(Box<WrongNetwork>),
    /// The contract is not the one that was deployed.
    #[error(
        "the {contract} at {address} is not the one that was deployed: its code is {found}, not {expected}; check the address, or deploy again"
    )]
    OtherCode {
        /// Which contract.
        contract: &'static str,
        /// Its address.
        address: Address,
        /// Hash of the code that was deployed.
        expected: Hash,
        /// Hash of the code that is there.
        found: Hash,
    },
    /// There is no contract.
    #[error("there is no {contract} at {address}; check the address, or deploy again")]
    NoCode {
        /// Which contract.
        contract: &'static str,
        /// Its address.
        address: Address,
    },
    /// The contract does not say that it is the one that it should be.
    #[error("the contract at {address} is no {contract} of this version: {reason}; check the address, or deploy again")]
    NotThisKind {
        /// Which contract.
        contract: &'static str,
        /// Its address.
        address: Address,
        /// What it said.
        reason: String,
    },
}

/// A deployment file of one chain, and a node of another.
#[derive(Debug, thiserror::Error)]
#[error(
    "wrong network: the contracts were deployed to {expected_name} (genesis {expected}), \
     but the node at {url} runs {found_name} (genesis {found}); change --url or --deployment, or deploy there"
)]
pub struct WrongNetwork {
    /// The node's URL.
    pub url: String,
    /// Name of the chain that was deployed to.
    pub expected_name: String,
    /// Its genesis.
    pub expected: Hash,
    /// Name of the chain that answers.
    pub found_name: String,
    /// Its genesis.
    pub found: Hash,
}
