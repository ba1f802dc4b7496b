//! Lines found again.
//!
//! A search goes back in time by windows that grow, a statement each, so that each statement reads one or two days'
//! partitions and the newest lines are found without reading the old ones. It stops when it has its lines or its time is
//! up, and says how far it came.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{PgConnection, PgPool};
use tokio::sync::Semaphore;

use super::Level;
use crate::error::ApiError;

/// What is looked for; all of it has to be true of a line.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
    /// This level or a higher one.
    pub level: Option<Level>,
    pub facility: Option<String>,
    pub node: Option<String>,
    pub user: Option<String>,
    pub user_id: Option<String>,
    pub project: Option<String>,
    /// One of these.
    pub requests: Vec<String>,
    pub session: Option<String>,
    pub message: Option<Message>,
    /// Names and values of fields, compared as text.
    pub pairs: Vec<(String, String)>,
    /// A JSON object that the fields have to contain.
    pub containing: Option<String>,
}

#[derive(Clone, Debug)]
pub enum Message {
    /// Part of the description, in letters large or small.
    Part(String),
    /// A regular expression, as Postgres has them.
    Pattern(String),
}

/// Where a line stands among all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub at: DateTime<Utc>,
    pub id: i64,
}

/// Where a page of lines begins.
#[derive(Clone, Copy, Debug)]
pub enum Start {
    Newest,
    Before(Position),
    After(Position),
}

/// Lines in the order they were read: the newest first, or after a position the oldest first.
#[derive(Debug, Default)]
pub struct Found {
    pub rows: Vec<LineRow>,
    /// There are more beyond the last one.
    pub has_more: bool,
    /// Time was up: everything up to this moment was searched, and nothing beyond.
    pub searched_to: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug)]
pub struct LineRow {
    pub at: DateTime<Utc>,
    pub id: i64,
    pub level: i16,
    pub facility: String,
    pub description: String,
    pub user_name: Option<String>,
    pub user_id: Option<String>,
    pub project: Option<String>,
    pub session: Option<String>,
    pub request_id: Option<String>,
    pub node: String,
    pub region: Option<String>,
    pub zone: Option<String>,
    pub environment: Option<String>,
    pub release: String,
    /// JSON.
    pub fields: String,
}

/// Searches of this node: few at a time, so that they leave connections to the requests. Cheap to clone.
#[derive(Clone)]
pub struct LogSearch {
    db: PgPool,
    longest: Duration,
    turns: Arc<Semaphore>,
}

impl LogSearch {
    /// `longest`: the time that one search may take. `connections`: how many the pool has.
    pub fn new(db: PgPool, longest: Duration, connections: u32) -> Self {
        let turns = (connections / 4).max(1) as usize;
        Self { db, longest, turns: Arc::new(Semaphore::new(turns)) }
    }

    /// At most `limit` lines from `start` on.
    ///
    /// Errors: 400 `invalid_pattern`, 503 Postgres does not answer.
    pub async fn find(&self, filter: &Filter, start: Start, limit: usize) -> Result<Found, ApiError> {
        let deadline = Instant::now() + self.longest;
        let turn = tokio::time::timeout(self.longest, self.turns.acquire()).await;
        let mut walk = match Walk::over(filter, start, limit, deadline) {
            Some(walk) => walk,
            // The times exclude each other.
            None => return Ok(Found::default()),
        };
        if !matches!(turn, Ok(Ok(_))) {
            return Ok(walk.given_up());
        }
        let mut transaction = self.db.begin().await?;
        // A plan for the values at hand: with one for any values, no partition and no index could be left out.
        sqlx::query!(
            "SELECT set_config('plan_cache_mode', 'force_custom_plan', true) AS plans, set_config('jit', 'off', true) AS jit"
        )
        .fetch_one(&mut *transaction)
        .await?;
        if walk.needs_bound() {
            walk.bound(oldest(&mut transaction).await?);
        }
        walk.finish(&mut transaction).await
    }
}

/// Windows of time, gone through one after the other.
struct Walk<'a> {
    filter: &'a Filter,
    is_forward: bool,
    /// What was found ends here; the next window begins here.
    reached: Position,
    /// Where the walk ends.
    end: DateTime<Utc>,
    has_end: bool,
    window: TimeDelta,
    limit: usize,
    deadline: Instant,
    rows: Vec<LineRow>,
}

