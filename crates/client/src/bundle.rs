//! Contract bundles (`.contract` files) as `cargo contract` makes them.

use crate::{
    amount::Amount,
    chain::Chain,
    contract,
    dryrun::{DryRun, Target, Task},
    error::{BundleError, Error, ExecutionError},
    signer::{AccountId, Signer},
    submit::{self, Included, Receipt},
};
use assay_protocol::{Address, Hash};
use parity_scale_codec::Encode;
use serde::Deserialize;
use std::{path::Path, sync::Arc};

/// A compiled contract with what is known of its constructors and messages.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// The contract's name.
    pub name: String,
    /// Version of the contract's package.
    pub version: String,
    code: Arc<Vec<u8>>,
    constructors: Vec<Labelled>,
    messages: Vec<Labelled>,
}

#[derive(Deserialize)]
struct File {
    source: Source,
    contract: Package,
    spec: Spec,
}

#[derive(Deserialize)]
struct Source {
    hash: String,
    contract_binary: Option<String>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
}

#[derive(Deserialize)]
struct Spec {
    constructors: Vec<Labelled>,
    messages: Vec<Labelled>,
}

#[derive(Clone, Debug, Deserialize)]
struct Labelled {
    label: String,
    selector: String,
}

impl Bundle {
    /// Reads a bundle's file.
    ///
    /// # Errors
    /// If it cannot be read, is no bundle, or its code has not the hash that it names.
    pub fn load(path: &Path) -> Result<Self, BundleError> {
        let bytes = std::fs::read(path).map_err(|source| BundleError::Io { path: path.into(), source })?;
        Self::parse(&bytes, &path.display().to_string())
    }

    /// Reads a bundle; `origin` is named in errors.
    ///
    /// # Errors
    /// As [`Bundle::load`].
    pub fn parse(bytes: &[u8], origin: &str) -> Result<Self, BundleError> {
        let bad = |reason: String| BundleError::Malformed { origin: origin.into(), reason };
        let file: File = serde_json::from_slice(bytes).map_err(|error| bad(error.to_string()))?;
        let code = file.source.contract_binary.ok_or_else(|| bad("it has no code, only metadata".into()))?;
        let code = unhex(&code).ok_or_else(|| bad("its code is not hex".into()))?;
        let bundle = Self {
            name: file.contract.name,
            version: file.contract.version,
            code: Arc::new(code),
            constructors: file.spec.constructors,
            messages: file.spec.messages,
        };
        let named: Hash = file.source.hash.parse().map_err(|error| bad(format!("its hash: {error}")))?;
        if named != bundle.code_hash() {
            return Err(bad(format!("its code has the hash {}, not {named}", bundle.code_hash())));
        }
        Ok(bundle)
    }

    /// The contract's code.
    pub fn code(&self) -> &[u8] {
        &self.code
    }

    /// Hash of the code as the chain has it (Keccak-256).
    pub fn code_hash(&self) -> Hash {
        Hash(sp_crypto_hashing::keccak_256(&self.code))
    }

    /// The selector of a constructor.
    ///
    /// # Errors
    /// If the contract has none of this label.
    pub fn constructor(&self, label: &str) -> Result<[u8; 4], BundleError> {
        self.find(&self.constructors, label)
    }

    /// The selector of a message.
    ///
    /// # Errors
    /// If the contract has none of this label.
    pub fn message(&self, label: &str) -> Result<[u8; 4], BundleError> {
        self.find(&self.messages, label)
    }

    /// The labels of all messages.
    pub fn messages(&self) -> impl Iterator<Item = &str> {
        self.messages.iter().map(|message| message.label.as_str())
    }

    fn find(&self, among: &[Labelled], label: &str) -> Result<[u8; 4], BundleError> {
        among
            .iter()
            .find(|item| item.label == label)
            .and_then(|item| unhex(&item.selector)?.try_into().ok())
            .ok_or_else(|| BundleError::NoLabel { contract: self.name.clone(), label: label.into() })
    }

    /// A deployment that has not been made. `arguments` is a tuple, `()` if the
    /// constructor takes none.
    ///
    /// # Errors
    /// If the contract has no such constructor.
    pub fn deploy(
        &self,
        chain: &Chain,
        constructor: &'static str,
        arguments: impl Encode,
    ) -> Result<Deploy, BundleError> {
        let mut data = self.constructor(constructor)?.to_vec();
        arguments.encode_to(&mut data);
        let target = Target::Deploy { code: self.code.clone(), salt: None };
        let task = Task { target, message: constructor, data, value: Amount::ZERO };
        Ok(Deploy { chain: chain.clone(), contract: self.name.clone(), task })
    }
}

