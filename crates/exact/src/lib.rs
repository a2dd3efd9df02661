//! The law for numbers, in code.
//!
//! A training step is a flat list of [`Op`]s. This crate says what every element
//! of every op's output is, bit for bit, by code that is short rather than fast:
//! [`element`]. Back ends may compute in any order, with any number of threads
//! and any instructions, and are wrong if they differ from it in one bit. A court
//! that must decide about one element evaluates the same function.
//!
//! There are three kinds of op and no other kind:
//!
//! 1. **map** ([`Expr`]): a fixed expression of the input elements at the same
//!    (broadcast) index, from operations that IEEE 754 rounds correctly;
//! 2. **exact sum** ([`sum`]): every addend becomes an integer on one shared
//!    power-of-two grid; the integers are added exactly; one rounding at the end;
//! 3. **exact matmul** ([`quantise`]): rows and columns become integers of 7, 14
//!    or 21 bits and a sign; their dot product is exact; one rounding at the end.
//!
//! Sums over the samples of a batch may be *long* sums ([`long`]): the real sum,
//! rounded once, which needs no look at all addends beforehand, so that a batch can be
//! worked on part by part. Moving values (transpose, reshape, gather) rounds nothing.
//!
//! `docs/law.md` says the same in prose, for whoever wants to write it anew.
//!
//! No reduction depends on the order of its addends, which is why the same job
//! gives the same bits everywhere.
//!
//! The crate is `no_std`; it needs `alloc` only for the instruction list of an
//! [`Expr`], and no float operation beyond IEEE binary32 add, subtract, multiply,
//! divide, compare and conversion (soft-float will do).
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod check;
mod element;
mod expr;
pub mod functions;
pub mod long;
pub mod maps;
mod op;
pub mod order;
pub mod philox;
pub mod quantise;
pub mod scalar;
mod shape;
pub mod sum;
mod window;

pub use element::{ElementError, Operand, SliceOperand, element, integer_below};
pub use expr::{Expr, ExprError, Instr, MAX_INPUTS, MAX_INSTRS};
pub use op::{Op, Precision, ShapeError};
pub use shape::{MAX_RANK, Shape};
pub use window::Window;
