//! The style sheet of the pages that a first visit seldom opens. It travels as the parts of the program do: when it is
//! needed or when there is time.

use std::{
    cell::RefCell,
    future::poll_fn,
    task::{Poll, Waker},
};

use leptos::prelude::document;
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};

/// Asks for the sheet, once.
pub fn fetch_part_styles() {
    SHEET.with_borrow_mut(|sheet| {
        if matches!(sheet, Sheet::NotAsked) {
            *sheet = if ask() { Sheet::OnItsWay(Vec::new()) } else { Sheet::Here };
        }
    });
}

/// Waits until the sheet is here, or is known not to come: a page without its style is better than none.
pub async fn part_styles() {
    fetch_part_styles();
    poll_fn(|context| {
        SHEET.with_borrow_mut(|sheet| match sheet {
            Sheet::OnItsWay(waiting) => {
                waiting.push(context.waker().clone());
                Poll::Pending
            }
            Sheet::NotAsked | Sheet::Here => Poll::Ready(()),
        })
    })
    .await;
}

enum Sheet {
    NotAsked,
    OnItsWay(Vec<Waker>),
    Here,
}

thread_local! {
    static SHEET: RefCell<Sheet> = const { RefCell::new(Sheet::NotAsked) };
}

/// False where there is nothing to wait for: the page came with it.
fn ask() -> bool {
    let Ok(Some(named)) = document().query_selector("link[data-parts]") else { return false };
    let Some(address) = named.get_attribute("data-parts") else { return false };
    let is_linked = document().query_selector(&format!("link[href='{address}']"));
    if is_linked.is_ok_and(|link| link.is_some()) {
        return false;
    }
    link(&address).is_ok()
}

fn link(address: &str) -> Result<(), JsValue> {
    let link = document().create_element("link")?;
    link.set_attribute("rel", "stylesheet")?;
    link.set_attribute("href", address)?;
    for event in ["load", "error"] {
        let arrived = Closure::once_into_js(arrived);
        link.add_event_listener_with_callback(event, arrived.unchecked_ref())?;
    }
    document().head().ok_or(JsValue::UNDEFINED)?.append_child(&link).map(drop)
}

fn arrived() {
    let before = SHEET.with_borrow_mut(|sheet| std::mem::replace(sheet, Sheet::Here));
    if let Sheet::OnItsWay(waiting) = before {
        waiting.into_iter().for_each(Waker::wake);
    }
}
