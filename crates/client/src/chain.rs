//! A chain with contracts, as one node shows it.

use crate::{
    amount::{Amount, Unit},
    blocks::{self, Block, Blocks},
    error::{ChainError, ConnectionError, Error},
    runtime::Runtime,
    signer::AccountId,
    transport::{Patience, Transport, rpc_params},
    value::{self, Argument, Decoded},
};
use assay_protocol::{Address, Hash};
use parity_scale_codec::{Decode, Encode};
use serde::Deserialize;
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, RwLock},
};
use subxt::dynamic::Value;
use tokio::{sync::watch, task::AbortHandle};

/// Runtime API of `pallet-revive`.
const REVIVE_API: &str = "ReviveApi";

/// A chain with `pallet-revive`, over a connection that comes back by itself.
/// Clones share the connection.
#[derive(Clone)]
pub struct Chain {
    inner: Arc<Inner>,
    /// The block whose state is read, if it is not the newest finalised one's.
    pin: Option<Hash>,
}

struct Inner {
    transport: Arc<Transport>,
    name: String,
    unit: Unit,
    existential_deposit: Amount,
    /// By spec version; a runtime upgrade adds one.
    runtimes: RwLock<HashMap<u32, Arc<Runtime>>>,
    head: watch::Receiver<Block>,
    follower: AbortHandle,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chain({} at {})", self.name(), self.url())
    }
}

/// What an account has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    /// What is not held for deposits or the like, the existential deposit included.
    pub free: Amount,
    /// What is held, mostly as storage deposits, which come back.
    pub reserved: Amount,
    /// What the account can spend and stay alive, to the last 10^-18 of a token
    /// (`ReviveApi.balance`).
    pub spendable: Amount,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RuntimeVersion {
    spec_version: u32,
    transaction_version: u32,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Properties {
    token_symbol: Option<OneOrMany<String>>,
    token_decimals: Option<OneOrMany<u32>>,
}

/// Chains with several tokens list them; the first is the native one.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    fn first(self) -> Option<T> {
        match self {
            OneOrMany::One(one) => Some(one),
            OneOrMany::Many(many) => many.into_iter().next(),
        }
    }
}

