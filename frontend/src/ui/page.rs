//! The frame of a page: its column at the side, its main part, its title in three places that agree.

use leptos::{html, prelude::*};

use super::{Button, ButtonKind, Icon, dom::focus, use_announcer};

/// A step on the way to a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crumb {
    pub label: String,
    pub href: String,
}

/// A page. `title` becomes the browser's and is announced when the page opens; `side` stands below the products.
#[component]
pub fn Page(
    #[prop(into)] title: Signal<String>,
    #[prop(into, optional)] side: Option<ViewFn>,
    /// What the column at the side is called.
    #[prop(default = "Filter")]
    side_label: &'static str,
    /// Fills the window and scrolls inside, as long lists do.
    #[prop(optional)]
    is_fixed: bool,
    children: Children,
) -> impl IntoView {
    let announcer = use_announcer();
    let drawer = use_side_drawer();
    let column = NodeRef::<html::Aside>::new();
    Effect::new(move || {
        if drawer.0.get()
            && let Some(column) = column.get()
        {
            focus(&column);
        }
    });
    on_cleanup(move || drawer.close());
    Effect::new(move |opened: Option<()>| {
        let title = title.get();
        document().set_title(&format!("{title} · Meridian"));
        if opened.is_none() {
            announcer.say(title);
        }
    });
    view! {
        {side
            .map(|side| {
                view! {
                    <div class="side-shade" class:open=drawer.0 on:click=move |_| drawer.close()></div>
                    <aside
                        class="side"
                        class:open=drawer.0
                        aria-label=side_label
                        tabindex="-1"
                        node_ref=column
                        on:keydown=move |event| {
                            if event.key() == "Escape" {
                                drawer.close();
                            }
                        }
                    >
                        <div class="side-close only-narrow">
                            <Button
                                kind=ButtonKind::Quiet
                                icon=Icon::Close
                                label="Close"
                                on_press=Callback::new(move |()| drawer.close())
                            />
                        </div>
                        {side.run()}
                    </aside>
                }
            })}
        <main id="main" class="main" class:fixed=is_fixed tabindex="-1">
            {children()}
        </main>
    }
}

/// The column at the side is a drawer where the window is narrow. Where it is wide, this changes nothing.
#[derive(Clone, Copy)]
pub struct SideDrawer(RwSignal<bool>);

impl SideDrawer {
    pub fn is_open(self) -> bool {
        self.0.get()
    }

    pub fn open(self) {
        self.0.set(true);
    }

    pub fn close(self) {
        _ = self.0.try_set(false);
    }
}

pub fn provide_side_drawer() {
    provide_context(SideDrawer(RwSignal::new(false)));
}

pub fn use_side_drawer() -> SideDrawer {
    use_context().unwrap_or_else(|| SideDrawer(RwSignal::new(false)))
}

/// The head of a page: the way to it, its title, and what can be done here.
#[component]
pub fn PageHeader(
    #[prop(into)] title: Signal<String>,
    #[prop(into, optional)] crumbs: Signal<Vec<Crumb>>,
    /// Stands beside the title: a state, a count.
    #[prop(into, optional)]
    beside: ViewFn,
    #[prop(into, optional)] actions: ViewFn,
) -> impl IntoView {
    view! {
        <header class="page-header">
            <Show when=move || !crumbs.read().is_empty()>
                <nav class="crumbs" aria-label="Path">
                    <ol>
                        {move || {
                            crumbs
                                .get()
                                .into_iter()
                                .map(|crumb| {
                                    view! {
                                        <li>
                                            <a href=crumb.href>{crumb.label}</a>
                                        </li>
                                    }
                                })
                                .collect_view()
                        }}
                    </ol>
                </nav>
            </Show>
            <div class="page-title">
                <h1 class="foreign">{move || title.get()}</h1>
                {beside.run()}
                <div class="page-actions">{actions.run()}</div>
            </div>
        </header>
    }
}
