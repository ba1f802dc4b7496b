//! Ticking servers, and taking them away as a file.

use std::path::Path;

use anyhow::Result;
use e2e::{
    Scene, Setup,
    components::Menu,
    pages::{ServersPage, SignInPage},
    scene, until, until_equal,
};
use serde_json::{Value, json};
use simcloud::NewServer;

#[test]
fn the_rows_in_sight_the_others_or_all_that_match_are_selected() {
    scene(Setup::web_shop(2_000), async |scene| {
        let page = ServersPage::of(scene, "demo", "web-shop").await?;
        let table = page.complete_table().await?;
        page.facets().toggle("Region", "RegionTwo").await?;
        until("the facet to take hold", async || Ok((table.matching().await? < 2_000).then_some(()))).await?;
        let matching = table.matching().await?;
        table.toggle_sight().await?;
        let in_sight = selected(&page).await?;
        assert!((5..100).contains(&in_sight), "{in_sight} rows are in sight");
        page.press("Invert").await?;
        until_equal("the others", matching - in_sight, async || selected(&page).await).await?;
        page.press(&format!("Select all {matching} matching")).await?;
        until_equal("all that match", matching, async || selected(&page).await).await?;
        // What is asked for is "all that match": it follows the search.
        page.facets().toggle("Region", "RegionThree").await?;
        until("more to match", async || Ok((table.matching().await? > matching).then_some(()))).await?;
        let more = table.matching().await?;
        until_equal("all that match now", more, async || selected(&page).await).await?;
        page.press("Clear").await?;
        until("the bar to go", async || {
            Ok(table.rows().await?.iter().all(|row| !row.is_selected).then_some(()))
        })
        .await
    });
}

#[test]
fn the_filtered_servers_leave_as_csv_that_no_spreadsheet_runs() {
    scene(Setup::default(), async |scene| {
        let folder = downloads(scene).await?;
        scene.control().add_server("RegionOne", "alpha", named("=HYPERLINK(\"http://x\")"));
        scene.control().add_server("RegionOne", "alpha", named("two \"words\", and\na line"));
        let page = SignInPage::open(scene).await?.sign_in("alice").await?;
        let table = page.complete_table().await?;
        page.search("region:RegionOne").await?;
        table.has_matching(7).await?;
        Menu::open(&scene.browser, "Export").await?.press("CSV: the 7 servers that match").await?;
        let text = downloaded(folder.path(), "csv").await?;
        let lines = records(&text);
        assert_eq!(lines.len(), 8, "a head and seven servers: {text}");
        let name = lines[0]
            .iter()
            .position(|head| head.eq_ignore_ascii_case("name"))
            .expect("a column for the name");
        let names: Vec<&str> = lines[1..].iter().map(|line| line[name].as_str()).collect();
        assert!(names.contains(&"'=HYPERLINK(\"http://x\")"), "a formula is text: {names:?}");
        assert!(names.contains(&"two \"words\", and\na line"), "{names:?}");
        Ok(())
    });
}

#[test]
fn the_ticked_servers_leave_as_json() {
    scene(Setup::default(), async |scene| {
        let folder = downloads(scene).await?;
        scene.control().add_server("RegionOne", "alpha", named("taken"));
        let page = SignInPage::open(scene).await?.sign_in("alice").await?;
        let table = page.complete_table().await?;
        table.toggle("taken").await?;
        Menu::open(&scene.browser, "Export").await?.press("JSON: 1 selected").await?;
        let servers: Value = serde_json::from_str(&downloaded(folder.path(), "json").await?)?;
        assert_eq!(servers.as_array().map(Vec::len), Some(1), "{servers}");
        assert_eq!(servers[0]["name"], "taken");
        Ok(())
    });
}

fn named(name: &str) -> NewServer {
    NewServer { name: name.to_owned(), ..NewServer::default() }
}

async fn selected(page: &ServersPage<'_>) -> Result<usize> {
    let text = page.selection_bar().await?.text().await?;
    let digits: String =
        text.split("selected").next().unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
    Ok(digits.parse()?)
}

/// A folder that the browser saves files to.
async fn downloads(scene: &Scene) -> Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    let behaviour = json!({ "behavior": "allow", "downloadPath": folder.path() });
    scene.browser.cdp("Browser.setDownloadBehavior", behaviour).await?;
    Ok(folder)
}

/// The file with this ending, once it is whole.
async fn downloaded(folder: &Path, ending: &str) -> Result<String> {
    until(&format!("a file that ends in .{ending}"), async || {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|found| found == ending) {
                let text = std::fs::read_to_string(path)?;
                return Ok((!text.is_empty()).then_some(text));
            }
        }
        Ok(None)
    })
    .await
}

/// CSV as RFC 4180 has it: fields in quotes may hold commas, lines and doubled quotes.
fn records(text: &str) -> Vec<Vec<String>> {
    let mut records = vec![vec![String::new()]];
    let mut is_quoted = false;
    let mut letters = text.trim_end_matches("\r\n").chars().peekable();
    while let Some(letter) = letters.next() {
        let record = records.last_mut().expect("there is always one");
        match letter {
            '"' if is_quoted && letters.peek() == Some(&'"') => {
                letters.next();
                record.last_mut().expect("there is always one").push('"');
            }
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => record.push(String::new()),
            '\r' if !is_quoted => {}
            '\n' if !is_quoted => records.push(vec![String::new()]),
            letter => record.last_mut().expect("there is always one").push(letter),
        }
    }
    records
}
