//! The operator's console, section *Statistics*.

use anyhow::Result;
use serde_json::json;
use thirtyfour::{By, WebElement, prelude::*};

use crate::{Scene, until};

/// The section, open.
pub struct OperatorStatisticsPage<'s> {
    pub scene: &'s Scene,
}

impl<'s> OperatorStatisticsPage<'s> {
    /// Opens it, with what stands after `?`.
    pub async fn open(scene: &'s Scene, search: &str) -> Result<Self> {
        scene.browser.goto(scene.url(&format!("/operator/statistics{search}"))).await?;
        let page = Self { scene };
        scene.browser.query(By::Testid("statistics")).first().await?;
        Ok(page)
    }

    /// Waits for what stands where graphs would.
    pub async fn empty_state(&self, test_id: &str) -> Result<String> {
        Ok(self.scene.browser.query(By::Testid(test_id)).and_displayed().first().await?.text().await?)
    }

    /// The legend of a graph, line by line: "succeeded 1 in all". Nothing while there is none.
    pub async fn legend(&self, graph: &str) -> Result<Vec<String>> {
        let script = "
            const lines = document.querySelectorAll(`[data-testid=graph-${arguments[0]}] .graph-legend li`);
            return [...lines].map(line => line.innerText.replace(/\\s+/g, ' ').trim());";
        self.scene.browser.run(script, vec![json!(graph)]).await
    }

    /// Waits until the graph's legend has all these lines. The page asks for newer values by itself only as often as there
    /// can be any, so it is opened anew.
    pub async fn wait_for_legend(&self, graph: &str, search: &str, lines: &[&str]) -> Result<()> {
        until(&format!("{graph} to show {lines:?}"), async || {
            Self::open(self.scene, search).await?;
            self.drawn().await?;
            let legend = self.legend(graph).await?;
            Ok(lines.iter().all(|line| legend.iter().any(|shown| shown == line)).then_some(()))
        })
        .await
    }

    /// Waits until there are graphs, or something in their place.
    pub async fn drawn(&self) -> Result<()> {
        self.scene.browser.query(By::Css(".graphs > .graph, .graphs > .empty-state")).first().await?;
        Ok(())
    }

    /// The part of a graph that takes the keyboard.
    pub async fn plot(&self, graph: &str) -> Result<WebElement> {
        let plot = By::Css(format!("[data-testid=graph-{graph}] .graph-plot"));
        Ok(self.scene.browser.query(plot).first().await?)
    }

    /// The table of a graph, opened: its rows, cell by cell.
    pub async fn table(&self, graph: &str) -> Result<Vec<Vec<String>>> {
        let summary = By::Css(format!("[data-testid=graph-{graph}] summary"));
        self.scene.browser.query(summary).first().await?.click().await?;
        until("the table", async || {
            let script = "
                const rows = document.querySelectorAll(`[data-testid=graph-${arguments[0]}] tbody tr`);
                return [...rows].map(row => [...row.cells].map(cell => cell.innerText));";
            let rows: Vec<Vec<String>> = self.scene.browser.run(script, vec![json!(graph)]).await?;
            Ok((!rows.is_empty()).then_some(rows))
        })
        .await
    }

    /// Follows one of the links above the graphs.
    pub async fn choose(&self, text: &str) -> Result<()> {
        let link = By::XPath(format!("//*[@class='graph-choice']/a[normalize-space()='{text}']"));
        self.scene.browser.query(link).first().await?.click().await?;
        Ok(())
    }
}
