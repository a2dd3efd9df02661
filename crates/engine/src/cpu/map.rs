//! Maps, block by block: every instruction is one vector loop.

use std::cell::RefCell;

use assay_exact::{Expr, Instr, MAX_INPUTS, Shape, functions, scalar};

use super::instructions::for_level;
use super::ldexp;
use super::reduce::all_finite;
use super::split::Split;
use crate::session::View;

/// Elements per block; a register of a block is a kibibyte.
const BLOCK: usize = 256;

thread_local! {
    static REGISTERS: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Whether all results are finite.
pub(super) fn run(expr: &Expr, inputs: &[View<'_>], output: &Shape, out: &mut [f32], split: Split) -> bool {
    let mut access = [Access::Same; MAX_INPUTS];
    for (access, input) in access.iter_mut().zip(inputs) {
        *access = Access::of(&input.shape, output);
    }
    // Whole blocks per part.
    split.fill(out, BLOCK, BLOCK * cost(expr), |start, out| {
        chunk(split.level, expr, inputs, &access[..inputs.len()], output, start, out)
    })
}

/// The cost of an element, in simple element operations.
pub(super) fn cost(expr: &Expr) -> usize {
    use Instr::*;
    let of = |instr: &Instr| match instr {
        Exp(_) | Log(_) | Tanh(_) | Erf(_) | SinPi(_) | CosPi(_) => 16,
        Div(..) | Sqrt(_) => 4,
        _ => 1,
    };
    expr.instrs.iter().map(of).sum()
}

/// How an input's flat index follows from the output's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    /// The same.
    Same,
    /// Always 0.
    Scalar,
    /// The output's modulo this: only trailing dimensions are there.
    Trailing(usize),
    /// The output's divided by this: trailing dimensions are 1, the others as they are.
    Leading(usize),
    /// Anything else.
    General,
}

impl Access {
    fn of(input: &Shape, output: &Shape) -> Access {
        let count = input.elements();
        if count == output.elements() {
            return Access::Same;
        }
        if count == 1 {
            return Access::Scalar;
        }
        let (rank, equal) = (output.rank(), |axis| input.from_right(axis) == output.from_right(axis));
        let is_one = |axis| input.from_right(axis) == 1;
        for cut in 1..rank {
            let right: u64 = (0..cut).map(|axis| u64::from(output.from_right(axis))).product();
            if (0..cut).all(equal) && (cut..rank).all(is_one) {
                return Access::Trailing(right as usize);
            }
            if (0..cut).all(is_one) && (cut..rank).all(equal) {
                return Access::Leading(right as usize);
            }
        }
        Access::General
    }
}

for_level! {
    /// Computes `out`, which starts at flat index `start` of the output. Whether all of it is finite.
    fn chunk(
        level;
        expr: &Expr,
        inputs: &[View<'_>],
        access: &[Access],
        output: &Shape,
        start: usize,
        out: &mut [f32],
    ) -> bool {
        // Taken, not borrowed: see `for_level`.
        let mut registers = REGISTERS.take();
        let count = inputs.len() + expr.instrs.len();
        if registers.len() < count * BLOCK {
            registers.resize(count * BLOCK, 0.0);
        }
        // What is the same in every block is written once.
        let width = out.len().min(BLOCK);
        for (i, (input, access)) in inputs.iter().zip(access).enumerate() {
            if *access == Access::Scalar {
                registers[i * BLOCK..][..width].fill(input.data[0]);
            }
        }
        for (i, instr) in expr.instrs.iter().enumerate() {
            if let Instr::Const(bits) = instr {
                registers[(inputs.len() + i) * BLOCK..][..width].fill(f32::from_bits(*bits));
            }
        }
        let mut finite = true;
        for (block, out) in out.chunks_mut(BLOCK).enumerate() {
            let at = start + block * BLOCK;
            for (i, (input, access)) in inputs.iter().zip(access).enumerate() {
                let register = &mut registers[i * BLOCK..][..out.len()];
                load(input, *access, output, at, register);
            }
            for (i, instr) in expr.instrs.iter().enumerate() {
                let (before, rest) = registers.split_at_mut((inputs.len() + i) * BLOCK);
                let register = |number: u8| match (inputs.get(usize::from(number)), access.get(usize::from(number))) {
                    // Read where it is.
                    (Some(input), Some(Access::Same)) => &input.data[at..][..out.len()],
                    _ => &before[usize::from(number) * BLOCK..][..out.len()],
                };
                apply(instr, register, &mut rest[..out.len()]);
            }
            let last = &registers[(count - 1) * BLOCK..][..out.len()];
            out.copy_from_slice(last);
            finite &= all_finite(last);
        }
        REGISTERS.set(registers);
        finite
    }
}

/// Fills a register with an input's elements for output indices from `at` on, unless they
/// are at hand already.
#[inline(always)]
fn load(input: &View<'_>, access: Access, output: &Shape, at: usize, register: &mut [f32]) {
    match access {
        // Written ahead of the blocks; read where it is.
        Access::Scalar | Access::Same => {}
        Access::Trailing(period) => {
            let mut from = at % period;
            let mut rest = register;
            while !rest.is_empty() {
                let run = rest.len().min(period - from);
                let (own, after) = rest.split_at_mut(run);
                own.copy_from_slice(&input.data[from..][..run]);
                (rest, from) = (after, 0);
            }
        }
        Access::Leading(repeat) => {
            let (mut from, mut left) = (at / repeat, repeat - at % repeat);
            let mut rest = register;
            while !rest.is_empty() {
                let run = rest.len().min(left);
                let (own, after) = rest.split_at_mut(run);
                own.fill(input.data[from]);
                (rest, from, left) = (after, from + 1, repeat);
            }
        }
        Access::General => {
            for (i, value) in register.iter_mut().enumerate() {
                let index = input.shape.broadcast_index(output, (at + i) as u64);
                *value = input.data[index as usize];
            }
        }
    }
}

/// One instruction over a block.
#[inline(always)]
fn apply<'a>(instr: &Instr, r: impl Fn(u8) -> &'a [f32], out: &mut [f32]) {
    use Instr::*;
    match *instr {
        // Written ahead of the blocks.
        Const(_) => {}
        Copy(a) => {
            let a = r(a);
            out.copy_from_slice(a);
        }
        Add(a, b) => two(r(a), r(b), out, |a, b| a + b),
        Sub(a, b) => two(r(a), r(b), out, |a, b| a - b),
        Mul(a, b) => two(r(a), r(b), out, |a, b| a * b),
        Div(a, b) => two(r(a), r(b), out, |a, b| a / b),
        Min(a, b) => two(r(a), r(b), out, scalar::min),
        Max(a, b) => two(r(a), r(b), out, scalar::max),
        Neg(a) => one(r(a), out, |a| f32::from_bits(a.to_bits() ^ 0x8000_0000)),
        Abs(a) => one(r(a), out, |a| f32::from_bits(a.to_bits() & 0x7fff_ffff)),
        // IEEE 754 square root: the standard library's is correctly rounded.
        Sqrt(a) => one(r(a), out, f32::sqrt),
        Rint(a) => one(r(a), out, scalar::rint),
        Ldexp(a, k) => {
            // Beyond 2^+-400 every finite number has long overflowed or vanished.
            let k = i32::from(k).clamp(-400, 400);
            one(r(a), out, |a| ldexp(a, k));
        }
        Exp(a) => one(r(a), out, functions::exp),
        Log(a) => one(r(a), out, functions::log),
        Tanh(a) => one(r(a), out, functions::tanh),
        Erf(a) => one(r(a), out, functions::erf),
        SinPi(a) => one(r(a), out, functions::sinpi),
        CosPi(a) => one(r(a), out, functions::cospi),
        SelectLt(a, b, x, y) => four(r(a), r(b), r(x), r(y), out, |a, b| a < b),
        SelectEq(a, b, x, y) => four(r(a), r(b), r(x), r(y), out, |a, b| a == b),
    }
}

#[inline(always)]
fn one(a: &[f32], out: &mut [f32], f: impl Fn(f32) -> f32) {
    for (out, a) in out.iter_mut().zip(a) {
        *out = f(*a);
    }
}

#[inline(always)]
fn two(a: &[f32], b: &[f32], out: &mut [f32], f: impl Fn(f32, f32) -> f32) {
    for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
        *out = f(*a, *b);
    }
}

