//! The log of all nodes: the quick filter, its lines, and what belongs to one of them.

mod address;
mod api;
mod form;
mod lanes;
mod levels;
mod line;
mod live;
mod moments;
mod results;
mod texts;
mod timeline;

pub use self::{
    address::Asked as LogAddress,
    line::{level as level_mark, shortened},
};

use api_types::operator::logs::{LogPage, LogQuery};
use leptos::prelude::*;

use crate::{
    asked::ask,
    router::{Router, Step, use_router},
    ui::{
        Align, BannerKind, El, Failure, Held, Icon, Opener, Page, Shortcut,
        banner::text_banner,
        choice::button,
        derived, el,
        element::icon,
        empty_state::empty_state,
        loaded::loaded,
        menu::{menu, menu_heading, menu_link},
        page::page_header,
        use_shortcuts,
    },
};
use address::{Asked, View};
use form::Wrong;
use live::{Following, follow};
use results::{Results, provide_results};

/// The page.
pub fn logs_page() -> impl IntoView {
    let router = use_router();
    let search = router.search();
    let asked = derived(move || search.with(|search| Asked::read(search)));
    let results = provide_results();
    let answer = ask(move |until| Some(Box::pin(api::list_lines(asked.get(), until))));
    // What is looked for, whether followed or not.
    let question = derived(move || asked.with(|asked| (asked.query.clone(), asked.view)));
    let answer = answer.forgotten_when(move || question.with(|_| ()));
    let following = follow(asked, results);
    offer_keys(router, asked, results, following);
    let found = move || {
        answer.with(|answer| {
            let found =
                |page: &LogPage| texts::found(page.lines.len(), page.has_newer, page.has_older, page.took_ms);
            answer.map(found).unwrap_or_default()
        })
    };
    let wrong = derived(move || answer.failure().as_ref().and_then(Wrong::of));
    let drawn = loaded(
        move || {
            results.put_away();
            if wrong.with(Option::is_some) {
                return Some(empty_state(Icon::Search, texts::NOT_SEARCHED, "not-searched"));
            }
            let asked = asked.get();
            answer.with(|answer| match answer {
                Some(page) => Some(page_of_lines(&asked, page, results)),
                // What comes has its place, whatever the first search comes to.
                None => asked.is_followed().then(|| results.table(&asked.query, &[])),
            })
        },
        move || answer.failure().filter(|failure| Wrong::of(failure).is_none()).map(Failure::from),
        Callback::new(move |()| answer.refetch()),
    );
    let status = el("div")
        .class("log-status")
        .child(el("p").class("log-count numbers").attr("role", "status").live_text(found))
        .child(el("div").class("log-marked").live_children(move || copy_marked(results)))
        .child(live_controls(router, asked, following))
        .child(view_links(asked));
    let note = el("div").attr("role", "status").live_children(move || {
        let note = following.note().map(|note| text_banner(BannerKind::Warning, None, &note, None));
        note.into_iter().collect()
    });
    let body = el("div")
        .class("page-body log-page")
        .child(form::filter_form(asked, wrong))
        .child(status)
        .child(note)
        .child(drawn);
    let title = Signal::stored(texts::TITLE.to_owned());
    view! { <Page title>{vec![page_header(title, None, Vec::new(), vec![levels::levels_button(asked), export_menu(asked)]), body]}</Page> }
}

fn page_of_lines(asked: &Asked, page: &LogPage, results: Results) -> El {
    match (page.lines.is_empty() && !asked.is_followed(), page.searched_to_us) {
        (true, Some(_)) => return too_broad(asked, page),
        (true, None) => return nothing(asked),
        (false, _) => {}
    }
    let lines = match asked.view {
        View::List => results.table(&asked.query, &page.lines),
        View::Timeline => timeline::timeline(page),
    };
    el("div").child_if(stopped_early(asked, page)).child(lines).child(pages(asked, page))
}

fn too_broad(asked: &Asked, page: &LogPage) -> El {
    empty_state(Icon::Clock, texts::TOO_BROAD, "too-broad")
        .child_if(stopped_at(page).map(|moment| el("p").text(&texts::searched_to(&moment))))
        .child(el("p").text(texts::TOO_BROAD_NEXT))
        .child_if(going_on(asked, page))
}

fn nothing(asked: &Asked) -> El {
    let wider = Asked {
        query: LogQuery { last: Some(86_400), from: None, to: None, ..asked.newest().query },
        ..asked.clone()
    };
    let link = el("a").class("button").attr("href", &wider.href()).text(texts::LAST_DAY);
    // Who has looked at all there is needs no day of it.
    let link = (asked.last() != Some(0)).then_some(link);
    empty_state(Icon::Search, texts::NOTHING, "no-lines")
        .child(el("p").text(texts::NOTHING_WIDER))
        .child_if(link)
}

/// What was found before time was up stays on screen.
fn stopped_early(asked: &Asked, page: &LogPage) -> Option<El> {
    let moment = stopped_at(page)?;
    Some(text_banner(BannerKind::Warning, None, &texts::searched_to(&moment), going_on(asked, page)))
}

fn stopped_at(page: &LogPage) -> Option<String> {
    page.searched_to_us.map(moments::clock)
}

