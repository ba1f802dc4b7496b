//! What can be done to servers: the menu, and the dialog that asks.

use anyhow::{Context, Result, ensure};
use thirtyfour::{By, Key, WebElement, prelude::*};

use super::Table;
use crate::{harness::browser::Browser, until};

/// The menu of all that can be done.
pub struct ActionMenu<'b> {
    browser: &'b Browser,
}

impl<'b> ActionMenu<'b> {
    /// By the button at the end of a server's row.
    pub async fn of_row(browser: &'b Browser, table: &Table<'_>, name: &str) -> Result<Self> {
        let row = table.row(name).await?;
        let element = table.row_element(&row.id).await?;
        browser.action_chain().move_to_element_center(&element).perform().await?;
        element.query(By::Css(".row-more > button")).and_displayed().first().await?.click().await?;
        Self::shown(browser).await
    }

    /// By the pointer's other button on a server's row, where its region stands.
    pub async fn by_other_button(browser: &'b Browser, table: &Table<'_>, name: &str) -> Result<Self> {
        let row = table.row(name).await?;
        let cell = table.row_element(&row.id).await?.find(By::Css("[data-column=region]")).await?;
        browser.action_chain().context_click_element(&cell).perform().await?;
        Self::shown(browser).await
    }

    /// For all that are ticked.
    pub async fn of_ticked(browser: &'b Browser) -> Result<Self> {
        browser.query(By::Testid("bulk-actions")).and_displayed().first().await?.click().await?;
        Self::shown(browser).await
    }

    /// On the page of a server.
    pub async fn of_page(browser: &'b Browser) -> Result<Self> {
        browser.query(By::Testid("all-actions")).and_displayed().first().await?.click().await?;
        Self::shown(browser).await
    }

    /// The menu, once it is on screen.
    pub async fn shown(browser: &'b Browser) -> Result<Self> {
        browser.query(By::Testid("action-menu")).and_displayed().first().await?;
        Ok(Self { browser })
    }

    /// Presses an action, by the name it is sent with: `hard_reboot`.
    pub async fn choose(&self, action: &str) -> Result<()> {
        Ok(self.item(action).await?.click().await?)
    }

    /// Presses it and gives the dialog that asks.
    pub async fn ask(&self, action: &str) -> Result<ActionDialog<'b>> {
        self.choose(action).await?;
        ActionDialog::shown(self.browser).await
    }

    /// Why an action is not possible, or nothing where it is.
    pub async fn reason(&self, action: &str) -> Result<Option<String>> {
        let item = self.item(action).await?;
        match item.attr("aria-disabled").await?.as_deref() {
            Some("true") => Ok(item.attr("aria-description").await?),
            _ => Ok(None),
        }
    }

    /// An action as it reads: "Start 2 of 3".
    pub async fn reads(&self, action: &str) -> Result<String> {
        Ok(self.item(action).await?.text().await?.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// Leaves it by the keyboard.
    pub async fn leave(&self) -> Result<()> {
        self.browser.action_chain().send_keys(Key::Escape).perform().await?;
        until("the menu to close", async || {
            Ok(self.browser.find_all(By::Testid("action-menu")).await?.is_empty().then_some(()))
        })
        .await
    }

    async fn item(&self, action: &str) -> Result<WebElement> {
        let selector = format!("[data-testid=action-menu] [data-action={action}]");
        Ok(self.browser.query(By::Css(selector)).and_displayed().first().await?)
    }
}

/// The dialog that asks before something is done.
pub struct ActionDialog<'b> {
    browser: &'b Browser,
}

const DIALOG: &str = "dialog.action-dialog[open]";

impl<'b> ActionDialog<'b> {
    /// The dialog, once it is on screen.
    pub async fn shown(browser: &'b Browser) -> Result<Self> {
        browser.query(By::Css(DIALOG)).and_displayed().first().await?;
        Ok(Self { browser })
    }

