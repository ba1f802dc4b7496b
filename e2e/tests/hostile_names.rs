//! Names that would like to be something else are text, everywhere.

use e2e::{Setup, pages::SignInPage, scene, until_equal};
use simcloud::NewServer;

fn hostile() -> Vec<String> {
    [
        "<img src=x onerror=\"window.hacked=1\">",
        "<script>window.hacked=1</script>",
        "\u{202e}gnp.exe",
        "line\nbreak\ttab",
        "'; DROP TABLE sessions; --",
        "{{7*7}}${7*7}",
        "javascript:window.hacked=1",
        "&lt;b&gt;",
    ]
    .into_iter()
    .map(str::to_owned)
    .chain(["🦀".repeat(255), String::new(), "twin".to_owned(), "twin".to_owned()])
    .collect()
}

#[test]
fn hostile_names_are_shown_as_text_sorted_and_found() {
    scene(Setup::default(), async |scene| {
        let control = scene.control();
        let names = hostile();
        for name in &names {
            let tags = vec![format!("t{name}").chars().take(60).collect::<String>()];
            let server = NewServer {
                name: name.clone(),
                tags: if name.is_empty() { Vec::new() } else { tags },
                metadata: vec![("<b>key</b>".to_owned(), name.chars().take(255).collect())],
                ..NewServer::default()
            };
            control.add_server("RegionOne", "beta", server);
        }
        let page = SignInPage::open(scene).await?.sign_in("solo").await?;
        let table = page.complete_table().await?;
        assert_eq!(table.total().await?, names.len() + 2);
        let shown = table.names().await?;
        for name in names.iter().filter(|name| !name.is_empty()) {
            assert!(shown.contains(name), "{name:?} is not among {shown:?}");
        }
        assert!(shown.iter().any(|name| name.starts_with("(no name)")), "{shown:?}");
        assert_eq!(shown.iter().filter(|name| *name == "twin").count(), 2);
        // No row is higher or wider than another, whatever is in it.
        let script = "
            const rows = [...document.querySelectorAll('[role=row][data-id]')].map(row => row.getBoundingClientRect());
            return [new Set(rows.map(row => row.height)).size, new Set(rows.map(row => row.width)).size,
                    document.documentElement.scrollWidth <= innerWidth];";
        let sizes: (usize, usize, bool) = scene.browser.run(script, Vec::new()).await?;
        assert_eq!(sizes, (1, 1, true), "different heights, different widths, no sideways scrolling");
        for column in ["name", "tags"] {
            table.sort_by(column).await?;
            assert_eq!(table.matching().await?, names.len() + 2);
        }
        page.search("\"<script>\"").await?;
        until_equal("what is found", 1, async || table.matching().await).await?;
        page.search("🦀🦀🦀").await?;
        until_equal("what is found", 1, async || table.matching().await).await?;
        page.search("name:twin").await?;
        until_equal("what is found", 2, async || table.matching().await).await?;
        page.search("").await?;
        table.has_matching(names.len() + 2).await?;
        let server = page.open_server(&names[0]).await?;
        assert_eq!(server.title().await?, names[0]);
        for tab in ["Metadata", "JSON", "Action history"] {
            server.choose_tab(tab).await?;
        }
        let script = "return [window.hacked === undefined, document.querySelectorAll('#main img').length];";
        let untouched: (bool, usize) = scene.browser.run(script, Vec::new()).await?;
        assert_eq!(untouched, (true, 0));
        let title = scene.browser.title().await?;
        assert!(title.contains(&names[0]), "{title}");
        Ok(())
    });
}
