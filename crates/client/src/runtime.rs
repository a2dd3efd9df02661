//! What the chain's runtime looks like at its current version: names, shapes,
//! constants. Everything offline; asking the node is the chain's affair.

use crate::{
    error::{ChainError, ExecutionError},
    signer::{AccountId, Signer},
    value::{self, Argument, Decoded},
};
use assay_protocol::Hash;
use subxt::{
    client::OfflineClientAtBlock,
    config::{
        DefaultExtrinsicParamsBuilder, SubstrateConfig,
        substrate::{H256, SpecVersionForRange},
    },
    dynamic::Value,
    ext::{frame_decode, scale_decode::IntoVisitor, scale_value::ValueDef},
    utils::{AccountId32, MultiSignature},
};

/// One version of a runtime.
pub(crate) struct Runtime {
    pub spec_version: u32,
    at: OfflineClientAtBlock<SubstrateConfig>,
}

/// A signed transaction.
pub(crate) struct SignedTransaction {
    pub bytes: Vec<u8>,
    pub hash: Hash,
}

/// What a transaction is valid for.
#[derive(Clone, Copy)]
pub(crate) struct Validity {
    pub nonce: u64,
    /// Blocks from `block` on in which the transaction may be included.
    pub period: u64,
    pub block: u64,
    pub block_hash: Hash,
}

fn shape(item: &str, error: impl std::fmt::Display) -> ChainError {
    ChainError::Shape { item: item.into(), reason: error.to_string() }
}

impl Runtime {
    /// From the answer of `Metadata_metadata_at_version`.
    pub fn new(
        metadata: &[u8],
        spec_version: u32,
        transaction_version: u32,
        genesis: Hash,
    ) -> Result<Self, ChainError> {
        let metadata = subxt::Metadata::decode_from(metadata).map_err(|error| shape("metadata", error))?.arc();
        let config = SubstrateConfig::builder()
            .set_genesis_hash(H256(genesis.0))
            .set_spec_version_for_block_ranges([SpecVersionForRange {
                block_range: 0..u64::MAX,
                spec_version,
                transaction_version,
            }])
            .set_metadata_for_spec_versions([(spec_version, metadata)])
            .build();
        let at =
            subxt::OfflineClient::new_with_config(config).at_block(0u64).map_err(|error| shape("metadata", error))?;
        Ok(Self { spec_version, at })
    }

    /// A constant of a pallet, if it is there.
    pub fn constant(&self, pallet: &str, name: &str) -> Option<Decoded> {
        let address = subxt::dynamic::constant::<Value>(pallet, name);
        self.at.constants().entry(address).ok()
    }

    /// Whether there is such a runtime function.
    pub fn has_api(&self, api: &str, method: &str) -> bool {
        self.at.metadata_ref().runtime_api_trait_by_name(api).is_some_and(|api| api.method_by_name(method).is_some())
    }

    /// Whether there is such a pallet.
    pub fn has_pallet(&self, pallet: &str) -> bool {
        self.at.metadata_ref().pallet_by_name(pallet).is_some()
    }

    /// The encoded arguments of a runtime function.
    pub fn api_arguments(&self, api: &str, method: &str, arguments: Vec<Argument>) -> Result<Vec<u8>, ChainError> {
        let name = format!("{api}.{method}");
        let metadata = self
            .at
            .metadata_ref()
            .runtime_api_trait_by_name(api)
            .and_then(|api| api.method_by_name(method))
            .ok_or_else(|| ChainError::Missing { item: format!("function {name}") })?;
        let wanted = metadata.inputs().map(|input| input.name.as_ref());
        let values: Vec<Value> = value::arrange(&name, wanted, arguments)?.into_values().collect();
        let payload = subxt::dynamic::runtime_api_call::<_, Value>(api, method, values);
        self.at.runtime_apis().encode_args(payload).map_err(|error| shape(&name, error))
    }

    /// The answer of a runtime function.
    pub fn api_answer(&self, api: &str, method: &str, bytes: &[u8]) -> Result<Decoded, ChainError> {
        let metadata = self.at.metadata_ref();
        frame_decode::runtime_apis::decode_runtime_api_response(
            api,
            method,
            &mut &bytes[..],
            metadata,
            metadata.types(),
            Value::<()>::into_visitor(),
        )
        .map_err(|error| shape(&format!("answer of {api}.{method}"), error))
    }

    /// The key of a stored value.
    pub fn storage_key(&self, pallet: &str, entry: &str, keys: Vec<Value>) -> Result<Vec<u8>, ChainError> {
        let address = subxt::dynamic::storage::<Vec<Value>, Value>(pallet, entry);
        self.at
            .storage()
            .entry(address)
            .and_then(|entry| entry.fetch_key(keys))
            .map_err(|error| shape(&format!("{pallet}.{entry}"), error))
    }

