//! Elements made step by step, small in the module that the browser downloads.
//!
//! A `view!` gives every element a type of its own and with it a copy of everything that draws, changes and
//! removes it. That is fine where a page is put together; for what repeats (buttons, tables, lists of values)
//! [`El`] does the same with one copy for all. Everything it holds lives as long as the reactive owner it was made
//! under: listeners, live texts, views inside.

use leptos::{
    prelude::*,
    reactive::effect::RenderEffect,
    tachys::{
        html::attribute::{Attribute, any_attribute::AnyAttribute},
        hydration::Cursor,
        view::{
            Mountable, Position, PositionState, Render, RenderHtml, add_attr::AddAnyAttr,
            any_view::AnyViewState,
        },
    },
};
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Element, Event, HtmlElement, Node};

use super::{
    Icon,
    effect::{keep, live},
};

/// An element of the document, or one that is going to be.
#[derive(Clone)]
pub struct El(SendWrapper<Element>);

/// A new element.
pub fn el(tag: &str) -> El {
    #[allow(
        clippy::expect_used,
        reason = "only text that is no tag name fails, and all callers write theirs down"
    )]
    let element = document().create_element(tag).expect("a tag name");
    El(SendWrapper::new(element))
}

/// A new element of a drawing.
pub fn svg(tag: &str) -> El {
    match document().create_element_ns(Some("http://www.w3.org/2000/svg"), tag) {
        Ok(element) => El(SendWrapper::new(element)),
        Err(_) => el(tag),
    }
}

/// An icon, hidden from screen readers.
pub fn icon(icon: Icon) -> El {
    let holder = el("span").class("icon").attr("aria-hidden", "true");
    holder.0.set_inner_html(icon.svg());
    holder
}

impl El {
    pub fn class(self, names: &str) -> Self {
        self.attr("class", names)
    }

    pub fn attr(self, name: &str, value: &str) -> Self {
        _ = self.0.set_attribute(name, value);
        self
    }

    /// Sets the attribute where there is a value.
    pub fn attr_if(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.attr(name, value),
            None => self,
        }
    }

    /// Appends text; never read as markup.
    pub fn text(self, text: &str) -> Self {
        _ = self.0.append_child(&document().create_text_node(text));
        self
    }

    pub fn child(self, child: Self) -> Self {
        _ = self.0.append_child(&child.0);
        self
    }

    pub fn child_if(self, child: Option<Self>) -> Self {
        match child {
            Some(child) => self.child(child),
            None => self,
        }
    }

    pub fn children(self, children: Vec<Self>) -> Self {
        children.into_iter().fold(self, Self::child)
    }

    /// Appends a Leptos view.
    pub fn view(self, view: AnyView) -> Self {
        let mut state = view.build();
        state.mount(&self.0, None);
        keep(state);
        self
    }

    /// Appends text that follows what it is made from.
    pub fn live_text(self, text: impl Fn() -> String + 'static) -> Self {
        self.boxed_text(Box::new(text))
    }

    /// Keeps an attribute true; `None` takes it away.
    pub fn live_attr(self, name: &'static str, value: impl Fn() -> Option<String> + 'static) -> Self {
        self.boxed_attr(name, Box::new(value))
    }

    /// Keeps a class there or away.
    pub fn live_class(self, name: &'static str, is_on: impl Fn() -> bool + 'static) -> Self {
        self.boxed_class(name, Box::new(is_on))
    }

    /// Keeps its content true: all children are made anew when what they are made from changes.
    pub fn live_children(self, draw: impl Fn() -> Vec<Self> + 'static) -> Self {
        self.boxed_children(Box::new(draw))
    }

    /// Keeps one Leptos view as its content, or none.
    pub fn live_view(self, draw: impl Fn() -> Option<AnyView> + 'static) -> Self {
        self.boxed_view(Box::new(draw))
    }

    /// Listens for as long as the owner lives.
    pub fn on(self, event: &'static str, listen: impl FnMut(Event) + 'static) -> Self {
        self.boxed_on(event, Box::new(listen))
    }

    pub fn element(&self) -> &Element {
        &self.0
    }

    pub fn html(&self) -> &HtmlElement {
        self.0.unchecked_ref()
    }
}

