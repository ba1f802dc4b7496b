//! Flags on several nodes of one panel.

use sqlx::PgPool;

use super::{Flag, Flags, SetFlag, Verdict, Whom};
use crate::{
    clock::Clock,
    config::FlagsConfig,
    metrics::Metrics,
    testing::{DatabaseProxy, until},
};

/// A node that follows what is set, until it is dropped.
struct Node {
    flags: Flags,
    following: tokio::task::JoinHandle<()>,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.following.abort();
    }
}

fn node(db: PgPool, configured: u8) -> Node {
    let config = FlagsConfig { client_log: configured };
    let flags = Flags::new(config, db, Clock::movable(), Metrics::recording());
    let following = tokio::spawn(flags.clone().follow());
    Node { flags, following }
}

fn client_log(percent: u8) -> SetFlag {
    SetFlag {
        flag: Flag::ClientLog,
        percent,
        on_for: Vec::new(),
        off_for: Vec::new(),
        changed_by: "olivia".to_owned(),
        because: "a ticket".to_owned(),
    }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

const ALICE: Whom<'_> = Whom { id: "1", name: "alice" };
const BOB: Whom<'_> = Whom { id: "2", name: "bob" };

async fn until_bob(node: &Node, has_it: bool) {
    let what = format!("the node to hear that bob has it: {has_it}");
    until(&what, async || node.flags.has(Flag::ClientLog, BOB) == has_it).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_operators_set_on_one_node_is_so_on_all_until_it_is_taken_back(db: PgPool) {
    let (node, other) = (node(db.clone(), 100), node(db, 100));
    assert_eq!((node.flags.of(BOB), other.flags.of(BOB)), (vec![Flag::ClientLog], vec![Flag::ClientLog]));
    let wanted = SetFlag { on_for: names(&["alice"]), ..client_log(0) };
    let set = node.flags.set(wanted).await.expect("it is set");
    assert_eq!(node.flags.of(BOB), [], "at once where it was set");
    assert_eq!(node.flags.setting(Flag::ClientLog).as_ref(), Some(&set));
    until_bob(&other, false).await;
    let verdict = |node: &Node, whom| node.flags.verdict(Flag::ClientLog, whom);
    assert_eq!(verdict(&other, BOB), Verdict { is_on: false, is_named: false, percent: 0 });
    assert_eq!(verdict(&other, ALICE), Verdict { is_on: true, is_named: true, percent: 0 });

    // A second word takes the place of the first, names and all.
    let wanted = SetFlag { off_for: names(&["alice"]), ..client_log(100) };
    other.flags.set(wanted).await.expect("it is set");
    until_bob(&node, true).await;
    assert_eq!(verdict(&node, ALICE), Verdict { is_on: false, is_named: true, percent: 100 });

    let cleared = node.flags.clear(Flag::ClientLog).await.expect("it is cleared").expect("it was there");
    assert_eq!((cleared.percent, &*cleared.changed_by, &*cleared.because), (100, "olivia", "a ticket"));
    until("the other node to follow", async || other.flags.setting(Flag::ClientLog).is_none()).await;
    assert!(other.flags.has(Flag::ClientLog, ALICE));
    assert_eq!(node.flags.clear(Flag::ClientLog).await.expect("nothing is there"), None);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_flag_of_another_release_is_left_alone(db: PgPool) {
    sqlx::query("INSERT INTO flags VALUES ('of_tomorrow', 5, '{}', '{}', 'olivia', now(), 'a ticket')")
        .execute(&db)
        .await
        .expect("a row");
    let node = node(db.clone(), 100);
    node.flags.set(client_log(0)).await.expect("it is set");
    assert_eq!(node.flags.of(BOB), []);
    node.flags.clear(Flag::ClientLog).await.expect("it is cleared");
    let left: Vec<String> = sqlx::query_scalar("SELECT name FROM flags").fetch_all(&db).await.expect("names");
    assert_eq!(left, ["of_tomorrow"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn while_postgres_is_away_what_is_known_goes_on_and_a_new_node_has_the_configured(db: PgPool) {
    let proxy = DatabaseProxy::start(&db).await;
    let (near, known) = (node(db, 100), node(proxy.pool(), 100));
    near.flags.set(client_log(0)).await.expect("it is set");
    until_bob(&known, false).await;
    for takes_away in [DatabaseProxy::hang, DatabaseProxy::refuse] {
        takes_away(&proxy);
        let fresh = node(proxy.pool(), 100);
        fresh.flags.look().await;
        known.flags.look().await;
        assert!(fresh.flags.has(Flag::ClientLog, BOB) && !known.flags.has(Flag::ClientLog, BOB));
        known.flags.set(client_log(50)).await.expect_err("nothing can be set");
        assert!(!known.flags.has(Flag::ClientLog, BOB));
        proxy.pass();
        until_bob(&fresh, false).await;
    }
    // What is set later is heard over a new connection.
    near.flags.set(client_log(100)).await.expect("it is set");
    until_bob(&known, true).await;
}
