//! An NVIDIA GPU, through its driver.
#![allow(unsafe_code)]

use std::ffi::{CString, c_int, c_void};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cudarc::driver::result::{self, DriverError};
use cudarc::driver::sys;

use crate::device::{Device, DeviceError, Launch, Limits, Memory};
use crate::nvrtc;

/// The least compute capability: integer tensor cores.
const LEAST_CAPABILITY: u32 = 750;
/// Dynamic shared memory that a kernel may have without asking.
const SHARED_WITHOUT_ASKING: u32 = 48 << 10;

/// A GPU. All that is launched on it runs in one stream, in order.
#[derive(Debug)]
pub struct CudaDevice {
    context: Arc<Context>,
    multiprocessors: u32,
    capability: u32,
    driver: (i32, i32),
}

/// The device's primary context and a stream of our own in it.
#[derive(Debug)]
struct Context {
    name: String,
    device: sys::CUdevice,
    context: sys::CUcontext,
    stream: sys::CUstream,
    /// Held while the stream is used: what one thread launches must not end up in the graph that
    /// another one records.
    turn: Mutex<()>,
}

// SAFETY: the driver's handles may be used from any thread that has made the context current,
// which `Context::enter` does before every use.
unsafe impl Send for Context {}
// SAFETY: likewise; the driver takes locks of its own.
unsafe impl Sync for Context {}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: made by `CudaDevice::new`, and everything in it is gone. Errors mean that the
        // device is lost, and its resources with it.
        unsafe {
            let _ = result::ctx::set_current(self.context);
            if !self.stream.is_null() {
                let _ = result::stream::destroy(self.stream);
            }
            let _ = result::primary_ctx::release(self.device);
        }
    }
}

impl Context {
    fn failed(&self, operation: &'static str) -> impl FnOnce(DriverError) -> DeviceError {
        move |error| DeviceError::Failed { device: self.name.clone(), operation, problem: said(&error) }
    }

    /// Makes the context the calling thread's, and the stream its own as long as it keeps what
    /// this gives.
    fn enter(&self) -> Result<MutexGuard<'_, ()>, DeviceError> {
        // The lock guards no data that a panic could leave half done.
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: the context is retained.
        unsafe { result::ctx::set_current(self.context) }.map_err(self.failed("entering its context"))?;
        Ok(turn)
    }

    /// Waits for all that was launched.
    fn wait(&self) -> Result<(), DeviceError> {
        // SAFETY: the stream exists.
        unsafe { result::stream::synchronize(self.stream) }.map_err(self.failed("computing"))
    }
}

fn said(error: &DriverError) -> String {
    match (error.error_name(), error.error_string()) {
        (Ok(name), Ok(text)) => format!("{}: {}", name.to_string_lossy(), text.to_string_lossy()),
        _ => format!("{:?}", error.0),
    }
}

impl CudaDevice {
    /// The GPU of this number, from 0.
    ///
    /// # Errors
    /// There is no driver or no such GPU, it lacks integer tensor cores, or the driver refuses.
    pub fn new(ordinal: u32) -> Result<CudaDevice, DeviceError> {
        let missing = |problem: String| {
            DeviceError::Missing(format!("no GPU to compute on: {problem}; or go on with the CPU (--backend cpu)"))
        };
        // SAFETY: loads and unloads the driver's library, if there is one.
        if !unsafe { sys::is_culib_present() } {
            return Err(missing("the NVIDIA driver (libcuda.so.1) is not found: install it".into()));
        }
        let refused = |what: &str, error: DriverError| missing(format!("{what}: {}", said(&error)));
        result::init().map_err(|error| refused("the NVIDIA driver does not start", error))?;
        let count = result::device::get_count().map_err(|error| refused("the driver lists no GPUs", error))?;
        if i64::from(ordinal) >= i64::from(count) {
            return Err(missing(format!("GPU {ordinal} was asked for, and there are {count}, numbered from 0")));
        }
        let device = result::device::get(ordinal as c_int).map_err(|error| refused("the GPU is not there", error))?;
        let name = result::device::get_name(device).map_err(|error| refused("the GPU has no name", error))?;
        let attribute = |which| {
            // SAFETY: the device exists.
            unsafe { result::device::get_attribute(device, which) }
                .map_err(|error| refused("the GPU does not say what it has", error))
        };
        use sys::CUdevice_attribute as Attribute;
        let major = attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?;
        let minor = attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?;
        let capability = (100 * major + 10 * minor) as u32;
        if capability < LEAST_CAPABILITY {
            return Err(missing(format!(
                "{name} has compute capability {major}.{minor}, and integer tensor cores come with 7.5 (Turing)"
            )));
        }
        let multiprocessors = attribute(Attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)? as u32;
        let mut version = 0;
        // SAFETY: it points to an integer.
        unsafe { sys::cuDriverGetVersion(&mut version) }
            .result()
            .map_err(|error| refused("the driver does not say its version", error))?;
        // SAFETY: the device exists.
        let context = unsafe { result::primary_ctx::retain(device) };
        let context = context.map_err(|error| refused("the GPU gives no context", error))?;
        let name = format!("{name} (GPU {ordinal})");
        let mut own = Context { name, device, context, stream: std::ptr::null_mut(), turn: Mutex::new(()) };
        drop(own.enter()?);
        own.stream = result::stream::create(result::stream::StreamKind::NonBlocking)
            .map_err(|error| refused("the GPU gives no stream", error))?;
        let driver = (version / 1000, version % 1000 / 10);
        Ok(CudaDevice { context: Arc::new(own), multiprocessors, capability, driver })
    }

