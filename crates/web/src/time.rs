//! Days and times, in words.
//!
//! The server does not know where the reader is: it renders UTC, and so does the first rendering in the
//! browser. Once the page is alive, [`Clock::local`] takes over.

use madang_client::utc_day;
use madang_protocol::UnixMs;
use wasm_bindgen::JsValue;

use crate::strings::{Day, Strings};

const MS_PER_MINUTE: i64 = 60_000;

/// The reader's calendar and clock, or UTC. Not for the server: it holds a JavaScript object.
#[derive(Clone)]
pub(crate) struct Clock {
    today: i32,
    times: js_sys::Function,
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clock").field("today", &self.today).finish_non_exhaustive()
    }
}

impl Clock {
    /// The reader's own. `today` is the number of the day where they are; times are written as their browser
    /// writes them in `language`.
    pub(crate) fn local(today: i32, language: &str) -> Self {
        let options = js_sys::Object::new();
        for key in ["hour", "minute"] {
            let style = if key == "hour" { "numeric" } else { "2-digit" };
            // Setting a property of a fresh object cannot fail.
            let _ = js_sys::Reflect::set(&options, &key.into(), &style.into());
        }
        let locales = js_sys::Array::of1(&best_locale(language));
        let times = js_sys::Intl::DateTimeFormat::new(&locales, &options).format();
        Self { today, times }
    }

    /// The number of the day that counts as today.
    pub(crate) fn today(&self) -> i32 {
        self.today
    }

    /// The time of day.
    pub(crate) fn time(&self, at: UnixMs) -> String {
        let moment = js_sys::Date::new(&JsValue::from_f64(at as f64));
        let text = self.times.call1(&JsValue::NULL, &moment).ok().and_then(|text| text.as_string());
        text.unwrap_or_else(|| utc_time(at))
    }

    /// The divider before the day of this number.
    pub(crate) fn day(&self, day: i32, t: &Strings) -> String {
        match self.today.saturating_sub(day) {
            0 => t.today.to_owned(),
            1 => t.yesterday.to_owned(),
            _ => (t.day)(civil(day, Some(self.today))),
        }
    }
}

/// The browser's own variant of the page's language (en-GB tells the time as en-US does not), or that language.
fn best_locale(language: &str) -> JsValue {
    let preferred = web_sys::window().map(|window| window.navigator().languages()).unwrap_or_default();
    preferred
        .iter()
        .find(|tag| tag.as_string().is_some_and(|tag| tag.starts_with(language)))
        .unwrap_or_else(|| language.into())
}

/// `09:05`, in UTC.
pub(crate) fn utc_time(at: UnixMs) -> String {
    let minutes = at.div_euclid(MS_PER_MINUTE).rem_euclid(24 * 60);
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// The divider before a day, where it is not known which day is today.
pub(crate) fn utc_day_name(day: i32, t: &Strings) -> String {
    (t.day)(civil(day, None))
}

/// `2026-11-21T09:05:00Z`, for `<time datetime>`.
pub(crate) fn iso(at: UnixMs) -> String {
    let Day { year, month, day, .. } = civil(utc_day(at), None);
    let seconds = at.div_euclid(1000).rem_euclid(60);
    format!("{year:04}-{month:02}-{day:02}T{}:{seconds:02}Z", utc_time(at))
}

/// `2026-11-21`, for the `<time datetime>` of a day.
pub(crate) fn iso_day(day: i32) -> String {
    let Day { year, month, day, .. } = civil(day, None);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The Gregorian date of a day's number (0 is 1970-01-01), by Howard Hinnant's `civil_from_days`.
fn civil(day: i32, today: Option<i32>) -> Day {
    let shifted = i64::from(day) + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    Day {
        year: year as i32,
        month: month as usize,
        day: (of_year - (153 * march_month + 2) / 5 + 1) as u32,
        weekday: (i64::from(day) + 4).rem_euclid(7) as usize,
        this_year: today.is_some_and(|today| civil(today, None).year == year as i32),
    }
}

#[cfg(test)]
mod tests {
    use madang_client::Locale;

    use super::*;
    use crate::strings::strings;

    #[test]
    fn moments_are_written_in_utc() {
        assert_eq!(iso(0), "1970-01-01T00:00:00Z");
        assert_eq!(iso(1_795_294_799_000), "2026-11-21T20:59:59Z");
        assert_eq!(iso(951_782_400_000), "2000-02-29T00:00:00Z");
        assert_eq!(iso(-1), "1969-12-31T23:59:59Z");
        assert_eq!(utc_time(1_795_294_799_000), "20:59");
        assert_eq!(iso_day(utc_day(1_795_294_799_000)), "2026-11-21");
    }

    #[test]
    fn days_have_their_weekday_and_name() {
        assert_eq!(utc_day_name(0, strings(Locale::En)), "Thursday, January 1, 1970");
        assert_eq!(utc_day_name(utc_day(1_795_294_799_000), strings(Locale::Ko)), "2026년 11월 21일 토요일");
        assert!(civil(366, Some(370)).this_year);
        assert!(!civil(364, Some(370)).this_year);
    }
}
