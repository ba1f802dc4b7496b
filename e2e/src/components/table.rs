//! The servers table.

use anyhow::Result;
use serde::Deserialize;
use thirtyfour::{By, WebElement, prelude::*};

use crate::{Scene, harness::browser::Browser, until, until_equal};

/// The table on the page.
pub struct Table<'b> {
    browser: &'b Browser,
    element: WebElement,
}

/// A row as it reads; cells of columns that are not shown are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Row {
    pub id: String,
    /// Its place in the whole set; the header is 1.
    pub index: usize,
    pub name: String,
    pub status: String,
    pub tags: String,
    pub addresses: String,
    pub region: String,
    pub flavor: String,
    pub image: String,
    pub created: String,
    pub is_selected: bool,
    pub is_gone: bool,
}

impl<'b> Table<'b> {
    /// The table, once it is on screen.
    pub async fn shown(browser: &'b Browser) -> Result<Self> {
        let element = browser.query(By::Testid("server-table")).and_displayed().first().await?;
        Ok(Self { browser, element })
    }

    /// Waits until every region has answered or failed and everything is drawn.
    pub async fn complete(&self) -> Result<()> {
        until_equal("the table to be complete", "complete".to_owned(), async || {
            self.attribute("data-state").await
        })
        .await
    }

    /// `loading` or `complete`.
    pub async fn state(&self) -> Result<String> {
        self.attribute("data-state").await
    }

    /// How many servers there are.
    pub async fn total(&self) -> Result<usize> {
        Ok(self.attribute("data-total").await?.parse()?)
    }

    /// How many of them match search and facets.
    pub async fn matching(&self) -> Result<usize> {
        Ok(self.attribute("data-matching").await?.parse()?)
    }

    /// Waits until so many match.
    pub async fn has_matching(&self, expected: usize) -> Result<()> {
        until_equal("the number of servers that match", expected, async || self.matching().await).await
    }

    /// Rows and header, as a screen reader is told.
    pub async fn announced_rows(&self) -> Result<usize> {
        Ok(self.attribute("aria-rowcount").await?.parse()?)
    }

    /// The rows that are in the document, in the order of the list.
    pub async fn rows(&self) -> Result<Vec<Row>> {
        // Not innerText: it would lay out blocks that the browser skips while they are out of sight.
        let script = "
            const cell = (row, name) => {
                const found = row.querySelector(`[data-column=\"${name}\"]`);
                if (!found) return '';
                const walker = document.createTreeWalker(found, NodeFilter.SHOW_TEXT);
                const texts = [];
                for (let node; (node = walker.nextNode()); ) if (node.data.trim()) texts.push(node.data.trim());
                return texts.join(' ');
            };
            return [...arguments[0].querySelectorAll('[role=row][data-id]')].map(row => ({
                id: row.dataset.id,
                index: Number(row.getAttribute('aria-rowindex')),
                name: row.querySelector('[data-column=name] a')?.textContent ?? '',
                status: cell(row, 'status'),
                tags: cell(row, 'tags'),
                addresses: cell(row, 'addresses'),
                region: row.dataset.region,
                flavor: cell(row, 'flavor'),
                image: cell(row, 'image'),
                created: cell(row, 'created'),
                is_selected: row.getAttribute('aria-selected') === 'true',
                is_gone: row.classList.contains('is-gone'),
            })).filter(row => row.id).sort((a, b) => a.index - b.index);";
        self.browser.run(script, vec![self.element.to_json()?]).await
    }

    /// The names of the rows that are in the document, in the order of the list.
    pub async fn names(&self) -> Result<Vec<String>> {
        Ok(self.rows().await?.into_iter().map(|row| row.name).collect())
    }

    /// The row of a server, once it is in the document.
    pub async fn row(&self, name: &str) -> Result<Row> {
        until(&format!("a row named {name:?}"), async || {
            Ok(self.rows().await?.into_iter().find(|row| row.name == name))
        })
        .await
    }

    /// Waits until no row has this name.
    pub async fn lacks(&self, name: &str) -> Result<()> {
        until(&format!("no row to be named {name:?}"), async || {
            Ok(self.rows().await?.iter().all(|row| row.name != name).then_some(()))
        })
        .await
    }

    /// Waits until the row of this name reads so.
    pub async fn has(&self, name: &str, what: &str, reads: impl Fn(&Row) -> bool) -> Result<Row> {
        until(&format!("{name:?} to show {what}"), async || {
            Ok(self.rows().await?.into_iter().find(|row| row.name == name && reads(row)))
        })
        .await
    }

