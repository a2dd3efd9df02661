//! The runtime of the Assay development chain.
//!
//! A small chain on which ink! contracts run: accounts, balances, fees, a clock
//! and `pallet-revive`. It is linked into the node natively, so there is no
//! WebAssembly build of it; [`api::dispatch`] is its only entry point at run
//! time and [`RuntimeGenesisConfig`] the only one at genesis.
//!
//! Everything that decides what a contract may do or costs (deposits, weights,
//! address mapping, the ratio between native and contract amounts) follows the
//! public Polkadot Hub test network, so that a contract that works here has
//! met the same limits.
//!
//! * [`currency`]: units and deposits;
//! * [`configs`]: the configuration of every pallet;
//! * [`apis`]: the runtime APIs that the node and clients call.

// The macros of the frame crates write public items that cannot carry comments.
#![allow(missing_docs)]
#![recursion_limit = "512"]

extern crate alloc;

pub mod apis;
pub mod configs;
pub mod currency;

use alloc::borrow::Cow;
use pallet_revive::evm::runtime::EthExtra;
use sp_runtime::{
    generic,
    traits::{BlakeTwo256, IdentifyAccount, Verify},
    MultiAddress, MultiSignature,
};
use sp_version::RuntimeVersion;

pub use apis::{api, RuntimeApi, RUNTIME_API_VERSIONS};

/// A signature by any of the schemes that Substrate accounts use.
pub type Signature = MultiSignature;
/// A 32-byte account.
pub type AccountId = <<Signature as Verify>::Signer as IdentifyAccount>::AccountId;
/// An amount in the smallest unit; see [`currency::UNIT`].
pub type Balance = u128;
/// How many transactions an account has signed.
pub type Nonce = u32;
/// A block's height.
pub type BlockNumber = u32;
/// A block or storage hash.
pub type Hash = sp_core::H256;
/// How a transaction names an account.
pub type Address = MultiAddress<AccountId, ()>;
/// A block's header.
pub type Header = generic::Header<BlockNumber, BlakeTwo256>;
/// A block with decoded transactions.
pub type Block = generic::Block<Header, UncheckedExtrinsic>;

/// The Ethereum-style chain id that contracts and Ethereum tools see.
///
/// The last digits set it apart from the public test network (420420417) and
/// from the stock development node (420420420), so that a message signed for
/// one of them is refused here.
pub const CHAIN_ID: u64 = 420_420_999;

/// What identifies this runtime to clients.
///
/// Raise `spec_version` whenever a block made by the old code could come out
/// differently, and `transaction_version` whenever a signed transaction would.
/// The versions are part of the genesis block (see [`code_marker`]), so a stored
/// chain refuses to start under another runtime.
#[sp_version::runtime_version]
pub const VERSION: RuntimeVersion = RuntimeVersion {
    spec_name: Cow::Borrowed("assay-dev"),
    impl_name: Cow::Borrowed("assay-node"),
    authoring_version: 1,
    spec_version: 1,
    impl_version: 1,
    apis: RUNTIME_API_VERSIONS,
    transaction_version: 1,
    system_version: 1,
};

/// The value stored under `:code` at genesis.
///
/// The node never executes it, because the runtime is linked in; the client
/// only wants the entry to exist. It names the runtime's version, which makes
/// two incompatible runtimes have two genesis hashes.
pub fn code_marker() -> Vec<u8> {
    format!("native:{}:{}:{}", VERSION.spec_name, VERSION.spec_version, VERSION.transaction_version).into_bytes()
}

/// The checks that every signed transaction passes, in this order.
pub type TxExtension = (
    frame_system::CheckNonZeroSender<Runtime>,
    frame_system::CheckSpecVersion<Runtime>,
    frame_system::CheckTxVersion<Runtime>,
    frame_system::CheckGenesis<Runtime>,
    frame_system::CheckEra<Runtime>,
    frame_system::CheckNonce<Runtime>,
    frame_system::CheckWeight<Runtime>,
    pallet_transaction_payment::ChargeTransactionPayment<Runtime>,
    pallet_revive::evm::tx_extension::SetOrigin<Runtime>,
    frame_system::WeightReclaim<Runtime>,
);

/// The extensions of an immortal transaction with the given nonce and tip.
pub fn tx_extension(nonce: Nonce, tip: Balance) -> TxExtension {
    extension(nonce, tip, Default::default())
}

fn extension(nonce: Nonce, tip: Balance, origin: pallet_revive::evm::tx_extension::SetOrigin<Runtime>) -> TxExtension {
    (
        frame_system::CheckNonZeroSender::new(),
        frame_system::CheckSpecVersion::new(),
        frame_system::CheckTxVersion::new(),
        frame_system::CheckGenesis::new(),
        frame_system::CheckEra::from(generic::Era::Immortal),
        frame_system::CheckNonce::from(nonce),
        frame_system::CheckWeight::new(),
        pallet_transaction_payment::ChargeTransactionPayment::from(tip),
        origin,
        frame_system::WeightReclaim::new(),
    )
}

/// How an Ethereum transaction becomes one of ours.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EthExtraImpl;

impl EthExtra for EthExtraImpl {
    type Config = Runtime;
    type ExtensionV0 = TxExtension;
    type ExtensionOtherVersions = sp_runtime::traits::InvalidVersion;

    fn get_eth_extension(nonce: Nonce, tip: Balance) -> TxExtension {
        extension(nonce, tip, pallet_revive::evm::tx_extension::SetOrigin::new_from_eth_transaction())
    }
}

/// A transaction as it travels: native and signed, or an Ethereum one.
pub type UncheckedExtrinsic = pallet_revive::evm::runtime::UncheckedExtrinsic<Address, Signature, EthExtraImpl>;

/// What a native transaction's signer signs.
pub type SignedPayload = generic::SignedPayload<RuntimeCall, TxExtension>;

/// Applies blocks to the state.
pub type Executive =
    frame_executive::Executive<Runtime, Block, frame_system::ChainContext<Runtime>, Runtime, AllPalletsWithSystem>;

#[frame_support::runtime]
mod runtime {
    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeFreezeReason,
        RuntimeHoldReason,
        RuntimeSlashReason,
        RuntimeLockId,
        RuntimeTask,
        RuntimeViewFunction
    )]
    pub struct Runtime;

    #[runtime::pallet_index(0)]
    pub type System = frame_system::Pallet<Runtime>;

    #[runtime::pallet_index(1)]
    pub type Timestamp = pallet_timestamp::Pallet<Runtime>;

    #[runtime::pallet_index(2)]
    pub type Balances = pallet_balances::Pallet<Runtime>;

    #[runtime::pallet_index(3)]
    pub type TransactionPayment = pallet_transaction_payment::Pallet<Runtime>;

    #[runtime::pallet_index(4)]
    pub type Revive = pallet_revive::Pallet<Runtime>;
}
