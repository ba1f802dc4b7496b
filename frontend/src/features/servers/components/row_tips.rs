//! What a row tells when it is pointed at: the text of a cell in full, and the button that copies an address. Made
//! then, for the one row, rather than for ten thousand beforehand.

use api_types::servers::frame::IpRef;
use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use crate::{
    features::servers::{
        resize_wait::{what_becomes, window_of},
        rows::{Column, RowView},
        store::ServersStore,
        texts,
    },
    session::Session,
    ui::{
        Icon, announcer::Announcements, copy_button::copy_text, format, toast::ToastBox, use_announcer,
        use_toasts,
    },
};

/// Shows what is known of the cell under the pointer.
#[derive(Clone)]
pub struct RowTips {
    store: ServersStore,
    announcer: Announcements,
    toasts: ToastBox,
    session: Option<Session>,
    copy: Option<HtmlElement>,
}

impl RowTips {
    pub fn new(store: ServersStore) -> Self {
        let (announcer, toasts, session) = (use_announcer(), use_toasts(), use_context());
        Self { store, announcer, toasts, session, copy: copy_button() }
    }

    /// The pointer is on this element of a row.
    pub fn show(&self, target: &Element) {
        let Some(cell) = target.closest(".cell[data-column]").ok().flatten() else { return };
        let Some(column) = cell.get_attribute("data-column").as_deref().and_then(Column::from_key) else {
            return;
        };
        let id = cell.parent_element().and_then(|row| row.get_attribute("data-id")?.parse().ok());
        let waiting = |row: RowView<'_>| {
            let window = untrack(|| self.session.and_then(window_of));
            let ended_at = i64::from(row.updated_at());
            (row.status() == "VERIFY_RESIZE").then(|| what_becomes(ended_at, window, format::now()))
        };
        let tip = id.and_then(|id| {
            self.store.with(|servers| {
                let row = servers.rows.row(servers.rows.find(&id)?);
                let mut tip = tip(row, column);
                if let Some(words) = waiting(row).filter(|_| column == Column::Status) {
                    tip = format!("{tip}\n{words}");
                }
                Some(tip)
            })?
        });
        match tip {
            Some(tip) if !tip.is_empty() => _ = cell.set_attribute("title", &tip),
            _ => _ = cell.remove_attribute("title"),
        }
        if column == Column::Addresses
            && let Some(copy) = &self.copy
        {
            self.offer_copy(&cell, target, copy);
        }
    }

    /// Copies what the pressed button stands for.
    pub fn copy(&self, button: &Element) {
        let Some(text) = button.get_attribute("data-text") else { return };
        let (announcer, toasts, button) = (self.announcer, self.toasts, button.clone());
        spawn_local(async move {
            if copy_text(&text).await {
                button.set_class_name("copy-button done");
                announcer.say(texts::copied(&text));
            } else {
                toasts.fail(texts::CANNOT_COPY, None);
            }
        });
    }

    /// The button goes to the address under the pointer, else to the cell's first.
    fn offer_copy(&self, cell: &Element, target: &Element, copy: &HtmlElement) {
        if target.closest(".copy-button").ok().flatten().is_some() {
            return;
        }
        // The second one where it is pointed at, else the first, which is the cell's own text.
        let second = target.closest(".also").ok().flatten().and_then(|also| also.text_content());
        let address = second.or_else(|| cell.first_child().and_then(|first| first.node_value()));
        match address.filter(|address| !address.is_empty()) {
            Some(address) => {
                _ = copy.set_attribute("data-text", &address);
                _ = copy.set_attribute("title", &format!("{} {address}", texts::COPY_ADDRESS));
                copy.set_class_name("copy-button");
                _ = cell.append_child(copy);
            }
            None => copy.remove(),
        }
    }
}

fn copy_button() -> Option<HtmlElement> {
    let button: HtmlElement = document().create_element("button").ok()?.unchecked_into();
    _ = button.set_attribute("type", "button");
    _ = button.set_attribute("tabindex", "-1");
    _ = button.set_attribute("aria-label", texts::COPY_ADDRESS);
    button.set_inner_html(&format!(
        "<span class=\"icon when-ready\">{}</span><span class=\"icon when-done\">{}</span>",
        Icon::Copy.svg(),
        Icon::Check.svg()
    ));
    Some(button)
}

fn tip(row: RowView<'_>, column: Column) -> String {
    match column {
        Column::Status => {
            let mut lines = vec![row.status().to_owned()];
            lines.extend(row.task().map(str::to_owned));
            lines.extend(row.is_locked().then(|| texts::LOCKED.to_owned()));
            lines.extend(row.fault().map(str::to_owned));
            lines.extend(row.is_degraded().then(|| texts::DEGRADED.to_owned()));
            lines.join("\n")
        }
        Column::Name => format!("{}\n{}", row.name(), row.id()),
        Column::Tags => row.tags().collect::<Vec<_>>().join("\n"),
        Column::Addresses => row
            .addresses()
            .map(|address| {
                let floating = if address.is_floating { ", floating" } else { "" };
                let text = match address.ip {
                    IpRef::Text(text) => text.to_owned(),
                    _ => address.ip_text(),
                };
                format!("{text} ({}{floating})", address.network)
            })
            .collect::<Vec<_>>()
            .join("\n"),
        Column::Region => row.region().to_string(),
        Column::Flavor | Column::Vcpus | Column::Ram | Column::Disk => {
            row.flavor().map_or_else(String::new, |flavor| {
                format!(
                    "{}\n{} vCPU, {} RAM, {} GiB disk",
                    flavor.name,
                    flavor.vcpus,
                    format::memory(flavor.ram_mib.into()),
                    flavor.disk_gib
                )
            })
        }
        Column::Image => row.image_name().to_owned(),
        Column::Created => moment(row.created_at()),
        Column::Updated => moment(row.updated_at()),
        Column::Zone => row.availability_zone().unwrap_or_default().to_owned(),
        Column::Id => String::new(),
    }
}

fn moment(at: u32) -> String {
    if at == 0 { String::new() } else { format::moment(i64::from(at)) }
}
