//! What the servers pages are made of.

pub mod actions;
pub mod column_menu;
pub mod detail_addresses;
pub mod detail_history;
pub mod detail_metadata;
pub mod detail_overview;
pub mod detail_part;
pub mod detail_parts;
pub mod empty_states;
pub mod export_menu;
pub mod facet_panel;
pub mod new_rows_pill;
pub mod region_banner;
pub mod region_summary;
pub mod row_more;
pub mod row_texts;
pub mod row_tips;
pub mod row_view;
pub mod search_box;
pub mod selection_bar;
pub mod server_table;
pub mod status_line;
pub mod table_body;
pub mod table_head;
pub mod table_layout;
pub mod table_view;
