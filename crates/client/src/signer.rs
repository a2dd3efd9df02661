//! Accounts that sign: from a secret URI or an encrypted keystore.

use crate::error::AccountError;
use assay_protocol::Address;
use std::{fmt, path::Path, str::FromStr, sync::Arc};
use subxt::utils::AccountId32;
use subxt_signer::{SecretUri, polkadot_js_compat, sr25519};
use tokio::sync::{Mutex, MutexGuard};

/// Characters of base64 that the salt, the parameters, the nonce, the tag and a
/// key take at least. A shorter text is no keystore.
const SHORTEST_KEYSTORE: usize = 144;

/// A 32-byte account of the chain, whose key may be elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(
    /// The public key, or what stands for one.
    pub [u8; 32],
);

impl AccountId {
    /// An account without a key that is used to ask questions: the zero address.
    pub const READER: AccountId = AccountId::of_address(Address([0; 20]));

    /// The account that stands for an address to which no other one is mapped:
    /// the address and 12 bytes of 0xEE, as `pallet-revive` has it.
    pub const fn of_address(address: Address) -> AccountId {
        let mut bytes = [0xEE; 32];
        let mut index = 0;
        while index < 20 {
            bytes[index] = address.0[index];
            index += 1;
        }
        AccountId(bytes)
    }

    /// Whether the account is an Ethereum address in disguise, which needs no mapping.
    pub fn is_eth_derived(&self) -> bool {
        self.0[20..] == [0xEE; 12]
    }

    /// The address by which contracts know the account (`AccountId32Mapper`):
    /// the last 20 bytes of the account's Keccak-256, or the Ethereum address
    /// that the account was made from.
    pub fn address(&self) -> Address {
        let mut address = [0; 20];
        if self.is_eth_derived() {
            address.copy_from_slice(&self.0[..20]);
        } else {
            address.copy_from_slice(&sp_crypto_hashing::keccak_256(&self.0)[12..]);
        }
        Address(address)
    }
}

impl fmt::Display for AccountId {
    /// SS58 with the prefix 42, which every wallet reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&AccountId32(self.0).to_string())
    }
}

impl FromStr for AccountId {
    type Err = AccountError;

    /// Reads SS58 of any network, or `0x` and 64 hex digits.
    fn from_str(text: &str) -> Result<Self, AccountError> {
        let bad = |reason: String| AccountError::BadSuri { reason };
        if let Some(digits) = text.strip_prefix("0x") {
            let mut bytes = [0; 32];
            hex::decode_to_slice(digits, &mut bytes).map_err(|e| bad(e.to_string()))?;
            return Ok(AccountId(bytes));
        }
        AccountId32::from_str(text).map(|id| AccountId(id.0)).map_err(|e| bad(e.to_string()))
    }
}

/// An account and its key.
///
/// Clones share one lock, so that a process has one transaction of the account
/// under way at a time and nonces never collide.
#[derive(Clone)]
pub struct Signer {
    pair: sr25519::Keypair,
    account: AccountId,
    turn: Arc<Mutex<()>>,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.account)
    }
}

impl Signer {
    fn new(pair: sr25519::Keypair) -> Self {
        let account = AccountId(pair.public_key().0);
        Self { pair, account, turn: Arc::default() }
    }

    /// From a secret URI: a phrase of 12 to 24 words, `0x` and 64 hex digits, or
    /// nothing (the development phrase), then derivations such as `//Alice`,
    /// then `///` and a password if there is one.
    ///
    /// # Errors
    /// If it is none; the message does not repeat it.
    pub fn from_suri(suri: &str) -> Result<Self, AccountError> {
        let bad = |reason: String| AccountError::BadSuri { reason };
        // An empty text would be the development account that everybody knows.
        if suri.trim().is_empty() {
            return Err(bad("it is empty".into()));
        }
        let uri = SecretUri::from_str(suri.trim()).map_err(|e| bad(e.to_string()))?;
        sr25519::Keypair::from_uri(&uri).map(Self::new).map_err(|e| bad(e.to_string()))
    }

    /// From an encrypted keystore as polkadot.js exports it (JSON). `password`
    /// is asked once, and only if the file is a keystore.
    ///
    /// # Errors
    /// If the file is no keystore or the password is wrong.
    pub fn from_keystore(
        path: &Path,
        password: impl FnOnce() -> std::io::Result<String>,
    ) -> Result<Self, AccountError> {
        let bad = |reason: String| AccountError::Keystore { path: path.into(), reason };
        let text = std::fs::read_to_string(path).map_err(|e| bad(e.to_string()))?;
        let json: serde_json::Value = serde_json::from_str(&text).map_err(|e| bad(format!("it is not JSON ({e})")))?;
        // The reader below trusts the length of what it decodes.
        match json.get("encoded").and_then(|encoded| encoded.as_str()) {
            Some(encoded) if encoded.len() >= SHORTEST_KEYSTORE => {}
            Some(_) => return Err(bad("it is cut short".into())),
            None => return Err(bad("it holds no encrypted key".into())),
        }
        let password = password().map_err(|e| AccountError::NoPassword { path: path.into(), reason: e.to_string() })?;
        polkadot_js_compat::decrypt_json(&text, &password).map(Self::new).map_err(|e| match e {
            polkadot_js_compat::Error::Secretbox(_) => AccountError::WrongPassword { path: path.into() },
            other => bad(other.to_string()),
        })
    }

