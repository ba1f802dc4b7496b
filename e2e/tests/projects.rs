//! Projects: each tab its own, and a switcher that holds with thousands.

use e2e::{
    Setup,
    pages::{ServersPage, SignInPage},
    scene, until, until_equal,
};
use simcloud::MANY_PROJECTS;
use thirtyfour::{By, Key, prelude::*};

#[test]
fn two_tabs_show_two_projects() {
    scene(Setup::default(), async |scene| {
        let alpha = SignInPage::open(scene).await?.sign_in("alice").await?;
        assert_eq!(alpha.complete_table().await?.total().await?, 12);
        let first = scene.browser.window().await?;
        let second = scene.browser.new_tab().await?;
        scene.browser.switch_to_window(second).await?;
        let beta = ServersPage::open(scene, "beta", "").await?;
        assert_eq!(beta.complete_table().await?.total().await?, 2);
        scene.browser.switch_to_window(first).await?;
        scene.browser.refresh().await?;
        let alpha = ServersPage::shown(scene).await?;
        assert_eq!(alpha.complete_table().await?.total().await?, 12);
        Ok(())
    });
}

#[test]
fn another_project_is_chosen_by_typing_part_of_its_name() {
    scene(Setup::default(), async |scene| {
        let page = SignInPage::open(scene).await?.sign_in("alice").await?;
        page.complete_table().await?;
        scene.browser.find(By::Css(".switcher-button")).await?.click().await?;
        let search = scene.browser.query(By::Css("input[aria-label='Search projects']")).first().await?;
        search.send_keys("bet").await?;
        until_equal("the projects that match", vec!["beta".to_owned()], async || shown_projects(scene).await)
            .await?;
        search.send_keys(Key::Enter + "".to_owned()).await?;
        let path = format!("/projects/{}/servers", scene.project("beta"));
        until_equal("the address", path, async || Ok(scene.browser.current_url().await?.path().to_owned()))
            .await?;
        let table = ServersPage::shown(scene).await?.table().await?;
        until_equal("the servers of the other project", 2, async || table.total().await).await
    });
}

#[test]
fn three_thousand_projects_are_searched() {
    scene(Setup::default(), async |scene| {
        SignInPage::open(scene).await?.submit_of("many").await?;
        let button = scene.browser.query(By::Css(".switcher-button")).and_displayed().first().await?;
        button.click().await?;
        let search = scene.browser.query(By::Css("input[aria-label='Search projects']")).first().await?;
        until("some of them to be shown", async || {
            let shown = shown_projects(scene).await?;
            Ok((!shown.is_empty() && shown.len() < MANY_PROJECTS).then_some(()))
        })
        .await?;
        search.send_keys("2999").await?;
        let expected = vec!["project-2999".to_owned()];
        until_equal("the one that matches", expected, async || shown_projects(scene).await).await?;
        search.send_keys(Key::Enter + "".to_owned()).await?;
        until("its name at the top", async || {
            let name = scene.browser.find(By::Css(".switcher-name")).await?.text().await?;
            Ok((name == "project-2999").then_some(()))
        })
        .await
    });
}

#[test]
fn a_project_one_has_no_role_in_is_refused_with_a_sentence() {
    scene(Setup::default(), async |scene| {
        SignInPage::open(scene).await?.sign_in("solo").await?.complete_table().await?;
        let project = scene.project("alpha");
        scene.browser.goto(scene.url(&format!("/projects/{project}/servers"))).await?;
        let state = scene.browser.query(By::Testid("empty-unreachable")).and_displayed().first().await?;
        let text = state.text().await?;
        assert!(text.contains("project"), "{text}");
        Ok(())
    });
}

/// The names in the switcher, without the part that tells their domain.
async fn shown_projects(scene: &e2e::Scene) -> anyhow::Result<Vec<String>> {
    let script = "
        return [...document.querySelectorAll('.chooser [role=option]')]
            .map(option => (option.querySelector('.foreign') || option).textContent.trim());";
    scene.browser.run(script, Vec::new()).await
}
