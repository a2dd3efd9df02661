//! Layers: what models are put together from.
//!
//! Their gradients follow from those of the ops they are made of.

use assay_exact::{Expr, Window, maps};

use crate::builder::{GraphBuilder, Var, extent, shape};
use crate::error::EngineError;

const COLUMNS: u8 = 0b10;

/// What stands for minus infinity before a softmax: its exponential is 0.
const FAR_BELOW: f32 = -1e30;

impl GraphBuilder {
    /// `x W`, or `x W + bias`, for `x` `[n, i]`, `W` `[i, o]` and `bias` `[o]`. With
    /// `transposed`, `W` is stored as `[o, i]`.
    ///
    /// # Errors
    /// The shapes do not fit.
    pub fn linear(
        &mut self,
        name: &str,
        x: Var,
        (weight, transposed): (Var, bool),
        bias: Option<Var>,
    ) -> Result<Var, EngineError> {
        let precision = self.precision.forward;
        match bias {
            None => self.matmul(name, (x, false), (weight, transposed), precision),
            Some(bias) => {
                let product = self.matmul(&format!("{name}.matmul"), (x, false), (weight, transposed), precision)?;
                self.map_of(name, [product, bias], |b, [x, bias]| b.add(x, bias))
            }
        }
    }

    /// A map of one input, such as [`maps::gelu_tanh`].
    ///
    /// # Errors
    /// None in practice.
    pub fn activation(&mut self, name: &str, x: Var, expr: &Expr) -> Result<Var, EngineError> {
        self.map_of(name, [x], |b, [x]| b.inline(expr, &[x]))
    }

    /// Each element 0 with probability `rate`, and divided by `1 - rate` otherwise; with a rate of
    /// 0, `x` as it is. An element is 0 if its random number is below `rate`.
    ///
    /// # Errors
    /// There are too many elements.
    pub fn dropout(&mut self, name: &str, x: Var, rate: f32) -> Result<Var, EngineError> {
        if rate == 0.0 {
            return Ok(x);
        }
        let random = self.random(&format!("{name}.random"), self.shape(x))?;
        self.map_of(name, [x, random], |b, [x, random]| {
            let (rate, zero, scale) = (b.constant(rate), b.constant(0.0), b.constant(1.0 / (1.0 - rate)));
            let scaled = b.mul(x, scale);
            b.select_lt(random, rate, zero, scaled)
        })
    }

    /// Layer normalisation of each row of `x` `[n, d]`: `(x - mean) / sqrt(variance + eps) * weight +
    /// bias`, with the variance as the mean of the squares of `x - mean`.
    ///
    /// Ba, Kiros, Hinton: "Layer normalization" (2016).
    ///
    /// # Errors
    /// The shapes do not fit.
    pub fn layer_norm(&mut self, name: &str, x: Var, weight: Var, bias: Var, eps: f32) -> Result<Var, EngineError> {
        let width = self.shape(x).from_right(0) as f32;
        let sum = self.sum(&format!("{name}.sum"), x, COLUMNS)?;
        let centred = self.map_of(&format!("{name}.centred"), [x, sum], |b, [x, sum]| {
            let width = b.constant(width);
            let mean = b.div(sum, width);
            b.sub(x, mean)
        })?;
        let squares = self.map_of(&format!("{name}.squares"), [centred], |b, [x]| b.mul(x, x))?;
        let squares = self.sum(&format!("{name}.square-sum"), squares, COLUMNS)?;
        let scale = self.map_of(&format!("{name}.scale"), [squares], |b, [squares]| {
            let (width, eps) = (b.constant(width), b.constant(eps));
            let variance = b.div(squares, width);
            let sum = b.add(variance, eps);
            b.inline(&maps::rsqrt(), &[sum])
        })?;
        self.map_of(name, [centred, scale, weight, bias], |b, [x, scale, weight, bias]| {
            let normal = b.mul(x, scale);
            let weighted = b.mul(normal, weight);
            b.add(weighted, bias)
        })
    }

