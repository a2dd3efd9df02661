//! Messages to a contract: reading, trying, and sending them in earnest.

use crate::{
    amount::Amount,
    chain::Chain,
    dryrun::{Deposit, DryRun, Outcome, Returned, Target, Task},
    error::{AccountError, CallError, Error, ExecutionError},
    signer::{AccountId, Signer},
    submit::{self, Included, Receipt},
};
use assay_protocol::{Address, Hash};
use parity_scale_codec::{Decode, DecodeAll, Encode};
use std::{convert::Infallible, fmt};

/// The four bytes by which an ink! contract knows a message or constructor that
/// has no explicit selector: the start of the label's BLAKE2b-256.
///
/// Whether this holds for the messages of Assay's contracts is tested against
/// the committed bundles.
pub fn selector(label: &str) -> [u8; 4] {
    let hash = sp_crypto_hashing::blake2_256(label.as_bytes());
    [hash[0], hash[1], hash[2], hash[3]]
}

/// Most bytes of a message, selector included, that an ink! contract reads.
pub const MAX_MESSAGE_BYTES: usize = 16 * 1024;

/// A message to a contract that has not been sent. `T` is what it answers, `E`
/// the contract's own reason to refuse.
#[must_use = "a call does nothing until it is tried or executed"]
pub struct Call<T, E> {
    chain: Chain,
    task: Task,
    read: Reader<Result<T, E>>,
}

/// Reads what a contract returned, in its ABI.
pub(crate) type Reader<A> = fn(&Returned) -> Reading<A>;

/// What a contract's return data turned out to be.
pub(crate) enum Reading<A> {
    /// An answer.
    Answer(A),
    /// The contract does not know the message.
    UnknownMessage,
    /// Something else, for this reason.
    Unreadable(String),
}

impl<T, E> Clone for Call<T, E> {
    fn clone(&self) -> Self {
        Self { chain: self.chain.clone(), task: self.task.clone(), read: self.read }
    }
}

impl<T, E> fmt::Debug for Call<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call({})", self.task.message)
    }
}

impl<T: Decode, E: Decode + fmt::Display> Call<T, E> {
    /// A message by its label, whose answer is `Result<T, E>`. `arguments` is a
    /// tuple, `()` if there are none.
    pub fn new(chain: &Chain, contract: Address, label: &'static str, arguments: impl Encode) -> Self {
        let mut data = selector(label).to_vec();
        arguments.encode_to(&mut data);
        Self::from_data(chain, contract, label, data)
    }

    /// A message with its selector and arguments encoded already.
    pub fn from_data(chain: &Chain, contract: Address, label: &'static str, data: Vec<u8>) -> Self {
        Self::with_reader(chain, contract, label, data, ink)
    }
}

impl<T, E: fmt::Display> Call<T, E> {
    /// A message of a contract whose answers `read` reads.
    pub(crate) fn with_reader(
        chain: &Chain,
        contract: Address,
        label: &'static str,
        data: Vec<u8>,
        read: Reader<Result<T, E>>,
    ) -> Self {
        let target = Target::Call(contract);
        let task = Task { target, message: label, data, value: Amount::ZERO };
        Self { chain: chain.clone(), task, read }
    }

    /// Sends `value` along.
    pub fn value(mut self, value: Amount) -> Self {
        self.task.value = value;
        self
    }

