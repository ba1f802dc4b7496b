//! What is logged at the moment, and what is changed of it for a while: "debug this customer for ten minutes".

use api_types::{
    operator::logs::{LevelOverride, LogLevels, SetLogLevel},
    routes,
};
use leptos::{prelude::*, task::spawn_local};
use web_sys::Event;

use super::{address::Asked, texts};
use crate::{
    api_client::{ApiError, Call},
    asked::{Asked as Answer, ask},
    ui::{
        BannerKind, El, Held, Icon,
        banner::text_banner,
        choice::{button, labelled, line, select},
        dialog::titled_dialog,
        el,
        element::icon,
        format,
        table::{Cell, table},
        time::use_seconds,
    },
};

/// The button and its dialog. The form begins with the user that is looked for.
pub fn levels_button(asked: Held<Asked>) -> El {
    let is_open = RwSignal::new(false);
    let open = el("button")
        .attr("type", "button")
        .class("button")
        .child(icon(Icon::Info))
        .text(texts::LEVELS_BUTTON)
        .on("click", move |_| is_open.set(true));
    let content = move || {
        let user = asked.with_untracked(|asked| asked.query.user.clone()).unwrap_or_default();
        levels_panel(user)
    };
    let title = || texts::LEVELS_TITLE.to_owned();
    el("div").class("part").child(open).child(titled_dialog(is_open, "dialog wide", title, content))
}

fn levels_panel(user: String) -> El {
    let levels = ask(|_| Some(Box::pin(list_levels())));
    let problem = Held::new(None::<String>);
    let was_set = Held::new(None::<LevelOverride>);
    let told = move |outcome: Result<Option<LevelOverride>, ApiError>| {
        problem.set(outcome.as_ref().err().map(ApiError::message));
        was_set.set(outcome.ok().flatten());
        levels.refetch();
    };
    let problem_note = el("div").attr("role", "alert").live_children(move || {
        let note = problem.get().map(|text| text_banner(BannerKind::Failure, None, &text, None));
        note.into_iter().collect()
    });
    let set_note = el("p")
        .class("field-note")
        .attr("role", "status")
        .live_text(move || was_set.with(|set| set.as_ref().map(texts::was_set).unwrap_or_default()));
    let end = Callback::new(move |id: String| {
        spawn_local(
            async move { told(Call::delete(routes::operator_level(&id)).done().await.map(|()| None)) },
        );
    });
    let send = Callback::new(move |wanted: SetLogLevel| {
        spawn_local(async move {
            told(Call::post(routes::OPERATOR_LEVELS).body(&wanted).json().await.map(Some));
        });
    });
    el("div")
        .class("log-levels")
        .child(current(levels, end))
        .child(el("h3").text(texts::SET_TITLE))
        .child(problem_note)
        .child(set_form(user, send))
        .child(set_note)
}

async fn list_levels() -> Result<LogLevels, ApiError> {
    let levels = Call::get(routes::OPERATOR_LEVELS).json().await?;
    Ok(by_own_clock(levels, format::now()))
}

/// What is left is counted by the browser's clock, and nodes' clocks may be minutes from it.
fn by_own_clock(mut levels: LogLevels, now: i64) -> LogLevels {
    for set in &mut levels.overrides {
        set.until += now - levels.at;
        set.set_at += now - levels.at;
    }
    levels.at = now;
    levels
}

fn current(levels: Answer<LogLevels>, end: Callback<String>) -> El {
    let now = use_seconds();
    levels.drawn(move |levels| {
        let configured = el("p")
            .class("page-about")
            .text(texts::CONFIGURED)
            .text(" ")
            .child(el("code").text(&levels.configured))
            .text(&texts::on_node(&levels.node));
        let place = el("div").child(configured);
        if levels.overrides.is_empty() {
            return place.child(el("p").class("nothing").text(texts::NOTHING_SET));
        }
        let row = |set: &LevelOverride| {
            let (id, until) = (set.id.clone(), set.until);
            let left = el("span")
                .class("numbers")
                .live_text(move || format::countdown(u64::try_from(until - now.get()).unwrap_or_default()));
            let whose = set.user.clone().unwrap_or_else(|| texts::EVERYBODY.to_owned());
            let not_here =
                (set.is_signed_in == Some(false)).then(|| el("span").class("nothing").text(texts::NOT_HERE));
            let whose_cell =
                el("span").child(el("span").class("foreign").text(&whose)).text(" ").child_if(not_here);
            let why = format!("{} ({})", set.because, set.set_by);
            let stop = button("button quiet", texts::END, move || end.run(id.clone()))
                .attr("aria-label", &texts::end_of(&whose));
            vec![
                Cell::El(whose_cell),
                Cell::Mono(set.filter.clone()),
                Cell::El(left),
                Cell::Text(why),
                Cell::El(stop),
            ]
        };
        place.child(table(&texts::LEVEL_HEADS, levels.overrides.iter().map(row).collect()))
    })
}

fn set_form(user: String, send: Callback<SetLogLevel>) -> El {
    let wanted = Held::new(SetLogLevel {
        user: Some(user),
        filter: "debug".to_owned(),
        minutes: 10,
        because: String::new(),
    });
    let input = || el("input").attr("type", "text").attr("autocomplete", "off").attr("maxlength", "300");
    let whose = line(
        texts::WHOSE,
        Some(texts::WHOSE_HINT),
        input(),
        move || wanted.with(|wanted| wanted.user.clone().unwrap_or_default()),
        move |user| wanted.update(|wanted| wanted.user = Some(user)),
    );
    let filter = line(
        texts::LEVEL,
        Some(texts::FILTER_HINT),
        input().attr("required", ""),
        move || wanted.with(|wanted| wanted.filter.clone()),
        move |filter| wanted.update(|wanted| wanted.filter = filter),
    );
    let minutes = select(
        || texts::MINUTES.iter().map(|(minutes, words)| (minutes.to_string(), (*words).to_owned())).collect(),
        move || wanted.with(|wanted| wanted.minutes.to_string()),
        move |minutes| wanted.update(|wanted| wanted.minutes = minutes.parse().unwrap_or(10)),
    );
    let because = line(
        texts::BECAUSE,
        Some(texts::BECAUSE_HINT),
        input().attr("required", ""),
        move || wanted.with(|wanted| wanted.because.clone()),
        move |because| wanted.update(|wanted| wanted.because = because),
    );
    let set = el("button").attr("type", "submit").class("button primary").text(texts::SET);
    el("form")
        .class("form")
        .child(whose)
        .child(filter)
        .child(labelled(texts::HOW_LONG, None, minutes))
        .child(because)
        .child(el("div").class("form-actions").child(set))
        .on("submit", move |event: Event| {
            event.prevent_default();
            send.run(wanted.get_untracked());
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_does_not_depend_on_the_browsers_clock() {
        let set = LevelOverride {
            id: "1".to_owned(),
            user: None,
            filter: "debug".to_owned(),
            until: 1_600,
            set_by: "operator".to_owned(),
            set_at: 1_000,
            because: "ticket 17".to_owned(),
            is_signed_in: None,
        };
        let levels = LogLevels { at: 1_010, overrides: vec![set], ..LogLevels::default() };
        for now in [1_010, 0, 90_000] {
            let own = by_own_clock(levels.clone(), now);
            assert_eq!((own.at, own.overrides[0].until), (now, now + 590));
        }
    }
}
