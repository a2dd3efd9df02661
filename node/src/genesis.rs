//! The first block: who owns what, and how the chain presents itself.

use assay_node_runtime::{code_marker, currency, AccountId, Balance, RuntimeGenesisConfig};
use sc_chain_spec::{ChainType, GenericChainSpec, NoExtension, Properties};
use sp_core::{
    crypto::{DeriveJunction, Ss58Codec, DEV_PHRASE},
    sr25519,
    storage::{well_known_keys, Storage},
    Pair,
};
use sp_keyring::Sr25519Keyring;
use sp_runtime::{traits::IdentifyAccount, BuildStorage, MultiSigner};
use std::{collections::BTreeMap, str::FromStr};

/// What every development account starts with: a million tokens.
pub const DEV_ENDOWMENT: Balance = 1_000_000 * currency::UNIT;
/// How many numbered accounts there are: `//Assay0`, `//Assay1` and so on.
pub const NUMBERED_ACCOUNTS: u32 = 32;

/// An account and what it owns at genesis, in the smallest unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endowment {
    /// Who.
    pub account: AccountId,
    /// How much.
    pub amount: Balance,
}

impl FromStr for Endowment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // The last `=`, because a secret's password may contain one.
        let (who, amount) = text.rsplit_once('=').ok_or("expected SURI_OR_SS58=AMOUNT, for example //Dave=1000")?;
        let amount = parse_amount(amount)?;
        if amount < currency::EXISTENTIAL_DEPOSIT {
            return Err("an account must hold at least 0.1 token".to_owned());
        }
        Ok(Self { account: parse_account(who)?, amount })
    }
}

fn parse_account(text: &str) -> Result<AccountId, String> {
    if let Ok(account) = AccountId::from_ss58check(text) {
        return Ok(account);
    }
    let pair = sr25519::Pair::from_string(text, None)
        .map_err(|error| format!("neither an SS58 address nor a secret URI ({error:?})"))?;
    Ok(MultiSigner::from(pair.public()).into_account())
}

/// Reads an amount of tokens such as `1000` or `0.5`, exactly.
fn parse_amount(text: &str) -> Result<Balance, String> {
    let bad = || format!("`{text}` is not an amount of tokens with at most {} decimals", currency::DECIMALS);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let decimals = currency::DECIMALS as usize;
    if !digits(whole) || !digits(fraction) || fraction.len() > decimals {
        return Err(bad());
    }
    format!("{whole}{fraction:0<decimals$}").parse().map_err(|_| bad())
}

/// The accounts that every development chain funds: Alice to Ferdie and the
/// numbered ones. None of them is mapped to a contract address.
fn dev_accounts() -> impl Iterator<Item = AccountId> {
    use Sr25519Keyring::{Alice, Bob, Charlie, Dave, Eve, Ferdie};
    let named = [Alice, Bob, Charlie, Dave, Eve, Ferdie].map(|key| key.to_account_id());
    // `//Assay0` is short for this phrase with that path. Reading the phrase is
    // slow on purpose, so it is done once.
    let root = sr25519::Pair::from_string(DEV_PHRASE, None).expect("the phrase is well formed");
    let numbered = (0..NUMBERED_ACCOUNTS).map(move |i| {
        let path = DeriveJunction::hard(format!("Assay{i}").as_str());
        let (pair, _) = root.derive([path].into_iter(), None).expect("hard paths can be derived");
        MultiSigner::from(pair.public()).into_account()
    });
    named.into_iter().chain(numbered)
}

/// The state of the first block. `endowments` replace the default of an account
/// that is funded anyway; of two for one account the last counts.
///
/// # Errors
/// If the runtime refuses the configuration.
pub fn storage(endowments: &[Endowment]) -> Result<Storage, String> {
    let mut balances: BTreeMap<AccountId, Balance> = dev_accounts().map(|account| (account, DEV_ENDOWMENT)).collect();
    balances.extend(endowments.iter().map(|e| (e.account.clone(), e.amount)));
    let total = balances.values().try_fold(0u128, |sum, amount| sum.checked_add(*amount));
    if total.is_none() {
        return Err("the amounts given with --fund add up to more than a balance can be".into());
    }
    let config = RuntimeGenesisConfig {
        balances: pallet_balances::GenesisConfig { balances: balances.into_iter().collect(), dev_accounts: None },
        ..Default::default()
    };
    let mut storage = config.build_storage()?;
    storage.top.insert(well_known_keys::CODE.to_vec(), code_marker());
    Ok(storage)
}

/// What clients are told about the chain. It carries no genesis state of its
/// own; see [`storage`].
pub fn chain_spec() -> GenericChainSpec {
    let mut properties = Properties::new();
    properties.insert("tokenSymbol".into(), currency::SYMBOL.into());
    properties.insert("tokenDecimals".into(), currency::DECIMALS.into());
    properties.insert("ss58Format".into(), 42.into());
    GenericChainSpec::<NoExtension>::builder(&code_marker(), None)
        .with_name("Assay development chain")
        .with_id("assay-dev")
        .with_protocol_id("assay-dev")
        .with_chain_type(ChainType::Development)
        .with_properties(properties)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact() {
        assert_eq!(parse_amount("1000"), Ok(1_000 * currency::UNIT));
        assert_eq!(parse_amount("0.5"), Ok(currency::UNIT / 2));
        assert_eq!(parse_amount("0.000000000001"), Ok(1));
        for bad in ["", ".", "1.", ".5", "-1", "1e3", "0.0000000000001", "1,5"] {
            assert!(parse_amount(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_endowment_names_an_account_by_secret_or_address() {
        let by_secret: Endowment = "//Dave=1".parse().unwrap();
        let by_address: Endowment =
            format!("{}=1", Sr25519Keyring::Dave.to_account_id().to_ss58check()).parse().unwrap();
        assert_eq!(by_secret, by_address);
        assert!("//Dave".parse::<Endowment>().is_err());
        assert!("//Dave=0.01".parse::<Endowment>().is_err());
        assert!("no account=1".parse::<Endowment>().is_err());
    }

    #[test]
    fn numbered_accounts_are_what_their_secret_uris_say() {
        let accounts: Vec<_> = dev_accounts().collect();
        assert_eq!(accounts.len(), 6 + NUMBERED_ACCOUNTS as usize);
        assert_eq!(accounts[0], parse_account("//Alice").unwrap());
        assert_eq!(accounts[6], parse_account("//Assay0").unwrap());
        assert_eq!(accounts[37], parse_account("//Assay31").unwrap());
    }

    #[test]
    fn the_first_block_is_a_function_of_the_endowments() {
        let dave: Endowment = "//Dave=1".parse().unwrap();
        let eve: Endowment = "//Eve=1".parse().unwrap();
        let top = |endowments: &[Endowment]| storage(endowments).unwrap().top;
        assert_eq!(top(&[]), top(&[]));
        assert_ne!(top(&[]), top(std::slice::from_ref(&dave)));
        assert_eq!(top(&[dave.clone(), eve.clone()]), top(&[eve, dave]));
    }
}