    /// The message's label.
    pub fn label(&self) -> &'static str {
        self.task.message
    }

    /// What the message would answer to somebody without an account. For messages
    /// that change nothing but can refuse.
    ///
    /// # Errors
    /// [`CallError::Refused`] with the contract's own reason if it refuses.
    pub async fn ask(&self) -> Result<T, CallError<E>> {
        let at = self.chain.finalised_hash().await?;
        Ok(self.try_at(AccountId::READER, at).await?.1)
    }

    /// What the message would do and cost if `origin` sent it now. Signs nothing.
    ///
    /// # Errors
    /// [`CallError::Refused`] with the contract's own reason if it would refuse.
    pub async fn dry_run(&self, origin: AccountId) -> Result<DryRun<T>, CallError<E>> {
        let at = self.chain.finalised_hash().await?;
        let (outcome, output) = self.try_at(origin, at).await?;
        let priced = self.task.price(&self.chain, origin, &outcome).await?;
        Ok(priced.map(output))
    }

    /// Tries the message, and if it would succeed, signs and sends it with the
    /// limits that the trial gave, and waits until it is final.
    ///
    /// # Errors
    /// [`CallError::Refused`] with the contract's own reason, be it in the trial
    /// (nothing was signed) or in the block (the fee was paid).
    pub async fn execute(&self, signer: &Signer) -> Result<Receipt, CallError<E>> {
        let run = self.dry_run(signer.account()).await?;
        self.send(signer, &run).await
    }

    /// Signs and sends the message with the limits of `run`, which the caller
    /// has looked at, and waits until it is final.
    ///
    /// # Errors
    /// As [`Call::execute`].
    pub async fn send(&self, signer: &Signer, run: &DryRun<T>) -> Result<Receipt, CallError<E>> {
        let chain = &self.chain;
        check_account(chain, signer.account(), run, &self.task).await?;
        let included = submit::submit(chain, signer, |runtime| self.task.call(chain, runtime, run.limits));
        match included.await? {
            Included::Succeeded(receipt) => Ok(receipt),
            Included::Failed { block, runtime, error } => {
                let reverted = runtime.module_error(&error).is_some_and(|(_, name, _)| name == "ContractReverted");
                if !reverted {
                    let origin = signer.account();
                    return Err(self.task.failure(chain, &runtime, origin, &error).await.into());
                }
                // The block does not keep what the contract said: ask once more, on the
                // states before and after it.
                let before = chain.block_hash(block.number.saturating_sub(1)).await?;
                for at in [before, block.hash] {
                    self.try_at(signer.account(), at).await?;
                }
                let message = self.task.message.to_string();
                Err(ExecutionError::Raced { message, block: block.number }.into())
            }
        }
    }

    async fn try_at(&self, origin: AccountId, at: Hash) -> Result<(Outcome, T), CallError<E>> {
        let (chain, message) = (&self.chain, self.task.message);
        let outcome = self.task.run(chain, origin, at).await?;
        let returned = match &outcome.result {
            Ok(returned) => returned,
            Err(error) => {
                let runtime = &outcome.runtime;
                return Err(self.task.failure(chain, runtime, origin, error).await.into());
            }
        };
        let (address, bytes) = (self.task.address(), self.task.data.len());
        match answer(chain, address, message, returned, self.read).await {
            Ok(Ok(output)) => Ok((outcome, output)),
            Ok(Err(reason)) => Err(CallError::Refused { message, reason }),
            // ink! answers the same to what does not fit into its buffer.
            Err(Error::Execution(ExecutionError::UnknownMessage { .. })) if bytes > MAX_MESSAGE_BYTES => {
                let (message, limit) = (message.into(), MAX_MESSAGE_BYTES);
                Err(ExecutionError::TooLong { address, message, bytes, limit }.into())
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// What is known to be wrong with the account before anything is signed.
pub(crate) async fn check_account<T>(
    chain: &Chain,
    account: AccountId,
    run: &DryRun<T>,
    task: &Task,
) -> Result<(), Error> {
    if !is_mapped(chain, account).await? {
        return Err(AccountError::Unmapped { account: account.to_string() }.into());
    }
    let balance = chain.balance(account).await?;
    if balance.spendable < run.total() {
        let needed = task.needs(chain, run);
        return Err(crate::dryrun::not_enough_funds(chain, account, needed).await);
    }
    Ok(())
}

/// Whether contracts can be called by this account.
async fn is_mapped(chain: &Chain, account: AccountId) -> Result<bool, Error> {
    if account.is_eth_derived() {
        return Ok(true);
    }
    match chain.mapped_account(account.address()).await? {
        None => Ok(false),
        Some(mapped) if mapped == account => Ok(true),
        Some(_) => Err(AccountError::MappedToOther { account: account.to_string(), address: account.address() }.into()),
    }
}

/// ink! wraps every answer in `Result<_, LangError>`.
pub(crate) fn ink<A: Decode>(returned: &Returned) -> Reading<A> {
    match returned.data.as_slice() {
        [0, answer @ ..] => match A::decode_all(&mut &answer[..]) {
            Ok(answer) => Reading::Answer(answer),
            Err(error) => Reading::Unreadable(error.to_string()),
        },
        // LangError::CouldNotReadInput.
        [1, 1] => Reading::UnknownMessage,
        data => Reading::Unreadable(format!("it starts with {}", crate::chain::to_hex(&data[..data.len().min(8)]))),
    }
}

/// What a contract answered, or why that cannot be told.
pub(crate) async fn answer<A>(
    chain: &Chain,
    address: Address,
    message: &str,
    returned: &Returned,
    read: Reader<A>,
) -> Result<A, Error> {
    // A call to an address without a contract is a plain transfer and succeeds.
    if returned.data.is_empty() && chain.code_hash(address).await?.is_none() {
        return Err(ExecutionError::NoContract { address, chain: chain.name().into() }.into());
    }
    let message = message.to_string();
    match read(returned) {
        Reading::Answer(answer) => Ok(answer),
        Reading::UnknownMessage => Err(ExecutionError::UnknownMessage { address, message }.into()),
        Reading::Unreadable(_) if returned.reverted => {
            let data = crate::chain::to_hex(&returned.data);
            Err(ExecutionError::Reverted { address, message, data }.into())
        }
        Reading::Unreadable(reason) => Err(ExecutionError::BadAnswer { address, message, reason }.into()),
    }
}

impl Chain {
    /// Asks a contract by a message that changes nothing and cannot refuse, at
    /// the newest finalised block. Needs no account. `arguments` is a tuple,
    /// `()` if there are none.
    ///
    /// # Errors
    /// If there is no contract at the address, or it is another one.
    pub async fn read<T: Decode>(
        &self,
        contract: Address,
        label: &'static str,
        arguments: impl Encode,
    ) -> Result<T, Error> {
        let at = self.finalised_hash().await?;
        self.read_at(contract, label, arguments, at).await
    }

    /// As [`Chain::read`], at a block whose state the node still has.
    ///
    /// # Errors
    /// As [`Chain::read`].
    pub async fn read_at<T: Decode>(
        &self,
        contract: Address,
        label: &'static str,
        arguments: impl Encode,
        at: Hash,
    ) -> Result<T, Error> {
        let call = Call::<T, Never>::new(self, contract, label, arguments);
        let outcome = call.task.run(self, AccountId::READER, at).await?;
        match &outcome.result {
            Ok(returned) => answer(self, contract, label, returned, ink).await,
            Err(error) => Err(call.task.failure(self, &outcome.runtime, AccountId::READER, error).await),
        }
    }

    /// Maps the signer's account to its contract address if it is not yet, which
    /// takes a small deposit once. Returns the receipt if it had to be done.
    ///
    /// # Errors
    /// If the account has no funds for the deposit and the fee.
    pub async fn ensure_mapped(&self, signer: &Signer) -> Result<Option<Receipt>, Error> {
        if is_mapped(self, signer.account()).await? {
            return Ok(None);
        }
        let message = "map_account";
        let included = submit::submit(self, signer, |runtime| Ok(runtime.call("Revive", message, vec![])?));
        match included.await? {
            Included::Succeeded(receipt) => Ok(Some(receipt)),
            Included::Failed { runtime, error, .. } => {
                // Another process may have been quicker.
                if is_mapped(self, signer.account()).await? {
                    return Ok(None);
                }
                let task = Task { target: Target::Call(signer.address()), message, data: vec![], value: Amount::ZERO };
                Err(task.failure(self, &runtime, signer.account(), &error).await)
            }
        }
    }

    /// What mapping the signer's account would cost; `None` if it is mapped.
    ///
    /// # Errors
    /// If the chain cannot be asked.
    pub async fn mapping_cost(&self, account: AccountId) -> Result<Option<(Amount, Deposit)>, Error> {
        if is_mapped(self, account).await? {
            return Ok(None);
        }
        let at = self.finalised_hash().await?;
        let runtime = self.runtime(at).await?;
        let call = runtime.call("Revive", "map_account", vec![])?;
        let fee = crate::dryrun::fee(self, &runtime, &call, account, at).await?;
        let constant =
            |name: &str| runtime.constant("Revive", name).as_ref().and_then(crate::value::unsigned).unwrap_or(0);
        // An address of 20 bytes and an account of 32, in one item.
        let deposit = constant("DepositPerItem").saturating_add(constant("DepositPerByte").saturating_mul(52));
        Ok(Some((fee, Deposit::Charge(self.unit().from_native(deposit)))))
    }
}

/// A reason that no message ever gives.
#[derive(Debug)]
struct Never(Infallible);

impl Decode for Never {
    fn decode<I: parity_scale_codec::Input>(_: &mut I) -> Result<Self, parity_scale_codec::Error> {
        Err("nothing has this type".into())
    }
}

impl fmt::Display for Never {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_those_of_ink() {
        // From ink's documentation and every flipper's metadata.
        assert_eq!(selector("flip"), [0x63, 0x3a, 0xa5, 0x51]);
        assert_eq!(selector("get"), [0x2f, 0x86, 0x5b, 0xd9]);
        assert_eq!(selector("new"), [0x9b, 0xae, 0x9d, 0x5e]);
    }
}
