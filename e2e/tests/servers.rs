//! The list of servers: what it shows, how it says that there is nothing, and how many it holds.

use e2e::{
    Setup,
    components::Menu,
    pages::{ServersPage, SignInPage},
    scene, until_equal,
};
use simcloud::{Fault, NewAddress, NewServer, Service};
use thirtyfour::{By, prelude::*};

#[test]
fn the_list_shows_every_server_of_every_region_the_newest_first() {
    scene(Setup::default(), async |scene| {
        let control = scene.control();
        let mut expected: Vec<_> = ["RegionOne", "RegionTwo", "RegionThree"]
            .into_iter()
            .flat_map(|region| control.servers(region, "alpha"))
            .collect();
        expected.sort_by(|a, b| b.created_at.cmp(&a.created_at).then_with(|| a.id.cmp(&b.id)));
        let page = SignInPage::open(scene).await?.sign_in("alice").await?;
        let rows = page.complete_table().await?.rows().await?;
        let shown: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        assert_eq!(shown, expected.iter().map(|server| server.id.as_str()).collect::<Vec<_>>());
        for (row, server) in rows.iter().zip(&expected) {
            assert_eq!(row.name, server.name);
            assert_ne!(row.status, "");
            assert_ne!(row.flavor, "");
        }
        for chip in page.regions().await? {
            assert_eq!(chip.status, "complete", "{chip:?}");
        }
        Ok(())
    });
}

#[test]
fn servers_of_every_odd_kind_show_sensibly() {
    scene(Setup::default(), async |scene| {
        let control = scene.control();
        let add = |server: NewServer| control.add_server("RegionTwo", "beta", server);
        let named = |name: &str| NewServer { name: name.to_owned(), ..NewServer::default() };
        add(NewServer { image: None, ..named("from-volume") });
        add(NewServer {
            image: Some("5d2dd1f7-0b3f-4a1a-9d8e-2f4f1e9b7c11".to_owned()),
            ..named("image-gone")
        });
        add(NewServer { flavor: "deleted.flavor".to_owned(), ..named("flavor-gone") });
        add(NewServer { status: "HIBERNATING".to_owned(), ..named("from-the-future") });
        add(NewServer { task_state: Some("rebooting".to_owned()), ..named("reboots") });
        let six = "fd00:10::5".parse::<std::net::IpAddr>()?;
        add(NewServer { addresses: Some(vec![NewAddress::fixed("private", six)]), ..named("only-ipv6") });
        add(NewServer { addresses: Some(Vec::new()), ..named("no-address") });
        let null = serde_json::json!({ "addresses": null, "flavor": null, "tags": null, "metadata": null });
        let overrides = null.as_object().cloned().unwrap_or_default();
        add(NewServer { overrides, ..named("all-null") });

        let page = SignInPage::open(scene).await?.sign_in("solo").await?;
        let table = page.complete_table().await?;
        assert_eq!(table.total().await?, 10);
        assert_eq!(table.row("from-volume").await?.image, "Volume");
        assert!(
            table.row("image-gone").await?.image.starts_with("Unnamed"),
            "an image that is gone has no name"
        );
        assert!(table.row("flavor-gone").await?.flavor.contains("deleted.flavor"));
        assert_eq!(table.row("from-the-future").await?.status, "Hibernating");
        let reboots = table.row("reboots").await?;
        assert!(reboots.status.contains("Rebooting"), "the task stands in the cell: {reboots:?}");
        assert_eq!(table.row("only-ipv6").await?.addresses, "fd00:10::5");
        let none = table.row("no-address").await?;
        assert!(none.addresses.is_empty() || none.addresses == "—", "{none:?}");
        assert_eq!(table.row("all-null").await?.region, "RegionTwo");
        Ok(())
    });
}

#[test]
fn nothing_yet_nothing_matches_and_could_not_load_are_three_different_states() {
    scene(Setup::default().with("UPSTREAM_TIMEOUT_SECS", "1"), async |scene| {
        let nothing = ServersPage::of(scene, "demo", "empty").await?;
        let nothing_yet = nothing.empty_state("nothing-yet").await?;
        let three = ServersPage::open(scene, "three", "").await?;
        three.complete_table().await?;
        three.search("no-server-is-called-so").await?;
        let no_match = three.empty_state("no-match").await?;
        scene.control().set_fault("*", Service::Compute, Some(Fault::Refuse));
        let broken = ServersPage::open(scene, "web-shop", "").await?;
        let unreachable = broken.empty_state("unreachable").await?;
        assert_ne!(nothing_yet, no_match);
        assert_ne!(nothing_yet, unreachable);
        assert_ne!(no_match, unreachable);
        three.press("Retry").await
    });
}

#[test]
fn ten_thousand_servers_all_stay_in_the_document() {
    scene(Setup::web_shop(10_000), async |scene| {
        let table = ServersPage::of(scene, "demo", "web-shop").await?.complete_table().await?;
        assert_eq!(table.total().await?, 10_000);
        assert_eq!(table.announced_rows().await?, 10_001);
        let script = "
            const rows = [...document.querySelectorAll('[role=row][data-id]')];
            return [rows.length, new Set(rows.map(row => row.dataset.id)).size,
                    rows.filter(row => row.querySelector('[data-column=name]').textContent === '').length];";
        let counted: (usize, usize, usize) = scene.browser.run(script, Vec::new()).await?;
        assert_eq!(counted, (10_000, 10_000, 0), "rows, different rows, rows without a name");
        Ok(())
    });
}

