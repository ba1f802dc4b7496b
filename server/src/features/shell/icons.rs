//! The drawings in the frame; the same files the front end draws.

pub const ARROW_LEFT: &str = include_str!("../../../../assets/icons/arrow-left.svg");
pub const BRAND: &str = include_str!("../../../../assets/icons/brand.svg");
pub const CHEVRON_DOWN: &str = include_str!("../../../../assets/icons/chevron-down.svg");
pub const COLUMNS: &str = include_str!("../../../../assets/icons/columns.svg");
pub const DOWNLOAD: &str = include_str!("../../../../assets/icons/download.svg");
pub const FILTER: &str = include_str!("../../../../assets/icons/filter.svg");
pub const FLAVOR: &str = include_str!("../../../../assets/icons/flavor.svg");
pub const HELP: &str = include_str!("../../../../assets/icons/help.svg");
pub const IMAGE: &str = include_str!("../../../../assets/icons/image.svg");
pub const KEY: &str = include_str!("../../../../assets/icons/key.svg");
pub const LAPTOP: &str = include_str!("../../../../assets/icons/laptop.svg");
pub const MENU: &str = include_str!("../../../../assets/icons/menu.svg");
pub const MOON: &str = include_str!("../../../../assets/icons/moon.svg");
pub const PROJECT: &str = include_str!("../../../../assets/icons/project.svg");
pub const QUOTA: &str = include_str!("../../../../assets/icons/quota.svg");
pub const SEARCH: &str = include_str!("../../../../assets/icons/search.svg");
pub const SERVER: &str = include_str!("../../../../assets/icons/server.svg");
pub const SERVER_GROUP: &str = include_str!("../../../../assets/icons/server-group.svg");
pub const SUN: &str = include_str!("../../../../assets/icons/sun.svg");
pub const USER: &str = include_str!("../../../../assets/icons/user.svg");
