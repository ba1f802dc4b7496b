//! The token that goes with every state change, whoever makes it.

use std::cell::RefCell;

thread_local! {
    static TOKEN: RefCell<String> = const { RefCell::new(String::new()) };
}

/// The token from now on.
pub fn set_csrf_token(token: &str) {
    TOKEN.with_borrow_mut(|held| token.clone_into(held));
}

pub fn csrf_token() -> String {
    TOKEN.with_borrow(String::clone)
}
