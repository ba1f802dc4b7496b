//! The countdown before the end, and the dialog to go on.

use api_types::session::ContinueSession;
use leptos::{prelude::*, task::spawn_local};
use web_sys::Event;

use super::{Session, Standing, use_session};
use crate::{
    api_client::ApiError,
    ui::{
        Button, ButtonKind, Dialog, El, Icon, LinkButton, TextField, derived, effect::after, el,
        element::icon, format::countdown, use_toasts,
    },
};

/// What screen readers hear when the countdown begins.
pub const WARNING: &str = "Your session ends soon. Continue it by entering your password again.";

/// Who they are is not in doubt here.
const WRONG: &str = "That is not the right password or code.";

/// Draws nothing while the session is fresh; else the countdown, and the dialog to go on.
#[component]
pub fn SessionPrompt() -> impl IntoView {
    let session = use_session();
    let seconds_left = derived(move || match session.standing() {
        Standing::EndingSoon { seconds } => Some(seconds),
        _ => None,
    });
    let has_ended = Memo::new(move |_| session.standing() == Standing::Ended);
    let must_answer = Memo::new(move |_| matches!(session.standing(), Standing::Expired | Standing::Ended));
    let open = RwSignal::new(false);
    after(move || open.set(must_answer.get() || session.is_continuing.get()));
    after(move || {
        // Only where there is something to set back: setting wakes the effect above, which wakes this one.
        if !open.get() && session.is_continuing.get_untracked() {
            session.is_continuing.set(false);
        }
    });
    let title = move || if must_answer.get() { "Your session has ended" } else { "Continue your session" };
    let is_ending = Memo::new(move |_| seconds_left.get().is_some());
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
    view! {
        {el("div").live_children(move || if is_ending.get() { vec![bar()] } else { Vec::new() })}
        <Dialog
            open
            title=Signal::derive(move || title().to_owned())
            is_closable=Signal::derive(move || !must_answer.get())
        >
            {el("div")
                .live_view(move || {
                    let form = match has_ended.get() {
                        true => sign_in_again(session).into_any(),
                        false => view! { <PasswordAgain session /> }.into_any(),
                    };
                    Some(form)
                })}
        </Dialog>
    }
}

/// The server still knows the session: the password is enough.
#[component]
fn PasswordAgain(session: Session) -> impl IntoView {
    let password = RwSignal::new(String::new());
    let code = RwSignal::new(String::new());
    let failure = RwSignal::new(None::<String>);
    let is_busy = RwSignal::new(false);
    let toasts = use_toasts();
    // Keystone may ask for a code this time though it did not the last.
    let was_asked = RwSignal::new(false);
    let needs_code =
        Memo::new(move |_| was_asked.get() || session.current().is_some_and(|current| current.needs_totp));
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
                    failure.try_set(Some(if is_wrong { WRONG.to_owned() } else { error.message() }));
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
        needs_code.get().then(|| {
            view! {
                <TextField
                    label="Code from your authenticator"
                    autocomplete="one-time-code"
                    input_mode="numeric"
                    value=code
                />
            }
            .into_any()
        })
    };
    let fields = view! {
        <TextField
            label="Password"
            kind="password"
            autocomplete="current-password"
            value=password
            error=failure
            autofocus=true
        />
        {el("div").live_view(code_field)}
        <div class="form-actions">
            <Button kind=ButtonKind::Primary submits=true busy=is_busy>
                "Continue"
            </Button>
            <LinkButton href=session.sign_in_path() is_external=true kind=ButtonKind::Quiet>
                "Sign in as somebody else"
            </LinkButton>
        </div>
    };
    el("form")
        .class("form")
        .child(el("p").text("This page stays as it is. Enter your password to go on."))
        .child(hidden_name)
        .child(name)
        .view(fields.into_any())
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
