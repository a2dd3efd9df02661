//! The kernels' source.

use assay_engine::Program;

use crate::expression::Maps;

/// What all kernels share, then each family; a file comes after those that it includes.
const FILES: [(&str, &str); 9] = [
    ("moves.cu", include_str!("../kernels/moves.cu")),
    ("sums.cu", include_str!("../kernels/sums.cu")),
    ("long.cu", include_str!("../kernels/long.cu")),
    ("fold.cu", include_str!("../kernels/fold.cu")),
    ("scatter.cu", include_str!("../kernels/scatter.cu")),
    ("random.cu", include_str!("../kernels/random.cu")),
    ("sha256.cu", include_str!("../kernels/sha256.cu")),
    ("quantise.cu", include_str!("../kernels/quantise.cu")),
    ("matmul.cu", include_str!("../kernels/matmul.cu")),
];

/// What begins a kernel in the source.
const KERNEL: &str = "KERNEL ";

/// The scalars and functions of the law.
#[must_use]
pub fn prelude() -> String {
    numbered("law.cuh", include_str!("../kernels/law.cuh"))
}

/// All kernels that do not depend on a program.
#[must_use]
pub fn kernels() -> String {
    FILES.iter().fold(prelude(), |all, (name, text)| all + &numbered(name, text))
}

/// The kernels of a program's maps, without [`prelude`].
#[must_use]
pub fn maps(program: &Program) -> String {
    Maps::of(program).source
}

/// A file's text without what would include another, with messages naming the file.
fn numbered(name: &str, text: &str) -> String {
    let lines = text.lines().map(|line| {
        let left_out = line.starts_with("#include \"") || line == "#pragma once";
        if left_out { "\n".to_owned() } else { format!("{line}\n") }
    });
    std::iter::once(format!("#line 1 \"{name}\"\n")).chain(lines).collect()
}

/// The names of the kernels in some source.
pub fn kernel_names(source: &str) -> impl Iterator<Item = &str> {
    source.lines().filter_map(|line| line.strip_prefix(KERNEL)?.split('(').next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_there_once() {
        let source = kernels();
        for name in ["sum_warps", "long_threads", "fold", "scatter_list", "random_units", "sha_level", "matmul_3"] {
            assert_eq!(kernel_names(&source).filter(|own| *own == name).count(), 1, "{name}");
        }
        assert!(!source.contains("#include"));
    }
}