fn going_on(asked: &Asked, page: &LogPage) -> Option<El> {
    // Before every line of that moment.
    let to = asked.before(format!("{}-{}", page.searched_to_us?, i64::MIN));
    Some(el("a").class("button").attr("href", &to.href()).text(texts::GO_ON_FROM))
}

fn pages(asked: &Asked, page: &LogPage) -> El {
    let link = |text: &str, to: Option<Asked>| {
        to.map(|to| el("a").class("button").attr("href", &to.href()).text(text))
    };
    let newer = page.lines.first().filter(|_| page.has_newer).map(|line| asked.after(line.position()));
    let is_whole = page.searched_to_us.is_none();
    let older =
        page.lines.last().filter(|_| page.has_older && is_whole).map(|line| asked.before(line.position()));
    el("nav")
        .class("log-pages")
        .attr("aria-label", "Pages")
        .child_if(link(texts::NEWEST, (!asked.is_newest()).then(|| asked.newest())))
        .child_if(link(texts::NEWER, newer))
        .child_if(link(texts::OLDER, older))
}

fn view_links(asked: Held<Asked>) -> El {
    let link = move |text: &'static str, view: View| {
        el("a")
            .class("button")
            .live_attr("href", move || {
                Some(asked.with(|asked| Asked { view, is_live: false, ..asked.clone() }.href()))
            })
            .live_attr("aria-current", move || {
                asked.with(|asked| asked.view == view).then(|| "true".to_owned())
            })
            .text(text)
    };
    el("div")
        .class("log-views")
        .attr("role", "group")
        .attr("aria-label", texts::VIEWS)
        .child(link(texts::LIST, View::List))
        .child(link(texts::TIMELINE, View::Timeline))
}

fn live_controls(router: Router, asked: Held<Asked>, following: Following) -> El {
    let can_be = move || asked.with(Asked::can_be_live);
    let is_on = move || asked.with(Asked::is_followed);
    let live = el("button")
        .attr("type", "button")
        .class("button")
        .live_attr("aria-pressed", move || Some(if is_on() { "true" } else { "false" }.to_owned()))
        .live_attr("aria-disabled", move || (!can_be()).then(|| "true".to_owned()))
        .live_attr("title", move || (!can_be()).then(|| texts::NOT_LIVE.to_owned()))
        .child(icon(Icon::Play))
        .text(texts::LIVE)
        .on("click", move |_| switch_live(router, asked));
    let pause = move || {
        if !is_on() {
            return Vec::new();
        }
        let face = move || match (following.is_paused(), following.waiting()) {
            (false, _) => texts::PAUSE.to_owned(),
            (true, 0) => texts::GO_ON.to_owned(),
            (true, count) => texts::waiting(count),
        };
        let pause = el("button")
            .attr("type", "button")
            .class("button")
            .live_text(face)
            .on("click", move |_| following.pause_or_go_on());
        vec![pause]
    };
    el("div").class("log-live").child(live).child(el("div").live_children(pause))
}

fn switch_live(router: Router, asked: Held<Asked>) {
    let now = asked.get_untracked();
    if now.can_be_live() {
        router.go(&Asked { is_live: !now.is_live, ..now }.href(), Step::Replace);
    }
}

fn copy_marked(results: Results) -> Vec<El> {
    let count = results.marked();
    let copy = move || button("button", &texts::marked(count), move || results.copy_marked());
    (count > 0).then(copy).into_iter().collect()
}

fn export_menu(asked: Held<Asked>) -> El {
    let items = move || {
        let href = |format: &str| asked.with(|asked| api::export_address(&asked.query, format));
        let link = |text: &str, format: &str| {
            let link = menu_link(Icon::Download, text, &href(format), false);
            link.attr("download", "").attr("rel", "external")
        };
        vec![
            menu_heading().text(texts::EXPORT_NOTE),
            link(texts::AS_CSV, "csv"),
            link(texts::AS_NDJSON, "ndjson"),
        ]
    };
    menu(Opener { align: Align::End, ..Opener::of(texts::EXPORT, Icon::Download, false, "menu") }, items)
}

fn offer_keys(router: Router, asked: Held<Asked>, results: Results, following: Following) {
    let key = |keys: &'static [&'static str], does: &'static str, run: Callback<()>| Shortcut {
        keys,
        does,
        run: Some(run),
    };
    let live = move |()| match asked.with_untracked(|asked| asked.is_live) {
        true => following.pause_or_go_on(),
        false => switch_live(router, asked),
    };
    use_shortcuts(
        texts::KEYS,
        vec![
            key(&["j"], texts::KEY_NEXT, Callback::new(move |()| results.step(1))),
            key(&["k"], texts::KEY_PREVIOUS, Callback::new(move |()| results.step(-1))),
            // The button that has the keyboard listens for itself.
            Shortcut { keys: &["Enter"], does: texts::KEY_OPEN, run: None },
            key(&["x"], texts::KEY_MARK, Callback::new(move |()| results.mark())),
            key(&["/"], texts::KEY_SEARCH, Callback::new(|()| form::focus_message())),
            key(&["l"], texts::KEY_LIVE, Callback::new(live)),
        ],
    );
}
