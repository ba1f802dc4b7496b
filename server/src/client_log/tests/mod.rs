//! The whole panel with browsers that log, well and badly.

mod beacons;
mod misbehaving;
mod storing;

use api_types::client_log::{Answer, Kind, Level};
use log_tabs::{Panel, Socket, Tab, next_answer};
use serde_json::Value;
use sqlx::{PgPool, Row};

use crate::testing::{Client, Served, TestApp};

/// Where a served panel is, for somebody who is signed in.
async fn panel(served: &Served, client: &Client) -> Panel {
    // Signs in, if need be.
    client.csrf_token().await;
    Panel {
        url: served.url().replacen("http", "ws", 1),
        cookie: client.cookie_header(),
        origin: client.origin().to_owned(),
    }
}

async fn open(served: &Served, client: &Client) -> Socket {
    log_tabs::connect(&panel(served, client).await).await.expect("a socket")
}

/// Sends a batch of one message and returns the answer.
async fn send_one(socket: &mut Socket, tab: &Tab) -> Option<Answer> {
    use futures_util::SinkExt;
    let text = serde_json::to_string(&tab.batch(1)).expect("JSON");
    socket.send(text.into()).await.expect("sent");
    next_answer(socket).await
}

/// A line in the database, as far as tests want to know.
#[derive(Clone, Debug)]
struct Stored {
    description: String,
    user: Option<String>,
    user_id: Option<String>,
    session: Option<String>,
    project: Option<String>,
    request_id: Option<String>,
    node: String,
    release: String,
    fields: Value,
}

/// The lines of browsers, in the order they were stored.
async fn stored(db: &PgPool) -> Vec<Stored> {
    let rows = sqlx::query(
        "SELECT * FROM log_lines WHERE facility = 'client' AND fields ->> 'stream' IS NOT NULL ORDER BY id",
    );
    let rows = rows.fetch_all(db).await.expect("lines");
    rows.iter()
        .map(|row| Stored {
            description: row.get("description"),
            user: row.get("user_name"),
            user_id: row.get("user_id"),
            session: row.get("session"),
            project: row.get("project"),
            request_id: row.get("request_id"),
            node: row.get("node"),
            release: row.get("release"),
            fields: row.get("fields"),
        })
        .collect()
}

async fn descriptions(db: &PgPool) -> Vec<String> {
    stored(db).await.into_iter().map(|line| line.description).collect()
}

fn a_tab(descriptions: &[&str]) -> Tab {
    let mut tab = Tab::new();
    descriptions.iter().for_each(|description| tab.log(description));
    tab
}

fn a_message(level: Level, kind: Kind, description: &str, fields: Value) -> api_types::client_log::Message {
    let Value::Object(fields) = fields else { panic!("fields are an object") };
    api_types::client_log::Message { level, kind, fields, ..log_tabs::message(description) }
}

/// A panel that takes whatever comes, as fast as it comes.
async fn patient(db: PgPool) -> TestApp {
    TestApp::with(db, simcloud::CloudConfig::default(), |source| {
        source
            .with_env("CLIENT_LOG_MESSAGES_PER_SECOND", "1000000")
            .with_env("CLIENT_LOG_NODE_MESSAGES_PER_SECOND", "1000000")
            .with_env("CLIENT_LOG_PAGES_PER_HOUR", "1000000")
    })
    .await
}
