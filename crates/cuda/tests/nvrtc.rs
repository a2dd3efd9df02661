//! The kernels compile for every architecture, with the flags of the law. Needs NVIDIA's
//! compiler, but no GPU: `scripts/test cuda` installs it.

mod support;

use assay_cuda::nvrtc::{Form, capabilities, compile, version};
use assay_cuda::{DeviceError, source};

/// What is sold today: T4, A100, RTX 30, RTX 40, H100, B200, RTX 50.
const CAPABILITIES: [u32; 7] = [750, 800, 860, 890, 900, 1000, 1200];

/// All kernels, and every instruction of maps.
fn everything() -> String {
    let program = support::every_instruction().program();
    source::kernels() + &source::maps(&program)
}

#[test]
#[ignore = "needs NVIDIA's compiler: run scripts/test cuda"]
fn every_kernel_compiles_for_every_architecture() {
    let known = capabilities().unwrap();
    println!("NVRTC {:?} knows {known:?}", version().unwrap());
    for capability in CAPABILITIES {
        assert!(known.contains(&capability), "the compiler does not know {capability}");
        let compiled = compile(&everything(), capability, Form::Machine, true).unwrap();
        println!("{capability}: {} bytes", compiled.code.len());
        assert!(compiled.code.starts_with(b"\x7fELF"), "{capability}");
        // A kernel that spills registers is slow without anybody noticing.
        let spills: Vec<&str> = compiled.log.lines().filter(|line| line.contains("bytes spill stores")).collect();
        assert!(!spills.is_empty(), "{}", compiled.log);
        for line in spills {
            assert!(line.contains(" 0 bytes spill stores"), "{capability}: {line}");
        }
        assert!(!compiled.log.contains("warning"), "{capability}: {}", compiled.log);
    }
}

#[test]
#[ignore = "needs NVIDIA's compiler: run scripts/test cuda"]
fn nothing_is_fused_flushed_or_approximate() {
    let source = everything();
    let compiled = compile(&source, 900, Form::Ptx, false).unwrap();
    let ptx = String::from_utf8(compiled.code).unwrap();
    for kernel in source::kernel_names(&source) {
        assert!(ptx.contains(&format!(".entry {kernel}(")), "{kernel}");
    }
    let floats = ptx.lines().map(str::trim).filter(|line| line.contains(".f32") && !line.starts_with(".reg"));
    let mut instructions: Vec<&str> = floats.filter_map(|line| line.split_whitespace().next()).collect();
    instructions.sort_unstable();
    instructions.dedup();
    assert!(instructions.contains(&"mul.rn.f32") && instructions.contains(&"div.rn.f32"), "{instructions:?}");
    for instruction in &instructions {
        for forbidden in ["fma", "mad", ".ftz", ".approx", ".full", ".sat"] {
            assert!(!instruction.contains(forbidden), "{instruction} is not allowed by the law");
        }
    }
    // The integer tensor cores are used.
    assert!(ptx.contains("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32"));
}

#[test]
#[ignore = "needs NVIDIA's compiler: run scripts/test cuda"]
fn what_does_not_compile_is_shown() {
    let broken = source::prelude() + "KERNEL broken(float *x) { *x = nonsense; }";
    match compile(&broken, 900, Form::Machine, false) {
        Err(error @ DeviceError::Compile { .. }) => assert!(error.to_string().contains("nonsense"), "{error}"),
        other => panic!("{other:?}"),
    }
}
