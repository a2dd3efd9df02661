//! Windows over images: patches, and their exact sums back into images.

use std::cell::RefCell;
use std::ops::Range;

use assay_exact::{Shape, Window};

use super::instructions::for_level;
use super::reduce::{WIDTH, all_finite, sum_rows};
use super::split::Split;
use crate::session::View;

thread_local! {
    /// What the patches have for one row of an image, in a row for each place in the window.
    static ADDENDS: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// The sizes of images `[n, c, h, w]` and of a window's places over them.
#[derive(Clone, Copy)]
struct Sizes {
    channels: usize,
    image: [usize; 2],
    places: [usize; 2],
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
}

impl Sizes {
    fn new(window: Window, images: &Shape) -> Sizes {
        let places = window.count(images).expect("the op was checked against the shapes");
        let both = |pair: [u32; 2]| pair.map(|size| size as usize);
        Sizes {
            channels: images.from_right(2) as usize,
            image: both([images.from_right(1), images.from_right(0)]),
            places: places.map(|count| count as usize),
            kernel: both(window.kernel),
            stride: both(window.stride),
            padding: both(window.padding),
        }
    }

    /// Elements of a patch.
    fn patch(&self) -> usize {
        self.channels * self.kernel[0] * self.kernel[1]
    }

    /// The offsets in the window at which place `place` has coordinates in the image.
    fn inside(&self, axis: usize, place: usize) -> Range<usize> {
        let before = place * self.stride[axis];
        let end = (self.image[axis] + self.padding[axis]).saturating_sub(before).min(self.kernel[axis]);
        self.padding[axis].saturating_sub(before).min(end)..end
    }

    /// The place that sees coordinate `at` at `offset`.
    fn place(&self, axis: usize, at: usize, offset: usize) -> Option<usize> {
        let moved = (at + self.padding[axis]).checked_sub(offset)?;
        let place = moved / self.stride[axis];
        (moved.is_multiple_of(self.stride[axis]) && place < self.places[axis]).then_some(place)
    }
}

pub(super) fn patches(images: View<'_>, window: Window, out: &mut [f32], split: Split) -> bool {
    if out.is_empty() {
        return true;
    }
    let sizes = Sizes::new(window, &images.shape);
    let ([height, width], [down, right]) = (sizes.image, sizes.kernel);
    let (patch, places) = (sizes.patch(), sizes.places[0] * sizes.places[1]);
    split.fill(out, patch, 2 * patch, |start, out| {
        for (row, out) in out.chunks_exact_mut(patch).enumerate() {
            let (image, place) = ((start / patch + row) / places, (start / patch + row) % places);
            let place = [place / sizes.places[1], place % sizes.places[1]];
            let (ys, xs) = (sizes.inside(0, place[0]), sizes.inside(1, place[1]));
            for (line, out) in out.chunks_exact_mut(right).enumerate() {
                let (channel, ky) = (line / down, line % down);
                if !ys.contains(&ky) || xs.is_empty() {
                    out.fill(0.0);
                    continue;
                }
                let y = place[0] * sizes.stride[0] + ky - sizes.padding[0];
                let x = place[1] * sizes.stride[1] + xs.start - sizes.padding[1];
                let from = ((image * sizes.channels + channel) * height + y) * width + x;
                out[..xs.start].fill(0.0);
                out[xs.clone()].copy_from_slice(&images.data[from..][..xs.len()]);
                out[xs.end..].fill(0.0);
            }
        }
        true
    })
}

pub(super) fn fold(patches: View<'_>, window: Window, output: &Shape, out: &mut [f32], split: Split) -> bool {
    if out.is_empty() {
        return true;
    }
    let sizes = Sizes::new(window, output);
    let width = sizes.image[1];
    // An element is in about as many patches as fit into the window.
    let cost = 4 * width * (1 + sizes.kernel[0] * sizes.kernel[1] / (sizes.stride[0] * sizes.stride[1]));
    split.fill(out, width, cost, |start, out| fold_rows(split.level, patches.data, &sizes, start / width, out))
}

for_level! {
    /// Rows of images from number `first` on.
    fn fold_rows(level; patches: &[f32], sizes: &Sizes, first: usize, out: &mut [f32]) -> bool {
        let ([height, width], [down, right]) = (sizes.image, sizes.kernel);
        let patch = sizes.patch();
        let mut addends = ADDENDS.take();
        for (row, out) in out.chunks_exact_mut(width).enumerate() {
            let (plane, y) = ((first + row) / height, (first + row) % height);
            let (image, channel) = (plane / sizes.channels, plane % sizes.channels);
            addends.clear();
            for ky in 0..down {
                let Some(py) = sizes.place(0, y, ky) else { continue };
                for kx in 0..right {
                    let from = addends.len();
                    // Zeros where no patch reaches: they change no sum.
                    addends.resize(from + width, 0.0);
                    let places = (image * sizes.places[0] + py) * sizes.places[1];
                    let offset = (channel * down + ky) * right + kx;
                    for px in 0..sizes.places[1] {
                        let x = (px * sizes.stride[1] + kx).wrapping_sub(sizes.padding[1]);
                        if x < width {
                            addends[from + x] = patches[(places + px) * patch + offset];
                        }
                    }
                }
            }
            for (part, out) in out.chunks_mut(WIDTH).enumerate() {
                let (from, count) = (part * WIDTH, out.len());
                sum_rows(addends.chunks_exact(width).map(|row| &row[from..from + count]), out);
            }
        }
        ADDENDS.set(addends);
        all_finite(out)
    }
}
