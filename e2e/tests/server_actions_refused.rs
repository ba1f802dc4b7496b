//! Every action that the cloud refuses, or takes on and then does not do: the person reads why, in words and with the
//! ids to ask about, the row is what it was, and pressing again does it once the cloud is well.

use anyhow::{Context, Result, ensure};
use e2e::{
    Scene, Setup,
    components::{ActionDialog, ActionMenu, Row, Table, dismiss_toasts, toast},
    pages::{ServersPage, SignInPage},
    scene, until, until_equal,
};
use simcloud::{Fault, NewServer, Service, SimServer};
use thirtyfour::{By, prelude::*};

/// What a person does, once the action is chosen.
enum Ask {
    /// Nothing: it is done at once.
    Nothing,
    /// What it asks for, in a dialog; nothing where it only has to be confirmed.
    Form(&'static [Step]),
}

enum Step {
    /// Into the field with this label.
    Fill(&'static str, &'static str),
    /// Into the first element that matches.
    Type(&'static str, &'static str),
    /// The line of a table with this text.
    Choose(&'static str),
    /// The first element that matches.
    Press(&'static str),
}

use Ask::{Form, Nothing};
use Step::{Choose, Fill, Press, Type};

struct Case {
    action: &'static str,
    /// The server's name; several cases may be about one server, one after the other.
    server: &'static str,
    status: &'static str,
    ask: Ask,
    /// What is so in the cloud, at once or after a while, when it was done.
    done: fn(&SimServer) -> bool,
}

const fn case(action: &'static str, status: &'static str, ask: Ask, done: fn(&SimServer) -> bool) -> Case {
    Case { action, server: action, status, ask, done }
}

/// What a row says of the server itself.
fn facts(row: &Row) -> [&str; 6] {
    [&row.name, &row.status, &row.tags, &row.region, &row.flavor, &row.image]
}

/// Makes the servers of the cases, each with what its actions need, and opens the list with nothing else in it.
async fn list_of<'s>(scene: &'s Scene, cases: &[Case]) -> Result<(Table<'s>, Vec<(&'static str, String)>)> {
    let mut servers: Vec<(&'static str, String)> = Vec::new();
    for case in cases {
        if servers.iter().any(|(name, _)| *name == case.server) {
            continue;
        }
        let new = NewServer {
            name: case.server.to_owned(),
            status: case.status.to_owned(),
            is_locked: case.action == "unlock",
            volumes: usize::from(case.action == "detach_volume"),
            tags: vec!["of-this-test".to_owned()],
            ..NewServer::default()
        };
        servers.push((case.server, scene.control().add_server("RegionOne", "alpha", new)));
    }
    SignInPage::open(scene).await?.submit_of("alice").await?;
    let page = ServersPage::open(scene, "alpha", "?q=tag%3Aof-this-test").await?;
    let table = page.complete_table().await?;
    table.has_matching(servers.len()).await?;
    Ok((table, servers))
}

/// The server as the cloud has it; `None` once it is gone.
fn truth<T>(scene: &Scene, id: &str, read: impl FnOnce(&SimServer) -> T) -> Option<T> {
    if scene.control().servers("RegionOne", "alpha").iter().all(|server| server.id != id) {
        return None;
    }
    let mut found = None;
    scene.control().label_server("RegionOne", id, |server| found = Some(read(server)));
    found
}

/// What was answered to what changes something.
fn answers_to_writes(scene: &Scene) -> Vec<u16> {
    let calls = scene.control().calls();
    let writes = calls.iter().filter(|call| call.method != "GET" && call.service != Service::Identity);
    writes.filter_map(|call| call.status).collect()
}

fn refuse(scene: &Scene) {
    for service in [Service::Compute, Service::Network] {
        scene.control().set_fault("RegionOne", service, Some(Fault::Status(409)));
    }
    scene.control().reset_calls();
}

/// What the cloud says with a 409 that names no state.
const SAID: &str = "There was a conflict when trying to complete your request.";

async fn fill_in(scene: &Scene, dialog: &ActionDialog<'_>, steps: &[Step]) -> Result<()> {
    let first = |css: &str| scene.browser.query(By::Css(css.to_owned())).and_displayed();
    for step in steps {
        match step {
            Fill(label, text) => dialog.fill(label, text).await?,
            Type(css, text) => first(css).first().await?.send_keys(*text).await?,
            Choose(text) => dialog.choose(text).await?,
            Press(css) => first(css).first().await?.click().await?,
        }
    }
    dialog.type_the_word().await
}

/// Is refused, reads why, finds the row as it was, presses again and has it done.
async fn is_refused_and_done_again(scene: &Scene, table: &Table<'_>, case: &Case, id: &str) -> Result<()> {
    let before = table.row(case.server).await?;
    let menu = ActionMenu::of_row(&scene.browser, table, case.server).await?;
    let why = match &case.ask {
        Nothing => {
            refuse(scene);
            menu.choose(case.action).await?;
            let why = toast(&scene.browser, case.server).await?;
            ensure!(why.matches("req-").count() == 2, "our id and the cloud's: {why}");
            dismiss_toasts(&scene.browser).await?;
            why
        }
        Form(steps) => {
            let dialog = menu.ask(case.action).await?;
            fill_in(scene, &dialog, steps).await?;
            refuse(scene);
            dialog.submit().await?;
            let why = dialog.fails().await?;
            for part in ["Nothing was changed.", "Request req-", "The cloud's request req-"] {
                ensure!(why.contains(part), "{part:?} is not in {why}");
            }
            why
        }
    };
    ensure!(why.contains(SAID), "why: {why}");
    let refusals = answers_to_writes(scene);
    // Whose the address is, is asked first, and was refused already.
    let is_asked = !refusals.is_empty() || case.action == "detach_floating_ip";
    ensure!(is_asked && refusals.iter().all(|status| *status == 409), "the answers: {refusals:?}");
    table.has(case.server, "what it was", |row| facts(row) == facts(&before)).await?;

    scene.control().clear_faults();
    scene.control().reset_calls();
    match &case.ask {
        Nothing => ActionMenu::of_row(&scene.browser, table, case.server).await?.choose(case.action).await?,
        // Nothing typed is lost.
        Form(_) => ActionDialog::shown(&scene.browser).await?.confirm().await?,
    }
    until("the cloud to have done it", async || {
        let answers = answers_to_writes(scene);
        let is_taken = !answers.is_empty() && answers.iter().all(|status| *status < 300);
        if is_taken {
            scene.pass();
        }
        // A server that is gone is not there to be read.
        let is_done = truth(scene, id, case.done).unwrap_or(case.action == "delete");
        Ok((is_taken && is_done).then_some(()))
    })
    .await
    .with_context(|| format!("its answers were {:?}", answers_to_writes(scene)))
}

fn each_is_refused_and_done_again(cases: &[Case]) {
    // Whether the list is asked for soon is not the question; that rows do not wait for it is.
    scene(Setup::lively(), async |scene| {
        let (table, servers) = list_of(scene, cases).await?;
        for case in cases {
            let (_, id) =
                servers.iter().find(|(name, _)| *name == case.server).context("a server of the case")?;
            is_refused_and_done_again(scene, &table, case, id)
                .await
                .with_context(|| format!("{} of {}", case.action, case.server))?;
        }
        Ok(())
    });
}

fn is_in(server: &SimServer, vm_state: &str) -> bool {
    &*server.vm_state == vm_state && server.task_state.is_none()
}

#[test]
fn what_needs_no_question_is_refused_with_the_reason_in_the_corner() {
    each_is_refused_and_done_again(&[
        case("start", "SHUTOFF", Nothing, |server| is_in(server, "active")),
        case("unpause", "PAUSED", Nothing, |server| is_in(server, "active")),
        case("resume", "SUSPENDED", Nothing, |server| is_in(server, "active")),
        case("lock", "ACTIVE", Nothing, |server| server.is_locked),
        case("unlock", "ACTIVE", Nothing, |server| !server.is_locked),
        case("unshelve", "SHELVED_OFFLOADED", Nothing, |server| is_in(server, "active")),
        case("confirm_resize", "VERIFY_RESIZE", Nothing, |server| is_in(server, "active")),
        case("unrescue", "RESCUE", Nothing, |server| is_in(server, "active")),
    ]);
}

#[test]
fn what_has_to_be_confirmed_is_refused_with_the_reason_in_the_dialog() {
    each_is_refused_and_done_again(&[
        case("stop", "ACTIVE", Form(&[]), |server| is_in(server, "stopped")),
        case("reboot", "ACTIVE", Form(&[]), |server| is_in(server, "active")),
        case("hard_reboot", "ACTIVE", Form(&[]), |server| is_in(server, "active")),
        case("pause", "ACTIVE", Form(&[]), |server| is_in(server, "paused")),
        case("suspend", "ACTIVE", Form(&[]), |server| is_in(server, "suspended")),
        case("shelve", "ACTIVE", Form(&[]), |server| server.vm_state.starts_with("shelved")),
        case("revert_resize", "VERIFY_RESIZE", Form(&[]), |server| is_in(server, "active")),
        case("delete", "ACTIVE", Form(&[]), |_| false),
    ]);
}

#[test]
fn what_is_filled_in_stays_when_it_is_refused() {
    const KEY: &str = "dialog[open] .entry input[aria-label=Key]";
    const VALUE: &str = "dialog[open] .entry input[aria-label=Value]";
    each_is_refused_and_done_again(&[
        case("describe", "ACTIVE", Form(&[Fill("Description", "Answers the door")]), |server| {
            let description = server.rare.as_ref().and_then(|rare| rare.description.as_deref());
            description == Some("Answers the door")
        }),
        case("tag", "ACTIVE", Form(&[Fill("Tags", "red")]), |server| {
            server.tags.iter().any(|tag| &**tag == "red")
        }),
        case("set_metadata", "ACTIVE", Form(&[Type(KEY, "team"), Type(VALUE, "shop")]), |server| {
            server.metadata.iter().any(|(key, value)| (&**key, &**value) == ("team", "shop"))
        }),
        case("snapshot", "ACTIVE", Form(&[Fill("Name of the image", "kept")]), |server| {
            is_in(server, "active")
        }),
        case(
            "set_password",
            "ACTIVE",
            Form(&[Fill("New password of the administrator", "hunter2-hunter2")]),
            |server| is_in(server, "active"),
        ),
        case(
            "rescue",
            "ACTIVE",
            Form(&[Fill("Password of the rescue system (may be left empty)", "hunter2-hunter2")]),
            |server| is_in(server, "rescued"),
        ),
        case("resize", "ACTIVE", Form(&[Choose("m1.medium")]), |server| is_in(server, "resized")),
        case("rebuild", "ACTIVE", Form(&[Choose("debian-12")]), |server| is_in(server, "active")),
        case("rename", "ACTIVE", Form(&[Fill("New name", "renamed")]), |server| server.name == "renamed"),
    ]);
}

#[test]
fn what_connects_a_server_is_refused_and_can_be_asked_for_again() {
    const FIRST: &str = "dialog[open] tbody tr:not(.off)";
    const FIRST_ADDRESS: &str = "dialog[open] [aria-label='Floating IPs'] tbody tr:not(.off)";
    const OWN_ADDRESS: &str = "dialog[open] [aria-label='Floating IPs'] tbody tr";
    const NEW_ADDRESS: &str = "dialog[open] .field > .form-actions button";
    each_is_refused_and_done_again(&[
        Case {
            server: "with-volumes",
            ..case("detach_volume", "ACTIVE", Form(&[Press(FIRST)]), |server| server.volumes.is_empty())
        },
        Case {
            server: "with-volumes",
            ..case("attach_volume", "ACTIVE", Form(&[Choose("db-data")]), |server| server.volumes.len() == 1)
        },
        Case {
            server: "with-ports",
            ..case("attach_interface", "ACTIVE", Form(&[Choose("backend")]), |server| server.nics.len() == 2)
        },
        Case {
            server: "with-ports",
            ..case("detach_interface", "ACTIVE", Form(&[Choose("backend")]), |server| server.nics.len() == 1)
        },
        Case {
            server: "with-ports",
            ..case(
                "attach_floating_ip",
                "ACTIVE",
                Form(&[Press(NEW_ADDRESS), Press(FIRST_ADDRESS), Choose("private")]),
                |server| server.nics.iter().any(|nic| nic.floating.is_some()),
            )
        },
        Case {
            server: "with-ports",
            ..case("detach_floating_ip", "ACTIVE", Form(&[Press(OWN_ADDRESS)]), |server| {
                server.nics.iter().all(|nic| nic.floating.is_none())
            })
        },
        Case {
            server: "with-ports",
            ..case("remove_security_group", "ACTIVE", Form(&[Choose("default")]), |server| {
                server.security_groups.is_empty()
            })
        },
        Case {
            server: "with-ports",
            ..case("add_security_group", "ACTIVE", Form(&[Choose("default")]), |server| {
                server.security_groups.len() == 1
            })
        },
    ]);
}

#[test]
fn what_was_changed_meanwhile_is_told_in_the_clouds_own_words_and_in_ours() {
    // The list is asked for once and then not for a long while: the rows are what somebody looked at too long.
    let setup = Setup::default().with("INDEX_POLL_IDLE_SECS", "600");
    scene(setup, async |scene| {
        let named = |name: &str| NewServer { name: name.to_owned(), ..NewServer::default() };
        let locked = scene.control().add_server("RegionOne", "alpha", named("locked-since"));
        let busy = scene.control().add_server("RegionOne", "alpha", named("busy-since"));
        let stopped = scene.control().add_server("RegionOne", "alpha", named("stopped-since"));
        let page = SignInPage::open(scene).await?.sign_in("alice").await?;
        let table = page.complete_table().await?;
        scene.control().update_server("RegionOne", &locked, |server| server.is_locked = true);
        scene.control().update_server("RegionOne", &busy, |server| {
            server.task_state = Some("rebooting".into());
        });
        scene.control().update_server("RegionOne", &stopped, |server| {
            server.vm_state = "stopped".into();
            server.status = "SHUTOFF".into();
        });
        for (name, id, cause, said) in [
            ("locked-since", &locked, "The server is locked.", "is locked"),
            (
                "busy-since",
                &busy,
                "Something else is being done to the server: rebooting.",
                "task_state rebooting",
            ),
            ("stopped-since", &stopped, "The server is shut off,", "vm_state stopped"),
        ] {
            let dialog = ActionMenu::of_row(&scene.browser, &table, name).await?.ask("pause").await?;
            dialog.submit().await?;
            let why = dialog.fails().await?;
            for part in
                [cause, "Nothing was changed.", said, id.as_str(), "Request req-", "The cloud's request req-"]
            {
                ensure!(why.contains(part), "{name}: {part:?} is not in {why}");
            }
            dialog.press("Cancel").await?;
            dialog.closes().await?;
            table.has(name, "nothing under way that nobody asked for", |row| row.status != "Pausing").await?;
        }
        Ok(())
    });
}

#[test]
fn what_is_taken_on_and_then_fails_leaves_the_row_with_the_truth() {
    scene(Setup::lively(), async |scene| {
        let failing = |name: &str, what: &str| NewServer {
            name: name.to_owned(),
            metadata: vec![("oslab_fail".to_owned(), what.to_owned())],
            ..NewServer::default()
        };
        scene.control().add_server("RegionOne", "alpha", failing("not-stopped", "stop"));
        scene.control().add_server("RegionOne", "alpha", failing("not-rescued", "rescue"));
        scene.control().add_server("RegionOne", "alpha", failing("too-big", ""));
        let page = SignInPage::open(scene).await?.sign_in("alice").await?;
        let table = page.complete_table().await?;
        // One that is as it was: its history has the reason.
        ActionMenu::of_row(&scene.browser, &table, "not-stopped").await?.ask("stop").await?.confirm().await?;
        table.becomes(scene, "not-stopped", "Active").await?;
        // One that is in Error, and says so.
        ActionMenu::of_row(&scene.browser, &table, "not-rescued")
            .await?
            .ask("rescue")
            .await?
            .confirm()
            .await?;
        table.becomes(scene, "not-rescued", "Error").await?;
        // A size that no machine has room for.
        let dialog = ActionMenu::of_row(&scene.browser, &table, "too-big").await?.ask("resize").await?;
        dialog.choose("t1.toobig").await?;
        dialog.confirm().await?;
        table.becomes(scene, "too-big", "Active").await?;
        ensure!(table.row("too-big").await?.flavor.starts_with("m1.small"), "it has the size it had");
        let server = page.open_server("not-rescued").await?;
        server.shows("The host was told to fail: rescue").await?;
        server.shows("The server is left in the state Error").await?;
        server.choose_tab("Action history").await?;
        server.shows("Rescue").await?;
        Ok(())
    });
}

#[test]
fn an_answer_that_does_not_come_is_not_called_a_refusal() {
    let setup = Setup::lively().with("UPSTREAM_TIMEOUT_SECS", "1");
    scene(setup, async |scene| {
        let new = NewServer { name: "the-one".to_owned(), ..NewServer::default() };
        let id = scene.control().add_server("RegionOne", "alpha", new);
        let table = SignInPage::open(scene).await?.sign_in("alice").await?.complete_table().await?;
        let dialog = ActionMenu::of_row(&scene.browser, &table, "the-one").await?.ask("rename").await?;
        dialog.fill("New name", "the-other").await?;
        scene.control().set_fault("RegionOne", Service::Compute, Some(Fault::Status(503)));
        dialog.submit().await?;
        let why = dialog.fails().await?;
        ensure!(!why.contains("Nothing was changed."), "nobody knows that: {why}");
        scene.control().clear_faults();
        dialog.press("Cancel").await?;
        dialog.closes().await?;
        table.has("the-one", "its own name", |_| true).await?;
        let name = truth(scene, &id, |server| server.name.clone());
        ensure!(name.as_deref() == Some("the-one"), "{name:?}");
        Ok(())
    });
}

#[test]
fn two_tabs_that_want_contrary_things_both_tell_the_truth() {
    scene(Setup::lively(), async |scene| {
        let new = NewServer { name: "the-one".to_owned(), ..NewServer::default() };
        let id = scene.control().add_server("RegionOne", "alpha", new);
        let table = SignInPage::open(scene).await?.sign_in("alice").await?.complete_table().await?;
        // One is about to stop it, the other to pause it; both have read that it runs.
        let first = scene.browser.window().await?;
        let stop = ActionMenu::of_row(&scene.browser, &table, "the-one").await?.ask("stop").await?;
        let second = scene.browser.new_tab().await?;
        scene.browser.switch_to_window(second.clone()).await?;
        let other = ServersPage::open(scene, "alpha", "").await?.complete_table().await?;
        let pause = ActionMenu::of_row(&scene.browser, &other, "the-one").await?.ask("pause").await?;
        scene.browser.switch_to_window(first.clone()).await?;
        stop.confirm().await?;
        scene.browser.switch_to_window(second.clone()).await?;
        pause.submit().await?;
        let why = pause.fails().await?;
        ensure!(why.to_lowercase().contains("powering off"), "what the other tab does: {why}");
        pause.press("Cancel").await?;
        pause.closes().await?;
        other.becomes(scene, "the-one", "Shut off").await?;
        scene.browser.switch_to_window(first).await?;
        ServersPage::shown(scene).await?.table().await?.becomes(scene, "the-one", "Shut off").await?;
        until_equal("what the cloud has", Some("stopped".to_owned()), async || {
            Ok(truth(scene, &id, |server| server.vm_state.to_string()))
        })
        .await?;
        // What is possible now is what both offer: starting in one tab is seen in the other.
        let table = ServersPage::shown(scene).await?.table().await?;
        ActionMenu::of_row(&scene.browser, &table, "the-one").await?.choose("start").await?;
        scene.browser.switch_to_window(second).await?;
        let other = ServersPage::shown(scene).await?.table().await?;
        other.becomes(scene, "the-one", "Active").await.map(drop)
    });
}
