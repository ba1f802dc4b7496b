//! The list of keys that work on this page.

use leptos::prelude::*;

use super::{
    Dialog,
    keyboard::{Shortcuts, key_name},
};

/// The dialog behind `?`.
#[component]
pub fn HelpDialog(open: RwSignal<bool>, shortcuts: Shortcuts) -> impl IntoView {
    view! {
        <Dialog open title="Keyboard">
            {move || {
                shortcuts
                    .groups()
                    .into_iter()
                    .map(|group| {
                        view! {
                            <section class="keys">
                                <h3>{group.title}</h3>
                                <dl>
                                    {group
                                        .shortcuts
                                        .into_iter()
                                        .map(|shortcut| {
                                            view! {
                                                <div>
                                                    <dt>{keys(shortcut.keys)}</dt>
                                                    <dd>{shortcut.does}</dd>
                                                </div>
                                            }
                                        })
                                        .collect_view()}
                                </dl>
                            </section>
                        }
                    })
                    .collect_view()
            }}
        </Dialog>
    }
}

fn keys(keys: &'static [&'static str]) -> impl IntoView {
    keys.iter().map(|key| view! { <kbd>{key_name(key)}</kbd> }).collect_view()
}
