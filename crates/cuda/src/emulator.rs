//! A device that is emulated by the CPU: see `emulate/emulate.h`.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc, dealloc};
use std::ffi::c_void;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use libloading::Library;

use crate::device::{Device, DeviceError, Launch, Limits, Memory};
use crate::source::kernel_names;

const HEADER: &str = include_str!("../emulate/emulate.h");
/// As the law asks: nothing fused. Kernels read numbers as bits through pointers.
const FLAGS: [&str; 11] = [
    "-std=c++17",
    "-O1",
    "-g1",
    "-fPIC",
    "-shared",
    "-fvisibility=hidden",
    "-fno-strict-aliasing",
    "-ffp-contract=off",
    "-fsanitize=undefined",
    "-fno-sanitize-recover=all",
    "-Wno-unknown-pragmas",
];
/// What fresh memory holds: NaNs.
const GARBAGE: u8 = 0xff;
const MULTIPROCESSORS: u32 = 2;
const ALIGNMENT: usize = 256;
/// Held while kernels are built, so that a process builds the same ones once.
static BUILDING: Mutex<()> = Mutex::new(());

/// Runs kernels on the CPU, thread by thread, for tests: slow, and strict.
///
/// Needs `g++`. Kernels are checked for undefined behaviour, and for reads and writes outside
/// of memory if the process runs with AddressSanitizer's library (`ASSAY_SANITIZE=address`).
#[derive(Debug)]
pub struct EmulatedDevice {
    name: String,
    folder: PathBuf,
    capability: u32,
    memory: u64,
    /// Numbers the launches, so that threads take turns in another order each time.
    seed: AtomicU64,
}

impl EmulatedDevice {
    /// A device of this compute capability (750, 800, ...), whose kernels are compiled into
    /// `folder`, where they are found again next time. Threads take turns as `seed` says.
    #[must_use]
    pub fn new(folder: &Path, capability: u32, seed: u64) -> EmulatedDevice {
        EmulatedDevice {
            name: format!("emulated GPU (capability {}.{})", capability / 100, capability / 10 % 10),
            folder: folder.to_owned(),
            capability,
            memory: 1 << 30,
            seed: AtomicU64::new(seed),
        }
    }

    /// The same with another amount of memory in bytes (default 1 GiB).
    #[must_use]
    pub fn with_memory(mut self, bytes: u64) -> EmulatedDevice {
        self.memory = bytes;
        self
    }

    fn build(&self, source: &str) -> Result<PathBuf, DeviceError> {
        let sanitize = std::env::var("ASSAY_SANITIZE").is_ok_and(|what| what == "address");
        // Only where it matters, so that devices share what is the same for all.
        let arch = if source.contains("ASSAY_ARCH") { self.capability } else { 0 };
        let mut text = format!("#define ASSAY_ARCH {arch}\n{HEADER}\n{source}");
        for name in kernel_names(source) {
            text += &format!("ASSAY_EMULATE({name})\n");
        }
        let mut hasher = DefaultHasher::new();
        (&text, FLAGS, sanitize).hash(&mut hasher);
        let library = self.folder.join(format!("emulated-{:016x}.so", hasher.finish()));
        // It guards no data that a panic could leave half done.
        let _turn = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
        if library.exists() {
            return Ok(library);
        }
        let missing = |what: &str, error: std::io::Error| DeviceError::Missing(format!("{what}: {error}"));
        // Other processes may be building the same.
        let own = format!("{:016x}-{}", hasher.finish(), std::process::id());
        let (input, output) = (self.folder.join(format!("{own}.cpp")), self.folder.join(format!("{own}.so")));
        std::fs::write(&input, text).map_err(|error| missing(&format!("cannot write {}", input.display()), error))?;
        let mut compiler = Command::new("g++");
        compiler.args(FLAGS).env_remove("LD_PRELOAD");
        if sanitize {
            compiler.arg("-fsanitize=address");
        }
        let done = compiler
            .arg("-o")
            .args([&output, &input])
            .output()
            .map_err(|error| missing("the emulated GPU needs g++ (Debian: build-essential)", error))?;
        if !done.status.success() {
            let log = String::from_utf8_lossy(&done.stderr).into_owned();
            return Err(DeviceError::Compile { target: self.name.clone(), log });
        }
        std::fs::rename(&output, &library).map_err(|error| missing("cannot keep the emulated kernels", error))?;
        std::fs::remove_file(&input).map_err(|error| missing("cannot remove what was compiled", error))?;
        Ok(library)
    }
}

/// Memory of an [`EmulatedDevice`]. It is only touched through its address, by one launch or
/// copy at a time.
#[derive(Debug)]
pub struct EmulatedMemory {
    start: NonNull<u8>,
    layout: Layout,
}

