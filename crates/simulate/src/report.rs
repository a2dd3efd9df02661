//! The table of results, for people and for programs.

use crate::cast::Settings;
use crate::stats::{Row, Unit};
use assay_protocol::economics::{bribed_seats, escapes, unseen};
use assay_protocol::market::{MAX_PANEL, WINNER_SHARE_BP, majority};
use serde_json::{Value, json};

/// The rows as a Markdown table whose columns line up in a terminal, too.
pub fn table(rows: &[Row]) -> String {
    let mut lines = vec![["attack", "quantity", "simulated", "± 95 %", "formula", "off by"].map(String::from).to_vec()];
    lines.extend(rows.iter().map(|row| {
        vec![
            row.attack.to_owned(),
            row.quantity.to_owned(),
            number(row.measured, row.unit),
            number(row.half_width, row.unit),
            row.expected.map_or(String::new(), |expected| number(expected, row.unit)),
            row.sigmas.map_or(String::new(), |sigmas| format!("{sigmas:.1} σ")),
        ]
    }));
    aligned(&lines, 2)
}

/// Shares of bribed verifiers that the tables of formulas show, in per cent.
const BRIBED: [u16; 4] = [0, 10, 20, 30];

/// What the contract's formulas say, without any simulation: the least stake by
/// segments drawn, and the panels that bribed verifiers decide.
pub fn formulas(settings: &Settings) -> String {
    let (segments, false_segments) = (settings.segments, settings.false_segments);
    let odds = |samples: u8, panel: u8, percent: u16| {
        escapes(segments, false_segments, samples, panel, percent * 100).to_f64()
    };
    let burned = 1.0 - f64::from(WINNER_SHARE_BP) / 1e4;
    let stake = |unseen: f64| format!("{:.2}", unseen / (1.0 - unseen) / burned);
    let mut head = vec!["drawn".to_owned(), "unseen".to_owned()];
    head.extend(BRIBED.map(|percent| format!("stake / gain, {percent} % bribed")));
    head.push(format!("10 %, {MAX_PANEL} seats"));
    let mut lines = vec![head];
    for samples in [1, 2, 4, 6, 8, 12, 16] {
        if u32::from(samples) <= settings.segments {
            let unseen = unseen(segments, false_segments, samples, 0).to_f64();
            let mut line = vec![samples.to_string(), number(unseen, Unit::Share)];
            line.extend(BRIBED.map(|percent| stake(odds(samples, settings.panel, percent))));
            line.push(stake(odds(samples, MAX_PANEL, 10)));
            lines.push(line);
        }
    }
    let stakes = aligned(&lines, 0);

    let seats = [3, 5, 7, 9];
    let mut head = vec![format!("bribed of {}", settings.enlisted)];
    head.extend(seats.map(|seats| format!("majority of {seats}")));
    head.push(format!("bond / stake, {} seats", settings.panel));
    let mut lines = vec![head];
    for percent in [10, 20, 30, 40, 50] {
        let bribed = Settings::share_of(settings.enlisted, percent * 100);
        let majority = |seats: u8| bribed_seats(settings.enlisted, bribed, seats, majority(seats)).to_f64();
        let mut line = vec![bribed.to_string()];
        line.extend(seats.map(|seats| number(majority(seats), Unit::Share)));
        let theirs = majority(settings.panel);
        line.push(format!("{:.3}", theirs / (1.0 - theirs) * (1.0 - burned)));
        lines.push(line);
    }
    format!("{stakes}\n{}", aligned(&lines, 0))
}

/// A Markdown table whose first `left` columns are flush left.
fn aligned(lines: &[Vec<String>], left: usize) -> String {
    let columns = lines[0].len();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (place, line) in lines.iter().enumerate() {
        for (column, cell) in line.iter().enumerate() {
            let width = widths[column];
            text += &if column < left { format!("| {cell:<width$} ") } else { format!("| {cell:>width$} ") };
        }
        text += "|\n";
        if place == 0 {
            for (column, width) in widths.iter().enumerate() {
                text += &format!("| {}{} ", "-".repeat(width - 1), if column < left { '-' } else { ':' });
            }
            text += "|\n";
        }
    }
    text
}

fn number(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Share => format!("{:.2} %", 100.0 * value),
        Unit::Money => grouped(value),
        Unit::Count => format!("{value:.3}"),
    }
}

/// A whole number with its thousands apart.
fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let first = digits.len() % 3;
    let mut groups: Vec<&str> = if first > 0 { vec![&digits[..first]] } else { Vec::new() };
    groups.extend((first..digits.len()).step_by(3).map(|start| &digits[start..start + 3]));
    format!("{}{}", if value < 0.0 && digits != "0" { "-" } else { "" }, groups.join(","))
}

/// Settings and rows, in the envelope that all programs answer in.
pub fn json(settings: &Settings, rows: &[Row]) -> Value {
    let stake = settings.stake();
    json!({ "ok": true, "command": "simulate", "data": { "settings": settings, "stake": stake, "rows": rows } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_lines_up() {
        let row = |unit, measured, expected| Row {
            attack: "lazy",
            quantity: "σ",
            unit,
            jobs: 10,
            measured,
            half_width: 0.0104,
            expected,
            sigmas: expected.map(|_| -1.04),
        };
        let rows = [row(Unit::Share, 0.75, Some(0.7512)), row(Unit::Money, -1_234_567.4, None)];
        let expected = "\
| attack | quantity |  simulated | ± 95 % | formula | off by |
| ------ | -------- | ---------: | -----: | ------: | -----: |
| lazy   | σ        |    75.00 % | 1.04 % | 75.12 % | -1.0 σ |
| lazy   | σ        | -1,234,567 |      0 |         |        |
";
        assert_eq!(table(&rows), expected);
    }

    #[test]
    fn the_formulas_of_the_default_terms() {
        let text = formulas(&Settings::default());
        // Six of 24 drawn, one false, 20 % bribed: caught with 0.25 * 0.64 = 0.16, squared 0.0256.
        let line = text.lines().find(|line| line.starts_with("|     6 |")).unwrap();
        assert!(line.contains("75.00 %") && line.contains(" 6.00 ") && line.contains(" 76.13 "), "{line}");
    }

    #[test]
    fn thousands_are_apart() {
        for (value, text) in
            [(0.0, "0"), (-0.2, "0"), (999.0, "999"), (1_000.0, "1,000"), (-12_345_678.0, "-12,345,678")]
        {
            assert_eq!(grouped(value), text);
        }
    }
}
