//! Map expressions: straight-line programs over binary32 scalars.

use alloc::vec::Vec;
use parity_scale_codec::{Decode, Encode};

use crate::functions;
use crate::scalar;

/// The most inputs of an expression.
pub const MAX_INPUTS: usize = 16;
/// The most instructions of an expression.
pub const MAX_INSTRS: usize = 64;

/// One instruction. Its operands are register numbers: with `n` inputs, registers
/// `0..n` are the inputs and register `n + i` is the result of instruction `i`.
/// An instruction may only name registers before its own.
///
/// Arithmetic is IEEE 754 binary32, each operation rounded to nearest even, with
/// subnormals, nothing fused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub enum Instr {
    /// The number with these bits.
    #[codec(index = 0)]
    Const(u32),
    /// The register as it is.
    #[codec(index = 1)]
    Copy(u8),
    /// `a + b`.
    #[codec(index = 2)]
    Add(u8, u8),
    /// `a - b`.
    #[codec(index = 3)]
    Sub(u8, u8),
    /// `a * b`.
    #[codec(index = 4)]
    Mul(u8, u8),
    /// `a / b`.
    #[codec(index = 5)]
    Div(u8, u8),
    /// `if b < a { b } else { a }`.
    #[codec(index = 6)]
    Min(u8, u8),
    /// `if b > a { b } else { a }`.
    #[codec(index = 7)]
    Max(u8, u8),
    /// `a` with its sign bit flipped.
    #[codec(index = 8)]
    Neg(u8),
    /// `a` with its sign bit cleared.
    #[codec(index = 9)]
    Abs(u8),
    /// [`scalar::sqrt`].
    #[codec(index = 10)]
    Sqrt(u8),
    /// [`scalar::rint`].
    #[codec(index = 11)]
    Rint(u8),
    /// [`scalar::ldexp`] by a fixed power.
    #[codec(index = 12)]
    Ldexp(u8, i16),
    /// [`functions::exp`].
    #[codec(index = 13)]
    Exp(u8),
    /// [`functions::log`].
    #[codec(index = 14)]
    Log(u8),
    /// [`functions::tanh`].
    #[codec(index = 15)]
    Tanh(u8),
    /// `if a < b { x } else { y }`, operands in the order `a, b, x, y`.
    #[codec(index = 16)]
    SelectLt(u8, u8, u8, u8),
    /// `if a == b { x } else { y }`, operands in the order `a, b, x, y`
    /// (`-0 == +0`).
    #[codec(index = 17)]
    SelectEq(u8, u8, u8, u8),
    /// [`functions::erf`].
    #[codec(index = 18)]
    Erf(u8),
    /// [`functions::sinpi`].
    #[codec(index = 19)]
    SinPi(u8),
    /// [`functions::cospi`].
    #[codec(index = 20)]
    CosPi(u8),
}

impl Instr {
    /// The registers it reads, and how many of the four places are used.
    #[must_use]
    pub fn operands(&self) -> ([u8; 4], usize) {
        use Instr::*;
        match *self {
            Const(_) => ([0; 4], 0),
            Copy(a)
            | Neg(a)
            | Abs(a)
            | Sqrt(a)
            | Rint(a)
            | Ldexp(a, _)
            | Exp(a)
            | Log(a)
            | Tanh(a)
            | Erf(a)
            | SinPi(a)
            | CosPi(a) => ([a, 0, 0, 0], 1),
            Add(a, b) | Sub(a, b) | Mul(a, b) | Div(a, b) | Min(a, b) | Max(a, b) => ([a, b, 0, 0], 2),
            SelectLt(a, b, x, y) | SelectEq(a, b, x, y) => ([a, b, x, y], 4),
        }
    }

    /// The same instruction with every operand replaced by `rename(operand)`.
    #[must_use]
    pub fn renamed(self, rename: impl Fn(u8) -> u8) -> Instr {
        use Instr::*;
        let r = rename;
        match self {
            Const(bits) => Const(bits),
            Copy(a) => Copy(r(a)),
            Add(a, b) => Add(r(a), r(b)),
            Sub(a, b) => Sub(r(a), r(b)),
            Mul(a, b) => Mul(r(a), r(b)),
            Div(a, b) => Div(r(a), r(b)),
            Min(a, b) => Min(r(a), r(b)),
            Max(a, b) => Max(r(a), r(b)),
            Neg(a) => Neg(r(a)),
            Abs(a) => Abs(r(a)),
            Sqrt(a) => Sqrt(r(a)),
            Rint(a) => Rint(r(a)),
            Ldexp(a, k) => Ldexp(r(a), k),
            Exp(a) => Exp(r(a)),
            Log(a) => Log(r(a)),
            Tanh(a) => Tanh(r(a)),
            Erf(a) => Erf(r(a)),
            SinPi(a) => SinPi(r(a)),
            CosPi(a) => CosPi(r(a)),
            SelectLt(a, b, x, y) => SelectLt(r(a), r(b), r(x), r(y)),
            SelectEq(a, b, x, y) => SelectEq(r(a), r(b), r(x), r(y)),
        }
    }