    /// The softmax of each row (along the last dimension) of `z * scale`, over the elements where
    /// `mask`, which broadcasts to `z`, is below 1; 0 elsewhere.
    fn masked_softmax(&mut self, name: &str, z: Var, mask: Var, scale: f32) -> Result<Var, EngineError> {
        let last = 1 << (self.shape(z).rank() - 1);
        let masked = self.map_of(&format!("{name}.masked"), [z, mask], |b, [z, mask]| {
            let (scale, one, below) = (b.constant(scale), b.constant(1.0), b.constant(FAR_BELOW));
            let scaled = b.mul(z, scale);
            b.select_lt(mask, one, scaled, below)
        })?;
        let greatest = self.max(&format!("{name}.max"), masked, last)?;
        let powers = self.powers(&format!("{name}.powers"), masked, greatest)?;
        let total = self.sum(&format!("{name}.total"), powers, last)?;
        self.map_of(name, [powers, total], |b, [power, total]| b.div(power, total))
    }

    /// `exp(z - greatest)`, with `greatest` as a constant: shifting all of a row changes no softmax.
    fn powers(&mut self, name: &str, z: Var, greatest: Var) -> Result<Var, EngineError> {
        let greatest = self.stop_gradient(greatest);
        self.map_of(name, [z, greatest], |b, [z, shift]| {
            let shifted = b.sub(z, shift);
            b.exp(shifted)
        })
    }

    /// Causal self-attention with several heads: each of `length` tokens of a sample attends to
    /// itself and those before it.
    ///
    /// `qkv` is `[samples * length, 3 * width]`: queries, keys and values, each of `heads` heads of
    /// `width / heads`. The result is `[samples * length, width]`. Scores are divided by the root of
    /// a head's width; `dropout` acts on what the softmax gives.
    ///
    /// Vaswani et al.: "Attention is all you need" (2017).
    ///
    /// # Errors
    /// The shapes do not fit.
    pub fn causal_attention(
        &mut self,
        name: &str,
        qkv: Var,
        [samples, length, heads]: [u32; 3],
        dropout: f32,
    ) -> Result<Var, EngineError> {
        let width = self.shape(qkv).from_right(0) / 3;
        let head = width / heads.max(1);
        let batch = extent(name, &[samples, heads])?;
        let split = self.reshape(&format!("{name}.split"), qkv, shape(&[samples, length, 3 * heads, head])?)?;
        let turned = self.permute(&format!("{name}.turned"), split, &[0, 2, 1, 3])?;
        let mut part = |part: &str, number: u32| {
            let name = format!("{name}.{part}");
            let own = self.slice(&format!("{name}.slice"), turned, 1, number * heads, heads)?;
            self.reshape(&name, own, shape(&[batch, length, head])?)
        };
        let (q, k, v) = (part("q", 0)?, part("k", 1)?, part("v", 2)?);

        let precision = self.precision.forward;
        let scores = self.matmul(&format!("{name}.scores"), (q, false), (k, true), precision)?;
        let mask = self.future(length)?;
        let scale = 1.0 / assay_exact::scalar::sqrt(head as f32);
        let weights = self.masked_softmax(&format!("{name}.softmax"), scores, mask, scale)?;
        let weights = self.dropout(&format!("{name}.dropout"), weights, dropout)?;
        let mixed = self.matmul(&format!("{name}.mixed"), (weights, false), (v, false), precision)?;

        let mixed = self.reshape(&format!("{name}.heads"), mixed, shape(&[samples, heads, length, head])?)?;
        let back = self.permute(&format!("{name}.back"), mixed, &[0, 2, 1, 3])?;
        self.reshape(name, back, shape(&[extent(name, &[samples, length])?, width])?)
    }

    /// `[length, length]`: 1 where the column is after the row, else 0.
    fn future(&mut self, length: u32) -> Result<Var, EngineError> {
        let row = self.iota("causal.row", shape(&[length, 1])?, 0)?;
        let column = self.iota("causal.column", shape(&[1, length])?, 1)?;
        self.map_of("causal.future", [row, column], |b, [row, column]| {
            let (one, zero) = (b.constant(1.0), b.constant(0.0));
            b.select_lt(row, column, one, zero)
        })
    }

