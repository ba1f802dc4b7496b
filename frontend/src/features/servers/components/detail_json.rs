//! What Nova answered, as it answered it.

use leptos::prelude::*;

use super::detail_part::Section;
use crate::{
    features::servers::{detail_page::ShownServer, detail_texts as texts},
    ui::{CopyButton, loaded::Lines},
};

#[component]
pub fn JsonTab(server: ShownServer) -> impl IntoView {
    let json = Memo::new(move |_| {
        let detail = server.detail.read();
        detail.as_ref().map(|detail| serde_json::to_string_pretty(&detail.raw).unwrap_or_default())
    });
    let text = Signal::derive(move || json.get().unwrap_or_default());
    view! {
        <Section title=texts::JSON>
            <p class="page-about">{texts::JSON_ABOUT} " " <CopyButton text what=texts::COPY_JSON /></p>
            {move || match json.get() {
                None => view! { <Lines count=8 /> }.into_any(),
                Some(json) => {
                    view! {
                        <pre class="json" tabindex="0" role="region" aria-label=texts::JSON>
                            {json}
                        </pre>
                    }
                        .into_any()
                }
            }}
        </Section>
    }
}
