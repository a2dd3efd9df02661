//! Reading: pages, single records, edges, search.

use super::{State, write};
use crate::error::IndexError;
use assay_export::Node;
use assay_protocol::{Address, Hash, market::Role};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sqlx::{Any, Row, Transaction, any::AnyRow};
use tokio::sync::Mutex;
use utoipa::ToSchema;

/// A page of a list.
#[derive(Debug, Serialize)]
pub struct Page {
    /// Items in the whole list.
    pub total: u64,
    /// Items before this page.
    pub offset: u64,
    /// The items of this page.
    pub items: Vec<Box<RawValue>>,
}

/// Which items of a list, and in which order.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Columns and the values that they must have.
    pub equal: Vec<(&'static str, String)>,
    /// Oldest first instead of newest first.
    pub oldest_first: bool,
    /// Items to leave out.
    pub offset: u64,
    /// Items at most.
    pub limit: u32,
}

impl Filter {
    /// Also asks for `column` to be `value`, if there is one.
    #[must_use]
    pub fn and(mut self, column: &'static str, value: Option<impl ToString>) -> Self {
        self.equal.extend(value.map(|value| (column, value.to_string())));
        self
    }
}

/// What a search found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Found {
    /// The dataset or the model.
    pub node: Node,
    /// Its name.
    pub name: String,
    /// The block of its registration.
    pub block: u64,
}

/// A view of one moment. Its queries run one after the other.
#[derive(Debug)]
pub struct Snapshot {
    transaction: Mutex<Transaction<'static, Any>>,
}

