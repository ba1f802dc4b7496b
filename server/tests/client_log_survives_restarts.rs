//! Tabs that log while the panel is killed and stopped again and again: every message is stored, and none twice.

use std::{
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use log_tabs::{Panel, Tab, load};
use server::testing::{Client, TestApp, until};
use sqlx::PgPool;

const TABS: usize = 20;
const MESSAGES: usize = 400;
const RESTARTS: usize = 5;

/// The real program as a node on an address that its successor takes over; killed with SIGKILL when dropped.
struct Node(Child);

impl Node {
    fn start(app: &TestApp, db: &PgPool, address: SocketAddr) -> Self {
        let mut database =
            std::env::var("DATABASE_URL").expect("DATABASE_URL").parse::<url::Url>().expect("a URL");
        database.set_path(db.connect_options().get_database().expect("a database"));
        let child = Command::new(env!("CARGO_BIN_EXE_meridian"))
            .arg("serve")
            .env_clear()
            .env("DATABASE_URL", database.as_str())
            .env("OS_AUTH_URL", app.cloud.keystone_url())
            .env("LISTEN_ADDRESS", address.to_string())
            .env("PUBLIC_URL", format!("http://{address}"))
            // As the app of the test has it.
            .env("SESSION_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
            .env("CLIENT_LOG_MESSAGES_PER_SECOND", "1000000")
            .env("CLIENT_LOG_NODE_MESSAGES_PER_SECOND", "1000000")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        Self(child)
    }

    fn kill(&mut self) {
        self.0.kill().expect("killed");
        self.0.wait().expect("over");
    }

    /// Tells it to stop, as a deploy does.
    fn stop(&mut self) {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().expect("kill runs").success());
        assert!(self.0.wait().expect("over").success());
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may be over already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

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
        FROM log_lines WHERE facility = 'client' AND fields ? 'stream'",
    );
    counts.fetch_one(db).await.expect("counts")
}

#[sqlx::test(migrations = "../migrations")]
async fn nothing_is_lost_and_nothing_is_stored_twice(db: PgPool) {
    let mut app = TestApp::new(db.clone()).await;
    let alice = app.signed_in("alice");
    alice.csrf_token().await;
    app.die();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
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
        let mut node = Node::start(&app, &db, address);
        let all = (TABS * MESSAGES) as i64;
        for restart in 1..=RESTARTS as i64 {
            // In the middle of the work each time.
            let wanted = all * restart / (RESTARTS as i64 + 2);
            until("more messages", async || stored(&db).await.0 >= wanted).await;
            if restart % 2 == 0 {
                node.stop()
            } else {
                node.kill()
            }
            assert!(stored(&db).await.0 < all, "it ended in the middle");
            node = Node::start(&app, &db, address);
        }
        node
    };
    let (report, _node) = tokio::join!(loading, restarting);
    assert!(report.setbacks >= RESTARTS, "{report:?}");
    let wanted = (TABS * MESSAGES) as i64 + 1;
    assert_eq!(stored(&db).await, (wanted, wanted), "{report:?}");
}
