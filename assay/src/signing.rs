//! Everything that signs: tried first, shown with its fee, deposit and value,
//! and sent only with `-x` and a yes.

use crate::cli::{Answer, Global};
use crate::show;
use anyhow::{Context, bail};
use assay_client::{AccountId, Amount, Bundle, Call, Chain, Deploy, Deposit, DryRun, Error, Receipt, Signer};
use assay_protocol::Address;
use assay_shell::output;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::fmt::Display;

/// What a step costs, from above: unused weight is refunded.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// Sent along.
    pub value: Amount,
    /// For the chain.
    pub fee: Amount,
    /// For storage; comes back when the storage is freed.
    pub deposit: Deposit,
}

impl Cost {
    fn total(&self) -> Amount {
        let parts = [self.value.0, self.fee.0, self.deposit.charged().0];
        Amount(parts.into_iter().fold(0, u128::saturating_add))
    }
}

impl<T> From<&DryRun<T>> for Cost {
    fn from(run: &DryRun<T>) -> Self {
        Cost { value: run.value, fee: run.fee, deposit: run.deposit }
    }
}

#[derive(Debug)]
struct Step {
    what: String,
    cost: Option<Cost>,
    /// Why the cost is not exact, or not known.
    note: Option<String>,
}

/// The steps of one command, for one account.
#[derive(Debug)]
pub struct Signing<'a> {
    global: &'a Global,
    chain: Chain,
    signer: Signer,
    mapping: bool,
    steps: Vec<Step>,
    shown: usize,
    sent: Vec<Value>,
}

impl<'a> Signing<'a> {
    /// Reads the key and looks whether its account must be mapped first.
    pub async fn new(global: &'a Global, chain: &Chain) -> anyhow::Result<Self> {
        let signer = global.key.signer()?;
        let mapping = chain.mapping_cost(signer.account()).await?;
        let mut signing = Self {
            global,
            chain: chain.clone(),
            signer,
            mapping: mapping.is_some(),
            steps: vec![],
            shown: 0,
            sent: vec![],
        };
        if let Some((fee, deposit)) = mapping {
            let cost = Cost { value: Amount::ZERO, fee, deposit };
            let what = "map the account to its contract address (once)".into();
            signing.steps.push(Step { what, cost: Some(cost), note: None });
        }
        Ok(signing)
    }

    /// The address by which contracts know the account.
    pub fn address(&self) -> Address {
        self.signer.address()
    }

    /// The key.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Whether the account's mapping is among the steps.
    pub fn maps(&self) -> bool {
        self.mapping
    }

    /// Tries a message, and adds it to the steps.
    pub async fn plan<T, E>(&mut self, what: impl Into<String>, call: &Call<T, E>) -> anyhow::Result<DryRun<T>>
    where
        E: Display,
    {
        let what = what.into();
        let run = call.dry_run(self.signer.account()).await.map_err(Error::from);
        let run = run.with_context(|| format!("cannot {what}"))?;
        self.steps.push(Step { what, cost: Some(Cost::from(&run)), note: None });
        Ok(run)
    }

    /// Tries a deployment, and adds it to the steps.
    pub async fn plan_deploy(&mut self, bundle: &Bundle, deploy: &Deploy) -> anyhow::Result<DryRun<Address>> {
        let what = format!("deploy the {} ({})", bundle.name, show::bytes(bundle.code().len() as u64));
        let run = deploy.dry_run(self.signer.account()).await.with_context(|| format!("cannot {what}"))?;
        self.steps.push(Step { what, cost: Some(Cost::from(&run)), note: None });
        Ok(run)
    }

    /// Adds a step that cannot be tried yet.
    pub fn plan_later(&mut self, what: impl Into<String>, cost: Option<Cost>, note: impl Into<String>) {
        self.steps.push(Step { what: what.into(), cost, note: Some(note.into()) });
    }

    /// The most that all steps together take from the account.
    pub fn total(&self) -> Amount {
        let totals = self.steps.iter().filter_map(|step| step.cost).map(|cost| cost.total().0);
        Amount(totals.fold(0, u128::saturating_add))
    }

