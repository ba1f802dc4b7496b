//! Tabs that log while the panel is killed and stopped again and again: every message is stored, and none twice.

use std::net::SocketAddr;

use log_tabs::{Panel, Tab, load};
use server::testing::{Client, TestApp, until};
use sqlx::PgPool;

use crate::node::{Node, free_address};

const TABS: usize = 20;
const MESSAGES: usize = 400;
const RESTARTS: usize = 5;

/// Nothing is to be refused for coming too fast, and a node that stops does so at once, while tabs send.
const SETTINGS: [(&str, &str); 4] = [
    ("CLIENT_LOG_MESSAGES_PER_SECOND", "1000000"),
    ("CLIENT_LOG_NODE_MESSAGES_PER_SECOND", "1000000"),
    ("CLIENT_LOG_PAGES_PER_HOUR", "1000000"),
    ("HEALTH_DRAIN_FOR_SECS", "0"),
];

/// Over plain HTTP the cookie has its plain name.
fn panel(address: SocketAddr, alice: &Client) -> Panel {
    Panel {
        url: format!("ws://{address}"),
        cookie: format!("meridian={}", alice.cookie("meridian").expect("a session")),
        origin: format!("http://{address}"),
    }
}

async fn stored(db: &PgPool) -> (i64, i64) {
    let counts = sqlx::query_as(
        "SELECT count(*), count(DISTINCT (fields->>'stream', fields->>'number'))
        FROM log_lines WHERE facility = 'client' AND fields ->> 'stream' IS NOT NULL",
    );
    counts.fetch_one(db).await.expect("counts")
}

#[sqlx::test(migrations = "../migrations")]
async fn nothing_is_lost_and_nothing_is_stored_twice(db: PgPool) {
    let mut app = TestApp::new(db.clone()).await;
    let alice = app.signed_in("alice");
    alice.csrf_token().await;
    app.die();
    let address = free_address();
    let panel = panel(address, &alice);

    let loading = async {
        let first = load(|| panel.clone(), TABS, MESSAGES, 3).await;
        // Whoever is slow still finds the panel.
        let mut late = Tab::new();
        late.log("The last one.");
        late.deliver(|| panel.clone(), 1).await;
        first
    };
    let restarting = async {
        let mut node = Node::start_at(address, &app, &db, &SETTINGS);
        let all = (TABS * MESSAGES) as i64;
        for restart in 1..=RESTARTS as i64 {
            // In the middle of the work each time.
            let wanted = all * restart / (RESTARTS as i64 + 2);
            until("more messages", async || stored(&db).await.0 >= wanted).await;
            assert!(stored(&db).await.0 < all, "it ends in the middle");
            if restart % 2 == 0 {
                node.signal("TERM");
                assert_eq!(node.exit_code().await, Some(0));
            } else {
                node.kill();
            }
            node = Node::start_at(address, &app, &db, &SETTINGS);
        }
        node
    };
    let (report, _node) = tokio::join!(loading, restarting);
    assert!(report.setbacks >= RESTARTS, "{report:?}");
    let wanted = (TABS * MESSAGES) as i64 + 1;
    assert_eq!(stored(&db).await, (wanted, wanted), "{report:?}");
}