    pub async fn text(&self) -> Result<String> {
        Ok(self.element().await?.text().await?)
    }

    /// Writes into the field with this label.
    pub async fn fill(&self, label: &str, text: &str) -> Result<()> {
        let field = self.field(label).await?;
        // As a person does; what a driver clears by itself the page does not hear of.
        field.send_keys(Key::Control + "a").await?;
        field.send_keys(Key::Delete).await?;
        Ok(field.send_keys(text).await?)
    }

    /// What is in the field with this label.
    pub async fn value(&self, label: &str) -> Result<String> {
        Ok(self.field(label).await?.prop("value").await?.unwrap_or_default())
    }

    /// Presses a button by its label.
    pub async fn press(&self, label: &str) -> Result<()> {
        let path = format!(".//button[normalize-space()='{label}' or @aria-label='{label}']");
        Ok(self.element().await?.query(By::XPath(path)).and_displayed().first().await?.click().await?)
    }

    /// Chooses the line of a table that has this text in it.
    pub async fn choose(&self, text: &str) -> Result<()> {
        self.line(text).await?.click().await?;
        until(&format!("{text:?} to be chosen"), async || {
            Ok(self.line(text).await?.find(By::Css("input")).await?.is_selected().await?.then_some(()))
        })
        .await
    }

    /// The line of a table that has this text in it, as it reads.
    pub async fn line_reads(&self, text: &str) -> Result<String> {
        Ok(self.line(text).await?.text().await?)
    }

    /// Types the word that confirms it, where one is asked for.
    pub async fn type_the_word(&self) -> Result<()> {
        let path = ".//label[starts-with(normalize-space(), 'Type “')]";
        for label in self.element().await?.find_all(By::XPath(path)).await? {
            let text = label.text().await?;
            let word = text.split(['“', '”']).nth(1).context("a word in quotes")?;
            self.fill(text.trim(), word).await?;
        }
        Ok(())
    }

    /// Sends it.
    pub async fn submit(&self) -> Result<()> {
        let button = self.element().await?.query(By::Testid("do-it")).and_displayed().first().await?;
        Ok(button.click().await?)
    }

    /// Waits until it is closed: what was asked for is under way.
    pub async fn closes(&self) -> Result<()> {
        until("the dialog to close", async || {
            Ok(self.browser.find_all(By::Css(DIALOG)).await?.is_empty().then_some(()))
        })
        .await
    }

    /// Sends it and waits until it is closed.
    pub async fn confirm(&self) -> Result<()> {
        self.submit().await?;
        self.closes().await
    }

    /// Waits for the reason why it was not done, which stays in the dialog, and gives it whole.
    pub async fn fails(&self) -> Result<String> {
        let banner = self.browser.query(By::Css(format!("{DIALOG} [data-testid=action-failed]")));
        let banner = banner.and_displayed().first().await?;
        // The cloud's own words are folded away.
        for summary in banner.find_all(By::Css("summary")).await? {
            summary.click().await?;
        }
        Ok(banner.text().await?)
    }

    async fn element(&self) -> Result<WebElement> {
        Ok(self.browser.query(By::Css(DIALOG)).and_displayed().first().await?)
    }

    async fn field(&self, label: &str) -> Result<WebElement> {
        let path = format!(".//label[normalize-space()='{label}']");
        let label_element = self.element().await?.query(By::XPath(path)).first().await?;
        let id =
            label_element.attr("for").await?.with_context(|| format!("{label:?} is no field's label"))?;
        ensure!(!id.is_empty(), "{label:?} names no field");
        Ok(self.browser.query(By::Id(id)).first().await?)
    }

    async fn line(&self, text: &str) -> Result<WebElement> {
        let path = format!("//dialog[@open]//tbody/tr[contains(normalize-space(), '{text}')]");
        Ok(self.browser.query(By::XPath(path)).and_displayed().first().await?)
    }
}
