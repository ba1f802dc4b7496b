//! The list as a file: what is ticked, else all that match.

use std::time::Duration;

use js_sys::{Array, Promise};
use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, Url};

use crate::{
    features::servers::{
        list_state::ListState,
        rows::{
            Column,
            export::{Export, Format},
        },
        store::{ServersStore, use_servers_store},
        texts,
        turns::{Deadline, TURN_MS},
    },
    ui::{
        El, Icon, Opener, format,
        menu::{menu, menu_item},
        toast::ToastBox,
        use_toasts,
    },
};

pub fn export_menu(state: ListState) -> El {
    let store = use_servers_store();
    let toasts = use_toasts();
    menu(Opener::of(texts::EXPORT, Icon::Download, false, "menu"), move || {
        let save = move |format| move || download(store, toasts, format, state.columns().get_untracked());
        vec![
            menu_item(Icon::Download, "CSV", save(Format::Csv)),
            menu_item(Icon::Download, "JSON", save(Format::Json)),
        ]
    })
}

/// Writes the file in turns and hands it to the browser.
fn download(store: ServersStore, toasts: ToastBox, format: Format, columns: Vec<Column>) {
    let order = store.with(|servers| {
        let selected = servers.selected();
        if selected.is_empty() { servers.view.order().to_vec() } else { selected }
    });
    let Some(order) = order else { return };
    let mut export = Export::new(format, &columns, &order);
    spawn_local(async move {
        let parts = Array::new();
        'writing: loop {
            let mut deadline = Deadline::in_ms(TURN_MS);
            while !deadline.is_over_now() {
                match store.with(|servers| export.next_chunk(&servers.rows)).flatten() {
                    Some(chunk) => _ = parts.push(&JsValue::from_str(&chunk)),
                    None => break 'writing,
                }
            }
            others_first().await;
        }
        match save(&parts, format) {
            Ok(()) => toasts.say(texts::exported(order.len())),
            Err(_) => toasts.fail(texts::CANNOT_SAVE, None),
        }
    });
}

fn save(parts: &Array, format: Format) -> Result<(), JsValue> {
    let (kind, extension) = match format {
        Format::Csv => ("text/csv;charset=utf-8", "csv"),
        Format::Json => ("application/json", "json"),
    };
    let options = BlobPropertyBag::new();
    options.set_type(kind);
    let blob = Blob::new_with_str_sequence_and_options(parts, &options)?;
    let url = Url::create_object_url_with_blob(&blob)?;
    let link: HtmlAnchorElement = document().create_element("a")?.unchecked_into();
    let day = format::iso(format::now());
    link.set_href(&url);
    link.set_download(&format!("servers-{}.{extension}", day.get(..10).unwrap_or("list")));
    link.click();
    // The browser has begun to read by then; the file goes on without its address.
    set_timeout(move || _ = Url::revoke_object_url(&url), Duration::from_secs(60));
    Ok(())
}

/// Lets the browser answer and draw.
async fn others_first() {
    let pause = Promise::new(&mut |resolve, _| {
        _ = window().set_timeout_with_callback(&resolve);
    });
    _ = JsFuture::from(pause).await;
}
