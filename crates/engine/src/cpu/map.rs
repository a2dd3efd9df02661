//! Maps, block by block: every instruction is one vector loop.
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::ops::Range;

use assay_exact::{Expr, Instr, MAX_INPUTS, MAX_INSTRS, Shape, functions, scalar};

use super::instructions::for_level;
use super::ldexp;
use super::reduce::all_finite;
use super::split::{Shared, Split};
use super::stores;
use crate::plan::{Fused, MAX_FUSED, Read, expr};
use crate::program::Program;
use crate::session::View;

/// Elements per block. Half a kibibyte in each register: all registers of an optimiser's maps fit the first cache,
/// which they would not with twice as many, and each instruction still goes through several vectors.
const BLOCK: usize = 128;

/// Elements of a line of the cache.
const LINE: usize = 16;

thread_local! {
    static REGISTERS: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Whether all results are finite.
pub(super) fn run(expr: &Expr, inputs: &[View<'_>], output: &Shape, out: &mut [f32], split: Split) -> bool {
    let sources = inputs.iter().map(|input| Source::Tensor(*input, Access::of(&input.shape, output)));
    run_parts(&[Part::new(expr, 0, sources)], output, &mut [out], split)
}

/// Maps that are done together, as [`Runner::run_maps`](crate::session::Runner::run_maps) says.
pub(super) fn run_all<'v>(
    program: &Program,
    maps: &[Fused],
    view: &dyn Fn(usize) -> View<'v>,
    output: &Shape,
    outs: &mut [&mut [f32]],
    split: Split,
) -> bool {
    let expr_of = |map: &Fused| expr(program, map.op).expect("a map");
    // Where each map's registers end.
    let mut ends = [0; MAX_FUSED];
    let mut end = 0;
    for (own, map) in ends.iter_mut().zip(maps) {
        end += map.inputs.len() + expr_of(map).instrs.len();
        *own = end;
    }
    let parts: [Part<'_>; MAX_FUSED] = std::array::from_fn(|i| {
        // The rest of the array is not used.
        let i = i.min(maps.len() - 1);
        let sources = maps[i].inputs.iter().map(|read| match *read {
            Read::Slot(slot) => {
                let view = view(slot);
                Source::Tensor(view, Access::of(&view.shape, output))
            }
            Read::Earlier(earlier) => Source::Register(ends[earlier] - 1),
        });
        Part::new(expr_of(&maps[i]), i.checked_sub(1).map_or(0, |before| ends[before]), sources)
    });
    run_parts(&parts[..maps.len()], output, outs, split)
}

