//! The quick filter: every field of it is in the page's address.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::Event;

use super::{
    address::{Asked, PATH},
    moments, texts,
};
use crate::{
    api_client::ApiError,
    router::{Step, use_router},
    ui::{
        El, Held, Icon,
        choice::{check_with, labelled, select, text_input},
        derived,
        dom::unique_id,
        effect::live,
        el,
        element::icon,
    },
};

/// A field that may hold what cannot be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    Message,
    Fields,
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    pub field: Field,
    pub words: String,
}

impl Wrong {
    /// Where a failure is one of what was written into a field.
    pub fn of(failure: &ApiError) -> Option<Self> {
        let field = match failure.code() {
            "invalid_pattern" => Field::Message,
            "invalid_fields" => Field::Fields,
            _ => return None,
        };
        Some(Self { field, words: failure.message() })
    }
}

/// The form. It shows what was asked for, and asks when it is sent or a choice is made. What is wrong with a field is
/// told there.
pub fn filter_form(asked: Held<Asked>, wrong: Held<Option<Wrong>>) -> El {
    let draft = Held::new(Asked::default());
    live(move || draft.set(asked.get().newest()));
    let router = use_router();
    let send = move || router.go(&draft.get_untracked().href(), Step::Push);
    // What is chosen needs no button.
    let choose = move |change: &dyn Fn(&mut Asked)| {
        draft.update(|draft| change(draft));
        send();
    };
    let is_custom = RwSignal::new(false);
    live(move || {
        let is_dated = asked.with(|asked| asked.query.from.is_some() || asked.query.to.is_some());
        is_custom.set(is_dated);
    });

    let message = text_input(
        text("search").attr("id", "log-message").attr("placeholder", texts::MESSAGE_HINT),
        move || draft.with(|draft| draft.query.message.clone().unwrap_or_default()),
        move |text| draft.update(|draft| draft.query.message = Some(text)),
    )
    .attr("aria-label", texts::MESSAGE);
    let (message, message_note) = told_at(message, Field::Message, wrong);
    let pattern = check_with(
        texts::PATTERN,
        None,
        move || draft.with(|draft| draft.query.pattern),
        move |is_pattern| draft.update(|draft| draft.query.pattern = is_pattern),
    );
    let times = select(
        || pairs(&texts::TIMES),
        move || {
            if is_custom.get() {
                return texts::CUSTOM.to_owned();
            }
            draft.with(|draft| draft.last().map(|last| last.to_string()).unwrap_or_default())
        },
        move |last| {
            is_custom.set(last == texts::CUSTOM);
            if last != texts::CUSTOM {
                choose(&|draft| {
                    (draft.query.from, draft.query.to) = (None, None);
                    draft.query.last = last.parse().ok();
                });
            }
        },
    );
    let levels = select(
        || pairs(&texts::LEVELS),
        move || draft.with(|draft| draft.query.level.clone().unwrap_or_default()),
        move |level| {
            choose(&|draft| draft.query.level = Some(level.clone()).filter(|level| !level.is_empty()))
        },
    );
    let facilities = select(
        || pairs(&texts::FACILITIES),
        move || draft.with(|draft| draft.query.facility.clone().unwrap_or_default()),
        move |key| choose(&|draft| draft.query.facility = Some(key.clone()).filter(|key| !key.is_empty())),
    );
    let user = line(texts::USER, text("text"), draft, |asked| &mut asked.query.user);
    let request = line(texts::REQUEST, text("text"), draft, |asked| &mut asked.query.request);
    let host = line(texts::HOST, text("text"), draft, |asked| &mut asked.query.node);
    let session = line(texts::SESSION, text("text"), draft, |asked| &mut asked.query.session);
    let fields = text("text").attr("placeholder", texts::FIELDS_HINT);
    let (fields, fields_note) = told_at(fields, Field::Fields, wrong);
    let fields = line(texts::FIELDS, fields, draft, |asked| &mut asked.query.fields).child(fields_note);
    let dates = move || {
        if !is_custom.get() {
            return Vec::new();
        }
        vec![
            date(texts::FROM, draft, |asked| &mut asked.query.from),
            date(texts::TO, draft, |asked| &mut asked.query.to),
        ]
    };
    let search = el("div").class("log-search").child(icon(Icon::Search)).child(message);
    let buttons = el("div")
        .class("form-actions")
        .child(el("button").attr("type", "submit").class("button primary").text(texts::SEARCH))
        .child(el("a").class("button quiet").attr("href", PATH).text(texts::CLEAR));
    el("form")
        .class("log-filter")
        .attr("role", "search")
        .attr("aria-label", texts::FILTER)
        .child(el("div").class("log-filter-first").child(search).child(pattern).child(buttons))
        .child(message_note)
        .child(
            el("div")
                .class("log-filter-fields")
                .child(labelled(texts::TIMEFRAME, None, times))
                .child(el("div").class("log-dates").live_children(dates))
                .child(labelled(texts::LEVEL, None, levels))
                .child(user)
                .child(request)
                .child(labelled(texts::FACILITY, None, facilities))
                .child(host)
                .child(session)
                .child(fields),
        )
        .on("submit", move |event: Event| {
            event.prevent_default();
            send();
        })
}

/// The input, and the place for what is wrong with it.
fn told_at(input: El, field: Field, wrong: Held<Option<Wrong>>) -> (El, El) {
    let words = derived(move || {
        wrong.with(|wrong| Some(wrong.as_ref().filter(|wrong| wrong.field == field)?.words.clone()))
    });
    let id = unique_id("wrong");
    let described_by = id.clone();
    let is_wrong = move || words.with(Option::is_some);
    let input = input
        .live_attr("aria-invalid", move || is_wrong().then(|| "true".to_owned()))
        .live_attr("aria-describedby", move || is_wrong().then(|| described_by.clone()));
    let note = el("p")
        .attr("id", &id)
        .class("field-note error")
        .attr("role", "alert")
        .live_attr("hidden", move || (!is_wrong()).then(String::new))
        .live_text(move || words.get().unwrap_or_default());
    (input, note)
}

type Place = fn(&mut Asked) -> &mut Option<String>;

fn line(label: &str, input: El, draft: Held<Asked>, place: Place) -> El {
    let value = move || {
        let mut draft = draft.get();
        place(&mut draft).take().unwrap_or_default()
    };
    let input = text_input(input, value, move |text| draft.update(|draft| *place(draft) = Some(text)));
    labelled(label, None, input)
}

fn date(label: &str, draft: Held<Asked>, place: Place) -> El {
    let value = move || {
        let mut draft = draft.get();
        place(&mut draft).as_deref().map(moments::as_local).unwrap_or_default()
    };
    let change = move |local: String| {
        draft.update(|draft| {
            *place(draft) = moments::from_local(&local);
            draft.query.last = None;
        });
    };
    labelled(
        label,
        None,
        text_input(el("input").attr("type", "datetime-local").attr("step", "1"), value, change),
    )
}

fn text(kind: &str) -> El {
    el("input")
        .attr("type", kind)
        .attr("autocomplete", "off")
        .attr("autocapitalize", "off")
        .attr("spellcheck", "false")
        .attr("maxlength", "500")
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, words)| ((*key).to_owned(), (*words).to_owned())).collect()
}

/// The field that `/` leads to.
pub fn focus_message() {
    if let Some(field) = document().get_element_by_id("log-message") {
        crate::ui::dom::focus(field.unchecked_ref());
    }
}
