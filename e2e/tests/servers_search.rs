//! Finding servers: the search language, facets, sorting, and the address that holds it all.

use e2e::{
    Setup,
    components::Table,
    pages::{ServersPage, SignInPage},
    scene, until, until_equal,
};
use simcloud::{NewAddress, NewServer};
use thirtyfour::{By, prelude::*};

/// Ten servers in `beta` beside the two it has.
fn populate(scene: &e2e::Scene) {
    let control = scene.control();
    for (at, name) in
        ["apollo-10", "apollo-2", "apollo-1", "hermes-1", "Ünïcode", "cache"].into_iter().enumerate()
    {
        let region = ["RegionOne", "RegionTwo", "RegionThree"][at % 3];
        let address = std::net::Ipv4Addr::new(192, 0, 2, 10 + at as u8);
        let server = NewServer {
            name: name.to_owned(),
            status: if at == 3 { "SHUTOFF" } else { "ACTIVE" }.to_owned(),
            image: (at != 5).then(|| "debian-12".to_owned()),
            addresses: Some(vec![NewAddress::fixed("private", address)]),
            tags: if at < 3 { vec!["front".to_owned(), "prod".to_owned()] } else { Vec::new() },
            metadata: vec![("team".to_owned(), if at < 3 { "shop" } else { "data" }.to_owned())],
            ..NewServer::default()
        };
        control.add_server(region, "beta", server);
    }
}

async fn found(
    page: &ServersPage<'_>,
    table: &Table<'_>,
    search: &str,
    expected: &[&str],
) -> anyhow::Result<()> {
    page.search(search).await?;
    let mut expected: Vec<String> = expected.iter().map(|name| (*name).to_owned()).collect();
    expected.sort();
    until_equal(&format!("what {search:?} finds"), expected, async || {
        let mut names = table.names().await?;
        names.sort();
        Ok(names)
    })
    .await
}

#[test]
fn the_search_finds_by_everything_a_server_has() {
    scene(Setup::default(), async |scene| {
        populate(scene);
        let page = SignInPage::open(scene).await?.sign_in("solo").await?;
        let table = page.complete_table().await?;
        let apollos = ["apollo-1", "apollo-2", "apollo-10"];
        found(&page, &table, "APOLLO-", &apollos).await?;
        found(&page, &table, "apollo-1 front", &["apollo-1", "apollo-10"]).await?;
        found(&page, &table, "192.0.2.13", &["hermes-1"]).await?;
        found(&page, &table, "192.0.2.12/31", &["apollo-1", "hermes-1"]).await?;
        found(&page, &table, "tag:front", &apollos).await?;
        found(&page, &table, "meta:team=shop -apollo-2", &["apollo-1", "apollo-10"]).await?;
        found(&page, &table, "status:shutoff", &["hermes-1"]).await?;
        found(&page, &table, "ip:192.0.2.0/24 -tag:front -name:hermes", &["cache", "Ünïcode"]).await?;
        found(&page, &table, "üNÏ", &["Ünïcode"]).await?;
        let id = table_id(&page, &table).await?;
        found(&page, &table, &id, &["cache"]).await?;
        page.search("").await?;
        table.has_matching(8).await
    });
}

#[test]
fn facets_count_what_one_would_get_and_combine() {
    scene(Setup::default(), async |scene| {
        populate(scene);
        let page = SignInPage::open(scene).await?.sign_in("solo").await?;
        let table = page.complete_table().await?;
        let facets = page.facets();
        let shutoff = facets.count("Status", "SHUTOFF").await?;
        facets.toggle("Status", "SHUTOFF").await?;
        table.has_matching(shutoff).await?;
        let active = facets.count("Status", "ACTIVE").await?;
        facets.toggle("Status", "ACTIVE").await?;
        table.has_matching(shutoff + active).await?;
        let one = facets.count("Region", "RegionTwo").await?;
        facets.toggle("Region", "RegionTwo").await?;
        table.has_matching(one).await?;
        assert!(table.rows().await?.iter().all(|row| row.region == "RegionTwo"));
        page.query_has("region=RegionTwo", true).await?;
        page.press("Clear filters").await?;
        table.has_matching(8).await?;
        let volumes = facets.count("Image", "").await?;
        facets.toggle("Image", "").await?;
        table.has_matching(volumes).await?;
        table.row("cache").await?;
        page.query_has("region=", false).await
    });
}

