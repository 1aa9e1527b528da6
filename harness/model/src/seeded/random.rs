//! Random weights that are the same on every machine.

use sha2::{Digest, Sha256};

use crate::TensorSpec;

/// The golden ratio's fraction, the increment of splitmix64.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
/// The number 1 in the drawn numbers of 24 bits, which cover [-1, 1).
const ONE: i32 = 1 << 23;

/// The weights of one tensor, as uniform numbers: integers scaled by one multiplication, which IEEE 754 defines to the
/// last bit. Normal numbers would need logarithms and cosines, whose last bits differ between C libraries, and with them
/// the SHA-256 of the model.
///
/// A weight depends only on the seed, the tensor's name and its position in the tensor, so weights can be generated
/// in pieces and in any order.
pub struct TensorValues {
    stream: u64,
    centre: f32,
    /// Half the width of the distribution, divided by [`ONE`].
    unit: f32,
}

impl TensorValues {
    /// Chooses a distribution under which every part of the block matters: attention scores spread over several
    /// units, norm weights differ from 1, and projections preserve the magnitude of their input, so that logits have a
    /// standard deviation of about 1. The initial scale of training (0.02) would make attention nearly uniform, hide
    /// wrong positions from the conformance suite, and repeat one token for ever; so would a larger embedding, which as
    /// the head prefers the token that was just read.
    pub fn new(seed: u64, tensor: &TensorSpec) -> Self {
        // Uniform numbers in [-a, a) have the variance a²/3.
        let (centre, spread) = match tensor.shape.as_slice() {
            // At full magnitude, the average over the text in attention would dominate the last token in deep models, and the
            // greedy text would repeat a few tokens.
            [_, columns] if tensor.name.ends_with("o_proj.weight") => (0.0, 0.5 * (3.0 / *columns as f32).sqrt()),
            [_, columns] => (0.0, (3.0 / *columns as f32).sqrt()),
            _ => (1.0, 0.3),
        };
        Self { stream: stream_of(seed, &tensor.name), centre, unit: spread / ONE as f32 }
    }

    /// Writes the weights from number `first`, an even number, as little-endian f32 into `bytes`.
    pub fn write(&self, first: usize, bytes: &mut [u8]) {
        debug_assert!(first.is_multiple_of(2), "a draw makes two weights");
        let weight = |bits: u64| {
            let drawn = (bits & 0xFF_FFFF) as i32 - ONE;
            (self.centre + drawn as f32 * self.unit).to_le_bytes()
        };
        let mut state = self.stream.wrapping_add(STEP.wrapping_mul(first as u64 / 2));
        for pair in bytes.chunks_mut(8) {
            state = state.wrapping_add(STEP);
            let bits = finalise(state);
            let (left, right) = pair.split_at_mut(4);
            left.copy_from_slice(&weight(bits >> 40));
            if !right.is_empty() {
                right.copy_from_slice(&weight(bits >> 16));
            }
        }
    }
}

/// The start of a tensor's random sequence.
fn stream_of(seed: u64, name: &str) -> u64 {
    let digest = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(name).finalize();
    digest.iter().take(8).fold(0, |stream, byte| stream << 8 | u64::from(*byte))
}

/// The output function of splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014;
/// constants of Vigna's public-domain C version).
fn finalise(state: u64) -> u64 {
    let z = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(seed: u64, name: &str, shape: &[usize], first: usize, count: usize) -> Vec<f32> {
        let mut bytes = vec![0; 4 * count];
        TensorValues::new(seed, &TensorSpec { name: name.into(), shape: shape.to_vec() }).write(first, &mut bytes);
        bytes.chunks(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
    }

    #[test]
    fn splitmix64_is_splitmix64() {
        // The first outputs of Vigna's C program for the seed 0.
        let outputs = [1u64, 2, 3].map(|i| finalise(STEP.wrapping_mul(i)));
        assert_eq!(outputs, [0xE220_A839_7B1D_CDAF, 0x6E78_9E6A_A1B9_65F4, 0x06C4_5D18_8009_454F]);
    }

    #[test]
    fn pieces_join_to_the_whole() {
        let whole = values(3, "a", &[10, 7], 0, 70);
        let pieces = [values(3, "a", &[10, 7], 0, 32), values(3, "a", &[10, 7], 32, 38)].concat();
        assert_eq!(whole, pieces);
        assert_eq!(values(3, "a", &[3], 0, 3), values(3, "a", &[3], 0, 4)[..3], "an odd count ends in half a draw");
    }

    #[test]
    fn seed_and_name_decide() {
        let one = values(3, "a", &[10, 10], 0, 100);
        assert_eq!(one, values(3, "a", &[10, 10], 0, 100));
        assert_ne!(one, values(4, "a", &[10, 10], 0, 100));
        assert_ne!(one, values(3, "b", &[10, 10], 0, 100));
    }

    #[test]
    fn weights_have_the_promised_spread() {
        for (name, shape, mean, deviation) in [
            ("model.layers.0.mlp.up_proj.weight", &[1000, 64][..], 0.0, 1.0 / 8.0),
            ("model.layers.0.self_attn.o_proj.weight", &[1000, 64], 0.0, 0.5 / 8.0),
            ("model.embed_tokens.weight", &[1000, 64], 0.0, 1.0 / 8.0),
            ("lm_head.weight", &[1000, 64], 0.0, 1.0 / 8.0),
            ("model.norm.weight", &[64_000], 1.0, 0.3 / 3f64.sqrt()),
        ] {
            let values = values(1, name, shape, 0, 64_000);
            let found_mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / 64_000.0;
            let variance = values.iter().map(|value| (f64::from(*value) - found_mean).powi(2)).sum::<f64>() / 64_000.0;
            assert!((found_mean - mean).abs() < 0.01, "{name}: mean {found_mean}");
            assert!((variance.sqrt() / deviation - 1.0).abs() < 0.02, "{name}: deviation {}", variance.sqrt());
        }
    }
}
