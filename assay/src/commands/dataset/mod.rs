//! `dataset`: manifest, register, show, list, terms, grant, buy, grants,
//! set-locations, transfer, withdraw, serve.

mod access;
mod register;

use crate::cli::{Answer, Global, shown};
use crate::names::{Account, no_dataset};
use crate::show;
use crate::signing;
use anyhow::{Context, bail};
use assay_client::{Unit, all_pages};
use assay_content::serve;
use assay_job::{MANIFEST_FILE, Manifest};
use assay_protocol::Hash;
use assay_protocol::registry::{self, DatasetRecord, MAX_PAGE, Node};
use assay_shell::Shutdown;
use assay_shell::options::Deployed;
use clap::Subcommand;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Datasets.
#[derive(Debug, Subcommand)]
pub enum Dataset {
    /// Write DIR/manifest.json, which lists the files with their hashes; its hash is the dataset's id
    Manifest {
        /// The dataset's folder
        dir: PathBuf,
    },
    /// Put a dataset on record; the key's account becomes its owner
    Register(register::Register),
    /// Show a dataset's record
    Show {
        /// The dataset's id
        id: Hash,
    },
    /// List the datasets on record
    List,
    /// Change the terms on which a dataset may be used from now on (owner only);
    /// without options show them. Grants that stand keep theirs
    Terms(access::Terms),
    /// Let an account use a dataset (owner only)
    Grant(access::GrantArgs),
    /// Buy access to a dataset on its terms
    Buy(access::Buy),
    /// List who was granted access to a dataset, or has bought it
    Grants {
        /// The dataset's id
        id: Hash,
    },
    /// Replace a dataset's locations (owner only)
    SetLocations {
        /// The dataset's id
        id: Hash,
        /// URL below which manifest.json and the files are; best first, repeatable
        #[arg(long = "location", value_name = "URL")]
        locations: Vec<String>,
        /// Leave the dataset without any location
        #[arg(long, conflicts_with = "locations")]
        none: bool,
    },
    /// Give a dataset a new owner (owner only)
    Transfer {
        /// The dataset's id
        id: Hash,
        /// The new owner: an address or SS58
        #[arg(long, value_name = "ACCOUNT")]
        to: Account,
    },
    /// Remove a dataset's name and locations from the record for good (owner only).
    /// Its hash and what was made from it stay; no new job may use it
    Withdraw {
        /// The dataset's id
        id: Hash,
    },
    /// Serve a dataset's folder over HTTP until stopped; prints `ready URL`
    Serve {
        /// The dataset's folder; its manifest.json is written if it has none
        dir: PathBuf,
        /// Address to listen on; port 0 takes a free one
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
        listen: SocketAddr,
    },
}

/// The manifest at `path`: of a folder (made, and compared with its
/// manifest.json if it has one), or a manifest file by itself.
pub fn manifest_at(path: &Path) -> anyhow::Result<Manifest> {
    if !path.is_dir() {
        let json = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        return Manifest::from_json(&json).with_context(|| format!("{} is no manifest", path.display()));
    }
    let made = Manifest::of_folder(path)?;
    if made.files.is_empty() {
        bail!("{} holds no files", path.display());
    }
    let file = path.join(MANIFEST_FILE);
    let kept = match std::fs::read(&file) {
        Ok(json) => Manifest::from_json(&json).with_context(|| format!("{} is no manifest", file.display()))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(made),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
    };
    if kept != made {
        let differs = |manifest: &Manifest, other: &Manifest| {
            manifest.files.iter().find(|entry| !other.files.contains(entry)).map(|entry| entry.path.clone())
        };
        let name = differs(&made, &kept).or_else(|| differs(&kept, &made)).unwrap_or_default();
        bail!(
            "{} is not what {MANIFEST_FILE} says ({} differs); if the files are as they should be, \
             `assay dataset manifest {}` writes it anew, which makes another dataset of it",
            path.display(),
            show::plain(&name),
            path.display()
        );
    }
    Ok(made)
}

