//! The description of a preparation.

use crate::{DataError, Prepared, images, parquet, table, text};
use assay_engine::F32;
use parity_scale_codec::{Decode, Encode};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The content of a dataset's files by their paths.
pub type Files = BTreeMap<String, Vec<u8>>;

/// How files become samples.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preparation {
    /// Comma-separated numbers.
    #[codec(index = 0)]
    Csv(Csv),
    /// A table in Apache Parquet.
    #[codec(index = 1)]
    Parquet(Parquet),
    /// Images and their classes as two IDX files, the format of MNIST.
    #[codec(index = 2)]
    Images(Images),
    /// Text, of which each token is to be foretold from those before it.
    #[codec(index = 3)]
    Text(Text),
}

/// Which column has the class.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Label {
    /// The last one.
    #[default]
    #[codec(index = 0)]
    Last,
    /// The first one.
    #[codec(index = 1)]
    First,
    /// The one with this name in the header.
    #[codec(index = 2)]
    Named(String),
}

/// A table of comma-separated numbers: a feature in every column but that of the class.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Csv {
    /// The file, as it is or compressed by gzip.
    pub file: String,
    /// Whether the first line names the columns.
    #[serde(default)]
    pub header: bool,
    /// The column of the class, an integer from 0.
    #[serde(default)]
    pub label: Label,
    /// What is taken from each feature first.
    #[serde(default)]
    pub offset: F32,
    /// What each feature is divided by then.
    #[serde(default = "one")]
    pub divisor: F32,
}

/// A table in Apache Parquet. Columns may be of any integer or floating type; binary64
/// and integers are rounded to binary32 once.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parquet {
    /// The file.
    pub file: String,
    /// The columns of the features, in the model's order.
    pub features: Vec<String>,
    /// The column of the class, an integer from 0.
    pub label: String,
    /// What is taken from each feature first.
    #[serde(default)]
    pub offset: F32,
    /// What each feature is divided by then.
    #[serde(default = "one")]
    pub divisor: F32,
}

/// Images and classes as IDX files of bytes, as they are or compressed by gzip.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Images {
    /// The images: `[count, height, width]` or `[count, channels, height, width]`.
    pub images: String,
    /// Their classes: `[count]`.
    pub labels: String,
    /// What is taken from each pixel first, which is 0 to 255.
    #[serde(default)]
    pub offset: F32,
    /// What each pixel is divided by then; 255 gives 0 to 1.
    #[serde(default = "byte")]
    pub divisor: F32,
}

/// Text in UTF-8 (`byte`: any bytes), the files one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// The files, in this order, with nothing between them.
    pub files: Vec<String>,
    /// What a token is.
    pub tokens: Tokeniser,
}

/// How text is cut into tokens.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tokeniser {
    /// A token is a byte: 256 of them.
    #[codec(index = 0)]
    Byte,
    /// A token is a character (Unicode scalar value) that occurs in the text, numbered
    /// in ascending order.
    #[codec(index = 1)]
    Character,
    /// By a `tokenizer.json` of Hugging Face's `tokenizers`, which is a file of the
    /// dataset, without added special tokens.
    #[codec(index = 2)]
    File(String),
}

impl Csv {
    /// A table without a header whose last column is the class.
    #[must_use]
    pub fn plain(file: &str, divisor: f32) -> Self {
        Self {
            file: file.to_owned(),
            header: false,
            label: Label::Last,
            offset: F32::default(),
            divisor: divisor.into(),
        }
    }
}

impl From<Csv> for Preparation {
    fn from(csv: Csv) -> Self {
        Self::Csv(csv)
    }
}

fn one() -> F32 {
    F32::from(1.0)
}

fn byte() -> F32 {
    F32::from(255.0)
}

impl Preparation {
    /// The paths of the files that it reads, each once.
    #[must_use]
    pub fn files(&self) -> Vec<&str> {
        let mut files: Vec<&str> = match self {
            Self::Csv(csv) => vec![&csv.file],
            Self::Parquet(parquet) => vec![&parquet.file],
            Self::Images(images) => vec![&images.images, &images.labels],
            Self::Text(text) => text.files.iter().map(String::as_str).collect(),
        };
        if let Self::Text(Text { tokens: Tokeniser::File(file), .. }) = self {
            files.push(file);
        }
        files.sort_unstable();
        files.dedup();
        files
    }

