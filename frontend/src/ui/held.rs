//! Values that views follow, of any type for the price of one.
//!
//! A signal of a type of its own costs some 5 KB in the module that browsers download, a memo likewise. A [`Held`]
//! keeps its value behind `dyn Any` and tells of changes by a signal of one type for all.

use std::{any::Any, cell::RefCell, marker::PhantomData, rc::Rc};

use leptos::prelude::*;

use super::effect::live;

/// A value that can be read, followed and changed from anywhere it was handed to, for as long as the owner lives
/// that it was made under.
pub struct Held<T: 'static> {
    value: StoredValue<Rc<dyn Any>, LocalStorage>,
    version: RwSignal<u32>,
    kind: PhantomData<fn() -> T>,
}

/// A value that is worked out from others, and anew when they change. Who follows it hears of it only when it is
/// another.
pub fn derived<T: PartialEq + 'static>(work_out: impl Fn() -> T + 'static) -> Held<T> {
    let held = Held::of(None);
    live(move || held.set_if_new(work_out()));
    held
}

impl<T: 'static> Held<T> {
    pub fn new(value: T) -> Self {
        Self::of(Some(value))
    }

    /// Reads, and again when it changes.
    pub fn with<U>(self, read: impl FnOnce(&T) -> U) -> U {
        follow(self.version);
        self.with_untracked(read)
    }

    /// Reads, now.
    pub fn with_untracked<U>(self, read: impl FnOnce(&T) -> U) -> U {
        let value = held(self.value);
        let cell = value.as_ref().and_then(|value| value.downcast_ref::<RefCell<Option<T>>>());
        match cell.and_then(|cell| cell.borrow().as_ref().map(read)) {
            Some(result) => result,
            None => unreachable!("made with a value of its type, or given one before it is handed out"),
        }
    }

    /// Changes it, and tells who follows it.
    pub fn update(self, change: impl FnOnce(&mut T)) {
        self.change(|value| {
            if let Some(value) = value {
                change(value);
            }
            true
        });
    }

    pub fn set(self, value: T) {
        self.change(|held| {
            *held = Some(value);
            true
        });
    }

    /// Changes it where it is another, and tells nobody where it is not.
    pub fn set_if_new(self, value: T)
    where
        T: PartialEq,
    {
        self.change(|held| {
            let is_new = held.as_ref() != Some(&value);
            if is_new {
                *held = Some(value);
            }
            is_new
        });
    }

    pub fn get(self) -> T
    where
        T: Clone,
    {
        self.with(T::clone)
    }

    pub fn get_untracked(self) -> T
    where
        T: Clone,
    {
        self.with_untracked(T::clone)
    }

    fn of(value: Option<T>) -> Self {
        let (value, version) = keep(Rc::new(RefCell::new(value)));
        Self { value, version, kind: PhantomData }
    }

    /// Does nothing once its owner is gone: answers may come late.
    fn change(self, change: impl FnOnce(&mut Option<T>) -> bool) {
        let value = held(self.value);
        let cell = value.as_ref().and_then(|value| value.downcast_ref::<RefCell<Option<T>>>());
        if cell.is_some_and(|cell| change(&mut cell.borrow_mut())) {
            tell(self.version);
        }
    }
}

type Place = StoredValue<Rc<dyn Any>, LocalStorage>;

// What needs no type is there once; left to itself, the compiler would copy it to each use.

#[inline(never)]
fn keep(value: Rc<dyn Any>) -> (Place, RwSignal<u32>) {
    (StoredValue::new_local(value), RwSignal::new(0))
}

/// `None` once the owner is gone.
#[inline(never)]
fn held(place: Place) -> Option<Rc<dyn Any>> {
    place.try_get_value()
}

#[inline(never)]
fn follow(version: RwSignal<u32>) {
    version.track();
}

#[inline(never)]
fn tell(version: RwSignal<u32>) {
    version.try_update(|version| *version = version.wrapping_add(1));
}

impl<T: 'static> Clone for Held<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: 'static> Copy for Held<T> {}
