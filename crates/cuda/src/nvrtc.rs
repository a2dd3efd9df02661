//! NVIDIA's run-time compiler.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char};

use cudarc::nvrtc::result::{self, NvrtcError};
use cudarc::nvrtc::sys;

use crate::device::DeviceError;

/// The options of the law: nothing fused, subnormals kept, division and square root rounded to
/// nearest. See docs/law.md.
const OPTIONS: [&str; 5] = ["--std=c++17", "--fmad=false", "--ftz=false", "--prec-div=true", "--prec-sqrt=true"];

/// What the compiler makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Machine code for one architecture.
    Machine,
    /// PTX, which a driver compiles for this architecture or a later one.
    Ptx,
}

/// Machine code or PTX, and what the compiler had to say.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The code; PTX is text that ends with a zero byte.
    pub code: Vec<u8>,
    /// Warnings, and with `verbose` what the kernels need.
    pub log: String,
}

/// Whether the compiler's library can be loaded.
#[must_use]
pub fn is_present() -> bool {
    // SAFETY: loads and unloads NVIDIA's library, if there is one.
    unsafe { sys::is_culib_present() }
}

fn need() -> Result<(), DeviceError> {
    if is_present() {
        return Ok(());
    }
    Err(DeviceError::Missing(
        "NVIDIA's run-time compiler (libnvrtc.so.12) is not found: install the CUDA toolkit, or the Python package \
         nvidia-cuda-nvrtc-cu12 with its lib folder in LD_LIBRARY_PATH; or go on with the CPU (--backend cpu)"
            .into(),
    ))
}

fn failed(error: NvrtcError) -> DeviceError {
    DeviceError::Compile { target: "the GPU".into(), log: format!("{:?}", error.0) }
}

/// The compiler's version.
///
/// # Errors
/// There is none.
pub fn version() -> Result<(i32, i32), DeviceError> {
    need()?;
    let (mut major, mut minor) = (0, 0);
    // SAFETY: both point to integers.
    unsafe { sys::nvrtcVersion(&mut major, &mut minor) }.result().map_err(failed)?;
    Ok((major, minor))
}

/// The compute capabilities that the compiler knows (750, 800, ...), ascending.
///
/// # Errors
/// There is no compiler.
pub fn capabilities() -> Result<Vec<u32>, DeviceError> {
    need()?;
    let mut count = 0;
    // SAFETY: it points to an integer.
    unsafe { sys::nvrtcGetNumSupportedArchs(&mut count) }.result().map_err(failed)?;
    let mut known = vec![0; count as usize];
    // SAFETY: as many integers as the compiler said it would write.
    unsafe { sys::nvrtcGetSupportedArchs(known.as_mut_ptr()) }.result().map_err(failed)?;
    let mut known: Vec<u32> = known.into_iter().map(|arch| 10 * arch as u32).collect();
    known.sort_unstable();
    Ok(known)
}

/// A program of the compiler, destroyed when dropped.
struct Owned(sys::nvrtcProgram);

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: made by `create_program`, destroyed only here. Nothing could be done about an error.
        let _ = unsafe { result::destroy_program(self.0) };
    }
}

/// Compiles for a compute capability (750, 800, ...).
///
/// # Errors
/// There is no compiler, or it refuses the source.
pub fn compile(source: &str, capability: u32, form: Form, verbose: bool) -> Result<Compiled, DeviceError> {
    need()?;
    let kind = if form == Form::Machine { "sm" } else { "compute" };
    let target = format!("{kind}_{}", capability / 10);
    let text = CString::new(source).map_err(|_| DeviceError::Compile {
        target: target.clone(),
        log: "there is a zero byte in the source".into(),
    })?;
    let program = Owned(result::create_program(&text, Some(c"kernels.cu")).map_err(failed)?);
    let mut options: Vec<String> = OPTIONS.map(str::to_owned).to_vec();
    options.push(format!("--gpu-architecture={target}"));
    // Functions of the law that a source does not use.
    options.push("--diag-suppress=177".into());
    if verbose {
        options.push("--ptxas-options=-v".into());
    }
    // SAFETY: the program exists.
    let done = unsafe { result::compile_program(program.0, &options) };
    // SAFETY: likewise, and it was compiled, if in vain.
    let log = unsafe { result::get_program_log(program.0) }.map_err(failed)?;
    // SAFETY: the log ends with a zero byte.
    let log = unsafe { CStr::from_ptr(log.as_ptr()) }.to_string_lossy().into_owned();
    if let Err(error) = done {
        return Err(DeviceError::Compile { target, log: format!("{:?}\n{log}", error.0) });
    }
    let code = match form {
        Form::Ptx => {
            // SAFETY: the program was compiled.
            let ptx = unsafe { result::get_ptx(program.0) }.map_err(failed)?;
            ptx.into_iter().map(|c| c as u8).collect()
        }
        Form::Machine => {
            let mut size = 0;
            // SAFETY: the program was compiled, for an architecture proper.
            unsafe { sys::nvrtcGetCUBINSize(program.0, &mut size) }.result().map_err(failed)?;
            let mut code = vec![0; size];
            // SAFETY: as many bytes as the compiler said it would write.
            unsafe { sys::nvrtcGetCUBIN(program.0, code.as_mut_ptr().cast::<c_char>()) }.result().map_err(failed)?;
            code
        }
    };
    Ok(Compiled { code, log })
}

/// Compiles for a device: machine code where the compiler knows it, otherwise PTX for the latest
/// architecture before it, which the driver compiles.
///
/// # Errors
/// As [`compile`].
pub fn compile_for(source: &str, capability: u32) -> Result<Vec<u8>, DeviceError> {
    let known = capabilities()?;
    let before = known.iter().copied().rfind(|&known| known <= capability);
    let (capability, form) = match before {
        Some(known) if known == capability => (known, Form::Machine),
        Some(known) => (known, Form::Ptx),
        None => {
            let target = format!("sm_{}", capability / 10);
            return Err(DeviceError::Compile { target, log: format!("this compiler knows {known:?} only") });
        }
    };
    Ok(compile(source, capability, form, false)?.code)
}
