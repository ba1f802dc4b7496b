//! Signing in with password and one-time code, going on with the password again, signing out.
//!
//! The pages need no JavaScript and load in one round trip.

mod attempts;
mod complete;
mod continue_session;
mod next_path;
mod page;
mod password;
mod sign_out;
mod totp;

use api_types::routes;
use axum::{
    Router,
    routing::{get, post},
};

pub use attempts::Attempts;

use crate::app::App;

pub fn router() -> Router<App> {
    Router::new()
        .route(routes::SIGN_IN, get(page::show_sign_in).post(password::sign_in))
        .route(routes::SIGN_IN_TOTP, get(totp::show_totp).post(totp::sign_in_with_totp))
        .route(routes::SIGN_OUT, post(sign_out::sign_out))
        .route(routes::SESSION_CONTINUE, post(continue_session::continue_session))
}