    /// The account.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// The address by which contracts know the account.
    pub fn address(&self) -> Address {
        self.account.address()
    }

    /// The sr25519 signature of `message`.
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.pair.sign(message).0
    }

    /// Waits until no other transaction of this account is under way.
    pub(crate) async fn take_turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";

    #[test]
    fn development_accounts_have_their_known_addresses() {
        let alice = Signer::from_suri("//Alice").unwrap();
        assert_eq!(alice.account().to_string(), ALICE);
        assert_eq!(alice.address().to_string(), "0x9621dde636de098b43efb0fa9b61facfe328f99d");
        let bob = Signer::from_suri("//Bob").unwrap();
        assert_eq!(bob.address().to_string(), "0x41dccbd49b26c50d34355ed86ff0fa9e489d1e01");
    }

    #[test]
    fn phrases_and_seeds_are_read() {
        let phrase = "bottom drive obey lake curtain smoke basket hold race lonely fit walk";
        let derived = Signer::from_suri(&format!("{phrase}//Alice")).unwrap();
        assert_eq!(derived.account().to_string(), ALICE);
        let seed = "0xe5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a";
        assert_eq!(Signer::from_suri(seed).unwrap().account().to_string(), ALICE);
    }

    #[test]
    fn a_bad_secret_is_not_repeated() {
        for secret in ["", " ", "correct horse battery staple", "0x1234", "//"] {
            if let Err(error) = Signer::from_suri(secret) {
                let text = error.to_string();
                assert!(text.contains("//Alice"), "{text}");
                assert!(secret.trim().len() < 3 || !text.contains(secret), "{text}");
            } else {
                assert_eq!(secret, "//");
            }
        }
    }

    #[test]
    fn ethereum_accounts_keep_their_address() {
        let address: Address = "0x9621dde636de098b43efb0fa9b61facfe328f99d".parse().unwrap();
        let account = AccountId::of_address(address);
        assert!(account.is_eth_derived());
        assert_eq!(account.address(), address);
        assert!(!Signer::from_suri("//Alice").unwrap().account().is_eth_derived());
    }

    #[test]
    fn accounts_are_read_as_they_are_shown() {
        let alice: AccountId = ALICE.parse().unwrap();
        assert_eq!(alice.to_string(), ALICE);
        assert_eq!(format!("0x{}", hex::encode(alice.0)).parse::<AccountId>().unwrap(), alice);
        assert!("5Grw".parse::<AccountId>().is_err());
        assert!("0x12".parse::<AccountId>().is_err());
    }

    /// Exported from polkadot.js; the password is "whoisalice".
    const KEYSTORE: &str = r#"{
        "encoded": "DumgApKCTqoCty1OZW/8WS+sgo6RdpHhCwAkA2IoDBMAgAAAAQAAAAgAAAB6IG/q24EeVf0JqWqcBd5m2tKq5BlyY84IQ8oamLn9DZe9Ouhgunr7i36J1XxUnTI801axqL/ym1gil0U8440Qvj0lFVKwGuxq38zuifgoj0B3Yru0CI6QKEvQPU5xxj4MpyxdSxP+2PnTzYao0HDH0fulaGvlAYXfqtU89xrx2/z9z7IjSwS3oDFPXRQ9kAdDebtyCVreZ9Otw9v3",
        "encoding": {"content": ["pkcs8", "sr25519"], "type": ["scrypt", "xsalsa20-poly1305"], "version": "3"},
        "address": "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
        "meta": {"genesisHash": "", "name": "Alice", "whenCreated": 1718265838755}
    }"#;

    fn keystore(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn keystores_open_with_their_password_alone() {
        let file = keystore(KEYSTORE);
        let signer = Signer::from_keystore(file.path(), || Ok("whoisalice".into())).unwrap();
        assert_eq!(signer.account().to_string(), ALICE);
        let wrong = Signer::from_keystore(file.path(), || Ok("whoisbob".into())).unwrap_err();
        assert!(matches!(wrong, AccountError::WrongPassword { .. }), "{wrong}");
        let none = Signer::from_keystore(file.path(), || Err(std::io::Error::other("no terminal")));
        assert!(none.unwrap_err().to_string().contains("no terminal"));
    }

    #[test]
    fn what_is_no_keystore_is_refused_before_the_password_is_asked() {
        let cut = KEYSTORE.replace("DumgApKCTqoCty1OZW/8WS+sgo6RdpHhCwAkA2IoDBMAgAAAAQAAAAgAAAB6IG/q24EeVf0JqWqcBd5m2tKq5BlyY84IQ8oamLn9DZe9Ouhgunr7i36J1XxUnTI801axqL/ym1gil0U8440Qvj0lFVKwGuxq38zuifgoj0B3Yru0CI6QKEvQPU5xxj4", "");
        for text in ["", "{}", "not json", &cut] {
            let file = keystore(text);
            let error = Signer::from_keystore(file.path(), || panic!("asked")).unwrap_err();
            assert!(matches!(error, AccountError::Keystore { .. }), "{error}");
        }
    }
}
