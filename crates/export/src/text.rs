//! Making strangers' texts harmless.

use std::fmt::Write;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// A text with everything that is not seen, or that changes how its neighbours
/// are seen, written as `\u{…}`.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match is_invisible(character) {
            true => write!(shown, "\\u{{{:x}}}", u32::from(character)).expect("a string takes all"),
            false => shown.push(character),
        }
    }
    shown
}

/// Control characters, line separators, marks of direction and joining, tags,
/// surrogates of nothing: what Unicode calls Cc, Cf, Zl and Zp, and wide blanks.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(u32::from(character),
            0xad | 0x34f | 0x600..=0x605 | 0x61c | 0x6dd | 0x70f | 0x890..=0x891 | 0x8e2 | 0x115f..=0x1160
            | 0x17b4..=0x17b5 | 0x180b..=0x180f | 0x2000..=0x200f | 0x2028..=0x202f | 0x205f..=0x206f | 0x2800
            | 0x3000 | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff0..=0xfffb | 0x110bd | 0x110cd
            | 0x13430..=0x1343f | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff)
}

/// The first `most` characters, with `…` if there were more.
pub fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A text in Markdown that stands for itself, in one line: no markup, HTML, link
/// or entity. Every mark is escaped, as [CommonMark](https://spec.commonmark.org/0.31.2/#backslash-escapes)
/// allows, which also keeps GitHub from making links of bare addresses.
pub fn markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in visible(text).chars() {
        if character.is_ascii_punctuation() {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// A text as XML's character data or the value of an attribute.
pub fn xml(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in visible(text).chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // What XML cannot hold at all.
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

/// The location, if it is a plain `http://` or `https://` URL that may be linked to.
pub fn web_url(location: &str) -> Option<&str> {
    let rest = location.strip_prefix("https://").or_else(|| location.strip_prefix("http://"))?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&*+,;=%".contains(&byte);
    (!rest.is_empty() && !rest.starts_with('/') && rest.bytes().all(plain)).then_some(location)
}

/// Seconds since 1970 by RFC 3339, in UTC; nothing beyond the year 9999.
pub fn timestamp(seconds: u64) -> Option<String> {
    OffsetDateTime::from_unix_timestamp(i64::try_from(seconds).ok()?).ok()?.format(&Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_written_out() {
        assert_eq!(visible("digits, 8×8 数字"), "digits, 8×8 数字");
        assert_eq!(visible("a\u{202e}b\nc\u{200b}\u{feff}\u{1b}"), "a\\u{202e}b\\u{a}c\\u{200b}\\u{feff}\\u{1b}");
        assert_eq!(visible("\u{e0041}\u{2066}\u{ad}"), "\\u{e0041}\\u{2066}\\u{ad}");
    }

    #[test]
    fn markup_is_escaped() {
        assert_eq!(markdown("[a](javascript:x)|<b>"), r"\[a\]\(javascript\:x\)\|\<b\>");
        assert_eq!(xml("<a href='x'>&\"\u{ffff}"), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;\u{fffd}");
        assert_eq!(shortened("héllo", 2), "hé…");
        assert_eq!(shortened("héllo", 5), "héllo");
    }

    #[test]
    fn only_plain_web_addresses_are_linked_to() {
        for good in ["https://example.org/a/b%20c", "http://127.0.0.1:8080"] {
            assert_eq!(web_url(good), Some(good));
        }
        for bad in [
            "javascript:alert(1)",
            "data:text/html,x",
            "https://",
            "https:///x",
            "HTTPS://x",
            "https://a b",
            "https://a\"b",
            "https://a<b",
            "https://é",
            "https://a\nb",
            "file:///etc/passwd",
            "https://a)b",
        ] {
            assert_eq!(web_url(bad), None, "{bad}");
        }
    }

    #[test]
    fn times_are_in_utc() {
        assert_eq!(timestamp(1_700_000_000).as_deref(), Some("2023-11-14T22:13:20Z"));
        assert_eq!((timestamp(u64::MAX), timestamp(1 << 40)), (None, None));
    }
}
