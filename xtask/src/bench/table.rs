//! Tables: medians, and Madang's share of each peer's.

use std::fmt::Write;

use super::Figures;
use super::contender::Contender::{self, Bun, Floor, Madang, Mosquitto, Nats, Plain, RabbitMq, Stomp, Ws};
use super::scenario::{POSTS_PREFIX, PROTOCOLS_CPU, PROTOCOLS_PREFIX, SCENARIOS, START_UP};

/// One table.
struct Table {
    /// Prefix of its metrics' names; the table of all others has none.
    prefix: &'static str,
    /// Servers, in order.
    columns: &'static [(&'static str, Contender)],
    /// Columns of Madang's figure by another one's.
    shares: &'static [(&'static str, Contender)],
}

const MAIN: Table = Table {
    prefix: "",
    columns: &[("Madang", Madang), ("Node `ws`", Ws), ("bun", Bun), ("floor", Floor)],
    shares: &[("Madang ÷ `ws`", Ws), ("Madang ÷ bun", Bun)],
};

const POSTS: Table = Table {
    prefix: POSTS_PREFIX,
    columns: &[
        ("Madang", Madang),
        ("NATS JetStream", Nats),
        ("RabbitMQ, quorum queue", RabbitMq),
        ("floor", Floor),
    ],
    shares: &[("Madang ÷ NATS", Nats), ("Madang ÷ RabbitMQ", RabbitMq)],
};

const PROTOCOLS: Table = Table {
    prefix: PROTOCOLS_PREFIX,
    columns: &[
        ("`madang.v1`", Madang),
        ("plain JSON", Plain),
        ("STOMP", Stomp),
        ("RabbitMQ Web-STOMP", RabbitMq),
        ("mosquitto, MQTT", Mosquitto),
        ("floor", Floor),
    ],
    shares: &[],
};

/// Returns the tables of all that was measured, in Markdown.
pub(crate) fn render(figures: &Figures) -> String {
    let tables = [MAIN, POSTS, PROTOCOLS];
    let tables: Vec<String> = tables.iter().filter_map(|table| table.render(figures)).collect();
    tables.join("\n")
}

impl Table {
    /// Returns the table, `None` if nothing of it was measured.
    fn render(&self, figures: &Figures) -> Option<String> {
        let heads = self.columns.iter().chain(self.shares).map(|(head, _)| *head);
        let heads: Vec<&str> = heads.collect();
        let mut table = format!("| | {} |\n|:--|{}\n", heads.join(" | "), "--:|".repeat(heads.len()));
        let header = table.len();
        for name in names().filter(|name| self.holds(name)) {
            let of = |contender| figures.get(&(name, contender)).and_then(|values| median(values));
            let columns: Vec<Option<f64>> =
                self.columns.iter().map(|(_, contender)| of(*contender)).collect();
            if columns.iter().all(Option::is_none) {
                continue;
            }
            let share = |peer| Some(of(Madang)? / of(peer).filter(|peer| *peer > 0.0)?);
            let shares = self.shares.iter().map(|(_, peer)| share(*peer));
            line(
                &mut table,
                name.strip_prefix(self.prefix).unwrap_or(name),
                columns.into_iter().chain(shares),
            );
            if name == PROTOCOLS_CPU {
                let ratios = self.columns.iter().map(|(_, protocol)| protocol_ratio(figures, *protocol));
                line(&mut table, "the same ÷ `madang.v1`", ratios);
            }
        }
        (table.len() > header).then_some(table)
    }

    fn holds(&self, name: &str) -> bool {
        let elsewhere = [POSTS_PREFIX, PROTOCOLS_PREFIX].iter().any(|prefix| name.starts_with(prefix));
        if self.prefix.is_empty() { !elsewhere } else { name.starts_with(self.prefix) }
    }
}

fn line(table: &mut String, name: &str, cells: impl Iterator<Item = Option<f64>>) {
    let cells: Vec<String> = cells.map(|cell| cell.map_or_else(|| "–".to_owned(), human)).collect();
    // Writing to a string cannot fail.
    let _ = writeln!(table, "| {name} | {} |", cells.join(" | "));
}

