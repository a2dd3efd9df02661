//! Who may use a dataset and on which terms: `dataset terms`, `grant`, `buy`, `grants`.

use super::record;
use crate::cli::{Answer, Global, shown};
use crate::licences;
use crate::names::Account;
use crate::show;
use crate::signing;
use anyhow::{Context, bail};
use assay_client::{Amount, Unit, all_pages};
use assay_protocol::Hash;
use assay_protocol::hash::Native;
use assay_protocol::registry::{DatasetRecord, DatasetTerms, FOR_EVER, MAX_PAGE};
use assay_shell::output::UsageError;
use clap::Args;
use serde_json::{Value, json};
use std::path::PathBuf;

/// On which terms a dataset may be used.
#[derive(Args, Debug)]
pub struct TermsOptions {
    /// File with the licence's text, whose SHA-256 goes on record; a licence of
    /// your own (LicenseRef-...) needs it
    #[arg(long, value_name = "FILE")]
    terms_file: Option<PathBuf>,
    /// Anybody may use it in jobs, for nothing
    #[arg(long, group = "access")]
    open: bool,
    /// What access costs, such as "5 UNIT"; nobody may use it without
    #[arg(long, value_name = "AMOUNT", group = "access")]
    price: Option<String>,
    /// Nobody may use it but who is granted access, and it is not for sale
    #[arg(long, group = "access")]
    private: bool,
    /// How long bought access lasts, in seconds; 0 for ever
    #[arg(long, value_name = "SECONDS")]
    access_seconds: Option<u64>,
    /// Your share of the payment of each job that uses it, in basis points (250 for 2.5 %)
    #[arg(long, value_name = "BP")]
    royalty_bp: Option<u16>,
}

/// Terms whose price is still a text, because no chain was asked for its unit.
#[derive(Debug)]
pub struct Unpriced {
    terms: DatasetTerms,
    price: Option<String>,
}

impl Unpriced {
    /// The terms with the price in the chain's unit.
    pub fn in_unit(self, unit: &Unit) -> anyhow::Result<DatasetTerms> {
        let mut terms = self.terms;
        if let Some(text) = &self.price {
            let price = unit.parse(text).context("--price")?;
            unit.to_native(price).context("--price")?;
            if price == Amount::ZERO {
                bail!(UsageError("--price: must be above zero; --open is for nothing".into()));
            }
            terms.price = Some(price.0);
        }
        terms.check()?;
        Ok(terms)
    }
}

impl TermsOptions {
    /// The terms of a new dataset: open to all unless they say otherwise.
    pub fn new_terms(&self, licence: &str) -> anyhow::Result<Unpriced> {
        self.changed(DatasetTerms::open(""), Some(licence))
    }

    /// The terms with what the options change.
    fn changed(&self, terms: DatasetTerms, licence: Option<&str>) -> anyhow::Result<Unpriced> {
        let mut terms = terms;
        if licence.is_some() || self.terms_file.is_some() {
            let licence = licence.unwrap_or(&terms.licence).to_owned();
            terms.licence_text = licences::text_hash(&licence, self.terms_file.as_deref())?;
            terms.licence = licence;
        }
        if self.open || self.private || self.price.is_some() {
            (terms.open, terms.price) = (self.open, None);
        }
        terms.access_seconds = self.access_seconds.unwrap_or(terms.access_seconds);
        terms.royalty_bp = self.royalty_bp.unwrap_or(terms.royalty_bp);
        let unpriced = Unpriced { terms, price: self.price.clone() };
        unpriced.terms.check()?;
        Ok(unpriced)
    }

    fn is_empty(&self) -> bool {
        let Self { terms_file, open, price, private, access_seconds, royalty_bp } = self;
        let given = *open || *private || terms_file.is_some() || price.is_some();
        !given && access_seconds.is_none() && royalty_bp.is_none()
    }
}

/// The hash by which grants name terms.
pub fn hash(terms: &DatasetTerms) -> Hash {
    terms.hash(&Native)
}

/// Who may use a dataset, in a few words.
pub fn brief(unit: &Unit, record: &DatasetRecord) -> String {
    match (record.withdrawn_at, record.terms.open, record.terms.price) {
        (Some(_), ..) => "withdrawn".into(),
        (_, true, _) => "open".into(),
        (_, _, Some(price)) => shown(unit, price),
        _ => "private".into(),
    }
}

