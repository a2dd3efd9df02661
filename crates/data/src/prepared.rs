//! Samples in memory.

use crate::DataError;
use assay_protocol::Hash;
use sha2::{Digest, Sha256};

/// Most classes, and most tokens of a vocabulary: 2^24, since they go through binary32.
pub(crate) const MOST_CLASSES: u32 = 1 << 24;

/// Samples.
#[derive(Clone, Debug, PartialEq)]
pub enum Prepared {
    /// Rows of features with a class each.
    Rows(Rows),
    /// A sequence of tokens.
    Tokens(Tokens),
}

/// Rows of features with a class each.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    /// Lengths of a row's axes: `[columns]` of a table, `[channels, height, width]` of images.
    pub shape: Vec<u32>,
    /// The features, row after row, all finite.
    pub features: Vec<f32>,
    /// The classes, each below 2^24.
    pub labels: Vec<u32>,
}

/// A sequence of tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// The tokens, each below `vocabulary`.
    pub tokens: Vec<u32>,
    /// The number of tokens that there are, at most 2^24.
    pub vocabulary: u32,
}

impl Rows {
    /// Features of a row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.shape.iter().product::<u32>() as usize
    }

    /// Whether a model of so many inputs and classes can take them.
    ///
    /// # Errors
    /// [`DataError::Misfit`] with the row, from 1.
    pub fn fit(&self, inputs: u32, classes: u32) -> Result<(), DataError> {
        if self.width() != inputs as usize {
            let width = self.width();
            return Err(DataError::Misfit(format!("a sample has {width} features and the model takes {inputs}")));
        }
        match self.labels.iter().position(|&label| label >= classes) {
            Some(row) => Err(DataError::Misfit(format!(
                "row {}: the class is {}, and the model has classes 0 to {}",
                row + 1,
                self.labels[row],
                i64::from(classes) - 1
            ))),
            None => Ok(()),
        }
    }
}

impl Tokens {
    /// Samples of `context` tokens: sample *i* is `tokens[i * context..][..context]`, and what
    /// is to be foretold is the same one token later.
    #[must_use]
    pub fn samples(&self, context: u32) -> u64 {
        (self.tokens.len() as u64).saturating_sub(1) / u64::from(context.max(1))
    }

    /// Whether a model of so many tokens and so long a context can take them.
    ///
    /// # Errors
    /// [`DataError::Misfit`].
    pub fn fit(&self, vocabulary: u32, context: u32) -> Result<(), DataError> {
        if self.vocabulary > vocabulary {
            return Err(DataError::Misfit(format!(
                "the text has a vocabulary of {} tokens and the model one of {vocabulary}",
                self.vocabulary
            )));
        }
        if self.samples(context) == 0 {
            return Err(DataError::Misfit(format!(
                "the text has {} tokens, and one sample of the model takes {} of them",
                self.tokens.len(),
                u64::from(context) + 1
            )));
        }
        Ok(())
    }
}

impl Prepared {
    /// Bytes of memory that the samples take.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        4 * match self {
            Self::Rows(rows) => (rows.features.len() + rows.labels.len()) as u64,
            Self::Tokens(tokens) => tokens.tokens.len() as u64,
        }
    }

    /// SHA-256 over a canonical encoding: the kind as one byte (0 rows, 1 tokens), then
    /// little-endian: the number of axes and each length (u32), the number of rows (u64), the features (binary32), the
    /// classes (u32); or the vocabulary (u32), the number of tokens (u64), the tokens (u32).
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut hash = Sha256::new();
        match self {
            Self::Rows(rows) => {
                hash.update([0]);
                hash.update((rows.shape.len() as u32).to_le_bytes());
                words(&mut hash, rows.shape.iter().map(|length| length.to_le_bytes()));
                hash.update((rows.labels.len() as u64).to_le_bytes());
                words(&mut hash, rows.features.iter().map(|feature| feature.to_le_bytes()));
                words(&mut hash, rows.labels.iter().map(|label| label.to_le_bytes()));
            }
            Self::Tokens(tokens) => {
                hash.update([1]);
                hash.update(tokens.vocabulary.to_le_bytes());
                hash.update((tokens.tokens.len() as u64).to_le_bytes());
                words(&mut hash, tokens.tokens.iter().map(|token| token.to_le_bytes()));
            }
        }
        Hash(hash.finalize().into())
    }
}

/// Hashes words a few thousand at a time.
fn words(hash: &mut Sha256, words: impl Iterator<Item = [u8; 4]>) {
    let mut buffer = Vec::with_capacity(1 << 14);
    for word in words {
        buffer.extend(word);
        if buffer.len() == 1 << 14 {
            hash.update(&buffer);
            buffer.clear();
        }
    }
    hash.update(&buffer);
}

/// `(value - offset) / divisor`, each with one rounding.
pub(crate) fn scaled(value: f32, offset: f32, divisor: f32) -> f32 {
    (value - offset) / divisor
}

/// Refuses samples of more bytes than allowed before they are made.
pub(crate) fn within(file: &str, samples: u64, words_each: u64, limit: u64) -> Result<(), DataError> {
    let needs = samples.saturating_mul(words_each).saturating_mul(4);
    if needs > limit {
        return Err(DataError::TooLarge { file: file.to_owned(), needs, limit });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_covers_everything() {
        let rows = Rows { shape: vec![1, 2, 1], features: vec![1.0, 2.0, 3.0, 4.0], labels: vec![0, 1] };
        let base = Prepared::Rows(rows.clone()).root();
        let other = |change: fn(&mut Rows)| {
            let mut rows = rows.clone();
            change(&mut rows);
            Prepared::Rows(rows).root()
        };
        assert_ne!(base, other(|rows| rows.shape = vec![2, 1, 1]));
        assert_ne!(base, other(|rows| rows.features[3] = -4.0));
        assert_ne!(base, other(|rows| rows.labels[0] = 2));
        assert_eq!(base, other(|_| ()));
    }

    #[test]
    fn long_sequences_are_hashed_whole() {
        let tokens: Vec<u32> = (0..10_000).collect();
        let expected = {
            let mut bytes = vec![1];
            bytes.extend(10_000u32.to_le_bytes());
            bytes.extend(10_000u64.to_le_bytes());
            bytes.extend(tokens.iter().flat_map(|token| token.to_le_bytes()));
            Hash(Sha256::digest(bytes).into())
        };
        assert_eq!(Prepared::Tokens(Tokens { tokens, vocabulary: 10_000 }).root(), expected);
    }

    #[test]
    fn what_does_not_fit_a_model_is_said() {
        let rows = Rows { shape: vec![2], features: vec![0.0; 4], labels: vec![0, 3] };
        assert!(rows.fit(2, 4).is_ok());
        assert!(rows.fit(3, 4).unwrap_err().to_string().contains("takes 3"));
        assert!(rows.fit(2, 3).unwrap_err().to_string().contains("row 2: the class is 3"));
        let tokens = Tokens { tokens: vec![0, 1, 2, 1, 0], vocabulary: 3 };
        assert_eq!((tokens.samples(2), tokens.samples(3), tokens.samples(5)), (2, 1, 0));
        assert!(tokens.fit(3, 4).is_ok());
        assert!(tokens.fit(2, 4).unwrap_err().to_string().contains("vocabulary of 3"));
        assert!(tokens.fit(3, 5).unwrap_err().to_string().contains("takes 6"));
    }
}
