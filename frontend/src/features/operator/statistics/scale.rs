//! How values become heights, labels and colours. Plain Rust.

use std::fmt::Write;

use api_types::operator::statistics::{GraphSeries, Unit};

/// The values of an axis: from nothing to `top`, in equal steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    pub top: f64,
    pub steps: u32,
}

/// Lines of a graph that can be told apart by colour alone; further ones are dashed as well.
pub const COLOURS: usize = 8;

/// What a drawing is wide and high, in its own units.
const WIDTH: f64 = 1_000.0;
const HEIGHT: f64 = 100.0;

impl Scale {
    /// An axis that the largest value fits on, with two to five steps that are round numbers.
    pub fn of(series: &[GraphSeries], unit: Unit) -> Self {
        let values = series.iter().flat_map(|series| series.values.iter().flatten());
        let largest = values.fold(0.0_f64, |largest, value| largest.max(*value));
        let whole = matches!(unit, Unit::Count | Unit::Level | Unit::Bytes);
        let least = if whole { 1.0 } else { 0.001 };
        // A graph of nothing but zeros has room above them.
        let (least, largest) = if largest == 0.0 { (1.0, 4.0) } else { (least, largest) };
        let step = round_up((largest / 4.0).max(least), unit);
        let steps = (largest / step).ceil().max(1.0);
        Self { top: step * steps, steps: steps as u32 }
    }

    /// The values beside the axis, the highest first.
    pub fn labels(&self, unit: Unit) -> Vec<String> {
        (0..=self.steps)
            .rev()
            .map(|step| said(self.top * f64::from(step) / f64::from(self.steps), unit))
            .collect()
    }
}

/// The next larger of 1, 2 and 5 times a power of ten; of bytes, of a power of two.
fn round_up(value: f64, unit: Unit) -> f64 {
    if unit == Unit::Bytes {
        return 2.0_f64.powf(value.log2().ceil());
    }
    let power = 10.0_f64.powf(value.log10().floor());
    let factors = [1.0, 2.0, 5.0, 10.0];
    factors.iter().map(|factor| factor * power).find(|step| *step >= value * 0.999_999).unwrap_or(value)
}

/// A value with its unit, short enough for an axis.
pub fn said(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Count | Unit::Level => short(value),
        Unit::PerSecond => format!("{}/s", short(value)),
        Unit::Processors => short(value),
        Unit::Milliseconds if value >= 1_000.0 => format!("{} s", short(value / 1_000.0)),
        Unit::Milliseconds => format!("{} ms", short(value)),
        Unit::Bytes => {
            let units = ["B", "KiB", "MiB", "GiB", "TiB"];
            let mut value = value;
            let mut at = 0;
            while value >= 1_024.0 && at + 1 < units.len() {
                value /= 1_024.0;
                at += 1;
            }
            format!("{} {}", short(value), units[at])
        }
    }
}

/// Three digits that count: "0.25", "12.5", "1.2 k", "3 M".
fn short(value: f64) -> String {
    let (value, suffix) = match value.abs() {
        size if size >= 999_500.0 => (value / 1e6, " M"),
        size if size >= 9_999.5 => (value / 1e3, " k"),
        _ => (value, ""),
    };
    let digits = match value.abs() {
        size if size >= 99.95 || size == 0.0 => 0,
        size if size >= 9.995 => 1,
        size if size >= 0.995 => 2,
        _ => 3,
    };
    let mut text = format!("{value:.digits$}");
    if text.contains('.') {
        text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
    }
    text + suffix
}

/// A colour for each name: what has a meaning has the colour of that, and no two share one while there are enough.
pub fn colours(names: &[&str]) -> Vec<usize> {
    let meant = |name: &str| match name {
        "ok" | "success" | "done" | "stored" => Some(2),
        "failure" | "failed" | "panic" => Some(4),
        "refused" | "lockout" | "waiting" => Some(1),
        _ => None,
    };
    let mut free: Vec<usize> =
        (0..COLOURS).filter(|colour| !names.iter().any(|name| meant(name) == Some(*colour))).collect();
    free.reverse();
    let mut next = COLOURS;
    let mut of = |name: &&str| {
        meant(name).or_else(|| free.pop()).unwrap_or_else(|| {
            next += 1;
            next - 1
        })
    };
    names.iter().map(&mut of).collect()
}

/// The classes that give a line its colour, by its number.
pub fn classes(colour: usize) -> String {
    let dashed = if colour >= COLOURS { " dashed" } else { "" };
    format!("series-{}{dashed}", colour % COLOURS)
}

