//! Requests while what the panel's log and measurements go to is gone.

use std::time::Duration;

use anyhow::{Result, ensure};

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
        asked[1].1.push(visitor.image(&ground)?);
    }
    for (_, asked) in &asked {
        Load::closed(CONNECTIONS, Duration::from_secs(1)).run_as(asked).await?;
    }
    const TURNS: [Gone; 5] =
        [Gone::Nothing, Gone::Postgres, Gone::PostgresHangs, Gone::Statsd, Gone::NothingAgain];
    // Of each turn and kind of request, the median and the 99th percentile of every round.
    let mut seen = [[(); 2]; 5].map(|kinds| kinds.map(|()| (Vec::new(), Vec::new())));
    for round in 0..rounds {
        let mut turns: Vec<usize> = (0..TURNS.len()).collect();
        turns.rotate_left(round % TURNS.len());
        for turn in turns {
            take_away(&mut ground, &postgres, TURNS[turn]).await?;
            for (kind, (_, asked)) in asked.iter().enumerate() {
                let (p50, p99) = percentiles(asked).await?;
                seen[turn][kind].0.push(p50);
                seen[turn][kind].1.push(p99);
            }
            give_back(&mut ground, &postgres, TURNS[turn]).await?;
        }
    }
    for (kind, (name, _)) in asked.iter().enumerate() {
        let [usual, no_postgres, hanging, no_statsd, again] = [0, 1, 2, 3, 4].map(|turn| {
            let (p50, p99) = &seen[turn][kind];
            (median(p50.clone()), median(p99.clone()))
        });
        let figure = |what: &str, is: f64, usual: f64| {
            Figure::new(format!("{name}: {what}"), is * 1000.0, "µs").against(usual * 1000.0)
        };
        // On a machine that has other things to do, two turns alike differ by more than what is looked for.
        let noise = |again: f64, usual: f64, least: f64| least.max(1.1 * again.max(usual) / again.min(usual));
        let (p50, p99) = (noise(again.0, usual.0, 1.15), noise(again.1, usual.1, 1.5));
        report.add(figure("median latency, two turns with everything there", again.0, usual.0));
        report.add(figure("median latency without Postgres", no_postgres.0, usual.0).ratio_at_most(p50));
        report.add(figure("median latency, Postgres hangs", hanging.0, usual.0).ratio_at_most(p50));
        report.add(figure("median latency without statsd", no_statsd.0, usual.0).ratio_at_most(p50));
        report.add(figure("p99 latency, two turns with everything there", again.1, usual.1));
        report.add(figure("p99 latency without Postgres", no_postgres.1, usual.1).ratio_at_most(p99));
        report.add(figure("p99 latency, Postgres hangs", hanging.1, usual.1).ratio_at_most(p99));
        report.add(figure("p99 latency without statsd", no_statsd.1, usual.1).ratio_at_most(p99));
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

/// Milliseconds: the median and the 99th percentile of a turn.
async fn percentiles(asked: &[Asked]) -> Result<(f64, f64)> {
    let outcome = Load::paced(CONNECTIONS, TURN, PER_SECOND).run_as(asked).await?;
    ensure!(outcome.answers() as f64 > PER_SECOND * TURN.as_secs_f64() * 0.8, "the load fell behind");
    Ok((outcome.percentile_ms(50.0), outcome.percentile_ms(99.0)))
}
