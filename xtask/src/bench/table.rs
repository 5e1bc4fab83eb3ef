//! The one table: medians, and Madang's share of each peer's.

use std::fmt::Write;

use super::Figures;
use super::contender::Contender::{self, Bun, Madang, Plain, Stomp, Ws};
use super::scenario::{PROTOCOLS, PROTOCOLS_CPU, PROTOCOLS_PREFIX, SCENARIOS, START_UP};

/// `figures` as a Markdown table.
pub(crate) fn render(figures: &Figures) -> String {
    let mut table = String::from(
        "| | Madang | Node `ws` | bun | Madang ÷ `ws` | Madang ÷ bun |\n|:--|--:|--:|--:|--:|--:|\n",
    );
    for name in names().filter(|name| !name.starts_with(PROTOCOLS_PREFIX)).chain([START_UP]) {
        let of = |contender: Contender| figures.get(&(name, contender)).and_then(|values| median(values));
        let Some(madang) = of(Madang) else { continue };
        let ratio = |peer: Option<f64>| peer.filter(|peer| *peer > 0.0).map(|peer| madang / peer);
        let cells = [Some(madang), of(Ws), of(Bun), ratio(of(Ws)), ratio(of(Bun))];
        let cells = cells.map(|cell| cell.map_or_else(|| "–".to_owned(), human));
        // Writing to a string cannot fail.
        let _ = writeln!(table, "| {name} | {} |", cells.join(" | "));
    }
    table
}

/// Returns the figures of the protocols, as a table of its own; `None` if they were not measured.
pub(crate) fn render_protocols(figures: &Figures) -> Option<String> {
    figures.get(&(PROTOCOLS_CPU, Madang))?;
    let mut table = String::from(
        "| | `madang.v1` | plain JSON | STOMP | RabbitMQ Web-STOMP | mosquitto, MQTT |\n|:--|--:|--:|--:|--:|--:|\n",
    );
    let mut line = |name: &str, of: &dyn Fn(Contender) -> Option<f64>| {
        let cells: Vec<String> =
            PROTOCOLS.iter().map(|protocol| of(*protocol).map_or_else(|| "–".to_owned(), human)).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(table, "| {name} | {} |", cells.join(" | "));
    };
    for name in names() {
        let Some(short) = name.strip_prefix(PROTOCOLS_PREFIX) else { continue };
        line(short, &|protocol| figures.get(&(name, protocol)).and_then(|values| median(values)));
        if name == PROTOCOLS_CPU {
            line("the same ÷ `madang.v1`", &|protocol| protocol_ratio(figures, protocol));
        }
    }
    Some(table)
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
    SCENARIOS.iter().flat_map(|scenario| scenario.metrics).map(|metric| metric.name)
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
        assert_eq!(render_protocols(&figures), None);
        figures.insert((PROTOCOLS_CPU, Madang), vec![10.0, 20.0, 10.0]);
        figures.insert((PROTOCOLS_CPU, Plain), vec![12.0, 24.0, 30.0]);
        figures.insert((PROTOCOLS_CPU, Stomp), vec![14.0, 28.0, 13.0]);
        let table = render_protocols(&figures).unwrap();
        assert!(table.contains("| the same ÷ `madang.v1` | 1.00 | 1.20 | 1.40 | – | – |\n"), "{table}");
        assert_eq!(dear_protocols(&figures), [(Stomp, 1.4)]);
        assert!(!render(&figures).contains("protocols"), "they have a table of their own");
    }

    #[test]
    fn line_shows_medians_ratios_and_dashes() {
        let mut figures = Figures::new();
        figures.insert((START_UP, Madang), vec![10.0, 12.0, 50.0]);
        figures.insert((START_UP, Ws), vec![48.0]);
        let table = render(&figures);
        assert!(table.ends_with("| start-up, ms | 12.0 | 48.0 | – | 0.25 | – |\n"), "{table}");
    }
}