impl Chain {
    /// Connects as patiently as somebody who waits for a command's answer.
    ///
    /// # Errors
    /// If no node answers at `url`, or its chain has no contracts.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Self::connect_with(url, Patience::COMMAND).await
    }

    /// Connects.
    ///
    /// # Errors
    /// If no node answers at `url` within `patience`, or its chain has no contracts.
    pub async fn connect_with(url: &str, patience: Patience) -> Result<Self, Error> {
        let transport = Arc::new(Transport::connect(url, patience).await?);
        let name: String = transport.request("system_chain", Default::default()).await?;
        let properties: Properties = transport.request("system_properties", Default::default()).await?;
        let latest = blocks::latest(&transport).await?;
        let runtime = Arc::new(fetch_runtime(&transport, latest.hash).await?);

        let lacks = |item: &str| ChainError::NoContracts { name: name.clone(), item: item.into() };
        if !runtime.has_pallet("Revive") {
            return Err(lacks("pallet Revive").into());
        }
        for method in ["call", "instantiate", "balance"] {
            if !runtime.has_api(REVIVE_API, method) {
                return Err(lacks(&format!("{REVIVE_API}.{method}")).into());
            }
        }
        let constant = |pallet: &str, item: &str| {
            runtime
                .constant(pallet, item)
                .as_ref()
                .and_then(value::unsigned)
                .ok_or_else(|| ChainError::Missing { item: format!("constant {pallet}.{item}") })
        };
        let unit = Unit {
            symbol: properties.token_symbol.and_then(OneOrMany::first).unwrap_or_else(|| "UNIT".into()),
            decimals: properties.token_decimals.and_then(OneOrMany::first).unwrap_or(12),
            native_to_contract: constant("Revive", "NativeToEthRatio")?.max(1),
        };
        let existential_deposit = unit.from_native(constant("Balances", "ExistentialDeposit")?);
        let (head, follower) = blocks::follow(transport.clone(), latest);
        let runtimes = RwLock::new(HashMap::from([(runtime.spec_version, runtime)]));
        let inner = Inner { transport, name, unit, existential_deposit, runtimes, head, follower };
        Ok(Self { inner: Arc::new(inner), pin: None })
    }

    /// The same chain as of one block: everything that is read, contracts
    /// included, is read from that block's state. For reading only: what is signed
    /// belongs on the newest block. Fails later if the node has pruned that state.
    pub fn pinned(&self, block: Block) -> Self {
        Self { inner: self.inner.clone(), pin: Some(block.hash) }
    }

    /// The node's URL.
    pub fn url(&self) -> &str {
        self.inner.transport.url()
    }

    /// Hash of the chain's first block, which tells it from every other chain.
    pub fn genesis(&self) -> Hash {
        self.inner.transport.genesis()
    }

    /// What the chain calls itself.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The chain's token.
    pub fn unit(&self) -> &Unit {
        &self.inner.unit
    }

    /// What an account must keep to exist.
    pub fn existential_deposit(&self) -> Amount {
        self.inner.existential_deposit
    }

    pub(crate) fn transport(&self) -> &Transport {
        &self.inner.transport
    }

    /// The newest finalised block, asked from the node.
    pub async fn latest(&self) -> Result<Block, Error> {
        Ok(blocks::latest(self.transport()).await?)
    }

    /// Finalised blocks from now on, over reconnections.
    pub fn blocks(&self) -> Blocks {
        Blocks::new(self.clone(), self.inner.head.clone())
    }

    /// Chain time at the newest finalised block, in seconds since 1970, as
    /// contracts see it.
    pub async fn now(&self) -> Result<u64, Error> {
        let at = self.finalised_hash().await?;
        self.time_at(at).await
    }

    /// Chain time at a block, in seconds since 1970.
    pub async fn time_at(&self, block: Hash) -> Result<u64, Error> {
        let now = self.stored(block, "Timestamp", "Now", vec![]).await?;
        let milliseconds = now.as_ref().and_then(value::unsigned).unwrap_or(0);
        Ok(u64::try_from(milliseconds / 1000).unwrap_or(u64::MAX))
    }

    /// What an account has.
    pub async fn balance(&self, account: AccountId) -> Result<Balance, Error> {
        let at = self.finalised_hash().await?;
        let native = self.native_balance(at, account).await?;
        Ok(Balance {
            free: self.unit().from_native(native.0),
            reserved: self.unit().from_native(native.1),
            spendable: self.address_balance_at(at, account.address()).await?,
        })
    }

    /// What stands behind an address, a contract's for example, to the last
    /// 10^-18 of a token and without the existential deposit.
    pub async fn address_balance(&self, address: Address) -> Result<Amount, Error> {
        let at = self.finalised_hash().await?;
        self.address_balance_at(at, address).await
    }

    async fn address_balance_at(&self, at: Hash, address: Address) -> Result<Amount, Error> {
        let arguments = vec![Argument { names: &["address"], value: Value::from_bytes(address.0) }];
        let answer = self.ask(at, REVIVE_API, "balance", arguments).await?;
        let balance = value::unsigned(&answer).ok_or_else(|| value::shape("balance", "it is no number of 128 bits"))?;
        Ok(Amount(balance))
    }

    /// Free and reserved native balance.
    pub(crate) async fn native_balance(&self, at: Hash, account: AccountId) -> Result<(u128, u128), Error> {
        let key = vec![Value::from_bytes(account.0)];
        let Some(info) = self.stored(at, "System", "Account", key).await? else {
            return Ok((0, 0));
        };
        let data = value::need(&info, "System.Account", &["data"])?;
        let part = |name: &str| {
            value::need(data, "System.Account", &[name])
                .and_then(|part| value::unsigned(part).ok_or_else(|| value::shape("System.Account", "no number")))
        };
        Ok((part("free")?, part("reserved")?))
    }

    /// The account that an address is mapped to, if one is.
    pub async fn mapped_account(&self, address: Address) -> Result<Option<AccountId>, Error> {
        let at = self.finalised_hash().await?;
        let key = vec![Value::from_bytes(address.0)];
        let Some(account) = self.stored(at, "Revive", "OriginalAccount", key).await? else {
            return Ok(None);
        };
        let bytes = value::array::<32>(&account)
            .ok_or_else(|| value::shape("Revive.OriginalAccount", "it is no account of 32 bytes"))?;
        Ok(Some(AccountId(bytes)))
    }

    /// Hash of the code at an address (Keccak-256, as `pallet-revive` has it);
    /// `None` if there is no contract.
    pub async fn code_hash(&self, address: Address) -> Result<Option<Hash>, Error> {
        let at = self.finalised_hash().await?;
        let arguments = vec![Argument { names: &["address"], value: Value::from_bytes(address.0) }];
        let code = self.ask(at, REVIVE_API, "code", arguments).await?;
        let code = value::bytes(&code).ok_or_else(|| value::shape("code", "it is no bytes"))?;
        Ok((!code.is_empty()).then(|| Hash(sp_crypto_hashing::keccak_256(&code))))
    }

    // What follows is for the rest of the crate.

    /// Of the newest finalised block, or of the one that is pinned.
    pub(crate) async fn finalised_hash(&self) -> Result<Hash, ConnectionError> {
        if let Some(pin) = self.pin {
            return Ok(pin);
        }
        self.transport().request("chain_getFinalizedHead", Default::default()).await
    }

    /// Hash of a finalised block by its number.
    pub(crate) async fn block_hash(&self, number: u64) -> Result<Hash, Error> {
        let hash: Option<Hash> = self.transport().request("chain_getBlockHash", rpc_params((number,))).await?;
        Ok(hash.ok_or_else(|| ChainError::BlockGone { block: number.to_string() })?)
    }

    /// The runtime that runs at a block.
    pub(crate) async fn runtime(&self, at: Hash) -> Result<Arc<Runtime>, Error> {
        let version: RuntimeVersion = self.transport().request("state_getRuntimeVersion", rpc_params((at,))).await?;
        let known = self.inner.runtimes.read().expect("no panic while held").get(&version.spec_version).cloned();
        if let Some(runtime) = known {
            return Ok(runtime);
        }
        let runtime = Arc::new(fetch_runtime(self.transport(), at).await?);
        tracing::info!(spec_version = runtime.spec_version, "the chain has a new runtime");
        self.inner.runtimes.write().expect("no panic while held").insert(runtime.spec_version, runtime.clone());
        Ok(runtime)
    }

    /// Calls a runtime function with named arguments.
    pub(crate) async fn ask(
        &self,
        at: Hash,
        api: &str,
        method: &str,
        arguments: Vec<Argument>,
    ) -> Result<Decoded, Error> {
        let runtime = self.runtime(at).await?;
        let arguments = runtime.api_arguments(api, method, arguments)?;
        self.ask_encoded(at, &runtime, api, method, &arguments).await
    }

    /// Calls a runtime function with encoded arguments.
    pub(crate) async fn ask_encoded(
        &self,
        at: Hash,
        runtime: &Runtime,
        api: &str,
        method: &str,
        arguments: &[u8],
    ) -> Result<Decoded, Error> {
        let name = format!("{api}_{method}");
        let answer = state_call(self.transport(), at, &name, arguments).await?;
        Ok(runtime.api_answer(api, method, &answer)?)
    }

    /// Reads a stored value.
    pub(crate) async fn stored(
        &self,
        at: Hash,
        pallet: &str,
        entry: &str,
        keys: Vec<Value>,
    ) -> Result<Option<Decoded>, Error> {
        let runtime = self.runtime(at).await?;
        let key = runtime.storage_key(pallet, entry, keys)?;
        let Some(bytes) = self.stored_bytes(at, &key).await? else { return Ok(None) };
        Ok(Some(runtime.stored(pallet, entry, &bytes)?))
    }

    pub(crate) async fn stored_bytes(&self, at: Hash, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let method = "state_getStorage";
        let answer: Option<String> = self.transport().request(method, rpc_params((to_hex(key), at))).await?;
        Ok(answer.map(|answer| from_hex(self.transport(), method, &answer)).transpose()?)
    }
}

