//! The table `analytics_days`, and what an operator is told of it.

use std::{collections::HashMap, time::Duration};

use api_types::analytics::{AnalyticsDay, AnalyticsReport, AnalyticsRules, NamedCount, PopoverCount};
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgPool, Result, query};
use uuid::Uuid;

use super::{Counts, Kind};

pub struct AnalyticsStore {
    pub(super) db: PgPool,
    /// Longest wait for a query.
    timeout: Duration,
}

/// The numbers of some days, added up.
#[derive(Default)]
pub struct Sums {
    days: Vec<DayRow>,
    /// The most frequent of each kind, in this order.
    names: Vec<NameRow>,
    popovers: Vec<PopoverCount>,
}

struct DayRow {
    day: NaiveDate,
    views: u64,
    servers_created: u64,
}

struct NameRow {
    kind: String,
    name: String,
    count: u64,
}

/// Rows of a list that an operator looks through; what is rarer is left out.
const MOST_NAMES: i64 = 50;

impl AnalyticsStore {
    pub fn new(db: PgPool, timeout: Duration) -> Self {
        Self { db, timeout }
    }

    /// Adds a batch, unless it has been added before.
    pub async fn add_counts(&self, batch: Uuid, now: DateTime<Utc>, counts: &Counts) -> Result<()> {
        let days: Vec<NaiveDate> = counts.keys().map(|(day, ..)| *day).collect();
        let kinds: Vec<String> = counts.keys().map(|(_, kind, _)| kind.text().to_owned()).collect();
        let names: Vec<String> = counts.keys().map(|(.., name)| name.clone()).collect();
        let numbers: Vec<i64> =
            counts.values().map(|count| i64::try_from(*count).unwrap_or(i64::MAX)).collect();
        // The first try may still be going on there: then this waits for it, and adds nothing.
        let add = query!(
            "WITH new AS (
                INSERT INTO analytics_batches (id, added_at) VALUES ($5, $6)
                ON CONFLICT (id) DO NOTHING
                RETURNING id
            )
            INSERT INTO analytics_days (day, kind, name, count)
            SELECT counted.day, counted.kind, counted.name, counted.count
            FROM UNNEST($1::date[], $2::text[], $3::text[], $4::bigint[]) AS counted (day, kind, name, count)
            WHERE EXISTS (SELECT FROM new)
            ON CONFLICT (day, kind, name) DO UPDATE SET count = analytics_days.count + EXCLUDED.count",
            &days,
            &kinds,
            &names,
            &numbers,
            batch,
            now,
        );
        self.bounded(add.execute(&self.db)).await?;
        Ok(())
    }

    /// The numbers of these days.
    pub async fn sum(&self, first: NaiveDate, last: NaiveDate) -> Result<Sums> {
        Ok(Sums {
            days: self.sum_days(first, last).await?,
            names: self.sum_names(first, last).await?,
            popovers: self.sum_popovers(first, last).await?,
        })
    }

    async fn sum_days(&self, first: NaiveDate, last: NaiveDate) -> Result<Vec<DayRow>> {
        let sum = query!(
            r#"SELECT day,
                COALESCE(SUM(count) FILTER (WHERE kind = 'page'), 0)::bigint AS "views!",
                COALESCE(SUM(count) FILTER (WHERE kind = 'created'), 0)::bigint AS "servers_created!"
            FROM analytics_days
            WHERE day BETWEEN $1 AND $2 AND kind IN ('page', 'created')
            GROUP BY day"#,
            first,
            last,
        )
        .map(|row| DayRow {
            day: row.day,
            views: number(row.views),
            servers_created: number(row.servers_created),
        });
        self.bounded(sum.fetch_all(&self.db)).await
    }

    /// The most frequent names of each kind but those of dialogs; equal ones by name.
    async fn sum_names(&self, first: NaiveDate, last: NaiveDate) -> Result<Vec<NameRow>> {
        let sum = query!(
            r#"SELECT kind AS "kind!", name AS "name!", count AS "count!"
            FROM (
                SELECT kind, name, SUM(count)::bigint AS count,
                    row_number() OVER (PARTITION BY kind ORDER BY SUM(count) DESC, name COLLATE "C") AS place
                FROM analytics_days
                WHERE day BETWEEN $1 AND $2 AND kind IN ('page', 'browser', 'country')
                GROUP BY kind, name
            ) AS named
            WHERE place <= $3
            ORDER BY kind, place"#,
            first,
            last,
            MOST_NAMES,
        )
        .map(|row| NameRow { kind: row.kind, name: row.name, count: number(row.count) });
        self.bounded(sum.fetch_all(&self.db)).await
    }

    /// The dialogs that were shown most often.
    async fn sum_popovers(&self, first: NaiveDate, last: NaiveDate) -> Result<Vec<PopoverCount>> {
        let sum = query!(
            r#"SELECT name,
                COALESCE(SUM(count) FILTER (WHERE kind = 'shown'), 0)::bigint AS "shown!",
                COALESCE(SUM(count) FILTER (WHERE kind = 'executed'), 0)::bigint AS "executed!"
            FROM analytics_days
            WHERE day BETWEEN $1 AND $2 AND kind IN ('shown', 'executed')
            GROUP BY name
            ORDER BY 2 DESC, 3 DESC, name COLLATE "C"
            LIMIT $3"#,
            first,
            last,
            MOST_NAMES,
        )
        .map(|row| PopoverCount {
            name: row.name,
            shown: number(row.shown),
            executed: number(row.executed),
        });
        self.bounded(sum.fetch_all(&self.db)).await
    }

    /// Returns how many numbers there were.
    pub async fn delete_days_before(&self, day: NaiveDate) -> Result<u64> {
        let delete = query!("DELETE FROM analytics_days WHERE day < $1", day);
        Ok(self.bounded(delete.execute(&self.db)).await?.rows_affected())
    }

    /// Forgets which batches were added before then.
    pub async fn delete_batches_before(&self, at: DateTime<Utc>) -> Result<()> {
        let delete = query!("DELETE FROM analytics_batches WHERE added_at < $1", at);
        self.bounded(delete.execute(&self.db)).await?;
        Ok(())
    }

    async fn bounded<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::time::timeout(self.timeout, work).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }
}

impl Sums {
    /// What an operator is told about these days.
    pub fn report(
        self,
        rules: AnalyticsRules,
        knows_countries: bool,
        first: NaiveDate,
        last: NaiveDate,
    ) -> AnalyticsReport {
        let by_day: HashMap<NaiveDate, &DayRow> = self.days.iter().map(|row| (row.day, row)).collect();
        let day = |day: NaiveDate| {
            let (views, servers_created) =
                by_day.get(&day).map(|row| (row.views, row.servers_created)).unwrap_or_default();
            AnalyticsDay { day: day.to_string(), views, servers_created }
        };
        let of = |kind: Kind| -> Vec<NamedCount> {
            let rows = self.names.iter().filter(|row| row.kind == kind.text());
            rows.map(|row| NamedCount { name: row.name.clone(), count: row.count }).collect()
        };
        AnalyticsReport {
            rules,
            knows_countries,
            days: first.iter_days().take_while(|day| *day <= last).map(day).collect(),
            pages: of(Kind::Page),
            browsers: of(Kind::Browser),
            countries: of(Kind::Country),
            popovers: self.popovers,
        }
    }
}

fn number(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}
