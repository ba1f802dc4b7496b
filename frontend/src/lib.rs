//! The panel in the browser.
//!
//! Imports point one way: `ui`, then what all features share (`api_client`, `asked`, `cloud`, `jobs`, `flags`, `router`,
//! `project`, `session`, `theme`), then `features`, then `app`.

pub mod across;
pub mod analytics;
pub mod api_client;
pub mod app;
pub mod asked;
pub mod client_log;
pub mod cloud;
pub mod cloud_fault;
pub mod commands;
pub mod commands_view;
pub mod confirm;
pub mod csrf_token;
pub mod explain;
pub mod features;
pub mod flags;
pub mod jobs;
pub mod key_pair_form;
pub mod offers;
pub mod project;
pub mod regions;
pub mod router;
pub mod session;
pub mod startup;
pub mod theme;
pub mod ui;
pub mod usage_bar;

use wasm_bindgen::prelude::wasm_bindgen;

/// Takes over the page that the server sent. Called by `assets/scripts/boot.js` once the module and the page are there.
#[wasm_bindgen]
pub fn mount() {
    app::mount();
}