    /// A stored value.
    pub fn stored(&self, pallet: &str, entry: &str, bytes: &[u8]) -> Result<Decoded, ChainError> {
        let metadata = self.at.metadata_ref();
        frame_decode::storage::decode_storage_value(
            pallet,
            entry,
            &mut &bytes[..],
            metadata,
            metadata.types(),
            Value::<()>::into_visitor(),
        )
        .map_err(|error| shape(&format!("{pallet}.{entry}"), error))
    }

    /// The events of a block, or of its extrinsic at `index`: pallet, name, fields.
    pub fn events_of(&self, bytes: Vec<u8>, index: Option<u32>) -> Result<Vec<(String, String, Decoded)>, ChainError> {
        use subxt::events::Phase;
        let events = self.at.events().from_bytes(bytes);
        let mut found = Vec::new();
        for event in events.iter() {
            let event = event.map_err(|error| shape("events", error))?;
            if index.is_some_and(|index| event.phase() != Phase::ApplyExtrinsic(index)) {
                continue;
            }
            let fields = event
                .decode_fields_unchecked_as::<subxt::ext::scale_value::Composite<()>>()
                .map_err(|error| shape("events", error))?;
            found.push((
                event.pallet_name().to_string(),
                event.event_name().to_string(),
                Value::without_context(ValueDef::Composite(fields)),
            ));
        }
        Ok(found)
    }

    /// A call with its arguments in the order and under the names of the metadata.
    pub fn call(
        &self,
        pallet: &str,
        name: &str,
        arguments: Vec<Argument>,
    ) -> Result<subxt::tx::DynamicPayload<subxt::ext::scale_value::Composite<()>>, ChainError> {
        let full = format!("{pallet}.{name}");
        let variant = self
            .at
            .metadata_ref()
            .pallet_by_name(pallet)
            .and_then(|pallet| pallet.call_variant_by_name(name))
            .ok_or_else(|| ChainError::Missing { item: format!("call {full}") })?;
        let wanted = variant.fields.iter().map(|field| field.name.as_deref().unwrap_or_default());
        let arguments = value::arrange(&full, wanted, arguments)?;
        Ok(subxt::dynamic::tx(pallet, name, arguments))
    }

    /// A signed transaction; with no signer, one of the same length and a void
    /// signature, to ask what it would cost.
    pub fn transaction(
        &self,
        call: &subxt::tx::DynamicPayload<subxt::ext::scale_value::Composite<()>>,
        account: AccountId,
        signer: Option<&Signer>,
        validity: Validity,
    ) -> Result<SignedTransaction, ChainError> {
        let unsigned = |error: subxt::error::ExtrinsicError| shape("transaction format", error);
        let parameters = DefaultExtrinsicParamsBuilder::<SubstrateConfig>::new()
            .nonce(validity.nonce)
            .mortal_from_unchecked(validity.period, validity.block, H256(validity.block_hash.0))
            .build();
        let transactions = self.at.tx();
        let mut signable = transactions.create_signable_offline(call, parameters).map_err(unsigned)?;
        let signature = match signer {
            Some(signer) => signer.sign(&signable.signer_payload().map_err(unsigned)?),
            None => [0; 64],
        };
        let signed = signable
            .sign_with_account_and_signature(&AccountId32(account.0), &MultiSignature::Sr25519(signature))
            .map_err(unsigned)?;
        Ok(SignedTransaction { bytes: signed.encoded().to_vec(), hash: Hash(signed.hash().0) })
    }

    /// Pallet, name and documentation of a module error; `None` if it is none.
    pub fn module_error(&self, error: &Decoded) -> Option<(String, String, String)> {
        let ("Module", Some(module)) = value::variant(error)? else { return None };
        let index = value::unsigned(value::field(module, &["index"])?)?;
        let inner = value::field(module, &["error"])?;
        let number = match value::bytes(inner) {
            Some(bytes) => *bytes.first()?,
            None => u8::try_from(value::unsigned(inner)?).ok()?,
        };
        let pallet = self.at.metadata_ref().pallet_by_error_index(u8::try_from(index).ok()?)?;
        let variant = pallet.error_variant_by_index(number)?;
        Some((pallet.name().to_string(), variant.name.clone(), variant.docs.join(" ")))
    }

    /// A dispatch error in words, for what has no better ones.
    pub fn dispatch_error(&self, message: &str, error: &Decoded) -> ExecutionError {
        match self.module_error(error) {
            Some((pallet, name, docs)) => ExecutionError::Module { message: message.into(), pallet, name, docs },
            None => ExecutionError::Dispatch { message: message.into(), reason: error.to_string() },
        }
    }
}
