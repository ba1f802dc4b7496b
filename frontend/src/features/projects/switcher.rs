//! The project switcher: a search over all projects, made to hold with thousands.

use std::{cell::RefCell, rc::Rc};

use api_types::{ProjectId, projects::Project};
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Event, KeyboardEvent, MouseEvent};

use super::{
    api,
    recent::{recent_projects, remember_project},
    state::{Choices, moved},
    texts,
};
use crate::{
    asked::ask,
    project::{servers_path, use_project},
    router::{Step, use_router},
    session::use_session,
    ui::{
        Align, El, Held, Icon, derived,
        effect::after,
        el,
        element::icon,
        field::holds_value,
        popover::{Opener, PopoverHandle, popover},
        use_announcer,
    },
};

/// Names the project of this page and leads to others. The page of another project is another URL.
pub fn project_switcher() -> El {
    let session = use_session();
    let of_page = use_project();
    // On pages of no project, the one that the products lead to.
    let current = derived(move || {
        of_page.get().or_else(|| session.current().and_then(|current| current.default_project))
    });
    let project = ask(move |until| {
        let id = current.get()?;
        Some(Box::pin(async move { api::find_project(&id, until).await }))
    });
    after(move || {
        let Some(current) = session.current() else { return };
        project.with(|found| {
            if let Some(Some(found)) = found {
                remember_project(&current.user.id, found);
            }
        });
    });
    let name = move || {
        let Some(id) = current.get() else { return texts::NO_PROJECT.to_owned() };
        let has_failed = project.failure().is_some();
        project.with(|project| match project {
            Some(Some(project)) if project.id == id => project.name.clone(),
            // Not one of ours, or not to be had: the id is what is known.
            Some(None) => id.to_string(),
            None if has_failed => id.to_string(),
            _ => String::new(),
        })
    };
    let face = vec![
        icon(Icon::Project),
        el("span").class("switcher-name foreign").live_text(name),
        icon(Icon::ChevronDown),
    ];
    let opener = Opener {
        label: Signal::derive(move || format!("{}: {}", texts::PROJECT, name())),
        face,
        is_wordless: true,
        class: "button switcher-button",
        align: Align::Start,
        role: "dialog",
        panel_label: texts::PROJECT.to_owned().into(),
    };
    el("div").class("switcher").child(popover(opener, chooser))
}

/// The search field and what it finds.
fn chooser() -> El {
    let handle = use_context::<PopoverHandle>();
    let router = use_router();
    let announcer = use_announcer();
    let session = use_session();
    let current = use_project();
    let search = RwSignal::new(String::new());
    let mark = RwSignal::new(0_usize);
    let choices = Held::new(None::<Choices>);
    let found = ask(move |until| {
        let search = search.get();
        Some(Box::pin(async move { Ok((api::search_projects(&search, until).await?, search)) }))
    });
    let choose = Callback::new(move |project: Project| {
        if let Some(handle) = handle {
            handle.close();
        }
        router.go(&servers_path(&project.id), Step::Push);
    });
    // Enter, pressed before the answer to what was typed: it is kept until the answer is there.
    let awaited = Rc::new(RefCell::new(None::<String>));
    let wait = Rc::clone(&awaited);
    let choose_meant = move || {
        let typed = search.get_untracked();
        let is_there =
            choices.with_untracked(|choices| choices.as_ref().is_some_and(|held| held.search == typed));
        let meant =
            choices.with_untracked(|choices| choices.as_ref()?.meant(&typed, mark.get_untracked()).cloned());
        wait.replace((!is_there).then_some(typed));
        if let Some(project) = meant {
            choose.run(project);
        }
    };
    let choose_at_last = choose_meant.clone();
    after(move || {
        found.with(|found| {
            let Some((list, search)) = found else { return };
            announcer.say(texts::found(list.total));
            mark.set(0);
            let current = current.get_untracked();
            let user = session.current_untracked().map(|current| current.user.id).unwrap_or_default();
            let recent = recent_projects(&user);
            choices.set(Some(Choices::new(search, recent, list.clone(), current.as_ref())));
        });
        if awaited.borrow().as_ref().is_some_and(|typed| *typed == search.get_untracked()) {
            choose_at_last();
        }
    });
    let key = move |event: &KeyboardEvent| {
        // Keys that end the writing of a character mean nothing else.
        if event.is_composing() {
            return;
        }
        let count = choices.with_untracked(|choices| choices.as_ref().map_or(0, Choices::len));
        if let Some(place) = moved(&event.key(), mark.get_untracked(), count) {
            event.prevent_default();
            mark.set(place);
            show_marked(place);
        } else if event.key() == "Enter" {
            event.prevent_default();
            choose_meant();
        }
    };
    let input = el("input")
        .attr("type", "search")
        .class("input")
        .attr("role", "combobox")
        .attr("aria-label", texts::SEARCH)
        .attr("placeholder", texts::SEARCH)
        .attr("aria-expanded", "true")
        .attr("aria-controls", LIST_ID)
        .attr("aria-autocomplete", "list")
        .live_attr("aria-activedescendant", move || {
            choices
                .with(|choices| choices.as_ref().is_some_and(|choices| choices.len() > 0))
                .then(|| option_id(mark.get()))
        })
        .attr("autocomplete", "off")
        .attr("spellcheck", "false")
        .attr("autofocus", "")
        .on("keydown", move |event| key(event.unchecked_ref()));
    let note = move || {
        let note = found
            .failure()
            .map(|failure| el("p").class("chooser-note").attr("role", "alert").text(&failure.message()));
        note.into_iter().collect()
    };
    let list = move || {
        choices.with(|choices| match choices {
            None => vec![el("p").class("chooser-note").text(texts::LOADING)],
            Some(choices) => choice_list(choices, current, mark, choose),
        })
    };
    el("div")
        .class("chooser")
        .child(el("div").class("chooser-search").child(icon(Icon::Search)).child(holds_value(input, search)))
        .child(el("div").live_children(note))
        .child(
            el("div")
                .attr("id", LIST_ID)
                .attr("role", "listbox")
                .attr("aria-label", texts::PROJECT)
                .class("chooser-list")
                .live_children(list),
        )
}

