//! `balance`, `accounts`, `account map`, `withdraw`.

use crate::cli::{Answer, Global, shown};
use crate::commands::standing;
use crate::names::Account as Name;
use crate::show;
use crate::signing::{Signing, spendable};
use anyhow::bail;
use assay_client::{AccountId, Amount, Chain, Deployment, Patience};
use assay_protocol::Address;
use assay_protocol::market::Role;
use assay_shell::options::Deployed;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

/// What an account has on the chain.
#[derive(Args, Debug)]
pub struct Balance {
    /// An address (0x and 40 hex digits) or an account (SS58) [default: the key's]
    account: Option<Name>,
}

/// The key's account: addresses, mapping, balance, credit, stakes.
#[derive(Args, Debug)]
pub struct Accounts {}

/// Prepare an account for contracts.
#[derive(Debug, Subcommand)]
pub enum Account {
    /// Map the key's account to its contract address, once; needed before anything
    /// else is signed, and done by every other command by itself
    Map,
}

/// Send all that market and registry credit to the key's account.
#[derive(Args, Debug)]
pub struct Withdraw {}

/// Connects to the chain of `--url`, or of the deployment file if that is not given.
/// No contracts are needed.
async fn chain(global: &Global) -> anyhow::Result<Chain> {
    let url = match &global.chain.url {
        Some(url) => url.clone(),
        None => Deployment::load(&global.chain.deployment_path()?)?.url,
    };
    Ok(Chain::connect_with(&url, Patience::COMMAND).await?)
}

/// The account behind an address: the one that is mapped to it, or the one that
/// stands for it.
async fn account_of(chain: &Chain, address: Address) -> anyhow::Result<AccountId> {
    Ok(chain.mapped_account(address).await?.unwrap_or(AccountId::of_address(address)))
}

impl Balance {
    /// Shows it.
    pub async fn run(self, global: &Global) -> anyhow::Result<Answer> {
        let chain = chain(global).await?;
        let account = match self.account {
            Some(Name::Id(id)) => id,
            Some(Name::Address(address)) => account_of(&chain, address).await?,
            None => global.key.signer()?.account(),
        };
        let balance = chain.balance(account).await?;
        let unit = chain.unit();
        let (free, reserved) = (shown(unit, balance.free.0), shown(unit, balance.reserved.0));
        let spendable = shown(unit, spendable(&chain, account).await?.0);
        let text = show::fields([
            ("account", account.to_string()),
            ("address", account.address().to_string()),
            ("spendable", spendable.clone()),
            (
                "free",
                format!("{free} (with the {} that keeps the account alive)", unit.show(chain.existential_deposit())),
            ),
            ("reserved", format!("{reserved} (deposits, which come back)")),
        ]);
        let data = json!({
            "account": account.to_string(), "address": account.address(),
            "spendable": spendable, "free": free, "reserved": reserved,
        });
        Answer::new(data, text)
    }
}

async fn stakes(deployed: &Deployed, address: Address) -> anyhow::Result<(Vec<(&'static str, String)>, Value)> {
    let (unit, now) = (deployed.chain.unit(), deployed.chain.now().await?);
    let (credit, sales) = tokio::try_join!(deployed.market.credit(address), deployed.registry.credit(address))?;
    let mut lines = vec![("credit", format!("{} to withdraw", unit.show(credit)))];
    if sales > Amount::ZERO {
        lines.push(("sales", format!("{} to withdraw", unit.show(sales))));
    }
    let mut data = json!({ "credit": unit.show(credit).to_string(), "sales": unit.show(sales).to_string() });
    for (role, name) in [(Role::Operator, "operator"), (Role::Verifier, "verifier")] {
        let Some(standing) = deployed.market.standing(role, address).await? else { continue };
        lines.push((name, standing::text(unit, role, &standing, now)));
        data[name] = standing::data(unit, &standing);
    }
    Ok((lines, data))
}

impl Accounts {
    /// Shows them.
    pub async fn run(self, global: &Global) -> anyhow::Result<Answer> {
        let signer = global.key.signer()?;
        // Without a deployment there is still the chain to ask.
        let has_file = global.chain.deployment_path()?.exists();
        let (chain, deployed) = match has_file {
            true => {
                let deployed = global.connect().await?;
                (deployed.chain.clone(), Some(deployed))
            }
            false => (chain(global).await?, None),
        };
        let (account, address) = (signer.account(), signer.address());
        let mapped = chain.mapping_cost(account).await?.is_none();
        let balance = chain.balance(account).await?;
        let spendable = shown(chain.unit(), spendable(&chain, account).await?.0);
        let reserved = shown(chain.unit(), balance.reserved.0);
        let mut lines = vec![
            ("account", account.to_string()),
            ("address", address.to_string()),
            ("mapped", if mapped { "yes".into() } else { "no; the first thing that is signed does it".to_string() }),
            ("spendable", spendable.clone()),
            ("reserved", reserved.clone()),
        ];
        let mut data = json!({
            "account": account.to_string(), "address": address, "mapped": mapped,
            "spendable": spendable, "reserved": reserved, "market": null,
        });
        if let Some(deployed) = deployed {
            let (more, market) = stakes(&deployed, address).await?;
            lines.extend(more);
            data["market"] = market;
        }
        Answer::new(data, show::fields(lines))
    }
}

impl Account {
    /// The command's name below `account`.
    pub fn name(&self) -> &'static str {
        match self {
            Account::Map => "map",
        }
    }

    /// Does it.
    pub async fn run(self, global: &Global) -> anyhow::Result<Answer> {
        let chain = chain(global).await?;
        let mut signing = Signing::new(global, &chain).await?;
        let data = json!({ "address": signing.address() });
        if !signing.maps() {
            return signing.done(data, format!("{} is mapped already", signing.signer().account()));
        }
        if !signing.confirm().await? {
            return signing.tried(data);
        }
        signing.done(data, format!("{} is now mapped to {}", signing.signer().account(), signing.address()))
    }
}

impl Withdraw {
    /// Does it.
    pub async fn run(self, global: &Global) -> anyhow::Result<Answer> {
        let deployed = global.connect().await?;
        let unit = deployed.chain.unit();
        let address = global.key.signer()?.address();
        let (market, registry) = (&deployed.market, &deployed.registry);
        let (credit, sales) = tokio::try_join!(market.credit(address), registry.credit(address))?;
        let total = Amount(credit.0.saturating_add(sales.0));
        if total == Amount::ZERO {
            bail!("nothing is credited to {address}; there is nothing to withdraw");
        }
        let mut signing = Signing::new(global, &deployed.chain).await?;
        let earned = match credit {
            Amount::ZERO => None,
            credit => {
                let (what, call) = (format!("withdraw {} from the market", unit.show(credit)), market.withdraw());
                let run = signing.plan(what.as_str(), &call).await?;
                Some((what, call, run))
            }
        };
        let sold = match sales {
            Amount::ZERO => None,
            sales => {
                let (what, call) =
                    (format!("withdraw {} of sales from the registry", unit.show(sales)), registry.withdraw());
                let run = signing.plan(what.as_str(), &call).await?;
                Some((what, call, run))
            }
        };
        let total = unit.show(total).to_string();
        let data = json!({
            "amount": total, "market": unit.show(credit).to_string(), "registry": unit.show(sales).to_string(),
        });
        if !signing.confirm().await? {
            return signing.tried(data);
        }
        if let Some((what, call, run)) = &earned {
            signing.send(what, call, run).await?;
        }
        if let Some((what, call, run)) = &sold {
            signing.send(what, call, run).await?;
        }
        signing.done(data, format!("{total} sent to {address}"))
    }
}
