//! Map expressions for functions that need no instruction of their own.
//!
//! Each is an expression of one input, to be used as it is or copied into a longer
//! one. Of all but [`rsqrt`], neither the expression nor the chain rule over its
//! instructions overflows for `|x| < 2^40`.

use alloc::vec::Vec;

use crate::expr::Expr;
use crate::expr::Instr::{self, Abs, Add, Const, Div, Erf, Exp, Mul, Neg, SelectLt, Sqrt, Tanh};

const HALF: u32 = 0x3f00_0000;
const ONE: u32 = 0x3f80_0000;
/// sqrt(1/2), rounded to nearest.
const SQRT_HALF: u32 = 0x3f35_04f3;
/// sqrt(2/pi), rounded to nearest.
const SQRT_2_OVER_PI: u32 = 0x3f4c_422a;
/// 0.044715, rounded to nearest.
const GELU_CUBIC: u32 = 0x3d37_2713;

fn expr(instrs: &[Instr]) -> Expr {
    Expr { instrs: Vec::from(instrs) }
}

/// `1 / sqrt(x)`.
#[must_use]
pub fn rsqrt() -> Expr {
    expr(&[Sqrt(0), Const(ONE), Div(2, 1)])
}

/// The logistic function `1 / (1 + e^-x)`: with `t = exp(-|x|)`, it is
/// `(if x < 0 { t } else { 1 }) / (1 + t)`.
#[must_use]
pub fn sigmoid() -> Expr {
    expr(&SIGMOID)
}

const SIGMOID: [Instr; 8] = [Abs(0), Neg(1), Exp(2), Const(ONE), Add(4, 3), Const(0), SelectLt(0, 6, 3, 4), Div(7, 5)];

/// `x * sigmoid(x)`, with [`sigmoid`] as it is.
#[must_use]
pub fn silu() -> Expr {
    let mut instrs = Vec::from(SIGMOID);
    instrs.push(Mul(0, 8));
    Expr { instrs }
}

/// GELU: `(0.5 * x) * (1 + erf(x * sqrt(1/2)))`.
///
/// Hendrycks, Gimpel: "Gaussian error linear units" (2016).
#[must_use]
pub fn gelu() -> Expr {
    expr(&[Const(SQRT_HALF), Mul(0, 1), Erf(2), Const(ONE), Add(4, 3), Const(HALF), Mul(6, 0), Mul(7, 5)])
}

/// GELU by the hyperbolic tangent, as GPT-2 has it:
/// `(0.5 * x) * (1 + tanh(sqrt(2/pi) * (x + 0.044715 * ((x * x) * x))))`.
#[must_use]
pub fn gelu_tanh() -> Expr {
    expr(&[
        Mul(0, 0),
        Mul(1, 0),
        Const(GELU_CUBIC),
        Mul(3, 2),
        Add(0, 4),
        Const(SQRT_2_OVER_PI),
        Mul(6, 5),
        Tanh(7),
        Const(ONE),
        Add(9, 8),
        Const(HALF),
        Mul(11, 0),
        Mul(12, 10),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        let at = |expr: Expr, x: f32| {
            assert_eq!(expr.check(1), Ok(()));
            expr.eval(&[x])
        };
        let close = |got: f32, want: f32| assert!((got - want).abs() < 2e-7, "{got} should be {want}");
        close(at(rsqrt(), 16.0), 0.25);
        close(at(sigmoid(), 0.0), 0.5);
        close(at(sigmoid(), 1.0), 0.731_058_6);
        close(at(sigmoid(), -1.0), 0.268_941_4);
        assert_eq!((at(sigmoid(), -1e30), at(sigmoid(), 1e30)), (0.0, 1.0));
        close(at(silu(), -1.0), -0.268_941_4);
        close(at(gelu(), 1.0), 0.841_344_8);
        close(at(gelu(), -1.0), -0.158_655_25);
        close(at(gelu_tanh(), 1.0), 0.841_192);
        close(at(gelu_tanh(), -1.0), -0.158_808);
        // Far below zero both are -0, which is a number.
        assert_eq!((at(gelu(), -1e10), at(gelu_tanh(), -1e10)), (0.0, 0.0));
    }
}