/// Whole blocks on each thread.
fn run_parts(parts: &[Part<'_>], output: &Shape, outs: &mut [&mut [f32]], split: Split) -> bool {
    let length = outs[0].len();
    let streams = outs.iter().map(|out| size_of_val(*out)).sum::<usize>() >= stores::FROM;
    let count = outs.len();
    let mut outs = outs.iter_mut();
    let shared: [Shared<'_, f32>; MAX_FUSED] =
        std::array::from_fn(|_| Shared::new(outs.next().map_or(&mut [], |out| &mut **out)));
    let work = |units: Range<usize>| {
        let range = units.start * BLOCK..length.min(units.end * BLOCK);
        let start = range.start;
        let mut outs: [&mut [f32]; MAX_FUSED] = std::array::from_fn(|i| {
            let range = if i < count { range.clone() } else { 0..0 };
            // SAFETY: `reduce` hands out every unit once, and every output is another tensor.
            unsafe { shared[i].slice(range) }
        });
        chunk(split.level, parts, output, start, &mut outs[..count], streams)
    };
    let cost = parts.iter().map(|part| cost(part.expr)).sum::<usize>();
    split.reduce(length.div_ceil(BLOCK), BLOCK * cost, work, |a, b| a & b)
}

const _: () = assert!(MAX_INPUTS + MAX_INSTRS <= 128);

/// A map as it is computed.
struct Part<'a> {
    expr: &'a Expr,
    inputs: [Source<'a>; MAX_INPUTS],
    /// How many inputs there are.
    count: usize,
    /// Its first register: it has one for each input and then one for each instruction.
    first: usize,
    /// By its own register: whether it is the same in every block.
    fixed: u128,
}

/// What a map reads.
#[derive(Clone, Copy)]
enum Source<'a> {
    Tensor(View<'a>, Access),
    /// The last register of an earlier map.
    Register(usize),
}

impl<'a> Part<'a> {
    fn new(expr: &'a Expr, first: usize, sources: impl ExactSizeIterator<Item = Source<'a>>) -> Part<'a> {
        let count = sources.len();
        let mut inputs = [Source::Register(0); MAX_INPUTS];
        inputs.iter_mut().zip(sources).for_each(|(input, source)| *input = source);
        let is_scalar = |input: &Source<'_>| matches!(input, Source::Tensor(_, Access::Scalar));
        let mut fixed = (0..count).fold(0, |fixed, i| fixed | u128::from(is_scalar(&inputs[i])) << i);
        for (i, instr) in expr.instrs.iter().enumerate() {
            let (operands, reads) = instr.operands();
            let is_fixed = operands[..reads].iter().all(|&operand| fixed >> operand & 1 == 1);
            fixed |= u128::from(is_fixed) << (count + i);
        }
        Part { expr, inputs, count, first, fixed }
    }

    fn is_fixed(&self, own: usize) -> bool {
        self.fixed >> own & 1 == 1
    }

    /// The register of an instruction.
    fn register(&self, instr: usize) -> usize {
        self.first + self.count + instr
    }

    /// That of the last one.
    fn result(&self) -> usize {
        self.register(self.expr.instrs.len()) - 1
    }
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
    /// Computes the parts of `outs` that start at flat index `start` of the output. Whether all of it is finite.
    fn chunk(
        level;
        parts: &[Part<'_>],
        output: &Shape,
        start: usize,
        outs: &mut [&mut [f32]],
        streams: bool,
    ) -> bool {
        // Taken, not borrowed: see `for_level`.
        let mut file = REGISTERS.take();
        let count = parts.last().map_or(0, |part| part.result() + 1);
        if file.len() < count * BLOCK + LINE {
            file.resize(count * BLOCK + LINE, 0.0);
        }
        // A vector that crosses a line of the cache takes twice as long.
        let aligned = file.as_ptr().align_offset(4 * LINE);
        let registers = &mut file[aligned..];
        let length = outs[0].len();
        // What is the same in every block is written once.
        let width = length.min(BLOCK);
        for part in parts {
            for (i, source) in part.inputs[..part.count].iter().enumerate() {
                if let Source::Tensor(input, Access::Scalar) = source {
                    registers[(part.first + i) * BLOCK..][..width].fill(input.data[0]);
                }
            }
            for (i, instr) in part.expr.instrs.iter().enumerate() {
                if part.is_fixed(part.count + i) {
                    let (before, rest) = registers.split_at_mut(part.register(i) * BLOCK);
                    let own = |number: u8| &before[(part.first + usize::from(number)) * BLOCK..][..width];
                    apply(instr, own, &mut rest[..width]);
                }
            }
        }
        let mut finite = true;
        for at in (0..length).step_by(BLOCK) {
            let width = (length - at).min(BLOCK);
            for (part, out) in parts.iter().zip(outs.iter_mut()) {
                let inputs = &part.inputs[..part.count];
                for (i, source) in inputs.iter().enumerate() {
                    if let Source::Tensor(input, access) = source {
                        let register = &mut registers[(part.first + i) * BLOCK..][..width];
                        load(input, *access, output, start + at, register);
                    }
                }
                for (i, instr) in part.expr.instrs.iter().enumerate() {
                    if part.is_fixed(part.count + i) {
                        continue;
                    }
                    let (before, rest) = registers.split_at_mut(part.register(i) * BLOCK);
                    let register = |number: u8| match inputs.get(usize::from(number)) {
                        // Read where it is.
                        Some(Source::Tensor(input, Access::Same)) => &input.data[start + at..][..width],
                        Some(Source::Register(earlier)) => &before[earlier * BLOCK..][..width],
                        _ => &before[(part.first + usize::from(number)) * BLOCK..][..width],
                    };
                    apply(instr, register, &mut rest[..width]);
                }
                let last = &registers[part.result() * BLOCK..][..width];
                let out = &mut out[at..][..width];
                if streams { stores::stream(last, out) } else { out.copy_from_slice(last) }
                finite &= all_finite(last);
            }
        }
        REGISTERS.set(file);
        if streams {
            stores::fence();
        }
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
        Const(bits) => out.fill(f32::from_bits(bits)),
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
    use super::super::instructions::Level;
    use super::*;

    #[test]
    fn what_is_too_large_for_the_caches_is_the_same() {
        let count = stores::FROM / 4 + 3;
        let shape = Shape::new(&[count as u32]).unwrap();
        let data: Vec<f32> = (0..count).map(|i| i as f32).collect();
        let scale = [0.75];
        let inputs = [View { shape, data: &data }, View { shape: Shape::SCALAR, data: &scale }];
        // The constant and what is made of it and the scalar are the same in every block.
        let expr = Expr { instrs: vec![Instr::Const(2f32.to_bits()), Instr::Mul(1, 2), Instr::Mul(0, 3)] };
        for threads in [1, 3] {
            let mut out = vec![0.0; count];
            let split = Split { threads, grain: 1 << 20, level: Level::best() };
            assert!(run(&expr, &inputs, &shape, &mut out, split));
            assert!(out.iter().enumerate().all(|(i, x)| *x == 1.5 * i as f32));
        }
    }

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
