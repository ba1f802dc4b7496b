//! The console's log: its end, followed while somebody looks, and searched.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use leptos::prelude::*;
use serde::Deserialize;
use serde_json::json;
use web_sys::HtmlElement;

use super::{
    log_lines::{has_text, lines_of, take_in},
    texts,
};
use crate::{
    api_client::ApiError,
    asked::{Asked, ask},
    cloud::{Cloud, Service},
    features::servers::shown_server::ShownServer,
    project::use_project,
    ui::{
        El, Failure, Held,
        copy_button::copy_button_of,
        derived,
        effect::{after, after_change},
        el,
        field::{check_box, holds_value},
        loaded::{failure_state, lines, stale_note},
    },
};

/// The last lines a server wrote to its console.
pub fn console_log(server: ShownServer) -> El {
    let lines_asked = RwSignal::new(FEW);
    let is_following = RwSignal::new(true);
    let wanted = RwSignal::new(String::new());
    let output = ask_output(server, lines_asked);
    let again = follow(output, is_following);

    let shown = el("pre")
        .class("console-log")
        .attr("tabindex", "0")
        .attr("role", "log")
        // Read out by those who ask for it; a booting server says ten lines a second.
        .attr("aria-live", "off")
        .attr("aria-label", texts::LOG)
        .attr("data-testid", "console-log")
        // Until there is something to show in it.
        .attr("hidden", "");
    let drawing = Rc::new(Drawing::new(shown.html().clone()));
    let drawn = drawing.clone();
    after(move || output.with(|read| read.map_or((), |read| drawn.take(read))));
    let sought = drawing.clone();
    after_change(move || wanted.track(), move || sought.find(&wanted.get_untracked()));
    let ended = drawing.clone();
    after_change(
        move || is_following.track(),
        move || {
            if is_following.get_untracked() {
                ended.to_the_end();
                again();
            }
        },
    );

    let counted = drawing.counted;
    let find = holds_value(
        el("input")
            .class("input")
            .attr("type", "search")
            .attr("aria-label", texts::FIND)
            .attr("placeholder", texts::FIND)
            .attr("maxlength", "200")
            .attr("data-testid", "console-find"),
        wanted,
    );
    let bar = el("div")
        .class("console-bar")
        .child(find)
        .child(length_choice(lines_asked))
        .child(check_box(texts::FOLLOW, is_following))
        .child(el("span").class("numbers").attr("role", "status").live_text(move || counted.get()))
        .child(copy_button_of(move || drawing.text(), texts::COPY_LOG.to_owned()));
    el("div").child(bar).child(state(output)).child(shown)
}

/// What was read at one time.
struct Read {
    lines: Vec<String>,
    /// How many had been asked for.
    asked: u32,
}

fn ask_output(server: ShownServer, lines_asked: RwSignal<u32>) -> Asked<Read> {
    let project = use_project();
    let kept = Cell::new(None);
    ask(move |until| {
        let (project, (region, id)) = (project.get()?, server.address.get()?);
        let asked = lines_asked.get();
        let is_repeated = kept.replace(Some(asked)) == Some(asked);
        Some(Box::pin(async move {
            let call = Cloud::new(&project, &region)
                .post(Service::Compute, &format!("servers/{id}/action"))
                .body(&json!({"os-getConsoleOutput": length_of(asked)}));
            let call = if is_repeated { call.unkept() } else { call };
            let call = match &until {
                Some(signal) => call.until(signal),
                None => call,
            };
            let output = call.json::<Output>().await.map_err(ApiError::from)?.output;
            Ok(Read { lines: lines_of(&output), asked })
        }))
    })
}

#[derive(Deserialize)]
struct Output {
    output: String,
}

/// Reads again every few seconds while somebody follows and looks; returns what reads at once.
fn follow(output: Asked<Read>, is_following: RwSignal<bool>) -> impl Fn() {
    // A region may take longer than the time between two reads, and a read that is overtaken is never shown.
    let is_reading = Rc::new(Cell::new(true));
    let answered = is_reading.clone();
    after(move || {
        // Both are followed, whichever it is.
        let (is_read, has_failed) = (output.with(|read| read.is_some()), output.failure().is_some());
        if is_read || has_failed {
            answered.set(false);
        }
    });
    let asking = is_reading.clone();
    let again = move || {
        asking.set(true);
        output.refetch();
    };
    let (ticks, read) = (Cell::new(0_u32), again.clone());
    let tick = move || {
        ticks.set(ticks.get().wrapping_add(1));
        let is_due = output.failure().is_none() || ticks.get().is_multiple_of(TICKS_AFTER_FAILURE);
        if is_due && is_following.get() && !document().hidden() && !is_reading.get() {
            read();
        }
    };
    if let Ok(timer) = set_interval_with_handle(move || untrack(&tick), READ_EVERY) {
        on_cleanup(move || timer.clear());
    }
    again
}

