//! What `pallet-revive` says a call or a deployment would do.

use crate::{
    amount::{Amount, Unit},
    chain::Chain,
    error::{AccountError, ChainError, Error, ExecutionError},
    runtime::{Runtime, Validity},
    signer::AccountId,
    value::{self, Argument, Decoded},
};
use assay_protocol::{Address, Hash};
use parity_scale_codec::Encode;
use std::{fmt, sync::Arc};
use subxt::dynamic::Value;

/// Names that the arguments have had in versions of the pallet.
const WEIGHT_LIMIT: &[&str] = &["weight_limit", "gas_limit"];
const DEPOSIT_LIMIT: &[&str] = &["storage_deposit_limit", "deposit_limit"];
const DATA: &[&str] = &["input_data", "data"];

/// Blocks that a transaction may be included in, from the one it was signed at.
/// Short enough for every chain to remember that block's hash.
const VALID_BLOCKS: u64 = 128;

/// Most bytes of a message that `pallet-revive` takes (`limits::CALLDATA_BYTES`).
const MAX_CALL_DATA_BYTES: usize = 128 * 1024;

/// Bits of a contract's return flags.
const REVERT: u128 = 1;

/// Computation and proof size that a call takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weight {
    /// Computation, in picoseconds on the reference machine.
    pub ref_time: u64,
    /// Proof, in bytes.
    pub proof_size: u64,
}

impl Weight {
    /// Half as much again, because the chain moves on between dry run and block,
    /// and who comes last moves a job on; what is not used is refunded.
    fn with_margin(self) -> Self {
        let more = |part: u64| part.saturating_add(part / 2);
        Self { ref_time: more(self.ref_time), proof_size: more(self.proof_size) }
    }

    fn at_most(self, other: Self) -> Self {
        Self { ref_time: self.ref_time.min(other.ref_time), proof_size: self.proof_size.min(other.proof_size) }
    }

    fn at_least(self, other: Self) -> Self {
        Self { ref_time: self.ref_time.max(other.ref_time), proof_size: self.proof_size.max(other.proof_size) }
    }

    fn to_value(self) -> Value {
        Value::named_composite([("ref_time", Value::from(self.ref_time)), ("proof_size", Value::from(self.proof_size))])
    }

    pub(crate) fn from_value(value: &Decoded) -> Option<Self> {
        let part =
            |name: &str| value::unsigned(value::field(value, &[name])?).and_then(|part| u64::try_from(part).ok());
        Some(Self { ref_time: part("ref_time")?, proof_size: part("proof_size")? })
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} ms, {} bytes of proof", self.ref_time as f64 / 1e9, self.proof_size)
    }
}

/// What a call does to the storage deposit of who signs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deposit {
    /// So much is put down, and comes back when the storage is freed.
    Charge(Amount),
    /// So much comes back.
    Refund(Amount),
}

impl Deposit {
    /// What must be there to put down.
    pub fn charged(self) -> Amount {
        match self {
            Deposit::Charge(amount) => amount,
            Deposit::Refund(_) => Amount::ZERO,
        }
    }
}

/// What a message would do, and cost, at the newest finalised block.
#[derive(Clone, Debug)]
pub struct DryRun<T> {
    /// What the contract would answer.
    pub output: T,
    /// The value that is sent along.
    pub value: Amount,
    /// The fee, estimated from above: unused weight is refunded.
    pub fee: Amount,
    /// The storage deposit.
    pub deposit: Deposit,
    /// The weight that must be allowed.
    pub weight: Weight,
    /// The block whose state was used.
    pub block: Hash,
    pub(crate) limits: Limits,
}

impl<T> DryRun<T> {
    /// The most that the account could have less afterwards.
    pub fn total(&self) -> Amount {
        [self.fee, self.deposit.charged()]
            .into_iter()
            .fold(self.value, |sum, part| sum.checked_add(part).unwrap_or(Amount(u128::MAX)))
    }

    pub(crate) fn map<U>(self, output: U) -> DryRun<U> {
        let DryRun { output: _, value, fee, deposit, weight, block, limits } = self;
        DryRun { output, value, fee, deposit, weight, block, limits }
    }
}

