//! A model's title and royalty: `model title`, `transfer`, `approve`, `royalty`.

use crate::cli::{Answer, Global};
use crate::names::Account;
use crate::show;
use crate::signing;
use anyhow::Context;
use assay_client::Error;
use assay_protocol::{Address, Hash};
use clap::Args;
use serde_json::json;

/// Let an account transfer a model.
#[derive(Args, Debug)]
pub struct Approve {
    /// The model's id
    #[arg(required_unless_present = "all")]
    id: Option<Hash>,
    /// Who may: an address or SS58
    #[arg(long, value_name = "ACCOUNT", required_unless_present = "nobody")]
    to: Option<Account>,
    /// All your models, those to come as well
    #[arg(long, conflicts_with = "id", requires = "to")]
    all: bool,
    /// Take it back: for this model, or, with --all, from the account that --to names
    #[arg(long)]
    nobody: bool,
}

/// The owner of a model's title, in words.
pub fn owner_text(owner: Option<Address>) -> String {
    owner.map_or_else(
        || "none yet: its title is still with the predecessor (`assay registry claim-title`)".into(),
        |owner| owner.to_string(),
    )
}

/// A model's id as Ethereum's tools show a token's: in decimal.
fn token_id(id: &Hash) -> String {
    // From the digits of 256 bits to base 10^18, which fits into 128 bits with a byte more.
    const BASE: u128 = 10u128.pow(18);
    let mut groups: Vec<u128> = vec![0];
    for byte in id.0 {
        let mut carry = u128::from(byte);
        for group in &mut groups {
            carry += *group << 8;
            (*group, carry) = (carry % BASE, carry / BASE);
        }
        if carry > 0 {
            groups.push(carry);
        }
    }
    let (first, rest) = groups.split_last().expect("there is at least one group");
    rest.iter().rev().fold(first.to_string(), |text, group| text + &format!("{group:018}"))
}

/// Shows a model's title.
pub async fn title(global: &Global, id: Hash, operator: Option<Account>) -> anyhow::Result<Answer> {
    let deployed = global.connect().await?;
    super::record(&deployed, id).await?;
    let titles = &deployed.titles;
    let owner = titles.owner_of(id).await?;
    let mut lines = vec![
        ("model", id.to_string()),
        ("owner", owner_text(owner)),
        ("contract", titles.address().to_string()),
        ("token", token_id(&id)),
    ];
    let mut data = json!({ "id": id, "owner": owner, "contract": titles.address(), "token": token_id(&id) });
    if let Some(owner) = owner {
        let approved = titles.approved(id).await.map_err(Error::from)?;
        let uri = titles.token_uri(id).await.map_err(Error::from)?;
        lines.push(("approved", approved.map_or_else(|| "nobody".into(), |account| account.to_string())));
        // All of it is for programs: --json has it.
        let start: String = uri.chars().take(60).collect();
        lines.push(("token URI", format!("{}… ({})", show::plain(&start), show::bytes(uri.len() as u64))));
        (data["approved"], data["token_uri"]) = (json!(approved), json!(uri));
        if let Some(operator) = operator.map(|operator| operator.address()) {
            let all = titles.is_approved_for_all(owner, operator).await.map_err(Error::from)?;
            let may = if all { "may" } else { "may not" };
            lines.push(("operator", format!("{operator} {may} transfer all models of the owner")));
            data["operator"] = json!({ "account": operator, "approved_for_all": all });
        }
    }
    Answer::new(data, show::fields(lines))
}

impl Approve {
    /// Does it.
    pub async fn run(self, global: &Global) -> anyhow::Result<Answer> {
        let deployed = global.connect().await?;
        let to = self.to.map(|account| account.address());
        let (what, call, data) = match (self.id, to) {
            (Some(id), to) => {
                super::record(&deployed, id).await?;
                let to = to.filter(|_| !self.nobody);
                let who = to.map_or_else(|| "nobody but its owner".into(), |to| to.to_string());
                let call = deployed.titles.approve(to, id);
                (format!("let {who} transfer the model {id}"), call, json!({ "id": id, "approved": to }))
            }
            (None, to) => {
                let to = to.context("--to names nobody")?;
                let may = if self.nobody { "no longer let" } else { "let" };
                let call = deployed.titles.set_approval_for_all(to, !self.nobody);
                let data = json!({ "operator": to, "approved_for_all": !self.nobody });
                (format!("{may} {to} transfer all models of this account"), call, data)
            }
        };
        signing::one(global, &deployed.chain, &what, &call, |()| data, |()| "approvals are set".into()).await
    }
}

/// Sets a model's royalty.
pub async fn royalty(global: &Global, id: Hash, royalty_bp: u16) -> anyhow::Result<Answer> {
    let deployed = global.connect().await?;
    let record = super::record(&deployed, id).await?;
    let percent = f64::from(royalty_bp) / 100.0;
    let what = format!("set the royalty of the model {} to {percent} %", show::plain(&record.name));
    let call = deployed.registry.set_royalty(id, royalty_bp);
    let data = json!({ "id": id, "royalty_bp": royalty_bp });
    let text = format!("jobs that are posted from now on pay {percent} %");
    signing::one(global, &deployed.chain, &what, &call, |()| data, |()| text).await
}

/// Gives a model a new owner.
pub async fn transfer(global: &Global, id: Hash, to: Account) -> anyhow::Result<Answer> {
    let deployed = global.connect().await?;
    let record = super::record(&deployed, id).await?;
    let to = to.address();
    let from = deployed.titles.owner_of(id).await?;
    let from =
        from.with_context(|| format!("model {id} has no title here yet; `assay registry claim-title` moves it"))?;
    let what = format!("transfer the model {} to {to}", show::plain(&record.name));
    let call = deployed.titles.safe_transfer_from(from, to, id);
    let text = format!("{to} owns the model now");
    signing::one(global, &deployed.chain, &what, &call, |()| json!({ "id": id, "owner": to }), |()| text).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_ids_are_decimal() {
        let mut one = [0; 32];
        one[31] = 1;
        for (id, decimal) in [
            (Hash([0; 32]), "0"),
            (Hash(one), "1"),
            (Hash([0xff; 32]), "115792089237316195423570985008687907853269984665640564039457584007913129639935"),
            (Hash([1; 32]), "454086624460063511464984254936031011189294057512315937409637584344757371137"),
        ] {
            assert_eq!(token_id(&id), decimal);
        }
    }
}