/// Terms for people.
pub fn lines(unit: &Unit, terms: &DatasetTerms) -> Vec<(&'static str, String)> {
    let lasts = match terms.access_seconds {
        0 => "for ever".into(),
        seconds => format!("for {}", show::duration(seconds)),
    };
    let access = match (terms.open, terms.price) {
        (true, _) => "anybody may use it".into(),
        (_, Some(price)) => format!("costs {} {lasts}", shown(unit, price)),
        _ => "only who is granted it".into(),
    };
    let mut lines = vec![("licence", show::plain(&terms.licence))];
    lines.extend(terms.licence_text.map(|text| ("its text", format!("SHA-256 {text}"))));
    lines.push(("access", access));
    if terms.royalty_bp > 0 {
        lines.push(("royalty", format!("{} % of a job's payment", f64::from(terms.royalty_bp) / 100.0)));
    }
    lines.push(("terms", hash(terms).to_string()));
    lines
}

/// Change the terms on which a dataset may be used from now on.
#[derive(Args, Debug)]
pub struct Terms {
    /// The dataset's id
    id: Hash,
    /// Another SPDX licence expression
    #[arg(long, visible_alias = "license", value_name = "SPDX")]
    licence: Option<String>,
    /// What else changes; the rest stays as it is.
    #[command(flatten)]
    options: TermsOptions,
}

impl Terms {
    /// Does it.
    pub async fn run(self, global: &Global) -> anyhow::Result<Answer> {
        let deployed = global.connect().await?;
        let unit = deployed.chain.unit();
        let record = record(&deployed, self.id).await?;
        let data =
            |terms: &DatasetTerms| json!({ "id": self.id, "terms": terms_data(unit, terms), "hash": hash(terms) });
        if self.licence.is_none() && self.options.is_empty() {
            return Answer::new(data(&record.terms), show::fields(lines(unit, &record.terms)));
        }
        let terms = self.options.changed(record.terms.clone(), self.licence.as_deref())?.in_unit(unit)?;
        let text = show::fields(lines(unit, &terms));
        if terms == record.terms {
            return Answer::new(data(&terms), format!("these are its terms already\n{text}"));
        }
        let what = format!("set the terms of the dataset {}", show::plain(&record.name));
        let call = deployed.registry.set_terms(self.id, &terms);
        signing::one(global, &deployed.chain, &what, &call, |()| data(&terms), |()| text).await
    }
}

/// Terms for `--json`, with the price in the chain's unit.
fn terms_data(unit: &Unit, terms: &DatasetTerms) -> Value {
    let mut data = json!(DatasetTerms { price: None, ..terms.clone() });
    data["price"] = json!(terms.price.map(|price| shown(unit, price)));
    data
}

/// Let an account use a dataset.
#[derive(Args, Debug)]
pub struct GrantArgs {
    /// The dataset's id
    id: Hash,
    /// Who may use it: an address or SS58
    #[arg(long, value_name = "ACCOUNT")]
    to: Account,
    /// For so many seconds from now, by chain time
    #[arg(long, value_name = "SECONDS", required_unless_present = "for_ever", conflicts_with = "for_ever")]
    seconds: Option<u64>,
    /// For ever; a grant cannot be taken back
    #[arg(long)]
    for_ever: bool,
    /// Hash of the terms that it is granted under [default: the dataset's terms]
    #[arg(long, value_name = "HASH")]
    terms: Option<Hash>,
}

impl GrantArgs {
    /// Does it.
    pub async fn run(self, global: &Global) -> anyhow::Result<Answer> {
        let deployed = global.connect().await?;
        let record = record(&deployed, self.id).await?;
        let terms = self.terms.unwrap_or_else(|| hash(&record.terms));
        let until = match self.seconds {
            Some(seconds) => deployed.chain.now().await?.saturating_add(seconds),
            None => FOR_EVER,
        };
        let account = self.to.address();
        let lasts =
            self.seconds.map_or_else(|| "for ever".into(), |seconds| format!("for {}", show::duration(seconds)));
        let what = format!(
            "let {account} use the dataset {} {lasts}; a grant cannot be taken back",
            show::plain(&record.name)
        );
        let call = deployed.registry.grant_access(self.id, account, until, terms);
        let data = json!({ "id": self.id, "account": account, "until": until_data(until), "terms": terms });
        let text = format!("{account} may use the dataset {lasts}");
        signing::one(global, &deployed.chain, &what, &call, |()| data, |()| text).await
    }
}

/// The last second of a grant for `--json`, `null` if it never ends.
fn until_data(until: u64) -> Option<u64> {
    (until != FOR_EVER).then_some(until)
}

/// Buy access to a dataset on its terms.
///
/// Shows the terms first. What you sign names their hash: if the owner changes
/// them or the price before, nothing is bought.
#[derive(Args, Debug)]
pub struct Buy {
    /// The dataset's id
    id: Hash,
    /// Buy only if this is the hash of its terms, as `assay dataset terms` shows it
    #[arg(long, value_name = "HASH")]
    terms: Option<Hash>,
}

