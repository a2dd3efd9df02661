//! What a session needs of a device: memory, kernels, and lists of launches.
#![allow(unsafe_code)]

use std::fmt;

/// Why a device refuses or fails.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// There is no such device here, or something that it needs is missing.
    #[error("{0}")]
    Missing(String),
    /// The memory is used up.
    #[error(
        "{device} ran out of memory: {needed} more bytes were asked for, and {free} of {total} are free; choose a \
         smaller batch, stop what else uses the device, or go on with the CPU (--backend cpu)"
    )]
    OutOfMemory {
        /// The device.
        device: String,
        /// Bytes asked for.
        needed: u64,
        /// Bytes that are free.
        free: u64,
        /// Bytes that there are.
        total: u64,
    },
    /// A kernel does not compile.
    #[error("the kernels do not compile for {target}:\n{log}")]
    Compile {
        /// What they were compiled for.
        target: String,
        /// What the compiler said.
        log: String,
    },
    /// An operation failed. What the device holds is not to be used any more.
    #[error(
        "{device} failed ({operation}: {problem}); the state on it is lost: load the last checkpoint \
         again, and if it keeps failing, go on with the CPU (--backend cpu)"
    )]
    Failed {
        /// The device.
        device: String,
        /// What it was doing.
        operation: &'static str,
        /// What it said.
        problem: String,
    },
}

/// Arguments of a kernel, each of whole 64-bit words as they lie in memory.
#[derive(Clone, Default)]
pub struct Arguments {
    words: Vec<u64>,
    starts: Vec<usize>,
}

impl Arguments {
    /// Adds a struct that lies in memory as these words, or a number of up to 64 bits.
    #[must_use]
    pub fn with(mut self, words: &[u64]) -> Arguments {
        self.starts.push(self.words.len());
        self.words.extend_from_slice(words);
        self
    }

    /// Each argument's place in memory, in order.
    #[must_use]
    pub fn pointers(&self) -> Vec<*const u64> {
        self.starts.iter().map(|&start| &raw const self.words[start]).collect()
    }
}

/// One run of a kernel.
#[derive(Clone)]
pub struct Launch<K> {
    /// The kernel.
    pub kernel: K,
    /// Blocks in each of the grid's dimensions; none is zero.
    pub grid: [u32; 3],
    /// Threads in each of a block's dimensions.
    pub block: [u32; 3],
    /// Bytes of dynamic shared memory.
    pub shared: u32,
    /// What the kernel is given.
    pub arguments: Arguments,
}

impl<K> fmt::Debug for Launch<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Launch").field("grid", &self.grid).field("block", &self.block).finish_non_exhaustive()
    }
}

/// What the shape of launches depends on. It changes no bit.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Multiprocessors.
    pub multiprocessors: u32,
    /// The compute capability as one number: 750, 800, 860, 890, 900, 1000, 1200.
    pub capability: u32,
    /// Bytes that may be allocated now.
    pub memory: u64,
}

/// Memory of a device, freed when dropped.
pub trait Memory: Send {
    /// Its address, for kernels; a multiple of 256.
    fn address(&self) -> u64;

    /// Its size in bytes.
    fn bytes(&self) -> u64;
}

/// A device that runs CUDA kernels one after another, in the order in which it is asked to.
pub trait Device: Send + Sync + 'static {
    /// Memory.
    type Memory: Memory;
    /// Compiled source.
    type Module: Send + Sync;
    /// A kernel of a module, which it keeps alive.
    type Kernel: Clone + Send + Sync;
    /// Launches made ready to be run often.
    type Graph: Send;

    /// A short name for logs.
    fn name(&self) -> &str;

    /// What it has.
    ///
    /// # Errors
    /// The device is lost.
    fn limits(&self) -> Result<Limits, DeviceError>;

    /// Memory with any contents.
    ///
    /// # Errors
    /// [`DeviceError::OutOfMemory`], or the device is lost.
    fn allocate(&self, bytes: u64) -> Result<Self::Memory, DeviceError>;

    /// Copies `bytes` to the start of `to`, after all launches so far.
    ///
    /// # Errors
    /// The device is lost.
    ///
    /// # Panics
    /// If `bytes` is longer than the memory.
    fn write(&self, to: &Self::Memory, bytes: &[u8]) -> Result<(), DeviceError>;

    /// Copies the start of `from` to `bytes`, after all launches so far.
    ///
    /// # Errors
    /// The device is lost, or one of the launches failed.
    ///
    /// # Panics
    /// If `bytes` is longer than the memory.
    fn read(&self, from: &Self::Memory, bytes: &mut [u8]) -> Result<(), DeviceError>;

    /// Compiles source that starts with [`crate::source::prelude`].
    ///
    /// # Errors
    /// [`DeviceError::Compile`], or a compiler is missing.
    fn compile(&self, source: &str) -> Result<Self::Module, DeviceError>;

    /// A kernel by its name.
    ///
    /// # Errors
    /// The module has none of that name.
    fn kernel(&self, module: &Self::Module, name: &str) -> Result<Self::Kernel, DeviceError>;

    /// Makes launches ready to be run in this order, each after the one before it.
    ///
    /// # Errors
    /// The device refuses a launch.
    fn record(&self, launches: Vec<Launch<Self::Kernel>>) -> Result<Self::Graph, DeviceError>;

    /// Runs recorded launches; it may return before they are done.
    ///
    /// # Safety
    /// Every kernel takes arguments of the number and sizes that its launch has, and touches no
    /// memory but what is allocated on this device and stays so until the launches are done.
    ///
    /// # Errors
    /// The device is lost, or a launch failed.
    unsafe fn run(&self, graph: &Self::Graph) -> Result<(), DeviceError>;
}
