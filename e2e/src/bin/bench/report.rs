//! The figures: printed as a table, written as JSON.

use std::{fmt::Write as _, fs, path::Path};

use anyhow::Result;
use serde::Serialize;

/// One measured figure.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    pub name: String,
    pub value: f64,
    pub unit: String,
    /// What it is measured against, in the same unit: the React reference, or what is stated in the name.
    pub reference: Option<f64>,
    /// `value / reference`.
    pub ratio: Option<f64>,
    #[serde(skip)]
    goal: Option<Goal>,
}

#[derive(Clone, Copy, Debug)]
enum Goal {
    ValueAtMost(f64),
    ValueAtLeast(f64),
    RatioAtMost(f64),
    RatioAtLeast(f64),
}

/// All figures of a run.
#[derive(Default)]
pub struct Report {
    figures: Vec<Figure>,
}

impl Figure {
    pub fn new(name: impl Into<String>, value: f64, unit: &str) -> Self {
        Self { name: name.into(), value, unit: unit.to_owned(), reference: None, ratio: None, goal: None }
    }

    /// Sets it against something.
    pub fn against(mut self, reference: f64) -> Self {
        self.reference = Some(reference);
        // Against nothing there is no ratio: 0 against 0 says nothing and infinity is no number in JSON.
        self.ratio = (reference > 0.0).then(|| self.value / reference);
        self
    }

    pub fn at_most(mut self, value: f64) -> Self {
        self.goal = Some(Goal::ValueAtMost(value));
        self
    }

    pub fn at_least(mut self, value: f64) -> Self {
        self.goal = Some(Goal::ValueAtLeast(value));
        self
    }

    pub fn ratio_at_most(mut self, ratio: f64) -> Self {
        self.goal = Some(Goal::RatioAtMost(ratio));
        self
    }

    pub fn ratio_at_least(mut self, ratio: f64) -> Self {
        self.goal = Some(Goal::RatioAtLeast(ratio));
        self
    }

    fn verdict(&self) -> (String, &'static str) {
        let (text, is_met) = match self.goal {
            None => return (String::new(), ""),
            Some(Goal::ValueAtMost(most)) => (format!("≤ {}", number(most)), self.value <= most),
            Some(Goal::ValueAtLeast(least)) => (format!("≥ {}", number(least)), self.value >= least),
            Some(Goal::RatioAtLeast(least)) => {
                (format!("≥ {least} ×"), self.ratio.is_some_and(|ratio| ratio >= least))
            }
            Some(Goal::RatioAtMost(most)) => {
                (format!("≤ {most:.2} ×"), self.ratio.map_or(self.value == 0.0, |ratio| ratio <= most))
            }
        };
        (text, if is_met { "met" } else { "MISSED" })
    }
}

impl Report {
    /// Adds a figure and prints its line, so that a long run shows where it is.
    pub fn add(&mut self, figure: Figure) {
        println!("{}", line(&figure));
        self.figures.push(figure);
    }

    /// Says something about the figures that follow.
    pub fn section(&self, title: &str) {
        println!("\n{title}");
    }

    /// Prints how many goals were met and writes `target/bench.json`.
    pub fn finish(&self, path: &Path) -> Result<()> {
        let missed: Vec<&Figure> =
            self.figures.iter().filter(|figure| figure.verdict().1 == "MISSED").collect();
        let goals = self.figures.iter().filter(|figure| figure.goal.is_some()).count();
        let mut text = format!("\n{} of {goals} goals met.", goals - missed.len());
        for figure in missed {
            write!(text, "\n  {}", line(figure))?;
        }
        println!("{text}\n{} figures in {}", self.figures.len(), path.display());
        fs::write(path, serde_json::to_string_pretty(&self.figures)?)?;
        Ok(())
    }
}

/// The middle of some measurements; of an even number the lower middle, so that it is one that was measured.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}

/// The worst of some measurements.
pub fn worst(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}

fn line(figure: &Figure) -> String {
    let reference = figure.reference.map_or_else(String::new, number);
    let ratio = figure.ratio.map_or_else(String::new, |ratio| format!("{ratio:.2} ×"));
    let (goal, verdict) = figure.verdict();
    let value = format!("{} {}", number(figure.value), figure.unit);
    format!("{:<72} {value:>14} {reference:>10} {ratio:>8} {goal:>9} {verdict}", figure.name)
        .trim_end()
        .to_owned()
}

fn number(value: f64) -> String {
    if value == 0.0 || value.abs() >= 100.0 {
        format!("{value:.0}")
    } else if value.abs() >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}
