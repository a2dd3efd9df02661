//! The error of the functions against binary64, over a dense sample by default and
//! over all inputs when asked for.

use assay_exact::functions::{cospi, erf, exp, log, sinpi, tanh};
use assay_exact::{Expr, maps};
use std::f64::consts::{FRAC_1_SQRT_2, PI};
use std::ops::Range;

/// A function, what it should be, and how far off it may be.
struct Case {
    name: &'static str,
    got: Box<dyn Fn(f32) -> f32 + Sync>,
    want: fn(f64) -> f64,
    /// Whether the error is in units of the last place of the input, not the result.
    by_input: bool,
    /// Bits of the magnitudes that are all tried. On the others the function is so simple
    /// that every 1,021st input will do.
    varies: Range<u32>,
    /// No error reaches this; just above the greatest over all inputs.
    bound: f64,
}

fn function(name: &'static str, got: fn(f32) -> f32, want: fn(f64) -> f64, bound: f64) -> Case {
    Case { name, got: Box::new(got), want, by_input: false, varies: ALL, bound }
}

fn map(name: &'static str, expr: Expr, want: fn(f64) -> f64, by_input: bool, bound: f64) -> Case {
    Case { name, got: Box::new(move |x| expr.eval(&[x])), want, by_input, varies: ALL, bound }
}

/// All magnitudes.
const ALL: Range<u32> = 0..u32::MAX;
/// From 2^-26 to 8: below, both forms of GELU are `x / 2`, above, `x` or `-0`.
const GELU_VARIES: Range<u32> = 0x3280_0000..0x4100_0000;

/// `x` less the nearest even integer: exact.
fn turn(x: f64) -> f64 {
    x - 2.0 * (x / 2.0).round_ties_even()
}

