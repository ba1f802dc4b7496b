//! Parts of the program that travel on their own, when they are needed or when there is time: pages that a first
//! visit seldom opens.
//!
//! A part is a function under `#[wasm_split]`, which the program that builds the bundle cuts out of the module.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use leptos::{reactive::computed::ScopedFuture, task::spawn_local, wasm_split::SplitLoaderError};

use super::{
    Icon, el,
    element::El,
    empty_state::empty_state,
    loaded::lines,
    part_styles::{fetch_part_styles, part_styles},
};
use leptos::prelude::*;

/// What a part draws, once it is here.
pub type Part = Result<AnyView, NotHere>;

/// A part that did not come: the network is away, or a newer version has taken this one's place.
#[derive(Debug)]
pub struct NotHere;

impl From<SplitLoaderError> for NotHere {
    fn from(_: SplitLoaderError) -> Self {
        Self
    }
}

/// Shows a part beside a page: nothing until it comes, and `on_missing` where it does not.
pub fn quiet_part(load: impl Future<Output = Part> + 'static, on_missing: impl Fn() + 'static) -> El {
    fetch_part_styles();
    let load: Pin<Box<dyn Future<Output = Part>>> = Box::pin(ScopedFuture::new_untracked(load));
    let is_here = RwSignal::new(false);
    let arrived = StoredValue::new_local(None);
    spawn_local(async move {
        let part = load.await;
        part_styles().await;
        match part {
            Ok(part) => {
                _ = arrived.try_set_value(Some(part));
                _ = is_here.try_set(true);
            }
            Err(NotHere) => on_missing(),
        }
    });
    el("div")
        .class("part")
        .live_view(move || is_here.get().then(|| arrived.try_update_value(Option::take).flatten()).flatten())
}

/// Shows a part: at once where it is here already, grey lines until it comes, and a way on where it does not.
pub fn part(load: impl Future<Output = Part> + 'static) -> El {
    fetch_part_styles();
    let load = async {
        let part = load.await;
        part_styles().await;
        part
    };
    let mut load: Pin<Box<dyn Future<Output = Part>>> = Box::pin(ScopedFuture::new_untracked(load));
    let place = el("div").class("part");
    if let Poll::Ready(part) = load.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        return place.view(drawn(part));
    }
    let arrived = StoredValue::new_local(None);
    let is_here = RwSignal::new(false);
    spawn_local(async move {
        let part = load.await;
        // Whoever waited may have gone on to another page.
        _ = arrived.try_set_value(Some(part));
        _ = is_here.try_set(true);
    });
    place.live_view(move || {
        let part = is_here.get().then(|| arrived.try_update_value(Option::take).flatten()).flatten();
        Some(part.map_or_else(waiting, drawn))
    })
}

fn drawn(part: Part) -> AnyView {
    part.unwrap_or_else(|NotHere| not_here().into_any())
}

fn waiting() -> AnyView {
    el("div").class("page-body").child(lines(6)).into_any()
}

fn not_here() -> El {
    let again = |_| _ = window().location().reload();
    empty_state(Icon::Alert, "This page could not be loaded", "part-not-here")
        .child(el("p").text("The connection may be lost, or there is a newer version of the panel."))
        .child(
            el("button")
                .attr("type", "button")
                .class("button")
                .text("Load the panel again")
                .on("click", again),
        )
}
