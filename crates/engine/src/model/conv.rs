//! Convolutional nets.

use assay_exact::{Window, scalar};
use parity_scale_codec::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::{Activation, Forward, MAX_LAYERS, in_range, size};
use crate::builder::{GraphBuilder, Var, extent, shape};
use crate::error::EngineError;
use crate::float::F32;
use crate::program::Init;

/// A convolutional net for classification: layers one after another, then a linear classifier over
/// all that the last has made.
///
/// A sample's features are an image's, channel by channel, row by row. Tensors: for the layers
/// that have any, numbered by their place in the list from 0, `layer{i}.weight` (`[channels out, channels
/// in, height, width]` of a convolution, `[inputs, outputs]` of a linear layer) and `layer{i}.bias`; then
/// `head.weight` and `head.bias`. Weights start uniform in `[-b, b)` with `b = sqrt(6 / fan-in)`
/// before an activation other than tanh, otherwise `b = sqrt(6 / (fan-in + fan-out))`; the
/// fans of a convolution count the elements of its kernel. Biases start at 0.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv {
    /// Channels, height and width of an image.
    pub image: [u32; 3],
    /// The layers before the classifier.
    pub layers: Vec<ConvLayer>,
    /// The number of classes, at least 2.
    pub classes: u32,
}

/// A layer of a convolutional net. Pairs are (vertical, horizontal).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ConvLayer {
    /// A convolution with a bias per channel, and an activation if there is one.
    #[codec(index = 0)]
    Convolution {
        /// Channels that it makes.
        channels: u32,
        /// The kernel's size.
        kernel: [u32; 2],
        /// How far it moves at a time; 1 if left out.
        #[serde(default = "ones")]
        stride: [u32; 2],
        /// Zeros around the image; none if left out.
        #[serde(default)]
        padding: [u32; 2],
        /// What follows it.
        #[serde(default)]
        activation: Option<Activation>,
    },
    /// The greatest element in each window, channel by channel.
    #[codec(index = 1)]
    MaxPool {
        /// The window's size, which is also how far it moves.
        kernel: [u32; 2],
    },
    /// The mean of each window, channel by channel.
    #[codec(index = 2)]
    MeanPool {
        /// The window's size, which is also how far it moves.
        kernel: [u32; 2],
    },
    /// All elements of a sample to `outputs` numbers. Only linear layers and dropout may follow it.
    #[codec(index = 3)]
    Linear {
        /// Numbers that it makes.
        outputs: u32,
        /// What follows it.
        #[serde(default)]
        activation: Option<Activation>,
    },
    /// Each element 0 with this probability (0 to below 1) in training, the others scaled up.
    #[codec(index = 4)]
    Dropout {
        /// The probability.
        rate: F32,
    },
}

fn ones() -> [u32; 2] {
    [1, 1]
}

impl Conv {
    /// Numbers per sample.
    pub(super) fn width(&self) -> u32 {
        self.image.iter().fold(1, |product: u32, &size| product.saturating_mul(size))
    }

    pub(super) fn validate(&self) -> Result<(), EngineError> {
        for (i, &size) in self.image.iter().enumerate() {
            super::size(format!("model.conv.image[{i}]"), size, 1)?;
        }
        size("model.conv.image".into(), extent("model.conv.image", &self.image)?, 1)?;
        size("model.conv.classes".into(), self.classes, 2)?;
        if self.layers.len() > MAX_LAYERS {
            let problem = format!("{} layers; at most {MAX_LAYERS} are allowed", self.layers.len());
            return Err(EngineError::spec("model.conv.layers", problem));
        }
        let mut image = Some(self.image);
        for (i, layer) in self.layers.iter().enumerate() {
            image = layer.validate(&format!("model.conv.layers[{i}]"), image)?;
        }
        Ok(())
    }

    pub(super) fn forward(&self, g: &mut GraphBuilder, batch: u32, is_training: bool) -> Result<Forward, EngineError> {
        let mut parameters = Vec::new();
        let [channels, height, width] = self.image;
        let x = g.input("features", shape(&[batch, self.width()])?);
        let mut x = g.reshape("images", x, shape(&[batch, channels, height, width])?)?;
        for (i, layer) in self.layers.iter().enumerate() {
            x = layer.forward(g, &format!("layer{i}"), x, is_training, &mut parameters)?;
        }
        let (weight, bias, x) = linear(g, "head", x, self.classes, None)?;
        parameters.extend([weight, bias]);
        let logits = g.linear("logits", x, (weight, false), Some(bias))?;
        Ok(Forward { logits, parameters })
    }
}

