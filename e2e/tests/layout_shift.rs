//! Nothing moves when the panel takes over the frame that the server sent.

use anyhow::Result;
use e2e::{
    Scene, Setup,
    harness::browser::{DESKTOP, PHONE},
    pages::{ServersPage, SignInPage},
    scene,
};

/// Adds up every shift that no person caused.
const WATCH: &str = "
    window.shifts = [];
    new PerformanceObserver(list => {
        for (const entry of list.getEntries()) {
            if (entry.hadRecentInput) continue;
            const place = rect => `${rect.x} ${rect.y} ${rect.width} ${rect.height}`;
            const sources = entry.sources.map(({ node, previousRect, currentRect }) =>
                `${place(previousRect)} -> ${place(currentRect)}: ${node?.outerHTML?.slice(0, 80) ?? node}`);
            window.shifts.push([entry.value, sources.join(' | ')]);
        }
    }).observe({ type: 'layout-shift', buffered: true });";

/// A shift nobody minds: facets whose values are counted anew while regions answer, a line that wraps. The frame
/// itself, were it to jump, counts more than ten times as much.
const NOTICEABLE: f64 = 0.01;

async fn shifts(scene: &Scene) -> Result<Vec<(f64, String)>> {
    let all: Vec<(f64, String)> = scene.browser.run("return window.shifts;", Vec::new()).await?;
    Ok(all.into_iter().filter(|(value, _)| *value > NOTICEABLE).collect())
}

fn nothing_moves_at(size: (u32, u32)) {
    scene(Setup::web_shop(1_000).window(size), async |scene| {
        SignInPage::open(scene).await?.submit_of("demo").await?;
        scene.browser.on_every_document(WATCH).await?;
        for (project, query) in [("web-shop", ""), ("web-shop", "?q=web"), ("three", "")] {
            ServersPage::open(scene, project, query).await?.complete_table().await?;
            assert_eq!(shifts(scene).await?, Vec::new(), "{project}{query}");
        }
        Ok(())
    });
}

#[test]
fn nothing_moves_on_a_desk() {
    nothing_moves_at(DESKTOP);
}

#[test]
fn nothing_moves_in_half_a_window() {
    nothing_moves_at((1_000, 800));
}

#[test]
fn nothing_moves_in_a_hand() {
    nothing_moves_at(PHONE);
}
