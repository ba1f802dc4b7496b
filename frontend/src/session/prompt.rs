//! The countdown before the end, and the dialog to go on.

use api_types::session::ContinueSession;
use leptos::{prelude::*, task::spawn_local};
use web_sys::Event;

use super::{Session, Standing, use_session};
use crate::{
    api_client::ApiError,
    ui::{
        El, Held, Icon, derived, dialog::dialog, effect::after, el, element::icon, field::text_field,
        format::countdown, use_toasts,
    },
};

/// What screen readers hear when the countdown begins.
pub const WARNING: &str = "Your session ends soon. Continue it by entering your password again.";

/// Who they are is not in doubt here.
const WRONG: &str = "That is not the right password or code.";

/// Draws nothing while the session is fresh; else the countdown, and the dialog to go on.
pub fn session_prompt() -> El {
    let session = use_session();
    let seconds_left = derived(move || match session.standing() {
        Standing::EndingSoon { seconds } => Some(seconds),
        _ => None,
    });
    let has_ended = derived(move || session.standing() == Standing::Ended);
    let must_answer = derived(move || matches!(session.standing(), Standing::Expired | Standing::Ended));
    let open = RwSignal::new(false);
    after(move || open.set(must_answer.get() || session.is_continuing.get()));
    after(move || {
        // Only where there is something to set back: setting wakes the effect above, which wakes this one.
        if !open.get() && session.is_continuing.get_untracked() {
            session.is_continuing.set(false);
        }
    });
    let title =
        derived(move || if must_answer.get() { "Your session has ended" } else { "Continue your session" });
    let is_closable = derived(move || !must_answer.get());
    let is_ending = derived(move || seconds_left.get().is_some());
    let left = move || countdown(seconds_left.get().unwrap_or_default());
    let bar = move || {
        let text = el("p")
            .text("You will be signed out in ")
            .child(el("span").class("numbers").live_text(left))
            .text(".");
        let stay = el("button")
            .attr("type", "button")
            .class("button")
            .text("Stay signed in")
            .on("click", move |_| session.is_continuing.set(true));
        el("div").class("session-countdown").child(icon(Icon::Clock)).child(text).child(stay)
    };
    let content = move || {
        let form = move || match has_ended.get() {
            true => vec![sign_in_again(session)],
            false => vec![untrack(|| password_again(session))],
        };
        el("div").live_children(form)
    };
    el("div")
        .child(el("div").live_children(move || if is_ending.get() { vec![bar()] } else { Vec::new() }))
        .child(dialog(open, title, is_closable, content))
}

/// The server still knows the session: the password is enough.
fn password_again(session: Session) -> El {
    let password = RwSignal::new(String::new());
    let code = RwSignal::new(String::new());
    let failure = Held::new(None::<String>);
    let is_busy = RwSignal::new(false);
    let toasts = use_toasts();
    // Keystone may ask for a code this time though it did not the last.
    let was_asked = RwSignal::new(false);
    let needs_code =
        derived(move || was_asked.get() || session.current().is_some_and(|current| current.needs_totp));
    let send = move |event: Event| {
        event.prevent_default();
        if is_busy.get_untracked() {
            return;
        }
        if password.with_untracked(String::is_empty) {
            failure.set(Some("Enter your password.".to_owned()));
            return;
        }
        is_busy.set(true);
        let totp = needs_code.get_untracked().then(|| code.get_untracked().trim().to_owned());
        let answer = ContinueSession { password: password.get_untracked(), totp };
        spawn_local(async move {
            let outcome = session.renew(&answer).await;
            // The form is gone once it has succeeded.
            _ = is_busy.try_set(false);
            match outcome {
                Ok(()) => toasts.say("You are still signed in."),
                Err(ApiError::Aborted) => {}
                Err(error) => {
                    if error.code() == "second_factor_needed" {
                        was_asked.try_set(true);
                    }
                    let is_wrong = error.code() == "wrong_credentials";
                    failure.set(Some(if is_wrong { WRONG.to_owned() } else { error.message() }));
                }
            }
        });
    };
    let user = move || session.current().map(|current| current.user.name).unwrap_or_default();
    // Password managers look for the name beside the password.
    let hidden_name = el("input")
        .class("unseen")
        .attr("type", "text")
        .attr("name", "username")
        .attr("autocomplete", "username")
        .attr("tabindex", "-1")
        .attr("aria-hidden", "true")
        .attr("readonly", "")
        .attr("value", &user());
    let name = el("p")
        .class("signed-in-as")
        .text("Signed in as ")
        .child(el("strong").class("foreign").live_text(user));
    let code_field = move || {
        let input = el("input")
            .attr("type", "text")
            .attr("autocomplete", "one-time-code")
            .attr("inputmode", "numeric");
        let field = move || text_field("Code from your authenticator", input, code, Held::new(None));
        needs_code.get().then(field).into_iter().collect()
    };
    let password_input =
        el("input").attr("type", "password").attr("autocomplete", "current-password").attr("autofocus", "");
    let go_on = el("button")
        .attr("type", "submit")
        .class("button primary")
        .live_class("busy", move || is_busy.get())
        .live_attr("aria-disabled", move || is_busy.get().then(|| "true".to_owned()))
        .text("Continue");
    let other = el("a")
        .class("button quiet")
        .attr("href", &session.sign_in_path())
        .attr("rel", "external")
        .text("Sign in as somebody else");
    el("form")
        .class("form")
        .child(el("p").text("This page stays as it is. Enter your password to go on."))
        .child(hidden_name)
        .child(name)
        .child(text_field("Password", password_input, password, failure))
        .child(el("div").live_children(code_field))
        .child(el("div").class("form-actions").child(go_on).child(other))
        .on("submit", send)
}

/// The server knows the session no more: signing in anew, here or beside.
fn sign_in_again(session: Session) -> El {
    let href = session.sign_in_path();
    let text = "It was ended, or it was not used for a long time. Sign in again and you come back to this page. To keep \
                the page exactly as it is, sign in in a new tab and return here.";
    let here =
        el("a").class("button primary").attr("href", &href).attr("rel", "external").text("Sign in again");
    let beside = el("a")
        .class("button quiet")
        .attr("href", &href)
        .attr("rel", "external")
        .attr("target", "_blank")
        .child(icon(Icon::External))
        .text("In a new tab");
    el("div")
        .class("form")
        .child(el("p").text(text))
        .child(el("div").class("form-actions").child(here).child(beside))
}
