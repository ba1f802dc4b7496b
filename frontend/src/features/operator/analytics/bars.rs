//! A bar for every day, drawn as SVG: the value on hover and on focus, and the days as a table for those who do not see
//! it.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, KeyboardEvent, MouseEvent};

use crate::ui::{El, el, element::svg, format};

/// One bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// "2026-11-22".
    pub label: String,
    pub value: u64,
}

/// The bars with their scale. One is read at a time: under the pointer, or by the arrow keys.
pub fn bar_chart(title: &str, bars: Vec<Bar>) -> El {
    let count = bars.len();
    let most = bars.iter().map(|bar| bar.value).max().unwrap_or_default();
    let top = rounded_up(most);
    let at = RwSignal::new(None::<usize>);
    let told = {
        let bars = bars.clone();
        move || {
            let bar = at.get().and_then(|at| bars.get(at).cloned());
            bar.map(|bar| super::texts::of_day(&bar.label, bar.value)).unwrap_or_default()
        }
    };
    let width = count * STEP;
    let chart = svg("svg")
        .attr("viewBox", &format!("0 0 {width} {HEIGHT}"))
        .attr("preserveAspectRatio", "none")
        .attr("class", "bar-chart-drawing")
        .attr("role", "img")
        .attr("tabindex", "0")
        .attr("aria-label", &format!("{title}. Arrow keys go from day to day."));
    let line = |share: usize| {
        let y = HEIGHT - HEIGHT * share / 2;
        svg("line")
            .attr("class", "bar-chart-line")
            .attr("x1", "0")
            .attr("x2", &width.to_string())
            .attr("y1", &y.to_string())
            .attr("y2", &y.to_string())
    };
    let bar = |(place, bar): (usize, &Bar)| {
        let height = height_of(bar.value, top);
        svg("rect")
            .attr("class", "bar-chart-bar")
            .attr("x", &(place * STEP + GAP).to_string())
            .attr("y", &(HEIGHT - height).to_string())
            .attr("width", &(STEP - 2 * GAP).to_string())
            .attr("height", &height.to_string())
            .live_class("is-read", move || at.get() == Some(place))
    };
    let chart = chart
        .children([0, 1, 2].map(line).into())
        .children(bars.iter().enumerate().map(bar).collect())
        .on("mousemove", move |event| {
            let event: &MouseEvent = event.unchecked_ref();
            at.set(place_under(event, count));
        })
        .on("mouseleave", move |_| at.set(None))
        .on("focus", move |_| at.set(count.checked_sub(1)))
        .on("blur", move |_| at.set(None))
        .on("keydown", move |event| {
            let event: &KeyboardEvent = event.unchecked_ref();
            let here = at.get_untracked().unwrap_or(count.saturating_sub(1));
            let there = match event.key().as_str() {
                "ArrowLeft" => here.saturating_sub(1),
                "ArrowRight" => (here + 1).min(count.saturating_sub(1)),
                "Home" => 0,
                "End" => count.saturating_sub(1),
                _ => return,
            };
            event.prevent_default();
            at.set(Some(there));
        });
    let ends = bars.first().zip(bars.last()).map(|(first, last)| {
        el("div")
            .class("bar-chart-ends numbers")
            .child(el("span").text(&first.label))
            .child(el("span").text(&last.label))
    });
    let scale = el("div")
        .class("bar-chart-scale numbers")
        .attr("aria-hidden", "true")
        .child(el("span").text(&format::number(top)))
        .child(el("span").text(&format::number(top / 2)))
        .child(el("span").text("0"));
    el("div")
        .class("bar-chart")
        .child(el("p").class("bar-chart-told numbers").attr("role", "status").live_text(told))
        .child(el("div").class("bar-chart-area").child(scale).child(chart))
        .child_if(ends)
}

const HEIGHT: usize = 160;
const STEP: usize = 10;
const GAP: usize = 1;

/// A bar that stands for something is seen, however small.
fn height_of(value: u64, top: u64) -> usize {
    if value == 0 || top == 0 {
        return 0;
    }
    let height = u128::from(value) * HEIGHT as u128 / u128::from(top);
    usize::try_from(height).unwrap_or(HEIGHT).clamp(2, HEIGHT)
}

/// The next number that is easy to read and to halve: 2, 4, 10, 20, 40, 100.
fn rounded_up(most: u64) -> u64 {
    let mut unit = 1_u64;
    loop {
        for step in [2, 4, 10] {
            let top = unit.saturating_mul(step);
            if top >= most {
                return top;
            }
        }
        unit = unit.saturating_mul(10);
    }
}

fn place_under(event: &MouseEvent, count: usize) -> Option<usize> {
    let target: Element = event.current_target()?.dyn_into().ok()?;
    let area = target.get_bounding_client_rect();
    let share = (f64::from(event.client_x()) - area.left()) / area.width();
    let place = (share * count as f64).floor();
    (place >= 0.0 && place < count as f64).then_some(place as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_ends_at_a_number_that_is_easy_to_read() {
        let tops: Vec<u64> = [0, 1, 2, 3, 5, 10, 11, 39, 41, 99, 101, 4_000].map(rounded_up).into();
        assert_eq!(tops, [2, 2, 2, 4, 10, 10, 20, 40, 100, 100, 200, 4_000]);
    }

    #[test]
    fn a_bar_fits_and_is_seen() {
        assert_eq!(height_of(0, 10), 0);
        assert_eq!(height_of(1, 1_000_000), 2);
        assert_eq!(height_of(10, 10), HEIGHT);
        assert_eq!(height_of(u64::MAX, u64::MAX), HEIGHT);
    }
}
