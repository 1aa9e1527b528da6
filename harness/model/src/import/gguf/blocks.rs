//! Number formats of GGUF: blocks of values that share a scale (ggml's ggml-common.h and dequantize_row_* in
//! ggml-quants.c).

use half::{bf16, f16};

/// A number format.
#[derive(Debug)]
pub struct Format {
    /// In GGUF files.
    pub number: u32,
    pub name: &'static str,
    /// Values in a block.
    pub block_values: usize,
    /// Bytes of a block.
    pub block_bytes: usize,
    /// A block's bytes into its values.
    pub decode: fn(&[u8], &mut [f32]),
}

/// Those that can be read.
pub const FORMATS: [Format; 9] = [
    Format { number: 0, name: "F32", block_values: 1, block_bytes: 4, decode: f32_value },
    Format { number: 1, name: "F16", block_values: 1, block_bytes: 2, decode: f16_value },
    Format { number: 30, name: "BF16", block_values: 1, block_bytes: 2, decode: bf16_value },
    Format { number: 2, name: "Q4_0", block_values: 32, block_bytes: 18, decode: q4_0 },
    Format { number: 3, name: "Q4_1", block_values: 32, block_bytes: 20, decode: q4_1 },
    Format { number: 6, name: "Q5_0", block_values: 32, block_bytes: 22, decode: q5_0 },
    Format { number: 7, name: "Q5_1", block_values: 32, block_bytes: 24, decode: q5_1 },
    Format { number: 8, name: "Q8_0", block_values: 32, block_bytes: 34, decode: q8_0 },
    Format { number: 14, name: "Q6_K", block_values: 256, block_bytes: 210, decode: q6_k },
];

/// The format of that number.
pub fn format(number: u32) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.number == number)
}

fn f32_value(block: &[u8], values: &mut [f32]) {
    values[0] = f32::from_le_bytes([block[0], block[1], block[2], block[3]]);
}

fn f16_value(block: &[u8], values: &mut [f32]) {
    values[0] = half_at(block, 0);
}

fn bf16_value(block: &[u8], values: &mut [f32]) {
    values[0] = bf16::from_le_bytes([block[0], block[1]]).to_f32();
}

fn half_at(block: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}

/// The low halves of 16 bytes are the first 16 values, the high halves the others.
fn nibbles(bytes: &[u8]) -> impl Iterator<Item = u8> {
    bytes.iter().map(|byte| byte & 0x0F).chain(bytes.iter().map(|byte| byte >> 4))
}

fn q4_0(block: &[u8], values: &mut [f32]) {
    let scale = half_at(block, 0);
    for (value, code) in values.iter_mut().zip(nibbles(&block[2..18])) {
        *value = (f32::from(code) - 8.0) * scale;
    }
}

fn q4_1(block: &[u8], values: &mut [f32]) {
    let (scale, least) = (half_at(block, 0), half_at(block, 2));
    for (value, code) in values.iter_mut().zip(nibbles(&block[4..20])) {
        *value = f32::from(code) * scale + least;
    }
}

/// Four bits from the bytes, the fifth from a bit field.
fn five_bits(high: &[u8], low: &[u8]) -> impl Iterator<Item = u8> {
    let high = u32::from_le_bytes([high[0], high[1], high[2], high[3]]);
    nibbles(low).enumerate().map(move |(index, code)| code | ((high >> index & 1) as u8) << 4)
}

fn q5_0(block: &[u8], values: &mut [f32]) {
    let scale = half_at(block, 0);
    for (value, code) in values.iter_mut().zip(five_bits(&block[2..6], &block[6..22])) {
        *value = (f32::from(code) - 16.0) * scale;
    }
}

fn q5_1(block: &[u8], values: &mut [f32]) {
    let (scale, least) = (half_at(block, 0), half_at(block, 2));
    for (value, code) in values.iter_mut().zip(five_bits(&block[4..8], &block[8..24])) {
        *value = f32::from(code) * scale + least;
    }
}

fn q8_0(block: &[u8], values: &mut [f32]) {
    let scale = half_at(block, 0);
    for (value, code) in values.iter_mut().zip(&block[2..34]) {
        *value = f32::from(*code as i8) * scale;
    }
}

/// Two halves of 128 values; in each, 64 bytes hold the low four bits, 32 bytes the high two, and 8 scales count for 16
/// values each.
fn q6_k(block: &[u8], values: &mut [f32]) {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(number: u32, block: &[u8]) -> Vec<f32> {
        let format = format(number).unwrap();
        assert_eq!(block.len(), format.block_bytes);
        let mut values = vec![f32::NAN; format.block_values];
        (format.decode)(block, &mut values);
        values
    }

    fn half(value: f32) -> [u8; 2] {
        f16::from_f32(value).to_le_bytes()
    }

    #[test]
    fn plain_numbers() {
        assert_eq!(decode(0, &1.5_f32.to_le_bytes()), [1.5]);
        assert_eq!(decode(1, &half(-0.375)), [-0.375]);
        assert_eq!(decode(30, &bf16::from_f32(3.0).to_le_bytes()), [3.0]);
    }

    /// Byte `i` is `0x_i`: low nibbles count up from 0, high nibbles count down from 15.
    fn counting() -> [u8; 16] {
        std::array::from_fn(|index| index as u8 | (15 - index as u8) << 4)
    }

    #[test]
    fn four_bits_with_and_without_a_least_value() {
        let q4_0 = decode(2, &[&half(0.5)[..], &counting()].concat());
        assert_eq!((q4_0[0], q4_0[15], q4_0[16], q4_0[31]), (-4.0, 3.5, 3.5, -4.0));
        let q4_1 = decode(3, &[&half(0.5)[..], &half(-1.0), &counting()].concat());
        assert_eq!((q4_1[0], q4_1[15], q4_1[16], q4_1[31]), (-1.0, 6.5, 6.5, -1.0));
    }

    #[test]
    fn the_fifth_bit_comes_from_the_field() {
        let field = (1_u32 | 1 << 31).to_le_bytes();
        let q5_0 = decode(6, &[&half(1.0)[..], &field, &counting()].concat());
        assert_eq!((q5_0[0], q5_0[1], q5_0[16], q5_0[31]), (0.0, -15.0, -1.0, 0.0));
        let q5_1 = decode(7, &[&half(1.0)[..], &half(2.0), &field, &counting()].concat());
        assert_eq!((q5_1[0], q5_1[1], q5_1[16], q5_1[31]), (18.0, 3.0, 17.0, 18.0));
    }

    #[test]
    fn eight_bits_have_a_sign() {
        let codes: Vec<u8> = (0..32_i16).map(|index| (index * 8 - 128) as i8 as u8).collect();
        let values = decode(8, &[&half(0.25)[..], &codes].concat());
        let expected: Vec<f32> = codes.iter().map(|code| f32::from(*code as i8) * 0.25).collect();
        assert_eq!(values, expected);
        assert!(values[0] < 0.0);
    }

    /// By the loop of ggml's dequantize_row_q6_K, written out for four places.
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
}