/// The first window where an index leads to the lines, and where every line has to be looked at.
const FIRST_WITH_INDEX: TimeDelta = TimeDelta::hours(6);
const FIRST_WITHOUT: TimeDelta = TimeDelta::minutes(10);
const GROWTH: i32 = 4;
/// Facilities with so many lines that they have no index.
const FREQUENT: [&str; 4] = ["request", "proxy", "upstream", "client"];
/// Lines may come with a clock that is a little ahead.
const AHEAD: TimeDelta = TimeDelta::minutes(5);

impl<'a> Walk<'a> {
    fn over(filter: &'a Filter, start: Start, limit: usize, deadline: Instant) -> Option<Self> {
        let to = filter.to.unwrap_or_else(|| Utc::now() + AHEAD);
        let from = filter.from;
        let (is_forward, reached) = match start {
            Start::Newest => (false, Position { at: to, id: i64::MIN }),
            Start::Before(position) => (false, position.min(Position { at: to, id: i64::MIN })),
            Start::After(position) => {
                let from = from.map(|at| Position { at, id: i64::MIN });
                (true, from.map_or(position, |from| from.max(position)))
            }
        };
        let end = if is_forward { to } else { from.unwrap_or(DateTime::UNIX_EPOCH) };
        let has_rows = if is_forward { reached.at < end } else { reached.at >= end };
        let has_index = filter.user.is_some()
            || !filter.requests.is_empty()
            || filter.level.is_some_and(|level| level >= Level::Warn)
            || filter.facility.as_deref().is_some_and(|facility| !FREQUENT.contains(&facility));
        has_rows.then_some(Self {
            filter,
            is_forward,
            reached,
            end,
            has_end: is_forward || from.is_some(),
            window: if has_index { FIRST_WITH_INDEX } else { FIRST_WITHOUT },
            limit,
            deadline,
            rows: Vec::new(),
        })
    }

    fn needs_bound(&self) -> bool {
        !self.has_end
    }

    /// Nothing is older than this.
    fn bound(&mut self, oldest: Option<DateTime<Utc>>) {
        self.end = oldest.unwrap_or(self.reached.at);
    }

    async fn finish(mut self, connection: &mut PgConnection) -> Result<Found, ApiError> {
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left < Duration::from_millis(5) {
                return Ok(self.given_up());
            }
            set_timeout(connection, left).await?;
            let far = self.far_edge();
            let missing = self.limit + 1 - self.rows.len();
            let read = if self.is_forward {
                read_forward(connection, self.filter, self.reached, far, missing).await
            } else {
                read_back(connection, self.filter, self.reached, far, missing).await
            };
            match read {
                Ok(rows) => self.rows.extend(rows),
                Err(error) => match sql_state(&error).as_deref() {
                    Some(QUERY_CANCELED) => return Ok(self.given_up()),
                    Some(INVALID_PATTERN) => return Err(invalid_pattern()),
                    _ => return Err(error.into()),
                },
            }
            let has_more = self.rows.len() > self.limit;
            if has_more || self.is_at_end(far) {
                self.rows.truncate(self.limit);
                return Ok(Found { rows: self.rows, has_more, searched_to: None });
            }
            self.reached = Position { at: far, id: i64::MIN };
            self.window = self.window.checked_mul(GROWTH).unwrap_or(self.window);
        }
    }

    fn far_edge(&self) -> DateTime<Utc> {
        if self.is_forward {
            self.reached.at.checked_add_signed(self.window).map_or(self.end, |far| far.min(self.end))
        } else {
            self.reached.at.checked_sub_signed(self.window).map_or(self.end, |far| far.max(self.end))
        }
    }

    fn is_at_end(&self, far: DateTime<Utc>) -> bool {
        if self.is_forward { far >= self.end } else { far <= self.end }
    }

    fn given_up(self) -> Found {
        Found { rows: self.rows, has_more: true, searched_to: Some(self.reached.at) }
    }
}

const QUERY_CANCELED: &str = "57014";
const INVALID_PATTERN: &str = "2201B";

fn sql_state(error: &sqlx::Error) -> Option<String> {
    error.as_database_error()?.code().map(|code| code.into_owned())
}

fn invalid_pattern() -> ApiError {
    ApiError::Invalid {
        code: "invalid_pattern",
        message: "The regular expression cannot be understood, or is too large.".to_owned(),
    }
}

