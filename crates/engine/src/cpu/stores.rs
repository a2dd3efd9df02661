//! Writing past the caches.
//!
//! What is larger than the caches is out of them again before it is read. Written in the ordinary way, each
//! of its lines is first read from memory, which takes as long as writing it.
#![allow(unsafe_code)]

/// Bytes of an output from which on it is written past the caches.
pub(super) const FROM: usize = 8 << 20;

/// Copies `from` to `to`, past the caches where `to` begins at a multiple of 16 bytes, as every
/// large allocation does. [`fence`] comes after the last one.
///
/// Even the ends of it: a line that is written in both ways takes longer than one written in either.
///
/// # Panics
/// If the lengths differ.
#[inline(always)]
pub(super) fn stream(from: &[f32], to: &mut [f32]) {
    assert_eq!(from.len(), to.len(), "a copy of another length");
    #[cfg(target_arch = "x86_64")]
    if to.as_ptr().align_offset(16) == 0 {
        use std::arch::x86_64::{_mm_loadu_ps, _mm_stream_ps};
        let (from, rest) = from.as_chunks::<4>();
        let (to, last) = to.as_chunks_mut::<4>();
        for (from, to) in from.iter().zip(to) {
            // SAFETY: SSE is part of x86-64; both are of four elements, and `to` is at a multiple of 16 bytes.
            unsafe { _mm_stream_ps(to.as_mut_ptr(), _mm_loadu_ps(from.as_ptr())) };
        }
        last.copy_from_slice(rest);
        return;
    }
    to.copy_from_slice(from);
}

/// What was written past the caches is there for other threads.
#[inline(always)]
pub(super) fn fence() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE is part of x86-64.
    unsafe {
        std::arch::x86_64::_mm_sfence();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_written_wherever_it_begins() {
        let from: Vec<f32> = (0..100).map(|i| i as f32).collect();
        for start in 0..20 {
            for length in [0, 1, 3, 15, 16, 17, 31, 33, 64, 80] {
                let mut to = vec![-1.0f32; 120];
                stream(&from[..length], &mut to[start..start + length]);
                fence();
                assert_eq!(to[start..start + length], from[..length]);
                assert!(to[..start].iter().chain(&to[start + length..]).all(|x| *x == -1.0));
            }
        }
    }
}
