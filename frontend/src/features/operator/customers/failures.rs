//! What is counted against a name that was tried at the form.

use api_types::operator::customers::{LiftLockout, SignInFailures};
use leptos::{prelude::*, task::spawn_local};

use super::{api, texts};
use crate::ui::{El, choice::button, el, use_toasts};

/// What is counted against a name, and the way to forget it.
pub fn failures_view(failures: &SignInFailures, again: Callback<()>) -> El {
    let toasts = use_toasts();
    let said = match failures.locked_for_secs {
        Some(secs) => texts::locked(failures.failures, secs),
        None => texts::failed(failures.failures),
    };
    let label = if failures.locked_for_secs.is_some() { texts::LIFT } else { texts::FORGET_FAILURES };
    let wanted = LiftLockout { user: failures.user.clone(), domain: failures.domain.clone() };
    let lift = button("button", label, move || {
        let wanted = wanted.clone();
        spawn_local(async move {
            match api::lift_lockout(wanted).await {
                Ok(()) => toasts.say(texts::LIFTED),
                Err(error) => toasts.fail(error.message(), error.request_id().map(str::to_owned)),
            }
            again.run(());
        });
    });
    el("div").class("customer-failures").child(el("p").text(&said)).child(lift)
}