// SAFETY: it owns its memory, and nothing in it belongs to a thread.
unsafe impl Send for EmulatedMemory {}

impl Drop for EmulatedMemory {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout, and freed only here.
        unsafe { dealloc(self.start.as_ptr(), self.layout) }
    }
}

impl Memory for EmulatedMemory {
    fn address(&self) -> u64 {
        self.start.as_ptr().expose_provenance() as u64
    }

    fn bytes(&self) -> u64 {
        self.layout.size() as u64
    }
}

type Entry = unsafe extern "C" fn(*const *const u64, *const u32, u32, u64);

/// A kernel of an emulated module.
#[derive(Clone, Debug)]
pub struct EmulatedKernel {
    entry: Entry,
    _library: Arc<Library>,
}

impl Device for EmulatedDevice {
    type Memory = EmulatedMemory;
    type Module = Arc<Library>;
    type Kernel = EmulatedKernel;
    type Graph = Vec<Launch<EmulatedKernel>>;

    fn name(&self) -> &str {
        &self.name
    }

    fn limits(&self) -> Result<Limits, DeviceError> {
        Ok(Limits { multiprocessors: MULTIPROCESSORS, capability: self.capability, memory: self.memory })
    }

    fn allocate(&self, bytes: u64) -> Result<EmulatedMemory, DeviceError> {
        let refused = || DeviceError::OutOfMemory {
            device: self.name.clone(),
            needed: bytes,
            free: self.memory,
            total: self.memory,
        };
        let size = usize::try_from(bytes).ok().filter(|_| bytes <= self.memory).ok_or_else(refused)?;
        let layout = Layout::from_size_align(size.max(1), ALIGNMENT).map_err(|_| refused())?;
        // SAFETY: the layout's size is not zero.
        let start = NonNull::new(unsafe { alloc(layout) }).ok_or_else(refused)?;
        // SAFETY: just allocated with this size.
        unsafe { start.as_ptr().write_bytes(GARBAGE, layout.size()) };
        Ok(EmulatedMemory { start, layout })
    }

    fn write(&self, to: &EmulatedMemory, bytes: &[u8]) -> Result<(), DeviceError> {
        assert!(bytes.len() as u64 <= to.bytes(), "a copy beyond the memory");
        // SAFETY: within the memory, which no Rust reference points into; launches are done.
        unsafe { to.start.as_ptr().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        Ok(())
    }

    fn read(&self, from: &EmulatedMemory, bytes: &mut [u8]) -> Result<(), DeviceError> {
        assert!(bytes.len() as u64 <= from.bytes(), "a copy beyond the memory");
        // SAFETY: as in `write`; allocation has initialised all of it.
        unsafe { from.start.as_ptr().copy_to_nonoverlapping(bytes.as_mut_ptr(), bytes.len()) };
        Ok(())
    }

    fn compile(&self, source: &str) -> Result<Arc<Library>, DeviceError> {
        let path = self.build(source)?;
        // SAFETY: built above from this crate's sources; its initialisers only set up variables.
        let library = unsafe { Library::new(&path) };
        let library = library.map_err(|error| DeviceError::Missing(format!("{}: {error}", path.display())))?;
        Ok(Arc::new(library))
    }

    fn kernel(&self, module: &Arc<Library>, name: &str) -> Result<EmulatedKernel, DeviceError> {
        let symbol = format!("assay_emulated_{name}");
        // SAFETY: ASSAY_EMULATE in emulate.h defines every such symbol with this type.
        let entry = unsafe { module.get::<Entry>(symbol.as_bytes()) };
        let entry = *entry.map_err(|error| DeviceError::Missing(format!("kernel {name}: {error}")))?;
        Ok(EmulatedKernel { entry, _library: Arc::clone(module) })
    }

    fn record(&self, launches: Vec<Launch<EmulatedKernel>>) -> Result<Self::Graph, DeviceError> {
        Ok(launches)
    }

    unsafe fn run(&self, graph: &Self::Graph) -> Result<(), DeviceError> {
        for launch in graph {
            let pointers = launch.arguments.pointers();
            let shape = [launch.grid, launch.block].concat();
            let seed = self.seed.fetch_add(1, Ordering::Relaxed);
            // SAFETY: `pointers` and `shape` have what emulate.h reads; the caller answers for
            // what the kernel does with the arguments.
            unsafe { (launch.kernel.entry)(pointers.as_ptr(), shape.as_ptr(), launch.shared, seed) };
        }
        Ok(())
    }
}

// Pointers to arguments are passed as C's `void **`.
const _: () = assert!(size_of::<*const u64>() == size_of::<*mut c_void>());
