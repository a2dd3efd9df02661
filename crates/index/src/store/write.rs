//! Writing: one transaction for each block that changed something.

use super::{State, Store};
use crate::{changes::Changes, describe, error::IndexError};
use assay_export::{BlockInfo, Dataset, Grant, Job, Model, Node, OwnerChange, Payment, Standing, Statement};
use assay_protocol::{Address, Hash};
use sqlx::{Any, Transaction};
use std::collections::BTreeSet;

type Writer = Transaction<'static, Any>;

/// SQL has no unsigned numbers; what is larger is only ever a far future.
fn number(value: impl TryInto<i64>) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}

fn optional(account: Option<&Address>) -> Option<String> {
    account.map(Address::to_string)
}

impl Store {
    /// Begins an index of a chain, as if everything up to its block had been read.
    ///
    /// # Errors
    /// If the database does not answer, or has an index already.
    pub async fn begin(&self, state: &State) -> Result<(), IndexError> {
        let mut writer = self.pool.begin().await?;
        let text = serde_json::to_string(state)?;
        sqlx::query("INSERT INTO meta (key, value) VALUES ('state', $1)").bind(text).execute(&mut *writer).await?;
        write_block(&mut writer, &state.chain.block).await?;
        writer.commit().await?;
        Ok(())
    }

    /// Writes what a block changed and notes that it was read, both or neither.
    /// `state` is as of before; it is brought up to date.
    ///
    /// # Errors
    /// If the database does not answer, or another process writes to it.
    pub async fn apply(&self, state: &mut State, block: BlockInfo, changes: &Changes) -> Result<(), IndexError> {
        let mut writer = self.pool.begin().await?;
        let mut next = state.clone();
        next.chain.block = block;
        if !changes.is_empty() {
            next.changed = block;
        }
        advance(&mut writer, state, &next).await?;
        write_block(&mut writer, &block).await?;
        write_changes(&mut writer, changes).await?;
        writer.commit().await?;
        *state = next;
        Ok(())
    }
}

/// Moves the index on from `state`, and nowhere if it is not there any more.
async fn advance(writer: &mut Writer, state: &State, next: &State) -> Result<(), IndexError> {
    let (old, new) = (serde_json::to_string(state)?, serde_json::to_string(next)?);
    let query = sqlx::query("UPDATE meta SET value = $1 WHERE key = 'state' AND value = $2").bind(new).bind(old);
    if query.execute(&mut **writer).await?.rows_affected() != 1 {
        return Err(IndexError::Shared);
    }
    // Only blocks in which something happened are kept, and the newest.
    if state.chain.block != state.changed {
        let query = sqlx::query("DELETE FROM blocks WHERE number = $1").bind(number(state.chain.block.number));
        query.execute(&mut **writer).await?;
    }
    Ok(())
}

async fn write_block(writer: &mut Writer, block: &BlockInfo) -> Result<(), IndexError> {
    sqlx::query("INSERT INTO blocks (number, hash, time) VALUES ($1, $2, $3) ON CONFLICT (number) DO NOTHING")
        .bind(number(block.number))
        .bind(block.hash.to_string())
        .bind(number(block.time))
        .execute(&mut **writer)
        .await?;
    Ok(())
}

pub(super) async fn write_changes(writer: &mut Writer, changes: &Changes) -> Result<(), IndexError> {
    for (event, subjects) in &changes.events {
        write_event(writer, event, subjects).await?;
    }
    for dataset in &changes.datasets {
        write_dataset(writer, dataset).await?;
    }
    for model in &changes.models {
        write_model(writer, model).await?;
    }
    for (job, payments) in &changes.jobs {
        write_job(writer, job, payments).await?;
    }
    for standing in &changes.standings {
        write_standing(writer, standing).await?;
    }
    for grant in &changes.grants {
        write_grant(writer, grant).await?;
    }
    for statement in &changes.statements {
        write_statement(writer, statement).await?;
    }
    for (made, sources) in &changes.made_from {
        write_edges(writer, made, sources).await?;
    }
    for (position, change) in &changes.owner_changes {
        write_owner_change(writer, *position, change).await?;
    }
    Ok(())
}

async fn write_event(
    writer: &mut Writer,
    event: &describe::Event,
    subjects: &BTreeSet<String>,
) -> Result<(), IndexError> {
    let (block, position) = (number(event.block), i64::from(event.position));
    sqlx::query("INSERT INTO events (block, position, record) VALUES ($1, $2, $3)")
        .bind(block)
        .bind(position)
        .bind(serde_json::to_string(event)?)
        .execute(&mut **writer)
        .await?;
    for subject in subjects {
        sqlx::query("INSERT INTO event_subjects (subject, block, position) VALUES ($1, $2, $3)")
            .bind(subject)
            .bind(block)
            .bind(position)
            .execute(&mut **writer)
            .await?;
    }
    Ok(())
}

/// Makes a record's name known to the search; an empty one is forgotten.
async fn write_name(writer: &mut Writer, kind: &str, id: String, block: i64, name: &str) -> Result<(), IndexError> {
    // PostgreSQL takes no text with a zero in it.
    let folded = name.to_lowercase().replace('\0', "\u{fffd}");
    let query = match folded.is_empty() {
        true => sqlx::query("DELETE FROM names WHERE kind = $1 AND id = $2").bind(kind).bind(id),
        false => sqlx::query(
            "INSERT INTO names (kind, id, block, folded) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (kind, id) DO UPDATE SET folded = excluded.folded",
        )
        .bind(kind)
        .bind(id)
        .bind(block)
        .bind(folded),
    };
    query.execute(&mut **writer).await?;
    Ok(())
}