impl ConvLayer {
    /// Checks it for images of this shape, if there are images still, and gives those that it makes.
    fn validate(&self, field: &str, image: Option<[u32; 3]>) -> Result<Option<[u32; 3]>, EngineError> {
        let refused = |problem: String| Err(EngineError::spec(field, problem));
        let windowed = |kernel: [u32; 2], stride: [u32; 2], padding: [u32; 2], channels: Option<u32>| {
            let Some([own, height, width]) = image else {
                return refused("images are needed, and a linear layer before it has made them rows".into());
            };
            let window = Window { kernel, stride, padding };
            for (name, pair, least) in [("kernel", kernel, 1), ("stride", stride, 1), ("padding", padding, 0)] {
                pair.iter().try_for_each(|&x| size(format!("{field}.{name}"), x, least))?;
            }
            let images = shape(&[1, own, height, width])?;
            match window.count(&images) {
                Some([down, right]) => Ok(Some([channels.unwrap_or(own), down as u32, right as u32])),
                None => refused(format!(
                    "a kernel of {kernel:?} does not fit into images of [{height}, {width}] with a padding of {padding:?}"
                )),
            }
        };
        match *self {
            ConvLayer::Convolution { channels, kernel, stride, padding, .. } => {
                size(format!("{field}.channels"), channels, 1)?;
                windowed(kernel, stride, padding, Some(channels))
            }
            ConvLayer::MaxPool { kernel } | ConvLayer::MeanPool { kernel } => windowed(kernel, kernel, [0, 0], None),
            ConvLayer::Linear { outputs, .. } => {
                size(format!("{field}.outputs"), outputs, 1)?;
                Ok(None)
            }
            ConvLayer::Dropout { rate } => {
                in_range(&format!("{field}.rate"), rate, |x| (0.0..1.0).contains(&x), "from 0 to below 1")?;
                Ok(image)
            }
        }
    }

    fn forward(
        &self,
        g: &mut GraphBuilder,
        name: &str,
        x: Var,
        is_training: bool,
        parameters: &mut Vec<Var>,
    ) -> Result<Var, EngineError> {
        match *self {
            ConvLayer::Convolution { channels, kernel, stride, padding, activation } => {
                let inputs = g.shape(x).from_right(2);
                let fan_in = extent(name, &[inputs, kernel[0], kernel[1]])?;
                let fan_out = extent(name, &[channels, kernel[0], kernel[1]])?;
                let dims = shape(&[channels, inputs, kernel[0], kernel[1]])?;
                let weight = g.state(&format!("{name}.weight"), dims, start(fan_in, fan_out, activation));
                let bias = g.state(&format!("{name}.bias"), shape(&[channels])?, Init::Constant(0));
                parameters.extend([weight, bias]);
                let expr = activation.map(Activation::expr);
                g.convolution(name, x, (weight, bias), Window { kernel, stride, padding }, expr.as_ref())
            }
            ConvLayer::MaxPool { kernel } => g.max_pool(name, x, Window { kernel, stride: kernel, padding: [0, 0] }),
            ConvLayer::MeanPool { kernel } => g.mean_pool(name, x, Window { kernel, stride: kernel, padding: [0, 0] }),
            ConvLayer::Linear { outputs, activation } => {
                let (weight, bias, x) = linear(g, name, x, outputs, activation)?;
                parameters.extend([weight, bias]);
                let x = g.linear(name, x, (weight, false), Some(bias))?;
                activation.map_or(Ok(x), |own| g.activation(&format!("{name}.activation"), x, &own.expr()))
            }
            ConvLayer::Dropout { rate } => g.dropout(name, x, if is_training { rate.get() } else { 0.0 }),
        }
    }
}

/// The parameters of a linear layer, and the samples as rows.
fn linear(
    g: &mut GraphBuilder,
    name: &str,
    x: Var,
    outputs: u32,
    activation: Option<Activation>,
) -> Result<(Var, Var, Var), EngineError> {
    let own = g.shape(x);
    let inputs = extent(name, &own.dims()[1..])?;
    let x = g.reshape(&format!("{name}.samples"), x, shape(&[own.dims()[0], inputs])?)?;
    let weight = g.state(&format!("{name}.weight"), shape(&[inputs, outputs])?, start(inputs, outputs, activation));
    let bias = g.state(&format!("{name}.bias"), shape(&[outputs])?, Init::Constant(0));
    Ok((weight, bias, x))
}

/// How weights start.
fn start(fan_in: u32, fan_out: u32, activation: Option<Activation>) -> Init {
    let one_sided = activation.is_some_and(Activation::is_one_sided);
    // As binary32 numbers, whose sum is rounded once.
    let fans = if one_sided { fan_in as f32 } else { fan_in as f32 + fan_out as f32 };
    Init::Uniform { bound: scalar::sqrt(6.0 / fans).to_bits() }
}