    /// Lets the cloud's time pass until the row of this name has this status.
    pub async fn becomes(&self, scene: &Scene, name: &str, status: &str) -> Result<Row> {
        until(&format!("{name:?} to be {status:?}"), async || {
            scene.pass();
            Ok(self.rows().await?.into_iter().find(|row| row.name == name && row.status == status))
        })
        .await
    }

    /// The element of a server's row.
    pub async fn row_element(&self, id: &str) -> Result<WebElement> {
        Ok(self.element.query(By::Css(format!("[role=row][data-id=\"{id}\"]"))).first().await?)
    }

    /// Goes to a server's page by the link in its name.
    pub async fn open(&self, name: &str) -> Result<()> {
        let row = self.row(name).await?;
        let link = self.row_element(&row.id).await?.find(By::Css("[data-column=name] a")).await?;
        Ok(link.click().await?)
    }

    /// Ticks or unticks a row's box.
    pub async fn toggle(&self, name: &str) -> Result<()> {
        let row = self.row(name).await?;
        // The cell is the box: no row has an element for it.
        self.row_element(&row.id).await?.find(By::Css("[role=gridcell].select")).await?.click().await?;
        let expected = !row.is_selected;
        until_equal("the row's selection", expected, async || Ok(self.row(name).await?.is_selected)).await
    }

    /// Ticks or unticks the box in the head: the rows in sight.
    pub async fn toggle_sight(&self) -> Result<()> {
        Ok(self.element.find(By::Css("[role=columnheader] input[type=checkbox]")).await?.click().await?)
    }

    /// Sorts by a column, or turns its order round; returns once the head says so.
    pub async fn sort_by(&self, column: &str) -> Result<()> {
        let before = self.sort_of(column).await?;
        let head = self.head(column).await?;
        head.find(By::Css("button")).await?.click().await?;
        until("the column's order to change", async || {
            Ok((self.sort_of(column).await? != before).then_some(()))
        })
        .await
    }

    /// `ascending`, `descending` or `none`.
    pub async fn sort_of(&self, column: &str) -> Result<String> {
        Ok(self.head(column).await?.attr("aria-sort").await?.unwrap_or_else(|| "none".to_owned()))
    }

    /// The id of the row the keyboard is on, if any.
    pub async fn cursor(&self) -> Result<Option<String>> {
        let script = "
            const table = document.querySelector('[data-testid=server-table]');
            const active = document.getElementById(table.getAttribute('aria-activedescendant') || '-');
            return active ? active.closest('[role=row]').dataset.id : null;";
        self.browser.run(script, Vec::new()).await
    }

    /// Whether keys go to the table.
    pub async fn has_focus(&self) -> Result<bool> {
        let script = "
            return document.querySelector('[data-testid=server-table]').contains(document.activeElement);";
        self.browser.run(script, Vec::new()).await
    }

    /// The columns shown, in their order.
    pub async fn columns(&self) -> Result<Vec<String>> {
        let script = "
            return [...arguments[0].querySelectorAll('[role=columnheader][data-column]')]
                .filter(head => head.getClientRects().length > 0).map(head => head.dataset.column);";
        self.browser.run(script, vec![self.element.to_json()?]).await
    }

    /// How far the list is scrolled, in pixels.
    pub async fn scroll_top(&self) -> Result<f64> {
        let script = "return document.querySelector('[data-testid=server-table]').scrollTop;";
        self.browser.run(script, Vec::new()).await
    }

    /// Scrolls the list so far.
    pub async fn scroll_to(&self, top: f64) -> Result<()> {
        let script = "
            const box = document.querySelector('[data-testid=server-table]');
            box.scrollTop = arguments[0]; return true;";
        let _: bool = self.browser.run(script, vec![top.into()]).await?;
        Ok(())
    }

    async fn head(&self, column: &str) -> Result<WebElement> {
        let selector = format!("[role=columnheader][data-column={column}]");
        Ok(self.element.query(By::Css(selector)).first().await?)
    }

    async fn attribute(&self, name: &str) -> Result<String> {
        // Looked up anew: the table on screen may not be the one that was there when the page opened.
        let table = self.browser.find(By::Testid("server-table")).await?;
        Ok(table.attr(name.to_owned()).await?.unwrap_or_default())
    }
}
