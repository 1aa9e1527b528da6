//! Weights in 16 bits, rounded to nearest, ties to even. They have no scale: a number beyond the format is an error, and does
//! not become infinite. Numbers too small for f16 lose digits, and become zero below 2^-25.

use half::{bf16, f16};
use pocketwatt_protocol::Precision;

use crate::ModelError;

/// The weights of tensor `name` in IEEE half precision, little-endian.
///
/// # Errors
/// [`ModelError::OutOfRange`].
pub(super) fn f16_bytes(weights: &[f32], name: &str) -> Result<Vec<u8>, ModelError> {
    let round = |weight| Some(f16::from_f32(weight)).filter(|half| half.is_finite()).map(f16::to_le_bytes);
    bytes(weights, name, round, Precision::F16, f16::MAX.to_f32())
}

/// The weights of tensor `name` in brain floating point, little-endian.
///
/// # Errors
/// [`ModelError::OutOfRange`].
pub(super) fn bf16_bytes(weights: &[f32], name: &str) -> Result<Vec<u8>, ModelError> {
    let round = |weight| Some(bf16::from_f32(weight)).filter(|half| half.is_finite()).map(bf16::to_le_bytes);
    bytes(weights, name, round, Precision::Bf16, bf16::MAX.to_f32())
}

fn bytes(
    weights: &[f32],
    name: &str,
    round: impl Fn(f32) -> Option<[u8; 2]>,
    precision: Precision,
    largest: f32,
) -> Result<Vec<u8>, ModelError> {
    let mut bytes = Vec::with_capacity(2 * weights.len());
    for &value in weights {
        let half = round(value).ok_or_else(|| ModelError::OutOfRange {
            precision: precision.name(),
            largest,
            name: name.to_owned(),
            value,
        })?;
        bytes.extend(half);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn f16s(weights: &[f32]) -> Vec<f32> {
        let bytes = f16_bytes(weights, "w").unwrap();
        bytes.chunks(2).map(|half| f16::from_le_bytes([half[0], half[1]]).to_f32()).collect()
    }

    fn bf16s(weights: &[f32]) -> Vec<f32> {
        let bytes = bf16_bytes(weights, "w").unwrap();
        bytes.chunks(2).map(|half| bf16::from_le_bytes([half[0], half[1]]).to_f32()).collect()
    }

    /// 11 bits of significand in f16, 8 in bf16: a tie is rounded to the even one.
    #[test]
    fn ties_go_to_even() {
        assert_eq!(f16s(&[2049.0, 2051.0, -2049.0, 2049.1]), [2048.0, 2052.0, -2048.0, 2050.0]);
        assert_eq!(bf16s(&[257.0, 259.0, -257.0, 257.1]), [256.0, 260.0, -256.0, 258.0]);
    }

    #[test]
    fn small_numbers_of_f16_lose_digits_and_then_vanish() {
        let least = 2.0_f32.powi(-24);
        assert_eq!(f16s(&[least, 1.4 * least, 0.5 * least]), [least, least, 0.0]);
        assert_eq!(bf16s(&[least]), [least]);
    }

    #[test]
    fn what_would_become_infinite_is_reported() {
        assert_eq!(f16s(&[65_504.0, 65_519.0]), [65_504.0, 65_504.0]);
        for value in [65_520.0, -1e9, f32::INFINITY, f32::NAN] {
            assert!(f16_bytes(&[1.0, value], "w").is_err(), "{value}");
        }
        assert_eq!(
            f16_bytes(&[1.0, 70_000.0], "model.norm").unwrap_err().to_string(),
            "f16 holds numbers up to 6.5504e4, but tensor \"model.norm\" has a weight of 7e4"
        );
        assert_eq!(bf16s(&[70_000.0]), [70_144.0]);
        assert!(bf16_bytes(&[f32::MAX], "w").is_err());
    }
}
