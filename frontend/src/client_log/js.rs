//! The browser asked by name. What `web-sys` offers for it would stand in the script that every visitor downloads; this
//! part is the only one that needs it.

use js_sys::{Array, Function, Reflect};
use leptos::prelude::window;
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};

/// Something JavaScript calls. Of one type, which the program has anyway: each type more stands in that script as well.
pub type Listener = Closure<dyn FnMut(JsValue)>;

/// A property; `undefined` where there is none.
pub fn get(of: &JsValue, name: &str) -> JsValue {
    Reflect::get(of, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

/// Calls a method; `undefined` where there is none, or it throws.
pub fn call(of: &JsValue, name: &str, with: &[JsValue]) -> JsValue {
    try_call(of, name, with).unwrap_or(JsValue::UNDEFINED)
}

/// Calls a method; `None` where there is none, or it throws.
pub fn try_call(of: &JsValue, name: &str, with: &[JsValue]) -> Option<JsValue> {
    let method = get(of, name).dyn_into::<Function>().ok()?;
    let with: Array = with.iter().collect();
    method.apply(of, &with).ok()
}

pub fn listener(call: impl FnMut(JsValue) + 'static) -> Listener {
    Closure::new(call)
}

/// Calls what `assets/scripts/boot.js` offers.
pub fn boot(name: &str, with: &[JsValue]) -> JsValue {
    call(&get(&window(), "meridian"), name, with)
}
