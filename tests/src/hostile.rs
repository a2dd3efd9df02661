//! The hostile contract of `tests/contracts`, which does as it is told.

use crate::repository;
use anyhow::{Context, ensure};
use assay_client::contract::selector;
use assay_client::{Amount, Bundle, Call, Chain, DryRun, Signer};
use assay_protocol::{Address, Hash};
use parity_scale_codec::{Decode, Encode};

/// Selector of its one message, that of ink!'s `selector = @`.
const ORDER: [u8; 4] = [0x9b, 0xae, 0x9d, 0x5e];
// The numbers of its orders.
const PLAN: u8 = 0;
const FORWARD: u8 = 1;
const SEEN: u8 = 2;
const BLOCKS: u8 = 3;

/// Whether a call was refused, and what it answered; nothing if it trapped.
pub type Answer = (bool, Vec<u8>);

/// A message of an ink! contract in bytes. `arguments` is a tuple.
pub fn message(label: &str, arguments: impl Encode) -> Vec<u8> {
    (selector(label), arguments).encode()
}

/// A hostile contract and who gives it its orders.
pub struct Hostile {
    chain: Chain,
    address: Address,
    signer: Signer,
}

impl Hostile {
    /// Deploys one.
    ///
    /// # Errors
    /// If its bundle cannot be read or the chain refuses.
    pub async fn deploy(chain: &Chain, signer: &Signer) -> anyhow::Result<Self> {
        let bundle = Bundle::load(&repository().join("tests/contracts/artefacts/hostile.contract"))?;
        let (address, _) = bundle.deploy(chain, "new", ())?.execute(signer).await?;
        Ok(Self { chain: chain.clone(), address, signer: signer.clone() })
    }

    /// Where it is.
    pub fn address(&self) -> Address {
        self.address
    }

    /// All that it has.
    ///
    /// # Errors
    /// If the chain cannot be asked.
    pub async fn balance(&self) -> anyhow::Result<Amount> {
        Ok(self.chain.address_balance(self.address).await?)
    }

    fn order<T: Decode>(&self, order: Vec<u8>) -> Call<T, String> {
        Call::from_data(&self.chain, self.address, "order", order)
    }

    /// What it does from now on whenever it is paid or called: `call` this, then
    /// refuse or `answer`.
    ///
    /// # Errors
    /// If the chain refuses.
    pub async fn plan(&self, call: Option<(Address, Vec<u8>)>, refuse: bool, answer: &[u8]) -> anyhow::Result<()> {
        let order = (ORDER, PLAN, call, refuse, answer).encode();
        self.order::<u8>(order).execute(&self.signer).await?;
        Ok(())
    }

    /// The order, in bytes, to send a message: for another that is to give it.
    pub fn forwarding(to: Address, value: Amount, input: Vec<u8>) -> Vec<u8> {
        (ORDER, FORWARD, to, value.0, input).encode()
    }

    /// Sends a message as this contract, with value from the signer, and says
    /// what came of it. The transaction itself succeeds in any case. A value that
    /// is finer than what a transaction can pay is rounded up there; the contract
    /// keeps the rest.
    ///
    /// # Errors
    /// If it does not.
    pub async fn forward(&self, to: Address, value: Amount, input: Vec<u8>) -> anyhow::Result<Answer> {
        let payable = self.chain.unit().from_native(1).0;
        let paid = Amount(value.0.next_multiple_of(payable));
        let call = self.order::<(u8, Answer)>(Self::forwarding(to, value, input)).value(paid);
        let run: DryRun<(u8, Answer)> = call.dry_run(self.signer.account()).await?;
        call.send(&self.signer, &run).await?;
        let (kind, answer) = run.output;
        ensure!(kind == FORWARD, "it reports {kind}");
        Ok(answer)
    }

    /// [`Hostile::forward`] of a message that must be taken.
    ///
    /// # Errors
    /// If it is refused.
    pub async fn must_forward(&self, to: Address, value: Amount, input: Vec<u8>) -> anyhow::Result<Vec<u8>> {
        let (refused, answer) = self.forward(to, value, input).await?;
        ensure!(!refused, "the message was refused: {answer:?}");
        Ok(answer)
    }

    /// [`Hostile::forward`] of a message that an ink! contract must refuse, and its reason.
    ///
    /// # Errors
    /// If it is taken, or traps.
    pub async fn refused<E: Decode>(&self, to: Address, value: Amount, input: Vec<u8>) -> anyhow::Result<E> {
        let (refused, answer) = self.forward(to, value, input).await?;
        // Before the reason: ink!'s own success, and that it is an error.
        let reason = answer.strip_prefix(&[0, 1]).filter(|_| refused).context("the contract gives no reason")?;
        Ok(E::decode(&mut &reason[..])?)
    }

    /// How often it was paid or called and did not refuse, and what came of the
    /// call that it made the last time.
    ///
    /// # Errors
    /// If the chain cannot be asked.
    pub async fn seen(&self) -> anyhow::Result<(u32, Option<Answer>)> {
        let (_, count, nested) = self.order::<(u8, u32, Option<Answer>)>((ORDER, SEEN).encode()).ask().await?;
        Ok((count, nested))
    }

    /// The number of the block that it runs in, and what it gets for the hashes
    /// of the blocks so many `before`.
    ///
    /// # Errors
    /// If the chain cannot be asked.
    pub async fn blocks(&self, before: &[u32]) -> anyhow::Result<(u32, Vec<Option<Hash>>)> {
        let call = self.order::<(u8, u32, Vec<Option<Hash>>)>((ORDER, BLOCKS, before).encode());
        let (_, now, hashes) = call.ask().await?;
        Ok((now, hashes))
    }
}