/// The same without type parameters: the code of each is there once.
impl El {
    fn boxed_text(self, text: Box<dyn Fn() -> String>) -> Self {
        let node = document().create_text_node("");
        _ = self.0.append_child(&node);
        live(move || node.set_data(&text()));
        self
    }

    fn boxed_attr(self, name: &'static str, value: Box<dyn Fn() -> Option<String>>) -> Self {
        let element = self.0.clone();
        live(move || {
            _ = match value() {
                Some(value) => element.set_attribute(name, &value),
                None => element.remove_attribute(name),
            };
        });
        self
    }

    fn boxed_class(self, name: &'static str, is_on: Box<dyn Fn() -> bool>) -> Self {
        let classes = self.0.class_list();
        live(move || _ = classes.toggle_with_force(name, is_on()));
        self
    }

    fn boxed_children(self, draw: Box<dyn Fn() -> Vec<Self>>) -> Self {
        let element = self.0.clone();
        live(move || {
            element.set_text_content(None);
            for child in draw() {
                _ = element.append_child(&child.0);
            }
        });
        self
    }

    fn boxed_view(self, draw: Box<dyn Fn() -> Option<AnyView>>) -> Self {
        let element = self.0.clone();
        keep(RenderEffect::new(move |before: Option<Option<AnyViewState>>| {
            if let Some(mut before) = before.flatten() {
                before.unmount();
            }
            let mut state = draw()?.build();
            state.mount(&element, None);
            Some(state)
        }));
        self
    }

    fn boxed_on(self, event: &'static str, listen: Box<dyn FnMut(Event)>) -> Self {
        let listen = Closure::wrap(listen);
        _ = self.0.add_event_listener_with_callback(event, listen.as_ref().unchecked_ref());
        keep(Box::new(Listener { target: self.0.clone(), event, listen }));
        self
    }
}

/// Taken off before its closure goes: an element that is removed still sends `focusout`.
struct Listener {
    target: SendWrapper<Element>,
    event: &'static str,
    listen: Closure<dyn FnMut(Event)>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        let listen = self.listen.as_ref().unchecked_ref();
        _ = self.target.remove_event_listener_with_callback(self.event, listen);
    }
}

impl Render for El {
    type State = Element;

    fn build(self) -> Element {
        self.0.take()
    }

    fn rebuild(self, state: &mut Element) {
        let fresh = self.0.take();
        _ = state.replace_with_with_node_1(&fresh);
        *state = fresh;
    }
}

impl AddAnyAttr for El {
    type Output<SomeNewAttr: Attribute> = Self;

    fn add_any_attr<NewAttr: Attribute>(self, attr: NewAttr) -> Self {
        // What a view spreads onto a component (`attr:class`). Its state may borrow, so no owner can hold it; it is
        // small, and forgotten instead of dropped so that a reactive one goes on.
        std::mem::forget(attr.build(&self.0));
        self
    }
}

/// The panel is drawn in the browser only: nothing here writes HTML or takes over any.
impl RenderHtml for El {
    type AsyncOutput = Self;
    type Owned = Self;

    const MIN_LENGTH: usize = 0;

    fn dry_resolve(&mut self) {}

    async fn resolve(self) -> Self {
        self
    }

    fn to_html_with_buf(
        self,
        _buf: &mut String,
        _position: &mut Position,
        _escape: bool,
        _mark_branches: bool,
        _extra_attrs: Vec<AnyAttribute>,
    ) {
    }

    fn hydrate<const FROM_SERVER: bool>(self, _cursor: &Cursor, _position: &PositionState) -> Element {
        self.build()
    }

    fn into_owned(self) -> Self {
        self
    }
}

impl From<El> for Node {
    fn from(el: El) -> Self {
        el.0.take().into()
    }
}