#[test]
fn every_column_sorts_the_whole_set_both_ways() {
    scene(Setup::default(), async |scene| {
        populate(scene);
        let page = SignInPage::open(scene).await?.sign_in("solo").await?;
        let table = page.complete_table().await?;
        page.search("apollo-").await?;
        table.has_matching(3).await?;
        table.sort_by("name").await?;
        assert_eq!(table.sort_of("name").await?, "ascending");
        let natural = ["apollo-1", "apollo-2", "apollo-10"].map(str::to_owned).to_vec();
        until_equal("the natural order", natural.clone(), async || table.names().await).await?;
        table.sort_by("name").await?;
        assert_eq!(table.sort_of("name").await?, "descending");
        let turned: Vec<String> = natural.into_iter().rev().collect();
        until_equal("the order turned round", turned, async || table.names().await).await?;
        table.sort_by("addresses").await?;
        let by_address = ["apollo-10", "apollo-2", "apollo-1"].map(str::to_owned).to_vec();
        until_equal("the order of the addresses", by_address, async || table.names().await).await?;
        for column in ["status", "tags", "region", "flavor", "image", "created"] {
            table.sort_by(column).await?;
            assert_ne!(table.sort_of(column).await?, "none", "{column}");
            assert_eq!(table.matching().await?, 3);
        }
        Ok(())
    });
}

#[test]
fn the_address_holds_search_facets_and_order_and_a_reload_keeps_them() {
    scene(Setup::default(), async |scene| {
        populate(scene);
        SignInPage::open(scene).await?.sign_in("solo").await?;
        let page = ServersPage::open(scene, "beta", "?q=apollo-&status=ACTIVE&sort=-name").await?;
        let table = page.complete_table().await?;
        let expected = ["apollo-10", "apollo-2", "apollo-1"].map(str::to_owned).to_vec();
        assert_eq!(table.names().await?, expected);
        assert_eq!(page.search_field().await?.value().await?.as_deref(), Some("apollo-"));
        assert_eq!(table.sort_of("name").await?, "descending");
        page.search("apollo-1").await?;
        table.has_matching(2).await?;
        page.query_has("q=apollo-1", true).await?;
        scene.browser.refresh().await?;
        let table = ServersPage::shown(scene).await?.complete_table().await?;
        assert_eq!(table.names().await?, ["apollo-10", "apollo-1"]);
        Ok(())
    });
}

#[test]
fn an_address_full_of_nonsense_harms_nobody() {
    scene(Setup::default(), async |scene| {
        SignInPage::open(scene).await?.sign_in("alice").await?;
        let nonsense =
            "?q=%3Cimg%20src=x%20onerror=alert(1)%3E&sort=--&columns=,,nope&status=%F0%9F%98%80&x=1";
        let page = ServersPage::open(scene, "alpha", nonsense).await?;
        page.complete_table().await?;
        page.empty_state("no-match").await?;
        // The button among the facets leaves the search as it is; this one takes all of it away.
        let button = By::Css("[data-testid=empty-no-match] button");
        scene.browser.query(button).and_displayed().first().await?.click().await?;
        page.table().await?.has_matching(12).await
    });
}

#[test]
fn going_back_from_a_server_restores_the_list_and_its_place() {
    scene(Setup::web_shop(2_000), async |scene| {
        let page = ServersPage::of(scene, "demo", "web-shop").await?;
        let table = page.complete_table().await?;
        page.facets().toggle("Region", "RegionOne").await?;
        until("the facet to take hold", async || Ok((table.matching().await? < 2_000).then_some(()))).await?;
        let matching = table.matching().await?;
        table.scroll_to(8_000.0).await?;
        until("the list to be scrolled", async || Ok((table.scroll_top().await? >= 8_000.0).then_some(())))
            .await?;
        let script = "
            const table = document.querySelector('[data-testid=server-table]').getBoundingClientRect();
            return document.elementFromPoint(table.x + table.width / 2, table.y + table.height / 2)
                .closest('[role=row]')?.querySelector('[data-column=name] a');";
        // Rows are drawn with the frame after the one that scrolled.
        let link = until("a row in sight", async || {
            Ok(scene.browser.execute(script, Vec::new()).await?.element().ok())
        });
        link.await?.click().await?;
        e2e::pages::ServerPage::shown(scene).await?;
        scene.browser.back().await?;
        let table = ServersPage::shown(scene).await?.complete_table().await?;
        assert_eq!(table.matching().await?, matching);
        until_equal("the place in the list", 8_000.0, async || table.scroll_top().await).await?;
        page.query_has("region=RegionOne", true).await
    });
}

#[test]
fn the_search_says_how_many_servers_it_goes_through() {
    scene(Setup::default(), async |scene| {
        let page = SignInPage::open(scene).await?.sign_in("alice").await?;
        page.complete_table().await?;
        let field = By::Css("input[type=search][placeholder='Search 12 servers…']");
        scene.browser.query(field).first().await?;
        Ok(())
    });
}

/// The id of the server named `cache`.
async fn table_id(page: &ServersPage<'_>, table: &Table<'_>) -> anyhow::Result<String> {
    page.search("name:cache").await?;
    table.has_matching(1).await?;
    Ok(table.row("cache").await?.id)
}
