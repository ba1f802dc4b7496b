//! The pages, as what a person can do and see on them.

mod console;
mod create_server;
mod offers;
mod operator_customers;
mod operator_health;
mod operator_logs;
mod operator_statistics;
mod server;
mod servers;
mod sessions;
mod sign_in;

pub use console::{ConsoleTab, LogView};
pub use create_server::CreateServerPage;
pub use offers::OffersPage;
pub use operator_customers::{OperatorCustomersPage, SupportBanner};
pub use operator_health::{HealthRow, OperatorHealthPage};
pub use operator_logs::{OperatorLogsPage, ShownLine, TimelineEntry};
pub use operator_statistics::OperatorStatisticsPage;
pub use server::ServerPage;
pub use servers::ServersPage;
pub use sessions::{SessionRow, SessionsPage};
pub use sign_in::SignInPage;
