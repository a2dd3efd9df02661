//! Map expressions as CUDA source: one kernel for each expression and way of reading its inputs.
//!
//! An interpreter on the device would read and decide about every instruction for every
//! element; a compiled expression keeps its registers in registers and is bound by memory alone. A
//! program has few different expressions, and compiling them takes about as long as a step.

use std::collections::HashMap;
use std::fmt::Write as _;

use assay_engine::{Expr, Instr, Op, Program, Shape};

/// How an input's flat index follows from the output's, `i`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// `i`.
    Same,
    /// 0.
    Scalar,
    /// `i % period`: only trailing dimensions are there.
    Trailing(u64),
    /// `i / repeat`: trailing dimensions are 1, the others as they are.
    Leading(u64),
    /// Anything else: sizes of the output and strides of the input, innermost first.
    General([u64; 4], [u64; 4]),
}

impl Access {
    pub fn of(input: &Shape, output: &Shape) -> Access {
        let count = input.elements();
        if count == output.elements() {
            return Access::Same;
        }
        if count == 1 {
            return Access::Scalar;
        }
        let (own, all) = (|axis| u64::from(input.from_right(axis)), |axis| u64::from(output.from_right(axis)));
        for cut in 1..output.rank() {
            let right: u64 = (0..cut).map(all).product();
            if (0..cut).all(|axis| own(axis) == all(axis)) && (cut..output.rank()).all(|axis| own(axis) == 1) {
                return Access::Trailing(right);
            }
            if (0..cut).all(|axis| own(axis) == 1) && (cut..output.rank()).all(|axis| own(axis) == all(axis)) {
                return Access::Leading(right);
            }
        }
        let mut strides = [0; 4];
        let mut stride = 1;
        for (axis, own_stride) in strides.iter_mut().enumerate() {
            if own(axis) != 1 {
                *own_stride = stride;
            }
            stride *= own(axis);
        }
        Access::General(std::array::from_fn(all), strides)
    }

    /// The argument after the input's pointer, as words.
    pub fn words(self) -> Vec<u64> {
        match self {
            Access::Same | Access::Scalar => vec![],
            Access::Trailing(n) | Access::Leading(n) => vec![n],
            Access::General(sizes, strides) => [sizes, strides].concat(),
        }
    }
}

/// A program's map kernels.
#[derive(Debug, Default)]
pub(crate) struct Maps {
    /// The source, without the law's part.
    pub source: String,
    /// The kernel of each op that is a map, by the op's number.
    pub kernel_of: HashMap<usize, String>,
}

impl Maps {
    pub fn of(program: &Program) -> Maps {
        let mut maps = Maps::default();
        let mut known: HashMap<String, String> = HashMap::new();
        for (number, node) in program.ops.iter().enumerate() {
            let Op::Map(expr) = &node.op else { continue };
            let shape = |id: u32| program.tensors[id as usize].shape;
            let output = shape(node.output);
            let access: Vec<Access> = node.inputs.iter().map(|&id| Access::of(&shape(id), &output)).collect();
            let rest = kernel(expr, &access, output.elements() >= 1 << 31);
            let next = format!("map_{}", known.len());
            let name = known.entry(rest).or_insert_with_key(|rest| {
                maps.source += &format!("KERNEL {next}{rest}\n");
                next
            });
            maps.kernel_of.insert(number, name.clone());
        }
        maps
    }
}

/// Parameters and body.
fn kernel(expr: &Expr, access: &[Access], wide: bool) -> String {
    let index = if wide { "u64" } else { "u32" };
    let mut text = "(float *out, u64 count, Report to".to_owned();
    for (i, access) in access.iter().enumerate() {
        let _ = write!(text, ", const float *x{i}");
        let _ = match access {
            Access::Same | Access::Scalar => Ok(()),
            Access::Trailing(_) | Access::Leading(_) => write!(text, ", u64 n{i}"),
            Access::General(..) => write!(text, ", Broadcast n{i}"),
        };
    }
    let _ = write!(text, ") {{\n    for ({index} i = GRID_START; i < ({index})count; i += GRID_STEP) {{\n");
    for (i, access) in access.iter().enumerate() {
        let at = match access {
            Access::Same => "i".to_owned(),
            Access::Scalar => "0".to_owned(),
            Access::Trailing(_) => format!("i % ({index})n{i}"),
            Access::Leading(_) => format!("i / ({index})n{i}"),
            Access::General(..) => format!("broadcast(n{i}, i)"),
        };
        let _ = writeln!(text, "        float r{i} = x{i}[{at}];");
    }
    for (i, instr) in expr.instrs.iter().enumerate() {
        let _ = writeln!(text, "        float r{} = {};", access.len() + i, value(instr));
    }
    let last = access.len() + expr.instrs.len() - 1;
    let _ = write!(text, "        store(out, i, r{last}, to);\n    }}\n}}");
    text
}

/// One instruction.
fn value(instr: &Instr) -> String {
    use Instr::*;
    match *instr {
        Const(bits) => format!("__uint_as_float({bits:#010x}u)"),
        Copy(a) => format!("r{a}"),
        Add(a, b) => format!("r{a} + r{b}"),
        Sub(a, b) => format!("r{a} - r{b}"),
        Mul(a, b) => format!("r{a} * r{b}"),
        Div(a, b) => format!("r{a} / r{b}"),
        Min(a, b) => format!("min_law(r{a}, r{b})"),
        Max(a, b) => format!("max_law(r{a}, r{b})"),
        Neg(a) => format!("negated(r{a})"),
        Abs(a) => format!("absolute(r{a})"),
        Sqrt(a) => format!("__fsqrt_rn(r{a})"),
        Rint(a) => format!("rint_law(r{a})"),
        Ldexp(a, k) => format!("ldexp_law(r{a}, {k})"),
        Exp(a) => format!("exp_law(r{a})"),
        Log(a) => format!("log_law(r{a})"),
        Tanh(a) => format!("tanh_law(r{a})"),
        SelectLt(a, b, x, y) => format!("r{a} < r{b} ? r{x} : r{y}"),
        SelectEq(a, b, x, y) => format!("r{a} == r{b} ? r{x} : r{y}"),
        Erf(a) => format!("erf_law(r{a})"),
        SinPi(a) => format!("sinpi_law(r{a})"),
        CosPi(a) => format!("cospi_law(r{a})"),
    }
}
