//! Derivatives of map expressions, as map expressions.

use assay_exact::{Expr, Instr};

use crate::builder::{ExprBuilder, Reg};
use crate::error::EngineError;

/// What a derivative reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// An input of the original map.
    Input(usize),
    /// The gradient of the original map's output.
    Gradient,
    /// The original map's output.
    Output,
}

/// The derivative by input `wrt` of an expression with `inputs` inputs, times the
/// gradient of its output: an expression and what it reads, in order. `None` if it
/// is zero everywhere.
///
/// At a kink the derivative is the one of the branch that the comparison takes.
pub(crate) fn derivative(expr: &Expr, inputs: usize, wrt: usize) -> Result<Option<(Expr, Vec<Source>)>, EngineError> {
    let count = inputs + expr.instrs.len();
    let mut active = vec![false; count];
    active[wrt] = true;
    for (i, instr) in expr.instrs.iter().enumerate() {
        let (operands, used) = instr.operands();
        active[inputs + i] = operands[..used].iter().any(|&r| active[usize::from(r)]);
    }
    if inputs + 2 > assay_exact::MAX_INPUTS {
        return Err(EngineError::Program(format!("a map of {inputs} inputs is too wide to be differentiated")));
    }
    let mut b = ExprBuilder::new(inputs + 2);
    let (gradient, output) = (b.input(inputs), b.input(inputs + 1));

    // The forward values again; the last one is at hand as the output.
    let mut value: Vec<Reg> = (0..inputs).map(|i| b.input(i)).collect();
    for (i, instr) in expr.instrs.iter().enumerate() {
        let reg = if i + 1 == expr.instrs.len() {
            output
        } else {
            b.push(instr.renamed(|r| ExprBuilder::number(value[usize::from(r)])))
        };
        value.push(reg);
    }

    let mut adjoint: Vec<Option<Reg>> = vec![None; count];
    adjoint[count - 1] = Some(gradient);
    for (i, instr) in expr.instrs.iter().enumerate().rev() {
        let (own, Some(g)) = (value[inputs + i], adjoint[inputs + i]) else { continue };
        for (operand, term) in terms(&mut b, instr, &value, own, g, &active) {
            let slot = &mut adjoint[usize::from(operand)];
            *slot = Some(slot.map_or(term, |sum| b.add(sum, term)));
        }
    }

    let Some(result) = adjoint[wrt] else { return Ok(None) };
    let kept = b.used_inputs(result);
    let sources = kept
        .iter()
        .map(|&input| match input {
            i if i < inputs => Source::Input(i),
            i if i == inputs => Source::Gradient,
            _ => Source::Output,
        })
        .collect();
    Ok(Some((b.finish_using(result, &kept)?, sources)))
}

