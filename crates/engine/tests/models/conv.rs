//! Convolutional nets.

use assay_engine::{Backend, Conv, ConvLayer, CpuBackend, ModelSpec, State, TrainingSpec};

use crate::{Batch, check_against_law, check_gradients, check_invariance, cross_entropy, lively, spec};

const LAYERS: &str = r#"
    { "convolution": { "channels": 4, "kernel": [3, 2], "padding": [1, 0], "activation": "gelu" } },
    { "max_pool": { "kernel": [2, 2] } },
    { "convolution": { "channels": 3, "kernel": [2, 2], "stride": [2, 1], "padding": [1, 1], "activation": "tanh" } },
    { "mean_pool": { "kernel": [1, 2] } }"#;

fn conv(layers: &str, rest: &str) -> TrainingSpec {
    spec(&format!(
        r#"{{ "model": {{ "conv": {{ "image": [2, 6, 7], "layers": [{layers}], "classes": 3 }} }}, "batch": 4, {rest} }}"#
    ))
}

const PLAIN: &str = r#""optimiser": { "sgd": { "lr": 1, "momentum": 0, "weight_decay": 0 } },
    "precision": { "forward": "int8x3", "grad_input": "int8x3", "grad_weight": "int8x3" }"#;
const WHOLE: &str = r#""optimiser": { "sgd": { "lr": 0.1, "momentum": 0.9, "weight_decay": 0.01 } },
    "precision": { "forward": "int8x2", "grad_input": "int8x1", "grad_weight": "int8x2" }, "block": 2, "clip": 0.5"#;
const LINEAR: &str = r#", { "dropout": { "rate": 0.25 } }, { "linear": { "outputs": 5, "activation": "gelu_tanh" } }"#;

/// Logits in binary64, for convolutions and pools.
fn reference(conv: &Conv, state: &State, features: &[f32]) -> Vec<Vec<f64>> {
    let get = |name: &str| -> Vec<f64> { state.get(name).unwrap().1.iter().map(|&x| f64::from(x)).collect() };
    let width: u32 = conv.image.iter().product();
    let logits = features.chunks(width as usize).map(|sample| {
        let mut x: Vec<f64> = sample.iter().map(|&x| f64::from(x)).collect();
        let [mut c, mut h, mut w] = conv.image.map(|size| size as usize);
        for (i, layer) in conv.layers.iter().enumerate() {
            let at = |ch: usize, y: isize, xx: isize| -> f64 {
                let inside = y >= 0 && xx >= 0 && (y as usize) < h && (xx as usize) < w;
                if inside { x[(ch * h + y as usize) * w + xx as usize] } else { 0.0 }
            };
            let (kernel, stride, padding, channels) = match *layer {
                ConvLayer::Convolution { kernel, stride, padding, channels, .. } => (kernel, stride, padding, channels),
                ConvLayer::MaxPool { kernel } | ConvLayer::MeanPool { kernel } => (kernel, kernel, [0, 0], c as u32),
                _ => unreachable!("not in this test"),
            };
            let size = |axis: usize, size: usize| {
                (size + 2 * padding[axis] as usize - kernel[axis] as usize) / stride[axis] as usize + 1
            };
            let (oh, ow) = (size(0, h), size(1, w));
            let mut next = Vec::new();
            for o in 0..channels as usize {
                for place in 0..oh * ow {
                    let window = (0..kernel[0] as usize * kernel[1] as usize).map(|k| {
                        let (ky, kx) = (k / kernel[1] as usize, k % kernel[1] as usize);
                        let y = (place / ow * stride[0] as usize + ky) as isize - padding[0] as isize;
                        let xx = (place % ow * stride[1] as usize + kx) as isize - padding[1] as isize;
                        (k, y, xx)
                    });
                    next.push(match layer {
                        ConvLayer::MaxPool { .. } => window.map(|(_, y, x)| at(o, y, x)).fold(f64::MIN, f64::max),
                        ConvLayer::MeanPool { .. } => {
                            window.map(|(_, y, x)| at(o, y, x)).sum::<f64>() / f64::from(kernel[0] * kernel[1])
                        }
                        _ => {
                            let (weight, bias) = (get(&format!("layer{i}.weight")), get(&format!("layer{i}.bias")));
                            let count = kernel[0] as usize * kernel[1] as usize;
                            let sum: f64 = window
                                .flat_map(|(k, y, x)| (0..c).map(move |ch| (ch, k, y, x)))
                                .map(|(ch, k, y, x)| weight[(o * c + ch) * count + k] * at(ch, y, x))
                                .sum();
                            let sum = sum + bias[o];
                            // The first has GELU, the second tanh; the error function by its series.
                            if i == 0 { 0.5 * sum * (1.0 + erf(sum / 2f64.sqrt())) } else { sum.tanh() }
                        }
                    });
                }
            }
            (x, c, h, w) = (next, channels as usize, oh, ow);
        }
        let (weight, bias) = (get("head.weight"), get("head.bias"));
        let classes = bias.len();
        (0..classes).map(|j| bias[j] + (0..x.len()).map(|i| x[i] * weight[i * classes + j]).sum::<f64>()).collect()
    });
    logits.collect()
}

