//! Building map expressions.

use assay_exact::{Expr, Instr, MAX_INPUTS};

use crate::error::EngineError;

/// A register of an expression that is being built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reg(u8);

/// Builds a map expression; equal instructions are kept once and unused ones dropped.
#[derive(Clone, Debug)]
pub struct ExprBuilder {
    inputs: usize,
    instrs: Vec<Instr>,
    full: bool,
}

macro_rules! instructions {
    ($($(#[$doc:meta])* $name:ident($($arg:ident),*) => $instr:ident;)*) => {
        impl ExprBuilder {
            $(
                $(#[$doc])*
                pub fn $name(&mut self, $($arg: Reg),*) -> Reg {
                    self.push(Instr::$instr($($arg.0),*))
                }
            )*
        }
    };
}

instructions! {
    /// `a + b`.
    add(a, b) => Add;
    /// `a - b`.
    sub(a, b) => Sub;
    /// `a * b`.
    mul(a, b) => Mul;
    /// `a / b`.
    div(a, b) => Div;
    /// `if b < a { b } else { a }`.
    min(a, b) => Min;
    /// `if b > a { b } else { a }`.
    max(a, b) => Max;
    /// `-a`.
    neg(a) => Neg;
    /// `|a|`.
    abs(a) => Abs;
    /// Square root.
    sqrt(a) => Sqrt;
    /// Nearest integer, ties to even.
    rint(a) => Rint;
    /// `e^a`.
    exp(a) => Exp;
    /// Natural logarithm.
    log(a) => Log;
    /// Hyperbolic tangent.
    tanh(a) => Tanh;
    /// Error function.
    erf(a) => Erf;
    /// `sin(pi a)`.
    sinpi(a) => SinPi;
    /// `cos(pi a)`.
    cospi(a) => CosPi;
    /// `if a < b { x } else { y }`.
    select_lt(a, b, x, y) => SelectLt;
    /// `if a == b { x } else { y }`.
    select_eq(a, b, x, y) => SelectEq;
}

impl ExprBuilder {
    /// An expression of `inputs` inputs.
    ///
    /// # Panics
    /// If there are more than 16 inputs.
    #[must_use]
    pub fn new(inputs: usize) -> ExprBuilder {
        assert!(inputs <= MAX_INPUTS, "an expression has at most {MAX_INPUTS} inputs");
        ExprBuilder { inputs, instrs: Vec::new(), full: false }
    }

    /// Input number `i`.
    ///
    /// # Panics
    /// If there are not so many inputs.
    #[must_use]
    pub fn input(&self, i: usize) -> Reg {
        assert!(i < self.inputs, "input {i} of {}", self.inputs);
        Reg(i as u8)
    }

    /// A constant.
    pub fn constant(&mut self, x: f32) -> Reg {
        self.push(Instr::Const(x.to_bits()))
    }

    /// `a * 2^k`.
    pub fn ldexp(&mut self, a: Reg, k: i16) -> Reg {
        self.push(Instr::Ldexp(a.0, k))
    }

    /// The value of a whole expression at these arguments.
    ///
    /// # Panics
    /// If it names an argument that is not there, or has no instruction.
    pub fn inline(&mut self, expr: &Expr, arguments: &[Reg]) -> Reg {
        let mut registers = arguments.to_vec();
        for instr in &expr.instrs {
            let reg = self.push(instr.renamed(|register| registers[usize::from(register)].0));
            registers.push(reg);
        }
        assert!(!expr.instrs.is_empty(), "an expression without instructions");
        registers[registers.len() - 1]
    }

    /// Appends an instruction whose operands are registers of this builder.
    pub(crate) fn push(&mut self, instr: Instr) -> Reg {
        let at = self.instrs.iter().position(|own| *own == instr).unwrap_or_else(|| {
            self.instrs.push(instr);
            self.instrs.len() - 1
        });
        u8::try_from(self.inputs + at).map(Reg).unwrap_or_else(|_| {
            self.full = true;
            Reg(0)
        })
    }

    pub(crate) fn number(reg: Reg) -> u8 {
        reg.0
    }

    /// The expression whose value is `result`.
    ///
    /// # Errors
    /// It takes more than 64 instructions.
    pub fn finish(self, result: Reg) -> Result<Expr, EngineError> {
        let inputs = self.inputs;
        self.finish_using(result, &(0..inputs).collect::<Vec<_>>())
    }

    /// The inputs that `result` depends on.
    pub(crate) fn used_inputs(&self, result: Reg) -> Vec<usize> {
        let needed = self.needed(result);
        (0..self.inputs).filter(|&input| needed[input]).collect()
    }

    /// The expression over only the given inputs, in the given order.
    pub(crate) fn finish_using(self, result: Reg, kept: &[usize]) -> Result<Expr, EngineError> {
        let too_long = || EngineError::Program("a map expression is too long".into());
        if self.full {
            return Err(too_long());
        }
        let needed = self.needed(result);
        let mut renamed = vec![0u8; self.inputs + self.instrs.len()];
        for (place, &input) in kept.iter().enumerate() {
            renamed[input] = place as u8;
        }
        let mut instrs = Vec::new();
        for (i, instr) in self.instrs.iter().enumerate() {
            if needed[self.inputs + i] {
                renamed[self.inputs + i] = (kept.len() + instrs.len()) as u8;
                instrs.push(instr.renamed(|register| renamed[usize::from(register)]));
            }
        }
        // The last instruction is the result; an instruction that the result needs never follows it.
        if usize::from(result.0) < self.inputs {
            instrs.push(Instr::Copy(renamed[usize::from(result.0)]));
        }
        let expr = Expr { instrs };
        expr.check(kept.len()).map_err(|error| EngineError::Program(error.to_string()))?;
        Ok(expr)
    }

    fn needed(&self, result: Reg) -> Vec<bool> {
        let mut needed = vec![false; self.inputs + self.instrs.len()];
        needed[usize::from(result.0)] = true;
        for (i, instr) in self.instrs.iter().enumerate().rev() {
            if needed[self.inputs + i] {
                let (operands, used) = instr.operands();
                for &register in &operands[..used] {
                    needed[usize::from(register)] = true;
                }
            }
        }
        needed
    }
}
