//! Records that tests start from.

use assay_export::Dataset;
use assay_protocol::{Address, Hash};

/// A dataset that anybody may use.
pub fn dataset(byte: u8) -> Dataset {
    Dataset {
        id: Hash([byte; 32]),
        owner: Address([byte; 20]),
        name: format!("dataset {byte}"),
        bytes: 1,
        licence: "MIT".into(),
        licence_text: None,
        open: true,
        price: None,
        access_seconds: 0,
        royalty_bp: 0,
        terms: Hash::default(),
        registered_at: 0,
        block: u32::from(byte),
        withdrawn_at: None,
        locations: vec![],
        imported: None,
    }
}
