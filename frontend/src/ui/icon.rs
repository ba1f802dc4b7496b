//! Icons: one small drawing each, from `assets/icons`, in the colour of the text around them.

use leptos::IntoView;

macro_rules! icons {
    ($($name:ident: $file:literal,)*) => {
        /// A drawing of 16 by 16 units. It never stands alone: a word beside it or a label says what it means.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Icon {
            $($name,)*
        }

        impl Icon {
            /// The whole SVG element, for rows that are made by cloning a template.
            pub fn svg(self) -> &'static str {
                let file = match self {
                    $(Self::$name => include_str!(concat!("../../../assets/icons/", $file, ".svg")),)*
                };
                // The line's end would be text beside the drawing.
                file.trim_ascii_end()
            }
        }
    };
}

icons! {
    Alert: "alert",
    ArrowDown: "arrow-down",
    ArrowLeft: "arrow-left",
    ArrowUp: "arrow-up",
    Brand: "brand",
    Check: "check",
    ChevronDown: "chevron-down",
    Clock: "clock",
    Close: "close",
    Code: "code",
    Columns: "columns",
    Copy: "copy",
    Download: "download",
    External: "external",
    Filter: "filter",
    Flavor: "flavor",
    Help: "help",
    Image: "image",
    Info: "info",
    Jobs: "jobs",
    Key: "key",
    Keyboard: "keyboard",
    Laptop: "laptop",
    Lock: "lock",
    Menu: "menu",
    Moon: "moon",
    Pause: "pause",
    Play: "play",
    Plus: "plus",
    Project: "project",
    Quota: "quota",
    Refresh: "refresh",
    Search: "search",
    Server: "server",
    ServerGroup: "server-group",
    Shield: "shield",
    SignOut: "sign-out",
    StatusChanging: "status-changing",
    StatusFailed: "status-failed",
    StatusResting: "status-resting",
    StatusRunning: "status-running",
    StatusUnknown: "status-unknown",
    StatusWaiting: "status-waiting",
    Sun: "sun",
    Upload: "upload",
    User: "user",
}

impl Icon {
    /// The icon as part of a view, hidden from screen readers.
    pub fn view(self) -> impl IntoView {
        super::element::icon(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_icon_is_one_svg_element_that_a_strict_content_policy_lets_through() {
        for icon in [Icon::Brand, Icon::StatusFailed, Icon::Search] {
            let svg = icon.svg().trim();
            assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>"), "{icon:?}");
            assert!(!svg.contains("style="), "{icon:?}");
        }
    }
}