async fn set_timeout(connection: &mut PgConnection, left: Duration) -> sqlx::Result<()> {
    let left = format!("{}ms", left.as_millis().max(1));
    sqlx::query!("SELECT set_config('statement_timeout', $1, true)", left).fetch_one(connection).await?;
    Ok(())
}

async fn oldest(connection: &mut PgConnection) -> sqlx::Result<Option<DateTime<Utc>>> {
    sqlx::query_scalar!("SELECT min(at) FROM log_lines").fetch_one(connection).await
}

/// The same statement in both directions: only its bounds and its order differ.
macro_rules! read_lines {
    ($bounds:literal, $order:literal, $connection:expr, $filter:expr, $first:expr, $second:expr, $id:expr, $limit:expr) => {{
        let filter = $filter;
        let (part, pattern) = match &filter.message {
            Some(Message::Part(part)) => (Some(like(part)), None),
            Some(Message::Pattern(pattern)) => (None, Some(pattern.as_str())),
            None => (None, None),
        };
        let (names, values): (Vec<&str>, Vec<&str>) =
            filter.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).unzip();
        sqlx::query_as!(
            LineRow,
            r#"SELECT at, id, level, facility, description, user_name, user_id, project, session, request_id,
                node, region, zone, environment, release, fields::text AS "fields!"
             FROM log_lines
             WHERE at >= $1
             AND at <= $2
             AND "#
                + $bounds
                + r#"
             AND ($4::smallint IS NULL OR level >= $4)
             AND ($5::text IS NULL OR facility = $5)
             AND ($6::text IS NULL OR node = $6)
             AND ($7::text IS NULL OR user_name = $7)
             AND ($8::text IS NULL OR user_id = $8)
             AND ($9::text IS NULL OR project = $9)
             AND (cardinality($10::text[]) = 0 OR request_id = ANY($10))
             AND ($11::text IS NULL OR session = $11)
             AND ($12::text IS NULL OR description ILIKE $12)
             AND ($13::text IS NULL OR description ~* $13)
             AND ($14::text IS NULL OR fields::jsonb @> $14::text::jsonb)
             AND (cardinality($15::text[]) = 0 OR NOT EXISTS (
                SELECT
                FROM UNNEST($15::text[], $16::text[]) AS wanted (name, value)
                WHERE CASE wanted.name
                    WHEN 'region' THEN region
                    WHEN 'zone' THEN zone
                    WHEN 'environment' THEN environment
                    WHEN 'release' THEN release
                    ELSE fields ->> wanted.name
                END IS DISTINCT FROM wanted.value
             ))
             ORDER BY "#
                + $order
                + r#"
             LIMIT $17"#,
            $first,
            $second,
            $id,
            filter.level.map(Level::number),
            filter.facility.as_deref(),
            filter.node.as_deref(),
            filter.user.as_deref(),
            filter.user_id.as_deref(),
            filter.project.as_deref(),
            &filter.requests,
            filter.session.as_deref(),
            part,
            pattern,
            filter.containing.as_deref(),
            &names as &[&str],
            &values as &[&str],
            i64::try_from($limit).unwrap_or(i64::MAX),
        )
        .fetch_all($connection)
        .await
    }};
}

async fn read_back(
    connection: &mut PgConnection,
    filter: &Filter,
    near: Position,
    far: DateTime<Utc>,
    limit: usize,
) -> sqlx::Result<Vec<LineRow>> {
    read_lines!("(at, id) < ($2, $3)", "at DESC, id DESC", connection, filter, far, near.at, near.id, limit)
}

/// Up to, and without, the far edge: the next window begins with it.
async fn read_forward(
    connection: &mut PgConnection,
    filter: &Filter,
    near: Position,
    far: DateTime<Utc>,
    limit: usize,
) -> sqlx::Result<Vec<LineRow>> {
    read_lines!("(at, id) > ($1, $3) AND at < $2", "at, id", connection, filter, near.at, far, near.id, limit)
}

/// A pattern for LIKE that finds exactly this text, wherever it stands.
fn like(part: &str) -> String {
    let mut pattern = String::with_capacity(part.len() + 2);
    pattern.push('%');
    for letter in part.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_like_reads_as_wild_is_text() {
        assert_eq!(like("100% _x\\"), "%100\\% \\_x\\\\%");
    }
}
