//! What is around every page: looks, menus, keys, and the column that is a drawer on a phone.

use anyhow::Result;
use e2e::{
    Scene, Setup,
    components::{Dialog, Menu},
    harness::browser::{DESKTOP, PHONE},
    pages::SignInPage,
    scene, until, until_equal,
};
use thirtyfour::{By, Key, prelude::*};

#[test]
fn a_theme_is_chosen_kept_and_there_from_the_first_byte() {
    scene(Setup::default(), async |scene| {
        scene.browser.prefer_colour_scheme("dark").await?;
        SignInPage::open(scene).await?.sign_in("alice").await?.complete_table().await?;
        let as_dark = background(scene).await?;
        choose_theme(scene, "Light").await?;
        let as_light = background(scene).await?;
        assert_ne!(as_light, as_dark);
        for (name, key, colour) in [("Dark", "dark", &as_dark), ("Light", "light", &as_light)] {
            choose_theme(scene, name).await?;
            until_equal("the page's colour", colour.clone(), async || background(scene).await).await?;
            scene.browser.refresh().await?;
            assert_eq!(&background(scene).await?, colour, "{name} is kept");
            // Written into the page by the server: the first paint has it, nothing flashes.
            let sent: String = scene
                .browser
                .run_async("fetch(location.href).then(page => page.text()).then(arguments[0]);", Vec::new())
                .await?;
            assert!(
                sent.contains(&format!("data-theme=\"{key}\"")),
                "{name} is not in the page as it is sent"
            );
        }
        choose_theme(scene, "As the system").await?;
        until_equal("the system's colour", as_dark, async || background(scene).await).await?;
        scene.browser.prefer_colour_scheme("light").await?;
        until_equal("the system's other colour", as_light, async || background(scene).await).await
    });
}

#[test]
fn a_theme_chosen_in_one_tab_is_the_others_too() {
    scene(Setup::default(), async |scene| {
        SignInPage::open(scene).await?.sign_in("alice").await?.complete_table().await?;
        let first = scene.browser.window().await?;
        let second = scene.browser.new_tab().await?;
        scene.browser.switch_to_window(second).await?;
        scene.browser.goto(scene.url("/account/sessions")).await?;
        choose_theme(scene, "Dark").await?;
        scene.browser.switch_to_window(first).await?;
        until_equal("the first tab's theme", "dark".to_owned(), async || {
            scene.browser.run("return document.documentElement.dataset.theme;", Vec::new()).await
        })
        .await
    });
}

#[test]
fn the_focus_can_be_seen_on_every_item_of_a_menu() {
    scene(Setup::default(), async |scene| {
        SignInPage::open(scene).await?.sign_in("alice").await?.complete_table().await?;
        for scheme in ["light", "dark"] {
            scene.browser.prefer_colour_scheme(scheme).await?;
            for menu in ["Account", "Theme", "Help"] {
                let button = By::Css(format!("button[aria-label='{menu}']"));
                scene.browser.find(button).await?.focus().await?;
                press(scene, Key::Enter).await?;
                until("an item to have the focus", async || Ok(focused_item(scene).await?.map(|_| ())))
                    .await?;
                press(scene, Key::Down).await?;
                let ring = focused_item(scene).await?.expect("an item has the focus");
                assert_eq!(ring, "solid 2px", "{menu}, {scheme}");
                press(scene, Key::Escape).await?;
            }
        }
        Ok(())
    });
}

#[test]
fn keys_of_one_character_can_be_turned_off_and_stay_off() {
    scene(Setup::default(), async |scene| {
        let table = SignInPage::open(scene).await?.sign_in("alice").await?.complete_table().await?;
        press(scene, "?").await?;
        let dialog = Dialog::with_text(&scene.browser, "Keyboard").await?;
        scene.browser.find(By::Css("dialog .check input")).await?.click().await?;
        dialog.press("Close").await?;
        scene.browser.refresh().await?;
        table.complete().await?;
        // Named keys come after it: once they have done their work, the others have had their chance.
        press(scene, "j/?").await?;
        press(scene, Key::Tab).await?;
        assert_eq!(table.cursor().await?, None);
        assert!(!Dialog::is_any_open(&scene.browser).await?);
        let is_in_search: bool =
            scene.browser.run("return document.activeElement.type === 'search';", Vec::new()).await?;
        assert!(!is_in_search, "the slash led to the search");
        // The way back is a button.
        Menu::open(&scene.browser, "Help").await?.press("Keyboard").await?;
        let dialog = Dialog::with_text(&scene.browser, "Keyboard").await?;
        scene.browser.find(By::Css("dialog .check input")).await?.click().await?;
        dialog.press("Close").await?;
        press(scene, "j").await?;
        until("j to work again", async || Ok(table.cursor().await?.map(|_| ()))).await
    });
}

#[test]
fn the_drawer_keeps_the_focus_and_gives_it_back() {
    scene(Setup::default().window(PHONE), async |scene| {
        SignInPage::open(scene).await?.sign_in("alice").await?.complete_table().await?;
        let opener = || By::Css("button[aria-label='Filters']");
        scene.browser.query(opener()).and_displayed().first().await?.click().await?;
        until("the drawer to have the focus", async || Ok(is_in_drawer(scene).await?.then_some(()))).await?;
        for _ in 0..40 {
            press(scene, Key::Tab).await?;
            let is_under: bool = scene
                .browser
                .run("return document.activeElement.closest('.main, .top-bar') !== null;", Vec::new())
                .await?;
            assert!(!is_under, "the focus went under the drawer");
        }
        scene.browser.find(By::Css(".side")).await?.focus().await?;
        press(scene, Key::Escape).await?;
        let has_focus = async || {
            let script = "return document.activeElement.getAttribute('aria-label') === 'Filters'
                && document.querySelector('[inert]') === null;";
            Ok(scene.browser.run::<bool>(script, Vec::new()).await?.then_some(()))
        };
        until("the focus to be back on its button", has_focus).await?;
        // A window grown wide has no drawer, so nothing lies under one.
        scene.browser.find(opener()).await?.click().await?;
        until("the drawer to be open again", async || Ok(is_in_drawer(scene).await?.then_some(()))).await?;
        scene.browser.resize(DESKTOP).await?;
        until("nothing to be held back", async || {
            let script = "return document.querySelector('[inert], .side.open') === null;";
            Ok(scene.browser.run::<bool>(script, Vec::new()).await?.then_some(()))
        })
        .await
    });
}

async fn press(scene: &Scene, key: impl Into<thirtyfour::TypingData>) -> Result<()> {
    Ok(scene.browser.action_chain().send_keys(key).perform().await?)
}

async fn choose_theme(scene: &Scene, name: &str) -> Result<()> {
    Menu::open(&scene.browser, "Theme").await?.press(name).await
}

async fn background(scene: &Scene) -> Result<String> {
    scene.browser.run("return getComputedStyle(document.documentElement).backgroundColor;", Vec::new()).await
}

/// The ring around the menu's item that has the focus.
async fn focused_item(scene: &Scene) -> Result<Option<String>> {
    let script = "
        const item = document.activeElement.closest('[role^=menuitem]');
        const style = item && getComputedStyle(item);
        return item && `${style.outlineStyle} ${style.outlineWidth}`;";
    scene.browser.run(script, Vec::new()).await
}

async fn is_in_drawer(scene: &Scene) -> Result<bool> {
    scene.browser.run("return document.activeElement.closest('.side.open') !== null;", Vec::new()).await
}
