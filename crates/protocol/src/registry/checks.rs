//! Which names, licences, terms, locations and texts the registry takes.

use super::{
    DatasetTerms, Error, MAX_LICENCE_BYTES, MAX_LOCATION_BYTES, MAX_LOCATIONS, MAX_NAME_BYTES, MAX_TEXT_BYTES, WHOLE_BP,
};
use alloc::string::String;

/// Text of one line: 1 to `most` bytes, no control characters, no characters
/// that turn the direction of writing (they make one text look like another),
/// no space at either end.
fn is_line(text: &str, most: usize) -> bool {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    (1..=most).contains(&text.len())
        && !text.starts_with(' ')
        && !text.ends_with(' ')
        && !text.chars().any(|c| c.is_control() || turns(c))
}

/// A name for people: 1 to [`MAX_NAME_BYTES`] bytes, no control characters, no
/// characters that turn the direction of writing (they make one name look like
/// another), no space at either end.
///
/// # Errors
/// [`Error::BadName`].
pub fn check_name(name: &str) -> Result<(), Error> {
    if is_line(name, MAX_NAME_BYTES) { Ok(()) } else { Err(Error::BadName) }
}

/// A statement's text: 1 to [`MAX_TEXT_BYTES`] bytes, otherwise as [`check_name`].
///
/// # Errors
/// [`Error::BadText`].
pub fn check_text(text: &str) -> Result<(), Error> {
    if is_line(text, MAX_TEXT_BYTES) { Ok(()) } else { Err(Error::BadText) }
}

/// An SPDX licence expression as far as it can be told without the list of
/// licences: 1 to [`MAX_LICENCE_BYTES`] of letters, digits and `.+-() `, with
/// matching parentheses, not starting or ending with a space.
///
/// # Errors
/// [`Error::BadLicence`].
pub fn check_licence(licence: &str) -> Result<(), Error> {
    let fits = (1..=MAX_LICENCE_BYTES).contains(&licence.len());
    if !fits || licence.starts_with(' ') || licence.ends_with(' ') {
        return Err(Error::BadLicence);
    }
    let (mut open, mut named) = (0u8, false);
    for byte in licence.bytes() {
        match byte {
            b'(' => open += 1,
            b')' => open = open.checked_sub(1).ok_or(Error::BadLicence)?,
            b'.' | b'+' | b'-' | b' ' => {}
            _ if byte.is_ascii_alphanumeric() => named = true,
            _ => return Err(Error::BadLicence),
        }
    }
    if open != 0 || !named {
        return Err(Error::BadLicence);
    }
    Ok(())
}

/// At most [`MAX_LOCATIONS`] different URLs, each `scheme:rest` in printable
/// ASCII without spaces and at most [`MAX_LOCATION_BYTES`] long.
///
/// # Errors
/// [`Error::TooManyLocations`], [`Error::BadLocation`].
pub fn check_locations(locations: &[String]) -> Result<(), Error> {
    if locations.len() > MAX_LOCATIONS {
        return Err(Error::TooManyLocations);
    }
    let is_url = |location: &str| {
        location.split_once(':').is_some_and(|(scheme, rest)| {
            scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
                && !rest.is_empty()
                && rest.bytes().all(|byte| byte.is_ascii_graphic())
        })
    };
    for (index, location) in locations.iter().enumerate() {
        if location.len() > MAX_LOCATION_BYTES || !is_url(location) || locations[..index].contains(location) {
            return Err(Error::BadLocation);
        }
    }
    Ok(())
}

