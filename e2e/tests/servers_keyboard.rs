//! The list by keyboard alone.

use anyhow::Result;
use e2e::{
    Scene, Setup,
    components::Dialog,
    pages::{ServerPage, SignInPage},
    scene, until, until_equal,
};
use thirtyfour::{By, Key};

async fn press(scene: &Scene, key: impl Into<thirtyfour::TypingData>) -> Result<()> {
    Ok(scene.browser.action_chain().send_keys(key).perform().await?)
}

#[test]
fn rows_are_walked_ticked_and_opened_by_keys() {
    scene(Setup::default(), async |scene| {
        let table = SignInPage::open(scene).await?.sign_in("alice").await?.complete_table().await?;
        let rows = table.rows().await?;
        let ids: Vec<Option<String>> = rows.iter().map(|row| Some(row.id.clone())).collect();
        press(scene, "j").await?;
        until_equal("j to go to the first row", ids[0].clone(), async || table.cursor().await).await?;
        press(scene, "j").await?;
        until_equal("j to go on", ids[1].clone(), async || table.cursor().await).await?;
        press(scene, Key::Down).await?;
        until_equal("the arrow to go on", ids[2].clone(), async || table.cursor().await).await?;
        press(scene, "k").await?;
        until_equal("k to go back", ids[1].clone(), async || table.cursor().await).await?;
        press(scene, "x").await?;
        table.has(&rows[1].name, "that it is ticked", |row| row.id == rows[1].id && row.is_selected).await?;
        press(scene, Key::End).await?;
        until_equal("End to go to the last row", ids[11].clone(), async || table.cursor().await).await?;
        press(scene, Key::Home).await?;
        until_equal("Home to go to the first row", ids[0].clone(), async || table.cursor().await).await?;
        press(scene, Key::Enter).await?;
        let page = ServerPage::shown(scene).await?;
        assert_eq!(page.title().await?, rows[0].name);
        Ok(())
    });
}

#[test]
fn page_keys_go_further_in_a_long_list_and_the_row_stays_in_sight() {
    scene(Setup::web_shop(500), async |scene| {
        let page = e2e::pages::ServersPage::of(scene, "demo", "web-shop").await?;
        let table = page.complete_table().await?;
        press(scene, "j").await?;
        press(scene, Key::PageDown).await?;
        press(scene, Key::PageDown).await?;
        until("the list to follow the keyboard", async || {
            let script = "
                const table = document.querySelector('[data-testid=server-table]');
                const active = document.getElementById(table.getAttribute('aria-activedescendant'));
                const row = active.closest('[role=row]').getBoundingClientRect();
                const box = table.getBoundingClientRect();
                const index = Number(active.closest('[role=row]').getAttribute('aria-rowindex'));
                return index > 20 && table.scrollTop > 0 && row.top >= box.top && row.bottom <= box.bottom + 1;";
            Ok(scene.browser.run::<bool>(script, Vec::new()).await?.then_some(()))
        })
        .await?;
        press(scene, Key::End).await?;
        let last = async || {
            let cursor = table.cursor().await?;
            Ok(table
                .rows()
                .await?
                .into_iter()
                .find(|row| Some(&row.id) == cursor.as_ref())
                .map(|row| row.index))
        };
        until_equal("the last row", Some(501), last).await
    });
}

#[test]
fn slash_goes_to_the_search_and_the_arrow_back_into_the_list() {
    scene(Setup::default(), async |scene| {
        let page = SignInPage::open(scene).await?.sign_in("alice").await?;
        let table = page.complete_table().await?;
        press(scene, "/").await?;
        until("the search to have the focus", async || {
            let script =
                "return document.activeElement.type === 'search' && document.activeElement.value === '';";
            Ok(scene.browser.run::<bool>(script, Vec::new()).await?.then_some(()))
        })
        .await?;
        let name = table.names().await?.remove(0);
        // Letters are letters there, no shortcuts: the name may well have a j or an x in it.
        press(scene, name.as_str()).await?;
        until("the search to find it", async || Ok((table.matching().await? < 12).then_some(()))).await?;
        assert_eq!(page.search_field().await?.value().await?.as_deref(), Some(name.as_str()));
        press(scene, Key::Down).await?;
        until("the list to have the focus", async || Ok(table.has_focus().await?.then_some(()))).await
    });
}

#[test]
fn the_question_mark_lists_the_keys() {
    scene(Setup::default(), async |scene| {
        SignInPage::open(scene).await?.sign_in("alice").await?.complete_table().await?;
        press(scene, "?").await?;
        let dialog = Dialog::with_text(&scene.browser, "Keyboard").await?;
        let text = dialog.text().await?;
        for what in ["Open the server", "Select the server", "Search"] {
            assert!(text.contains(what), "{what:?} is not in {text:?}");
        }
        press(scene, Key::Escape).await?;
        until("the dialog to close", async || Ok((!Dialog::is_any_open(&scene.browser).await?).then_some(())))
            .await
    });
}

#[test]
fn every_stop_of_the_tab_key_can_be_seen() {
    scene(Setup::default(), async |scene| {
        SignInPage::open(scene).await?.sign_in("alice").await?.complete_table().await?;
        scene.browser.find(By::Tag("body")).await?.focus().await?;
        let mut stops = 0;
        for _ in 0..60 {
            press(scene, Key::Tab).await?;
            let script = "
                const active = document.activeElement;
                if (!active || active === document.body) return null;
                const box = active.getBoundingClientRect();
                const style = getComputedStyle(active);
                const ring = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
                const shadow = style.boxShadow !== 'none';
                const within = getComputedStyle(active.parentElement);
                const around = within.outlineStyle !== 'none' || within.boxShadow !== 'none';
                return [active.outerHTML.slice(0, 160), box.width > 0 && box.height > 0 && (ring || shadow || around)];";
            let stop: Option<(String, bool)> = scene.browser.run(script, Vec::new()).await?;
            // Out of the document again: that was all of it.
            let Some((element, is_visible)) = stop else { break };
            assert!(is_visible, "the focus is not to be seen on {element}");
            stops += 1;
        }
        assert!(stops > 8, "only {stops} stops");
        Ok(())
    });
}
