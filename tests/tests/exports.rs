//! The exports of a real job, from the command line and from the index, read by the
//! tools that they are for.

use anyhow::{Context, ensure};
use assay_e2e::{JobOptions, World, repository};
use assay_protocol::market::State;
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the checkers from PyPI: run scripts/test exports"]
async fn other_tools_accept_the_exports_of_a_real_job() -> anyhow::Result<()> {
    let python = std::env::var_os("ASSAY_CHECKERS").context("scripts/test exports names the checkers' Python")?;
    let world = World::start().await?;
    let _verifiers = world.verifiers().await?;
    let _operator = world.operator().await?;
    let job = world.post(&JobOptions::default()).await?;
    let done = world.finish(job).await?;
    ensure!(done.job.state == State::Final, "{:?}", done.job);
    let model = done.model_id.context("a final job has a model")?.to_string();
    let dataset = world.dataset.to_string();

    let folder = tempfile::tempdir()?;
    let job = format!("job:{job}");
    let forms = [
        ("model", &model, &["prov", "prov-ld", "statement", "card", "svg"][..]),
        ("dataset", &dataset, &["prov", "prov-ld", "croissant", "svg"]),
        ("job", &job, &["prov", "prov-ld"]),
    ];
    for (name, node, forms) in forms {
        for form in forms {
            let path = folder.path().join(format!("{name}.{form}"));
            world.succeed("assay", &["export", form, node, "-o", path.to_str().context("a plain path")?]).await?;
        }
    }
    // The manifest was fetched and its files are named.
    let croissant: Value = serde_json::from_slice(&std::fs::read(folder.path().join("dataset.croissant"))?)?;
    let files = croissant["distribution"].as_array().context("it lists files")?;
    ensure!(files.iter().any(|file| file["@id"] == "digits.csv"), "{croissant}");
    // The artefact's hash is the registered one.
    let statement: Value = serde_json::from_slice(&std::fs::read(folder.path().join("model.statement"))?)?;
    let record = world.registry.model(model.parse()?).await?.context("it is registered")?;
    let digest = statement["subject"][0]["digest"]["sha256"].as_str().context("a digest")?;
    ensure!(format!("0x{digest}") == record.artefact.to_string(), "{statement}");

    let output = tokio::process::Command::new(python)
        .arg(repository().join("tests/exports/check.py"))
        .arg(folder.path())
        .arg(repository().join("docs/openapi.json"))
        .output()
        .await?;
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{said}");
    println!("{said}");
    Ok(())
}
