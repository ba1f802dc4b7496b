//! Doing something to servers: the menu of all that can be done, and what asks before it is done. The part of the
//! pages that comes when there is time for it.

pub mod catalog;
mod dialog;
mod expected;
mod forms;
mod lost;
mod menu;
mod problem;
mod send;
mod tally;
mod texts;
mod word;

use crate::ui::{El, el};

/// What lies over the page: a menu, a dialog, or neither.
pub fn layer() -> El {
    el("div").child(menu::menu_layer()).child(dialog::dialog_layer())
}
