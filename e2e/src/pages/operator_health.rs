//! The operator's console, section *Health*.

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::json;
use thirtyfour::{By, WebElement, prelude::*};

use crate::{Scene, components::Dialog, until};

/// The section, open.
pub struct OperatorHealthPage<'s> {
    pub scene: &'s Scene,
}

/// A row of one of its tables, cell by cell, as it reads.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct HealthRow(pub Vec<String>);

impl<'s> OperatorHealthPage<'s> {
    /// Opens it.
    pub async fn open(scene: &'s Scene) -> Result<Self> {
        scene.browser.goto(scene.url("/operator/health")).await?;
        let page = Self { scene };
        scene.browser.query(By::Css("[data-testid=node-table] tbody tr")).first().await?;
        Ok(page)
    }

    /// The rows of a table: `service-table`, `node-table`, `need-table`, `hop-table`, `flag-table`.
    pub async fn rows(&self, table: &str) -> Result<Vec<HealthRow>> {
        let script = "
            const rows = document.querySelectorAll(`[data-testid=${arguments[0]}] tbody tr`);
            return [...rows].map(row => [...row.cells].map(cell => cell.innerText.replace(/\\s+/g, ' ').trim()));";
        self.scene.browser.run(script, vec![json!(table)]).await
    }

    /// The row that begins so: "Compute RegionTwo".
    pub async fn row(&self, table: &str, name: &str) -> Result<HealthRow> {
        let rows = self.rows(table).await?;
        let found = rows.iter().find(|row| row.0.first().is_some_and(|first| first.starts_with(name)));
        found.cloned().with_context(|| format!("{name} in {rows:?}"))
    }

    /// Waits until the second cell of that row says this.
    pub async fn state_is(&self, table: &str, name: &str, part: &str) -> Result<()> {
        until(&format!("{name} to be {part:?}"), async || {
            let row = self.row(table, name).await?;
            Ok(row.0.get(1).is_some_and(|state| state.contains(part)).then_some(()))
        })
        .await
    }

    /// The button that tries a service: "Compute in RegionTwo".
    pub async fn probe_button(&self, named: &str) -> Result<WebElement> {
        let button = By::Css(format!("button[aria-label='Probe {named}']"));
        Ok(self.scene.browser.query(button).and_displayed().first().await?)
    }

    /// Tries a service.
    pub async fn probe(&self, named: &str) -> Result<()> {
        Ok(self.probe_button(named).await?.click().await?)
    }

    /// The dialog that changes who has a flag.
    pub async fn change_flag(&self, name: &str) -> Result<Dialog> {
        let button = By::Css(format!("button[aria-label='Change {name}']"));
        self.scene.browser.query(button).and_displayed().first().await?.click().await?;
        Dialog::with_text(&self.scene.browser, &format!("Flag {name}")).await
    }

    /// Changes who has a flag: a percentage, and one who does not have it.
    pub async fn set_flag(&self, name: &str, percent: &str, off_for: &str, because: &str) -> Result<()> {
        let dialog = self.change_flag(name).await?;
        self.fill("Percent of users", percent).await?;
        self.fill("Off for these users", off_for).await?;
        self.fill("Why", because).await?;
        dialog.press("Set").await
    }

    /// Writes into a field of the dialog that is open, in place of what was there.
    pub async fn fill(&self, label: &str, text: &str) -> Result<()> {
        let field = self.field(label).await?;
        field.clear().await?;
        Ok(field.send_keys(text).await?)
    }

    /// A field of the dialog that is open.
    pub async fn field(&self, label: &str) -> Result<WebElement> {
        let path = format!("//dialog[@open]//*[@id=//label[normalize-space()='{label}']/@for]");
        Ok(self.scene.browser.query(By::XPath(path)).and_displayed().first().await?)
    }

    /// What stands beside the page's title.
    pub async fn own_state(&self) -> Result<String> {
        let state = By::Css(".page-title [role=status]");
        Ok(self.scene.browser.query(state).first().await?.text().await?)
    }
}
