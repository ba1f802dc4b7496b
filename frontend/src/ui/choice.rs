//! Choosing: one of several, some of several, a line or a page of text. Each follows what it is given and says what
//! was chosen.

use wasm_bindgen::JsCast;
use web_sys::{Event, HtmlInputElement};

use super::{
    dom::unique_id,
    effect::live,
    element::{El, el},
};

/// One of a group of radio buttons of the same name.
pub fn radio(group: &str, is_chosen: impl Fn() -> bool + 'static, choose: impl Fn() + 'static) -> El {
    let input = el("input").attr("type", "radio").attr("name", group);
    tick(input, Box::new(is_chosen), Box::new(move |_| choose()))
}

/// A box to tick.
pub fn check(is_ticked: impl Fn() -> bool + 'static, choose: impl Fn(bool) + 'static) -> El {
    tick(el("input").attr("type", "checkbox"), Box::new(is_ticked), Box::new(choose))
}

/// A box to tick with its label, and what else there is to say of it.
pub fn check_with(
    label: &str,
    note: Option<&str>,
    is_ticked: impl Fn() -> bool + 'static,
    choose: impl Fn(bool) + 'static,
) -> El {
    let note = note.map(|note| el("span").class("field-note").text(note));
    let words = el("span").class("check-label").child(el("span").class("foreign").text(label)).child_if(note);
    el("label").class("check").child(check(is_ticked, choose)).child(words)
}

/// A line of text under its label, with a hint below it. `input` brings its type and its limits.
pub fn line(
    label: &str,
    hint: Option<&str>,
    input: El,
    value: impl Fn() -> String + 'static,
    change: impl Fn(String) + 'static,
) -> El {
    labelled(label, hint, text_input(input, value, change))
}

/// An input that follows a value and tells of changes.
pub fn text_input(input: El, value: impl Fn() -> String + 'static, change: impl Fn(String) + 'static) -> El {
    let field: HtmlInputElement = input.element().clone().unchecked_into();
    follow(Box::new(value), Box::new(move || field.value()), {
        let field: HtmlInputElement = input.element().clone().unchecked_into();
        Box::new(move |text| field.set_value(text))
    });
    let input = input.class("input");
    heard(
        input,
        Box::new(move |event| {
            if let Some(field) = target(&event) {
                change(field.value());
            }
        }),
    )
}

/// Several lines of text, made as [`text_input`] is.
pub fn text_area(area: El, value: impl Fn() -> String + 'static, change: impl Fn(String) + 'static) -> El {
    let field: HtmlInputElement = area.element().clone().unchecked_into();
    follow(Box::new(value), Box::new(move || field.value()), {
        let field: HtmlInputElement = area.element().clone().unchecked_into();
        Box::new(move |text| field.set_value(text))
    });
    heard(
        area.class("input area"),
        Box::new(move |event| {
            if let Some(field) = target(&event) {
                change(field.value());
            }
        }),
    )
}

/// One of a list: pairs of a value and its words, drawn anew when they change.
pub fn select(
    options: impl Fn() -> Vec<(String, String)> + 'static,
    value: impl Fn() -> String + 'static,
    change: impl Fn(String) + 'static,
) -> El {
    boxed_select(Box::new(options), Box::new(value), Box::new(change))
}

/// A field under its label. The hint is read with it.
pub fn labelled(label: &str, hint: Option<&str>, input: El) -> El {
    let id = unique_id("field");
    let hint_id = format!("{id}-hint");
    let hint_text = hint.map(|hint| el("p").attr("id", &hint_id).class("field-note").text(hint));
    let input = input.attr("id", &id).attr_if("aria-describedby", hint.map(|_| hint_id.as_str()));
    el("div").class("field").child(el("label").attr("for", &id).text(label)).child(input).child_if(hint_text)
}

/// A button. Its kind is a class: `button primary`.
pub fn button(class: &str, text: &str, press: impl Fn() + 'static) -> El {
    el("button").attr("type", "button").class(class).text(text).on("click", move |_| press())
}

type Heard = Box<dyn Fn(Event)>;

fn heard(input: El, listen: Heard) -> El {
    input.on("input", listen)
}

/// Setting what is there already would move the cursor to the end.
fn follow(value: Box<dyn Fn() -> String>, held: Box<dyn Fn() -> String>, set: Box<dyn Fn(&str)>) {
    live(move || {
        let value = value();
        if held() != value {
            set(&value);
        }
    });
}

fn tick(input: El, is_chosen: Box<dyn Fn() -> bool>, choose: Box<dyn Fn(bool)>) -> El {
    let field: HtmlInputElement = input.element().clone().unchecked_into();
    live(move || field.set_checked(is_chosen()));
    input.on("change", move |event| {
        if let Some(field) = target(&event) {
            choose(field.checked());
        }
    })
}

fn boxed_select(
    options: Box<dyn Fn() -> Vec<(String, String)>>,
    value: Box<dyn Fn() -> String>,
    change: Box<dyn Fn(String)>,
) -> El {
    let draw = move || {
        let chosen = value();
        let option = |(value, words): (String, String)| {
            let selected = (value == chosen).then_some("");
            el("option").attr("value", &value).attr_if("selected", selected).text(&words)
        };
        options().into_iter().map(option).collect()
    };
    let list = el("select").class("input").live_children(draw);
    list.on("change", move |event| {
        if let Some(field) = target(&event) {
            change(field.value());
        }
    })
}

/// The field of an event, whichever of the three kinds it is: a text area and a list have their `value` as an input has
/// it, and a class of its own for each would bring more script to every page.
fn target(event: &Event) -> Option<HtmlInputElement> {
    Some(event.target()?.unchecked_into())
}