impl Dataset {
    /// The command's name below `dataset`.
    pub fn name(&self) -> &'static str {
        match self {
            Dataset::Manifest { .. } => "manifest",
            Dataset::Register(_) => "register",
            Dataset::Show { .. } => "show",
            Dataset::List => "list",
            Dataset::Terms(_) => "terms",
            Dataset::Grant(_) => "grant",
            Dataset::Buy(_) => "buy",
            Dataset::Grants { .. } => "grants",
            Dataset::SetLocations { .. } => "set-locations",
            Dataset::Transfer { .. } => "transfer",
            Dataset::Withdraw { .. } => "withdraw",
            Dataset::Serve { .. } => "serve",
        }
    }

    /// Does it.
    pub async fn run(self, global: &Global) -> anyhow::Result<Answer> {
        match self {
            Dataset::Manifest { dir } => manifest(&dir),
            Dataset::Register(command) => command.run(global).await,
            Dataset::Show { id } => show_one(global, id).await,
            Dataset::List => list(global).await,
            Dataset::Terms(command) => command.run(global).await,
            Dataset::Grant(command) => command.run(global).await,
            Dataset::Buy(command) => command.run(global).await,
            Dataset::Grants { id } => access::grants(global, id).await,
            Dataset::Withdraw { id } => withdraw(global, id).await,
            Dataset::SetLocations { id, locations, none } => set_locations(global, id, locations, none).await,
            Dataset::Transfer { id, to } => transfer(global, id, to).await,
            Dataset::Serve { dir, listen } => serve_folder(&dir, listen).await,
        }
    }
}