    /// The convolution (the cross-correlation, as everywhere in this field) of images `[n, c, h, w]` with
    /// `weight` `[o, c, kh, kw]`, plus `bias` `[o]`; then `activation`, if there is one. The
    /// result is `[n, o, oh, ow]`.
    ///
    /// # Errors
    /// The shapes do not fit.
    pub fn convolution(
        &mut self,
        name: &str,
        images: Var,
        (weight, bias): (Var, Var),
        window: Window,
        activation: Option<&Expr>,
    ) -> Result<Var, EngineError> {
        let places = self.places(name, images, window)?;
        let patches = self.patches(&format!("{name}.patches"), images, window)?;
        let (outputs, inputs) = (self.shape(weight).from_right(3), self.shape(patches).from_right(0));
        let weight = self.reshape(&format!("{name}.weights"), weight, shape(&[outputs, inputs])?)?;
        let precision = self.precision.forward;
        let product = self.matmul(&format!("{name}.matmul"), (patches, false), (weight, true), precision)?;
        let sum = self.map_of(&format!("{name}.sum"), [product, bias], |b, [x, bias]| {
            let sum = b.add(x, bias);
            activation.map_or(sum, |expr| b.inline(expr, &[sum]))
        })?;
        self.images(name, sum, places)
    }

    /// The greatest element that the window sees in each channel of images `[n, c, h, w]`.
    ///
    /// # Errors
    /// The window does not fit, or reaches beyond the images.
    pub fn max_pool(&mut self, name: &str, images: Var, window: Window) -> Result<Var, EngineError> {
        self.pool(name, images, window, |g, windows| g.max(&format!("{name}.max"), windows, 0b100))
    }

    /// The mean of what the window sees in each channel of images `[n, c, h, w]`.
    ///
    /// # Errors
    /// The window does not fit, or reaches beyond the images.
    pub fn mean_pool(&mut self, name: &str, images: Var, window: Window) -> Result<Var, EngineError> {
        let count = window.kernel[0] as f32 * window.kernel[1] as f32;
        self.pool(name, images, window, |g, windows| {
            let sum = g.sum(&format!("{name}.sum"), windows, 0b100)?;
            g.map_of(&format!("{name}.mean"), [sum], |b, [sum]| {
                let count = b.constant(count);
                b.div(sum, count)
            })
        })
    }

    /// Reduces `[rows, channels, kernel]` to `[rows, channels, 1]`.
    fn pool(
        &mut self,
        name: &str,
        images: Var,
        window: Window,
        reduce: impl FnOnce(&mut GraphBuilder, Var) -> Result<Var, EngineError>,
    ) -> Result<Var, EngineError> {
        if window.padding != [0, 0] {
            return Err(EngineError::Program(format!("{name}: pooling has no padding")));
        }
        let places = self.places(name, images, window)?;
        let channels = self.shape(images).from_right(2);
        let patches = self.patches(&format!("{name}.patches"), images, window)?;
        let rows = self.shape(patches).from_right(1);
        let kernel = extent(name, &window.kernel)?;
        let windows = self.reshape(&format!("{name}.windows"), patches, shape(&[rows, channels, kernel])?)?;
        let reduced = reduce(self, windows)?;
        let flat = self.reshape(&format!("{name}.flat"), reduced, shape(&[rows, channels])?)?;
        self.images(name, flat, places)
    }

    /// Images and places of a window: n, oh, ow.
    fn places(&self, name: &str, images: Var, window: Window) -> Result<[u32; 3], EngineError> {
        let own = self.shape(images);
        let places = window
            .count(&own)
            .and_then(|[down, right]| Some([own.from_right(3), u32::try_from(down).ok()?, u32::try_from(right).ok()?]));
        places.ok_or_else(|| {
            EngineError::Program(format!("{name}: a window of {:?} does not fit into images {own}", window.kernel))
        })
    }

