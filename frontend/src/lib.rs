//! The Meridian panel in the browser.

pub mod features;
