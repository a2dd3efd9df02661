//! The libraries that the exact matmul is measured against.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int};
use std::path::Path;

use anyhow::Context;
use libloading::Library;

use crate::shapes::Shape;

const ROW_MAJOR: c_int = 101;
const AS_IT_IS: c_int = 111;
const TRANSPOSED: c_int = 112;

/// `cblas_sgemm` with 32-bit sizes.
type Sgemm = unsafe extern "C" fn(
    order: c_int,
    transpose_a: c_int,
    transpose_b: c_int,
    m: c_int,
    n: c_int,
    k: c_int,
    alpha: f32,
    a: *const f32,
    lda: c_int,
    b: *const f32,
    ldb: c_int,
    beta: f32,
    c: *mut f32,
    ldc: c_int,
);

/// OpenBLAS, from a file named when the program runs.
pub struct OpenBlas {
    sgemm: Sgemm,
    set_threads: unsafe extern "C" fn(c_int),
    /// Its version, and the kernels that it has chosen.
    pub name: String,
    _library: Library,
}

impl OpenBlas {
    /// # Errors
    /// The file is not the library of the `scipy-openblas32` package.
    pub fn open(file: &Path) -> anyhow::Result<OpenBlas> {
        let problem = || format!("{} is not OpenBLAS as in the scipy-openblas32 wheel", file.display());
        // SAFETY: the library's initialisers are those of OpenBLAS, and the symbols have the types that
        // its headers declare.
        unsafe {
            let library = Library::new(file).with_context(problem)?;
            let sgemm = *library.get::<Sgemm>(b"scipy_cblas_sgemm\0").with_context(problem)?;
            let set_threads = *library
                .get::<unsafe extern "C" fn(c_int)>(b"scipy_openblas_set_num_threads\0")
                .with_context(problem)?;
            let text = |symbol: &[u8]| -> anyhow::Result<String> {
                let get = library.get::<unsafe extern "C" fn() -> *const c_char>(symbol).with_context(problem)?;
                Ok(CStr::from_ptr(get()).to_string_lossy().into_owned())
            };
            let version = text(b"scipy_openblas_get_config\0")?;
            let version = version.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
            let name = format!("{version}, {}", text(b"scipy_openblas_get_corename\0")?);
            Ok(OpenBlas { sgemm, set_threads, name, _library: library })
        }
    }

    /// From now on with so many threads.
    pub fn set_threads(&self, threads: usize) {
        // SAFETY: as declared by OpenBLAS.
        unsafe { (self.set_threads)(threads as c_int) }
    }

    /// `c = a b`.
    pub fn run(&self, shape: &Shape, a: &[f32], b: &[f32], c: &mut [f32]) {
        let Shape { m, k, n, transpose_a, transpose_b, .. } = *shape;
        assert!(a.len() == m * k && b.len() == k * n && c.len() == m * n);
        let flag = |transposed| if transposed { TRANSPOSED } else { AS_IT_IS };
        let (lda, ldb) = (if transpose_a { m } else { k }, if transpose_b { k } else { n });
        // SAFETY: the matrices are as large as the sizes say, row-major without gaps.
        unsafe {
            (self.sgemm)(
                ROW_MAJOR,
                flag(transpose_a),
                flag(transpose_b),
                m as c_int,
                n as c_int,
                k as c_int,
                1.0,
                a.as_ptr(),
                lda as c_int,
                b.as_ptr(),
                ldb as c_int,
                0.0,
                c.as_mut_ptr(),
                n as c_int,
            );
        }
    }
}

/// `c = a b` by the `gemm` crate.
pub fn gemm_crate(shape: &Shape, threads: usize, a: &[f32], b: &[f32], c: &mut [f32]) {
    let Shape { m, k, n, transpose_a, transpose_b, .. } = *shape;
    assert!(a.len() == m * k && b.len() == k * n && c.len() == m * n);
    // Strides: between columns, between rows.
    let strides = |rows: usize, columns: usize, transposed: bool| {
        if transposed { (rows as isize, 1) } else { (1, columns as isize) }
    };
    let ((a_column, a_row), (b_column, b_row)) = (strides(m, k, transpose_a), strides(k, n, transpose_b));
    let parallelism = if threads == 1 { gemm::Parallelism::None } else { gemm::Parallelism::Rayon(threads) };
    // SAFETY: the matrices are as large as the sizes say, with these strides.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.as_mut_ptr(),
            1,
            n as isize,
            false,
            a.as_ptr(),
            a_column,
            a_row,
            b.as_ptr(),
            b_column,
            b_row,
            0.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
}