    /// The CUDA version that the driver is made for.
    #[must_use]
    pub fn driver(&self) -> (i32, i32) {
        self.driver
    }

    /// Waits for all that was launched.
    ///
    /// # Errors
    /// A launch failed, or the device is lost.
    pub fn wait(&self) -> Result<(), DeviceError> {
        let _turn = self.context.enter()?;
        self.context.wait()
    }
}

/// Memory of a [`CudaDevice`].
#[derive(Debug)]
pub struct CudaMemory {
    context: Arc<Context>,
    start: sys::CUdeviceptr,
    bytes: u64,
}

impl Drop for CudaMemory {
    fn drop(&mut self) {
        // Launches may still use it. If the device is lost, so is the memory.
        let turn = self.context.enter();
        if turn.is_ok() && self.context.wait().is_ok() {
            // SAFETY: allocated on this device, freed only here, and nothing runs.
            let _ = unsafe { result::free_sync(self.start) };
        }
    }
}

impl Memory for CudaMemory {
    fn address(&self) -> u64 {
        self.start
    }

    fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// Kernels compiled together; unloaded when the last of them is dropped.
#[derive(Debug)]
pub struct CudaModule {
    context: Arc<Context>,
    module: sys::CUmodule,
}

// SAFETY: as for `Context`.
unsafe impl Send for CudaModule {}
// SAFETY: as for `Context`.
unsafe impl Sync for CudaModule {}

impl Drop for CudaModule {
    fn drop(&mut self) {
        let turn = self.context.enter();
        if turn.is_ok() {
            // SAFETY: loaded by `compile`, unloaded only here; kernels and graphs keep it.
            let _ = unsafe { result::module::unload(self.module) };
        }
    }
}

/// A kernel.
#[derive(Clone, Debug)]
pub struct CudaKernel {
    function: sys::CUfunction,
    _module: Arc<CudaModule>,
}

// SAFETY: as for `Context`.
unsafe impl Send for CudaKernel {}
// SAFETY: as for `Context`.
unsafe impl Sync for CudaKernel {}

/// Launches captured as a CUDA graph.
#[derive(Debug)]
pub struct CudaGraph {
    context: Arc<Context>,
    graph: sys::CUgraphExec,
    _kernels: Vec<CudaKernel>,
}

// SAFETY: as for `Context`.
unsafe impl Send for CudaGraph {}

impl Drop for CudaGraph {
    fn drop(&mut self) {
        let turn = self.context.enter();
        if turn.is_ok() && self.context.wait().is_ok() {
            // SAFETY: instantiated by `record`, destroyed only here, and nothing runs.
            let _ = unsafe { result::graph::exec_destroy(self.graph) };
        }
    }
}

impl CudaDevice {
    /// Launches into the stream, which is being captured.
    fn launch(&self, launch: &Launch<CudaKernel>) -> Result<(), DeviceError> {
        let failed = || self.context.failed("launching");
        let mut arguments: Vec<*mut c_void> =
            launch.arguments.pointers().into_iter().map(|pointer| pointer.cast_mut().cast()).collect();
        let ([gx, gy, gz], [bx, by, bz]) = (launch.grid, launch.block);
        let function = launch.kernel.function;
        if launch.shared > SHARED_WITHOUT_ASKING {
            let which = sys::CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
            // SAFETY: the kernel's module is loaded.
            unsafe { result::function::set_function_attribute(function, which, launch.shared as c_int) }
                .map_err(failed())?;
        }
        // SAFETY: the arguments are read while capturing; what the kernel does with them when
        // the graph runs is `run`'s caller's promise.
        unsafe {
            let (grid, block) = ((gx, gy, gz), (bx, by, bz));
            result::launch_kernel(function, grid, block, launch.shared, self.context.stream, &mut arguments)
        }
        .map_err(failed())
    }
}

impl Device for CudaDevice {
    type Memory = CudaMemory;
    type Module = Arc<CudaModule>;
    type Kernel = CudaKernel;
    type Graph = CudaGraph;

