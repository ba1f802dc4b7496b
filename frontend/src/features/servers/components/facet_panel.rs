//! The facets beside the list: the values of each over the whole set, and how many servers each would give.

use leptos::prelude::*;

use crate::{
    features::servers::{
        list_state::ListState,
        rows::{Facet, FacetCount},
        state::status_word,
        store::use_servers_store,
        texts,
    },
    ui::{Button, ButtonKind, format},
};

/// Values shown before "N more" is pressed, and after.
const VALUES_SHOWN: usize = 5;
const VALUES_SHOWN_AT_MOST: usize = 200;

#[component]
pub fn FacetPanel(state: ListState) -> impl IntoView {
    let store = use_servers_store();
    let has_values = Memo::new(move |_| store.track(|servers| servers.is_caught_up));
    let is_pointed_at = RwSignal::new(false);
    let any_chosen = move || !state.facets().read().is_empty();
    view! {
        <div
            class="facets"
            on:pointerenter=move |_| is_pointed_at.set(true)
            on:pointerleave=move |_| is_pointed_at.set(false)
        >
            <div class="facets-head">
                <h2>{texts::FILTERS}</h2>
                <Show when=any_chosen>
                    <button
                        type="button"
                        class="facet-clear"
                        on:click=move |_| Facet::ALL.into_iter().for_each(|facet| state.clear_facet(facet))
                    >
                        {texts::CLEAR_FILTERS}
                    </button>
                </Show>
            </div>
            // Until the values are known there is one grey place for all of them, so that none is pushed down later.
            <Show when=move || has_values.get() == Some(true) fallback=|| view! { <FacetSkeleton /> }>
                {Facet::ALL.map(|facet| view! { <FacetGroup state facet is_pointed_at /> }).collect_view()}
            </Show>
        </div>
    }
}

#[component]
fn FacetGroup(state: ListState, facet: Facet, is_pointed_at: RwSignal<bool>) -> impl IntoView {
    let store = use_servers_store();
    let is_open = RwSignal::new(false);
    let found = Memo::new(move |_| {
        store
            .track(|servers| {
                let values = servers.view.facets().values(facet);
                let shown = if is_open.get() { VALUES_SHOWN_AT_MOST } else { VALUES_SHOWN };
                let chosen = values.iter().take_while(|value| value.is_selected).count();
                (values[..values.len().min(shown.max(chosen))].to_vec(), values.len())
            })
            .unwrap_or_default()
    });
    // Under the pointer the values keep their order: what one is about to press must not move.
    let order = Memo::new(move |before: Option<&Vec<String>>| {
        let found = found.read();
        let now = found.0.iter().map(|value| value.value.clone());
        match before.filter(|_| is_pointed_at.get()) {
            None => now.collect(),
            Some(before) => {
                let mut kept: Vec<String> =
                    before.iter().filter(|value| has(&found.0, value)).cloned().collect();
                let new: Vec<String> = now.filter(|value| !kept.contains(value)).collect();
                kept.extend(new);
                kept
            }
        }
    });
    let more = move || {
        let found = found.read();
        found.1.saturating_sub(found.0.len())
    };
    let name = texts::facet(facet);
    view! {
        <div class="facet" role="group" aria-label=name hidden=move || order.read().is_empty()>
            <h3>{name}</h3>
            <For each=move || order.get() key=|value| value.clone() let:value>
                <FacetLine state facet value found />
            </For>
            <Show when=move || (more() > 0) || is_open.get()>
                <Button kind=ButtonKind::Quiet on_press=Callback::new(move |()| is_open.update(|open| *open = !*open))>
                    {move || match (is_open.get(), more()) {
                        (false, more) => texts::more_values(more),
                        (true, 0) => texts::FEWER.to_owned(),
                        (true, left_out) => texts::fewer_of(left_out),
                    }}
                </Button>
            </Show>
        </div>
    }
}

#[component]
fn FacetLine(
    state: ListState,
    facet: Facet,
    value: String,
    found: Memo<(Vec<FacetCount>, usize)>,
) -> impl IntoView {
    let name = value_name(facet, &value);
    let value = StoredValue::new(value);
    let count = Memo::new(move |_| {
        let count =
            found.read().0.iter().find(|found| value.with_value(|value| found.value == *value))?.count;
        Some(count)
    });
    let is_chosen = move || state.facets().read().contains(facet, &value.read_value());
    let toggle = move |chosen| state.choose(facet, &value.get_value(), chosen);
    view! {
        <label class="facet-value" class:none=move || count.get() == Some(0) data-value=value.get_value()>
            <input
                type="checkbox"
                prop:checked=is_chosen
                on:change:target=move |event| toggle(event.target().checked())
            />
            <span class="facet-name foreign" title=name.clone()>{name.clone()}</span>
            <span class="facet-count numbers" data-count=move || count.get().unwrap_or(0)>
                {move || format::number(u64::from(count.get().unwrap_or(0)))}
            </span>
        </label>
    }
}

#[component]
fn FacetSkeleton() -> impl IntoView {
    view! {
        <div class="facet-skeleton" aria-hidden="true">
            {(0..4)
                .map(|_| {
                    view! {
                        <div class="facet">
                            <span class="skeleton"></span>
                            <span class="skeleton"></span>
                            <span class="skeleton"></span>
                            <span class="skeleton"></span>
                        </div>
                    }
                })
                .collect_view()}
        </div>
    }
}

/// What a value is called.
pub fn value_name(facet: Facet, value: &str) -> String {
    match (facet, value) {
        (Facet::Image, "") => texts::VOLUME.to_owned(),
        (Facet::Tag, "") => texts::NO_TAG.to_owned(),
        (Facet::Zone, "") => texts::NO_ZONE.to_owned(),
        (_, "") => texts::NOT_SAID.to_owned(),
        (Facet::Ram, mib) => mib.parse().map_or_else(|_| mib.to_owned(), format::memory),
        (Facet::Status, status) => status_word(status).into_owned(),
        _ => value.to_owned(),
    }
}

fn has(found: &[FacetCount], value: &str) -> bool {
    found.iter().any(|found| found.value == value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_names_people_know_and_absence_has_one_too() {
        assert_eq!(value_name(Facet::Ram, "8192"), "8 GiB");
        assert_eq!(value_name(Facet::Ram, "much"), "much");
        assert_eq!(value_name(Facet::Image, ""), "Volume");
        assert_eq!(value_name(Facet::Tag, ""), "No tag");
        assert_eq!(value_name(Facet::Status, "ACTIVE"), "Active");
        assert_eq!(value_name(Facet::Region, "RegionOne"), "RegionOne");
    }
}
