//! Licences by the list of SPDX, and their texts.

use anyhow::{Context, bail};
use assay_protocol::Hash;
use assay_protocol::hash::{Native, Sha256};
use assay_protocol::registry;
use std::path::Path;

/// Largest text of a licence that is read.
const MAX_TEXT_BYTES: u64 = 1 << 20;

/// Checks an SPDX licence expression against the list of licences, and says
/// whether it names licences of one's own (`LicenseRef-...`).
pub fn check(licence: &str) -> anyhow::Result<bool> {
    registry::check_licence(licence)?;
    let expression = spdx::Expression::parse(licence).map_err(|error| {
        let part = licence.get(error.span.clone()).unwrap_or(licence);
        anyhow::anyhow!(
            "{licence:?} is no SPDX licence expression: {} ({part:?}); names are on https://spdx.org/licenses, \
             and one of your own starts with LicenseRef-",
            error.reason
        )
    })?;
    let own = expression.requirements().any(|one| one.req.license.id().is_none());
    Ok(own)
}

/// The hash of a licence's text, which an expression with `LicenseRef-` needs.
pub fn text_hash(licence: &str, file: Option<&Path>) -> anyhow::Result<Option<Hash>> {
    let own = check(licence)?;
    let Some(file) = file else {
        if own {
            bail!(
                "{licence} is a licence of your own: give the file with its text by --terms-file, whose hash goes on record"
            );
        }
        return Ok(None);
    };
    let failed = || format!("cannot read {}", file.display());
    let length = std::fs::metadata(file).with_context(failed)?.len();
    if length == 0 || length > MAX_TEXT_BYTES {
        bail!("{} has {length} bytes; a licence's text has 1 to {MAX_TEXT_BYTES}", file.display());
    }
    Ok(Some(Native.sha256(&std::fs::read(file).with_context(failed)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licences_are_those_of_the_list_or_ones_own() {
        for listed in ["CC-BY-4.0", "Apache-2.0 OR MIT", "GPL-2.0-only WITH Classpath-exception-2.0"] {
            assert!(!check(listed).unwrap(), "{listed}");
        }
        for own in ["LicenseRef-own", "MIT AND LicenseRef-own"] {
            assert!(check(own).unwrap(), "{own}");
        }
        for bad in ["", "CC-BY", "MIT/X11", "apache 2", "MIT OR", "a\u{202e}b"] {
            assert!(check(bad).is_err(), "{bad}");
        }
        assert!(check("CC-BY").unwrap_err().to_string().contains("LicenseRef-"));
    }

    #[test]
    fn a_licence_of_ones_own_needs_its_text() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("LICENCE");
        assert!(text_hash("LicenseRef-own", None).unwrap_err().to_string().contains("--terms-file"));
        assert!(text_hash("LicenseRef-own", Some(&file)).is_err(), "no such file");
        std::fs::write(&file, "").unwrap();
        assert!(text_hash("LicenseRef-own", Some(&file)).is_err(), "an empty file");
        std::fs::write(&file, "for friends").unwrap();
        let hash = Native.sha256(b"for friends");
        assert_eq!(text_hash("LicenseRef-own", Some(&file)).unwrap(), Some(hash));
        assert_eq!(text_hash("MIT", Some(&file)).unwrap(), Some(hash));
        assert_eq!(text_hash("MIT", None).unwrap(), None);
    }
}