    /// Rows (image, y, x) with an element per channel as images `[n, c, h, w]`.
    fn images(&mut self, name: &str, rows: Var, [n, h, w]: [u32; 3]) -> Result<Var, EngineError> {
        let channels = self.shape(rows).from_right(0);
        let places = extent(name, &[h, w])?;
        let rows = self.reshape(&format!("{name}.rows"), rows, shape(&[n, places, channels])?)?;
        let turned = self.transpose(&format!("{name}.turned"), rows)?;
        self.reshape(name, turned, shape(&[n, channels, h, w])?)
    }

    /// The mean over the rows of `logits` `[n, classes]` of `log(sum(exp(z - max z))) -
    /// (z[label] - max z)`, for `labels` `[n]`: integers in `0..classes`.
    ///
    /// # Errors
    /// The shapes do not fit.
    pub fn cross_entropy(&mut self, logits: Var, labels: Var) -> Result<Var, EngineError> {
        let classes = self.shape(logits).from_right(0);
        let hot = self.one_hot("labels.one-hot", labels, classes)?;
        self.mean_loss(logits, |g, greatest| {
            g.map_of("loss.chosen", [logits, greatest, hot], |b, [z, shift, hot]| {
                let shifted = b.sub(z, shift);
                b.mul(shifted, hot)
            })
        })
    }

    /// The same loss, made without a tensor of the size of the logits for the labels: for
    /// vocabularies.
    ///
    /// # Errors
    /// The shapes do not fit.
    pub fn token_cross_entropy(&mut self, logits: Var, labels: Var) -> Result<Var, EngineError> {
        let classes = self.shape(logits).from_right(0);
        // Gathering a label from the list of labels refuses one that is not there.
        let all = self.iota("vocabulary.column", shape(&[classes, 1])?, 0)?;
        let labels = self.gather("labels.column", all, labels)?;
        let all = self.iota("vocabulary.row", shape(&[1, classes])?, 1)?;
        self.mean_loss(logits, |g, greatest| {
            g.map_of("loss.chosen", [logits, greatest, labels, all], |b, [z, shift, label, own]| {
                let (shifted, zero) = (b.sub(z, shift), b.constant(0.0));
                b.select_eq(label, own, shifted, zero)
            })
        })
    }

    /// The loss, from a tensor made by `chosen` of the maxima: `z - max z` at the labels and 0
    /// elsewhere.
    fn mean_loss(
        &mut self,
        logits: Var,
        chosen: impl FnOnce(&mut GraphBuilder, Var) -> Result<Var, EngineError>,
    ) -> Result<Var, EngineError> {
        let rows = self.shape(logits).from_right(1);
        let greatest = self.max("logits.max", logits, COLUMNS)?;
        let powers = self.powers("softmax.powers", logits, greatest)?;
        let total = self.sum("softmax.total", powers, COLUMNS)?;
        let chosen = chosen(self, greatest)?;
        let chosen = self.sum("loss.label", chosen, COLUMNS)?;
        let losses = self.map_of("loss.rows", [total, chosen], |b, [total, chosen]| {
            let log = b.log(total);
            b.sub(log, chosen)
        })?;
        let sum = self.total("loss.sum", &[losses])?;
        self.map_of("loss", [sum], |b, [sum]| {
            let count = b.constant(rows as f32);
            b.div(sum, count)
        })
    }

    /// The Euclidean norm of all elements of all tensors together: the root of one exact sum.
    ///
    /// # Errors
    /// There are no tensors, or too many.
    pub fn norm(&mut self, name: &str, tensors: &[Var]) -> Result<Var, EngineError> {
        let mut squares = Vec::with_capacity(tensors.len());
        for &tensor in tensors {
            let name = format!("{}.square", self.name(tensor));
            squares.push(self.map_of(&name, [tensor], |b, [x]| b.mul(x, x))?);
        }
        let sum = self.total(&format!("{name}.square"), &squares)?;
        self.map_of(name, [sum], |b, [x]| b.sqrt(x))
    }
}