impl DatasetTerms {
    /// Whether the registry takes these terms.
    ///
    /// # Errors
    /// [`Error::BadLicence`], [`Error::NoLicenceText`], [`Error::BadRoyalty`],
    /// [`Error::OpenHasNoPrice`].
    pub fn check(&self) -> Result<(), Error> {
        check_licence(&self.licence)?;
        if self.licence.contains("LicenseRef-") && self.licence_text.is_none() {
            return Err(Error::NoLicenceText);
        }
        if self.royalty_bp > WHOLE_BP {
            return Err(Error::BadRoyalty);
        }
        if self.open && self.price.is_some() {
            return Err(Error::OpenHasNoPrice);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Hash;
    use alloc::{format, string::ToString, vec, vec::Vec};

    #[test]
    fn names() {
        for good in ["digits", "Ziffern, 8×8 (1797)", "手書き", "a", &"n".repeat(64)] {
            assert_eq!(check_name(good), Ok(()), "{good}");
        }
        for bad in ["", " a", "a ", "a\nb", "a\u{7f}", "a\u{202e}b", "\u{85}", &"n".repeat(65), &"é".repeat(33)] {
            assert_eq!(check_name(bad), Err(Error::BadName), "{bad:?}");
        }
    }

    #[test]
    fn licences() {
        for good in ["MIT", "CC-BY-4.0", "GPL-2.0+", "(MIT OR Apache-2.0) AND LicenseRef-own", &"l".repeat(64)] {
            assert_eq!(check_licence(good), Ok(()), "{good}");
        }
        for bad in ["", " MIT", "MIT ", "()", "-", "(MIT", "MIT)", ")MIT(", "MIT\n", "MIT/X11", "é", &"l".repeat(65)] {
            assert_eq!(check_licence(bad), Err(Error::BadLicence), "{bad:?}");
        }
    }

    #[test]
    fn locations() {
        let longest = format!("https://{}", "a".repeat(MAX_LOCATION_BYTES - 8));
        for good in ["https://example.org/data?x=1#y", "ipfs://bafy", "magnet:?xt=urn:btih:c12fe1", &longest] {
            assert_eq!(check_locations(&[good.to_string()]), Ok(()), "{good}");
        }
        for bad in ["", "data", "https:", "://x", "1s://x", "ht tp://x", "https://a b", "https://é", &(longest + "a")]
        {
            assert_eq!(check_locations(&[bad.to_string()]), Err(Error::BadLocation), "{bad:?}");
        }
        let mut many: Vec<String> = (0..MAX_LOCATIONS).map(|index| format!("https://example.org/{index}")).collect();
        assert_eq!(check_locations(&many), Ok(()));
        many.push("https://example.org/more".into());
        assert_eq!(check_locations(&many), Err(Error::TooManyLocations));
        assert_eq!(check_locations(&vec!["ipfs://a".to_string(); 2]), Err(Error::BadLocation));
    }

    #[test]
    fn texts() {
        for good in ["accuracy 0.981 on the held-out part", &"t".repeat(MAX_TEXT_BYTES)] {
            assert_eq!(check_text(good), Ok(()), "{good}");
        }
        for bad in ["", " a", "a\nb", "a\u{202e}b", &"t".repeat(MAX_TEXT_BYTES + 1)] {
            assert_eq!(check_text(bad), Err(Error::BadText), "{bad:?}");
        }
    }

    #[test]
    fn terms() {
        let terms = |change: fn(&mut DatasetTerms)| {
            let mut terms =
                DatasetTerms { open: false, price: Some(5), royalty_bp: WHOLE_BP, ..DatasetTerms::open("MIT") };
            change(&mut terms);
            terms.check()
        };
        assert_eq!(terms(|_| ()), Ok(()));
        assert_eq!(terms(|terms| (terms.open, terms.price) = (true, None)), Ok(()));
        assert_eq!(terms(|terms| terms.open = true), Err(Error::OpenHasNoPrice));
        assert_eq!(terms(|terms| terms.royalty_bp += 1), Err(Error::BadRoyalty));
        assert_eq!(terms(|terms| terms.licence.clear()), Err(Error::BadLicence));
        assert_eq!(terms(|terms| terms.licence = "MIT OR LicenseRef-own".into()), Err(Error::NoLicenceText));
        let named = |terms: &mut DatasetTerms| {
            (terms.licence, terms.licence_text) = ("LicenseRef-own".into(), Some(Hash([1; 32])))
        };
        assert_eq!(terms(named), Ok(()));
    }
}
