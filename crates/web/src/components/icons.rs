//! Line icons, drawn on a grid of 20 with a stroke of 1.6. They have no name by themselves: what they stand on
//! has a name.

use leptos::prelude::*;

macro_rules! icon {
    ($name:ident, $path:literal) => {
        pub(super) fn $name() -> impl IntoView {
            view! {
                <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
                    <path d=$path />
                </svg>
            }
        }
    };
}

icon!(menu, "M3.5 5.5h13M3.5 10h13M3.5 14.5h8");
icon!(
    people,
    "M7.5 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM2 16.5c0-3 2.4-4.8 5.5-4.8s5.5 1.8 5.5 4.8M13 4a2.7 2.7 0 0 1 0 5.2M15 12.2c1.9.7 3 2.2 3 4.3"
);
icon!(
    settings,
    "M3 6h6.5M13.5 6H17M3 14h3.5M10.5 14H17M11.5 8a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM8.5 16a2 2 0 1 0 0-4 2 2 0 0 0 0 4Z"
);
icon!(close, "M5 5l10 10M15 5L5 15");
icon!(plus, "M10 4v12M4 10h12");
icon!(send, "M3.5 10 16.5 4l-4 12.5-3-5.2zM9.5 11.3l3-3");
icon!(down, "M10 4v12M5 11l5 5 5-5");
icon!(reply, "M8 5 3.5 9.5 8 14M4 9.5h7.5c3 0 5 1.8 5 5");
icon!(edit, "M4 16l.8-3.4 8.8-8.8a1.5 1.5 0 0 1 2.1 0l.5.5a1.5 1.5 0 0 1 0 2.1l-8.8 8.8zM12 5.5 14.5 8");
icon!(
    link,
    "M8.5 11.5a3 3 0 0 0 4.3 0l3-3a3 3 0 0 0-4.3-4.3l-.8.8M11.5 8.5a3 3 0 0 0-4.3 0l-3 3a3 3 0 0 0 4.3 4.3l.8-.8"
);
icon!(bin, "M4 6h12M8 6V4.2h4V6M5.5 6l.6 10h7.8l.6-10M8.5 9v4.5M11.5 9v4.5");
icon!(smile, "M10 17.5a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15ZM7.5 8h.01M12.5 8h.01M6.8 11.8a4 4 0 0 0 6.4 0");
icon!(more, "M4.5 10h.01M10 10h.01M15.5 10h.01");