/// What stands above the lines: that they are on their way, or why there are none, or none that are newer.
fn state(output: Asked<Read>) -> El {
    let failure = Held::new(None::<Failure>);
    after(move || {
        let now = output.failure().map(Failure::from);
        let said = |failure: &Option<Failure>| failure.as_ref().map(|failure| failure.message.clone());
        // The same again is no news: told anew, it would take the focus from its button.
        if failure.with_untracked(said) != said(&now) {
            failure.set(now);
        }
    });
    let is_there = derived(move || output.with(|read| read.is_some()));
    let retry = Callback::new(move |()| output.refetch());
    el("div").live_children(move || match (is_there.get(), failure.get()) {
        (false, None) => vec![lines(4)],
        (false, Some(failure)) => vec![failure_state(&failure, retry)],
        (true, None) => Vec::new(),
        (true, Some(failure)) => vec![stale_note(&failure, retry)],
    })
}

/// The lines in the document. Those that were there stay as they are, with what somebody marked in them.
struct Drawing {
    element: HtmlElement,
    lines: RefCell<Vec<String>>,
    asked: Cell<u32>,
    /// Only lines with this text are shown.
    wanted: RefCell<String>,
    /// The places among the lines of those that are in the document.
    shown: RefCell<Vec<usize>>,
    counted: RwSignal<String>,
}

impl Drawing {
    fn new(element: HtmlElement) -> Self {
        Self {
            element,
            lines: RefCell::default(),
            asked: Cell::default(),
            wanted: RefCell::default(),
            shown: RefCell::default(),
            counted: RwSignal::new(String::new()),
        }
    }

    fn take(&self, read: &Read) {
        let kept = match self.asked.replace(read.asked) == read.asked {
            true => take_in(&mut self.lines.borrow_mut(), read.lines.clone()),
            false => {
                self.lines.borrow_mut().clone_from(&read.lines);
                0
            }
        };
        self.draw(kept);
    }

    fn find(&self, text: &str) {
        text.clone_into(&mut self.wanted.borrow_mut());
        self.draw(0);
    }

    /// Draws the lines anew from one of them on, and keeps to the end unless somebody reads further up.
    fn draw(&self, kept: usize) {
        let is_at_end = self.is_at_end();
        self.element.set_hidden(false);
        let (lines, wanted) = (self.lines.borrow(), self.wanted.borrow());
        let mut shown = self.shown.borrow_mut();
        while shown.pop_if(|at| *at >= kept).is_some() {
            if let Some(line) = self.element.last_element_child() {
                line.remove();
            }
        }
        if shown.is_empty() {
            self.element.set_text_content(None);
        }
        for (at, line) in lines.iter().enumerate().skip(kept).filter(|(_, line)| has_text(line, &wanted)) {
            self.append(line);
            shown.push(at);
        }
        if shown.is_empty() {
            self.append(if lines.is_empty() { texts::EMPTY_LOG } else { texts::NO_LINE });
        }
        self.counted.set(texts::matches(shown.len(), lines.len()));
        if is_at_end {
            self.to_the_end();
        }
    }

    fn append(&self, text: &str) {
        _ = self.element.append_child(el("div").class("console-line").text(text).element());
    }

    fn is_at_end(&self) -> bool {
        let below = self.element.scroll_height() - self.element.scroll_top() - self.element.client_height();
        below <= NEARLY_PX
    }

    fn to_the_end(&self) {
        self.element.set_scroll_top(self.element.scroll_height());
    }

    fn text(&self) -> String {
        self.lines.borrow().join("\n")
    }
}

/// Less than a line: who is so near the end is at it.
const NEARLY_PX: i32 = 8;

/// Lines that are asked for; 0 for all that the cloud keeps.
const FEW: u32 = 200;
const LENGTHS: [u32; 3] = [FEW, 2_000, 0];
const READ_EVERY: Duration = Duration::from_secs(3);
/// What failed is not asked for as often.
const TICKS_AFTER_FAILURE: u32 = 4;

/// Source: compute API, show console output.
fn length_of(lines: u32) -> serde_json::Value {
    if lines == 0 { json!({}) } else { json!({"length": lines}) }
}

fn length_choice(lines: RwSignal<u32>) -> El {
    let option = |length: u32| {
        let label = if length == 0 { texts::ALL_LINES.to_owned() } else { length.to_string() };
        el("option").attr("value", &length.to_string()).text(&label)
    };
    el("label").class("inline-field").text(texts::LINES).text(" ").child(
        el("select").class("input").children(LENGTHS.map(option).into()).on("change", move |event| {
            let chosen = event_target_value(&event);
            lines.set(chosen.parse().unwrap_or(FEW));
        }),
    )
}
