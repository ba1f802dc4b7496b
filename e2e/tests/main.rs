//! What a person does in the browser, a file per feature. One program for all: it is linked once, and whichever
//! tests are long, the others go on beside them.

mod accessibility;
mod client_log;
mod client_log_loss;
mod console;
mod create_server;
mod create_server_drafts;
mod eight_tabs;
mod frame;
mod hostile_names;
mod images;
mod jobs;
mod key_pairs;
mod layout_shift;
mod operator_analytics;
mod operator_customers;
mod operator_health;
mod operator_logs;
mod operator_statistics;
mod parts;
mod projects;
mod quotas;
mod server_actions;
mod server_actions_bulk;
mod server_actions_dialogs;
mod server_actions_refused;
mod server_detail;
mod servers;
mod servers_keyboard;
mod servers_live;
mod servers_regions;
mod servers_search;
mod servers_select_export;
mod sessions;
mod sign_in;
mod startup;
