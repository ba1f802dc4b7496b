//! Drives the real panel in a real browser: a simulated cloud, the `meridian` binary on a database of its own,
//! and headless Chromium, fresh for every test.
//!
//! ```no_run
//! use e2e::{Setup, pages::SignInPage, scene};
//!
//! # fn test() {
//! scene(Setup::default(), async |scene| {
//!     let servers = SignInPage::open(scene).await?.sign_in("alice").await?;
//!     assert_eq!(servers.table().await?.total().await?, 12);
//!     Ok(())
//! });
//! # }
//! ```

pub mod axe;
pub mod components;
pub mod harness;
pub mod pages;

pub use harness::{
    scene::{Scene, Setup, scene},
    wait::{LIMIT, until, until_equal},
};
