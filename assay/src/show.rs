//! Texts for people: tables, durations, and names that nobody vouches for.

/// Whether a character turns the direction of writing or cannot be seen, so
/// that a name with it could pass for another.
fn misleads(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A text from the chain or a server with everything made visible that could
/// move the cursor, hide or turn what follows.
pub fn plain(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut plain, c| {
        match misleads(c) {
            true => plain.extend(c.escape_unicode()),
            false => plain.push(c),
        }
        plain
    })
}

/// `1 h 2 min`, `3 min 4 s`, `5 s`.
pub fn duration(seconds: u64) -> String {
    let (days, hours, minutes, rest) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    let parts = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")];
    let first = parts.iter().position(|(count, _)| *count > 0).unwrap_or(3);
    let shown = parts[first..].iter().take(2).filter(|(count, _)| *count > 0 || seconds == 0);
    shown.map(|(count, unit)| format!("{count} {unit}")).collect::<Vec<_>>().join(" ")
}

/// A deadline in words, against chain time.
pub fn deadline(deadline: u64, now: u64) -> String {
    match deadline.checked_sub(now) {
        Some(left) => format!("{} left by chain time", duration(left)),
        None => format!("passed {} ago by chain time", duration(now - deadline)),
    }
}

/// `264.7 kB`.
pub fn bytes(count: u64) -> String {
    let (mut size, mut unit) = (count as f64, 0);
    while size >= 1000.0 && unit < 5 {
        size /= 1000.0;
        unit += 1;
    }
    match unit {
        0 => format!("{count} B"),
        _ => format!("{size:.1} {}B", ["k", "M", "G", "T", "P"][unit - 1]),
    }
}

/// Lines of `label  value` with the values under each other; labels repeat as given.
pub fn fields<'a>(fields: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let fields: Vec<_> = fields.into_iter().collect();
    let width = fields.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
    fields.iter().map(|(label, value)| format!("{label:width$}  {value}\n")).collect()
}

/// A table with a heading; columns are as wide as their widest cell.
pub fn table(heading: &[&str], rows: &[Vec<String>]) -> String {
    let length = |cell: &str| cell.chars().count();
    let widths: Vec<usize> = heading
        .iter()
        .enumerate()
        .map(|(column, title)| {
            rows.iter().filter_map(|row| row.get(column)).map(|cell| length(cell)).max().unwrap_or(0).max(length(title))
        })
        .collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let cells = cells.zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    let mut text = line(&mut heading.iter().copied());
    for row in rows {
        text += &line(&mut row.iter().map(String::as_str));
    }
    text
}

/// `1 segment`, `2 segments`.
pub fn count(number: impl Into<u64>, thing: &str) -> String {
    match number.into() {
        1 => format!("1 {thing}"),
        number => format!("{number} {thing}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_are_made_visible() {
        assert_eq!(plain("digits, 8×8"), "digits, 8×8");
        assert_eq!(plain("a\u{1b}[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(plain("a\u{202e}b\nc\u{200b}\r"), "a\\u{202e}b\\u{a}c\\u{200b}\\u{d}");
    }

    #[test]
    fn durations_are_in_words() {
        for (seconds, words) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (61, "1 min 1 s"),
            (3_600, "1 h"),
            (3_661, "1 h 1 min"),
            (90_000, "1 d 1 h"),
        ] {
            assert_eq!(duration(seconds), words);
        }
        assert_eq!(deadline(100, 40), "1 min left by chain time");
        assert_eq!(deadline(100, 101), "passed 1 s ago by chain time");
    }

    #[test]
    fn sizes_and_tables() {
        assert_eq!((bytes(999).as_str(), bytes(264_712).as_str()), ("999 B", "264.7 kB"));
        assert_eq!(bytes(u64::MAX), "18446.7 PB");
        let table = table(&["ID", "NAME"], &[vec!["1".into(), "é".into()], vec!["23".into(), "b".into()]]);
        assert_eq!(table, "ID  NAME\n1   é\n23  b\n");
        assert_eq!(fields([("a", "1".into()), ("bcd", "2".into())]), "a    1\nbcd  2\n");
    }
}
