//! NVIDIA's matmuls, for comparison.
#![allow(unsafe_code)]

use std::ffi::c_void;

use anyhow::{Context as _, ensure};
use assay_cuda::CudaDevice;
use assay_cuda::device::{Device, Memory};
use cudarc::cublas::{result, sys};
use cudarc::driver;

/// What a product is computed in.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Binary32 throughout.
    Float,
    /// 11 bits of each operand.
    Tf32,
    /// Operands of 8 bits.
    Bfloat16,
}

impl Kind {
    fn types(self) -> (sys::cudaDataType, sys::cublasComputeType_t) {
        use sys::cublasComputeType_t::{CUBLAS_COMPUTE_32F, CUBLAS_COMPUTE_32F_FAST_TF32};
        match self {
            Kind::Float => (sys::cudaDataType::CUDA_R_32F, CUBLAS_COMPUTE_32F),
            Kind::Tf32 => (sys::cudaDataType::CUDA_R_32F, CUBLAS_COMPUTE_32F_FAST_TF32),
            Kind::Bfloat16 => (sys::cudaDataType::CUDA_R_16BF, CUBLAS_COMPUTE_32F),
        }
    }
}

/// A handle of the library, which works in the device's default stream.
pub struct Cublas(sys::cublasHandle_t);

impl Drop for Cublas {
    fn drop(&mut self) {
        // SAFETY: made by `open`, destroyed only here.
        let _ = unsafe { result::destroy_handle(self.0) };
    }
}

impl Cublas {
    /// The library, if it is there.
    pub fn open(device: &CudaDevice) -> anyhow::Result<Option<Cublas>> {
        // Makes the device's context this thread's.
        device.wait()?;
        // SAFETY: loads and unloads NVIDIA's library, if there is one.
        if !unsafe { sys::is_culib_present() } {
            return Ok(None);
        }
        Ok(Some(Cublas(result::create_handle().context("cuBLAS does not start")?)))
    }

    /// Seconds of one product of m x k by k x n zeros, the mean of `times`. (The library's time does not
    /// depend on the numbers but for the power they take, which favours it here.)
    pub fn seconds(&self, device: &CudaDevice, kind: Kind, [m, k, n]: [usize; 3], times: u32) -> anyhow::Result<f64> {
        let (data, compute) = kind.types();
        let sizes = [m * k, k * n, m * n];
        let memory = sizes.map(|size| device.allocate(4 * size as u64));
        let [a, b, c] = memory.map(|memory| memory.context("no memory for cuBLAS"));
        let (a, b, c) = (a?, b?, c?);
        for (memory, size) in [(&a, sizes[0]), (&b, sizes[1])] {
            device.write(memory, &vec![0; 4 * size])?;
        }
        device.wait()?;
        let [m, k, n] = [m, k, n].map(i32::try_from).map(|size| size.context("a size of 31 bits"));
        let (m, k, n) = (m?, k?, n?);
        let (one, zero) = (1f32, 0f32);
        let pointer = |memory: &<CudaDevice as Device>::Memory| memory.address() as *mut c_void;
        let none = sys::cublasOperation_t::CUBLAS_OP_N;
        let product = || {
            // SAFETY: the matrices are as large as m, k and n say with any of the types, and live until
            // the device was waited for. Columns first: this is the transposed product.
            unsafe {
                result::gemm_ex(
                    self.0,
                    none,
                    none,
                    n,
                    m,
                    k,
                    (&raw const one).cast(),
                    pointer(&b).cast_const(),
                    data,
                    n,
                    pointer(&a).cast_const(),
                    data,
                    k,
                    (&raw const zero).cast(),
                    pointer(&c),
                    data,
                    n,
                    compute,
                    sys::cublasGemmAlgo_t::CUBLAS_GEMM_DEFAULT,
                )
            }
        };
        product()?;
        driver::result::ctx::synchronize().context("cuBLAS failed")?;
        let start = std::time::Instant::now();
        (0..times).try_for_each(|_| product())?;
        driver::result::ctx::synchronize().context("cuBLAS failed")?;
        let seconds = start.elapsed().as_secs_f64() / f64::from(times);
        ensure!(seconds > 0.0, "the clock stands still");
        Ok(seconds)
    }
}
