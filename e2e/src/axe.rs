//! Accessibility, as far as a program can judge it: axe-core run in the page.

use std::fmt::Write;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::harness::{
    browser::{Browser, DESKTOP, PHONE},
    programs,
};

/// A rule that something on the page breaks.
#[derive(Debug, Deserialize)]
pub struct Violation {
    /// `color-contrast`
    pub id: String,
    /// `critical`, `serious`, `moderate`, `minor`
    pub impact: Option<String>,
    pub help: String,
    pub nodes: Vec<Node>,
}

/// An element that breaks a rule.
#[derive(Debug, Deserialize)]
pub struct Node {
    pub html: String,
    #[serde(rename = "failureSummary")]
    pub failure_summary: Option<String>,
    pub target: Value,
}

/// Fails with everything axe-core objects to on the page as it is now: WCAG 2.2 A and AA, and axe's best practices.
pub async fn assert_no_violations(browser: &Browser, page: &str) -> Result<()> {
    let violations = violations(browser).await?;
    if violations.is_empty() {
        return Ok(());
    }
    let mut text = format!("axe objects to {page}:");
    for violation in &violations {
        let impact = violation.impact.as_deref().unwrap_or("?");
        write!(text, "\n{} ({impact}): {}", violation.id, violation.help)?;
        for node in violation.nodes.iter().take(5) {
            let html: String = node.html.chars().take(200).collect();
            let summary = node.failure_summary.as_deref().unwrap_or_default();
            write!(text, "\n  {} {html}\n    {}", node.target, summary.replace('\n', " "))?;
        }
        if violation.nodes.len() > 5 {
            write!(text, "\n  and {} more", violation.nodes.len() - 5)?;
        }
    }
    bail!("{text}")
}

/// The same in light and dark, on a desk and in a hand. Leaves a desktop's window.
pub async fn assert_everywhere(browser: &Browser, page: &str) -> Result<()> {
    for scheme in ["light", "dark"] {
        browser.prefer_colour_scheme(scheme).await?;
        for (size, name) in [(DESKTOP, "desktop"), (PHONE, "phone")] {
            browser.resize(size).await?;
            assert_no_violations(browser, &format!("{page}, {scheme}, {name}")).await?;
        }
    }
    browser.resize(DESKTOP).await
}

async fn violations(browser: &Browser) -> Result<Vec<Violation>> {
    let path = programs::root().join("e2e/node_modules/axe-core/axe.min.js");
    let source = std::fs::read_to_string(&path)
        .with_context(|| format!("{} (npm ci in e2e brings it)", path.display()))?;
    // Through the protocol: the page's own policy allows no script that is not its own.
    browser.cdp("Runtime.evaluate", json!({ "expression": source })).await?;
    let script = "
        const done = arguments[arguments.length - 1];
        // Another theme or size is there once its transitions are over; a frame has to pass for them to begin.
        const begun = new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve)));
        const transitions = () => document.getAnimations().filter(running => running instanceof CSSTransition);
        begun.then(() => Promise.allSettled(transitions().map(running => running.finished)))
            .then(() => axe.run(document, { resultTypes: ['violations'] }))
            .then(results => done({ violations: results.violations }), error => done({ error: String(error) }));";
    let answer: Value = browser.run_async(script, Vec::new()).await?;
    if let Some(error) = answer["error"].as_str() {
        bail!("axe could not run: {error}");
    }
    Ok(serde_json::from_value(answer["violations"].clone())?)
}
