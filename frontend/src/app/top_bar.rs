//! The bar at the top: where I am, which project, help, looks, who I am.

use leptos::prelude::*;

use super::{account_menu::account_menu, help_menu::help_menu, products::Product, theme_menu::theme_menu};
use crate::{
    cloud::shown::CallsShown,
    features::{jobs::jobs_button, projects::project_switcher},
    ui::{
        Align, El, Held, Icon, el,
        element::icon,
        menu::{icon_menu, menu_link},
        page::brand,
    },
};

pub fn top_bar(products: Held<Vec<Product>>, is_help_open: RwSignal<bool>, calls: CallsShown) -> El {
    let home =
        move || products.with(|products| products.first().map_or("/".to_owned(), |first| first.href.clone()));
    let brand = el("a")
        .class("brand")
        .live_attr("href", move || Some(home()))
        .child(icon(Icon::Brand))
        .child(el("span").class("brand-name").text(&brand()));
    let end = el("div")
        .class("top-bar-end")
        .child(jobs_button())
        .child(help_menu(is_help_open, calls))
        .child(theme_menu())
        .child(account_menu());
    el("header")
        .class("top-bar")
        .child(el("div").class("only-narrow").child(product_menu(products)))
        .child(brand)
        .child(project_switcher())
        .child(end)
}

/// The products where the window is too narrow for their column.
fn product_menu(products: Held<Vec<Product>>) -> El {
    let link = |product: &Product| menu_link(product.icon, product.name, &product.href, false);
    let links = move || products.with_untracked(|products| products.iter().map(link).collect());
    icon_menu(|| Icon::Menu, "Products", Align::Start, links)
}