/// The sine of `pi x`, with the multiple of pi/2 taken off before it is rounded.
fn sine(x: f64) -> f64 {
    let x = turn(x);
    let quarter = (2.0 * x).round_ties_even();
    let rest = PI * (x - quarter / 2.0);
    match quarter as i32 & 3 {
        0 => rest.sin(),
        1 => rest.cos(),
        2 => -rest.sin(),
        _ => -rest.cos(),
    }
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn cases() -> Vec<Case> {
    let gelu_tanh: fn(f64) -> f64 = |x| x * logistic(2.0 * (2.0 / PI).sqrt() * (x + 0.044715 * x * x * x));
    let gelu: fn(f64) -> f64 = |x| 0.5 * x * libm::erfc(-x * FRAC_1_SQRT_2);
    vec![
        function("exp", exp, f64::exp, 1.0247),
        function("log", log, f64::ln, 0.8349),
        function("tanh", tanh, f64::tanh, 1.3304),
        function("erf", erf, libm::erf, 1.5251),
        function("sinpi", sinpi, sine, 1.6206),
        function("cospi", cospi, |x| sine(turn(x) + 0.5), 1.6206),
        map("rsqrt", maps::rsqrt(), |x| 1.0 / x.sqrt(), false, 1.4904),
        map("sigmoid", maps::sigmoid(), logistic, false, 2.4020),
        map("silu", maps::silu(), |x| x * logistic(x), true, 1.9466),
        Case { varies: GELU_VARIES, ..map("gelu", maps::gelu(), gelu, true, 1.5808) },
        Case { varies: GELU_VARIES, ..map("gelu_tanh", maps::gelu_tanh(), gelu_tanh, true, 1.5693) },
    ]
}

/// The unit of the last place of `x`: 2^(exponent - 23), and 2^-149 for subnormals.
fn last_place(x: f32) -> f64 {
    2f64.powi((x.abs().to_bits() >> 23).max(1) as i32 - 150)
}

impl Case {
    /// The greatest error over every `step`-th input in `range`, and its place.
    fn worst(&self, range: Range<u64>, step: usize) -> (f64, f32) {
        let mut worst = (0.0, 0.0f32);
        for bits in range.step_by(step) {
            if !self.varies.contains(&(bits as u32 & 0x7fff_ffff)) && !bits.is_multiple_of(1021) {
                continue;
            }
            let x = f32::from_bits(bits as u32);
            let real = (self.want)(f64::from(x));
            let result = (self.got)(x);
            // Beyond binary32's range or outside the domain: only the kind is checked.
            if !x.is_finite() || !(real as f32).is_finite() {
                assert!(!x.is_finite() || !result.is_finite(), "{}({x:e}) should not be finite", self.name);
                continue;
            }
            assert!(result.is_finite(), "{}({x:e}) is {result}, not {real:e}", self.name);
            let unit = last_place(if self.by_input { x } else { real as f32 });
            let error = (f64::from(result) - real).abs() / unit;
            if error > worst.0 {
                worst = (error, x);
            }
        }
        worst
    }

    /// Tries every `step`-th input on all cores, and prints a row of the table.
    fn check(&self, step: usize) {
        let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
        let part = (1u64 << 32).div_ceil(threads).next_multiple_of(step as u64);
        let worst = std::thread::scope(|scope| {
            let running: Vec<_> = (0..threads)
                .map(|i| scope.spawn(move || self.worst(i * part..((i + 1) * part).min(1 << 32), step)))
                .collect();
            let found = running.into_iter().map(|thread| thread.join().expect("no assertion failed"));
            // The first of equals, however many threads there are.
            found.reduce(|a, b| if b.0 > a.0 { b } else { a }).expect("at least one thread")
        });
        let (error, x) = worst;
        let of = if self.by_input { "input" } else { "result" };
        println!("| `{}` | {error:.4} | {of} | {x:e} (`{:08x}`) |", self.name, x.to_bits());
        assert!(error < self.bound, "{}: {error} at {x:e} should be below {}", self.name, self.bound);
    }
}

#[test]
fn errors_on_a_dense_sample() {
    cases().iter().for_each(|case| case.check(1021));
}

/// `scripts/bench law` puts the rows that this prints into `docs/law.md`.
#[test]
#[ignore = "all 2^32 inputs of each function, 20 minutes: scripts/bench law"]
fn errors_on_every_input() {
    println!();
    cases().iter().for_each(|case| case.check(1));
}

#[test]
fn special_values() {
    assert_eq!(exp(0.0), 1.0);
    assert_eq!(exp(-200.0).to_bits(), 0);
    assert_eq!(exp(89.0), f32::INFINITY);
    assert!(exp(f32::NAN).is_nan());
    assert_eq!(log(1.0).to_bits(), 0);
    assert_eq!(log(0.0), f32::NEG_INFINITY);
    assert_eq!(log(-0.0), f32::NEG_INFINITY);
    assert_eq!(log(f32::INFINITY), f32::INFINITY);
    assert!(log(-1.0).is_nan() && log(f32::NAN).is_nan());
    assert_eq!(tanh(-0.0).to_bits(), 0x8000_0000);
    assert_eq!(tanh(40.0), 1.0);
    assert_eq!(tanh(-f32::MAX), -1.0);
    assert!(tanh(f32::NAN).is_nan());
    assert_eq!(erf(-0.0).to_bits(), 0x8000_0000);
    assert_eq!((erf(3.9), erf(4.0), erf(-f32::MAX), erf(f32::INFINITY)), (1.0f32.next_down(), 1.0, -1.0, 1.0));
    assert!(erf(f32::NAN).is_nan());
}

#[test]
fn turns_are_exact() {
    let zero = |x: f32| sinpi(x).to_bits();
    assert_eq!((zero(0.0), zero(1.0), zero(2.0), zero(3e9)), (0, 0, 0, 0));
    assert_eq!((zero(-0.0), zero(-1.0), zero(-f32::MAX)), (0x8000_0000, 0x8000_0000, 0x8000_0000));
    assert_eq!((sinpi(0.5), sinpi(1.5), sinpi(-0.5), sinpi(-2.5)), (1.0, -1.0, -1.0, -1.0));
    assert_eq!((cospi(0.0), cospi(1.0), cospi(-1.0), cospi(8_388_609.0), cospi(3e9)), (1.0, -1.0, -1.0, -1.0, 1.0));
    assert_eq!((cospi(0.5).to_bits(), cospi(1.5).to_bits(), cospi(-0.5).to_bits()), (0, 0, 0));
    for x in [f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
        assert!(sinpi(x).is_nan() && cospi(x).is_nan());
    }
}