/// What a transaction may use at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub weight: Weight,
    /// Native balance.
    pub deposit: u128,
}

/// What is run.
#[derive(Clone)]
pub(crate) enum Target {
    Call(Address),
    Deploy { code: Arc<Vec<u8>>, salt: Option<[u8; 32]> },
}

/// One run: what, with which data and value.
#[derive(Clone)]
pub(crate) struct Task {
    pub target: Target,
    /// Named in errors.
    pub message: &'static str,
    pub data: Vec<u8>,
    pub value: Amount,
}

/// What the contract returned.
pub(crate) struct Returned {
    pub reverted: bool,
    pub data: Vec<u8>,
    /// Where the new contract is, if one was deployed.
    pub address: Option<Address>,
}

/// A finished dry run, not yet interpreted.
pub(crate) struct Outcome {
    pub runtime: Arc<Runtime>,
    pub at: Hash,
    pub weight: Weight,
    pub deposit: Deposit,
    pub limits: Limits,
    /// What was returned, or the runtime's error.
    pub result: Result<Returned, Decoded>,
}

impl Task {
    /// The contract, or nothing for a deployment.
    pub fn address(&self) -> Address {
        match &self.target {
            Target::Call(address) => *address,
            Target::Deploy { .. } => Address([0; 20]),
        }
    }

    /// Runs on the state of block `at` without changing anything.
    pub async fn run(&self, chain: &Chain, origin: AccountId, at: Hash) -> Result<Outcome, Error> {
        let native = chain.unit().to_native(self.value)?;
        let mut arguments = vec![
            Argument { names: &["origin"], value: Value::from_bytes(origin.0) },
            Argument { names: &["value"], value: Value::u128(native) },
            Argument { names: WEIGHT_LIMIT, value: value::none() },
            Argument { names: DEPOSIT_LIMIT, value: value::none() },
            Argument { names: DATA, value: Value::from_bytes(&self.data) },
        ];
        let method = match &self.target {
            Target::Call(address) => {
                arguments.push(Argument { names: &["dest"], value: Value::from_bytes(address.0) });
                "call"
            }
            Target::Deploy { code, salt } => {
                let code = Value::unnamed_variant("Upload", [Value::from_bytes(code.as_slice())]);
                arguments.push(Argument { names: &["code"], value: code });
                arguments.push(Argument { names: &["salt"], value: salt_value(salt) });
                "instantiate"
            }
        };
        let runtime = chain.runtime(at).await?;
        let arguments = runtime.api_arguments("ReviveApi", method, arguments)?;
        let answer = chain.ask_encoded(at, &runtime, "ReviveApi", method, &arguments).await?;
        let Trial { weight, deposit, highest_deposit, result } = read(chain.unit(), &answer)?;
        let limits = Limits {
            weight: weight.with_margin().at_most(largest_weight(&runtime)).at_least(weight),
            deposit: highest_deposit.saturating_add(highest_deposit / 10).saturating_add(deposit_room(&runtime)),
        };
        Ok(Outcome { runtime, at, weight, deposit, limits, result })
    }

    /// The transaction that does it in earnest.
    pub fn call(
        &self,
        chain: &Chain,
        runtime: &Runtime,
        limits: Limits,
    ) -> Result<subxt::tx::DynamicPayload<subxt::ext::scale_value::Composite<()>>, Error> {
        let native = chain.unit().to_native(self.value)?;
        let mut arguments = vec![
            Argument { names: &["value"], value: Value::u128(native) },
            Argument { names: WEIGHT_LIMIT, value: limits.weight.to_value() },
            Argument { names: DEPOSIT_LIMIT, value: Value::u128(limits.deposit) },
            Argument { names: DATA, value: Value::from_bytes(&self.data) },
        ];
        let name = match &self.target {
            Target::Call(address) => {
                arguments.push(Argument { names: &["dest"], value: Value::from_bytes(address.0) });
                "call"
            }
            Target::Deploy { code, salt } => {
                let code = Value::from_bytes(code.as_slice());
                arguments.push(Argument { names: &["code"], value: code });
                arguments.push(Argument { names: &["salt"], value: salt_value(salt) });
                "instantiate_with_code"
            }
        };
        Ok(runtime.call("Revive", name, arguments)?)
    }

