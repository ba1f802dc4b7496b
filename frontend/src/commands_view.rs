//! A call in its three forms, to read and to copy.

use crate::{
    commands::Form,
    ui::{El, Held, copy_button::copy_button, el},
};

/// The forms side by side behind buttons; `text` writes one, `None` where there is no equivalent.
pub fn commands_view(text: impl Fn(Form) -> Option<String> + 'static) -> El {
    let chosen = Held::new(Form::Curl);
    let pick = move |form: Form| {
        el("button")
            .attr("type", "button")
            .class("pick")
            .live_attr("aria-pressed", move || Some((chosen.get() == form).to_string()))
            .text(form.name())
            .on("click", move |_| chosen.set(form))
    };
    let shown = move || match text(chosen.get()) {
        Some(text) => vec![
            el("div")
                .class("command")
                .child(
                    el("pre").class("code").attr("tabindex", "0").attr("data-testid", "command").text(&text),
                )
                .child(copy_button(text, "Copy".to_owned())),
        ],
        None => vec![el("p").class("nothing").text("There is no equivalent.")],
    };
    let picks = Form::ALL.map(pick).into();
    el("div")
        .class("commands")
        .child(el("div").class("picks").attr("role", "group").attr("aria-label", "Form").children(picks))
        .child(el("div").live_children(shown))
}
