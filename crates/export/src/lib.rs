//! Records and lineage of Assay in forms that other tools know.
//!
//! Everything here is a pure function of a [`Provenance`] or a record, which a
//! reader of the chain and the index fill in the same way. Nothing does I/O.
//!
//! | module | makes |
//! | --- | --- |
//! | [`prov`] | W3C PROV, as PROV-JSON |
//! | [`croissant`] | MLCommons Croissant 1.0 of a dataset, JSON-LD |
//! | [`intoto`] | an in-toto Statement v1 with SLSA Provenance v1 of a model |
//! | [`card`] | a model card in Markdown |
//! | [`svg`] | the lineage as a drawing |
//!
//! Names, licences and locations come from strangers: [`text`] makes them harmless.

mod job;
mod provenance;
mod records;
pub mod text;

pub use job::{
    Check, Commitment, Compute, Contributions, Data, Dispute, Ends, Job, JobParts, JobTerms, OpenDemand, Policy, Seat,
    Verification, Windows,
};
pub use provenance::{ChainInfo, Edge, Entry, Provenance, Record};
pub use records::{
    Amount, BlockInfo, Dataset, Grant, Import, Model, Node, Offer, OwnerChange, Payment, Standing, Statement, name_of,
};

/// Why something cannot be exported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// The form describes another kind of record.
    #[error("{form} describes a {wanted}, and {node} is none")]
    WrongKind {
        /// The form.
        form: &'static str,
        /// What it describes.
        wanted: &'static str,
        /// What was asked for.
        node: Node,
    },
    /// The record is not part of the provenance.
    #[error("the record of {0} is not known: the chain has none, or the lineage was cut before it")]
    NoRecord(Node),
}
