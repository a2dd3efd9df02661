//! Tables in Apache Parquet.

use crate::prepared::{MOST_CLASSES, scaled, within};
use crate::{DataError, Parquet, Rows};
use ::parquet::file::reader::{ChunkReader, FileReader, Length, SerializedFileReader};
use ::parquet::record::Field;
use ::parquet::schema::types::Type;
use std::sync::Arc;

/// Reads the named columns of a table.
pub(crate) fn read(table: &Parquet, content: &[u8], limit: u64) -> Result<Rows, DataError> {
    let failed = |problem: String| DataError::file(&table.file, problem);
    let broken = |error: ::parquet::errors::ParquetError| failed(error.to_string());
    let reader = SerializedFileReader::new(Content(Arc::from(content))).map_err(broken)?;
    let metadata = reader.metadata().file_metadata();
    let count = u64::try_from(metadata.num_rows()).map_err(|_| failed("it has less than no rows".into()))?;
    if count == 0 {
        return Err(failed("it has no rows".into()));
    }
    within(&table.file, count, table.features.len() as u64 + 1, limit)?;

    let wanted: Vec<&String> = table.features.iter().chain([&table.label]).collect();
    let (projection, places) = projection(table, metadata.schema(), &wanted)?;
    let (label, features) = places.split_last().expect("there is a label at least");
    let mut rows = Rows { shape: vec![features.len() as u32], features: Vec::new(), labels: Vec::new() };
    let mut row = 0u64;
    for record in reader.get_row_iter(Some(projection)).map_err(broken)? {
        let record = record.map_err(broken)?;
        row += 1;
        if row > count {
            return Err(failed(format!("it has more rows than the {count} that its metadata says")));
        }
        let fields: Vec<&Field> = record.get_column_iter().map(|(_, field)| field).collect();
        let wrong = |place: usize, name: &str, needs: &str| DataError::Value {
            file: table.file.clone(),
            row,
            column: name.to_owned(),
            value: fields.get(place).map_or_else(String::new, |field| field.to_string().chars().take(40).collect()),
            needs: needs.to_owned(),
        };
        for (&place, name) in features.iter().zip(&table.features) {
            let value =
                fields.get(place).and_then(|field| number(field)).ok_or_else(|| wrong(place, name, "a number"))?;
            let value = scaled(value, table.offset.get(), table.divisor.get());
            if !value.is_finite() {
                return Err(wrong(place, name, "a finite number"));
            }
            rows.features.push(value);
        }
        let class = fields.get(*label).and_then(|field| class(field));
        rows.labels.push(class.ok_or_else(|| wrong(*label, &table.label, "a class, an integer from 0"))?);
    }
    if row != count {
        return Err(failed(format!("it ends after {row} rows, and its metadata says {count}")));
    }
    Ok(rows)
}

/// The schema of the wanted columns alone, and where each of them is among a record's fields.
fn projection(table: &Parquet, schema: &Type, wanted: &[&String]) -> Result<(Type, Vec<usize>), DataError> {
    let failed = |problem: String| DataError::file(&table.file, problem);
    let mut places = vec![usize::MAX; wanted.len()];
    let mut kept = Vec::new();
    for field in schema.get_fields() {
        let found = wanted.iter().position(|name| name.as_str() == field.name());
        let Some(found) = found else { continue };
        if places[found] != usize::MAX {
            return Err(failed(format!("more than one column is called {:?}", field.name())));
        }
        if !field.is_primitive() {
            return Err(failed(format!("column {:?} is nested; only plain columns are read", field.name())));
        }
        places[found] = kept.len();
        kept.push(field.clone());
    }
    if let Some(missing) = places.iter().position(|&place| place == usize::MAX) {
        let known: Vec<&str> = schema.get_fields().iter().take(20).map(|field| field.name()).collect();
        return Err(failed(format!("no column {:?}; it has {}", wanted[missing], known.join(", "))));
    }
    let projection = Type::group_type_builder(schema.name()).with_fields(kept).build();
    Ok((projection.map_err(|error| failed(error.to_string()))?, places))
}

/// A number, rounded to binary32 once.
fn number(field: &Field) -> Option<f32> {
    Some(match *field {
        Field::Float(value) => value,
        Field::Double(value) => value as f32,
        Field::Byte(value) => f32::from(value),
        Field::Short(value) => f32::from(value),
        Field::Int(value) => value as f32,
        Field::Long(value) => value as f32,
        Field::UByte(value) => f32::from(value),
        Field::UShort(value) => f32::from(value),
        Field::UInt(value) => value as f32,
        Field::ULong(value) => value as f32,
        _ => return None,
    })
}

fn class(field: &Field) -> Option<u32> {
    let class = match *field {
        Field::Byte(value) => i64::from(value),
        Field::Short(value) => i64::from(value),
        Field::Int(value) => i64::from(value),
        Field::Long(value) => value,
        Field::UByte(value) => i64::from(value),
        Field::UShort(value) => i64::from(value),
        Field::UInt(value) => i64::from(value),
        Field::ULong(value) => i64::try_from(value).ok()?,
        _ => return None,
    };
    u32::try_from(class).ok().filter(|&class| class < MOST_CLASSES)
}

