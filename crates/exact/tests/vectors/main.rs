//! The test vectors in `docs/vectors`: what this crate gives for them has not changed,
//! and an implementation written from `docs/law.md` gives the same.
//!
//! After a deliberate change of the law,
//! `ASSAY_WRITE_VECTORS=1 cargo test -p assay-exact --test vectors` writes them anew.

mod case;
mod file;
mod matmul;
mod moves;
mod random;
mod scalars;
mod sums;

use file::{check, folder};
use std::process::Command;

#[test]
fn scalars() {
    check("scalars", "Scalar operations, all numbers as binary32 bits.", scalars::scalars());
}

#[test]
fn functions() {
    check("functions", "Functions of one number: pairs of input and result, as binary32 bits.", scalars::functions());
}

#[test]
fn maps() {
    check("maps", "Map expressions; op is the SCALE encoding.", scalars::maps());
}

#[test]
fn sums() {
    check("sums", "Exact sums, long sums, maxima, totals, scatter-adds, folds.", sums::cases());
}

#[test]
fn matmuls() {
    check("matmul", "Exact and block products in the three precisions.", matmul::cases());
}

#[test]
fn moves() {
    check("moves", "Ops that move values or make them, and shapes that are refused.", moves::cases());
}

#[test]
fn randoms() {
    check("random", "Philox, the order of samples, and the op random.", random::cases());
}

/// The second implementation, over whatever is in the folder.
#[test]
fn another_implementation_agrees() {
    if std::env::var_os("ASSAY_WRITE_VECTORS").is_some() {
        return;
    }
    let output = Command::new("python3")
        .arg(folder().join("check.py"))
        .output()
        .expect("python3 runs docs/vectors/check.py: install it (Debian: apt-get install python3)");
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}
