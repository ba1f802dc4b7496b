//! Things that happen because something changed; one copy of the machinery for all of them.

use std::cell::Cell;

use leptos::{prelude::*, reactive::effect::RenderEffect};
use send_wrapper::SendWrapper;

/// Runs now, and again whenever something it read changes.
pub fn live(run: impl Fn() + 'static) {
    boxed_live(Box::new(run));
}

/// Runs once what is being made is in the document, and again whenever something it read changes.
pub fn after(run: impl Fn() + 'static) {
    boxed_after(Box::new(run));
}

/// Runs whenever something that `follow` read changes, not before.
pub fn after_change(follow: impl Fn() + 'static, run: impl Fn() + 'static) {
    let is_later = Cell::new(false);
    after(move || {
        follow();
        if is_later.replace(true) {
            untrack(&run);
        }
    });
}

/// Holds a value for as long as the current owner lives.
pub(super) fn keep<T: 'static>(value: T) {
    let value = SendWrapper::new(value);
    on_cleanup(move || drop(value));
}

#[inline(never)]
fn boxed_live(run: Box<dyn Fn()>) {
    keep(RenderEffect::new(move |_: Option<()>| run()));
}

#[inline(never)]
fn boxed_after(run: Box<dyn Fn()>) {
    Effect::new(move |_: Option<()>| run());
}
