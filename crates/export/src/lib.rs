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

mod accounts;
pub mod card;
pub mod croissant;
pub mod intoto;
mod job;
mod layout;
pub mod prov;
mod prov_ld;
mod provenance;
mod records;
pub mod svg;
mod terms;
pub mod text;

pub use accounts::{Offer, Payment, Standing};
pub use croissant::File;
pub use job::{
    Check, Commitment, Compute, Contributions, Data, Dispute, Ends, Job, JobParts, OpenDemand, Seat, Verification,
};
pub use provenance::{ChainInfo, Edge, Entry, Provenance, Record};
pub use records::{Amount, BlockInfo, Dataset, Grant, Import, Model, Node, OwnerChange, Statement, name_of};
pub use terms::{JobTerms, Policy, Windows};

use std::str::FromStr;

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
    /// A file has no address.
    #[error("the dataset has no http:// or https:// location, so that its files have no address to be named by")]
    NoLocation,
}

/// A form in which other tools read a provenance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// W3C PROV of any node, as PROV-JSON.
    Prov,
    /// The same as JSON-LD, in the terms of PROV-O.
    ProvLd,
    /// Croissant of a dataset.
    Croissant,
    /// An in-toto Statement of a model.
    Statement,
    /// A model card of a model.
    Card,
    /// A drawing of any node's lineage.
    Svg,
}

impl Form {
    /// Every form.
    pub const ALL: [Form; 6] = [Form::Prov, Form::ProvLd, Form::Croissant, Form::Statement, Form::Card, Form::Svg];

    /// Its name in commands and URLs.
    pub fn name(self) -> &'static str {
        match self {
            Form::Prov => "prov",
            Form::ProvLd => "prov-ld",
            Form::Croissant => "croissant",
            Form::Statement => "statement",
            Form::Card => "card",
            Form::Svg => "svg",
        }
    }

    /// Its media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Form::Prov => "application/json",
            Form::ProvLd | Form::Croissant => "application/ld+json",
            Form::Statement => "application/vnd.in-toto+json",
            Form::Card => "text/markdown; charset=utf-8",
            Form::Svg => "image/svg+xml",
        }
    }

    /// Writes a provenance in this form. `files` are those of the dataset at the
    /// root, if they are known; only Croissant names them.
    ///
    /// # Errors
    /// If the form is for another kind of record.
    pub fn export(self, provenance: &Provenance, files: &[File]) -> Result<String, ExportError> {
        let json = match self {
            Form::Prov => prov::document(provenance),
            Form::ProvLd => prov_ld::document(provenance),
            Form::Croissant => croissant::dataset(provenance, files)?,
            Form::Statement => intoto::statement(provenance)?,
            Form::Card => return card::model_card(provenance),
            Form::Svg => return Ok(svg::drawing(provenance)),
        };
        Ok(format!("{json:#}\n"))
    }
}

impl FromStr for Form {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Form::ALL.into_iter().find(|form| form.name() == text).ok_or_else(|| {
            let names: Vec<&str> = Form::ALL.iter().map(|form| form.name()).collect();
            format!("{text:?} is no form: there are {}", names.join(", "))
        })
    }
}
