//! The real runtime with the real bundles, in memory.

use crate::bundle::Bundle;
use crate::life::{World, LONGEST_WINDOW};
use crate::messages::{self as message, Contract, Encoding, Message};
use crate::native::Native;
use assay_node_runtime::{
    configs::RuntimeBlockWeights, currency, tx_extension, AccountId, AllPalletsWithSystem, Balance, Balances,
    Executive, Revive, Runtime, RuntimeCall, RuntimeEvent, RuntimeGenesisConfig, RuntimeHoldReason, RuntimeOrigin,
    SignedPayload, System, Timestamp, UncheckedExtrinsic, VERSION,
};
use assay_protocol::titles::Call;
use assay_protocol::Address;
use codec::{Decode, Encode};
use frame_support::dispatch::DispatchClass;
use frame_support::storage::{with_transaction, TransactionOutcome};
use frame_support::traits::fungible::{Mutate, MutateHold};
use frame_support::traits::{OnFinalize, OnInitialize};
use frame_support::weights::Weight;
use frame_system::{limits::BlockWeights, Event};
use pallet_revive::{
    AccountInfo, AddressMapper, Code, ContractResult, ExecConfig, ExecReturnValue, Key, StorageDeposit,
    TransactionLimits, H160, U256,
};
use pallet_transaction_payment::Event::TransactionFeePaid;
use sp_core::{sr25519, Pair};
use sp_runtime::{generic, BuildStorage, MultiSignature};
use std::collections::BTreeMap;

type Mapper = <Runtime as pallet_revive::Config>::AddressMapper;
type Extrinsic = generic::UncheckedExtrinsic<
    assay_node_runtime::Address,
    RuntimeCall,
    assay_node_runtime::Signature,
    assay_node_runtime::TxExtension,
>;

/// What a message cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// What it takes of a block: the call and all that a signed transaction adds.
    pub weight: Weight,
    /// Deposit charged, or given back if negative, in the native unit.
    pub deposit: i128,
    /// Fee in the native unit.
    pub fee: Balance,
    /// Bytes of the proof that this state really asks for: what the call read,
    /// and the paths of what it wrote.
    pub proof: usize,
}

/// What several messages cost together.
#[derive(Clone, Copy, Debug, Default)]
pub struct Life {
    pub messages: u32,
    pub weight: Weight,
    /// Left in deposits, in the native unit.
    pub deposit: i128,
    /// In the native unit.
    pub fee: Balance,
}

/// A chain on which the contracts are deployed.
pub struct Chain {
    externalities: sp_io::TestExternalities,
    keys: BTreeMap<Address, sr25519::Pair>,
    contracts: BTreeMap<Contract, (H160, Bundle)>,
    block: u32,
    /// Seconds since 1970.
    now: u64,
    /// Messages by name, in the order in which they were first sent; of those
    /// sent again, the dearest.
    pub rows: Vec<(String, Cost)>,
    /// What was sent since [`Chain::begin`], together.
    life: Life,
}

impl Chain {
    /// A chain with the contracts and nothing in them, at `now` seconds since
    /// 1970, and who has deployed them.
    pub fn new(now: u64) -> (Self, Address) {
        let genesis = RuntimeGenesisConfig::default().build_storage().expect("the default genesis builds");
        let mut chain = Self {
            externalities: genesis.into(),
            keys: BTreeMap::new(),
            contracts: BTreeMap::new(),
            block: 0,
            now,
            rows: vec![],
            life: Life::default(),
        };
        chain.next_block();
        let admin = chain.party();
        let registry = chain.deploy_registry(admin, None);
        let market = chain.deploy(admin, Contract::Market, (registry, LONGEST_WINDOW).encode());
        chain.send(admin, 0, "", message::bind_market(market));
        (chain, admin)
    }

    /// Deploys titles and a registry that carries on its predecessor, if any. From
    /// here on [`Contract::Titles`] and [`Contract::Registry`] mean these.
    pub fn deploy_registry(&mut self, admin: Address, predecessor: Option<Address>) -> Address {
        let titles = self.deploy(admin, Contract::Titles, vec![]);
        let registry = self.deploy(admin, Contract::Registry, (titles, predecessor).encode());
        self.send(admin, 0, "", message::titles("bindRegistry", Call::BindRegistry { registry }));
        registry
    }

