//! The error of exp, log and tanh against binary64, over a dense sample by
//! default and over all inputs when asked for.

use assay_exact::functions::{exp, log, tanh};

/// The greatest error of `got` against `want` over every `step`-th input bit
/// pattern, in units of the last place of the true result.
fn greatest_error(name: &str, step: usize, got: impl Fn(f32) -> f32, want: impl Fn(f64) -> f64) -> f64 {
    let mut worst = (0.0, 0.0f32);
    for bits in (0..=u32::MAX).step_by(step) {
        let x = f32::from_bits(bits);
        let real = want(f64::from(x));
        // Beyond binary32's range or outside the domain: only the kind is checked.
        if !x.is_finite() || !(real as f32).is_finite() {
            if x.is_finite() {
                assert!(!got(x).is_finite(), "{name}({x:e}) should not be finite");
            }
            continue;
        }
        let result = got(x);
        assert!(result.is_finite(), "{name}({x:e}) is {result}, not {real:e}");
        // The unit of the last place: 2^(exponent - 23), and 2^-149 for subnormals.
        let exponent = ((real as f32).abs().to_bits() >> 23).max(1) as i32 - 150;
        let error = (f64::from(result) - real).abs() / 2f64.powi(exponent);
        if error > worst.0 {
            worst = (error, x);
        }
    }
    println!("{name}: {:.4} units of the last place, at {:e}", worst.0, worst.1);
    worst.0
}

fn check(step: usize) {
    let errors = [
        greatest_error("exp", step, exp, f64::exp),
        greatest_error("log", step, log, f64::ln),
        greatest_error("tanh", step, tanh, f64::tanh),
    ];
    for (error, bound) in errors.into_iter().zip([1.0247, 0.8349, 1.3304]) {
        assert!(error < bound, "{error} should be below {bound}");
    }
}

#[test]
fn errors_on_a_dense_sample() {
    check(1021);
}

#[test]
#[ignore = "all 2^32 inputs, ten minutes on an idle core: run with -- --ignored --nocapture"]
fn errors_on_every_input() {
    check(1);
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
}