async fn write_dataset(writer: &mut Writer, dataset: &Dataset) -> Result<(), IndexError> {
    sqlx::query(
        "INSERT INTO datasets (id, place, owner, record) \
         VALUES ($1, (SELECT COALESCE(MAX(place), -1) + 1 FROM datasets), $2, $3) \
         ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, record = excluded.record",
    )
    .bind(dataset.id.to_string())
    .bind(dataset.owner.to_string())
    .bind(serde_json::to_string(dataset)?)
    .execute(&mut **writer)
    .await?;
    write_name(writer, "dataset", dataset.id.to_string(), i64::from(dataset.block), &dataset.name).await
}

async fn write_model(writer: &mut Writer, model: &Model) -> Result<(), IndexError> {
    sqlx::query(
        "INSERT INTO models (id, place, owner, operator, record) \
         VALUES ($1, (SELECT COALESCE(MAX(place), -1) + 1 FROM models), $2, $3, $4) \
         ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, record = excluded.record",
    )
    .bind(model.id.to_string())
    .bind(optional(model.owner.as_ref()))
    .bind(model.operator.to_string())
    .bind(serde_json::to_string(model)?)
    .execute(&mut **writer)
    .await?;
    write_name(writer, "model", model.id.to_string(), i64::from(model.block), &model.name).await
}

async fn write_job(writer: &mut Writer, job: &Job, payments: &[Payment]) -> Result<(), IndexError> {
    sqlx::query(
        "INSERT INTO jobs (id, client, operator, state, record) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (id) DO UPDATE SET operator = excluded.operator, state = excluded.state, record = excluded.record",
    )
    .bind(number(job.id))
    .bind(job.client.to_string())
    .bind(optional(job.operator.as_ref()))
    .bind(&job.state)
    .bind(serde_json::to_string(job)?)
    .execute(&mut **writer)
    .await?;
    // A list that is only added to.
    for payment in payments {
        sqlx::query(
            "INSERT INTO payments (job, number, account, record) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (job, number) DO NOTHING",
        )
        .bind(number(payment.job))
        .bind(i64::from(payment.number))
        .bind(payment.account.to_string())
        .bind(serde_json::to_string(payment)?)
        .execute(&mut **writer)
        .await?;
    }
    Ok(())
}

async fn write_standing(writer: &mut Writer, standing: &Standing) -> Result<(), IndexError> {
    sqlx::query(
        "INSERT INTO standings (role, account, place, record) \
         VALUES ($1, $2, (SELECT COALESCE(MAX(place), -1) + 1 FROM standings WHERE role = $3), $4) \
         ON CONFLICT (role, account) DO UPDATE SET record = excluded.record",
    )
    .bind(&standing.role)
    .bind(standing.account.to_string())
    .bind(&standing.role)
    .bind(serde_json::to_string(standing)?)
    .execute(&mut **writer)
    .await?;
    Ok(())
}

async fn write_grant(writer: &mut Writer, grant: &Grant) -> Result<(), IndexError> {
    let dataset = grant.dataset.to_string();
    sqlx::query(
        "INSERT INTO grants (dataset, account, place, record) \
         VALUES ($1, $2, (SELECT COALESCE(MAX(place), -1) + 1 FROM grants WHERE dataset = $3), $4) \
         ON CONFLICT (dataset, account) DO UPDATE SET record = excluded.record",
    )
    .bind(&dataset)
    .bind(grant.account.to_string())
    .bind(&dataset)
    .bind(serde_json::to_string(grant)?)
    .execute(&mut **writer)
    .await?;
    Ok(())
}

async fn write_statement(writer: &mut Writer, statement: &Statement) -> Result<(), IndexError> {
    sqlx::query("INSERT INTO statements (node, number, author, block, record) VALUES ($1, $2, $3, $4, $5)")
        .bind(statement.node.to_string())
        .bind(i64::from(statement.number))
        .bind(statement.author.to_string())
        .bind(i64::from(statement.block))
        .bind(serde_json::to_string(statement)?)
        .execute(&mut **writer)
        .await?;
    Ok(())
}

async fn write_edges(writer: &mut Writer, made: &Node, sources: &[Node]) -> Result<(), IndexError> {
    for (place, source) in (0i64..).zip(sources) {
        let source = source.to_string();
        sqlx::query(
            "INSERT INTO edges (made, source, made_place, source_place) \
             VALUES ($1, $2, $3, (SELECT COALESCE(MAX(source_place), -1) + 1 FROM edges WHERE source = $4))",
        )
        .bind(made.to_string())
        .bind(&source)
        .bind(place)
        .bind(&source)
        .execute(&mut **writer)
        .await?;
    }
    Ok(())
}

async fn write_owner_change(writer: &mut Writer, position: u32, change: &OwnerChange) -> Result<(), IndexError> {
    sqlx::query("INSERT INTO owner_changes (node, block, position, record) VALUES ($1, $2, $3, $4)")
        .bind(change.node.to_string())
        .bind(number(change.block))
        .bind(i64::from(position))
        .bind(serde_json::to_string(change)?)
        .execute(&mut **writer)
        .await?;
    Ok(())
}

/// A block's hash as it is kept.
pub(super) fn hash(text: &str) -> Result<Hash, IndexError> {
    text.parse().map_err(|error| IndexError::Broken(format!("hash {text:?}: {error}")))
}