const LIST_ID: &str = "project-choices";

type Current = Held<Option<ProjectId>>;

fn choice_list(
    choices: &Choices,
    current: Current,
    mark: RwSignal<usize>,
    choose: Callback<Project>,
) -> Vec<El> {
    let has_recent = !choices.recent.is_empty();
    let group = |title: &str, first: usize, projects: &[Project]| {
        let heading =
            has_recent.then(|| el("p").class("menu-heading").attr("role", "presentation").text(title));
        let choice = |(at, project)| choice(project, first + at, current, mark, choose);
        let options = projects.iter().enumerate().map(choice).collect();
        el("div").attr("role", "group").attr("aria-label", title).child_if(heading).children(options)
    };
    let note = |text: &str| el("p").class("chooser-note").attr("role", "presentation").text(text);
    let mut parts = Vec::new();
    if has_recent {
        parts.push(group(texts::RECENT, 0, &choices.recent));
    }
    if choices.found.is_empty() {
        parts.push(note(texts::NOTHING));
    } else {
        parts.push(group(texts::ALL, choices.recent.len(), &choices.found));
    }
    if choices.more > 0 {
        parts.push(note(&texts::more(choices.more)));
    }
    parts
}

/// One project of the list. Its link can be opened in a new tab: two tabs can show two projects.
fn choice(
    project: &Project,
    place: usize,
    current: Current,
    mark: RwSignal<usize>,
    choose: Callback<Project>,
) -> El {
    let is_current = current.get_untracked().as_ref() == Some(&project.id);
    let chosen = project.clone();
    let press = move |event: Event| {
        let mouse: &MouseEvent = event.unchecked_ref();
        if !(mouse.ctrl_key() || mouse.meta_key() || mouse.shift_key()) {
            event.prevent_default();
            choose.run(chosen.clone());
        }
    };
    el("a")
        .attr("id", &option_id(place))
        .class("choice")
        .live_class("marked", move || mark.get() == place)
        .attr("role", "option")
        .attr("href", &servers_path(&project.id))
        .attr("tabindex", "-1")
        .live_attr("aria-selected", move || Some((mark.get() == place).to_string()))
        .on("click", press)
        .on("pointermove", move |_| mark.set(place))
        .child(el("span").class("choice-name foreign").text(&project.name))
        .child(el("span").class("choice-domain foreign").text(&project.domain))
        .child(el("span").class("menu-tick").child_if(is_current.then(|| icon(Icon::Check))))
}

fn option_id(place: usize) -> String {
    format!("project-choice-{place}")
}

fn show_marked(place: usize) {
    let Some(option) = document().get_element_by_id(&option_id(place)) else { return };
    let options = web_sys::ScrollIntoViewOptions::new();
    options.set_block(web_sys::ScrollLogicalPosition::Nearest);
    option.scroll_into_view_with_scroll_into_view_options(&options);
}