/// Writes a folder's manifest into it; an unchanged file keeps its date.
fn keep_manifest(dir: &Path, manifest: &Manifest) -> anyhow::Result<PathBuf> {
    let (path, json) = (dir.join(MANIFEST_FILE), manifest.to_json());
    if std::fs::read(&path).ok().as_deref() != Some(json.as_bytes()) {
        // Readable by whoever may read the folder, unlike a temporary file.
        std::fs::write(&path, json).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(path)
}

fn manifest(dir: &Path) -> anyhow::Result<Answer> {
    let manifest = Manifest::of_folder(dir)?;
    if manifest.files.is_empty() {
        bail!("{} holds no files", dir.display());
    }
    let path = keep_manifest(dir, &manifest)?;
    let (id, bytes) = (manifest.id(), manifest.bytes());
    let data = json!({ "id": id, "files": manifest.files.len(), "bytes": bytes, "manifest": path });
    let files = show::count(manifest.files.len() as u64, "file");
    eprintln!("{}: {files}, {}", path.display(), show::bytes(bytes));
    Answer::new(data, id.to_string())
}

async fn record(deployed: &Deployed, id: Hash) -> anyhow::Result<DatasetRecord> {
    deployed.registry.dataset(id).await?.with_context(|| no_dataset(&id))
}

async fn show_one(global: &Global, id: Hash) -> anyhow::Result<Answer> {
    let deployed = global.connect().await?;
    let record = record(&deployed, id).await?;
    let locations = deployed.registry.locations(&Node::Dataset(id)).await?;
    let node = Node::Dataset(id);
    let parents = all_pages(|offset| deployed.registry.made_from(&node, offset, MAX_PAGE)).await?;
    let into = deployed.registry.made_into(&node, 0, 1).await?.total;
    let grants = deployed.registry.grants(id, 0, 1).await?.total;
    let statements = deployed.registry.statements(&node, 0, 1).await?.total;
    let unit = deployed.chain.unit();
    let mut lines = vec![("dataset", id.to_string())];
    match record.withdrawn_at {
        None => lines.push(("name", show::plain(&record.name))),
        Some(at) => {
            let ago = show::duration(deployed.chain.now().await?.saturating_sub(at));
            lines.push(("withdrawn", format!("{ago} ago: name and locations are removed, no new job may use it")));
        }
    }
    lines.extend(access::lines(unit, &record.terms));
    lines.extend([
        ("size", show::bytes(record.bytes)),
        ("owner", record.owner.to_string()),
        ("registered", format!("in block {}", record.block)),
    ]);
    lines.extend(locations.iter().map(|location| ("location", show::plain(location))));
    lines.extend(parents.iter().map(|node| ("made from", node.to_string())));
    lines.push(("used in", format!("{into} (`assay provenance {id} --into` shows them)")));
    lines.push(("grants", format!("{grants} (`assay dataset grants {id}` shows them)")));
    lines.push(("statements", format!("{statements} (`assay statement list {id}` shows them)")));
    let data = json!({
        "id": id, "record": data(unit, &record), "terms": access::hash(&record.terms), "locations": locations,
        "made_from": parents, "made_into": into, "grants": grants, "statements": statements,
    });
    Answer::new(data, show::fields(lines))
}

/// A record for `--json`, with the price in the chain's unit.
fn data(unit: &Unit, record: &DatasetRecord) -> Value {
    let mut terms = record.terms.clone();
    let price = terms.price.take();
    let mut data = json!(DatasetRecord { terms, ..record.clone() });
    data["price"] = json!(price.map(|price| shown(unit, price)));
    data
}

async fn list(global: &Global) -> anyhow::Result<Answer> {
    let deployed = global.connect().await?;
    let ids = all_pages(|offset| deployed.registry.datasets(offset, MAX_PAGE)).await?;
    let unit = deployed.chain.unit();
    let (mut rows, mut datasets) = (vec![], Vec::<Value>::new());
    for id in ids {
        let record = record(&deployed, id).await?;
        rows.push(vec![
            id.to_string(),
            show::bytes(record.bytes),
            show::plain(&record.terms.licence),
            access::brief(unit, &record),
            show::plain(&record.name),
        ]);
        datasets.push(json!({ "id": id, "record": data(unit, &record) }));
    }
    let text = match rows.is_empty() {
        true => "no datasets are registered; `assay dataset register` adds one".into(),
        false => show::table(&["ID", "SIZE", "LICENCE", "ACCESS", "NAME"], &rows),
    };
    Answer::new(datasets, text)
}

async fn set_locations(global: &Global, id: Hash, locations: Vec<String>, none: bool) -> anyhow::Result<Answer> {
    if locations.is_empty() && !none {
        bail!(assay_shell::output::UsageError(
            "give at least one --location, or --none to leave the dataset without".into()
        ));
    }
    registry::check_locations(&locations)?;
    let deployed = global.connect().await?;
    record(&deployed, id).await?;
    let call = deployed.registry.set_locations(&Node::Dataset(id), &locations);
    let what = format!("set {} of dataset {id}", show::count(locations.len() as u64, "location"));
    let text = "the locations are set".to_string();
    signing::one(global, &deployed.chain, &what, &call, |()| json!({ "id": id, "locations": locations }), |()| text)
        .await
}

async fn transfer(global: &Global, id: Hash, to: Account) -> anyhow::Result<Answer> {
    let deployed = global.connect().await?;
    let record = record(&deployed, id).await?;
    let to = to.address();
    let what = format!("transfer the dataset {} to {to}", show::plain(&record.name));
    let call = deployed.registry.transfer_dataset(id, to);
    let text = format!("{to} owns the dataset now");
    signing::one(global, &deployed.chain, &what, &call, |()| json!({ "id": id, "owner": to }), |()| text).await
}

async fn withdraw(global: &Global, id: Hash) -> anyhow::Result<Answer> {
    let deployed = global.connect().await?;
    let record = record(&deployed, id).await?;
    if record.withdrawn_at.is_some() {
        return Answer::new(json!({ "id": id, "executed": false }), format!("dataset {id} is withdrawn already"));
    }
    let what = format!(
        "withdraw the dataset {} FOR GOOD: name and locations go, no new job may use it",
        show::plain(&record.name)
    );
    let call = deployed.registry.withdraw_locations(id);
    let text = format!("dataset {id} is withdrawn; servers and blocks that are over may still show what it was");
    signing::one(global, &deployed.chain, &what, &call, |()| json!({ "id": id }), |()| text).await
}

async fn serve_folder(dir: &Path, listen: SocketAddr) -> anyhow::Result<Answer> {
    if !dir.is_dir() {
        bail!("{} is no folder", dir.display());
    }
    let manifest = manifest_at(dir)?;
    keep_manifest(dir, &manifest)?;
    let shutdown = Shutdown::on_signals()?;
    let router = serve::folder_router(dir);
    let (bound, server) = serve::serve(router, listen, async move { shutdown.wait().await }).await?;
    println!("ready http://{bound}");
    eprintln!("serving dataset {}; stop with Ctrl-C", manifest.id());
    server.await?;
    Ok(Answer { data: json!({ "id": manifest.id() }), text: String::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_differs_from_its_manifest_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        assert!(manifest_at(path).unwrap_err().to_string().contains("no files"));
        std::fs::write(path.join("a.csv"), "1,2\n").unwrap();
        let made = manifest_at(path).unwrap();
        std::fs::write(path.join(MANIFEST_FILE), made.to_json()).unwrap();
        assert_eq!(manifest_at(path).unwrap(), made);
        assert_eq!(manifest_at(&path.join(MANIFEST_FILE)).unwrap(), made);
        std::fs::write(path.join("b.csv"), "3,4\n").unwrap();
        let error = manifest_at(path).unwrap_err().to_string();
        assert!(error.contains("b.csv differs"), "{error}");
    }
}