    /// The result, given the registers before it.
    fn eval(&self, registers: &[f32]) -> f32 {
        use Instr::*;
        let r = |register: u8| registers[usize::from(register)];
        match *self {
            Const(bits) => f32::from_bits(bits),
            Copy(a) => r(a),
            Add(a, b) => r(a) + r(b),
            Sub(a, b) => r(a) - r(b),
            Mul(a, b) => r(a) * r(b),
            Div(a, b) => r(a) / r(b),
            Min(a, b) => scalar::min(r(a), r(b)),
            Max(a, b) => scalar::max(r(a), r(b)),
            Neg(a) => f32::from_bits(r(a).to_bits() ^ 0x8000_0000),
            Abs(a) => f32::from_bits(r(a).to_bits() & 0x7fff_ffff),
            Sqrt(a) => scalar::sqrt(r(a)),
            Rint(a) => scalar::rint(r(a)),
            Ldexp(a, k) => scalar::ldexp(r(a), i32::from(k)),
            Exp(a) => functions::exp(r(a)),
            Log(a) => functions::log(r(a)),
            Tanh(a) => functions::tanh(r(a)),
            Erf(a) => functions::erf(r(a)),
            SinPi(a) => functions::sinpi(r(a)),
            CosPi(a) => functions::cospi(r(a)),
            SelectLt(a, b, x, y) => {
                if r(a) < r(b) {
                    r(x)
                } else {
                    r(y)
                }
            }
            SelectEq(a, b, x, y) => {
                if r(a) == r(b) {
                    r(x)
                } else {
                    r(y)
                }
            }
        }
    }
}

/// A map expression: the result of its last instruction. Only that result must be
/// finite; results in between follow IEEE 754, infinities and NaNs included.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub struct Expr {
    /// The instructions, in order.
    pub instrs: Vec<Instr>,
}

/// Why an expression is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExprError {
    /// There are no instructions, or more than [`MAX_INSTRS`].
    Length(usize),
    /// There are more than [`MAX_INPUTS`] inputs.
    Inputs(usize),
    /// An instruction names a register that is not before its own.
    Register {
        /// The instruction.
        instr: usize,
        /// The register it names.
        register: u8,
    },
}

impl core::fmt::Display for ExprError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            ExprError::Length(n) => {
                write!(f, "an expression has 1 to {MAX_INSTRS} instructions, not {n}")
            }
            ExprError::Inputs(n) => {
                write!(f, "an expression has at most {MAX_INPUTS} inputs, not {n}")
            }
            ExprError::Register { instr, register } => {
                write!(f, "instruction {instr} reads register {register}, which is not before it")
            }
        }
    }
}

impl core::error::Error for ExprError {}

impl Expr {
    /// Checks that the expression can be evaluated with `inputs` inputs.
    ///
    /// # Errors
    /// [`ExprError`] says what is wrong.
    pub fn check(&self, inputs: usize) -> Result<(), ExprError> {
        if inputs > MAX_INPUTS {
            return Err(ExprError::Inputs(inputs));
        }
        if self.instrs.is_empty() || self.instrs.len() > MAX_INSTRS {
            return Err(ExprError::Length(self.instrs.len()));
        }
        for (instr, instruction) in self.instrs.iter().enumerate() {
            let (operands, used) = instruction.operands();
            for &register in &operands[..used] {
                if usize::from(register) >= inputs + instr {
                    return Err(ExprError::Register { instr, register });
                }
            }
        }
        Ok(())
    }

    /// The value at one index, for an expression that [`Expr::check`] accepts.
    ///
    /// # Panics
    /// If the expression does not fit the number of inputs.
    #[must_use]
    pub fn eval(&self, inputs: &[f32]) -> f32 {
        let mut registers = [0.0; MAX_INPUTS + MAX_INSTRS];
        registers[..inputs.len()].copy_from_slice(inputs);
        let mut next = inputs.len();
        for instruction in &self.instrs {
            registers[next] = instruction.eval(&registers[..next]);
            next += 1;
        }
        registers[next - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn evaluates_in_order() {
        // relu(a * 2 + b)
        let expr = Expr {
            instrs: vec![
                Instr::Const(2f32.to_bits()),
                Instr::Mul(0, 2),
                Instr::Add(3, 1),
                Instr::Const(0),
                Instr::SelectLt(5, 4, 4, 5),
            ],
        };
        assert_eq!(expr.check(2), Ok(()));
        assert_eq!(expr.eval(&[3.0, -1.0]), 5.0);
        assert_eq!(expr.eval(&[-3.0, -1.0]), 0.0);
    }

    #[test]
    fn refuses_what_cannot_be_evaluated() {
        assert_eq!(Expr { instrs: vec![] }.check(1), Err(ExprError::Length(0)));
        assert_eq!(Expr { instrs: vec![Instr::Neg(1)] }.check(1), Err(ExprError::Register { instr: 0, register: 1 }));
        assert_eq!(Expr { instrs: vec![Instr::Const(0)] }.check(17), Err(ExprError::Inputs(17)));
        assert!(Expr { instrs: vec![Instr::Const(0); 65] }.check(0).is_err());
    }

    #[test]
    fn products_and_sums_are_not_fused() {
        // The product's last bits are rounded away before the addition.
        let x = 1.0f32 + scalar::ldexp(1.0, -12);
        let expr = Expr { instrs: vec![Instr::Mul(0, 0), Instr::Add(2, 1)] };
        assert_eq!(expr.eval(&[x, -(x * x)]).to_bits(), 0);
    }
}
