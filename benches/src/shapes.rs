//! What is multiplied.

/// A product of an m x k with a k x n matrix.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Where it comes from.
    pub group: &'static str,
    /// Its name in the table.
    pub name: String,
    pub m: usize,
    pub k: usize,
    pub n: usize,
    /// Whether the left operand is stored as k x m.
    pub transpose_a: bool,
    /// Whether the right operand is stored as n x k.
    pub transpose_b: bool,
}

impl Shape {
    /// Multiplications.
    pub fn products(&self) -> f64 {
        self.m as f64 * self.k as f64 * self.n as f64
    }
}

/// A layer's three products for `rows` samples: forward `x w`, the input's gradient `g w'`, and
/// the weights' gradient `x' g`.
fn layer(group: &'static str, name: &str, rows: usize, inputs: usize, outputs: usize) -> [Shape; 3] {
    let shape = |product: &str, m, k, n, transpose_a, transpose_b| Shape {
        group,
        name: format!("{name} {rows}, {product}"),
        m,
        k,
        n,
        transpose_a,
        transpose_b,
    };
    [
        shape("forward", rows, inputs, outputs, false, false),
        shape("grad input", rows, outputs, inputs, false, true),
        shape("grad weight", inputs, rows, outputs, true, false),
    ]
}

/// All shapes, or a quick choice of them.
pub fn shapes(quick: bool) -> Vec<Shape> {
    let mut out = Vec::new();
    let sizes: &[usize] = if quick { &[256, 1024] } else { &[256, 512, 1024, 2048, 4096] };
    for &size in sizes {
        let name = size.to_string();
        let (m, k, n) = (size, size, size);
        out.push(Shape { group: "square", name, m, k, n, transpose_a: false, transpose_b: false });
    }
    // The digits job's, and one for 28 x 28 pixels.
    for (name, rows, inputs, outputs) in
        [("64 x 64", 64, 64, 64), ("784 x 512", 128, 784, 512), ("512 x 512", 128, 512, 512)]
    {
        out.extend(layer("MLP", name, rows, inputs, outputs));
    }
    let tokens: &[usize] = if quick { &[256] } else { &[256, 1024, 2048, 8192] };
    for &rows in tokens {
        let layers =
            [("qkv", 768, 2304), ("proj", 768, 768), ("up", 768, 3072), ("down", 3072, 768), ("head", 768, 50_257)];
        for (name, inputs, outputs) in layers {
            out.extend(layer("GPT-2 small", name, rows, inputs, outputs));
        }
    }
    out
}
