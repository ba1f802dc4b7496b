//! How the panel is used: page views, dialogs, servers created, browsers and countries of the last days.

mod bars;
mod texts;

use api_types::{
    analytics::{ANALYTICS_RANGES, AnalyticsConsent, AnalyticsReport, NamedCount, PopoverCount},
    routes,
};
use leptos::prelude::*;

use crate::{
    api_client::Call,
    asked::ask,
    router::{use_router, value_of},
    ui::{
        BannerKind, El, Icon, Page,
        banner::text_banner,
        derived, el,
        empty_state::empty_state,
        format,
        page::page_header,
        table::{Cell, table},
    },
};
use bars::{Bar, bar_chart};

const PATH: &str = "/operator/analytics";
const USUAL: u32 = 30;

/// The page. The range stands in the address.
pub fn analytics_page() -> impl IntoView {
    let search = use_router().search();
    let days = derived(move || {
        let asked = search.with(|search| value_of(search, "days")).and_then(|days| days.parse().ok());
        asked.filter(|days| ANALYTICS_RANGES.contains(days)).unwrap_or(USUAL)
    });
    let report = ask(move |until| {
        let mut call = Call::get(format!("{}?days={}", routes::OPERATOR_ANALYTICS, days.get()));
        if let Some(until) = &until {
            call = call.until(until);
        }
        Some(Box::pin(call.json::<AnalyticsReport>()))
    });
    let report = report.forgotten_when(move || days.with(|_| ()));
    let range = |range: u32| {
        el("a")
            .class("button")
            .attr("href", &format!("{PATH}?days={range}"))
            .live_attr("aria-current", move || (days.get() == range).then(|| "true".to_owned()))
            .text(&texts::days(range))
    };
    let ranges = el("nav")
        .class("analytics-ranges")
        .attr("aria-label", texts::RANGE)
        .children(ANALYTICS_RANGES.map(range).into());
    let title = Signal::stored(texts::TITLE.to_owned());
    let body = el("div")
        .class("page-body analytics-page")
        .attr("data-testid", "analytics")
        .child(report.drawn(drawn));
    view! { <Page title>{vec![page_header(title, None, Vec::new(), vec![ranges]), body]}</Page> }
}

fn drawn(report: &AnalyticsReport) -> El {
    let place = el("div").class("customer-parts");
    let rules = &report.rules;
    let is_off = rules.consent == AnalyticsConsent::Off;
    let is_asked = rules.consent == AnalyticsConsent::Ask;
    let is_empty = report.pages.is_empty() && report.popovers.is_empty();
    if is_empty {
        let (title, text, id) = match (is_off, is_asked) {
            (true, _) => (texts::OFF_TITLE, texts::OFF, "analytics-off"),
            (_, true) => (texts::EMPTY_TITLE, texts::EMPTY_ASK, "analytics-empty"),
            _ => (texts::EMPTY_TITLE, texts::EMPTY, "analytics-empty"),
        };
        let about = (!is_off).then(|| el("p").text(&texts::about(is_asked, rules.keep_days)));
        return place.child(empty_state(Icon::Info, title, id).child(el("p").text(text)).child_if(about));
    }
    let views: u64 = report.days.iter().map(|day| day.views).sum();
    let created: u64 = report.days.iter().map(|day| day.servers_created).sum();
    let bars = |value: fn(&api_types::analytics::AnalyticsDay) -> u64| -> Vec<Bar> {
        report.days.iter().map(|day| Bar { label: day.day.clone(), value: value(day) }).collect()
    };
    let countries = if report.knows_countries {
        counts(texts::COUNTRY_HEADS, &report.countries, country, "country-table")
    } else {
        el("p").class("nothing").attr("data-testid", "no-address-database").text(texts::NO_DATABASE)
    };
    let off = is_off.then(|| text_banner(BannerKind::Warning, Some(texts::OFF_TITLE), texts::OFF, None));
    place
        .child_if(off)
        .child(el("p").class("page-about").text(&texts::about(is_asked, rules.keep_days)))
        .child(
            el("p")
                .class("analytics-sum numbers")
                .attr("role", "status")
                .text(&texts::in_all(views, created)),
        )
        .child(card(texts::VIEWS, bar_chart(texts::VIEWS, bars(|day| day.views))))
        .child(card(texts::CREATED, bar_chart(texts::CREATED, bars(|day| day.servers_created))))
        .child(day_table(report))
        .child(
            el("div")
                .class("customer-pair")
                .child(card(
                    texts::PAGES,
                    counts(texts::PAGE_HEADS, &report.pages, texts::page, "page-table"),
                ))
                .child(card(texts::POPOVERS, popovers(&report.popovers))),
        )
        .child(
            el("div")
                .class("customer-pair")
                .child(card(
                    texts::BROWSERS,
                    counts(texts::BROWSER_HEADS, &report.browsers, str::to_owned, "browser-table"),
                ))
                .child(card(texts::COUNTRIES, countries)),
        )
}

fn card(title: &str, content: El) -> El {
    el("section").class("card customer-part").child(el("h2").text(title)).child(content)
}

fn day_table(report: &AnalyticsReport) -> El {
    let row = |day: &api_types::analytics::AnalyticsDay| {
        vec![Cell::Text(day.day.clone()), number(day.views), number(day.servers_created)]
    };
    let rows = report.days.iter().rev().map(row).collect();
    el("details")
        .class("analytics-days")
        .child(el("summary").text(texts::AS_TABLE))
        .child(table(texts::DAY_HEADS, rows).class("table stacked"))
}

fn counts(
    heads: &'static [&'static str],
    counts: &[NamedCount],
    name: impl Fn(&str) -> String,
    test_id: &str,
) -> El {
    if counts.is_empty() {
        return el("p").class("nothing").text(texts::NONE);
    }
    let whole: u64 = counts.iter().map(|count| count.count).sum();
    let row = |count: &NamedCount| {
        let share = el("span").class("numbers").text(&texts::share(count.count, whole));
        vec![Cell::Text(name(&count.name)), number(count.count), Cell::El(share)]
    };
    table(heads, counts.iter().map(row).collect()).class("table stacked").attr("data-testid", test_id)
}

fn popovers(popovers: &[PopoverCount]) -> El {
    if popovers.is_empty() {
        return el("p").class("nothing").text(texts::NONE);
    }
    let row = |popover: &PopoverCount| {
        let share = el("span").class("numbers").text(&texts::share(popover.executed, popover.shown));
        vec![
            Cell::Text(texts::popover(&popover.name)),
            number(popover.shown),
            number(popover.executed),
            Cell::El(share),
        ]
    };
    el("div").child(el("p").class("page-about").text(texts::POPOVERS_ABOUT)).child(
        table(texts::POPOVER_HEADS, popovers.iter().map(row).collect())
            .class("table stacked")
            .attr("data-testid", "popover-table"),
    )
}

fn number(value: u64) -> Cell {
    Cell::El(el("span").class("numbers").text(&format::number(value)))
}

fn country(code: &str) -> String {
    if code == "??" { texts::UNKNOWN_COUNTRY.to_owned() } else { code.to_owned() }
}