    /// A new account with money and a key.
    pub fn party(&mut self) -> Address {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&(self.keys.len() as u64).to_le_bytes());
        let key = sr25519::Pair::from_seed(&seed);
        let who = AccountId::from(key.public());
        let address = self.externalities.execute_with(|| {
            mint(&who, 1_000_000 * currency::UNIT);
            Mapper::map(&who).expect("it is new, and has the deposit");
            Address(Mapper::to_address(&who).0)
        });
        self.keys.insert(address, key);
        address
    }

    fn deploy(&mut self, admin: Address, contract: Contract, arguments: Vec<u8>) -> Address {
        let bundle = Bundle::load(contract);
        let code = Code::Upload(bundle.code.clone());
        let data = [bundle.constructor.to_vec(), arguments].concat();
        let address = self.externalities.execute_with(|| {
            let config = ExecConfig::new_substrate_tx();
            // As a transaction does before; the contract's address is made of it.
            System::inc_account_nonce(account(admin));
            let origin = RuntimeOrigin::signed(account(admin));
            let deployed = Revive::bare_instantiate(origin, U256::zero(), limits(), code, data, None, &config);
            let deployed = deployed.result.unwrap_or_else(|error| panic!("{}: {error:?}", contract.name()));
            assert!(!deployed.result.did_revert(), "the constructor of {} refuses", contract.name());
            deployed.addr
        });
        self.contracts.insert(contract, (address, bundle));
        Address(address.0)
    }

    /// Where a contract is.
    pub fn address(&self, contract: Contract) -> Address {
        Address(self.contracts[&contract].0 .0)
    }

    /// Name, bytes of code and code hash of each contract.
    pub fn bundles(&self) -> Vec<(&'static str, usize, String)> {
        let bundles = self.contracts.iter().map(|(contract, (_, bundle))| (contract.name(), bundle));
        bundles.map(|(name, bundle)| (name, bundle.code.len(), bundle.code_hash.clone())).collect()
    }

    /// Puts all that `native` has stored into the contracts, with the deposits
    /// that its authors would have paid and the money that it has taken in.
    pub fn fill(&mut self, native: &Native) {
        for (contract, (address, _)) in &self.contracts {
            self.externalities.execute_with(|| {
                let mut info = AccountInfo::<Runtime>::load_contract(address).expect("it is deployed");
                let (mut items, mut bytes) = (0, 0);
                for (key, value) in native.storage(*contract).iter() {
                    let key = Key::try_from_var(key.clone()).expect("contracts' keys are short");
                    // Deployment has left some.
                    if info.size(&key).is_none() {
                        items += 1;
                        bytes += (key.hash().len() + value.len()) as u32;
                    }
                    info.write(&key, Some(value.clone()), None, false).expect("nothing is charged");
                }
                let deposit_items = Balance::from(items) * currency::DEPOSIT_PER_CHILD_ITEM;
                let deposit_bytes = Balance::from(bytes) * currency::DEPOSIT_PER_BYTE;
                info.storage_items += items;
                info.storage_bytes += bytes;
                info.storage_item_deposit += deposit_items;
                info.storage_byte_deposit += deposit_bytes;
                AccountInfo::<Runtime>::insert_contract(address, info);
                let who = Mapper::to_account_id(address);
                mint(&who, deposit_items + deposit_bytes);
                let reason = RuntimeHoldReason::from(pallet_revive::HoldReason::StorageDepositReserve);
                Balances::hold(&reason, &who, deposit_items + deposit_bytes).expect("it was just minted");
                mint(&who, native.held(*contract) / Balance::from(currency::NATIVE_TO_ETH_RATIO));
            });
        }
    }

    /// How many values the contracts store.
    pub fn values(&mut self) -> u32 {
        let addresses = self.contracts.values().map(|(address, _)| *address).collect::<Vec<_>>();
        self.externalities.execute_with(|| {
            let info = |address| AccountInfo::<Runtime>::load_contract(address).expect("it is deployed");
            addresses.iter().map(|address| info(address).storage_items).sum()
        })
    }

    /// From here on messages are added up.
    pub fn begin(&mut self) {
        self.life = Life::default();
    }

    /// What was sent since [`Chain::begin`], together.
    pub fn life(&self) -> Life {
        self.life
    }

    fn next_block(&mut self) {
        let (number, seconds) = (self.block + 1, self.now);
        self.block = number;
        self.externalities.execute_with(|| {
            if number > 1 {
                AllPalletsWithSystem::on_finalize(number - 1);
            }
            System::reset_events();
            System::initialize(&number, &Default::default(), &Default::default());
            Timestamp::set_timestamp(seconds * 1000);
            AllPalletsWithSystem::on_initialize(number);
        });
    }

    /// Runs a message and takes it back.
    fn try_out<T: Decode>(
        &mut self,
        by: Address,
        value: u128,
        message: &Message<T>,
    ) -> (T, ContractResult<ExecReturnValue, Balance>) {
        let (address, data) = self.call(message);
        let outcome = self.externalities.execute_with(|| {
            with_transaction(|| {
                let config = ExecConfig::new_substrate_tx();
                let origin = RuntimeOrigin::signed(account(by));
                let outcome = Revive::bare_call(origin, address, value.into(), limits(), data, &config);
                TransactionOutcome::Rollback(Ok::<_, sp_runtime::DispatchError>(outcome))
            })
        });
        let outcome = outcome.expect("it was taken back");
        let label = message.label;
        let returned = outcome.result.as_ref().unwrap_or_else(|error| panic!("{label}: {error:?}"));
        assert!(!returned.did_revert(), "{label} is refused: {:?}", returned.data);
        (message.answer(&returned.data).unwrap_or_else(|error| panic!("{label}: {error}")), outcome)
    }

    /// Where a message goes, and its bytes.
    fn call<T>(&self, message: &Message<T>) -> (H160, Vec<u8>) {
        let (address, bundle) = &self.contracts[&message.contract];
        match message.encoding {
            Encoding::Ink { .. } => (*address, [&bundle.selector(message.label), &message.arguments[..]].concat()),
            Encoding::Solidity => (*address, message.arguments.clone()),
        }
    }

    /// Applies a signed transaction, alone in its block.
    fn apply(&mut self, by: Address, call: RuntimeCall) -> Cost {
        // What came before is in the state, and no longer a change to it.
        self.externalities.commit_all().expect("the changes are sound");
        let key = &self.keys[&by];
        let (cost, proof) = self.externalities.execute_and_prove(|| {
            let (bytes, transaction) = signed(key, call);
            let outcome = Executive::apply_extrinsic(transaction).expect("the transaction is valid");
            outcome.expect("it has just been tried out");
            sp_io::storage::root(VERSION.state_version());
            let mut cost = Cost::default();
            for record in System::read_events_no_consensus() {
                match record.event {
                    RuntimeEvent::System(Event::ExtrinsicSuccess { dispatch_info }) => {
                        cost.weight = dispatch_info.weight.saturating_add_proof_size(bytes);
                    }
                    RuntimeEvent::TransactionPayment(TransactionFeePaid { actual_fee, .. }) => cost.fee = actual_fee,
                    _ => {}
                }
            }
            cost
        });
        Cost { proof: proof.encoded_size(), ..cost }
    }
}

