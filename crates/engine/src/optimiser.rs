//! Optimisers as ops of the program.

use assay_exact::{Expr, Shape};

use crate::builder::{ExprBuilder, GraphBuilder, Reg, Var};
use crate::error::EngineError;
use crate::model::OptimiserSpec;
use crate::program::Init;

const ZERO: Init = Init::Constant(0);
const ONE: Init = Init::Constant(0x3f80_0000);

/// An expression of `N` inputs.
fn expr<const N: usize>(make: impl FnOnce(&mut ExprBuilder, [Reg; N]) -> Reg) -> Result<Expr, EngineError> {
    let mut b = ExprBuilder::new(N);
    let inputs = std::array::from_fn(|i| b.input(i));
    let result = make(&mut b, inputs);
    b.finish(result)
}

/// `w` times the decay added to `x`, where there is any.
fn with_decay(b: &mut ExprBuilder, x: Reg, w: Reg, decay: f32) -> Reg {
    if decay == 0.0 {
        return x;
    }
    let factor = b.constant(decay);
    let part = b.mul(factor, w);
    b.add(x, part)
}

/// `w - lr * direction`.
fn descend(b: &mut ExprBuilder, w: Reg, direction: Reg, lr: f32) -> Reg {
    let rate = b.constant(lr);
    let step = b.mul(rate, direction);
    b.sub(w, step)
}

/// Appends the update of every parameter from its gradient. Optimiser tensors are
/// named `optimiser/...` and start as [`OptimiserSpec`] says.
pub(crate) fn apply(
    g: &mut GraphBuilder,
    spec: &OptimiserSpec,
    parameters: &[Var],
    gradients: &[Var],
) -> Result<(), EngineError> {
    let powers = match spec {
        OptimiserSpec::Sgd { .. } => None,
        OptimiserSpec::AdamW { beta1, beta2, .. } => {
            Some((power(g, "beta1", beta1.get())?, power(g, "beta2", beta2.get())?))
        }
    };
    for (&w, &gradient) in parameters.iter().zip(gradients) {
        let name = g.name(w).to_owned();
        let decays = g.shape(w).rank() >= 2;
        let updated = match (spec, powers) {
            (OptimiserSpec::AdamW { lr, beta1, beta2, eps, weight_decay }, Some(powers)) => {
                let decay = if decays { weight_decay.get() } else { 0.0 };
                let m = moment(g, &name, "moment1", gradient, beta1.get(), false)?;
                let v = moment(g, &name, "moment2", gradient, beta2.get(), true)?;
                let update = expr(|b, [w, m, v, p1, p2]| {
                    let one = b.constant(1.0);
                    let (c1, c2) = (b.sub(one, p1), b.sub(one, p2));
                    let (mean, square) = (b.div(m, c1), b.div(v, c2));
                    let root = b.sqrt(square);
                    let eps = b.constant(eps.get());
                    let scale = b.add(root, eps);
                    let direction = b.div(mean, scale);
                    let direction = with_decay(b, direction, w, decay);
                    descend(b, w, direction, lr.get())
                })?;
                g.map(&format!("{name}.next"), update, &[w, m, v, powers.0, powers.1])?
            }
            (OptimiserSpec::Sgd { lr, momentum, weight_decay }, _) => {
                let decay = if decays { weight_decay.get() } else { 0.0 };
                let lr = lr.get();
                if momentum.get() == 0.0 {
                    let update = expr(|b, [w, gradient]| {
                        let direction = with_decay(b, gradient, w, decay);
                        descend(b, w, direction, lr)
                    })?;
                    g.map(&format!("{name}.next"), update, &[w, gradient])?
                } else {
                    let shape = g.shape(w);
                    let v = g.state(&format!("optimiser/velocity/{name}"), shape, ZERO);
                    let velocity = expr(|b, [v, gradient, w]| {
                        let factor = b.constant(momentum.get());
                        let kept = b.mul(factor, v);
                        let direction = with_decay(b, gradient, w, decay);
                        b.add(kept, direction)
                    })?;
                    // Without decay the map does not read w; it may still be named.
                    let next = g.map(&format!("{name}.velocity.next"), velocity, &[v, gradient, w])?;
                    g.update(v, next);
                    let update = expr(|b, [w, v]| descend(b, w, v, lr))?;
                    g.map(&format!("{name}.next"), update, &[w, next])?
                }
            }
            (OptimiserSpec::AdamW { .. }, None) => unreachable!("AdamW has its powers"),
        };
        g.update(w, updated);
    }
    Ok(())
}

/// The state scalar holding a power of beta, multiplied once per step; gives the
/// power after this step.
fn power(g: &mut GraphBuilder, name: &str, beta: f32) -> Result<Var, EngineError> {
    let state = g.state(&format!("optimiser/{name}-power"), Shape::SCALAR, ONE);
    let times = expr(|b, [p]| {
        let beta = b.constant(beta);
        b.mul(p, beta)
    })?;
    let next = g.map(&format!("{name}-power.next"), times, &[state])?;
    g.update(state, next);
    Ok(next)
}

/// `beta * m + (1 - beta) * g`, or with `g^2` for the second moment, computed as
/// `((1 - beta) * g) * g`; `1 - beta` is rounded once, ahead of time.
fn moment(
    g: &mut GraphBuilder,
    parameter: &str,
    name: &str,
    gradient: Var,
    beta: f32,
    squared: bool,
) -> Result<Var, EngineError> {
    let shape = g.shape(gradient);
    let state = g.state(&format!("optimiser/{name}/{parameter}"), shape, ZERO);
    let next = expr(|b, [m, gradient]| {
        let (keep, take) = (b.constant(beta), b.constant(1.0 - beta));
        let kept = b.mul(keep, m);
        let mut taken = b.mul(take, gradient);
        if squared {
            taken = b.mul(taken, gradient);
        }
        b.add(kept, taken)
    })?;
    let next = g.map(&format!("{parameter}.{name}.next"), next, &[state, gradient])?;
    g.update(state, next);
    Ok(next)
}
