//! A model card in Markdown, with the front matter that model hubs read.

use crate::{
    Amount, Dataset, ExportError, Job, Model, Node, Provenance, Record,
    text::{markdown, timestamp, visible, web_url},
};
use std::fmt::Write;

/// A text as YAML: a double-quoted scalar, whose escapes are JSON's. Without markup,
/// for those who show the front matter as it is.
fn yaml(text: &str) -> String {
    let quoted = serde_json::Value::from(visible(text)).to_string();
    quoted.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026").replace('[', "\\u005b")
}

/// A table of two columns; values are Markdown already.
fn table(rows: &[(&str, String)]) -> String {
    let rows = rows.iter().map(|(label, value)| format!("| {label} | {value} |\n"));
    format!("| | |\n| --- | --- |\n{}", rows.collect::<String>())
}

fn code(value: &impl ToString) -> String {
    format!("`{}`", value.to_string())
}

fn date(seconds: u64) -> String {
    timestamp(seconds).unwrap_or_else(|| format!("{seconds} s after 1970"))
}

/// A location as a link if it is a web address, and as text otherwise.
fn location(text: &str) -> String {
    match web_url(text) {
        Some(url) if !url.contains('|') => format!("<{url}>"),
        _ => markdown(text),
    }
}

/// The card of the model at the root.
///
/// # Errors
/// If the root is no model.
pub fn model_card(provenance: &Provenance) -> Result<String, ExportError> {
    let model = provenance.model("card")?;
    let mut card = front_matter(provenance, model);
    let name = match model.name.is_empty() {
        true => "A model without a name".to_owned(),
        false => markdown(&model.name),
    };
    let _ = write!(
        card,
        "\n# {name}\n\nLicence: {}. Trained by a job that anybody can check again.\n",
        markdown(&model.licence)
    );
    let owner = model.owner.as_ref().map_or_else(|| "held by a former registry's titles".to_owned(), code);
    card += "\n## The record\n\n";
    card += &table(&[
        ("model", code(&model.id)),
        ("SHA-256 of the file", code(&model.artefact)),
        ("owner", owner),
        ("first owner", code(&model.first_owner)),
        ("operator", code(&model.operator)),
        ("registered", format!("{}, block {}", date(model.registered_at), model.block)),
        ("registry", code(&provenance.chain.registry)),
        ("chain", format!("{}, genesis {}", markdown(&provenance.chain.network), code(&provenance.chain.genesis))),
    ]);
    card += "\n## Where it is\n\n";
    match model.locations.is_empty() {
        true => card += "No location is on record: ask its owner or its operator.\n",
        false => model.locations.iter().for_each(|one| {
            let _ = writeln!(card, "* {}", location(one));
        }),
    }
    card += "\n## What it was made from\n\n";
    card += &sources(provenance, model);
    card += "\n## How it was checked\n\n";
    let _ = writeln!(
        card,
        "{} of {} segments were drawn by a seed that nobody could know; {} of them were replayed by verifiers, who got \
         the same bits.",
        model.segments_drawn, model.segments, model.segments_checked
    );
    if let Some(job) = provenance.job_of(model) {
        card += &checks(job);
    }
    let _ = write!(card, "\nTo check it yourself:\n\n    assay-verifier audit {}\n", model.id);
    if let Some(job) = provenance.job_of(model) {
        card += "\n## Who contributed\n\n";
        card += &contributions(job, &provenance.chain.symbol);
    }
    let _ = write!(
        card,
        "\nWritten from the records as of block {} ({}).\n",
        provenance.chain.block.number,
        code(&provenance.chain.block.hash)
    );
    Ok(card)
}

fn front_matter(provenance: &Provenance, model: &Model) -> String {
    let datasets: Vec<String> = provenance
        .sources(&Node::Model { id: model.id })
        .filter_map(|source| match source {
            Node::Dataset { id } => Some(format!("  - {}\n", yaml(&id.to_string()))),
            _ => None,
        })
        .collect();
    // Hubs have their own list of licences; the expression is in `license_name`.
    let mut text = format!("---\nlicense: other\nlicense_name: {}\nlibrary_name: safetensors\n", yaml(&model.licence));
    if !datasets.is_empty() {
        let _ = write!(text, "datasets:\n{}", datasets.concat());
    }
    let _ = write!(
        text,
        "assay:\n  name: {}\n  model: {}\n  artefact_sha256: {}\n  genesis: {}\n  registry: {}\n  job: {}\n---\n",
        yaml(&model.name),
        yaml(&model.id.to_string()),
        yaml(&model.artefact.to_string()),
        yaml(&provenance.chain.genesis.to_string()),
        yaml(&provenance.chain.registry.to_string()),
        model.job
    );
    text
}

fn sources(provenance: &Provenance, model: &Model) -> String {
    let mut text = "| kind | id | name | licence |\n| --- | --- | --- | --- |\n".to_owned();
    for source in provenance.sources(&Node::Model { id: model.id }) {
        let (id, name, licence) = match (source, provenance.record(source)) {
            (_, Some(Record::Dataset(Dataset { id, name, licence, .. })))
            | (_, Some(Record::Model(Model { id, name, licence, .. }))) => {
                (code(id), markdown(name), markdown(licence))
            }
            (Node::Job { market, job }, _) => {
                (format!("{job} of market {}", code(market)), String::new(), String::new())
            }
            (Node::Dataset { id } | Node::Model { id }, _) => (code(id), String::new(), String::new()),
        };
        let _ = writeln!(text, "| {} | {id} | {name} | {licence} |", source.kind());
    }
    text
}

fn checks(job: &Job) -> String {
    if job.slots.is_empty() {
        return String::new();
    }
    let mut text = "\n| segment | verifier | result |\n| --- | --- | --- |\n".to_owned();
    for slot in &job.slots {
        let _ = writeln!(text, "| {} | {} | {} |", slot.segment, code(&slot.verifier), slot.check);
    }
    text
}

fn contributions(job: &Job, symbol: &str) -> String {
    let paid = |amount: Amount| format!("{} {}", amount.in_tokens(), markdown(symbol));
    let mut text = "| part | account | what | paid |\n| --- | --- | --- | --- |\n".to_owned();
    let parts = &job.contributions;
    for part in &parts.data {
        let share = f64::from(part.share_bp) / 100.0;
        let _ = writeln!(
            text,
            "| {} | {} | {share} % of the payment | {} |",
            part.node.kind(),
            code(&part.owner),
            paid(part.paid)
        );
    }
    if let Some(part) = &parts.compute {
        let what = format!("{} segments of training", job.terms.segments);
        let _ = writeln!(text, "| compute | {} | {what} | {} |", code(&part.operator), paid(part.paid));
    }
    for part in &parts.verification {
        let what = format!("{} segments checked, {} seats on panels", part.segments, part.seats);
        let _ = writeln!(text, "| verification | {} | {what} | {} |", code(&part.verifier), paid(part.paid));
    }
    text
}