/// The lines of a graph and the moments it marks, as a drawing that fills whatever it is put into. Numbers and classes of
/// ours alone go into it.
pub fn drawing(scale: &Scale, series: &[GraphSeries], colours: &[usize], marks: &[f64]) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=\"none\" \
         aria-hidden=\"true\">"
    );
    for step in 0..=scale.steps {
        let y = HEIGHT * f64::from(step) / f64::from(scale.steps);
        // Writing to a string cannot fail.
        _ = write!(svg, "<path class=\"grid\" d=\"M0 {y:.2}H{WIDTH}\"/>");
    }
    for mark in marks {
        let x = mark.clamp(0.0, 1.0) * WIDTH;
        _ = write!(svg, "<path class=\"mark\" d=\"M{x:.1} 0V{HEIGHT}\"/>");
    }
    for (series, colour) in series.iter().zip(colours) {
        let runs = runs(&series.values);
        let class = classes(*colour);
        let place = |(at, value): &(usize, f64)| {
            let x = WIDTH * share(*at, series.values.len());
            let y = HEIGHT * (1.0 - (value / scale.top).clamp(0.0, 1.0));
            format!("{x:.1} {y:.2}")
        };
        let (mut lines, mut dots) = (String::new(), String::new());
        for run in &runs {
            let places: Vec<String> = run.iter().map(place).collect();
            match places.as_slice() {
                // A single value is a dot: a line of no length with round ends.
                [place] => _ = write!(dots, "M{place}h0"),
                places => _ = write!(lines, "M{}", places.join("L")),
            }
        }
        for (kind, path) in [("line", lines), ("dot", dots)] {
            if !path.is_empty() {
                _ = write!(svg, "<path class=\"{kind} {class}\" d=\"{path}\"/>");
            }
        }
    }
    svg + "</svg>"
}

/// How far from the left a step is, from 0 to 1.
pub fn share(at: usize, count: usize) -> f64 {
    if count > 1 { at as f64 / (count - 1) as f64 } else { 0.0 }
}

/// The stretches of values without a gap.
fn runs(values: &[Option<f64>]) -> Vec<Vec<(usize, f64)>> {
    let mut runs: Vec<Vec<(usize, f64)>> = Vec::new();
    let mut is_open = false;
    for (at, value) in values.iter().enumerate() {
        match (value, runs.last_mut()) {
            (Some(value), Some(run)) if is_open => run.push((at, *value)),
            (Some(value), _) => runs.push(vec![(at, *value)]),
            (None, _) => {}
        }
        is_open = value.is_some();
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(values: &[Option<f64>]) -> GraphSeries {
        GraphSeries { name: "ok".to_owned(), values: values.to_vec() }
    }

    #[test]
    fn an_axis_has_round_steps_and_room_for_the_largest() {
        let scale = |largest: f64, unit| Scale::of(&[series(&[Some(largest)])], unit);
        assert_eq!(scale(7.0, Unit::Count), Scale { top: 8.0, steps: 4 });
        assert_eq!(scale(1.0, Unit::Count), Scale { top: 1.0, steps: 1 });
        assert_eq!(scale(0.0, Unit::Count), Scale { top: 4.0, steps: 4 });
        assert_eq!(scale(0.0, Unit::PerSecond), Scale { top: 4.0, steps: 4 });
        assert_eq!(scale(930.0, Unit::Milliseconds), Scale { top: 1_000.0, steps: 2 });
        assert_eq!(scale(0.3, Unit::PerSecond).labels(Unit::PerSecond), ["0.3/s", "0.2/s", "0.1/s", "0/s"]);
        assert_eq!(scale(3e6, Unit::Bytes).labels(Unit::Bytes)[0], "3 MiB");
    }

    #[test]
    fn values_are_said_with_the_digits_that_count() {
        assert_eq!(said(0.0, Unit::Count), "0");
        assert_eq!(said(1_234.0, Unit::Count), "1234");
        assert_eq!(said(12_345.0, Unit::Level), "12.3 k");
        assert_eq!(said(0.25, Unit::PerSecond), "0.25/s");
        assert_eq!(said(1_250.0, Unit::Milliseconds), "1.25 s");
        assert_eq!(said(12.5, Unit::Milliseconds), "12.5 ms");
        assert_eq!(said(5.0 * 1_048_576.0, Unit::Bytes), "5 MiB");
    }

    #[test]
    fn no_two_lines_share_a_colour_while_there_are_enough() {
        let names = ["timeout", "ok", "other", "failed", "more", "and", "on", "last", "ninth", "tenth"];
        let given = colours(&names);
        assert_eq!((given[1], given[3]), (2, 4));
        let unique: std::collections::BTreeSet<_> = given.iter().collect();
        assert_eq!(unique.len(), names.len());
        assert_eq!(classes(given[9]).contains("dashed"), given[9] >= COLOURS);
    }

    #[test]
    fn a_gap_stays_a_gap_and_a_lone_value_is_a_dot() {
        let values = [Some(1.0), None, Some(2.0), Some(4.0)];
        let drawn = drawing(&Scale { top: 4.0, steps: 2 }, &[series(&values)], &[0], &[0.5]);
        assert!(drawn.contains("class=\"dot series-0\" d=\"M0.0 75.00h0\""), "{drawn}");
        assert!(drawn.contains("class=\"line series-0\" d=\"M666.7 50.00L1000.0 0.00\""), "{drawn}");
        assert!(drawn.contains("class=\"mark\" d=\"M500.0 0V100\""), "{drawn}");
    }
}
