//! The operator's quick filter over a log of millions of lines: from asking to the whole first page, over HTTP.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use api_types::{
    operator::logs::{LogPage, USUAL_LIMIT},
    routes,
};
use e2e::harness::panel::Panel;
use simcloud::{Cloud, CloudConfig, OPERATOR_USER, TEST_PASSWORD};
use sqlx::{Connection, PgConnection};

use crate::{
    postgres::{Postgres, execute},
    report::{Figure, Report, median, worst},
    visitor::Visitor,
};

/// Days the lines are spread over, the last of them yesterday.
const DAYS: u64 = 10;
/// Users, the first of them with a tenth of all lines.
const USERS: u64 = 5_000;

/// Generates so many lines, and asks.
pub async fn run(report: &mut Report, rows: u64) -> Result<()> {
    report.section(&format!(
        "The operator's quick filter over {rows} lines of {DAYS} days: asked over HTTP, the first {USUAL_LIMIT} lines \
         read whole"
    ));
    let postgres = Postgres::start("log-search", false)?;
    let cloud = Cloud::start(CloudConfig::default()).await?;
    let settings = [("DATABASE_URL".to_owned(), postgres.url().to_owned())];
    let panel = Panel::start(&cloud.keystone_url(), &settings).await?;
    generate(report, postgres.url(), rows).await?;
    let search = Search::start(&panel).await?;
    for asked in QUESTIONS {
        search.measure(report, asked).await?;
    }
    panel.stop().await?;
    cloud.shutdown().await;
    Ok(())
}

/// A kind of question, asked with several values.
struct Question {
    name: &'static str,
    /// The query, `{}` being a user's number.
    query: &'static str,
    users: &'static [u64],
    finds: Finds,
    goal_ms: Option<f64>,
}

#[derive(PartialEq)]
enum Finds {
    Full,
    /// Something for most of the values.
    Some,
    Nothing,
    /// As many as the time it is given allows.
    AsItGoes,
}

/// From the busiest to those with some hundred lines in ten million.
const EVERYBODY: &[u64] = &[0, 1, 2, 5, 11, 40, 150, 600, 1_500, 2_500, 3_500, 4_999];
const NOBODY: &[u64] = &[900_000, 900_001, 900_002, 900_003, 900_004];
const ONCE: &[u64] = &[0];

const QUESTIONS: &[Question] = &[
    question(
        "user and level (warn or higher)",
        "last=0&user=user-{}&level=warn",
        EVERYBODY,
        Finds::Some,
        true,
    ),
    question("user and level (error)", "last=0&user=user-{}&level=error", EVERYBODY, Finds::Some, true),
    question(
        "user and level (debug or higher)",
        "last=0&user=user-{}&level=debug",
        EVERYBODY,
        Finds::Some,
        true,
    ),
    question(
        "user and level, nothing found",
        "last=0&user=user-{}&level=error",
        NOBODY,
        Finds::Nothing,
        true,
    ),
    question("user", "last=0&user=user-{}", EVERYBODY, Finds::Some, true),
    question("level (error)", "last=0&level=error", ONCE, Finds::Full, true),
    question(
        "facility, level and a week",
        "last=604800&facility=upstream&level=warn",
        ONCE,
        Finds::Full,
        true,
    ),
    question("node and level", "last=0&node=node-2&level=error", ONCE, Finds::Full, true),
    question("request id", "request=req-{}", EVERYBODY, Finds::Some, true),
    question("user and a field", "last=0&user=user-{}&fields=status:504", EVERYBODY, Finds::Some, false),
    question("text that many lines have", "last=0&message=did+not+answer", ONCE, Finds::Full, false),
    question("text that no line has", "last=0&message=xyzzy", ONCE, Finds::AsItGoes, false),
];

const fn question(
    name: &'static str,
    query: &'static str,
    users: &'static [u64],
    finds: Finds,
    has_goal: bool,
) -> Question {
    let goal_ms = if has_goal { Some(200.0) } else { None };
    Question { name, query, users, finds, goal_ms }
}

/// The console, as its page asks.
struct Search {
    client: reqwest::Client,
    url: String,
    cookie: String,
}

impl Search {
    async fn start(panel: &Panel) -> Result<Self> {
        let operator = Visitor::sign_in(&panel.url(), OPERATOR_USER, TEST_PASSWORD).await?;
        let search = Self {
            client: reqwest::Client::builder().no_proxy().build()?,
            url: format!("{}{}", panel.url(), routes::OPERATOR_LOGS),
            cookie: operator.cookie,
        };
        // Keystone is asked whether it is an operator, once in some minutes.
        search.ask("last=60").await?;
        Ok(search)
    }

