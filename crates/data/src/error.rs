//! What can be wrong with data.

/// Why files could not be made into samples. The text says which file, row and column.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DataError {
    /// A file that the preparation names is not among those given.
    #[error("{file} is missing")]
    Missing {
        /// Its path in the dataset.
        file: String,
    },
    /// A file is not what the preparation says it is.
    #[error("{file}: {problem}")]
    File {
        /// Its path in the dataset.
        file: String,
        /// What is wrong with it, and where.
        problem: String,
    },
    /// A value of a table. Rows count from 1, without the header; so do columns.
    #[error("{file}: row {row}, column {column}: {value:?} is not {needs}")]
    Value {
        /// The file's path in the dataset.
        file: String,
        /// Row, from 1.
        row: u64,
        /// The column's name, or its number from 1.
        column: String,
        /// The beginning of what is there.
        value: String,
        /// What should be there.
        needs: String,
    },
    /// The samples would need more memory than is allowed.
    #[error("{file}: its samples need {needs} bytes of memory, and {limit} are allowed; use a smaller file")]
    TooLarge {
        /// The file's path in the dataset.
        file: String,
        /// Bytes that the samples need, at least.
        needs: u64,
        /// Bytes that are allowed.
        limit: u64,
    },
    /// A preparation that makes no sense by itself.
    #[error("data.{field}: {problem}")]
    Preparation {
        /// The field of the job's description.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// Samples that the model cannot take.
    #[error("{0}")]
    Misfit(String),
}

impl DataError {
    pub(crate) fn file(file: &str, problem: impl std::fmt::Display) -> Self {
        Self::File { file: file.to_owned(), problem: problem.to_string() }
    }
}