fn erf(x: f64) -> f64 {
    let (mut term, mut sum) = (x, x);
    for n in 1..200 {
        term *= -x * x / f64::from(n);
        sum += term / f64::from(2 * n + 1);
    }
    sum * 2.0 / std::f64::consts::PI.sqrt()
}

#[test]
fn logits_and_losses_are_the_references() {
    let spec = conv(LAYERS, PLAIN);
    let ModelSpec::Conv(own) = &spec.model else { unreachable!() };
    let program = spec.compile().unwrap();
    let (state, batch) = (lively(&program), Batch::new(&spec, &program, 0));
    let mut session = CpuBackend::new(1).unwrap().prepare(&program).unwrap();
    session.load(&state).unwrap();
    let loss = f64::from(session.step(&batch.inputs()).unwrap().loss());
    let want = reference(own, &state, batch.get("features"));
    for (got, want) in session.tensor("logits").unwrap().data.iter().zip(want.iter().flatten()) {
        assert!((f64::from(*got) - want).abs() < 1e-4, "{got} {want}");
    }
    let want = cross_entropy(&want, batch.get("labels"));
    assert!((loss - want).abs() < 1e-5, "{loss} {want}");
}

#[test]
fn gradients_are_the_slopes() {
    check_gradients(&conv(LAYERS, PLAIN));
    check_gradients(&conv(&format!("{LAYERS}{LINEAR}"), &format!(r#"{PLAIN}, "block": 3"#)));
}

#[test]
fn cpu_equals_the_law() {
    check_against_law(&conv(&format!("{LAYERS}{LINEAR}"), WHOLE), 2);
}

#[test]
fn one_state_root_for_all_instructions_threads_and_parts() {
    check_invariance(&conv(&format!("{LAYERS}{LINEAR}"), WHOLE), 3);
}

/// A convolution's weights are a state tensor behind a reshape, and still weights.
#[test]
fn precision_of_each_kind_of_matmul_is_the_descriptions() {
    use assay_engine::{Op, Precision};
    let mut spec = conv(LAYERS, WHOLE);
    spec.precision.forward = Precision::Int8x1;
    spec.precision.grad_input = Precision::Int8x2;
    spec.precision.grad_weight = Precision::Int8x3;
    let mut seen = [0; 3];
    for node in &spec.compile().unwrap().ops {
        match node.op {
            Op::MatMul { precision, .. } => seen[precision as usize] += 1,
            Op::BlockMatMul { precision, .. } => {
                assert_eq!(precision, Precision::Int8x3);
                seen[2] += 1;
            }
            _ => {}
        }
    }
    // Three matmuls; the images themselves need no gradient.
    assert_eq!(seen, [3, 2, 3]);
}
