//! One project: who works in it here, what went wrong there, who looked at it.

use api_types::{
    ProjectId,
    operator::{customers::CustomerProjectPage, support_views::SupportView},
};
use leptos::prelude::*;

use super::{
    api, card, keystone_note,
    lines::line_table,
    nothing,
    place::PATH,
    rows::{name_of, person_row, state_of},
    support::Support,
    texts,
};
use crate::{
    asked::ask,
    ui::{
        Above, El, Page,
        copy_button::copy_button,
        derived,
        description::description,
        el,
        page::page_header,
        table::{Cell, table},
        time::relative_time,
    },
};

pub fn project_page(id: ProjectId) -> impl IntoView {
    let page = ask(move |until| Some(Box::pin(api::show_project(id.clone(), until))));
    let name = derived(move || page.with(|page| page.map(|page| name_of(&page.project))));
    let title = Signal::derive(move || name.get().unwrap_or_else(|| texts::PROJECT.to_owned()));
    let support = Support::new();
    let above = Above { label: texts::TITLE, href: Signal::stored(PATH.to_owned()) };
    let body = el("div")
        .class("page-body customers-page")
        .attr("data-testid", "customer-project")
        .child(page.drawn(move |page| parts(page, support)))
        .child(support.dialog());
    view! { <Page title>{vec![page_header(title, Some(above), Vec::new(), Vec::new()), body]}</Page> }
}

fn parts(page: &CustomerProjectPage, support: Support) -> El {
    let project = &page.project;
    let id = el("span").class("foreign mono").text(project.id.as_str()).text(" ");
    let facts = description(vec![
        (texts::ID, id.child(copy_button(project.id.to_string(), "Copy the id".to_owned()))),
        (texts::STATE, state_of(project.is_enabled)),
        (texts::SUPPORT_VIEWS, support.button(project, None)),
    ]);
    let people = match &*page.people {
        [] => nothing(texts::NO_SESSIONS),
        people => table(texts::PERSON_HEADS, people.iter().map(person_row).collect()).class("table stacked"),
    };
    let errors = match &*page.errors {
        [] => nothing(texts::NO_ERRORS),
        errors => line_table(errors, "customer-errors"),
    };
    let views = match &*page.support_views {
        [] => nothing(texts::NO_SUPPORT_VIEWS),
        views => table(texts::VIEW_HEADS, views.iter().map(view_row).collect())
            .class("table stacked")
            .attr("data-testid", "support-views"),
    };
    el("div")
        .class("customer-parts")
        .child_if(keystone_note(page.keystone_refused.as_ref()))
        .child(card(texts::PROJECT, None, facts))
        .child(card(texts::PEOPLE, None, people))
        .child(card(texts::ERRORS, Some(&texts::days(page.days)), errors))
        .child(card(texts::SUPPORT_VIEWS, None, views))
}

fn view_row(view: &SupportView) -> Vec<Cell> {
    let ended = match view.ended_at {
        Some(at) => relative_time(at),
        None if view.until <= crate::ui::format::now() => relative_time(view.until),
        None => el("span").class("badge").text(texts::STILL_OPEN),
    };
    vec![
        Cell::Text(view.operator.clone()),
        Cell::Text(view.reason.clone()),
        Cell::Moment(view.started_at),
        Cell::El(ended),
    ]
}
