//! Requests while what the panel's log and measurements go to is gone.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use api_types::routes::{REQUEST_ID_HEADER, SIGN_IN};
use e2e::until;

use crate::{
    ground::Ground,
    load::{Asked, Load},
    postgres::Postgres,
    report::{Figure, Report, median},
};

/// Each with a session of its own.
const CONNECTIONS: usize = 16;
const PER_SECOND: f64 = 400.0;
const TURN: Duration = Duration::from_secs(4);
/// By so much two turns of a quiet machine differ by themselves.
const LARGEST_MEDIAN: f64 = 1.15;
const LARGEST_P99: f64 = 1.5;

/// Two kinds of request at an even rate: the session's page, which the panel answers from its memory, and a call that is
/// passed on.
pub async fn run(report: &mut Report, rounds: usize) -> Result<()> {
    report.section(&format!(
        "{PER_SECOND} requests a second while Postgres or statsd is gone, against all being there ({rounds} rounds in \
         turns, medians)"
    ));
    let postgres = Postgres::start("outages", false)?;
    let settings = vec![("DATABASE_URL".to_owned(), postgres.url().to_owned())];
    let mut ground = Ground::start(settings).await?;
    let mut asked = [("session", Vec::new()), ("passed on", Vec::new())];
    for _ in 0..CONNECTIONS {
        let visitor = ground.visitor().await?;
        asked[0].1.push(visitor.session()?);
        asked[1].1.push(visitor.image(&ground.cloud)?);
    }
    for (_, asked) in &asked {
        Load::closed(CONNECTIONS, Duration::from_secs(1)).run_as(asked).await?;
    }
    const TURNS: [Gone; 5] =
        [Gone::Nothing, Gone::Postgres, Gone::PostgresHangs, Gone::Statsd, Gone::NothingAgain];
    // Of each turn and kind of request, the median and the 99th percentile of every round.
    let mut seen = [[(); 2]; 5].map(|kinds| kinds.map(|()| Vec::new()));
    for round in 0..rounds {
        let mut turns: Vec<usize> = (0..TURNS.len()).collect();
        turns.rotate_left(round % TURNS.len());
        for turn in turns {
            take_away(&mut ground, &postgres, TURNS[turn]).await?;
            for (kind, (_, asked)) in asked.iter().enumerate() {
                seen[turn][kind].push(percentiles(asked).await?);
            }
            give_back(&mut ground, &postgres, TURNS[turn]).await?;
            catch_up(&ground, &postgres).await?;
        }
    }
    for (kind, (name, _)) in asked.iter().enumerate() {
        let of = |turns: &[usize]| {
            let rounds = || turns.iter().flat_map(|turn| &seen[*turn][kind]);
            let p50 = median(rounds().map(|(p50, _)| *p50).collect());
            (p50, median(rounds().map(|(_, p99)| *p99).collect()))
        };
        // What is measured against is all that was seen with everything there, in both turns of it.
        let (usual, first, again) = (of(&[0, 4]), of(&[0]), of(&[4]));
        let figure = |what: &str, is: f64, usual: f64| {
            Figure::new(format!("{name}: {what}"), is * 1000.0, "µs").against(usual * 1000.0)
        };
        for (which, most, at) in [
            ("median", LARGEST_MEDIAN, (|of| of.0) as fn((f64, f64)) -> f64),
            ("p99", LARGEST_P99, |of| of.1),
        ] {
            let (first, again, usual) = (at(first), at(again), at(usual));
            // Where these two differ by more, the machine is too busy to say anything about the others.
            let alike = figure(
                &format!("{which} latency, two turns with everything there"),
                first.max(again),
                first.min(again),
            );
            report.add(alike.ratio_at_most(most));
            for (what, turn) in [("without Postgres", 1), ("Postgres hangs", 2), ("without statsd", 3)] {
                let figure = figure(&format!("{which} latency, {what}"), at(of(&[turn])), usual);
                report.add(figure.ratio_at_most(most));
            }
        }
    }
    ground.stop().await
}

/// What is gone in a turn.
#[derive(Clone, Copy, PartialEq)]
enum Gone {
    Nothing,
    Postgres,
    /// Connections to it stay open, and nothing comes.
    PostgresHangs,
    Statsd,
    /// Nothing as well: how far two turns differ by themselves.
    NothingAgain,
}

async fn take_away(ground: &mut Ground, postgres: &Postgres, gone: Gone) -> Result<()> {
    match gone {
        Gone::Nothing | Gone::NothingAgain => {}
        Gone::Postgres => postgres.stop()?,
        Gone::PostgresHangs => postgres.freeze(true)?,
        Gone::Statsd => ground.stop_statsd().await,
    }
    Ok(())
}

async fn give_back(ground: &mut Ground, postgres: &Postgres, gone: Gone) -> Result<()> {
    match gone {
        Gone::Nothing | Gone::NothingAgain => {}
        Gone::Postgres => postgres.start_again()?,
        Gone::PostgresHangs => postgres.freeze(false)?,
        Gone::Statsd => ground.start_statsd().await?,
    }
    Ok(())
}

/// Waits until the lines that waited for Postgres are stored, or the turn after it would be measured while they are. Lines
/// are stored in the order they came, so a request made now is told of after all of them.
async fn catch_up(ground: &Ground, postgres: &Postgres) -> Result<()> {
    let client = reqwest::Client::new();
    let mut connection = postgres.connect().await?;
    let mut asked = Vec::new();
    until("the log to be stored", async || {
        // Another one each time: what finds no room meanwhile is lost.
        let answer = client.get(format!("{}{}", ground.panel.url(), SIGN_IN)).send().await?;
        let id = answer.headers().get(REQUEST_ID_HEADER).context("an answer without a request id")?;
        asked.push(id.to_str()?.to_owned());
        let stored = sqlx::query_scalar("SELECT 1 FROM log_lines WHERE request_id = ANY($1) LIMIT 1");
        Ok(stored.bind(&asked).fetch_optional(&mut connection).await?.map(|_: i32| ()))
    })
    .await
}

/// Milliseconds: the median and the 99th percentile of a turn.
async fn percentiles(asked: &[Asked]) -> Result<(f64, f64)> {
    let outcome = Load::paced(CONNECTIONS, TURN, PER_SECOND).run_as(asked).await?;
    ensure!(outcome.answers() as f64 > PER_SECOND * TURN.as_secs_f64() * 0.8, "the load fell behind");
    Ok((outcome.percentile_ms(50.0), outcome.percentile_ms(99.0)))
}
