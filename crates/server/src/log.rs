//! The log: one line for each event on standard error, in which strangers' text is short and harmless, and repeats are
//! summed, so that nobody can fill a disk with it or write lines of their own.

mod sums;

use std::fmt::{self, Debug, Write as _};
use std::io::{IsTerminal, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::callsite::Identifier;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use sums::{Line, Sums};

/// Maximum length of a value. Characters.
const VALUE_CHARS: usize = 100;

/// Lines that only the owner causes are written whole and each time: unreadable files, commands, the start.
const OWNERS: [&str; 4] =
    ["madang_server::admin", "madang_server::app", "madang_server::store", "madang_server::tls"];

/// Interval at which sums that are due are written.
const LOOKS: Duration = Duration::from_secs(1);

/// The log of this process.
#[derive(Clone, Debug)]
pub struct Log(Arc<Sums<Identifier>>);

impl Log {
    /// Writes the sums that are due.
    pub fn flush(&self) {
        write(&self.0.all());
    }
}

/// Begins to log what passes the filter. Repeats within the window are summed; a window of zero sums nothing.
///
/// # Errors
/// A filter that cannot be read, a thread that cannot be started.
pub fn start(filter: &str, window: Duration) -> anyhow::Result<Log> {
    let words = EnvFilter::try_new(filter)
        .map_err(|error| anyhow::anyhow!("--log {filter}: {error}; use error, warn, info or debug"))?;
    let log = Log(Arc::new(Sums::new(window)));
    let format = Format { sums: Arc::clone(&log.0), ansi: std::io::stderr().is_terminal() };
    tracing_subscriber::fmt().with_env_filter(words).with_writer(std::io::stderr).event_format(format).init();
    let sums = Arc::clone(&log.0);
    std::thread::Builder::new().name("log".into()).spawn(move || {
        loop {
            std::thread::sleep(LOOKS);
            write(&sums.due(Instant::now()));
        }
    })?;
    Ok(log)
}

/// Writes lines that no event writes.
fn write(lines: &[String]) {
    let mut text = String::new();
    for line in lines {
        let _ = written(&mut Writer::new(&mut text), line);
    }
    // Where standard error is gone, nobody reads it.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

fn written(writer: &mut Writer<'_>, line: &str) -> fmt::Result {
    SystemTime.format_time(writer)?;
    writeln!(writer, " {line}")
}

struct Format {
    sums: Arc<Sums<Identifier>>,
    ansi: bool,
}

impl<S, N> FormatEvent<S, N> for Format
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let of = event.metadata();
        let line = rendered(event, self.ansi);
        // Debug is for who looks for something: each line counts.
        if *of.level() > Level::INFO || is_owners(of) {
            return written(&mut writer, &line.text);
        }
        for line in self.sums.take(of.callsite(), line, Instant::now()) {
            written(&mut writer, &line)?;
        }
        Ok(())
    }
}

fn is_owners(of: &Metadata<'_>) -> bool {
    OWNERS.iter().any(|owner| of.target().starts_with(owner))
}

/// The line of an event, without its time.
fn rendered(event: &Event<'_>, ansi: bool) -> Line {
    let of = event.metadata();
    let most = if is_owners(of) { usize::MAX } else { VALUE_CHARS };
    let mut values = Values { most, message: String::new(), others: String::new() };
    event.record(&mut values);
    let level = match (ansi, *of.level()) {
        (true, Level::ERROR) => "\u{1b}[31mERROR\u{1b}[0m".into(),
        (true, Level::WARN) => "\u{1b}[33m WARN\u{1b}[0m".into(),
        (_, level) => format!("{level:>5}"),
    };
    let cause = format!("{level} {}: {}", of.target(), values.message);
    Line { text: format!("{cause}{}", values.others), cause }
}

struct Values {
    most: usize,
    message: String,
    others: String,
}

impl Visit for Values {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            // Our own words.
            self.message = harmless(&format!("{value:?}"), usize::MAX);
        } else {
            let value = harmless(&format!("{value:?}"), self.most);
            let _ = write!(self.others, " {}={value}", field.name());
        }
    }
}

/// At most so many characters of a text, none of which ends a line, moves the cursor or turns the direction of writing.
fn harmless(text: &str, most: usize) -> String {
    let mut harmless = String::with_capacity(text.len().min(4 * VALUE_CHARS));
    for (at, char) in text.chars().enumerate() {
        if at == most {
            harmless.push('…');
            break;
        }
        match char {
            '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                harmless.extend(char.escape_unicode());
            }
            char if char.is_control() => harmless.extend(char.escape_default()),
            char => harmless.push(char),
        }
    }
    harmless
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_at_its_bound_by_characters() {
        assert_eq!(harmless(&"가".repeat(100), VALUE_CHARS), "가".repeat(100));
        assert_eq!(harmless(&"가".repeat(101), VALUE_CHARS), "가".repeat(100) + "…");
        assert_eq!(harmless(&"x".repeat(1_000), usize::MAX).len(), 1_000);
    }

    #[test]
    fn text_neither_ends_line_nor_moves_cursor() {
        for text in
            ["a\nb", "a\r\nb", "\u{1b}[2Ja", "a\u{85}b", "a\u{202e}b", "a\u{2028}b", "\u{7f}", "\0", "\t"]
        {
            let harmless = harmless(text, VALUE_CHARS);
            assert!(harmless.contains('\\'), "{harmless}");
            assert!(!harmless.contains(|c: char| c.is_control() || ('\u{2028}'..='\u{202e}').contains(&c)));
        }
        assert_eq!(harmless("가나 🙂 e\u{301}", VALUE_CHARS), "가나 🙂 e\u{301}");
    }
}