async fn fetch_runtime(transport: &Transport, at: Hash) -> Result<Runtime, Error> {
    let version: RuntimeVersion = transport.request("state_getRuntimeVersion", rpc_params((at,))).await?;
    let unreadable = |reason: String| ChainError::Shape { item: "metadata".into(), reason };
    let versions = state_call(transport, at, "Metadata_metadata_versions", &[]).await?;
    // The first version with runtime APIs is 15; `u32::MAX` is the unstable one.
    let newest = Vec::<u32>::decode(&mut &versions[..])
        .map_err(|error| unreadable(error.to_string()))?
        .into_iter()
        .filter(|version| (15..=16).contains(version))
        .max()
        .ok_or_else(|| unreadable("the chain offers neither version 15 nor 16".into()))?;
    let answer = state_call(transport, at, "Metadata_metadata_at_version", &newest.encode()).await?;
    let metadata = Option::<Vec<u8>>::decode(&mut &answer[..])
        .map_err(|error| unreadable(error.to_string()))?
        .ok_or_else(|| unreadable(format!("the chain does not give version {newest}")))?;
    let runtime = Runtime::new(&metadata, version.spec_version, version.transaction_version, transport.genesis())?;
    Ok(runtime)
}

async fn state_call(
    transport: &Transport,
    at: Hash,
    function: &str,
    arguments: &[u8],
) -> Result<Vec<u8>, ConnectionError> {
    let method = "state_call";
    let answer: String = transport.request(method, rpc_params((function, to_hex(arguments), at))).await?;
    from_hex(transport, method, &answer)
}

pub(crate) fn to_hex(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

pub(crate) fn from_hex(transport: &Transport, method: &str, text: &str) -> Result<Vec<u8>, ConnectionError> {
    hex::decode(text.strip_prefix("0x").unwrap_or(text)).map_err(|error| ConnectionError::BadAnswer {
        url: transport.url().into(),
        method: method.into(),
        reason: error.to_string(),
    })
}
