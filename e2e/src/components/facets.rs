//! The facets beside the table.

use anyhow::Result;
use serde::Deserialize;
use thirtyfour::{By, WebElement, prelude::*};

use crate::{harness::browser::Browser, until};

/// All facets of the page.
pub struct Facets<'b> {
    browser: &'b Browser,
}

/// A value of a facet, as it reads.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Facet {
    /// As addresses name it; empty for "none".
    pub value: String,
    /// As people read it.
    pub name: String,
    pub count: usize,
    pub is_chosen: bool,
}

impl<'b> Facets<'b> {
    pub fn new(browser: &'b Browser) -> Self {
        Self { browser }
    }

    /// The values of a facet that are shown, in their order.
    pub async fn values(&self, facet: &str) -> Result<Vec<Facet>> {
        let script = "
            return [...arguments[0].querySelectorAll('label[data-value]')].map(label => ({
                value: label.dataset.value,
                name: label.querySelector('.facet-name').textContent,
                count: Number(label.querySelector('[data-count]').dataset.count),
                is_chosen: label.querySelector('input').checked,
            }));";
        self.browser.run(script, vec![self.group(facet).await?.to_json()?]).await
    }

    /// How many servers one would get with this value, once it is counted for the rows that are shown.
    pub async fn count(&self, facet: &str, value: &str) -> Result<usize> {
        until(&format!("the value {value:?} of the facet {facet}"), async || {
            let is_busy = "return document.querySelector('.facets[aria-busy]') !== null;";
            if self.browser.run(is_busy, vec![]).await? {
                return Ok(None);
            }
            Ok(self
                .values(facet)
                .await?
                .into_iter()
                .find(|shown| shown.value == value)
                .map(|shown| shown.count))
        })
        .await
    }

    /// Chooses a value or lets it go; returns once its box says so.
    pub async fn toggle(&self, facet: &str, value: &str) -> Result<()> {
        let is_chosen = async || {
            let shown = self.values(facet).await?.into_iter().find(|shown| shown.value == value);
            Ok(shown.map(|shown| shown.is_chosen))
        };
        let before = until(&format!("the value {value:?} of the facet {facet}"), is_chosen).await?;
        let group = self.group(facet).await?;
        let labels = group.find_all(By::Css("label[data-value]")).await?;
        for label in labels {
            if label.attr("data-value").await?.as_deref() == Some(value) {
                label.click().await?;
                break;
            }
        }
        until("the facet's box to change", async || Ok((is_chosen().await? != Some(before)).then_some(())))
            .await
    }

    /// Shows the values beyond the first five.
    pub async fn show_more(&self, facet: &str) -> Result<()> {
        let group = self.group(facet).await?;
        Ok(group
            .query(By::XPath(".//button[contains(normalize-space(), 'more')]"))
            .first()
            .await?
            .click()
            .await?)
    }

    async fn group(&self, facet: &str) -> Result<WebElement> {
        let path = format!(
            "//*[@role='group' and @aria-label='{facet}'] | //fieldset[legend[normalize-space()='{facet}']]"
        );
        Ok(self.browser.query(By::XPath(path)).first().await?)
    }
}
