//! Blocks of 32 weights of a row with a scale of their own, symmetric about zero: the formats that GGML names Q8_0 and
//! Q4_0, which ONNX Runtime's MatMulNBits, tract and candle all compute with.
//!
//! The scale of a block is rounded to half precision before the codes are chosen: tract and candle store it so, and
//! the codes are then the nearest to what is finally multiplied.

use half::f16;

/// Weights of a row that share a scale.
pub const BLOCK: usize = 32;

/// The code of zero.
const INT8_ZERO: f32 = 128.0;
const INT4_ZERO: f32 = 8.0;

/// A row-major matrix, whose rows are whole blocks, as codes and scales.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Blocks {
    /// One byte for each weight, or for two.
    pub codes: Vec<u8>,
    /// One for each block.
    pub scales: Vec<f32>,
}

impl Blocks {
    /// Codes and scales.
    pub fn into_parts(self) -> (Vec<u8>, Vec<f32>) {
        (self.codes, self.scales)
    }
}

/// Codes 1 to 255 for -127 to 127 scales, where a scale is a 127th of the largest weight of the block.
pub(crate) fn quantise_int8(weights: &[f32]) -> Blocks {
    let mut blocks = Blocks::default();
    for block in weights.chunks(BLOCK) {
        let largest = block.iter().fold(0.0_f32, |largest, weight| largest.max(weight.abs()));
        let scale = half_precision(largest / 127.0);
        let factor = if scale == 0.0 { 0.0 } else { 1.0 / scale };
        let code = |weight: &f32| ((weight * factor).round().clamp(-127.0, 127.0) + INT8_ZERO) as u8;
        blocks.codes.extend(block.iter().map(code));
        blocks.scales.push(scale);
    }
    blocks
}

/// Codes 0 to 15 for -8 to 7 scales. The weight with the largest magnitude gets code 0: its sign decides that of the
/// scale, so that all 16 codes are used.
pub(crate) fn quantise_int4(weights: &[f32]) -> Blocks {
    let mut blocks = Blocks::default();
    for block in weights.chunks(BLOCK) {
        let larger = |largest: f32, weight: &f32| if weight.abs() > largest.abs() { *weight } else { largest };
        let scale = half_precision(block.iter().fold(0.0, larger) / -8.0);
        let factor = if scale == 0.0 { 0.0 } else { 1.0 / scale };
        let code = |weight: f32| ((weight * factor).round() + INT4_ZERO).clamp(0.0, 15.0) as u8;
        blocks.codes.extend(block.chunks(2).map(|pair| code(pair[0]) | code(pair[1]) << 4));
        blocks.scales.push(scale);
    }
    blocks
}

/// A scale beyond half precision's range would be infinite, so it is limited to the largest number.
fn half_precision(scale: f32) -> f32 {
    f16::from_f32(scale.clamp(-f16::MAX.to_f32(), f16::MAX.to_f32())).to_f32()
}

/// The weights that codes and scales of int8 represent: `(code - 128) * scale`.
pub fn dequantise_int8(codes: &[u8], scales: &[f32], weights: &mut [f32]) {
    for ((codes, scale), weights) in codes.chunks(BLOCK).zip(scales).zip(weights.chunks_mut(BLOCK)) {
        for (code, weight) in codes.iter().zip(weights) {
            *weight = (f32::from(*code) - INT8_ZERO) * scale;
        }
    }
}

/// The weights that codes and scales of int4 represent: `(code - 8) * scale`.
pub fn dequantise_int4(codes: &[u8], scales: &[f32], weights: &mut [f32]) {
    for ((codes, scale), weights) in codes.chunks(BLOCK / 2).zip(scales).zip(weights.chunks_mut(BLOCK)) {
        for (pair, weights) in codes.iter().zip(weights.chunks_mut(2)) {
            weights[0] = (f32::from(pair & 15) - INT4_ZERO) * scale;
            weights[1] = (f32::from(pair >> 4) - INT4_ZERO) * scale;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn int8(weights: &[f32]) -> Vec<f32> {
        let blocks = quantise_int8(weights);
        let mut back = vec![0.0; weights.len()];
        dequantise_int8(&blocks.codes, &blocks.scales, &mut back);
        back
    }

    fn int4(weights: &[f32]) -> Vec<f32> {
        let blocks = quantise_int4(weights);
        let mut back = vec![0.0; weights.len()];
        dequantise_int4(&blocks.codes, &blocks.scales, &mut back);
        back
    }

    /// The example of a block in GGML's documentation of the format: -8 to 7 in steps of one are preserved.
    #[test]
    fn whole_numbers_of_a_scale_survive() {
        let weights: Vec<f32> = (0..BLOCK).map(|index| (index % 16) as f32 - 8.0).collect();
        assert_eq!(int4(&weights), weights);
        let blocks = quantise_int4(&weights);
        assert_eq!(blocks.scales, [1.0]);
        assert_eq!(blocks.codes[..3], [0x10, 0x32, 0x54], "the first weight lies in the low half");
        let weights: Vec<f32> = (0..BLOCK).map(|index| 127.0 - 4.0 * index as f32).collect();
        assert_eq!(int8(&weights), weights);
    }

    #[test]
    fn the_largest_weight_keeps_its_sign() {
        let mut weights = [0.25; BLOCK];
        weights[5] = 4.0;
        let blocks = quantise_int4(&weights);
        assert_eq!(blocks.scales, [-0.5]);
        assert_eq!(int4(&weights)[5], 4.0);
    }

    #[test]
    fn zeros_and_giants_are_numbers() {
        assert_eq!(int4(&[0.0; BLOCK]), [0.0; BLOCK]);
        assert_eq!(int8(&[0.0; BLOCK]), [0.0; BLOCK]);
        for weights in [[f32::MAX; BLOCK], [f32::MIN_POSITIVE; BLOCK], [-1e6; BLOCK]] {
            assert!(int4(&weights).iter().chain(&int8(&weights)).all(|weight| weight.is_finite()));
        }
    }

    proptest! {
        /// Half a step for rounding, and the error of the rounded scale: a thousandth of the largest weight. In four
        /// bits the weight opposite to the largest may be a whole step beyond the last code.
        #[test]
        fn rounding_errs_by_less_than_a_step(weights in prop::collection::vec(-3.0_f32..3.0, BLOCK..=BLOCK)) {
            let largest = weights.iter().fold(0.0_f32, |largest, weight| largest.max(weight.abs()));
            let worst = |back: Vec<f32>| {
                back.iter().zip(&weights).map(|(back, weight)| (back - weight).abs()).fold(0.0, f32::max)
            };
            prop_assert!(worst(int8(&weights)) <= largest / 127.0 * 0.5 + largest * 1e-3);
            prop_assert!(worst(int4(&weights)) <= largest / 8.0 + largest * 1e-3);
        }
    }
}