/// What an instruction with gradient `g` adds to the gradients of its operands.
fn terms(b: &mut ExprBuilder, instr: &Instr, value: &[Reg], own: Reg, g: Reg, active: &[bool]) -> Vec<(u8, Reg)> {
    use Instr::*;
    let v = |r: u8| value[usize::from(r)];
    let on = |r: u8| active[usize::from(r)];
    let mut out = Vec::new();
    match *instr {
        Const(_) | Rint(_) => {}
        Copy(a) => out.push((a, g)),
        Add(x, y) => out.extend([(x, g), (y, g)]),
        Sub(x, y) => {
            out.push((x, g));
            if on(y) {
                out.push((y, b.neg(g)));
            }
        }
        Mul(x, y) => {
            if on(x) {
                out.push((x, b.mul(g, v(y))));
            }
            if on(y) {
                out.push((y, b.mul(g, v(x))));
            }
        }
        Div(x, y) => {
            let quotient = b.div(g, v(y));
            out.push((x, quotient));
            if on(y) {
                let product = b.mul(quotient, own);
                out.push((y, b.neg(product)));
            }
        }
        Min(x, y) => {
            let zero = b.constant(0.0);
            out.push((y, b.select_lt(v(y), v(x), g, zero)));
            out.push((x, b.select_lt(v(y), v(x), zero, g)));
        }
        Max(x, y) => {
            let zero = b.constant(0.0);
            out.push((y, b.select_lt(v(x), v(y), g, zero)));
            out.push((x, b.select_lt(v(x), v(y), zero, g)));
        }
        Neg(a) => out.push((a, b.neg(g))),
        Abs(a) => {
            let (zero, negative) = (b.constant(0.0), b.neg(g));
            out.push((a, b.select_lt(v(a), zero, negative, g)));
        }
        Sqrt(a) => {
            let twice = b.add(own, own);
            out.push((a, b.div(g, twice)));
        }
        Ldexp(a, k) => out.push((a, b.ldexp(g, k))),
        Exp(a) => out.push((a, b.mul(g, own))),
        Log(a) => out.push((a, b.div(g, v(a)))),
        Tanh(a) => {
            let square = b.mul(own, own);
            let one = b.constant(1.0);
            let slope = b.sub(one, square);
            out.push((a, b.mul(g, slope)));
        }
        Erf(a) => {
            let square = b.mul(v(a), v(a));
            let negative = b.neg(square);
            let (bell, factor) = (b.exp(negative), b.constant(std::f32::consts::FRAC_2_SQRT_PI));
            let slope = b.mul(factor, bell);
            out.push((a, b.mul(g, slope)));
        }
        SinPi(a) | CosPi(a) => {
            let (turned, factor) = match instr {
                SinPi(_) => (b.push(CosPi(ExprBuilder::number(v(a)))), std::f32::consts::PI),
                _ => (b.push(SinPi(ExprBuilder::number(v(a)))), -std::f32::consts::PI),
            };
            let factor = b.constant(factor);
            let slope = b.mul(factor, turned);
            out.push((a, b.mul(g, slope)));
        }
        SelectLt(x, y, yes, no) => {
            let zero = b.constant(0.0);
            out.push((yes, b.select_lt(v(x), v(y), g, zero)));
            out.push((no, b.select_lt(v(x), v(y), zero, g)));
        }
        SelectEq(x, y, yes, no) => {
            let zero = b.constant(0.0);
            out.push((yes, b.select_eq(v(x), v(y), g, zero)));
            out.push((no, b.select_eq(v(x), v(y), zero, g)));
        }
    }
    out.retain(|&(operand, _)| on(operand));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expr: &Expr, points: &[Vec<f32>]) {
        for point in points {
            for wrt in 0..point.len() {
                let slope = |h: f64| {
                    let mut at = point.clone();
                    at[wrt] = (f64::from(point[wrt]) + h) as f32;
                    (f64::from(expr.eval(&at)), f64::from(at[wrt]))
                };
                let ((y1, x1), (y0, x0)) = (slope(1e-2), slope(-1e-2));
                let want = 3.0 * (y1 - y0) / (x1 - x0);
                let got = match derivative(expr, point.len(), wrt).unwrap() {
                    None => 0.0,
                    Some((d, sources)) => {
                        let values: Vec<f32> = sources
                            .iter()
                            .map(|source| match source {
                                Source::Input(i) => point[*i],
                                Source::Gradient => 3.0,
                                Source::Output => expr.eval(point),
                            })
                            .collect();
                        f64::from(d.eval(&values))
                    }
                };
                assert!((got - want).abs() < 2e-3 * (1.0 + want.abs()), "{got} {want} {expr:?}");
            }
        }
    }

    #[test]
    fn agree_with_finite_differences() {
        let points = [vec![0.7, -1.3], vec![1.9, 0.4], vec![0.3, 2.5]];
        type Make = fn(&mut ExprBuilder, Reg, Reg) -> Reg;
        let cases: [Make; 20] = [
            |b, x, y| b.add(x, y),
            |b, x, y| b.sub(x, y),
            |b, x, y| b.mul(x, y),
            |b, x, y| b.div(x, y),
            |b, x, y| b.min(x, y),
            |b, x, y| b.max(x, y),
            |b, _, y| b.neg(y),
            |b, _, y| b.abs(y),
            |b, x, _| b.sqrt(x),
            |b, x, _| b.exp(x),
            |b, x, _| b.log(x),
            |b, x, y| {
                let product = b.mul(x, y);
                b.tanh(product)
            },
            |b, x, _| b.erf(x),
            |b, _, y| b.sinpi(y),
            |b, x, _| b.cospi(x),
            |b, x, y| b.select_lt(x, y, y, x),
            |b, x, y| b.select_eq(x, y, x, y),
            |b, x, _| b.ldexp(x, -3),
            |b, x, y| {
                let (square, e) = (b.mul(x, x), b.exp(y));
                let sum = b.add(square, e);
                let root = b.sqrt(sum);
                b.div(root, x)
            },
            |_, x, _| x,
        ];
        for make in cases {
            let mut b = ExprBuilder::new(2);
            let (x, y) = (b.input(0), b.input(1));
            let result = make(&mut b, x, y);
            check(&b.finish(result).unwrap(), &points);
        }
    }

    #[test]
    fn activations_have_finite_derivatives() {
        use assay_exact::maps::{gelu, gelu_tanh, sigmoid, silu};
        for expr in [sigmoid(), silu(), gelu(), gelu_tanh()] {
            check(&expr, &[-3.0, -0.5, 0.7, 4.0].map(|x| vec![x]));
            let (slope, sources) = derivative(&expr, 1, 0).unwrap().unwrap();
            for x in [1e12f32, 1e4, 100.0, 12.0, 1e-30, 0.0].into_iter().flat_map(|x| [x, -x]) {
                let values: Vec<f32> = sources
                    .iter()
                    .map(|source| match source {
                        Source::Input(_) => x,
                        Source::Gradient => 1.0,
                        Source::Output => expr.eval(&[x]),
                    })
                    .collect();
                let got = slope.eval(&values);
                // From 0 far below to 0 (of the sigmoid) or 1 far above, and not much beyond between.
                assert!((-0.2..1.2).contains(&got), "{got} at {x}");
            }
        }
    }

    #[test]
    fn no_dependence_is_none() {
        let b = ExprBuilder::new(2);
        let result = b.input(0);
        assert!(derivative(&b.finish(result).unwrap(), 2, 1).unwrap().is_none());
    }
}
