//! The list in Chromium: ours and the React reference, on the same rows, in turns.
//!
//! Ours reads the binary form of the stream, the reference its JSON lines; the same events, one form each.

use anyhow::{Context, Result};
use e2e::{Setup, until};
use serde_json::json;

use crate::{
    again,
    report::{Figure, Report, median, worst},
    world::{Opening, World},
};

/// What one program showed in all rounds.
#[derive(Default)]
struct Rounds {
    openings: Vec<Opening>,
    memory: Vec<(f64, f64)>,
    keys: Vec<f64>,
    keys_while_loading: Vec<f64>,
    tasks_while_loading: Vec<f64>,
    /// Per column, in the order of [`COLUMNS`].
    sorts: Vec<Vec<f64>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Program {
    Ours,
    React,
}

/// What is sorted by: every column that is shown.
const COLUMNS: [&str; 8] = ["name", "status", "tags", "addresses", "region", "flavor", "image", "created"];

/// Typed into the search field, key by key, and taken away again.
const TYPED: &str = "web-12";

/// Measures with so many servers.
pub async fn run(report: &mut Report, servers: usize, rounds: usize) -> Result<()> {
    report.section(&format!(
        "The list with {servers} servers in Chromium, against React + TanStack Virtual (same rows and stream; ours \
         reads it in binary frames, the reference as JSON lines; {rounds} rounds in turns, medians)"
    ));
    let world = World::start(Setup::web_shop(servers)).await?;
    world.warm_up().await?;
    if servers >= 100_000 {
        crate::node::memory(report, &world, servers)?;
    }
    let mut ours = Rounds::default();
    let mut react = Rounds::default();
    // The first opening of each is not counted: it fills the browser's caches of files and code.
    world.open(&world.our_list()).await?;
    world.open(&world.reference("list")).await?;
    for round in 0..rounds {
        let mut turns = [Program::Ours, Program::React];
        turns.rotate_left(round % 2);
        for program in turns {
            let seen = if program == Program::Ours { &mut ours } else { &mut react };
            one_round(&world, program, seen, servers).await?;
        }
    }
    compare(report, servers, &ours, &react);
    let (alone, bytes) = again::receive_alone(&world, rounds).await?;
    report_fetch(report, servers, "", &ours.openings, alone);
    if servers >= 100_000 {
        on_a_line(report, &world, servers, rounds).await?;
    }
    report.add(Figure::new(format!("list {servers}: bytes of the stream"), bytes / 1e6, "MB"));
    again::measure(report, &world, servers, rounds, alone).await?;
    if servers == 10_000 {
        all_in_the_document(report, &world, servers, &ours, rounds).await?;
    }
    world.stop().await
}

async fn one_round(world: &World, program: Program, seen: &mut Rounds, servers: usize) -> Result<()> {
    let url = if program == Program::Ours { world.our_list() } else { world.reference("list") };
    seen.openings.push(world.open(&url).await?);
    let total: String = attribute(world, "data-total").await?;
    anyhow::ensure!(total == servers.to_string(), "{total} servers are complete, not {servers}");
    seen.memory.push(world.memory_mb().await?);
    seen.keys.push(worst(&type_and_measure(world).await?));
    for (at, column) in COLUMNS.iter().enumerate() {
        if seen.sorts.len() <= at {
            seen.sorts.push(Vec::new());
        }
        seen.sorts[at].push(sort_and_measure(world, column).await?);
    }
    // So slow that there is time to type: about two seconds for the whole list.
    world
        .proxy
        .slow_streams_to((servers as u64 * if program == Program::Ours { 80 } else { 500 } / 2).max(20_000));
    let (key, task) = type_while_loading(world, &url).await?;
    seen.keys_while_loading.push(key);
    seen.tasks_while_loading.push(task);
    world.proxy.slow_streams_to(0);
    Ok(())
}

fn compare(report: &mut Report, servers: usize, ours: &Rounds, react: &Rounds) {
    let is_large = servers == 100_000;
    let of = |rounds: &Rounds, value: &dyn Fn(&Opening) -> f64| {
        median(rounds.openings.iter().map(value).collect())
    };
    let figure = |name: &str, unit: &str, ours: f64, react: f64| {
        Figure::new(format!("list {servers}: {name}"), ours, unit).against(react)
    };
    let first = |rounds: &Rounds| of(rounds, &|opening| opening.first_row);
    let goal = |figure: Figure, most: f64| if is_large { figure.ratio_at_most(most) } else { figure };
    report.add(goal(figure("navigation to first row painted", "ms", first(ours), first(react)), 1.0));
    let complete = |rounds: &Rounds| of(rounds, &|opening| opening.complete);
    report.add(goal(figure("navigation to complete", "ms", complete(ours), complete(react)), 0.45));
    let worst_of = |rounds: &Rounds, value: &dyn Fn(&Opening) -> f64| {
        worst(&rounds.openings.iter().map(value).collect::<Vec<_>>())
    };
    let longest = |rounds: &Rounds| worst_of(rounds, &Opening::longest_task);
    report.add(
        figure("longest task, worst round (0: none over 50)", "ms", longest(ours), longest(react))
            .at_most(50.0),
    );
    let blocking = |rounds: &Rounds| worst_of(rounds, &Opening::total_blocking);
    report
        .add(figure("total blocking time, worst round", "ms", blocking(ours), blocking(react)).at_most(0.0));
    let shift = |rounds: &Rounds| worst_of(rounds, &|opening| opening.layout_shift);
    report.add(figure("layout shift, worst round", "CLS", shift(ours), shift(react)).at_most(0.005));
    let keys = |rounds: &Rounds| worst(&rounds.keys);
    report.add(figure("worst keystroke to its result painted", "ms", keys(ours), keys(react)).at_most(50.0));
    let loading = |rounds: &Rounds| worst(&rounds.keys_while_loading);
    report.add(
        figure("worst keystroke to next paint while loading", "ms", loading(ours), loading(react))
            .at_most(50.0),
    );
    let task = |rounds: &Rounds| worst(&rounds.tasks_while_loading);
    report.add(
        figure("longest task while typing and loading (0: none over 50)", "ms", task(ours), task(react))
            .at_most(50.0),
    );
    for (at, column) in COLUMNS.iter().enumerate() {
        let sort = |rounds: &Rounds| median(rounds.sorts[at].clone());
        report
            .add(figure(&format!("sort by {column} to paint"), "ms", sort(ours), sort(react)).at_most(50.0));
    }
    let heap = |rounds: &Rounds| median(rounds.memory.iter().map(|(heap, _)| *heap).collect());
    report.add(figure("script heap", "MB", heap(ours), heap(react)));
    let wasm = |rounds: &Rounds| median(rounds.memory.iter().map(|(_, wasm)| *wasm).collect());
    report.add(Figure::new(format!("list {servers}: wasm memory"), wasm(ours), "MB"));
    let both = |rounds: &Rounds| heap(rounds) + wasm(rounds);
    report.add(goal(figure("script heap and wasm memory", "MB", both(ours), both(react)), 0.75));
}

/// From the start of the fetch to complete, against receiving the same bytes and doing nothing.
fn report_fetch(report: &mut Report, servers: usize, where_to: &str, ours: &[Opening], alone: f64) {
    let processed = median(ours.iter().map(|opening| opening.complete - opening.fetch).collect());
    let name = format!("list {servers}: fetch to complete{where_to}, against receiving alone");
    let figure = Figure::new(name, processed, "ms").against(alone);
    report.add(if servers == 100_000 { figure.ratio_at_most(2.0) } else { figure });
}

/// The same on a line as people have them. Without one the bytes are here in less time than a screenful takes to draw.
async fn on_a_line(report: &mut Report, world: &World, servers: usize, rounds: usize) -> Result<()> {
    const MBIT_PER_SECOND: u64 = 100;
    world.proxy.slow_streams_to(MBIT_PER_SECOND * 1_000_000 / 8);
    let (alone, _) = again::receive_alone(world, rounds).await?;
    let mut openings = Vec::new();
    for _ in 0..rounds {
        openings.push(world.open(&world.our_list()).await?);
    }
    world.proxy.slow_streams_to(0);
    report_fetch(report, servers, &format!(" at {MBIT_PER_SECOND} Mbit/s"), &openings, alone);
    Ok(())
}

/// All rows in the document, against a table of the same rows inserted at once.
async fn all_in_the_document(
    report: &mut Report,
    world: &World,
    servers: usize,
    ours: &Rounds,
    rounds: usize,
) -> Result<()> {
    world.open(&world.our_list()).await?;
    let script = "return document.querySelectorAll('[role=row][data-id]').length;";
    let in_document: usize = world.browser().run(script, Vec::new()).await?;
    let mut at_once = Vec::new();
    let mut longest = Vec::new();
    for _ in 0..rounds {
        let opening = world.open(&world.reference("table")).await?;
        longest.push(opening.longest_task());
        at_once.push(opening.complete);
    }
    let name = format!("list {servers}: rows in the document when complete");
    report.add(Figure::new(name, in_document as f64, "rows").at_least(servers as f64));
    let complete = median(ours.openings.iter().map(|opening| opening.complete).collect());
    let name = format!("list {servers}: complete, against inserting the same table at once");
    report.add(Figure::new(name, complete, "ms").against(median(at_once)).ratio_at_most(0.2));
    let name = format!("list {servers}: longest task, against inserting the same table at once");
    let ours_longest = worst(&ours.openings.iter().map(Opening::longest_task).collect::<Vec<_>>());
    report.add(Figure::new(name, ours_longest, "ms").against(median(longest)).at_most(50.0));
    Ok(())
}

/// Types into the search field and takes it away again; milliseconds of every key whose result showed.
async fn type_and_measure(world: &World) -> Result<Vec<f64>> {
    focus_search(world).await?;
    let mut measured = Vec::new();
    for key in TYPED.chars().map(Some).chain(TYPED.chars().map(|_| None)) {
        arm(world, "keydown").await?;
        press(world, key).await?;
        measured.extend(result(world).await?);
    }
    anyhow::ensure!(!measured.is_empty(), "no key changed the table");
    Ok(measured)
}

/// Types while the list arrives: the worst key, in milliseconds to the next paint, and the longest task. A key that
/// stays below the 16 ms that the browser's event timing tells about counts as 16.
async fn type_while_loading(world: &World, url: &str) -> Result<(f64, f64)> {
    let browser = world.browser();
    world.leave().await?;
    // Assigned, not navigated to by the driver: that would come back only when the page is loaded.
    let _: bool = browser.run("location.href = arguments[0]; return true;", vec![url.into()]).await?;
    until("the search field", async || {
        let script = "
            const field = document.querySelector('input[type=search]');
            const isReady = field && document.querySelector('[role=row][data-id]');
            if (isReady) field.focus();
            return Boolean(isReady);";
        Ok(browser.run::<bool>(script, Vec::new()).await?.then_some(()))
    })
    .await?;
    let mut typed = 0;
    for key in TYPED.chars().map(Some).chain(TYPED.chars().map(|_| None)).cycle() {
        if attribute(world, "data-state").await? == "complete" {
            break;
        }
        press(world, key).await?;
        typed += 1;
    }
    anyhow::ensure!(typed > 0, "the list was complete before a key could be pressed");
    let longest_task = world.opening().await?.longest_task();
    let keys: Vec<(f64, f64)> = browser.run("return window.meridianProbe.keys;", Vec::new()).await?;
    let worst_key = worst(&keys.iter().map(|(_, duration)| *duration).collect::<Vec<_>>());
    Ok((worst_key.max(16.0), longest_task))
}

async fn sort_and_measure(world: &World, column: &str) -> Result<f64> {
    let browser = world.browser();
    let script = "
        const head = document.querySelector(`[role=columnheader][data-column=${arguments[0]}] button`);
        const box = head.getBoundingClientRect();
        return [box.x + Math.min(box.width, 40) / 2, box.y + box.height / 2];";
    let (x, y): (f64, f64) = browser.run(script, vec![column.into()]).await?;
    arm(world, "click").await?;
    for (kind, buttons) in [("mouseMoved", 0), ("mousePressed", 1), ("mouseReleased", 0)] {
        let event = json!({
            "type": kind, "x": x, "y": y, "button": "left", "buttons": buttons, "clickCount": 1 });
        browser.cdp("Input.dispatchMouseEvent", event).await?;
    }
    result(world).await?.with_context(|| format!("sorting by {column} changed nothing"))
}

async fn focus_search(world: &World) -> Result<()> {
    let script = "document.querySelector('input[type=search]').focus(); return true;";
    let _: bool = world.browser().run(script, Vec::new()).await?;
    Ok(())
}

/// Presses a key as a keyboard does; `None` is Backspace.
async fn press(world: &World, key: Option<char>) -> Result<()> {
    let (down, up) = match key {
        Some(key) => (
            json!({ "type": "keyDown", "key": key.to_string(), "text": key.to_string() }),
            json!({ "type": "keyUp", "key": key.to_string() }),
        ),
        None => (
            json!({ "type": "rawKeyDown", "key": "Backspace", "code": "Backspace", "windowsVirtualKeyCode": 8 }),
            json!({ "type": "keyUp", "key": "Backspace", "code": "Backspace", "windowsVirtualKeyCode": 8 }),
        ),
    };
    world.browser().cdp("Input.dispatchKeyEvent", down).await?;
    world.browser().cdp("Input.dispatchKeyEvent", up).await?;
    Ok(())
}

async fn arm(world: &World, kind: &str) -> Result<()> {
    let script = "window.meridianMeasured = window.meridianProbe.measure(arguments[0]); return true;";
    let _: bool = world.browser().run(script, vec![kind.into()]).await?;
    Ok(())
}

/// What [`arm`] was armed for, in milliseconds; `None` when nothing changed.
async fn result(world: &World) -> Result<Option<f64>> {
    let script = "window.meridianMeasured.then(arguments[arguments.length - 1]);";
    world.browser().run_async(script, Vec::new()).await
}

async fn attribute(world: &World, name: &str) -> Result<String> {
    let script = "return document.querySelector('[data-testid=server-table]').getAttribute(arguments[0]);";
    world.browser().run(script, vec![name.into()]).await
}