impl Buy {
    /// Does it.
    pub async fn run(self, global: &Global) -> anyhow::Result<Answer> {
        let deployed = global.connect().await?;
        let unit = deployed.chain.unit();
        let record = record(&deployed, self.id).await?;
        let terms = hash(&record.terms);
        if let Some(expected) = self.terms.filter(|expected| *expected != terms) {
            bail!(
                "the terms of dataset {} are {terms} now, not {expected}; read them by `assay dataset terms`",
                self.id
            );
        }
        let Some(price) = record.terms.price.map(Amount) else {
            match record.terms.open {
                true => bail!("dataset {} costs nothing: anybody may use it", self.id),
                false => bail!("dataset {} is not for sale; its owner {} may grant access", self.id, record.owner),
            }
        };
        if !global.json {
            eprint!("{}", show::fields(lines(unit, &record.terms)));
        }
        let what = format!("buy access to the dataset {} on these terms", show::plain(&record.name));
        let call = deployed.registry.buy_access(self.id, terms, price);
        let data = json!({ "id": self.id, "terms": terms, "price": unit.show(price).to_string() });
        let text = format!("this account may use the dataset {}", self.id);
        signing::one(global, &deployed.chain, &what, &call, |()| data, |()| text).await
    }
}

/// Lists grants.
pub async fn grants(global: &Global, id: Hash) -> anyhow::Result<Answer> {
    let deployed = global.connect().await?;
    record(&deployed, id).await?;
    let (now, unit) = (deployed.chain.now().await?, deployed.chain.unit());
    let grants = all_pages(|offset| deployed.registry.grants(id, offset, MAX_PAGE)).await?;
    let (mut rows, mut data) = (vec![], Vec::<Value>::new());
    for (account, grant) in &grants {
        let until = match grant.until {
            FOR_EVER => "for ever".into(),
            until => show::deadline(until, now),
        };
        rows.push(vec![account.to_string(), until, shown(unit, grant.paid), grant.terms.to_string()]);
        data.push(json!({
            "account": account, "until": until_data(grant.until), "holds": grant.holds(now),
            "terms": grant.terms, "paid": shown(unit, grant.paid), "at": grant.at,
        }));
    }
    let text = match rows.is_empty() {
        true => format!("nobody was granted access to dataset {id}"),
        false => show::table(&["ACCOUNT", "UNTIL", "PAID", "TERMS"], &rows),
    };
    Answer::new(json!({ "id": id, "grants": data }), text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: TermsOptions,
    }

    fn options(line: &str) -> TermsOptions {
        Line::try_parse_from(format!("x {line}").split_whitespace()).unwrap().options
    }

    fn unit() -> Unit {
        Unit { symbol: "UNIT".into(), decimals: 12, native_to_contract: 1_000_000 }
    }

    #[test]
    fn a_dataset_is_open_unless_it_has_a_price_or_is_private() {
        let terms = |line: &str| options(line).new_terms("CC-BY-4.0").unwrap().in_unit(&unit()).unwrap();
        assert_eq!(terms(""), DatasetTerms::open("CC-BY-4.0"));
        let sold = terms("--price 5UNIT --access-seconds 60 --royalty-bp 250");
        assert_eq!((sold.open, sold.price), (false, Some(5 * 10u128.pow(18))));
        assert_eq!((sold.access_seconds, sold.royalty_bp), (60, 250));
        let private = terms("--private");
        assert_eq!((private.open, private.price), (false, None));
        for (line, words) in [("--price 0UNIT", "above zero"), ("--price 5", "UNIT"), ("--price 5DOT", "price")] {
            let error = options(line).new_terms("MIT").unwrap().in_unit(&unit()).unwrap_err();
            assert!(format!("{error:#}").contains(words), "{line}: {error:#}");
        }
        assert!(options("--royalty-bp 10001").new_terms("MIT").is_err());
        assert!(Line::try_parse_from(["x", "--open", "--private"]).is_err());
    }

    #[test]
    fn what_is_not_named_stays_as_it_is() {
        let before = DatasetTerms { price: Some(7), open: false, access_seconds: 60, ..DatasetTerms::open("MIT") };
        let changed =
            |line: &str, licence| options(line).changed(before.clone(), licence).unwrap().in_unit(&unit()).unwrap();
        assert_eq!(changed("--royalty-bp 5", None), DatasetTerms { royalty_bp: 5, ..before.clone() });
        assert_eq!(changed("--open", None), DatasetTerms { open: true, price: None, ..before.clone() });
        assert_eq!(changed("", Some("CC0-1.0")), DatasetTerms { licence: "CC0-1.0".into(), ..before.clone() });
        assert!(options("").changed(before.clone(), Some("LicenseRef-own")).is_err(), "its text is missing");
        assert!(options("").is_empty() && !options("--open").is_empty() && !options("--royalty-bp 0").is_empty());
    }
}