    /// Shows the steps that were not shown yet, and what the account has.
    async fn show(&mut self) -> anyhow::Result<()> {
        let unit = self.chain.unit();
        let spendable = spendable(&self.chain, self.signer.account()).await?;
        // Whoever is asked sees what for; otherwise a program reads it in the answer.
        let is_asked = self.global.execute && !self.global.yes;
        if !self.global.json || is_asked {
            for step in &self.steps[self.shown..] {
                eprintln!("• {}", step.what);
                if let Some(cost) = step.cost {
                    if cost.value > Amount::ZERO {
                        eprintln!("    value    {}", unit.show(cost.value));
                    }
                    eprintln!("    fee      {} at most", unit.show(cost.fee));
                    match cost.deposit {
                        Deposit::Charge(Amount::ZERO) => {}
                        Deposit::Charge(deposit) => eprintln!("    deposit  {}", unit.show(deposit)),
                        Deposit::Refund(deposit) => eprintln!("    deposit  {} comes back", unit.show(deposit)),
                    }
                }
                if let Some(note) = &step.note {
                    eprintln!("    {note}");
                }
            }
            let known = self.steps.iter().filter(|step| step.cost.is_some()).count();
            let together = match known {
                0 => String::new(),
                _ if known < self.steps.len() => {
                    format!("; the steps that are known take {} at most", unit.show(self.total()))
                }
                _ => format!("; that makes {} at most", unit.show(self.total())),
            };
            eprintln!("{} has {} to spend{together}", self.signer.account(), unit.show(spendable));
        }
        self.shown = self.steps.len();
        if self.global.execute && spendable < self.total() {
            bail!(
                "{} has {} to spend and this takes up to {}; nothing was signed. Send it {} first, or use another key",
                self.signer.account(),
                unit.show(spendable),
                unit.show(self.total()),
                unit.show(self.total().saturating_sub(spendable))
            );
        }
        Ok(())
    }

    /// Shows the steps. With `-x` asks (or not, with `-y`) and maps the account
    /// if it must be; then the caller sends. Without `-x` answers `false`.
    ///
    /// # Errors
    /// If the account cannot pay, nobody can be asked, or the answer is no.
    pub async fn confirm(&mut self) -> anyhow::Result<bool> {
        self.show().await?;
        if !self.global.execute {
            return Ok(false);
        }
        self.ask()?;
        if self.mapping {
            if let Some(receipt) = self.chain.ensure_mapped(&self.signer).await? {
                self.record("map the account", &receipt);
            }
            self.mapping = false;
        }
        Ok(true)
    }

    /// Shows and confirms steps that were added after [`Signing::confirm`].
    pub async fn confirm_more(&mut self) -> anyhow::Result<()> {
        // What was sent is paid for already.
        self.steps.drain(..self.shown);
        self.shown = 0;
        self.show().await?;
        self.ask()
    }

    fn ask(&self) -> anyhow::Result<()> {
        if self.global.yes {
            return Ok(());
        }
        output::confirm()
    }

    /// Signs and sends a message that was planned and confirmed.
    pub async fn send<T, E>(&mut self, what: &str, call: &Call<T, E>, run: &DryRun<T>) -> anyhow::Result<Receipt>
    where
        E: Display,
    {
        let sent = call.send(&self.signer, run).await.map_err(Error::from);
        let receipt = sent.with_context(|| format!("could not {what}"))?;
        self.record(what, &receipt);
        Ok(receipt)
    }

    /// Tries, signs and sends a message that was announced by
    /// [`Signing::plan_later`] and confirmed with the others.
    pub async fn send_now<T, E: Display>(&mut self, what: &str, call: &Call<T, E>) -> anyhow::Result<Receipt> {
        let sent = call.execute(&self.signer).await.map_err(Error::from);
        let receipt = sent.with_context(|| format!("could not {what}"))?;
        self.record(what, &receipt);
        Ok(receipt)
    }

