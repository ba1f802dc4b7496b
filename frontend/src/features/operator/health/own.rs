//! The node that answers: what it needs, what waits in it, its database.

use api_types::operator::health::{DatabaseReport, HealthReport, NeedReport, QueueReport};

use super::{live_moment, live_state, part, state::Shown, texts};
use crate::{
    asked::Asked,
    ui::{
        El, Held, derived,
        description::description,
        el, format,
        table::{Cell, table},
    },
};

pub fn needs(report: Asked<HealthReport>) -> El {
    let names: Held<Vec<String>> = derived(move || {
        report.with(|report| {
            report.map(|it| it.needs.iter().map(|need| need.need.clone()).collect()).unwrap_or_default()
        })
    });
    let rows = move || {
        let rows = names.get().into_iter().map(|name| need_row(report, name)).collect();
        vec![table(texts::NEEDS_HEADS, rows).attr("data-testid", "need-table")]
    };
    part(texts::NEEDS, None, el("div").live_children(rows))
}

fn need_row(report: Asked<HealthReport>, name: String) -> Vec<Cell> {
    let label = texts::service_name(&name);
    let now: Held<Option<NeedReport>> =
        derived(move || report.with(|report| report?.needs.iter().find(|need| need.need == name).cloned()));
    let state = derived(move || {
        now.with(|now| match now {
            Some(need) if need.is_good && need.error.is_none() => Shown::good(texts::WORKS),
            Some(need) if need.is_good => Shown::wait(texts::WORKS_BUT),
            Some(_) => Shown::bad(texts::LACKING),
            None => Shown::rest(texts::UNKNOWN),
        })
    });
    let since = derived(move || now.with(|now| now.as_ref()?.since));
    let check = derived(move || {
        now.with(|now| match now {
            Some(NeedReport { error: Some(error), .. }) => texts::failure(error, None),
            Some(need) => texts::milliseconds(need.took_ms),
            None => String::new(),
        })
    });
    let follows = derived(move || {
        now.with(|now| {
            let conclusion = now.as_ref().and_then(|now| now.conclusion.as_ref());
            conclusion.map_or(texts::NOTHING, |it| texts::conclusion(it.is_out, &it.why))
        })
    });
    vec![
        Cell::Text(label),
        Cell::El(live_state(state)),
        Cell::El(live_moment(since, texts::UNKNOWN)),
        Cell::El(el("span").class("numbers").live_text(move || check.get())),
        Cell::El(el("span").live_text(move || follows.get().to_owned())),
    ]
}

pub fn queues(report: Asked<HealthReport>) -> El {
    let queues: Held<Vec<QueueReport>> =
        derived(move || report.with(|report| report.map(|it| it.queues.clone()).unwrap_or_default()));
    let late = derived(move || report.with(|report| report.map_or(0, |it| it.late_ms)));
    let draw = move || {
        let line = |name: String, value: String| {
            el("div")
                .class("description-item")
                .child(el("dt").text(&name))
                .child(el("dd").class("numbers").text(&value))
        };
        let queue = |queue: &QueueReport| {
            let waiting = queue.waiting.map_or_else(|| texts::UNKNOWN.to_owned(), format::number);
            line(texts::queue(&queue.queue), waiting)
        };
        let mut lines: Vec<El> = queues.with(|queues| queues.iter().map(queue).collect());
        lines.push(line(texts::LATE.to_owned(), texts::milliseconds(late.get())));
        vec![el("dl").class("description").children(lines)]
    };
    part(texts::QUEUES, None, el("div").attr("data-testid", "queues").live_children(draw))
}

pub fn database(report: Asked<HealthReport>) -> El {
    let database: Held<Option<DatabaseReport>> =
        derived(move || report.with(|report| report.and_then(|it| it.database.clone())));
    let draw = move || {
        database.with(|database| match database {
            Some(database) => vec![facts(database)],
            None => vec![el("p").class("nothing").text(texts::NO_DATABASE)],
        })
    };
    part(texts::DATABASE, None, el("div").attr("data-testid", "database").live_children(draw))
}

fn facts(database: &DatabaseReport) -> El {
    let text = |text: &str| el("span").class("numbers").text(text);
    let known = |size: Option<i64>| text(&size.map_or_else(|| texts::UNKNOWN.to_owned(), texts::size));
    let role = match (database.is_replica, database.replicas) {
        (true, _) => texts::REPLICA.to_owned(),
        (false, Some(count @ 1..)) => {
            texts::primary_with(&format::counted(count.unsigned_abs(), "replica", "replicas"))
        }
        (false, _) => texts::PRIMARY_ALONE.to_owned(),
    };
    let days = database.log_days.map(|days| format::counted(days.unsigned_abs(), "day", "days"));
    let log = match (database.log_bytes, days) {
        (Some(bytes), Some(days)) => texts::log_of(&texts::size(bytes), &days),
        _ => texts::UNKNOWN.to_owned(),
    };
    description(vec![
        (texts::HEARTBEAT, text(&texts::milliseconds(database.took_ms))),
        (texts::ROLE, text(&role)),
        (texts::CONNECTIONS, text(&texts::connections(database.connections, database.idle, database.most))),
        (texts::SIZE, known(database.size_bytes)),
        (texts::LOG, text(&log)),
        (texts::POSTGRESQL, text(database.version.as_deref().unwrap_or(texts::UNKNOWN))),
    ])
}