#[test]
fn beyond_ten_thousand_the_rows_in_sight_are_drawn_and_all_are_announced() {
    scene(Setup::web_shop(12_000), async |scene| {
        let table = ServersPage::of(scene, "demo", "web-shop").await?.complete_table().await?;
        assert_eq!(table.announced_rows().await?, 12_001);
        let script = "
            const table = document.querySelector('[data-testid=server-table]');
            return [table.scrollHeight, table.querySelectorAll('[role=row][data-id]').length];";
        let (height, drawn): (f64, usize) = scene.browser.run(script, Vec::new()).await?;
        assert!(height >= 12_000.0 * 32.0, "the scroll bar stands for all rows, not for {height} pixels");
        assert!(drawn < 1_000, "{drawn} rows are drawn");
        table.scroll_to(height).await?;
        until_equal("the last row", Some(12_001), async || {
            Ok(table.rows().await?.last().map(|row| row.index))
        })
        .await
    });
}

#[test]
fn columns_are_chosen_and_moved_and_the_address_remembers() {
    scene(Setup::default(), async |scene| {
        let page = SignInPage::open(scene).await?.sign_in("alice").await?;
        let table = page.complete_table().await?;
        let before = table.columns().await?;
        let menu = Menu::open(&scene.browser, "Columns").await?;
        menu.toggle("Image").await?;
        let without: Vec<String> = before.iter().filter(|column| *column != "image").cloned().collect();
        until_equal("the columns without the image", without.clone(), async || table.columns().await).await?;
        menu.press("Move Region to the left").await?;
        let mut moved = without;
        let at = moved.iter().position(|column| column == "region").expect("the region is shown");
        moved.swap(at, at - 1);
        until_equal("the region one place further left", moved.clone(), async || table.columns().await)
            .await?;
        page.query_has("columns=", true).await?;
        scene.browser.refresh().await?;
        let table = ServersPage::shown(scene).await?.complete_table().await?;
        assert_eq!(table.columns().await?, moved);
        Ok(())
    });
}

#[test]
fn an_address_is_copied_by_the_button_beside_it() {
    scene(Setup::default(), async |scene| {
        let page = SignInPage::open(scene).await?.sign_in("alice").await?;
        let table = page.complete_table().await?;
        let row =
            table.rows().await?.into_iter().find(|row| row.addresses.contains('.')).expect("an address");
        let cell = table.row_element(&row.id).await?.find(By::Css("[data-column=addresses]")).await?;
        scene.browser.action_chain().move_to_element_center(&cell).perform().await?;
        scene.browser.query(By::Css(".row .copy-button")).and_displayed().first().await?.click().await?;
        scene.browser.query(By::Css(".row .copy-button.done")).first().await?;
        let origin = scene.panel.url();
        let grant = serde_json::json!({ "origin": origin, "permissions": ["clipboardReadWrite"] });
        scene.browser.cdp("Browser.grantPermissions", grant).await?;
        let script =
            "navigator.clipboard.readText().then(arguments[0], error => arguments[0](String(error)));";
        let copied: String = scene.browser.run_async(script, Vec::new()).await?;
        assert!(row.addresses.split(' ').any(|address| address == copied), "{copied}: {row:?}");
        Ok(())
    });
}

#[test]
fn a_status_and_what_is_being_done_both_show_or_end_in_an_ellipsis() {
    scene(Setup::default().window((1440, 900)), async |scene| {
        let control = scene.control();
        let add = |name: &str, status: &str, task: Option<&str>| {
            control.add_server(
                "RegionTwo",
                "beta",
                NewServer {
                    name: name.to_owned(),
                    status: status.to_owned(),
                    task_state: task.map(str::to_owned),
                    ..NewServer::default()
                },
            )
        };
        add("resizes", "RESIZE", Some("resize_migrating"));
        add("reboots", "HARD_REBOOT", Some("reboot_started_hard"));
        add("is-shelved", "SHELVED_OFFLOADED", None);
        let table = SignInPage::open(scene).await?.sign_in("solo").await?.complete_table().await?;
        for name in ["resizes", "reboots", "is-shelved"] {
            table.row(name).await?;
        }
        // What sticks out of a cell is cut off; only a block cuts its own words with an ellipsis.
        let script = "
            const out = [];
            for (const row of document.querySelectorAll('[role=row][data-id]')) {
                const cell = row.querySelector('[data-column=status]');
                const task = cell.querySelector('.task');
                const bounds = row.getBoundingClientRect();
                for (const part of [cell, task]) {
                    if (!part) continue;
                    const style = getComputedStyle(part), box = part.getBoundingClientRect();
                    if (style.display !== 'block' || style.textOverflow !== 'ellipsis')
                        out.push(part.textContent + ' cannot be cut with an ellipsis');
                    if (box.top < bounds.top || box.bottom > bounds.bottom || box.right > cell.getBoundingClientRect().right)
                        out.push(part.textContent + ' sticks out');
                }
                if (!task) continue;
                const word = document.createRange();
                word.selectNode(cell.firstChild);
                if (word.getBoundingClientRect().bottom > task.getBoundingClientRect().top + 1)
                    out.push(task.textContent + ' covers the word before it');
            }
            return out;";
        assert_eq!(scene.browser.run::<Vec<String>>(script, Vec::new()).await?, Vec::<String>::new());
        Ok(())
    });
}