    fn name(&self) -> &str {
        &self.context.name
    }

    fn limits(&self) -> Result<Limits, DeviceError> {
        let _turn = self.context.enter()?;
        let (free, _) = result::mem_get_info().map_err(self.context.failed("asking for its free memory"))?;
        Ok(Limits { multiprocessors: self.multiprocessors, capability: self.capability, memory: free as u64 })
    }

    fn allocate(&self, bytes: u64) -> Result<CudaMemory, DeviceError> {
        let _turn = self.context.enter()?;
        // SAFETY: the memory is only written as bytes and read after that by launches and copies.
        match unsafe { result::malloc_sync(bytes.max(1) as usize) } {
            Ok(start) => Ok(CudaMemory { context: Arc::clone(&self.context), start, bytes }),
            Err(DriverError(sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY)) => {
                let (free, total) =
                    result::mem_get_info().map_err(self.context.failed("asking for its free memory"))?;
                Err(DeviceError::OutOfMemory {
                    device: self.name().to_owned(),
                    needed: bytes,
                    free: free as u64,
                    total: total as u64,
                })
            }
            Err(error) => Err(self.context.failed("allocating")(error)),
        }
    }

    fn write(&self, to: &CudaMemory, bytes: &[u8]) -> Result<(), DeviceError> {
        assert!(bytes.len() as u64 <= to.bytes, "a copy beyond the memory");
        let _turn = self.context.enter()?;
        // SAFETY: within the memory; `bytes` lives until the copy is done, below.
        unsafe { result::memcpy_htod_async(to.start, bytes, self.context.stream) }
            .map_err(self.context.failed("copying to it"))?;
        self.context.wait()
    }

    fn read(&self, from: &CudaMemory, bytes: &mut [u8]) -> Result<(), DeviceError> {
        assert!(bytes.len() as u64 <= from.bytes, "a copy beyond the memory");
        let _turn = self.context.enter()?;
        // SAFETY: within the memory; `bytes` is not touched until the copy is done, below.
        unsafe { result::memcpy_dtoh_async(bytes, from.start, self.context.stream) }
            .map_err(self.context.failed("copying from it"))?;
        self.context.wait()
    }

    fn compile(&self, source: &str) -> Result<Arc<CudaModule>, DeviceError> {
        let code = nvrtc::compile_for(source, self.capability)?;
        let _turn = self.context.enter()?;
        // SAFETY: machine code or PTX that ends with a zero byte, from NVIDIA's compiler.
        let module = unsafe { result::module::load_data(code.as_ptr().cast()) };
        let module = module.map_err(self.context.failed("loading kernels"))?;
        Ok(Arc::new(CudaModule { context: Arc::clone(&self.context), module }))
    }

    fn kernel(&self, module: &Arc<CudaModule>, name: &str) -> Result<CudaKernel, DeviceError> {
        let _turn = self.context.enter()?;
        let symbol = CString::new(name).map_err(|_| DeviceError::Missing(format!("no kernel is called {name:?}")))?;
        // SAFETY: the module is loaded.
        let function = unsafe { result::module::get_function(module.module, symbol) };
        let function = function.map_err(|error| DeviceError::Missing(format!("kernel {name}: {}", said(&error))))?;
        Ok(CudaKernel { function, _module: Arc::clone(module) })
    }

    fn record(&self, launches: Vec<Launch<CudaKernel>>) -> Result<CudaGraph, DeviceError> {
        let _turn = self.context.enter()?;
        let failed = || self.context.failed("recording a step");
        // What was launched before is no part of the graph.
        self.context.wait()?;
        let mode = sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
        // SAFETY: the stream exists, and nothing else is captured on it: ended below in any case.
        unsafe { result::stream::begin_capture(self.context.stream, mode) }.map_err(failed())?;
        let launched = launches.iter().try_for_each(|launch| self.launch(launch));
        // SAFETY: begun above.
        let ended = unsafe { result::stream::end_capture(self.context.stream) };
        launched?;
        let graph = ended.map_err(failed())?;
        // SAFETY: the graph was just captured; it is not needed once instantiated.
        let executable = unsafe {
            let executable = result::graph::instantiate(graph, sys::CUgraphInstantiate_flags(0));
            let _ = result::graph::destroy(graph);
            executable
        };
        Ok(CudaGraph {
            context: Arc::clone(&self.context),
            graph: executable.map_err(failed())?,
            _kernels: launches.into_iter().map(|launch| launch.kernel).collect(),
        })
    }

    unsafe fn run(&self, graph: &CudaGraph) -> Result<(), DeviceError> {
        let _turn = self.context.enter()?;
        // SAFETY: the graph was recorded on this device; the caller answers for its kernels.
        unsafe { result::graph::launch(graph.graph, self.context.stream) }.map_err(self.context.failed("launching"))
    }
}