/// The protocols that cost more than they may for each delivery, in times of what `madang.v1` costs.
pub(crate) fn dear_protocols(figures: &Figures) -> Vec<(Contender, f64)> {
    const MOST: f64 = 1.3;
    let ratios = [Plain, Stomp]
        .into_iter()
        .filter_map(|protocol| Some((protocol, protocol_ratio(figures, protocol)?)));
    ratios.filter(|(_, ratio)| *ratio > MOST).collect()
}

/// The median of the rounds' ratios: within a round, both had the same neighbours.
fn protocol_ratio(figures: &Figures, protocol: Contender) -> Option<f64> {
    let of = |protocol| figures.get(&(PROTOCOLS_CPU, protocol)).map_or(&[][..], Vec::as_slice);
    let ratios: Vec<f64> =
        of(protocol).iter().zip(of(Madang)).map(|(protocol, madang)| protocol / madang).collect();
    median(&ratios)
}

fn names() -> impl Iterator<Item = &'static str> {
    SCENARIOS.iter().flat_map(|scenario| scenario.metrics).map(|metric| metric.name).chain([START_UP])
}

/// Each contender's median of one metric.
pub(crate) fn median_of(figures: &Figures, name: &'static str) -> impl Iterator<Item = f64> {
    figures.iter().filter(move |((metric, _), _)| *metric == name).filter_map(|(_, values)| median(values))
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = *sorted.get((sorted.len() - 1) / 2)?;
    Some(f64::midpoint(lower, upper))
}

/// Three digits that matter, and commas.
fn human(value: f64) -> String {
    match value.abs() {
        0.0..10.0 => format!("{value:.2}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => {
            let digits = format!("{value:.0}");
            let (head, tail) = digits.split_at(digits.len() % 3);
            let mut groups: Vec<&str> = if head.is_empty() { Vec::new() } else { vec![head] };
            groups.extend((0..tail.len() / 3).filter_map(|group| tail.get(group * 3..group * 3 + 3)));
            groups.join(",")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_that_matter_and_commas() {
        let said = [0.14, 5.4, 93.26, 512.4, 5_000.0, 1_234_567.8].map(human);
        assert_eq!(said, ["0.14", "5.40", "93.3", "512", "5,000", "1,234,568"]);
    }

    #[test]
    fn one_odd_round_does_not_move_the_median() {
        assert_eq!(median(&[3.0, 900.0, 2.0]), Some(3.0));
        assert_eq!(median(&[1.0, 2.0]), Some(1.5));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn protocol_is_compared_with_same_rounds() {
        let mut figures = Figures::new();
        assert_eq!(render(&figures), "");
        figures.insert((PROTOCOLS_CPU, Madang), vec![10.0, 20.0, 10.0]);
        figures.insert((PROTOCOLS_CPU, Plain), vec![12.0, 24.0, 30.0]);
        figures.insert((PROTOCOLS_CPU, Stomp), vec![14.0, 28.0, 13.0]);
        let table = render(&figures);
        assert!(table.contains("| the same ÷ `madang.v1` | 1.00 | 1.20 | 1.40 | – | – | – |\n"), "{table}");
        assert_eq!(dear_protocols(&figures), [(Stomp, 1.4)]);
        assert!(!table.contains("Madang"), "they have a table of their own: {table}");
    }

    #[test]
    fn posts_have_their_own_table() {
        let mut figures = Figures::new();
        figures.insert(("posts: 1 writer: a second", Madang), vec![2_000.0]);
        figures.insert(("posts: 1 writer: a second", Floor), vec![2_500.0]);
        figures.insert(("posts: write and fdatasync alone: a second", Floor), vec![2_600.0]);
        figures.insert((START_UP, Madang), vec![10.0]);
        let table = render(&figures);
        let lines = "| 1 writer: a second | 2,000 | – | – | 2,500 | – | – |\n\
                     | write and fdatasync alone: a second | – | – | – | 2,600 | – | – |\n";
        assert!(table.contains("| start-up, ms | 10.0 |") && table.ends_with(lines), "{table}");
    }

    #[test]
    fn line_shows_medians_ratios_and_dashes() {
        let mut figures = Figures::new();
        figures.insert((START_UP, Madang), vec![10.0, 12.0, 50.0]);
        figures.insert((START_UP, Ws), vec![48.0]);
        let table = render(&figures);
        assert!(table.ends_with("| start-up, ms | 12.0 | 48.0 | – | – | 0.25 | – |\n"), "{table}");
    }
}
