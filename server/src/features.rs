//! What a person sees, one folder each. They know the shared modules and not one another; `app` puts them together.

pub mod account;
pub mod analytics;
pub mod health;
pub mod jobs;
pub mod operator;
pub mod projects;
pub mod servers;
pub mod shell;
pub mod sign_in;