    /// Checks what can be checked without the files.
    ///
    /// # Errors
    /// [`DataError::Preparation`] with the field.
    pub fn check(&self) -> Result<(), DataError> {
        let refused = |field, problem: &str| Err(DataError::Preparation { field, problem: problem.to_owned() });
        if let Some((offset, divisor)) = self.scale() {
            if !offset.is_finite() {
                return refused("offset", "must be a finite number");
            }
            if !divisor.is_finite() || divisor == 0.0 {
                return refused("divisor", "must be a finite number other than zero");
            }
        }
        match self {
            Self::Csv(Csv { header: false, label: Label::Named(_), .. }) => {
                refused("label", "a named column needs `\"header\": true`")
            }
            Self::Parquet(parquet) if parquet.features.is_empty() => refused("features", "names no column"),
            Self::Parquet(parquet) if parquet.features.contains(&parquet.label) => {
                refused("features", "the column of the class is one of them: the model would be told the answer")
            }
            Self::Text(text) if text.files.is_empty() => refused("files", "names no file"),
            Self::Images(images) if images.images == images.labels => {
                refused("labels", "is the same file as the images")
            }
            _ => Ok(()),
        }
    }

    /// The offset and the divisor of features.
    fn scale(&self) -> Option<(f32, f32)> {
        let (offset, divisor) = match self {
            Self::Csv(csv) => (csv.offset, csv.divisor),
            Self::Parquet(parquet) => (parquet.offset, parquet.divisor),
            Self::Images(images) => (images.offset, images.divisor),
            Self::Text(_) => return None,
        };
        Some((offset.get(), divisor.get()))
    }

    /// Makes samples of the files. The samples take at most `limit` bytes of memory;
    /// what is read besides is in proportion to the files.
    ///
    /// # Errors
    /// [`DataError`]: what is wrong, with file, row and column.
    pub fn prepare(&self, files: &Files, limit: u64) -> Result<Prepared, DataError> {
        self.check()?;
        let content = |file: &str| {
            let missing = || DataError::Missing { file: file.to_owned() };
            files.get(file).map(Vec::as_slice).ok_or_else(missing)
        };
        match self {
            Self::Csv(csv) => table::read(csv, content(&csv.file)?, limit).map(Prepared::Rows),
            Self::Parquet(table) => parquet::read(table, content(&table.file)?, limit).map(Prepared::Rows),
            Self::Images(pair) => {
                images::read(pair, content(&pair.images)?, content(&pair.labels)?, limit).map(Prepared::Rows)
            }
            Self::Text(text) => {
                let parts = text.files.iter().map(|file| content(file)).collect::<Result<Vec<_>, _>>()?;
                let tokeniser = match &text.tokens {
                    Tokeniser::File(file) => Some(content(file)?),
                    Tokeniser::Byte | Tokeniser::Character => None,
                };
                text::read(text, &parts, tokeniser, limit).map(Prepared::Tokens)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Preparation, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn defaults_are_those_of_the_documentation() {
        let csv = parse(r#"{ "csv": { "file": "a.csv" } }"#).unwrap();
        assert_eq!(csv.scale(), Some((0.0, 1.0)));
        assert_eq!(csv.files(), ["a.csv"]);
        let images = parse(r#"{ "images": { "images": "x", "labels": "y" } }"#).unwrap();
        assert_eq!(images.scale(), Some((0.0, 255.0)));
        let text =
            parse(r#"{ "text": { "files": ["b", "a", "b"], "tokens": { "file": "tokenizer.json" } } }"#).unwrap();
        assert_eq!(text.files(), ["a", "b", "tokenizer.json"]);
        let bytes = text.encode();
        assert_eq!(Preparation::decode(&mut &bytes[..]).unwrap(), text);
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_its_field() {
        let refused = |json: &str| parse(json).unwrap().check().unwrap_err().to_string();
        assert!(refused(r#"{ "csv": { "file": "a", "divisor": 0 } }"#).starts_with("data.divisor"));
        assert!(refused(r#"{ "csv": { "file": "a", "offset": 1e39 } }"#).starts_with("data.offset"));
        assert!(refused(r#"{ "csv": { "file": "a", "label": { "named": "y" } } }"#).contains("header"));
        assert!(refused(r#"{ "parquet": { "file": "a", "features": [], "label": "y" } }"#).contains("no column"));
        assert!(refused(r#"{ "parquet": { "file": "a", "features": ["y"], "label": "y" } }"#).contains("answer"));
        assert!(refused(r#"{ "text": { "files": [], "tokens": "byte" } }"#).contains("no file"));
        assert!(refused(r#"{ "images": { "images": "a", "labels": "a" } }"#).contains("same file"));
        assert!(parse(r#"{ "csv": { "file": "a", "devisor": 2 } }"#).unwrap_err().to_string().contains("devisor"));
        assert!(parse(r#"{ "xls": { "file": "a" } }"#).unwrap_err().to_string().contains("csv"));
    }

    #[test]
    fn a_missing_file_is_named() {
        let csv = parse(r#"{ "csv": { "file": "a.csv" } }"#).unwrap();
        assert_eq!(csv.prepare(&Files::new(), 1 << 20).unwrap_err().to_string(), "a.csv is missing");
    }
}
