//! The list as a file: all that match, or what is ticked.

use std::{future::Future, pin::Pin, time::Duration};

use js_sys::{Array, Promise};
use leptos::{prelude::*, task::spawn_local, wasm_split::wasm_split};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, Url};

use crate::{
    features::servers::{
        list_state::ListState,
        rows::{
            Column, RowIndex,
            export::{Export, Format},
        },
        store::{Servers, ServersStore, use_servers_store},
        texts,
        turns::{Deadline, TURN_MS},
    },
    ui::{
        El, Icon, Opener, format,
        menu::{menu, menu_item},
        part::NotHere,
        toast::ToastBox,
        use_toasts,
    },
};

pub fn export_menu(state: ListState) -> El {
    let store = use_servers_store();
    let toasts = use_toasts();
    // Each entry says which servers it saves.
    let item = move |format: Format, servers: &str, order: fn(&Servers) -> Vec<RowIndex>| {
        let name = if format == Format::Csv { "CSV" } else { "JSON" };
        menu_item(Icon::Download, &format!("{name}: {servers}"), move || {
            download(store, toasts, format, state.columns().get_untracked(), order);
        })
    };
    menu(Opener::of(texts::EXPORT, Icon::Download, false, "menu"), move || {
        let Some((matching, total, ticked)) = store.with(counts) else { return Vec::new() };
        let mut items = Vec::new();
        let mut offer = |servers: &str, order| {
            items.extend([Format::Csv, Format::Json].map(|format| item(format, servers, order)));
        };
        offer(&texts::all_matching(matching, total), |servers| servers.view.order().to_vec());
        if ticked > 0 {
            offer(&texts::selected(ticked), Servers::selected);
        }
        items
    })
}

/// Servers that match, all there are, and those ticked.
fn counts(servers: &Servers) -> (usize, usize, usize) {
    (servers.matching(), servers.view.total(), servers.selection.count(&servers.rows, &servers.view))
}

/// Writes the file in turns and hands it to the browser.
fn download(
    store: ServersStore,
    toasts: ToastBox,
    format: Format,
    columns: Vec<Column>,
    order: fn(&Servers) -> Vec<RowIndex>,
) {
    spawn_local(async move {
        match saving(store, toasts, format, columns, order).await {
            Ok(saving) => saving.await,
            Err(NotHere) => toasts.fail(texts::SAVING_NOT_HERE, None),
        }
    });
}

/// What [`download`] does, in a part of its own.
#[wasm_split(actions, wasm_split_path = ::leptos::wasm_split, fallible)]
fn saving(
    store: ServersStore,
    toasts: ToastBox,
    format: Format,
    columns: Vec<Column>,
    order: fn(&Servers) -> Vec<RowIndex>,
) -> Result<Pin<Box<dyn Future<Output = ()>>>, NotHere> {
    Ok(Box::pin(save_in_turns(store, toasts, format, columns, order)))
}

async fn save_in_turns(
    store: ServersStore,
    toasts: ToastBox,
    format: Format,
    columns: Vec<Column>,
    order: fn(&Servers) -> Vec<RowIndex>,
) {
    let begun = store.with(|servers| {
        (Export::new(format, &columns, &servers.rows, &order(servers)), servers.project.clone())
    });
    let Some((mut export, project)) = begun else { return };
    let parts = Array::new();
    'writing: loop {
        let mut deadline = Deadline::in_ms(TURN_MS);
        while !deadline.is_over_now() {
            // Only these servers, to the end: a part of them is no file.
            let chunk =
                store.with(|servers| (servers.project == project).then(|| export.next_chunk(&servers.rows)));
            match chunk.flatten() {
                Some(Some(chunk)) => _ = parts.push(&JsValue::from_str(&chunk)),
                Some(None) => break 'writing,
                None => return toasts.fail(texts::NOT_SAVED, None),
            }
        }
        others_first().await;
    }
    match save(&parts, format) {
        Ok(()) => toasts.say(texts::exported(export.rows_written())),
        Err(_) => toasts.fail(texts::CANNOT_SAVE, None),
    }
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