/// A deployment that has not been made.
#[must_use = "nothing is deployed until it is executed"]
#[derive(Clone)]
pub struct Deploy {
    chain: Chain,
    contract: String,
    task: Task,
}

impl Deploy {
    /// Makes the contract's address depend on the code, the arguments and `salt`
    /// instead of the account's nonce.
    pub fn salt(mut self, new: [u8; 32]) -> Self {
        if let Target::Deploy { salt, .. } = &mut self.task.target {
            *salt = Some(new);
        }
        self
    }

    /// What the deployment would cost, and at which address the contract would be.
    ///
    /// # Errors
    /// If the code is refused or the constructor fails.
    pub async fn dry_run(&self, origin: AccountId) -> Result<DryRun<Address>, Error> {
        let at = self.chain.finalised_hash().await?;
        let outcome = self.task.run(&self.chain, origin, at).await?;
        let returned = match &outcome.result {
            Ok(returned) => returned,
            Err(error) => {
                return Err(self.task.failure(&self.chain, &outcome.runtime, origin, error).await);
            }
        };
        let address = returned
            .address
            .ok_or_else(|| crate::value::shape("result of a dry run", "no address of the new contract"))?;
        if returned.reverted {
            let message = format!("{} of {}", self.task.message, self.contract);
            let data = crate::chain::to_hex(&returned.data);
            return Err(ExecutionError::Reverted { address, message, data }.into());
        }
        let priced = self.task.price(&self.chain, origin, &outcome).await?;
        Ok(priced.map(address))
    }

    /// Tries, then uploads and instantiates in one transaction, and waits until
    /// it is final. Returns the contract's address.
    ///
    /// # Errors
    /// As [`Deploy::dry_run`], and if the account cannot pay.
    pub async fn execute(&self, signer: &Signer) -> Result<(Address, Receipt), Error> {
        let run = self.dry_run(signer.account()).await?;
        self.send(signer, &run).await
    }

    /// Uploads and instantiates with the limits of `run`, which the caller has
    /// looked at.
    ///
    /// # Errors
    /// As [`Deploy::execute`].
    pub async fn send(&self, signer: &Signer, run: &DryRun<Address>) -> Result<(Address, Receipt), Error> {
        let chain = &self.chain;
        contract::check_account(chain, signer.account(), run, &self.task).await?;
        let included = submit::submit(chain, signer, |runtime| self.task.call(chain, runtime, run.limits));
        match included.await? {
            Included::Succeeded(receipt) => {
                // A constructor may deploy others before it ends: its own comes last.
                let address = receipt
                    .deployed
                    .last()
                    .copied()
                    .ok_or_else(|| crate::value::shape("events", "no Revive.Instantiated after a deployment"))?;
                Ok((address, receipt))
            }
            Included::Failed { runtime, error, .. } => {
                Err(self.task.failure(chain, &runtime, signer.account(), &error).await)
            }
        }
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    hex::decode(text.strip_prefix("0x")?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(code: &str, hash: &str) -> String {
        format!(
            r#"{{"source": {{"hash": "{hash}", "contract_binary": "{code}"}},
            "contract": {{"name": "flipper", "version": "1.0.0"}},
            "spec": {{"constructors": [{{"label": "new", "selector": "0x9bae9d5e"}}],
                      "messages": [{{"label": "flip", "selector": "0x633aa551"}}]}}}}"#
        )
    }

    /// Keccak-256 of "abc".
    const HASH: &str = "0x4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45";

    #[test]
    fn a_bundle_is_read() {
        let bundle = Bundle::parse(bundle("0x616263", HASH).as_bytes(), "test").unwrap();
        assert_eq!(bundle.code(), b"abc");
        assert_eq!(bundle.code_hash().to_string(), HASH);
        assert_eq!(bundle.constructor("new").unwrap(), contract::selector("new"));
        assert_eq!(bundle.message("flip").unwrap(), contract::selector("flip"));
        let error = bundle.message("flop").unwrap_err().to_string();
        assert!(error.contains("flipper") && error.contains("flop"), "{error}");
    }

    #[test]
    fn what_is_no_bundle_is_refused() {
        for (text, words) in [
            ("".to_string(), "EOF"),
            ("{}".into(), "source"),
            (bundle("0x616263", "0x12"), "hash"),
            (bundle("0x616264", HASH), "has the hash"),
            (bundle("616263", HASH), "not hex"),
            (bundle("0x616263", HASH).replace("contract_binary", "other"), "no code"),
        ] {
            let error = Bundle::parse(text.as_bytes(), "digits.contract").unwrap_err().to_string();
            assert!(error.contains(words) && error.contains("digits.contract"), "{error}");
        }
    }
}
