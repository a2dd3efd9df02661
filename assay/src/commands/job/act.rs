//! One message each: `job reveal`, `job advance`, `job cancel`, `job register`.

use crate::cli::{Answer, Global};
use crate::names::no_job;
use crate::secrets::Secret;
use crate::signing;
use anyhow::{Context, bail};
use assay_protocol::market::{JobView, State};
use assay_shell::options::Deployed;
use serde_json::json;

/// A job that must be there.
pub async fn job(deployed: &Deployed, id: u64) -> anyhow::Result<JobView> {
    deployed.market.job(id).await?.with_context(|| no_job(id))
}

pub async fn reveal(global: &Global, id: u64) -> anyhow::Result<Answer> {
    let deployed = global.connect().await?;
    let job = job(&deployed, id).await?;
    if job.job.client_secret.is_some() {
        return Answer::new(json!({ "job": id, "executed": false }), "the secret is revealed already");
    }
    if job.job.state != State::Committed {
        bail!(
            "job {id} is {:?}; a client reveals its secret when the operator has committed and before the draw \
             (`assay job watch {id} --reveal` waits for that)",
            job.job.state
        );
    }
    let secret = Secret::load(&global.data()?, &job.terms.sealed_secret)?;
    let call = deployed.market.reveal_secret(id, secret.secret);
    let what = format!("reveal the client's secret of job {id}");
    let text = format!("the secret of job {id} is revealed");
    signing::one(global, &deployed.chain, &what, &call, |()| json!({ "job": id }), |()| text).await
}

pub async fn advance(global: &Global, id: u64) -> anyhow::Result<Answer> {
    let deployed = global.connect().await?;
    job(&deployed, id).await?;
    let call = deployed.market.advance(id);
    let what = format!("advance job {id}");
    let answer =
        signing::one(global, &deployed.chain, &what, &call, |()| json!({ "job": id }), |()| String::new()).await?;
    if !global.execute {
        return Ok(answer);
    }
    let state = job(&deployed, id).await?.job.state;
    let mut data = answer.data;
    data["state"] = json!(state);
    Ok(Answer { data, text: format!("job {id} is {state:?} now") })
}

pub async fn cancel(global: &Global, id: u64) -> anyhow::Result<Answer> {
    let deployed = global.connect().await?;
    let held = job(&deployed, id).await?.job.held;
    let call = deployed.market.cancel(id);
    let what = format!("cancel job {id}");
    let text = format!(
        "job {id} is cancelled; {} is credited, `assay withdraw` sends it",
        crate::cli::shown(deployed.chain.unit(), held)
    );
    signing::one(global, &deployed.chain, &what, &call, |()| json!({ "job": id }), |()| text).await
}

pub async fn register(global: &Global, id: u64) -> anyhow::Result<Answer> {
    let deployed = global.connect().await?;
    if let Some(model) = job(&deployed, id).await?.model_id {
        return Answer::new(json!({ "job": id, "model": model, "executed": false }), model.to_string());
    }
    let call = deployed.market.register(id);
    let what = format!("register the model of job {id}");
    let answer =
        signing::one(global, &deployed.chain, &what, &call, |()| json!({ "job": id }), |()| String::new()).await?;
    if !global.execute {
        return Ok(answer);
    }
    let model = job(&deployed, id).await?.model_id;
    let mut data = answer.data;
    data["model"] = json!(model);
    let text = match model {
        Some(model) => model.to_string(),
        None => format!("job {id} still waits: another job holds its model's id, or the registry refuses it"),
    };
    Ok(Answer { data, text })
}
