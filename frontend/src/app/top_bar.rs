//! The bar at the top: where I am, which project, help, looks, who I am.

use leptos::prelude::*;

use super::{account_menu::AccountMenu, frame::Product, help_menu::HelpMenu, theme_menu::ThemeMenu};
use crate::{
    features::projects::ProjectSwitcher,
    ui::{Icon, Menu, MenuLink},
};

#[component]
pub fn TopBar(products: Memo<Vec<Product>>, is_help_open: RwSignal<bool>) -> impl IntoView {
    let home = move || products.get().first().map_or("/".to_owned(), |product| product.href.clone());
    view! {
        <header class="top-bar">
            <div class="only-narrow">
                <Menu label="Products" icon=Icon::Menu icon_only=true button_class="button quiet">
                    {move || {
                        products
                            .get()
                            .into_iter()
                            .map(|product| {
                                view! {
                                    <MenuLink href=product.href icon=product.icon>
                                        {product.name}
                                    </MenuLink>
                                }
                            })
                            .collect_view()
                    }}
                </Menu>
            </div>
            <a class="brand" href=home>
                {Icon::Brand.view()}
                <span class="brand-name">"Meridian"</span>
            </a>
            <ProjectSwitcher />
            <div class="top-bar-end">
                <HelpMenu is_help_open />
                <ThemeMenu />
                <AccountMenu />
            </div>
        </header>
    }
}
