//! The K formats: 256 values share one or two numbers in half precision, and each 16 or 32 of them a scale of a few bits.
//!
//! Each function is the loop of the same name in ggml-quants.c (`dequantize_row_*`), value by value.

use super::half_at;

/// Two bits each: 16 bytes of scales and least values, 64 bytes of codes.
pub fn q2_k(block: &[u8], values: &mut [f32]) {
    let (scale, least) = (half_at(block, 80), half_at(block, 82));
    for (index, value) in values.iter_mut().enumerate() {
        let of_16 = block[index / 16];
        let code = f32::from(two_bits(&block[16..80], index));
        *value = scale * f32::from(of_16 & 0x0F) * code - least * f32::from(of_16 >> 4);
    }
}

/// Two bits from the codes, the third from a mask: 32 bytes of mask, 64 of codes, 12 of scales.
pub fn q3_k(block: &[u8], values: &mut [f32]) {
    let scale = half_at(block, 108);
    let scales = &block[96..108];
    for (index, value) in values.iter_mut().enumerate() {
        let of_16 = index / 16;
        let low = scales[of_16 % 8] >> (4 * (of_16 / 8)) & 0x0F;
        let high = scales[8 + of_16 % 4] >> (2 * (of_16 / 4)) & 3;
        let is_high = block[index % 32] >> (index / 32) & 1 == 1;
        let code = f32::from(two_bits(&block[32..96], index)) - if is_high { 0.0 } else { 4.0 };
        *value = scale * (f32::from(low | high << 4) - 32.0) * code;
    }
}

/// Four bits each: 12 bytes of scales and least values, 128 bytes of codes.
pub fn q4_k(block: &[u8], values: &mut [f32]) {
    for (part, values) in values.chunks_mut(32).enumerate() {
        let (scale, least) = scale_and_least(block, part);
        for (lane, value) in values.iter_mut().enumerate() {
            *value = scale * f32::from(four_bits(&block[16..144], part, lane)) - least;
        }
    }
}

/// As [`q4_k`], with a fifth bit from 32 bytes between scales and codes.
pub fn q5_k(block: &[u8], values: &mut [f32]) {
    for (part, values) in values.chunks_mut(32).enumerate() {
        let (scale, least) = scale_and_least(block, part);
        for (lane, value) in values.iter_mut().enumerate() {
            let fifth = block[16 + lane] >> part & 1;
            *value = scale * f32::from(four_bits(&block[48..176], part, lane) | fifth << 4) - least;
        }
    }
}

/// Two halves of 128 values; in each, 64 bytes hold the low four bits, 32 bytes the high two, and 8 scales count for 16
/// values each.
pub fn q6_k(block: &[u8], values: &mut [f32]) {
    let scale = half_at(block, 208);
    let scales = &block[192..208];
    for (half, values) in values.chunks_mut(128).enumerate() {
        let low = &block[half * 64..half * 64 + 64];
        let high = &block[128 + half * 32..128 + half * 32 + 32];
        for (index, value) in values.iter_mut().enumerate() {
            let (quarter, lane) = (index / 32, index % 32);
            let byte = low[lane + 32 * (quarter % 2)];
            let four = if quarter < 2 { byte & 0x0F } else { byte >> 4 };
            let two = high[lane] >> (2 * quarter) & 3;
            let code = f32::from(four | two << 4) - 32.0;
            let block_scale = scales[half * 8 + index / 16] as i8;
            *value = scale * f32::from(block_scale) * code;
        }
    }
}

/// A byte contains four values that are 32 apart.
fn two_bits(codes: &[u8], index: usize) -> u8 {
    codes[index / 128 * 32 + index % 32] >> (2 * (index % 128 / 32)) & 3
}

/// A byte contains two values, at the same position of two neighbouring parts.
fn four_bits(codes: &[u8], part: usize, lane: usize) -> u8 {
    codes[part / 2 * 32 + lane] >> (4 * (part % 2)) & 0x0F
}

/// Scale and least value of the `part`th 32 values of a block: six bits each; the upper two bits of the later ones are beside
/// the earlier ones (`get_scale_min_k4`).
fn scale_and_least(block: &[u8], part: usize) -> (f32, f32) {
    let packed = &block[4..16];
    let (scale, least) = match part {
        0..4 => (packed[part] & 63, packed[part + 4] & 63),
        _ => (packed[part + 4] & 0x0F | packed[part - 4] >> 6 << 4, packed[part + 4] >> 4 | packed[part] >> 6 << 4),
    };
    (half_at(block, 0) * f32::from(scale), half_at(block, 2) * f32::from(least))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{decode, half};

    /// The loop of ggml's dequantize_row_q6_K, written out for four positions.
    #[test]
    fn six_bits_are_put_together_from_two_fields() {
        let mut block = vec![0_u8; 210];
        block[0] = 0x5A; // low bits: value 0 gets 10, value 64 gets 5
        block[32] = 0x31; // value 32 gets 1, value 96 gets 3
        block[128] = 0b11_10_01_00; // high bits of values 0, 32, 64, 96
        for (index, scale) in block[192..208].iter_mut().enumerate() {
            *scale = index as u8 + 1;
        }
        block[208..].copy_from_slice(&half(0.5));
        let values = decode(14, &block);
        assert_eq!(values[0], 0.5 * 1.0 * (10.0 - 32.0));
        assert_eq!(values[32], 0.5 * 3.0 * (f32::from(1_u8 | 1 << 4) - 32.0));
        assert_eq!(values[64], 0.5 * 5.0 * (f32::from(5_u8 | 2 << 4) - 32.0));
        assert_eq!(values[96], 0.5 * 7.0 * (f32::from(3_u8 | 3 << 4) - 32.0));
        assert_eq!(values[128 + 16], 0.5 * 10.0 * -32.0, "the second half has scales of its own");
    }

    /// Bytes without a pattern.
    fn bytes(count: usize) -> Vec<u8> {
        (0..count).map(|index| ((index * 37 + 11) % 256) as u8).collect()
    }

    /// The results of llama.cpp's Python package (`gguf.quants.dequantize`) for the same blocks: values at some positions, their
    /// sum, and the sum weighted by position.
    #[test]
    fn values_are_those_of_an_independent_implementation() {
        let (one, least) = (half(0.5), half(0.25));
        for (number, block, places, sum, moment) in [
            (10, [&bytes(80)[..], &one, &least].concat(), [16.5, -0.75, 3.75, 5.25, 2.25], 1029.5, 120_535.5),
            (11, [&bytes(108)[..], &one].concat(), [40.5, -48.0, -11.0, 17.0, 21.0], 479.0, 88_093.5),
            (12, [&one[..], &least, &bytes(140)].concat(), [30.75, 30.75, 287.0, 63.25, 15.5], 22_252.0, 2_544_372.0),
            (
                13,
                [&one[..], &least, &bytes(172)].concat(),
                [118.75, 118.75, 527.0, 231.25, 105.5],
                46_164.0,
                5_302_132.0,
            ),
        ] {
            let values = decode(number, &block);
            assert_eq!([0, 16, 32, 64, 255].map(|place| values[place]), places, "{number}");
            assert_eq!(values.iter().sum::<f32>(), sum, "{number}");
            let by_place = values.iter().enumerate().map(|(place, value)| place as f64 * f64::from(*value));
            assert_eq!(by_place.sum::<f64>(), moment, "{number}");
        }
    }
}
