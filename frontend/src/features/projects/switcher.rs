//! The project switcher: a search over all projects, made to hold with thousands.

use api_types::projects::Project;
use leptos::{
    ev::{KeyboardEvent, MouseEvent},
    prelude::*,
};
use leptos_router::{NavigateOptions, hooks::use_navigate};

use super::{
    api,
    recent::{recent_projects, remember_project},
    state::{Choices, moved},
    texts,
};
use crate::{
    api_client::until_left,
    project::{servers_path, use_project},
    ui::{Icon, Popover, popover::PopoverHandle, use_announcer},
};

/// Names the project of this page and leads to others. The page of another project is another URL.
#[component]
pub fn ProjectSwitcher() -> impl IntoView {
    let current = use_project();
    let project = LocalResource::new(move || {
        let (id, until) = (current.get(), until_left());
        async move {
            let found = api::find_project(&id?, until).await.ok()??;
            remember_project(&found);
            Some(found)
        }
    });
    let name = move || match (current.get(), project.get()) {
        (None, _) => texts::NO_PROJECT.to_owned(),
        (Some(_), Some(Some(project))) => project.name,
        // Not one of ours, or not to be had: the id is what is known.
        (Some(id), Some(None)) => id.to_string(),
        (Some(_), None) => String::new(),
    };
    let face = move || {
        view! {
            {Icon::Project.view()}
            <span class="switcher-name foreign">{name}</span>
            {Icon::ChevronDown.view()}
        }
    };
    let label = Signal::derive(move || format!("{}: {}", texts::PROJECT, name()));
    view! {
        <div class="switcher">
            <Popover label face=face button_class="button switcher-button" panel_label=texts::PROJECT.to_owned()>
                <Chooser />
            </Popover>
        </div>
    }
}

/// The search field and what it finds.
#[component]
fn Chooser() -> impl IntoView {
    let handle = use_context::<PopoverHandle>();
    let navigate = use_navigate();
    let announcer = use_announcer();
    let current = use_project();
    let search = RwSignal::new(String::new());
    let mark = RwSignal::new(0_usize);
    let choices = RwSignal::new(None::<Choices>);
    let failure = RwSignal::new(None::<String>);
    let found = LocalResource::new(move || {
        let (search, until) = (search.get(), until_left());
        async move { (api::search_projects(&search, until).await, search) }
    });
    Effect::new(move || match found.get() {
        Some((Ok(list), search)) => {
            announcer.say(texts::found(list.total));
            failure.set(None);
            mark.set(0);
            choices.set(Some(Choices::new(
                &search,
                recent_projects(),
                list,
                current.get_untracked().as_ref(),
            )));
        }
        Some((Err(error), _)) if error.code() != "aborted" => failure.set(Some(error.message())),
        _ => {}
    });
    let choose = Callback::new(move |project: Project| {
        if let Some(handle) = handle {
            handle.close();
        }
        navigate(&servers_path(&project.id), NavigateOptions::default());
    });
    let key = move |event: KeyboardEvent| {
        let count = choices.with_untracked(|choices| choices.as_ref().map_or(0, Choices::len));
        if let Some(place) = moved(&event.key(), mark.get_untracked(), count) {
            event.prevent_default();
            mark.set(place);
            show_marked(place);
        } else if event.key() == "Enter" {
            event.prevent_default();
            let project =
                choices.with_untracked(|choices| choices.as_ref()?.at(mark.get_untracked()).cloned());
            if let Some(project) = project {
                choose.run(project);
            }
        }
    };
    view! {
        <div class="chooser">
            <div class="chooser-search">
                {Icon::Search.view()}
                <input
                    type="search"
                    class="input"
                    role="combobox"
                    aria-label=texts::SEARCH
                    placeholder=texts::SEARCH
                    aria-expanded="true"
                    aria-controls="project-choices"
                    aria-autocomplete="list"
                    aria-activedescendant=move || choices.with(Option::is_some).then(|| option_id(mark.get()))
                    autocomplete="off"
                    spellcheck="false"
                    autofocus
                    prop:value=search
                    on:input:target=move |event| search.set(event.target().value())
                    on:keydown=key
                />
            </div>
            {move || failure.get().map(|failure| view! { <p class="chooser-note" role="alert">{failure}</p> })}
            <div id="project-choices" role="listbox" aria-label=texts::PROJECT class="chooser-list" tabindex="-1">
                {move || match choices.get() {
                    None => view! { <p class="chooser-note">{texts::LOADING}</p> }.into_any(),
                    Some(choices) => view! { <ChoiceList choices mark choose /> }.into_any(),
                }}
            </div>
        </div>
    }
}

#[component]
fn ChoiceList(choices: Choices, mark: RwSignal<usize>, choose: Callback<Project>) -> impl IntoView {
    let Choices { recent, found, more } = choices;
    let is_empty = recent.is_empty() && found.is_empty();
    let first_found = recent.len();
    let has_recent = !recent.is_empty();
    let group = move |title: &'static str, first: usize, projects: Vec<Project>| {
        view! {
            <div role="group" aria-label=title>
                {has_recent.then(|| view! { <p class="menu-heading" role="presentation">{title}</p> })}
                {projects
                    .into_iter()
                    .enumerate()
                    .map(|(at, project)| view! { <Choice project place=first + at mark choose /> })
                    .collect_view()}
            </div>
        }
    };
    view! {
        {has_recent.then(|| group(texts::RECENT, 0, recent))}
        {(!found.is_empty()).then(|| group(texts::ALL, first_found, found))}
        {is_empty.then(|| view! { <p class="chooser-note" role="presentation">{texts::NOTHING}</p> })}
        {(more > 0).then(|| view! { <p class="chooser-note" role="presentation">{texts::more(more)}</p> })}
    }
}

/// One project of the list. Its link can be opened in a new tab: two tabs can show two projects.
#[component]
fn Choice(project: Project, place: usize, mark: RwSignal<usize>, choose: Callback<Project>) -> impl IntoView {
    let current = use_project();
    let href = servers_path(&project.id);
    let Project { id, name, domain } = project.clone();
    let is_current = move || current.get().as_ref() == Some(&id);
    let is_marked = move || mark.get() == place;
    let press = move |event: MouseEvent| {
        if !(event.ctrl_key() || event.meta_key() || event.shift_key()) {
            event.prevent_default();
            choose.run(project.clone());
        }
    };
    view! {
        <a
            id=option_id(place)
            class="choice"
            class:marked=is_marked
            role="option"
            href=href
            tabindex="-1"
            aria-selected=move || is_marked().to_string()
            on:click=press
            on:pointermove=move |_| mark.set(place)
        >
            <span class="choice-name foreign">{name}</span>
            <span class="choice-domain foreign">{domain}</span>
            <span class="menu-tick">{move || is_current().then(|| Icon::Check.view())}</span>
        </a>
    }
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
