//! The mark: ㅁ, the first letter of 마당, is also the plan of a house around its courtyard. The gate stands
//! open, and somebody is there.

use leptos::prelude::*;

pub(super) fn mark() -> impl IntoView {
    view! {
        <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
            <path class="mark-house" d="M12 26H8.5A3.5 3.5 0 0 1 5 22.5v-13A3.5 3.5 0 0 1 8.5 6h15A3.5 3.5 0 0 1 27 9.5v13a3.5 3.5 0 0 1-3.5 3.5H20" />
            <circle class="mark-sun" cx="16" cy="16" r="3.2" />
        </svg>
    }
}

/// A tiled roof under the moon, for a room without a word in it.
pub(super) fn courtyard() -> impl IntoView {
    view! {
        <svg class="courtyard" viewBox="0 0 240 128" aria-hidden="true">
            <circle class="courtyard-moon" cx="178" cy="34" r="18" />
            <path class="courtyard-roof" d="M18 62c24-2 40-10 52-26 6 3 94 3 100 0 12 16 28 24 52 26-4 8-12 12-22 12H40c-10 0-18-4-22-12Z" />
            <path class="courtyard-line" d="M70 36c-6 12-14 22-26 28M96 38c-3 10-6 18-11 26M120 38v26M144 38c3 10 6 18 11 26M170 36c6 12 14 22 26 28" />
            <path class="courtyard-line" d="M52 74v40M188 74v40M92 74v40M148 74v40M52 100h40M148 100h40M34 114h172" />
            <circle class="courtyard-sun" cx="120" cy="104" r="5" />
        </svg>
    }
}
