//! The table `analytics_days`, and what an operator is told of it.

use std::{collections::HashMap, time::Duration};

use api_types::analytics::{AnalyticsDay, AnalyticsReport, AnalyticsRules, NamedCount, PopoverCount};
use chrono::NaiveDate;
use sqlx::{PgPool, Result, query};

use super::{Counts, Kind};

pub struct AnalyticsStore {
    db: PgPool,
    /// Longest wait for a query.
    timeout: Duration,
}

/// One number.
pub struct CountRow {
    pub day: NaiveDate,
    pub kind: String,
    pub name: String,
    pub count: u64,
}

impl AnalyticsStore {
    pub fn new(db: PgPool, timeout: Duration) -> Self {
        Self { db, timeout }
    }

    pub async fn add_counts(&self, counts: &Counts) -> Result<()> {
        let days: Vec<NaiveDate> = counts.keys().map(|(day, ..)| *day).collect();
        let kinds: Vec<String> = counts.keys().map(|(_, kind, _)| kind.text().to_owned()).collect();
        let names: Vec<String> = counts.keys().map(|(.., name)| name.clone()).collect();
        let numbers: Vec<i64> =
            counts.values().map(|count| i64::try_from(*count).unwrap_or(i64::MAX)).collect();
        let add = query!(
            "INSERT INTO analytics_days (day, kind, name, count)
            SELECT * FROM UNNEST($1::date[], $2::text[], $3::text[], $4::bigint[])
            ON CONFLICT (day, kind, name) DO UPDATE SET count = analytics_days.count + EXCLUDED.count",
            &days,
            &kinds,
            &names,
            &numbers,
        );
        self.bounded(add.execute(&self.db)).await?;
        Ok(())
    }

    /// Every number of these days.
    pub async fn list_counts(&self, first: NaiveDate, last: NaiveDate) -> Result<Vec<CountRow>> {
        let list = query!(
            "SELECT day, kind, name, count
            FROM analytics_days
            WHERE day BETWEEN $1 AND $2",
            first,
            last,
        )
        .map(|row| CountRow {
            day: row.day,
            kind: row.kind,
            name: row.name,
            count: u64::try_from(row.count).unwrap_or_default(),
        });
        self.bounded(list.fetch_all(&self.db)).await
    }

    /// Returns how many numbers there were.
    pub async fn delete_days_before(&self, day: NaiveDate) -> Result<u64> {
        let delete = query!("DELETE FROM analytics_days WHERE day < $1", day);
        Ok(self.bounded(delete.execute(&self.db)).await?.rows_affected())
    }

    async fn bounded<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::time::timeout(self.timeout, work).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }
}

/// Rows of a list that an operator looks through; what is rarer is left out.
const MOST_NAMES: usize = 50;

/// What an operator is told about these days.
pub fn report(
    rules: AnalyticsRules,
    knows_countries: bool,
    first: NaiveDate,
    last: NaiveDate,
    rows: &[CountRow],
) -> AnalyticsReport {
    let mut by_day: HashMap<NaiveDate, (u64, u64)> = HashMap::new();
    let mut by_name: HashMap<&str, HashMap<&str, u64>> = HashMap::new();
    for row in rows {
        let (views, created) = by_day.entry(row.day).or_default();
        match &*row.kind {
            kind if kind == Kind::Page.text() => *views += row.count,
            kind if kind == Kind::Created.text() => *created += row.count,
            _ => {}
        }
        *by_name.entry(&row.kind).or_default().entry(&row.name).or_default() += row.count;
    }
    let day = |day: NaiveDate| {
        let (views, servers_created) = by_day.get(&day).copied().unwrap_or_default();
        AnalyticsDay { day: day.to_string(), views, servers_created }
    };
    let of = |kind: Kind| by_name.get(kind.text()).cloned().unwrap_or_default();
    let (shown, executed) = (of(Kind::Shown), of(Kind::Executed));
    let mut names: Vec<&str> = shown.keys().chain(executed.keys()).copied().collect();
    names.sort_unstable();
    names.dedup();
    let popover = |name: &str| PopoverCount {
        name: name.to_owned(),
        shown: shown.get(name).copied().unwrap_or_default(),
        executed: executed.get(name).copied().unwrap_or_default(),
    };
    let mut popovers: Vec<PopoverCount> = names.into_iter().map(popover).collect();
    popovers.sort_by(|a, b| (b.shown, b.executed, &a.name).cmp(&(a.shown, a.executed, &b.name)));
    popovers.truncate(MOST_NAMES);
    AnalyticsReport {
        rules,
        knows_countries,
        days: first.iter_days().take_while(|day| *day <= last).map(day).collect(),
        pages: most(of(Kind::Page)),
        popovers,
        browsers: most(of(Kind::Browser)),
        countries: most(of(Kind::Country)),
    }
}

/// The most frequent first; equal ones by name.
fn most(counts: HashMap<&str, u64>) -> Vec<NamedCount> {
    let named = |(name, count): (&str, u64)| NamedCount { name: name.to_owned(), count };
    let mut named: Vec<NamedCount> = counts.into_iter().map(named).collect();
    named.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
    named.truncate(MOST_NAMES);
    named
}