    async fn measure(&self, report: &mut Report, asked: &Question) -> Result<()> {
        let (mut took, mut hits) = (Vec::new(), 0);
        for user in asked.users {
            let value = match asked.name {
                "request id" => format!("{user:024x}"),
                _ => format!("{user:05}"),
            };
            let start = Instant::now();
            let page = self.ask(&asked.query.replace("{}", &value)).await?;
            took.push(start.elapsed().as_secs_f64() * 1000.0);
            let found = page.lines.len();
            hits += usize::from(found > 0);
            let is_right = match asked.finds {
                Finds::Full => found == USUAL_LIMIT as usize,
                Finds::Nothing => found == 0,
                Finds::Some | Finds::AsItGoes => true,
            };
            ensure!(is_right, "{} found {found} lines of {value}", asked.name);
            if asked.query.contains("user=") {
                let user = format!("user-{value}");
                let is_theirs = page.lines.iter().all(|line| line.user.as_deref() == Some(&user));
                ensure!(is_theirs, "{} found lines of others than {user}", asked.name);
            }
            ensure!(
                page.searched_to_us.is_none() || asked.goal_ms.is_none(),
                "{} was not searched to its end",
                asked.name
            );
        }
        ensure!(asked.finds != Finds::Some || 2 * hits > took.len(), "{} found nothing", asked.name);
        let goal = |figure: Figure| match asked.goal_ms {
            Some(most) => figure.at_most(most),
            None => figure,
        };
        if took.len() > 1 {
            let name = format!("log search: {}, median of {}", asked.name, took.len());
            report.add(Figure::new(name, median(took.clone()), "ms"));
            report.add(goal(Figure::new(format!("log search: {}, worst", asked.name), worst(&took), "ms")));
        } else {
            report.add(goal(Figure::new(format!("log search: {}", asked.name), worst(&took), "ms")));
        }
        Ok(())
    }

    async fn ask(&self, query: &str) -> Result<LogPage> {
        let answer =
            self.client.get(format!("{}?{query}", self.url)).header("cookie", &self.cookie).send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(status.is_success(), "{query} was answered with {status}: {text}");
        serde_json::from_str(&text).with_context(|| format!("{query} was answered with no page"))
    }
}

/// Fills the table, two days at a time, and tells what it took.
async fn generate(report: &mut Report, url: &str, rows: u64) -> Result<()> {
    let start = Instant::now();
    let of_day = rows.div_ceil(DAYS);
    let fill = |parity: u64| async move {
        let mut connection = PgConnection::connect(url).await?;
        for day in (1..=DAYS).filter(|day| day % 2 == parity) {
            fill_day(&mut connection, day, of_day).await.with_context(|| format!("day {day}"))?;
        }
        Ok::<_, anyhow::Error>(())
    };
    tokio::try_join!(fill(0), fill(1))?;
    let mut connection = PgConnection::connect(url).await?;
    execute(&mut connection, "SET maintenance_work_mem = '512MB'").await?;
    for day in 1..=DAYS {
        // The indexes are made here, on both processors.
        let attach = format!(
            "DO $$ BEGIN EXECUTE format(
                'ALTER TABLE log_lines ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                {NAME}, {BEGINS}, {BEGINS} + interval '1 day'); END $$;"
        );
        execute(&mut connection, &attach.replace("{day}", &day.to_string())).await?;
    }
    let ids = format!("SELECT setval('log_lines_id', {})", DAYS * of_day + 1);
    execute(&mut connection, &format!("{ids}; ANALYZE log_lines")).await?;
    report.add(Figure::new(
        format!("log search: generating {rows} lines"),
        start.elapsed().as_secs_f64(),
        "s",
    ));
    let statement = "
        SELECT sum(pg_table_size(relid))::float8, sum(pg_indexes_size(relid))::float8, sum(pg_stat_get_live_tuples(relid))::int8
        FROM pg_partition_tree('log_lines') WHERE isleaf";
    let (table, indexes, live): (f64, f64, i64) =
        sqlx::query_as(statement).fetch_one(&mut connection).await?;
    ensure!(live >= i64::try_from(rows)? * 9 / 10, "there are {live} lines, not {rows}");
    report.add(Figure::new("log search: size of the lines", table / 1e9, "GB"));
    report.add(Figure::new("log search: size of their indexes", indexes / 1e9, "GB"));
    Ok(())
}

/// Midnight of a day, in UTC; the partition it has.
const BEGINS: &str =
    "(date_trunc('day', now() AT TIME ZONE 'UTC') - interval '{day} days') AT TIME ZONE 'UTC'";
const NAME: &str = "'log_lines_' || to_char(date_trunc('day', now() AT TIME ZONE 'UTC') - interval '{day} days', 'YYYYMMDD')";

/// A day's lines, in the order of their time: who works much is seen much, most is routine, little is wrong.
async fn fill_day(connection: &mut PgConnection, day: u64, rows: u64) -> Result<()> {
    let create = format!(
        "DO $$ BEGIN EXECUTE format(
            'CREATE TABLE %I (LIKE log_lines INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', {NAME}); END $$;"
    );
    execute(connection, &create.replace("{day}", &day.to_string())).await?;
    let table: String =
        sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT {NAME}").replace("{day}", &day.to_string())))
            .fetch_one(&mut *connection)
            .await?;
    let insert = include_str!("log_search/lines.sql")
        .replace("{table}", &table)
        .replace("{begins}", BEGINS)
        .replace("{day}", &day.to_string())
        .replace("{rows}", &rows.to_string())
        .replace("{users}", &USERS.to_string())
        .replace("{first_id}", &((DAYS - day) * rows + 1).to_string());
    execute(connection, &insert).await
}
