//! A server's console: what it wrote while it started, its serial line, and its screen.

mod frame;
mod keys;
mod link;
mod log;
mod log_lines;
mod runs;
mod screen;
mod terminal;
mod texts;
mod touch_keyboard;

use api_types::{routes, servers::console::ConsoleKind};
use leptos::{prelude::*, wasm_split::wasm_split};

use super::{components::detail_part::section, shown_server::ShownServer};
use crate::{
    project::{server_path, use_project},
    router::{use_router, value_of},
    ui::{
        El, Tab, derived, el,
        part::{Part, part},
        tabs,
    },
};

/// Which of the three is open, as the URL's `view` names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ConsoleView {
    #[default]
    Log,
    Serial,
    Screen,
}

/// The tab of a server's page.
pub fn console(server: ShownServer) -> Vec<El> {
    let search = use_router().search();
    let view =
        derived(move || search.with(|search| ConsoleView::from_key(value_of(search, "view").as_deref())));
    let project = use_project();
    let views = move || {
        let Some((project, (region, id))) = project.get().zip(server.address.get()) else {
            return Vec::new();
        };
        let path = server_path(&project, &region, &id);
        ConsoleView::ALL
            .map(|view| Tab {
                key: view.key(),
                label: view.label(),
                href: format!("{path}?tab=console&view={}", view.key()),
            })
            .into()
    };
    let content = move || match view.get() {
        ConsoleView::Log => untrack(|| log::console_log(server)),
        ConsoleView::Serial => untrack(|| live(server, ConsoleKind::Serial)),
        ConsoleView::Screen => untrack(|| live(server, ConsoleKind::Vnc)),
    };
    let choice = tabs(texts::VIEWS, views, move || view.get().key(), |_| None);
    let body = el("div").child(choice).child(el("div").live_children(move || vec![content()]));
    vec![section(texts::CONSOLE, body)]
}

fn live(server: ShownServer, kind: ConsoleKind) -> El {
    let project = use_project().get_untracked();
    let Some((project, (region, id))) = project.zip(server.address.get_untracked()) else { return el("div") };
    part(live_console(routes::server_console(&project, &region, &id, kind), kind))
}

/// Terminal and screen, in a part of their own: most visits need neither.
#[wasm_split(console, wasm_split_path = ::leptos::wasm_split, fallible)]
fn live_console(path: String, kind: ConsoleKind) -> Part {
    let console = match kind {
        ConsoleKind::Serial => terminal::terminal(path),
        ConsoleKind::Vnc => screen::screen(path),
    };
    Ok(console.into_any())
}

impl ConsoleView {
    const ALL: [Self; 3] = [Self::Log, Self::Serial, Self::Screen];

    fn key(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Serial => "serial",
            Self::Screen => "screen",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Log => texts::LOG,
            Self::Serial => texts::SERIAL,
            Self::Screen => texts::SCREEN,
        }
    }

    fn from_key(key: Option<&str>) -> Self {
        Self::ALL.into_iter().find(|view| Some(view.key()) == key).unwrap_or_default()
    }
}
