//! The back end.

use std::sync::{Arc, OnceLock};

use assay_engine::{Backend, EngineError, Footprint, Program, Session};

use crate::device::{Device, DeviceError};
use crate::driver::CudaDevice;
use crate::expression::Maps;
use crate::plan::{arrange, machine};
use crate::session::DeviceSession;
use crate::source;

/// Runs programs on a device: the bits are the law's, whatever the device.
pub struct DeviceBackend<D: Device> {
    device: Arc<D>,
    /// Compiled when first needed.
    kernels: OnceLock<D::Module>,
    memory_limit: Option<u64>,
}

/// Programs on an NVIDIA GPU.
pub type CudaBackend = DeviceBackend<CudaDevice>;

impl CudaBackend {
    /// The GPU of this number, from 0, with its kernels compiled.
    ///
    /// # Errors
    /// [`DeviceError`] says what is missing.
    pub fn open(ordinal: u32) -> Result<CudaBackend, DeviceError> {
        let backend = DeviceBackend::new(CudaDevice::new(ordinal)?);
        backend.compiled()?;
        Ok(backend)
    }
}

impl<D: Device> DeviceBackend<D> {
    /// A back end on `device`.
    #[must_use]
    pub fn new(device: D) -> DeviceBackend<D> {
        DeviceBackend { device: Arc::new(device), kernels: OnceLock::new(), memory_limit: None }
    }

    /// Stays within this many bytes of the device's memory (default: all that is free when the program is
    /// prepared), or refuses a program. Where not all tensors fit together, values that are not needed
    /// any more make room for others, and some are computed twice; that changes no bit.
    #[must_use]
    pub fn with_memory_limit(mut self, bytes: u64) -> DeviceBackend<D> {
        self.memory_limit = Some(bytes);
        self
    }

    /// The device.
    #[must_use]
    pub fn device(&self) -> &D {
        &self.device
    }

    fn compiled(&self) -> Result<&D::Module, DeviceError> {
        if let Some(kernels) = self.kernels.get() {
            return Ok(kernels);
        }
        let kernels = self.device.compile(&source::kernels())?;
        Ok(self.kernels.get_or_init(|| kernels))
    }
}

impl<D: Device> Backend for DeviceBackend<D> {
    fn name(&self) -> &str {
        self.device.name()
    }

    fn prepare(&self, program: &Program) -> Result<Box<dyn Session>, EngineError> {
        program.validate()?;
        let kernels = self.compiled().map_err(machine)?;
        Ok(Box::new(DeviceSession::new(Arc::clone(&self.device), kernels, program, self.memory_limit)?))
    }

    /// With the memory that ops need beside their tensors.
    fn footprint(&self, program: &Program) -> Result<Footprint, EngineError> {
        program.validate()?;
        let limits = self.device.limits().map_err(machine)?;
        let (order, scratch) = arrange(program, &Maps::of(program), limits, self.memory_limit)?;
        let bytes = order.bytes() + u128::from(scratch);
        Ok(Footprint { bytes, parts: 1, ops: program.ops.len(), again: order.again })
    }
}
