//! Shapes: row-major, rank 0 (one element) to 4.

use parity_scale_codec::{Compact, Decode, Encode, Error, Input, Output};

/// The greatest rank.
pub const MAX_RANK: usize = 4;

/// The dimensions of a row-major tensor. Rank 0 is a single element.
///
/// SCALE encoding: as `Vec<u32>`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    rank: u8,
    dims: [u32; MAX_RANK],
}

impl Shape {
    /// A single element.
    pub const SCALAR: Shape = Shape { rank: 0, dims: [0; MAX_RANK] };

    /// The shape with these dimensions; `None` above [`MAX_RANK`].
    #[must_use]
    pub fn new(dims: &[u32]) -> Option<Shape> {
        let mut shape = Shape { rank: u8::try_from(dims.len()).ok()?, dims: [0; MAX_RANK] };
        shape.dims.get_mut(..dims.len())?.copy_from_slice(dims);
        Some(shape)
    }

    /// The dimensions, outermost first.
    #[must_use]
    pub fn dims(&self) -> &[u32] {
        &self.dims[..self.rank()]
    }

    /// The number of dimensions.
    #[must_use]
    pub fn rank(&self) -> usize {
        usize::from(self.rank)
    }

    /// The number of elements (1 for rank 0); at most 2^128 needs no check here,
    /// a program's limit is far below.
    #[must_use]
    pub fn elements_wide(&self) -> u128 {
        self.dims().iter().map(|&d| u128::from(d)).product()
    }

    /// The number of elements, saturating at `u64::MAX`.
    #[must_use]
    pub fn elements(&self) -> u64 {
        u64::try_from(self.elements_wide()).unwrap_or(u64::MAX)
    }

    /// Dimension `axis` counted from the right (0 is the innermost); 1 beyond the rank.
    #[must_use]
    pub fn from_right(&self, axis: usize) -> u32 {
        if axis < self.rank() { self.dims[self.rank() - 1 - axis] } else { 1 }
    }

    /// Whether a tensor of this shape may be read as one of shape `target`: aligned
    /// at the right, each dimension is equal or 1.
    #[must_use]
    pub fn broadcasts_to(&self, target: &Shape) -> bool {
        self.rank() <= target.rank()
            && (0..self.rank()).all(|axis| {
                let own = self.from_right(axis);
                own == 1 || own == target.from_right(axis)
            })
    }

    /// The flat index in a tensor of this shape that broadcasting puts at flat
    /// index `index` of `target`.
    #[must_use]
    pub fn broadcast_index(&self, target: &Shape, mut index: u64) -> u64 {
        let (mut flat, mut stride) = (0, 1);
        for axis in 0..target.rank() {
            let size = u64::from(target.from_right(axis));
            let coordinate = index % size;
            index /= size;
            let own = u64::from(self.from_right(axis));
            if own != 1 {
                flat += coordinate * stride;
            }
            stride *= own;
        }
        flat
    }

    /// This shape with every axis in `axes` (bit `i` is dimension `i`, outermost
    /// first) of size 1; `None` if `axes` names a dimension that is not there.
    #[must_use]
    pub fn reduced(&self, axes: u8) -> Option<Shape> {
        if u32::from(axes) >> self.rank != 0 {
            return None;
        }
        let mut shape = *self;
        for axis in 0..self.rank() {
            if axes >> axis & 1 == 1 {
                shape.dims[axis] = 1;
            }
        }
        Some(shape)
    }

    /// The flat index of the `r`-th element (row-major over the reduced axes) that
    /// reducing over `axes` folds into element `index` of the reduced shape.
    #[must_use]
    pub fn reduction_index(&self, axes: u8, mut index: u64, mut r: u64) -> u64 {
        let (mut flat, mut stride) = (0, 1);
        for axis in (0..self.rank()).rev() {
            let size = u64::from(self.dims[axis]);
            let source = if axes >> axis & 1 == 1 { &mut r } else { &mut index };
            flat += (*source % size) * stride;
            *source /= size;
            stride *= size;
        }
        flat
    }

    /// How many elements reducing over `axes` folds into one.
    #[must_use]
    pub fn reduction_count(&self, axes: u8) -> u64 {
        (0..self.rank()).filter(|axis| axes >> axis & 1 == 1).map(|axis| u64::from(self.dims[axis])).product()
    }
}

impl core::fmt::Debug for Shape {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.dims().fmt(f)
    }
}

impl core::fmt::Display for Shape {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Debug::fmt(self, f)
    }
}

impl Encode for Shape {
    fn size_hint(&self) -> usize {
        1 + 4 * self.rank()
    }

    fn encode_to<T: Output + ?Sized>(&self, dest: &mut T) {
        Compact(u32::from(self.rank)).encode_to(dest);
        for dim in self.dims() {
            dim.encode_to(dest);
        }
    }
}

impl Decode for Shape {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        let Compact(rank) = Compact::<u32>::decode(input)?;
        let rank =
            usize::try_from(rank).ok().filter(|&rank| rank <= MAX_RANK).ok_or("a shape has at most 4 dimensions")?;
        let mut dims = [0; MAX_RANK];
        for dim in &mut dims[..rank] {
            *dim = u32::decode(input)?;
        }
        Ok(Shape { rank: rank as u8, dims })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{vec, vec::Vec};

    #[test]
    fn broadcasts() {
        let target = Shape::new(&[2, 3]).unwrap();
        let row = Shape::new(&[3]).unwrap();
        let column = Shape::new(&[2, 1]).unwrap();
        assert!(row.broadcasts_to(&target) && column.broadcasts_to(&target));
        assert!(!Shape::new(&[2]).unwrap().broadcasts_to(&target));
        assert!(!target.broadcasts_to(&row));
        let rows: Vec<u64> = (0..6).map(|i| row.broadcast_index(&target, i)).collect();
        let columns: Vec<u64> = (0..6).map(|i| column.broadcast_index(&target, i)).collect();
        assert_eq!(rows, [0, 1, 2, 0, 1, 2]);
        assert_eq!(columns, [0, 0, 0, 1, 1, 1]);
        assert_eq!(Shape::SCALAR.broadcast_index(&target, 5), 0);
    }

    #[test]
    fn reductions() {
        let shape = Shape::new(&[2, 3, 4]).unwrap();
        assert_eq!(shape.reduced(0b101).unwrap().dims(), [1, 3, 1]);
        assert_eq!(shape.reduced(0b1000), None);
        assert_eq!(shape.reduction_count(0b101), 8);
        let folded: Vec<u64> = (0..8).map(|r| shape.reduction_index(0b101, 1, r)).collect();
        assert_eq!(folded, [4, 5, 6, 7, 16, 17, 18, 19]);
    }

    #[test]
    fn encodes_as_a_vector() {
        let shape = Shape::new(&[7, 9]).unwrap();
        assert_eq!(shape.encode(), vec![7u32, 9].encode());
        assert_eq!(Shape::decode(&mut &shape.encode()[..]).unwrap(), shape);
        assert!(Shape::decode(&mut &vec![1u32; 5].encode()[..]).is_err());
    }
}