    /// Signs and sends a deployment that was planned and confirmed.
    pub async fn send_deploy(
        &mut self,
        bundle: &Bundle,
        deploy: &Deploy,
        run: &DryRun<Address>,
    ) -> anyhow::Result<(Address, Receipt)> {
        let what = format!("deploy the {}", bundle.name);
        let (address, receipt) = deploy.send(&self.signer, run).await.with_context(|| format!("could not {what}"))?;
        self.record(&what, &receipt);
        Ok((address, receipt))
    }

    fn record(&mut self, what: &str, receipt: &Receipt) {
        let unit = self.chain.unit();
        if !self.global.json {
            eprintln!("✓ {what}: block {}, fee {}", receipt.block.number, unit.show(receipt.fee));
        }
        self.sent.push(json!({
            "step": what,
            "block": receipt.block.number,
            "transaction": receipt.transaction,
            "fee": unit.show(receipt.fee).to_string(),
            "deposit": self.deposit(receipt.deposit),
            "weight": { "ref_time": receipt.weight.ref_time, "proof_size": receipt.weight.proof_size },
        }));
    }

    /// A deposit that comes back has a minus in front.
    fn deposit(&self, deposit: Deposit) -> String {
        match deposit {
            Deposit::Charge(amount) => self.chain.unit().show(amount).to_string(),
            Deposit::Refund(amount) => format!("-{}", self.chain.unit().show(amount)),
        }
    }

    fn steps(&self) -> Vec<Value> {
        let unit = self.chain.unit();
        let step = |step: &Step| {
            let cost = step.cost.map(|cost| {
                json!({
                    "value": unit.show(cost.value).to_string(),
                    "fee": unit.show(cost.fee).to_string(),
                    "deposit": self.deposit(cost.deposit),
                })
            });
            json!({ "step": step.what, "cost": cost, "note": step.note })
        };
        self.steps.iter().map(step).collect()
    }

    /// The answer of a command that only tried.
    pub fn tried(&self, result: impl Serialize) -> anyhow::Result<Answer> {
        let data = self.data(false, result)?;
        Ok(Answer { data, text: "Dry run: nothing was signed. Add -x to sign and send.".into() })
    }

    /// The answer of a command that signed.
    pub fn done(&self, result: impl Serialize, text: impl Into<String>) -> anyhow::Result<Answer> {
        Ok(Answer { data: self.data(true, result)?, text: text.into() })
    }

    fn data(&self, executed: bool, result: impl Serialize) -> anyhow::Result<Value> {
        let mut data = match serde_json::to_value(result)? {
            Value::Object(fields) => fields,
            Value::Null => Map::new(),
            other => Map::from_iter([("result".to_owned(), other)]),
        };
        data.insert("executed".into(), executed.into());
        data.insert("account".into(), self.signer.account().to_string().into());
        match executed {
            true => data.insert("transactions".into(), self.sent.clone().into()),
            false => data.insert("plan".into(), self.steps().into()),
        };
        Ok(data.into())
    }
}

/// What an account can spend, be it mapped or not: contracts see nothing of an
/// unmapped account's balance.
pub async fn spendable(chain: &Chain, account: AccountId) -> anyhow::Result<Amount> {
    let balance = chain.balance(account).await?;
    Ok(match chain.mapping_cost(account).await? {
        None => balance.spendable,
        Some(_) => balance.free.saturating_sub(chain.existential_deposit()),
    })
}

/// A command of one message: tries it, and with `-x` sends it.
pub async fn one<T, E, R: Serialize>(
    global: &Global,
    chain: &Chain,
    what: &str,
    call: &Call<T, E>,
    result: impl FnOnce(&T) -> R,
    text: impl FnOnce(&T) -> String,
) -> anyhow::Result<Answer>
where
    E: Display,
{
    let mut signing = Signing::new(global, chain).await?;
    let run = signing.plan(what, call).await?;
    if !signing.confirm().await? {
        return signing.tried(result(&run.output));
    }
    signing.send(what, call, &run).await?;
    signing.done(result(&run.output), text(&run.output))
}
