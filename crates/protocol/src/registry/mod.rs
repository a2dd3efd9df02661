//! The registry: records of datasets and models, how each was made, on which
//! terms it may be used, and what others say of it. `crates/registry` holds the
//! logic, `docs/registry.md` the law.
//!
//! A dataset is known by the hash of its manifest, a model by
//! [`crate::commitment::model_id`]. Records, edges, grants and statements are
//! only ever added; owners, terms and locations are what can change. Edges
//! point from what was made to what it was made from and are stored both ways:
//!
//! | made | made from |
//! | --- | --- |
//! | dataset | datasets it was derived from |
//! | model | its datasets, its parent model if any, its job |
//!
//! | module | holds |
//! | --- | --- |
//! | `records` | what the registry stores and shows |
//! | `messages` | arguments of its messages |
//! | `events` | what changed |
//! | `error` | why a message is refused |
//! | `checks` | which names, licences, terms, locations and texts it takes |

mod checks;
mod error;
mod events;
mod messages;
mod records;

pub use checks::{check_licence, check_locations, check_name, check_text};
pub use error::Error;
pub use events::Event;
pub use messages::{NamedParent, RegisterDataset, RegisterModel};
pub use records::{
    DatasetExport, DatasetRecord, DatasetTerms, Grant, Import, ModelExport, ModelRecord, Node, Page, Parent,
    Predecessor, Royalty, Statement, StatementKind,
};

/// What `kind()` of the contract answers, to tell it from any other contract.
pub const KIND: &str = "registry";
/// What `version()` answers. A change of messages, records or events raises it.
pub const VERSION: u32 = 3;
/// Most bytes of a name.
pub const MAX_NAME_BYTES: usize = 64;
/// Most bytes of a licence expression.
pub const MAX_LICENCE_BYTES: usize = 64;
/// Most bytes of one location.
pub const MAX_LOCATION_BYTES: usize = 256;
/// Most locations of one dataset or model.
pub const MAX_LOCATIONS: usize = 8;
/// Most datasets that one record may be made from.
pub const MAX_DATASETS: usize = 8;
/// Most bytes of a statement's text.
pub const MAX_TEXT_BYTES: usize = 160;
/// Most items in one [`Page`], whatever limit the reader asks for.
pub const MAX_PAGE: u32 = 50;
/// Until when a grant lasts that never ends.
pub const FOR_EVER: u64 = u64::MAX;
/// Basis points in a whole: the most that a royalty, or several together, may be.
pub const WHOLE_BP: u16 = 10_000;

/// `amount * bp / 10,000`, rounded down, without overflow for any `amount`
/// (and `bp` of at most [`WHOLE_BP`]).
pub fn share(amount: u128, bp: u16) -> u128 {
    let (bp, whole) = (u128::from(bp), u128::from(WHOLE_BP));
    amount / whole * bp + amount % whole * bp / whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Address;
    use crate::Hash;
    use crate::host::MAX_VALUE_BYTES;
    use parity_scale_codec::Encode;

    #[test]
    fn the_longest_records_fit_a_stored_value() {
        let terms = DatasetTerms {
            licence: "l".repeat(MAX_LICENCE_BYTES),
            licence_text: Some(Hash([1; 32])),
            open: false,
            price: Some(u128::MAX),
            access_seconds: u64::MAX,
            royalty_bp: WHOLE_BP,
        };
        assert_eq!(terms.encode().len(), 66 + 33 + 1 + 17 + 8 + 2);
        let dataset = DatasetRecord {
            owner: Address([1; 20]),
            name: "n".repeat(MAX_NAME_BYTES),
            bytes: u64::MAX,
            terms,
            registered_at: u64::MAX,
            block: u32::MAX,
            locations: MAX_LOCATIONS as u8,
            withdrawn_at: Some(u64::MAX),
        };
        assert_eq!(dataset.encode().len(), 20 + 66 + 8 + 127 + 8 + 4 + 1 + 9);
        let model = ModelRecord {
            first_owner: Address([1; 20]),
            name: "n".repeat(MAX_NAME_BYTES),
            licence: "l".repeat(MAX_LICENCE_BYTES),
            program: Hash([2; 32]),
            final_state: Hash([3; 32]),
            artefact: Hash([4; 32]),
            market: Address([5; 20]),
            job: u64::MAX,
            operator: Address([6; 20]),
            segments: u32::MAX,
            segments_drawn: u32::MAX,
            segments_checked: u32::MAX,
            royalty_bp: WHOLE_BP,
            registered_at: u64::MAX,
            block: u32::MAX,
            locations: MAX_LOCATIONS as u8,
        };
        assert_eq!(model.encode().len(), 323);
        let statement = Statement {
            author: Address([1; 20]),
            kind: StatementKind::Note,
            text: "t".repeat(MAX_TEXT_BYTES),
            evidence: Some(Hash([1; 32])),
            at: u64::MAX,
            block: u32::MAX,
        };
        let job = Node::Job { market: Address([1; 20]), job: u64::MAX };
        let import = Import { from: Address([1; 20]), statements: u32::MAX, at: u64::MAX, block: u32::MAX };
        let predecessor = Predecessor { registry: Address([1; 20]), titles: Address([2; 20]) };
        let grant = Grant { until: FOR_EVER, terms: Hash([1; 32]), paid: u128::MAX, at: u64::MAX };
        for stored in [
            dataset.encode(),
            model.encode(),
            statement.encode(),
            "l".repeat(MAX_LOCATION_BYTES).encode(),
            job.encode(),
            Node::Model(Hash([1; 32])).encode(),
            (Node::Model(Hash([1; 32])), u32::MAX).encode(),
            import.encode(),
            predecessor.encode(),
            grant.encode(),
            [Parent { dataset: Hash([1; 32]), share_bp: WHOLE_BP }; MAX_DATASETS].to_vec().encode(),
        ] {
            assert!(stored.len() <= MAX_VALUE_BYTES, "{} bytes", stored.len());
        }
        // A whole page fits the contract's buffer of 16 KiB, in which it is encoded.
        assert!(statement.encode().len() * (MAX_PAGE as usize) < 16_000);
        assert!((Address([1; 20]), grant).encode().len() * (MAX_PAGE as usize) < 16_000);
    }

    #[test]
    fn shares_round_down_and_do_not_overflow() {
        assert_eq!(share(10_001, 5_000), 5_000);
        assert_eq!(share(9, 1_000), 0);
        assert_eq!(share(u128::MAX, WHOLE_BP), u128::MAX);
        assert_eq!(share(u128::MAX, 1), u128::MAX / 10_000);
    }

    #[test]
    fn a_grant_holds_to_its_last_second() {
        let terms = |access_seconds| DatasetTerms { access_seconds, ..DatasetTerms::open("MIT") };
        let grant = |until| Grant { until, terms: Hash([1; 32]), paid: 0, at: 0 };
        let ends = grant(terms(60).until(1_000));
        assert!(ends.holds(1_060) && !ends.holds(1_061));
        assert!(grant(terms(0).until(1_000)).holds(u64::MAX));
        assert_eq!(terms(u64::MAX).until(1_000), FOR_EVER);
    }
}