/// A file's bytes, as the reader wants them.
struct Content(Arc<[u8]>);

impl Length for Content {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }
}

impl ChunkReader for Content {
    type T = std::io::Cursor<Arc<[u8]>>;

    fn get_read(&self, start: u64) -> ::parquet::errors::Result<Self::T> {
        let mut cursor = std::io::Cursor::new(self.0.clone());
        cursor.set_position(start);
        Ok(cursor)
    }

    fn get_bytes(&self, start: u64, length: usize) -> ::parquet::errors::Result<bytes::Bytes> {
        let end = start.checked_add(length as u64).filter(|&end| end <= self.len());
        let end =
            end.ok_or_else(|| ::parquet::errors::ParquetError::EOF("a column goes beyond the file's end".into()))?;
        Ok(bytes::Bytes::copy_from_slice(&self.0[start as usize..end as usize]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::parquet::basic::Compression;
    use ::parquet::column::writer::ColumnWriter;
    use ::parquet::file::properties::WriterProperties;
    use ::parquet::file::writer::SerializedFileWriter;
    use ::parquet::schema::parser::parse_message_type;
    use assay_engine::F32;

    fn table(features: &[&str], label: &str) -> Parquet {
        Parquet {
            file: "t.parquet".into(),
            features: features.iter().map(|&name| name.to_owned()).collect(),
            label: label.into(),
            offset: F32::from(0.0),
            divisor: F32::from(2.0),
        }
    }

    /// Columns a (double), y (int32), b (optional float) and s (text).
    fn file(a: &[f64], y: &[i32], b: &[Option<f32>], compression: Compression) -> Vec<u8> {
        let schema =
            "message m { REQUIRED DOUBLE a; REQUIRED INT32 y; OPTIONAL FLOAT b; REQUIRED BYTE_ARRAY s (UTF8); }";
        let properties = WriterProperties::builder().set_compression(compression).build();
        let mut bytes = Vec::new();
        let schema = Arc::new(parse_message_type(schema).unwrap());
        let mut writer = SerializedFileWriter::new(&mut bytes, schema, Arc::new(properties)).unwrap();
        let mut group = writer.next_row_group().unwrap();
        while let Some(mut column) = group.next_column().unwrap() {
            match column.untyped() {
                ColumnWriter::DoubleColumnWriter(column) => column.write_batch(a, None, None).unwrap(),
                ColumnWriter::Int32ColumnWriter(column) => column.write_batch(y, None, None).unwrap(),
                ColumnWriter::FloatColumnWriter(column) => {
                    let levels: Vec<i16> = b.iter().map(|value| i16::from(value.is_some())).collect();
                    let values: Vec<f32> = b.iter().flatten().copied().collect();
                    column.write_batch(&values, Some(&levels), None).unwrap()
                }
                ColumnWriter::ByteArrayColumnWriter(column) => {
                    column.write_batch(&vec!["text".into(); a.len()], None, None).unwrap()
                }
                _ => unreachable!("no such column"),
            };
            column.close().unwrap();
        }
        group.close().unwrap();
        writer.close().unwrap();
        bytes
    }

    #[test]
    fn named_columns_are_read_in_the_named_order() {
        for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::ZSTD(Default::default())] {
            let bytes = file(&[1.0, 0.1], &[3, 0], &[Some(4.0), Some(6.0)], compression);
            let rows = read(&table(&["b", "a"], "y"), &bytes, 1 << 20).unwrap();
            assert_eq!(rows, Rows { shape: vec![2], features: vec![2.0, 0.5, 3.0, 0.1f32 / 2.0], labels: vec![3, 0] });
        }
    }

    #[test]
    fn every_fault_names_its_place() {
        let good = file(&[1.0, 2.0], &[0, -1], &[Some(1.0), None], Compression::UNCOMPRESSED);
        let refused = |table: &Parquet, bytes: &[u8]| read(table, bytes, 1 << 10).unwrap_err().to_string();
        assert_eq!(
            refused(&table(&["a"], "y"), &good),
            "t.parquet: row 2, column y: \"-1\" is not a class, an integer from 0"
        );
        assert!(refused(&table(&["b"], "y"), &good).contains("row 2, column b: \"null\" is not a number"));
        assert!(refused(&table(&["s"], "y"), &good).contains("row 1, column s"));
        assert!(refused(&table(&["q"], "y"), &good).contains("no column \"q\"; it has a, y, b, s"));
        let infinite = file(&[1e300], &[0], &[None], Compression::UNCOMPRESSED);
        assert!(refused(&table(&["a"], "y"), &infinite).contains("finite"));
        assert!(refused(&table(&["a"], "y"), &file(&[], &[], &[], Compression::UNCOMPRESSED)).contains("no rows"));
        let long = file(&[1.0; 200], &[0; 200], &[None; 200], Compression::UNCOMPRESSED);
        assert!(refused(&table(&["a"], "y"), &long).contains("1600 bytes of memory"));
        for end in [0, 3, good.len() / 2, good.len() - 1] {
            assert!(refused(&table(&["a"], "y"), &good[..end]).starts_with("t.parquet: "));
        }
    }
}
