//! Windows over images: where the elements of [`crate::Op::Patches`] come from.

use parity_scale_codec::{Decode, Encode};

use crate::shape::Shape;

/// How a window moves over the last two dimensions of `[n, c, h, w]`; each pair is
/// (vertical, horizontal).
///
/// The window stands at `oh * ow` places, with `oh = (h + 2 padding - kernel) / stride + 1`,
/// rounded down, and `ow` alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub struct Window {
    /// The window's size; at least 1.
    pub kernel: [u32; 2],
    /// How far it moves at a time; at least 1.
    pub stride: [u32; 2],
    /// Zeros around the image on each of the four sides.
    pub padding: [u32; 2],
}

/// A window over images of known size.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Places {
    window: Window,
    images: Shape,
    /// How many places the window has, vertically and horizontally.
    count: [u64; 2],
}

impl Window {
    /// How many places the window has over images `[n, c, h, w]`, vertically and
    /// horizontally; `None` if it does not fit.
    #[must_use]
    pub fn count(self, images: &Shape) -> Option<[u64; 2]> {
        self.places(images).map(|places| places.count)
    }

    /// The window's places over `images` `[n, c, h, w]`, `None` if it does not fit.
    pub(crate) fn places(self, images: &Shape) -> Option<Places> {
        let mut count = [0; 2];
        for (axis, count) in count.iter_mut().enumerate() {
            let [kernel, stride, padding] = [self.kernel, self.stride, self.padding].map(|pair| u64::from(pair[axis]));
            let room = u64::from(images.from_right(1 - axis)) + 2 * padding;
            if kernel == 0 || stride == 0 || room < kernel {
                return None;
            }
            *count = (room - kernel) / stride + 1;
        }
        (images.rank() == 4).then_some(Places { window: self, images: *images, count })
    }
}

impl Places {
    /// Rows and columns of the patches: `n * oh * ow` and `c * kh * kw`.
    pub fn patches(&self) -> [u128; 2] {
        let size = |axis| u128::from(self.images.from_right(axis));
        let [down, right] = self.window.kernel.map(u128::from);
        [size(3) * u128::from(self.count[0]) * u128::from(self.count[1]), size(2) * down * right]
    }

    /// Where element `index` of the patches comes from: a flat index of the images, or
    /// `None` in the padding.
    pub fn source(&self, index: u64) -> Option<u64> {
        let [channels, height, width] = [2, 1, 0].map(|axis| u64::from(self.images.from_right(axis)));
        let [down, right] = self.window.kernel.map(u64::from);
        let (row, column) = (index / (channels * down * right), index % (channels * down * right));
        let (image, place) = (row / (self.count[0] * self.count[1]), row % (self.count[0] * self.count[1]));
        let (channel, offset) = (column / (down * right), column % (down * right));
        let y = self.coordinate(0, place / self.count[1], offset / right)?;
        let x = self.coordinate(1, place % self.count[1], offset % right)?;
        Some(((image * channels + channel) * height + y) * width + x)
    }

    fn coordinate(&self, axis: usize, place: u64, offset: u64) -> Option<u64> {
        let [stride, padding] = [self.window.stride, self.window.padding].map(|pair| u64::from(pair[axis]));
        let size = u64::from(self.images.from_right(1 - axis));
        (place * stride + offset).checked_sub(padding).filter(|&at| at < size)
    }

    /// The flat indices of the patches' elements that come from element `index` of the
    /// images, ascending by the offset in the window.
    pub fn readers(&self, index: u64) -> impl Iterator<Item = u64> + Clone + use<> {
        let places = *self;
        let [channels, height, width] = [2, 1, 0].map(|axis| u64::from(self.images.from_right(axis)));
        let [down, right] = self.window.kernel.map(u64::from);
        let (x, y) = (index % width, index / width % height);
        let (channel, image) = (index / (width * height) % channels, index / (width * height * channels));
        (0..down * right).filter_map(move |offset| {
            let row = places.place(0, y, offset / right)?;
            let column = places.place(1, x, offset % right)?;
            let patch = (image * places.count[0] + row) * places.count[1] + column;
            Some((patch * channels + channel) * (down * right) + offset)
        })
    }

    /// The place at which the window has coordinate `at` at `offset`.
    fn place(&self, axis: usize, at: u64, offset: u64) -> Option<u64> {
        let [stride, padding] = [self.window.stride, self.window.padding].map(|pair| u64::from(pair[axis]));
        let moved = (at + padding).checked_sub(offset)?;
        (moved.is_multiple_of(stride) && moved / stride < self.count[axis]).then_some(moved / stride)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{vec, vec::Vec};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn readers_are_those_that_read(
            dims in (0u32..3, 1u32..3, 1u32..6, 1u32..6),
            kernel in (1u32..4, 1u32..4),
            stride in (1u32..4, 1u32..4),
            padding in (0u32..3, 0u32..3),
        ) {
            let images = Shape::new(&[dims.0, dims.1, dims.2, dims.3]).unwrap();
            let window = Window {
                kernel: [kernel.0, kernel.1],
                stride: [stride.0, stride.1],
                padding: [padding.0, padding.1],
            };
            let Some(places) = window.places(&images) else {
                prop_assert!(dims.2 + 2 * padding.0 < kernel.0 || dims.3 + 2 * padding.1 < kernel.1);
                return Ok(());
            };
            let [rows, columns] = places.patches();
            let mut readers = vec![Vec::new(); images.elements() as usize];
            for index in 0..(rows * columns) as u64 {
                if let Some(source) = places.source(index) {
                    readers[source as usize].push(index);
                }
            }
            for (index, want) in readers.into_iter().enumerate() {
                let mut got: Vec<u64> = places.readers(index as u64).collect();
                got.sort_unstable();
                prop_assert_eq!(got, want);
            }
        }
    }

    #[test]
    fn what_does_not_fit() {
        let images = Shape::new(&[1, 1, 3, 3]).unwrap();
        let window = Window { kernel: [2, 2], stride: [1, 1], padding: [0, 0] };
        assert_eq!(window.places(&images).unwrap().patches(), [4, 4]);
        assert!(Window { kernel: [4, 1], ..window }.places(&images).is_none());
        assert!(Window { kernel: [4, 1], padding: [1, 0], ..window }.places(&images).is_some());
        assert!(Window { kernel: [0, 1], ..window }.places(&images).is_none());
        assert!(Window { stride: [1, 0], ..window }.places(&images).is_none());
        assert!(window.places(&Shape::new(&[1, 3, 3]).unwrap()).is_none());
    }
}