/// A value of a query.
pub(super) enum Value {
    Text(String),
    Number(i64),
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::Text(text)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.to_owned())
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Value::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl Snapshot {
    pub(super) fn new(transaction: Transaction<'static, Any>) -> Self {
        Self { transaction: Mutex::new(transaction) }
    }

    pub(super) async fn rows(&self, sql: &str, values: Vec<Value>) -> Result<Vec<AnyRow>, IndexError> {
        let mut query = sqlx::query(sql);
        for value in values {
            query = match value {
                // PostgreSQL takes no text with a zero in it, and there is none in the tables.
                Value::Text(text) => query.bind(text.replace('\0', "\u{fffd}")),
                Value::Number(number) => query.bind(number),
            };
        }
        let mut transaction = self.transaction.lock().await;
        Ok(query.fetch_all(&mut **transaction).await?)
    }

    async fn count(&self, sql: &str, values: Vec<Value>) -> Result<u64, IndexError> {
        let rows = self.rows(sql, values).await?;
        let count: i64 = rows.first().ok_or(sqlx::Error::RowNotFound)?.try_get(0)?;
        Ok(count.unsigned_abs())
    }

    async fn one(&self, sql: &str, values: Vec<Value>) -> Result<Option<String>, IndexError> {
        Ok(self.rows(sql, values).await?.first().map(|row| row.try_get(0)).transpose()?)
    }

    /// Where the index stands.
    pub(crate) async fn state(&self) -> Result<Option<State>, IndexError> {
        let text = self.one("SELECT value FROM meta WHERE key = 'state'", vec![]).await?;
        Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
    }

    /// The highest block that is kept, up to one.
    pub(crate) async fn known_block(&self, most: u64) -> Result<Option<(u64, Hash)>, IndexError> {
        let sql = "SELECT number, hash FROM blocks WHERE number <= $1 ORDER BY number DESC LIMIT 1";
        let rows = self.rows(sql, vec![most.into()]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let (number, hash): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
        Ok(Some((number.unsigned_abs(), write::hash(&hash)?)))
    }

    /// A page of a table, by an index over the filter's columns and `order`.
    async fn page(&self, table: &str, order: &str, filter: &Filter) -> Result<Page, IndexError> {
        let conditions: Vec<String> =
            (1..).zip(&filter.equal).map(|(place, (column, _))| format!("{column} = ${place}")).collect();
        let condition = match conditions.is_empty() {
            true => String::new(),
            false => format!(" WHERE {}", conditions.join(" AND ")),
        };
        let values = || filter.equal.iter().map(|(_, value)| Value::Text(value.clone()));
        let total = self.count(&format!("SELECT COUNT(*) FROM {table}{condition}"), values().collect()).await?;
        let way = if filter.oldest_first { "ASC" } else { "DESC" };
        let order: Vec<String> = order.split(", ").map(|column| format!("{column} {way}")).collect();
        let (limit, offset, order) = (filter.equal.len() + 1, filter.equal.len() + 2, order.join(", "));
        let sql = format!("SELECT record FROM {table}{condition} ORDER BY {order} LIMIT ${limit} OFFSET ${offset}");
        let values = values().chain([u64::from(filter.limit).into(), filter.offset.into()]).collect();
        let items = records(&self.rows(&sql, values).await?)?;
        Ok(Page { total, offset: filter.offset, items })
    }

    /// Datasets; may be filtered by `owner`.
    pub async fn datasets(&self, filter: &Filter) -> Result<Page, IndexError> {
        self.page("datasets", "place", filter).await
    }

    /// Models; may be filtered by `owner`, `operator`.
    pub async fn models(&self, filter: &Filter) -> Result<Page, IndexError> {
        self.page("models", "place", filter).await
    }

    /// Jobs; may be filtered by `client`, `operator`, `state`.
    pub async fn jobs(&self, filter: &Filter) -> Result<Page, IndexError> {
        self.page("jobs", "id", filter).await
    }

    /// Standings in a role.
    pub async fn standings(&self, role: Role, filter: Filter) -> Result<Page, IndexError> {
        let role = Some(assay_export::name_of(&role));
        self.page("standings", "place", &filter.and("role", role)).await
    }

    /// Grants; must be filtered by `dataset` or `account`.
    pub async fn grants(&self, filter: &Filter) -> Result<Page, IndexError> {
        let by_dataset = filter.equal.iter().any(|(column, _)| *column == "dataset");
        self.page("grants", if by_dataset { "place" } else { "dataset" }, filter).await
    }

    /// Statements; must be filtered by `node` or `author`.
    pub async fn statements(&self, filter: &Filter) -> Result<Page, IndexError> {
        let by_node = filter.equal.iter().any(|(column, _)| *column == "node");
        self.page("statements", if by_node { "number" } else { "block, node, number" }, filter).await
    }

    /// Payments; must be filtered by `account`.
    pub async fn payments_to(&self, filter: &Filter) -> Result<Page, IndexError> {
        self.page("payments", "job, number", filter).await
    }

    /// What a job has paid.
    pub async fn payments(&self, job: u64, filter: &Filter) -> Result<Page, IndexError> {
        let total = self.count("SELECT COUNT(*) FROM payments WHERE job = $1", vec![job.into()]).await?;
        let way = if filter.oldest_first { "ASC" } else { "DESC" };
        let sql = format!("SELECT record FROM payments WHERE job = $1 ORDER BY number {way} LIMIT $2 OFFSET $3");
        let values = vec![job.into(), u64::from(filter.limit).into(), filter.offset.into()];
        Ok(Page { total, offset: filter.offset, items: records(&self.rows(&sql, values).await?)? })
    }

    /// Changes of owner; must be filtered by `node`.
    pub async fn owner_changes(&self, filter: &Filter) -> Result<Page, IndexError> {
        self.page("owner_changes", "block, position", filter).await
    }

    /// Events, of a subject if there is one: a node, or `account:0x…`.
    pub async fn events(&self, subject: Option<&str>, filter: &Filter) -> Result<Page, IndexError> {
        let Some(subject) = subject else { return self.page("events", "block, position", filter).await };
        let total = "SELECT COUNT(*) FROM event_subjects WHERE subject = $1";
        let total = self.count(total, vec![subject.into()]).await?;
        let way = if filter.oldest_first { "ASC" } else { "DESC" };
        // The subjects' page first, so that only its events are looked up.
        let sql = format!(
            "SELECT e.record FROM (SELECT block, position FROM event_subjects WHERE subject = $1 \
             ORDER BY block {way}, position {way} LIMIT $2 OFFSET $3) AS s \
             JOIN events AS e ON e.block = s.block AND e.position = s.position ORDER BY s.block {way}, s.position {way}"
        );
        let values = vec![subject.into(), u64::from(filter.limit).into(), filter.offset.into()];
        Ok(Page { total, offset: filter.offset, items: records(&self.rows(&sql, values).await?)? })
    }

    /// A record as it is served.
    pub async fn raw(&self, node: Node, market: Address) -> Result<Option<Box<RawValue>>, IndexError> {
        let (sql, value) = match node {
            Node::Dataset { id } => ("SELECT record FROM datasets WHERE id = $1", id.to_string().into()),
            Node::Model { id } => ("SELECT record FROM models WHERE id = $1", id.to_string().into()),
            Node::Job { market: held, job } if held == market => ("SELECT record FROM jobs WHERE id = $1", job.into()),
            Node::Job { .. } => return Ok(None),
        };
        Ok(records(&self.rows(sql, vec![value]).await?)?.into_iter().next())
    }

    /// An account's standing in a role.
    pub async fn standing(&self, role: Role, account: Address) -> Result<Option<Box<RawValue>>, IndexError> {
        let sql = "SELECT record FROM standings WHERE role = $1 AND account = $2";
        let values = vec![assay_export::name_of(&role).into(), account.to_string().into()];
        Ok(records(&self.rows(sql, values).await?)?.into_iter().next())
    }

    /// How many rows a table has: datasets, models or jobs.
    pub(crate) async fn rows_of(&self, table: &'static str) -> Result<u64, IndexError> {
        self.count(&format!("SELECT COUNT(*) FROM {table}"), vec![]).await
    }

    /// Datasets and models whose name contains a text, in any case; newest first.
    pub async fn named(&self, text: &str, limit: u32) -> Result<Vec<Found>, IndexError> {
        let folded = text.to_lowercase();
        let pattern: String = folded.chars().fold(String::new(), |mut pattern, character| {
            if matches!(character, '%' | '_' | '!') {
                pattern.push('!');
            }
            pattern.push(character);
            pattern
        });
        let sql = "SELECT kind, id FROM names WHERE folded LIKE $1 ESCAPE '!' ORDER BY block DESC, kind DESC, id DESC LIMIT $2";
        let rows = self.rows(sql, vec![format!("%{pattern}%").into(), u64::from(limit).into()]).await?;
        self.found(rows).await
    }

    /// Datasets and models whose id begins with these hex digits.
    pub async fn with_id(&self, digits: &str, limit: u32) -> Result<Vec<Found>, IndexError> {
        // `g` comes after every digit.
        let (from, to) = (format!("0x{digits}"), format!("0x{digits}g"));
        let mut found = vec![];
        for (kind, table) in [("model", "models"), ("dataset", "datasets")] {
            let sql =
                format!("SELECT '{kind}' AS kind, id FROM {table} WHERE id >= $1 AND id < $2 ORDER BY id LIMIT $3");
            let values = vec![from.clone().into(), to.clone().into(), u64::from(limit).into()];
            found.extend(self.found(self.rows(&sql, values).await?).await?);
        }
        found.truncate(limit as usize);
        Ok(found)
    }

    async fn found(&self, rows: Vec<AnyRow>) -> Result<Vec<Found>, IndexError> {
        #[derive(Deserialize)]
        struct Named {
            name: String,
            block: u64,
        }
        let mut found = vec![];
        for row in rows {
            let (kind, id): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            let node: Node = format!("{kind}:{id}").parse().map_err(IndexError::Broken)?;
            let Some(record) = self.raw(node, Address::default()).await? else { continue };
            let Named { name, block } = serde_json::from_str(record.get())?;
            found.push(Found { node, name, block });
        }
        Ok(found)
    }
}

fn records(rows: &[AnyRow]) -> Result<Vec<Box<RawValue>>, IndexError> {
    rows.iter()
        .map(|row| {
            let text: String = row.try_get(0)?;
            Ok(RawValue::from_string(text)?)
        })
        .collect()
}
