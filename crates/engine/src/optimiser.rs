//! Optimisers as ops of the program.

use assay_exact::Shape;

use crate::builder::{ExprBuilder, GraphBuilder, Reg, Var, expr};
use crate::error::EngineError;
use crate::model::{OptimiserSpec, ParameterGroup, Schedule, TrainingSpec};
use crate::program::Init;

const ZERO: Init = Init::Constant(0);
const ONE: Init = Init::Constant(0x3f80_0000);

/// A learning rate.
#[derive(Clone, Copy)]
enum Rate {
    Constant(f32),
    Tensor(Var),
}

/// Appends the update of every parameter from its gradient. Optimiser tensors are
/// named `optimiser/...` and start as [`OptimiserSpec`] says. `norm` is the gradients'.
pub(crate) fn apply(
    g: &mut GraphBuilder,
    spec: &TrainingSpec,
    parameters: &[Var],
    gradients: &[Var],
    norm: Var,
) -> Result<(), EngineError> {
    let (lr, weight_decay) = match spec.optimiser {
        OptimiserSpec::Sgd { lr, weight_decay, .. } | OptimiserSpec::AdamW { lr, weight_decay, .. } => {
            (lr.get(), weight_decay.get())
        }
    };
    let factor = spec.schedule.as_ref().map(|schedule| factor(g, schedule)).transpose()?;
    let clip = spec.clip.map(|clip| clip_scale(g, norm, clip.get())).transpose()?;
    let powers = match spec.optimiser {
        OptimiserSpec::Sgd { .. } => None,
        OptimiserSpec::AdamW { beta1, beta2, .. } => {
            Some([power(g, "beta1", beta1.get())?, power(g, "beta2", beta2.get())?])
        }
    };
    for (&w, &gradient) in parameters.iter().zip(gradients) {
        let name = g.name(w).to_owned();
        let group = spec.group(&name);
        let own = |get: fn(&ParameterGroup) -> Option<crate::F32>| group.and_then(get).map(crate::F32::get);
        let by_rank = if g.shape(w).rank() >= 2 { weight_decay } else { 0.0 };
        let decay = own(|group| group.weight_decay).unwrap_or(by_rank);
        let lr = own(|group| group.lr_scale).map_or(lr, |scale| lr * scale);
        let rate = match factor {
            None => Rate::Constant(lr),
            Some(factor) => Rate::Tensor(g.map_of("rate", [factor], |b, [factor]| {
                let lr = b.constant(lr);
                b.mul(lr, factor)
            })?),
        };
        let gradient = match clip {
            None => gradient,
            Some(scale) => g.map_of(&format!("{name}.clipped"), [gradient, scale], |b, [x, scale]| b.mul(x, scale))?,
        };
        let next = format!("{name}.next");
        let updated = match (spec.optimiser, powers) {
            (OptimiserSpec::AdamW { beta1, beta2, eps, .. }, Some([p1, p2])) => {
                let m = moment(g, &name, "moment1", gradient, beta1.get(), false)?;
                let v = moment(g, &name, "moment2", gradient, beta2.get(), true)?;
                descend(g, &next, &[w, m, v, p1, p2], rate, |b, r| {
                    let one = b.constant(1.0);
                    let (c1, c2) = (b.sub(one, r[3]), b.sub(one, r[4]));
                    let (mean, square) = (b.div(r[1], c1), b.div(r[2], c2));
                    let root = b.sqrt(square);
                    let eps = b.constant(eps.get());
                    let scale = b.add(root, eps);
                    let direction = b.div(mean, scale);
                    with_decay(b, direction, r[0], decay)
                })?
            }
            (OptimiserSpec::Sgd { momentum, .. }, _) if momentum.get() == 0.0 => {
                descend(g, &next, &[w, gradient], rate, |b, r| with_decay(b, r[1], r[0], decay))?
            }
            (OptimiserSpec::Sgd { momentum, .. }, _) => {
                let v = g.state(&format!("optimiser/velocity/{name}"), g.shape(w), ZERO);
                // Without decay the map does not read w; it may still be named.
                let velocity =
                    g.map_of(&format!("{name}.velocity.next"), [v, gradient, w], |b, [v, gradient, w]| {
                        let factor = b.constant(momentum.get());
                        let kept = b.mul(factor, v);
                        let direction = with_decay(b, gradient, w, decay);
                        b.add(kept, direction)
                    })?;
                g.update(v, velocity);
                descend(g, &next, &[w, velocity], rate, |_, r| r[1])?
            }
            (OptimiserSpec::AdamW { .. }, None) => unreachable!("AdamW has its powers"),
        };
        g.update(w, updated);
    }
    Ok(())
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

/// `w - rate * direction`, where `w` is the first of `inputs`.
fn descend(
    g: &mut GraphBuilder,
    name: &str,
    inputs: &[Var],
    rate: Rate,
    direction: impl FnOnce(&mut ExprBuilder, &[Reg]) -> Reg,
) -> Result<Var, EngineError> {
    let mut all = inputs.to_vec();
    if let Rate::Tensor(rate) = rate {
        all.push(rate);
    }
    let mut b = ExprBuilder::new(all.len());
    let registers: Vec<Reg> = (0..all.len()).map(|i| b.input(i)).collect();
    let direction = direction(&mut b, &registers);
    let rate = match rate {
        Rate::Constant(rate) => b.constant(rate),
        Rate::Tensor(_) => registers[inputs.len()],
    };
    let step = b.mul(rate, direction);
    let result = b.sub(registers[0], step);
    g.map(name, b.finish(result)?, &all)
}

/// The learning rate's factor in this step: see [`Schedule`].
fn factor(g: &mut GraphBuilder, schedule: &Schedule) -> Result<Var, EngineError> {
    let counter = g.counter()?;
    let mut parts = Vec::new();
    for part in 4..8 {
        let part = g.slice(&format!("step.part{part}"), counter, 0, part, 1)?;
        parts.push(g.reshape("step.part", part, Shape::SCALAR)?);
    }
    let step = g.map_of("step", [parts[0], parts[1], parts[2], parts[3]], |b, [low, parts @ ..]| {
        parts.into_iter().zip([16, 32, 48]).fold(low, |sum, (part, bits)| {
            let part = b.ldexp(part, bits);
            b.add(sum, part)
        })
    })?;
    g.map_of("rate.factor", [step], |b, [step]| {
        let (one, warmup) = (b.constant(1.0), b.constant(schedule.warmup as f32));
        let full = match schedule.cosine {
            None => one,
            Some(cosine) => {
                let floor = cosine.floor.get();
                let length = b.constant((cosine.until - schedule.warmup) as f32);
                let since = b.sub(step, warmup);
                let share = b.div(since, length);
                let share = b.min(share, one);
                let wave = b.cospi(share);
                let wave = b.add(one, wave);
                let (height, floor) = (b.constant((1.0 - floor) * 0.5), b.constant(floor));
                let wave = b.mul(height, wave);
                b.add(floor, wave)
            }
        };
        let next = b.add(step, one);
        let rising = b.div(next, warmup);
        if schedule.warmup == 0 { full } else { b.select_lt(step, warmup, rising, full) }
    })
}

/// What gradients of this norm are multiplied with so that it is at most `limit`.
fn clip_scale(g: &mut GraphBuilder, norm: Var, limit: f32) -> Result<Var, EngineError> {
    g.map_of("clip.scale", [norm], |b, [norm]| {
        let (limit, one) = (b.constant(limit), b.constant(1.0));
        let scale = b.div(limit, norm);
        b.select_lt(limit, norm, scale, one)
    })
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
