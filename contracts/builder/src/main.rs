//! Builds one contract as `cargo contract build --release --quiet` does, by the same library.
//!
//! Installing cargo-contract would build a client of Substrate chains, too, for minutes. And here the two steps are
//! apart, so that the caller can set a profile for each by cargo's variables: that of the code decides its bytes, that
//! of the metadata only how long it takes.

use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use contract_build::metadata::{self, BuildInfo, InkMetadataArtifacts, MetadataArtifacts};
use contract_build::{
    BuildArtifacts, BuildMode, ComposeBuildArgs, CrateMetadata, ExecuteArgs, Features, ManifestPath, Network,
    UnstableFlags, Verbosity, util,
};

const USAGE: &str = "usage: assay-contract-builder code|metadata MANIFEST
  code      build and link the code of the contract that has this Cargo.toml
  metadata  make its metadata, and the bundle of both (after `code`)";

/// What bundles name as their builder: the version of contract-build (Cargo.toml), which keeps it to itself.
const VERSION: &str = "6.0.0-beta.2";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("assay-contract-builder: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [step, manifest] = arguments.as_slice() else { bail!(USAGE) };
    let path = ManifestPath::new(manifest).with_context(|| manifest.clone())?;
    match step.as_str() {
        "code" => code(path),
        "metadata" => bundle(&path),
        _ => bail!(USAGE),
    }
    .with_context(|| format!("no {step} of {manifest}"))
}

/// Leaves NAME.polkavm in the folder `ink` of cargo's target folder.
fn code(manifest_path: ManifestPath) -> Result<()> {
    contract_build::execute::<NoDocker>(ExecuteArgs {
        manifest_path,
        build_mode: BuildMode::Release,
        build_artifact: BuildArtifacts::CodeOnly,
        verbosity: Verbosity::Quiet,
        ..ExecuteArgs::default()
    })?;
    Ok(())
}

/// Leaves NAME.contract beside the code, and NAME.json, which is the same without it.
fn bundle(manifest: &ManifestPath) -> Result<()> {
    let contract = CrateMetadata::collect(manifest)?;
    let code = &contract.dest_binary;
    ensure!(code.exists(), "there is no {}: build the code first", code.display());
    let artifacts = MetadataArtifacts::Ink(InkMetadataArtifacts {
        dest_metadata: contract.metadata_path(),
        dest_bundle: contract.contract_bundle_path(),
    });
    let build_info = BuildInfo {
        rust_toolchain: util::rust_toolchain()?,
        cargo_contract_version: VERSION.parse()?,
        build_mode: BuildMode::Release,
    };
    metadata::execute(
        &contract,
        code,
        &artifacts,
        &Features::default(),
        Network::Online,
        Verbosity::Quiet,
        &UnstableFlags::default(),
        build_info,
    )
}

/// Arguments for a build in Docker, which is not asked for.
struct NoDocker;

impl ComposeBuildArgs for NoDocker {
    fn compose_build_args() -> Result<Vec<String>> {
        bail!("contracts are not built in Docker")
    }
}
