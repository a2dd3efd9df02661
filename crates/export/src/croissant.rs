//! A dataset as MLCommons Croissant 1.0 (<http://mlcommons.org/croissant/1.0>), JSON-LD.

use crate::{
    ExportError, Node, Provenance,
    text::{timestamp, visible, web_url},
};
use assay_protocol::Hash;
use serde_json::{Value, json};

/// A file of a dataset, as its manifest names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Path below the dataset's location.
    pub path: String,
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256 of the content.
    pub sha256: Hash,
}

/// The context that Croissant 1.0 prescribes.
fn context() -> Value {
    let mut context = json!({
        "@language": "en",
        "@vocab": "https://schema.org/",
        "cr": "http://mlcommons.org/croissant/",
        "rai": "http://mlcommons.org/croissant/RAI/",
        "sc": "https://schema.org/",
        "dct": "http://purl.org/dc/terms/",
        "conformsTo": "dct:conformsTo",
        "data": { "@id": "cr:data", "@type": "@json" },
        "dataType": { "@id": "cr:dataType", "@type": "@vocab" },
        "examples": { "@id": "cr:examples", "@type": "@json" },
        "citeAs": "cr:citeAs",
    });
    let own = [
        "column",
        "extract",
        "field",
        "fileProperty",
        "fileObject",
        "fileSet",
        "format",
        "includes",
        "isLiveDataset",
        "jsonPath",
        "key",
        "md5",
        "parentField",
        "path",
        "recordSet",
        "references",
        "regex",
        "repeated",
        "replace",
        "separator",
        "source",
        "subField",
        "transform",
    ];
    for term in own {
        context[term] = format!("cr:{term}").into();
    }
    context
}

/// Hex digits without `0x`, as everybody else writes SHA-256.
pub(crate) fn bare(hash: &Hash) -> String {
    hash.to_string().trim_start_matches("0x").to_owned()
}

/// The media type that a file's name suggests.
fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).as_deref() {
        Some("csv") => "text/csv",
        Some("json") => "application/json",
        Some("jsonl") => "application/jsonlines",
        Some("txt" | "md") => "text/plain",
        Some("parquet") => "application/vnd.apache.parquet",
        Some("gz") => "application/gzip",
        Some("zip") => "application/zip",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        _ => "application/octet-stream",
    }
}

/// A path below a location, with every byte that is not plain written as `%XX`.
fn below(location: &str, path: &str) -> String {
    let mut url = location.trim_end_matches('/').to_owned() + "/";
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => url.push(char::from(byte)),
            other => url.push_str(&format!("%{other:02X}")),
        }
    }
    url
}

/// The page of a licence on SPDX's list, or the expression itself if it is not one name.
fn licence(expression: &str) -> String {
    let is_name = expression.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    match is_name && !expression.starts_with("LicenseRef-") && !expression.is_empty() {
        true => format!("https://spdx.org/licenses/{expression}.html"),
        false => visible(expression),
    }
}

/// The dataset at the root of a provenance. Without `files`, which the chain does
/// not know, it describes the dataset and no files.
///
/// # Errors
/// If the root is no dataset, or files are given and none of its locations is a web address.
pub fn dataset(provenance: &Provenance, files: &[File]) -> Result<Value, ExportError> {
    let record = provenance.dataset("croissant")?;
    let web = record.locations.iter().find_map(|location| web_url(location));
    let name = match record.name.is_empty() {
        true => format!("withdrawn dataset {}", record.id),
        false => visible(&record.name),
    };
    let urn = |id: &Hash| format!("urn:assay:{}:dataset:{id}", provenance.chain.genesis);
    let mut dataset = json!({
        "@context": context(),
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": name,
        "description": format!(
            "Dataset {} of {} bytes on record in registry {} of the chain {} since block {}. Its id is the hash of the \
             manifest that lists the SHA-256 of every file.",
            record.id, record.bytes, provenance.chain.registry, visible(&provenance.chain.network), record.block
        ),
        "identifier": urn(&record.id),
        "url": web.map_or_else(|| urn(&record.id), str::to_owned),
        "license": licence(&record.licence),
        // What a hash names never changes.
        "version": "1.0.0",
        "creator": { "@type": "sc:Organization", "name": format!("account {}", record.owner) },
        "isAccessibleForFree": record.open && record.price.is_none(),
        "citeAs": format!("Dataset {}, registry {}, chain {}", record.id, provenance.chain.registry, provenance.chain.genesis),
    });
    if let Some(time) = timestamp(record.registered_at) {
        dataset["datePublished"] = time.into();
    }
    let node = Node::Dataset { id: record.id };
    let parents: Vec<Value> = provenance
        .sources(&node)
        .filter_map(|source| match source {
            Node::Dataset { id } => Some(json!({ "@type": "sc:Dataset", "identifier": urn(id) })),
            _ => None,
        })
        .collect();
    if !parents.is_empty() {
        dataset["isBasedOn"] = parents.into();
    }
    if !files.is_empty() {
        let location = web.ok_or(ExportError::NoLocation)?;
        dataset["distribution"] = files.iter().map(|file| file_object(location, file)).collect();
    }
    Ok(dataset)
}

fn file_object(location: &str, file: &File) -> Value {
    json!({
        "@type": "cr:FileObject",
        "@id": below("", &file.path).trim_start_matches('/'),
        "name": visible(&file.path),
        "contentUrl": below(location, &file.path),
        "contentSize": format!("{} B", file.bytes),
        "encodingFormat": media_type(&file.path),
        "sha256": bare(&file.sha256),
    })
}
