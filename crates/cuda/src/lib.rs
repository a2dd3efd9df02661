//! The CUDA back end: step programs on NVIDIA GPUs, with the bits of `assay_exact`.
//!
//! [`DeviceBackend`] turns a program into a list of kernel launches over memory that stays on the
//! device, and runs that list once a step. It is generic over the [`Device`]: [`EmulatedDevice`]
//! runs the same kernels, allocations and launches on the CPU, thread by thread, so that all of
//! it but the hardware is tested where there is no GPU.
//!
//! Kernels are in `kernels/`, one family of ops per file; maps are compiled from their
//! expressions. docs/cuda.md says how they are checked.

mod backend;
mod choice;
pub mod device;
mod driver;
mod emulator;
mod expression;
mod fall_back;
pub mod nvrtc;
mod plan;
mod session;
pub mod source;

pub use backend::{CudaBackend, DeviceBackend};
pub use choice::{BackendChoice, self_test};
pub use device::{Device, DeviceError};
pub use driver::{CudaDevice, CudaGraph, CudaKernel, CudaMemory, CudaModule};
pub use emulator::{EmulatedDevice, EmulatedKernel, EmulatedMemory};
pub use fall_back::FallBack;
