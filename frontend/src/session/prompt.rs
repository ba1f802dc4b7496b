//! The countdown before the end, and the dialog to go on.

use api_types::session::ContinueSession;
use leptos::{ev::SubmitEvent, prelude::*, task::spawn_local};

use super::{Session, Standing, use_session};
use crate::{
    api_client::ApiError,
    ui::{Button, ButtonKind, Dialog, Icon, LinkButton, TextField, format::countdown, use_toasts},
};

/// What screen readers hear when the countdown begins.
pub const WARNING: &str = "Your session ends soon. Continue it by entering your password again.";

/// Draws nothing while the session is fresh; else the countdown, and the dialog to go on.
#[component]
pub fn SessionPrompt() -> impl IntoView {
    let session = use_session();
    let seconds_left = Memo::new(move |_| match session.standing() {
        Standing::EndingSoon { seconds } => Some(seconds),
        _ => None,
    });
    let has_ended = Memo::new(move |_| session.standing() == Standing::Ended);
    let must_answer = Memo::new(move |_| matches!(session.standing(), Standing::Expired | Standing::Ended));
    let open = RwSignal::new(false);
    Effect::new(move || open.set(must_answer.get() || session.is_continuing.get()));
    Effect::new(move || {
        if !open.get() {
            session.is_continuing.set(false);
        }
    });
    let title = move || if must_answer.get() { "Your session has ended" } else { "Continue your session" };
    view! {
        <Show when=move || seconds_left.get().is_some()>
            <div class="session-countdown">
                {Icon::Clock.view()}
                <p>
                    "You will be signed out in "
                    <span class="numbers">{move || countdown(seconds_left.get().unwrap_or_default())}</span> "."
                </p>
                <Button on_press=Callback::new(move |()| session.is_continuing.set(true))>"Stay signed in"</Button>
            </div>
        </Show>
        <Dialog
            open
            title=Signal::derive(move || title().to_owned())
            is_closable=Signal::derive(move || !must_answer.get())
        >
            {move || {
                if has_ended.get() {
                    view! { <SignInAgain session /> }.into_any()
                } else {
                    view! { <PasswordAgain session /> }.into_any()
                }
            }}
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
    let user = move || session.current().map(|current| current.user.name).unwrap_or_default();
    let needs_totp = Memo::new(move |_| session.current().is_some_and(|current| current.needs_totp));
    let send = move |event: SubmitEvent| {
        event.prevent_default();
        if is_busy.get_untracked() {
            return;
        }
        if password.with_untracked(String::is_empty) {
            failure.set(Some("Enter your password.".to_owned()));
            return;
        }
        is_busy.set(true);
        let totp = needs_totp.get_untracked().then(|| code.get_untracked().trim().to_owned());
        let answer = ContinueSession { password: password.get_untracked(), totp };
        spawn_local(async move {
            let outcome = session.renew(&answer).await;
            // The form is gone once it has succeeded.
            _ = is_busy.try_set(false);
            match outcome {
                Ok(()) => toasts.say("You are still signed in."),
                Err(ApiError::Aborted) => {}
                Err(error) => _ = failure.try_set(Some(error.message())),
            }
        });
    };
    view! {
        <form class="form" on:submit=send>
            <p>"This page stays as it is. Enter your password to go on."</p>
            // Password managers look for the name beside the password.
            <input
                class="unseen"
                type="text"
                name="username"
                autocomplete="username"
                tabindex="-1"
                aria-hidden="true"
                readonly
                prop:value=user
            />
            <p class="signed-in-as">"Signed in as " <strong class="foreign">{user}</strong></p>
            <TextField
                label="Password"
                kind="password"
                autocomplete="current-password"
                value=password
                error=failure
                autofocus=true
            />
            <Show when=move || needs_totp.get()>
                <TextField
                    label="Code from your authenticator"
                    autocomplete="one-time-code"
                    input_mode="numeric"
                    value=code
                />
            </Show>
            <div class="form-actions">
                <Button kind=ButtonKind::Primary submits=true busy=is_busy>"Continue"</Button>
                <LinkButton href=Signal::derive(move || session.sign_in_path()) is_external=true kind=ButtonKind::Quiet>
                    "Sign in as somebody else"
                </LinkButton>
            </div>
        </form>
    }
}

/// The server knows the session no more: signing in anew, here or beside.
#[component]
fn SignInAgain(session: Session) -> impl IntoView {
    let href = session.sign_in_path();
    view! {
        <div class="form">
            <p>
                "It was ended, or it was not used for a long time. Sign in again and you come back to this page. "
                "To keep the page exactly as it is, sign in in a new tab and return here."
            </p>
            <div class="form-actions">
                <LinkButton href=href.clone() is_external=true kind=ButtonKind::Primary>"Sign in again"</LinkButton>
                <a class="button quiet" href=href target="_blank" rel="external">
                    {Icon::External.view()}
                    "In a new tab"
                </a>
            </div>
        </div>
    }
}
