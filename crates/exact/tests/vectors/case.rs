//! Cases of one op, and adversarial values.

use assay_exact::{ElementError, Op, Operand, Shape, SliceOperand, element, philox};
use parity_scale_codec::{DecodeAll, Encode};
use serde_json::{Value, json};

pub fn bits(x: f32) -> String {
    format!("{:08x}", x.to_bits())
}

pub fn all_bits(x: &[f32]) -> String {
    x.iter().map(|&x| bits(x)).collect::<Vec<_>>().join(" ")
}

/// A tensor of a case.
#[derive(Clone)]
pub struct Tensor {
    pub dims: Vec<u32>,
    pub data: Vec<f32>,
}

pub fn tensor(dims: &[u32], data: &[f32]) -> Tensor {
    assert_eq!(dims.iter().product::<u32>() as usize, data.len());
    Tensor { dims: dims.into(), data: data.into() }
}

/// A reproducible sequence of numbers.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed << 32)
    }

    pub fn word(&mut self) -> u32 {
        self.0 += 1;
        philox::word([0x4c41_5741, 0x5353_4159], 7, self.0 >> 32, self.0 & 0xffff_ffff)
    }

    pub fn finite(&mut self) -> f32 {
        loop {
            let x = f32::from_bits(self.word());
            if x.is_finite() {
                return x;
            }
        }
    }

    /// Numbers of a kind: ordinary, subnormal, huge, anything, one outlier in each row
    /// of five, zeros of both signs.
    pub fn tensor(&mut self, dims: &[u32], kind: Kind) -> Tensor {
        let count: u32 = dims.iter().product();
        let data: Vec<f32> = (0..count)
            .map(|i| {
                let ordinary = philox::uniform(self.word(), 2.0);
                match kind {
                    Kind::Ordinary => ordinary,
                    Kind::Subnormal => f32::from_bits(self.word() & 0x807f_ffff),
                    Kind::Huge => ordinary * 1e38,
                    Kind::Anything => self.finite(),
                    Kind::Outlier if i % 5 == 2 => ordinary * 1e12,
                    Kind::Outlier => ordinary,
                    Kind::Zeros if self.word().is_multiple_of(3) => ordinary,
                    Kind::Zeros if self.word().is_multiple_of(2) => -0.0,
                    Kind::Zeros => 0.0,
                }
            })
            .collect();
        tensor(dims, &data)
    }
}

#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Ordinary,
    Subnormal,
    Huge,
    Anything,
    Outlier,
    Zeros,
}

pub const KINDS: [Kind; 6] = [Kind::Ordinary, Kind::Subnormal, Kind::Huge, Kind::Anything, Kind::Outlier, Kind::Zeros];

/// The op over these inputs, element by element, as this crate computes it.
pub fn case(note: &str, op: Op, inputs: &[Tensor], output: &[u32]) -> Value {
    let bytes = op.encode();
    assert_eq!(Op::decode_all(&mut &bytes[..]).unwrap(), op);
    let operands: Vec<SliceOperand<'_>> =
        inputs.iter().map(|input| SliceOperand::new(Shape::new(&input.dims).unwrap(), &input.data)).collect();
    let operands: Vec<&dyn Operand> = operands.iter().map(|operand| operand as &dyn Operand).collect();
    let shapes: Vec<Shape> = operands.iter().map(|operand| operand.shape()).collect();
    let shape = Shape::new(output).unwrap();
    let result = match op.check(&shapes, &shape) {
        Err(_) => Err(json!({ "kind": "refused" })),
        Ok(()) => (0..shape.elements())
            .map(|index| element(&op, &operands, &shape, index))
            .collect::<Result<Vec<f32>, ElementError>>()
            .map_err(|error| match error {
                ElementError::NonFinite { index, bits } => {
                    json!({ "kind": "non-finite", "index": index, "bits": format!("{bits:08x}") })
                }
                ElementError::BadInteger { input, index, .. } => {
                    json!({ "kind": "bad-integer", "input": input, "index": index })
                }
                other => panic!("{note}: {other}"),
            }),
    };
    let inputs: Vec<Value> =
        inputs.iter().map(|input| json!({ "shape": input.dims, "bits": all_bits(&input.data) })).collect();
    let mut case = json!({ "note": note, "op": hex::encode(bytes), "inputs": inputs, "shape": output });
    match result {
        Ok(data) => case["bits"] = all_bits(&data).into(),
        Err(error) => case["error"] = error,
    }
    case
}
