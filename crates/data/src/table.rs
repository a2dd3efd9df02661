//! Comma-separated numbers.

use crate::images::unpack;
use crate::prepared::{MOST_CLASSES, scaled, within};
use crate::{Csv, DataError, Label, Rows};

/// Reads a table of features and classes.
pub(crate) fn read(csv: &Csv, content: &[u8], limit: u64) -> Result<Rows, DataError> {
    let failed = |problem: String| DataError::file(&csv.file, problem);
    // A feature takes two bytes of text at least, and four of memory.
    let content = unpack(&csv.file, content, limit.saturating_mul(32))?;
    let mut reader = ::csv::ReaderBuilder::new()
        .has_headers(csv.header)
        .flexible(true)
        .trim(::csv::Trim::All)
        .from_reader(&*content);
    let names: Vec<String> = match csv.header {
        true => reader.headers().map_err(|error| failed(error.to_string()))?.iter().map(str::to_owned).collect(),
        false => Vec::new(),
    };
    let column_name = |column: usize| names.get(column).cloned().unwrap_or_else(|| (column + 1).to_string());
    let named = match &csv.label {
        Label::Named(name) => {
            let mut found = names.iter().enumerate().filter(|(_, column)| *column == name);
            match (found.next(), found.next()) {
                (Some((column, _)), None) => Some(column),
                (None, _) => return Err(failed(format!("no column {name:?}; it has {}", names.join(", ")))),
                _ => return Err(failed(format!("more than one column is called {name:?}"))),
            }
        }
        Label::First => Some(0),
        Label::Last => None,
    };

    let mut columns = names.len();
    let mut rows = Rows { shape: Vec::new(), features: Vec::new(), labels: Vec::new() };
    let mut record = ::csv::StringRecord::new();
    let mut row = 0u64;
    while reader.read_record(&mut record).map_err(|error| failed(error.to_string()))? {
        row += 1;
        if columns == 0 {
            columns = record.len();
        }
        if record.len() != columns || columns < 2 {
            return Err(failed(format!("row {row} has {} columns, expected {}", record.len(), columns.max(2))));
        }
        within(&csv.file, row, columns as u64, limit)?;
        let label = named.unwrap_or(columns - 1);
        for (column, field) in record.iter().enumerate() {
            let wrong = |needs: String| DataError::Value {
                file: csv.file.clone(),
                row,
                column: column_name(column),
                value: field.chars().take(40).collect(),
                needs,
            };
            if column == label {
                let class = field.parse().ok().filter(|&class: &u32| class < MOST_CLASSES);
                rows.labels.push(class.ok_or_else(|| wrong("a class, an integer from 0".into()))?);
            } else {
                let value: f32 = field.parse().map_err(|_| wrong("a number".into()))?;
                let value = scaled(value, csv.offset.get(), csv.divisor.get());
                if !value.is_finite() {
                    return Err(wrong("a finite number".into()));
                }
                rows.features.push(value);
            }
        }
    }
    if row == 0 {
        return Err(failed("it has no rows".into()));
    }
    rows.shape = vec![columns as u32 - 1];
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_engine::F32;
    use proptest::prelude::*;

    fn csv(header: bool, label: Label) -> Csv {
        Csv { file: "t.csv".into(), header, label, offset: F32::from(1.0), divisor: F32::from(2.0) }
    }

    #[test]
    fn columns_are_found_by_place_and_by_name() {
        let last = read(&csv(false, Label::Last), b"3,5,1\n1,1,0\n", 1 << 20).unwrap();
        assert_eq!(last, Rows { shape: vec![2], features: vec![1.0, 2.0, 0.0, 0.0], labels: vec![1, 0] });
        let first = read(&csv(false, Label::First), b"1,3,5\n0,1,1", 1 << 20).unwrap();
        assert_eq!(first, last);
        let named = read(&csv(true, Label::Named("y".into())), b"a,y,b\n3,1,5\n1, 0 ,1\n", 1 << 20).unwrap();
        assert_eq!(named, last);
    }

    #[test]
    fn every_fault_names_its_place() {
        let refused = |csv: &Csv, text: &str| read(csv, text.as_bytes(), 100).unwrap_err().to_string();
        let plain = csv(false, Label::Last);
        assert_eq!(refused(&plain, "1,2\n1,x,0\n"), "t.csv: row 2 has 3 columns, expected 2");
        assert_eq!(refused(&plain, "1,0\nx,0\n"), "t.csv: row 2, column 1: \"x\" is not a number");
        assert!(refused(&plain, "inf,0\n").contains("finite"));
        assert!(refused(&plain, "NaN,0\n").contains("finite"));
        assert!(refused(&plain, "1,-1\n").contains("class"));
        assert!(refused(&plain, "1,16777216\n").contains("class"));
        assert!(refused(&plain, "1\n").contains("1 columns"));
        assert!(refused(&plain, "").contains("no rows"));
        assert!(refused(&plain, &"1,0\n".repeat(13)).contains("104 bytes of memory"));
        let named = csv(true, Label::Named("y".into()));
        assert!(refused(&named, "a,b\n1,2\n").contains("a, b"));
        assert!(refused(&named, "y,y\n1,2\n").contains("more than one"));
        assert_eq!(refused(&named, "a,y\nq,2\n"), "t.csv: row 1, column a: \"q\" is not a number");
    }

    proptest! {
        #[test]
        fn numbers_are_read_back_to_the_bit(values in proptest::collection::vec(-1e30f32..1e30, 1..50)) {
            let text: String = values.iter().map(|value| format!("{value:?},3\n")).collect();
            let plain = Csv { offset: F32::from(0.0), divisor: F32::from(1.0), ..csv(false, Label::Last) };
            let rows = read(&plain, text.as_bytes(), 1 << 20).unwrap();
            prop_assert_eq!(rows.features, values);
        }
    }
}