    /// Adds the fee to an outcome, and checks that the account can pay for it all.
    pub async fn price(&self, chain: &Chain, origin: AccountId, outcome: &Outcome) -> Result<DryRun<()>, Error> {
        let call = self.call(chain, &outcome.runtime, outcome.limits)?;
        let fee = fee(chain, &outcome.runtime, &call, origin, outcome.at).await?;
        Ok(DryRun {
            output: (),
            value: self.value,
            fee,
            deposit: outcome.deposit,
            weight: outcome.weight,
            block: outcome.at,
            limits: outcome.limits,
        })
    }

    /// The runtime's error in words, with what to do.
    pub async fn failure(&self, chain: &Chain, runtime: &Runtime, origin: AccountId, error: &Decoded) -> Error {
        let message = self.message.to_string();
        let address = self.address();
        let text = error.to_string();
        let short_of_funds =
            ["FundsUnavailable", "NotExpendable", "BelowMinimum"].iter().any(|name| text.contains(name));
        let Some((pallet, name, docs)) = runtime.module_error(error) else {
            if short_of_funds {
                return self.too_poor(chain, origin).await;
            }
            return runtime.dispatch_error(self.message, error).into();
        };
        match (pallet.as_str(), name.as_str()) {
            ("Revive", "AccountUnmapped") => AccountError::Unmapped { account: origin.to_string() }.into(),
            ("Revive", "TransferFailed" | "StorageDepositNotEnoughFunds")
            | ("Balances", "InsufficientBalance" | "ExistentialDeposit" | "Expendability") => {
                self.too_poor(chain, origin).await
            }
            ("Revive", "ContractNotFound") => ExecutionError::NoContract { address, chain: chain.name().into() }.into(),
            ("Revive", "OutOfGas") => ExecutionError::LimitTooLow { message, what: "weight" }.into(),
            ("Revive", "StorageDepositLimitExhausted") => {
                ExecutionError::LimitTooLow { message, what: "storage deposit" }.into()
            }
            ("Revive", "CallDataTooLarge") => {
                let (bytes, limit) = (self.data.len(), MAX_CALL_DATA_BYTES);
                ExecutionError::TooLong { address, message, bytes, limit }.into()
            }
            (
                "Revive",
                "ContractTrapped" | "ExecutionFailed" | "OutOfBounds" | "DecodingFailed" | "InvalidSyscall"
                | "ReentranceDenied" | "ValueTooLarge" | "StateChangeDenied" | "InvalidInstruction",
            ) => ExecutionError::Trapped { address, message, name }.into(),
            _ => ExecutionError::Module { message, pallet, name, docs }.into(),
        }
    }

    /// What this needs, in words.
    pub fn needs<T>(&self, chain: &Chain, run: &DryRun<T>) -> String {
        let unit = chain.unit();
        format!(
            "{} for {} (value {}, fee up to {}, deposit {})",
            unit.show(run.total()),
            self.message,
            unit.show(run.value),
            unit.show(run.fee),
            unit.show(run.deposit.charged()),
        )
    }

    /// The run ended before it was known what it needs besides the value.
    async fn too_poor(&self, chain: &Chain, origin: AccountId) -> Error {
        let needed = match self.value {
            Amount::ZERO => format!("more for fee and deposit of {}", self.message),
            value => format!("{} for {}, and on top of that fee and deposit", chain.unit().show(value), self.message),
        };
        not_enough_funds(chain, origin, needed).await
    }
}

/// Says what the account has and what it needs.
pub(crate) async fn not_enough_funds(chain: &Chain, origin: AccountId, needed: String) -> Error {
    match chain.balance(origin).await {
        Ok(balance) => AccountError::NotEnoughFunds {
            account: origin.to_string(),
            free: chain.unit().show(balance.spendable).to_string(),
            needed,
        }
        .into(),
        Err(error) => error,
    }
}