/// A transaction of the account behind `key`, and its length in bytes.
fn signed(key: &sr25519::Pair, call: RuntimeCall) -> (u64, UncheckedExtrinsic) {
    let who = AccountId::from(key.public());
    let mut extension = tx_extension(System::account_nonce(&who), 0);
    // As clients do; it costs a little more than a transaction without an end.
    let before = u64::from(System::block_number()) - 1;
    extension.4 = frame_system::CheckEra::from(generic::Era::mortal(64, before));
    let payload = SignedPayload::new(call.clone(), extension.clone()).expect("the extensions have what they sign");
    let signature = MultiSignature::from(payload.using_encoded(|bytes| key.sign(bytes)));
    let transaction = Extrinsic::new_signed(call, who.into(), signature, extension);
    let transaction = UncheckedExtrinsic::from(transaction);
    (transaction.encoded_size() as u64, transaction)
}

impl World for Chain {
    /// In a block of its own, as a transaction with exactly the limits that a
    /// client finds by trying it out.
    fn send<T: Decode>(&mut self, by: Address, value: u128, note: &str, message: Message<T>) -> T {
        let (answer, tried) = self.try_out(by, value, &message);
        let deposit = match tried.storage_deposit {
            StorageDeposit::Charge(amount) => amount as i128,
            StorageDeposit::Refund(amount) => -(amount as i128),
        };
        let (dest, data) = self.call(&message);
        let call = pallet_revive::Call::<Runtime>::call {
            dest,
            value: value / Balance::from(currency::NATIVE_TO_ETH_RATIO),
            weight_limit: tried.weight_required,
            storage_deposit_limit: tried.max_storage_deposit.charge_or_zero(),
            data,
        };
        let cost = Cost { deposit, ..self.apply(by, call.into()) };
        self.life.messages += 1;
        self.life.weight = self.life.weight.saturating_add(cost.weight);
        self.life.deposit += cost.deposit;
        self.life.fee += cost.fee;
        let name = format!("`{}`{note}", message.label);
        match self.rows.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) if known.weight.ref_time() < cost.weight.ref_time() => *known = cost,
            Some(_) => {}
            None => self.rows.push((name, cost)),
        }
        self.pass(6);
        answer
    }

    fn ask<T: Decode>(&mut self, message: Message<T>) -> T {
        self.try_out(Address::default(), 0, &message).0
    }

    fn pass(&mut self, seconds: u64) {
        self.now += seconds;
        self.next_block();
    }
}

/// The account behind an address.
fn account(address: Address) -> AccountId {
    Mapper::to_account_id(&H160(address.0))
}

fn mint(who: &AccountId, amount: Balance) {
    Balances::mint_into(who, amount).expect("the total fits");
}

/// What one transaction may use.
fn limits() -> TransactionLimits<Runtime> {
    let weights: BlockWeights = RuntimeBlockWeights::get();
    TransactionLimits::WeightAndDeposit {
        weight_limit: weights.get(DispatchClass::Normal).max_extrinsic.expect("it is limited"),
        deposit_limit: 1_000 * currency::UNIT,
    }
}
