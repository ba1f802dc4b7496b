//! Building blocks that know nothing of what the panel is about: buttons, dialogs, menus, messages, times.
//!
//! Nothing here imports anything else of this crate.

pub mod announcer;
pub mod banner;
pub mod choice;
pub mod copy_button;
pub mod description;
pub mod dialog;
pub mod dom;
pub mod effect;
pub mod element;
pub mod empty_state;
pub mod field;
pub mod format;
pub mod held;
pub mod help_dialog;
pub mod hold;
pub mod icon;
pub mod keyboard;
pub mod loaded;
pub mod menu;
pub mod page;
pub mod part;
pub mod part_styles;
pub mod pointer;
pub mod popover;
pub mod save;
pub mod sending;
pub mod table;
pub mod tabs;
pub mod time;
pub mod toast;

pub use announcer::use_announcer;
pub use banner::BannerKind;
pub use element::{El, el};
pub use held::{Held, derived};
pub use icon::Icon;
pub use keyboard::{Shortcut, use_shortcuts};
pub use loaded::Failure;
pub use page::{Above, Page};
pub use popover::{Align, Opener, PopoverHandle, popover};
pub use sending::Sending;
pub use tabs::{Tab, tabs};
pub use toast::use_toasts;