/// What a dry run answers.
struct Trial {
    weight: Weight,
    deposit: Deposit,
    /// The most that is put down at any time of the run, as a native balance.
    highest_deposit: u128,
    result: Result<Returned, Decoded>,
}

fn read(unit: &Unit, answer: &Decoded) -> Result<Trial, ChainError> {
    const ITEM: &str = "result of a dry run";
    let unreadable = |what: &str| ChainError::Shape { item: ITEM.into(), reason: what.into() };
    // What is required can exceed what is consumed in the end.
    let weight = value::need(answer, ITEM, &["weight_required", "gas_required"])?;
    let weight = Weight::from_value(weight).ok_or_else(|| unreadable("no weight"))?;
    let deposit_of = |names: &[&str]| -> Result<(bool, u128), ChainError> {
        let deposit = value::need(answer, ITEM, names)?;
        let (kind, amount) = value::variant(deposit).ok_or_else(|| unreadable("no deposit"))?;
        let amount = amount.and_then(value::unsigned).ok_or_else(|| unreadable("no amount"))?;
        match kind {
            "Charge" => Ok((true, amount)),
            "Refund" => Ok((false, amount)),
            other => Err(unreadable(other)),
        }
    };
    let charged = |(is_charge, amount): (bool, u128)| if is_charge { amount } else { 0 };
    let in_the_end = deposit_of(&["storage_deposit"])?;
    let highest = deposit_of(&["max_storage_deposit", "storage_deposit"])?;
    let amount = unit.from_native(in_the_end.1);
    let result = match value::variant(value::need(answer, ITEM, &["result"])?) {
        Some(("Ok", Some(returned))) => {
            let address = value::field(returned, &["addr", "address"]).and_then(value::array);
            // An instantiation nests what the constructor returned.
            let returned = value::field(returned, &["result"]).unwrap_or(returned);
            let flags = value::need(returned, ITEM, &["flags"])?;
            let flags = value::unsigned(flags).ok_or_else(|| unreadable("no flags"))?;
            let data = value::need(returned, ITEM, &["data"])?;
            let data = value::bytes(data).ok_or_else(|| unreadable("no data"))?;
            Ok(Returned { reverted: flags & REVERT != 0, data, address: address.map(Address) })
        }
        Some(("Err", Some(error))) => Err(error.clone()),
        _ => return Err(unreadable("neither Ok nor Err")),
    };
    Ok(Trial {
        weight,
        deposit: if in_the_end.0 { Deposit::Charge(amount) } else { Deposit::Refund(amount) },
        highest_deposit: charged(highest).max(charged(in_the_end)),
        result,
    })
}

/// Deposit to allow for on top of what a dry run says: the pallet counts what a
/// contract frees against what the contracts that it calls put down, but in a
/// block they put it down first. Room for eight of the largest values.
fn deposit_room(runtime: &Runtime) -> u128 {
    let constant = |name: &str| runtime.constant("Revive", name).as_ref().and_then(value::unsigned).unwrap_or(0);
    let value_bytes = assay_protocol::host::MAX_VALUE_BYTES as u128;
    8 * (constant("DepositPerItem") + value_bytes * constant("DepositPerByte"))
}

/// The most that one transaction may use, if the chain says so.
fn largest_weight(runtime: &Runtime) -> Weight {
    let largest = || {
        let weights = runtime.constant("System", "BlockWeights")?;
        let normal = value::field(value::field(&weights, &["per_class"])?, &["normal"])?;
        let (_, largest) = value::variant(value::field(normal, &["max_extrinsic"])?)?;
        Weight::from_value(largest?)
    };
    largest().unwrap_or(Weight { ref_time: u64::MAX, proof_size: u64::MAX })
}

fn salt_value(salt: &Option<[u8; 32]>) -> Value {
    salt.map_or_else(value::none, |salt| value::some(Value::from_bytes(salt)))
}

