//! Eight open tabs: more than a browser opens connections to one host.

use e2e::{
    Setup,
    pages::{ServersPage, SignInPage},
    scene,
};
use simcloud::NewServer;

#[test]
fn eight_tabs_are_all_complete_and_all_stay_true() {
    scene(Setup::lively(), async |scene| {
        SignInPage::open(scene).await?.sign_in("alice").await?.complete_table().await?;
        let mut tabs = vec![scene.browser.window().await?];
        for _ in 1..8 {
            let tab = scene.browser.new_tab().await?;
            scene.browser.switch_to_window(tab.clone()).await?;
            let table = ServersPage::open(scene, "alpha", "").await?.complete_table().await?;
            assert_eq!(table.total().await?, 12);
            tabs.push(tab);
        }
        let new = NewServer { name: "seen-in-all".to_owned(), ..NewServer::default() };
        scene.control().add_server("RegionTwo", "alpha", new);
        for tab in tabs {
            scene.browser.switch_to_window(tab).await?;
            ServersPage::shown(scene).await?.table().await?.row("seen-in-all").await?;
        }
        Ok(())
    });
}
