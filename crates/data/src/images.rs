//! IDX files, the format of MNIST: two zero bytes, the element type, the number of
//! axes, the axes' lengths as big-endian u32, the elements.

use crate::prepared::{scaled, within};
use crate::{DataError, Images, Rows};
use std::borrow::Cow;
use std::io::Read;

/// IDX's code of unsigned bytes.
const BYTES: u8 = 8;

struct Idx<'a> {
    shape: Vec<u32>,
    elements: Cow<'a, [u8]>,
}

/// Content that may be compressed by gzip, of at most `limit` bytes when it is not.
pub(crate) fn unpack<'a>(file: &str, content: &'a [u8], limit: u64) -> Result<Cow<'a, [u8]>, DataError> {
    if !content.starts_with(&[0x1f, 0x8b]) {
        return Ok(Cow::Borrowed(content));
    }
    let mut plain = Vec::new();
    let mut reader = flate2::read::MultiGzDecoder::new(content).take(limit.saturating_add(1));
    reader.read_to_end(&mut plain).map_err(|error| DataError::file(file, format!("not a whole gzip file: {error}")))?;
    if plain.len() as u64 > limit {
        return Err(DataError::file(file, format!("it is more than {limit} bytes when unpacked")));
    }
    Ok(Cow::Owned(plain))
}

fn idx<'a>(file: &str, content: &'a [u8], limit: u64) -> Result<Idx<'a>, DataError> {
    let failed = |problem: String| DataError::file(file, problem);
    let content = unpack(file, content, limit.saturating_add(64))?;
    let &[0, 0, kind, axes] = content.get(..4).unwrap_or(&[]) else {
        return Err(failed("not an IDX file: it must begin with two zero bytes, its type and its axes".into()));
    };
    if kind != BYTES {
        return Err(failed(format!("its elements have type {kind:#04x}; only bytes (0x08) are read")));
    }
    let header = 4 + 4 * usize::from(axes);
    let lengths = content.get(4..header).ok_or_else(|| failed("it ends within its header".into()))?;
    let shape: Vec<u32> =
        lengths.chunks_exact(4).map(|four| u32::from_be_bytes(four.try_into().expect("four"))).collect();
    let size = shape.iter().try_fold(1u64, |size, &length| size.checked_mul(u64::from(length)));
    let there = (content.len() - header) as u64;
    if size != Some(there) {
        let size = size.map_or_else(|| "more than 2^64".to_owned(), |size| size.to_string());
        return Err(failed(format!("its header says {size} elements, and it has {there}")));
    }
    let elements = match content {
        Cow::Borrowed(bytes) => Cow::Borrowed(&bytes[header..]),
        Cow::Owned(mut bytes) => Cow::Owned(bytes.split_off(header)),
    };
    Ok(Idx { shape, elements })
}

/// Reads images and their classes.
pub(crate) fn read(pair: &Images, images: &[u8], labels: &[u8], limit: u64) -> Result<Rows, DataError> {
    let (images, labels) = (idx(&pair.images, images, limit)?, idx(&pair.labels, labels, limit)?);
    let shape = match images.shape[..] {
        [_, height, width] => vec![1, height, width],
        [_, channels, height, width] => vec![channels, height, width],
        _ => {
            let problem = format!("it has {} axes; images have 3, or 4 with channels", images.shape.len());
            return Err(DataError::file(&pair.images, problem));
        }
    };
    let [count] = labels.shape[..] else {
        return Err(DataError::file(&pair.labels, format!("it has {} axes; classes have 1", labels.shape.len())));
    };
    if count != images.shape[0] {
        return Err(DataError::file(&pair.labels, format!("{count} classes for {} images", images.shape[0])));
    }
    if images.elements.is_empty() {
        return Err(DataError::file(&pair.images, "it has no pixels"));
    }
    within(&pair.images, images.elements.len() as u64 + u64::from(count), 1, limit)?;
    let scale = |pixel: u8| scaled(f32::from(pixel), pair.offset.get(), pair.divisor.get());
    let table: Vec<f32> = (0..=255).map(scale).collect();
    if table.iter().any(|value| !value.is_finite()) {
        return Err(DataError::Preparation {
            field: "divisor",
            problem: "makes numbers of pixels that are not finite; use a greater one".into(),
        });
    }
    Ok(Rows {
        shape,
        features: images.elements.iter().map(|&pixel| table[usize::from(pixel)]).collect(),
        labels: labels.elements.iter().map(|&class| u32::from(class)).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_engine::F32;
    use std::io::Write;

    fn file(shape: &[u32], elements: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, BYTES, shape.len() as u8];
        bytes.extend(shape.iter().flat_map(|length| length.to_be_bytes()));
        bytes.extend(elements);
        bytes
    }

    fn pair() -> Images {
        Images { images: "i".into(), labels: "l".into(), offset: F32::from(0.0), divisor: F32::from(255.0) }
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn images_are_read_plain_and_packed() {
        let (images, labels) = (file(&[2, 1, 3], &[0, 51, 255, 255, 0, 102]), file(&[2], &[7, 1]));
        let rows = read(&pair(), &images, &labels, 1 << 20).unwrap();
        assert_eq!(rows.shape, [1, 1, 3]);
        assert_eq!(rows.features, [0.0, 51.0 / 255.0, 1.0, 1.0, 0.0, 102.0 / 255.0]);
        assert_eq!(rows.labels, [7, 1]);
        assert_eq!(read(&pair(), &gzip(&images), &gzip(&labels), 1 << 20).unwrap(), rows);
        let colour = read(&pair(), &file(&[1, 3, 1, 2], &[9; 6]), &file(&[1], &[0]), 1 << 20).unwrap();
        assert_eq!(colour.shape, [3, 1, 2]);
    }

    #[test]
    fn what_is_no_image_file_is_refused() {
        let labels = file(&[2], &[0, 1]);
        let refused = |images: &[u8], labels: &[u8]| read(&pair(), images, labels, 1 << 10).unwrap_err().to_string();
        let good = file(&[2, 1, 1], &[0, 0]);
        assert!(refused(b"\x89PNG", &labels).contains("not an IDX file"));
        assert!(refused(b"", &labels).contains("not an IDX file"));
        assert!(refused(&good[..9], &labels).contains("header"));
        assert!(refused(&good[..good.len() - 1], &labels).contains("says 2 elements, and it has 1"));
        assert!(refused(&[&good[..], &[1]].concat(), &labels).contains("it has 3"));
        assert!(refused(&[0, 0, 0x0d, 1, 0, 0, 0, 0], &labels).contains("0x0d"));
        assert!(refused(&labels, &labels).contains("axes"));
        assert!(refused(&good, &good).contains("classes have 1"));
        assert!(refused(&good, &file(&[3], &[0, 1, 2])).contains("3 classes for 2 images"));
        assert!(refused(&file(&[u32::MAX; 4], &[]), &labels).contains("more than 2^64"));
        assert!(refused(&file(&[0, 1, 1], &[]), &file(&[0], &[])).contains("no pixels"));
        let packed = gzip(&good);
        assert!(refused(&packed[..packed.len() - 9], &labels).contains("gzip"));
        assert!(refused(&gzip(&file(&[2, 1000, 1000], &vec![0; 2_000_000])), &labels).contains("unpacked"));
        assert!(refused(&file(&[2, 20, 20], &[0; 800]), &labels).contains("bytes of memory"));
        let tiny = Images { divisor: F32::from(1e-45), ..pair() };
        assert!(read(&tiny, &good, &labels, 1 << 10).unwrap_err().to_string().contains("divisor"));
    }
}