#[inline(always)]
fn four(a: &[f32], b: &[f32], x: &[f32], y: &[f32], out: &mut [f32], f: impl Fn(f32, f32) -> bool) {
    for ((((out, a), b), x), y) in out.iter_mut().zip(a).zip(b).zip(x).zip(y) {
        *out = if f(*a, *b) { *x } else { *y };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_agrees_with_broadcasting() {
        let output = Shape::new(&[2, 3, 4]).unwrap();
        let cases: [(&[u32], Access); 7] = [
            (&[2, 3, 4], Access::Same),
            (&[1, 1], Access::Scalar),
            (&[4], Access::Trailing(4)),
            (&[1, 3, 4], Access::Trailing(12)),
            (&[2, 3, 1], Access::Leading(4)),
            (&[2, 1, 1], Access::Leading(12)),
            (&[2, 1, 4], Access::General),
        ];
        for (dims, want) in cases {
            let shape = Shape::new(dims).unwrap();
            assert_eq!(Access::of(&shape, &output), want, "{shape}");
            let data: Vec<f32> = (0..shape.elements()).map(|i| i as f32).collect();
            let view = View { shape, data: &data };
            for at in 0..24 {
                let mut register = vec![f32::NAN; 24 - at];
                match want {
                    Access::Scalar => register.fill(0.0),
                    Access::Same => register.copy_from_slice(&data[at..]),
                    _ => {}
                }
                load(&view, want, &output, at, &mut register);
                for (i, got) in register.iter().enumerate() {
                    let index = shape.broadcast_index(&output, (at + i) as u64);
                    assert_eq!(*got, index as f32);
                }
            }
        }
    }
}