/// What a transaction with this call would pay, if it used all its weight.
pub(crate) async fn fee(
    chain: &Chain,
    runtime: &Runtime,
    call: &subxt::tx::DynamicPayload<subxt::ext::scale_value::Composite<()>>,
    origin: AccountId,
    at: Hash,
) -> Result<Amount, Error> {
    let validity = Validity { nonce: 0, period: VALID_BLOCKS, block: 0, block_hash: chain.genesis() };
    let transaction = runtime.transaction(call, origin, None, validity)?.bytes;
    let mut arguments = transaction.clone();
    (transaction.len() as u32).encode_to(&mut arguments);
    let (api, method) = ("TransactionPaymentApi", "query_info");
    let info = chain.ask_encoded(at, runtime, api, method, &arguments).await?;
    let fee = value::unsigned(value::need(&info, "fee estimate", &["partial_fee"])?)
        .ok_or_else(|| value::shape("fee estimate", "no number"))?;
    Ok(chain.unit().from_native(fee))
}

/// How long a transaction that is signed at `block` is valid.
pub(crate) fn validity(nonce: u64, block: u64, block_hash: Hash) -> Validity {
    Validity { nonce, period: VALID_BLOCKS, block, block_hash }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit() -> Unit {
        Unit { symbol: "UNIT".into(), decimals: 12, native_to_contract: 1_000_000 }
    }

    fn weight(ref_time: u64) -> Value {
        Weight { ref_time, proof_size: 7 }.to_value()
    }

    fn deposit(kind: &str, amount: u128) -> Value {
        Value::unnamed_variant(kind, [Value::u128(amount)])
    }

    fn returned(flags: u128) -> Value {
        Value::named_composite([
            ("flags", Value::named_composite([("bits", Value::u128(flags))])),
            ("data", Value::from_bytes([0, 1])),
        ])
    }

    fn ok(value: Value) -> Value {
        Value::unnamed_variant("Ok", [value])
    }

    #[test]
    fn newer_and_older_shapes_are_read_by_name() {
        let newer = Value::named_composite([
            ("weight_consumed", weight(1)),
            ("weight_required", weight(5)),
            ("storage_deposit", deposit("Refund", 2)),
            ("max_storage_deposit", deposit("Charge", 3)),
            ("gas_consumed", Value::u128(9)),
            ("result", ok(returned(0))),
        ]);
        let older = Value::named_composite([
            ("gas_consumed", weight(1)),
            ("gas_required", weight(5)),
            ("storage_deposit", deposit("Charge", 3)),
            ("result", ok(returned(1))),
        ]);
        let newer = read(&unit(), &newer).unwrap();
        assert_eq!(newer.weight, Weight { ref_time: 5, proof_size: 7 });
        assert_eq!(newer.deposit, Deposit::Refund(Amount(2_000_000)));
        assert_eq!(newer.highest_deposit, 3);
        assert!(!newer.result.unwrap().reverted);
        let older = read(&unit(), &older).unwrap();
        assert_eq!(older.weight, newer.weight);
        assert_eq!(older.deposit, Deposit::Charge(Amount(3_000_000)));
        assert_eq!(older.highest_deposit, 3);
        let returned = older.result.unwrap();
        assert!(returned.reverted);
        assert_eq!(returned.data, [0, 1]);
    }

    #[test]
    fn a_deployment_nests_what_its_constructor_returned() {
        let nested = Value::named_composite([
            ("result", returned(0)),
            ("addr", Value::unnamed_composite([Value::from_bytes([6; 20])])),
        ]);
        let answer = |result: Value| {
            Value::named_composite([
                ("weight_required", weight(5)),
                ("storage_deposit", deposit("Charge", 3)),
                ("result", result),
            ])
        };
        let trial = read(&unit(), &answer(ok(nested))).unwrap();
        assert_eq!(trial.result.unwrap().address, Some(Address([6; 20])));
        let failed = read(&unit(), &answer(Value::unnamed_variant("Err", [Value::u128(1)]))).unwrap();
        assert_eq!(failed.result.err(), Some(Value::u128(1)));
        let error = read(&unit(), &answer(Value::u128(1))).err().unwrap().to_string();
        assert!(error.contains("dry run"), "{error}");
    }
}
