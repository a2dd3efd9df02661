//! `job demands` and `job demand`: making an operator show its work on chain.

use super::act::job;
use super::view::{demand_data, wanted_text};
use crate::cli::{Answer, Global, shown};
use crate::show;
use crate::signing;
use assay_client::Amount;
use assay_protocol::market::Wanted;
use clap::Args;
use serde_json::{Value, json};

/// Demand a piece of a job's committed work on chain.
///
/// The operator has to answer within the job's `open` window, with the piece and
/// its proof, or it is convicted and half of its stake is yours. If it answers,
/// the demand's bond is burned: demand only what is not served to you.
#[derive(Args, Debug)]
pub struct DemandArgs {
    /// The job's number
    id: u64,
    /// What is demanded.
    #[command(flatten)]
    what: What,
}

#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct What {
    /// A chunk of 1,024 bytes of a tensor in the state at an opened boundary
    #[arg(long, value_name = "BOUNDARY,TENSOR,CHUNK", value_parser = leaf)]
    leaf: Option<Wanted>,
    /// A leaf of the commitment
    #[arg(long, value_name = "BOUNDARY")]
    boundary: Option<u32>,
}

fn leaf(text: &str) -> Result<Wanted, String> {
    let numbers: Result<Vec<u32>, _> = text.split(',').map(str::parse).collect();
    match numbers.as_deref() {
        Ok(&[boundary, tensor, chunk]) => Ok(Wanted::Leaf { boundary, tensor, chunk }),
        _ => Err("give three numbers, such as 4,0,12: the boundary, the tensor and its chunk".into()),
    }
}

impl DemandArgs {
    /// Does it.
    pub async fn run(self, global: &Global) -> anyhow::Result<Answer> {
        let deployed = global.connect().await?;
        let terms = job(&deployed, self.id).await?.terms;
        let wanted = match (self.what.leaf, self.what.boundary) {
            (Some(wanted), _) => wanted,
            (None, index) => Wanted::Boundary { index: index.unwrap_or_default() },
        };
        let bond = Amount(terms.demand_bond());
        let call = deployed.market.demand(self.id, wanted, bond);
        let shown_bond = shown(deployed.chain.unit(), bond.0);
        let what = format!(
            "demand {} of job {}, for a bond of {shown_bond} that is burned if it is answered",
            wanted_text(wanted),
            self.id
        );
        let result = |number: &u8| json!({ "job": self.id, "number": number, "bond": shown_bond });
        let text = |number: &u8| {
            format!(
                "demand {number} is open for {}; after that `assay job advance {}` convicts the operator",
                show::duration(terms.windows.open.into()),
                self.id
            )
        };
        signing::one(global, &deployed.chain, &what, &call, result, text).await
    }
}

pub async fn demands(global: &Global, id: u64) -> anyhow::Result<Answer> {
    let deployed = global.connect().await?;
    job(&deployed, id).await?;
    let demands = deployed.market.demands(id).await?;
    let (now, unit) = (deployed.chain.now().await?, deployed.chain.unit());
    let rows: Vec<Vec<String>> = demands
        .iter()
        .map(|demand| {
            vec![
                demand.number.to_string(),
                wanted_text(demand.wanted),
                demand.by.to_string(),
                shown(unit, demand.bond),
                show::deadline(demand.deadline, now),
            ]
        })
        .collect();
    let text = match rows.is_empty() {
        true => format!("nothing is demanded of job {id}"),
        false => show::table(&["NUMBER", "WHAT", "BY", "BOND", "DEADLINE"], &rows),
    };
    let data: Vec<Value> = demands.iter().map(|demand| demand_data(unit, demand)).collect();
    Answer::new(json!({ "job": id, "now": now, "demands": data }), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_named_by_three_numbers() {
        assert_eq!(leaf("4,0,12"), Ok(Wanted::Leaf { boundary: 4, tensor: 0, chunk: 12 }));
        for bad in ["", "4", "4,0", "4,0,1,2", "4,0,x", "-1,0,0"] {
            assert!(leaf(bad).unwrap_err().contains("three numbers"), "{bad}");
        }
    }
}
