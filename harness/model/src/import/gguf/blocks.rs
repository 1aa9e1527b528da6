//! Number formats of GGUF: blocks of values that share a scale (ggml's ggml-common.h and dequantize_row_* in
//! ggml-quants.c).

mod k_quants;

use half::{bf16, f16};

use self::k_quants::{q2_k, q3_k, q4_k, q5_k, q6_k};

/// A number format.
#[derive(Debug)]
pub struct Format {
    /// Its number in GGUF files.
    pub number: u32,
    pub name: &'static str,
    /// Values in a block.
    pub block_values: usize,
    /// Bytes of a block.
    pub block_bytes: usize,
    /// Converts a block's bytes to its values.
    pub decode: fn(&[u8], &mut [f32]),
}

/// The formats that can be read.
pub const FORMATS: [Format; 14] = [
    Format { number: 0, name: "F32", block_values: 1, block_bytes: 4, decode: f32_value },
    Format { number: 1, name: "F16", block_values: 1, block_bytes: 2, decode: f16_value },
    Format { number: 30, name: "BF16", block_values: 1, block_bytes: 2, decode: bf16_value },
    Format { number: 2, name: "Q4_0", block_values: 32, block_bytes: 18, decode: q4_0 },
    Format { number: 3, name: "Q4_1", block_values: 32, block_bytes: 20, decode: q4_1 },
    Format { number: 6, name: "Q5_0", block_values: 32, block_bytes: 22, decode: q5_0 },
    Format { number: 7, name: "Q5_1", block_values: 32, block_bytes: 24, decode: q5_1 },
    Format { number: 8, name: "Q8_0", block_values: 32, block_bytes: 34, decode: q8_0 },
    Format { number: 20, name: "IQ4_NL", block_values: 32, block_bytes: 18, decode: iq4_nl },
    Format { number: 10, name: "Q2_K", block_values: 256, block_bytes: 84, decode: q2_k },
    Format { number: 11, name: "Q3_K", block_values: 256, block_bytes: 110, decode: q3_k },
    Format { number: 12, name: "Q4_K", block_values: 256, block_bytes: 144, decode: q4_k },
    Format { number: 13, name: "Q5_K", block_values: 256, block_bytes: 176, decode: q5_k },
    Format { number: 14, name: "Q6_K", block_values: 256, block_bytes: 210, decode: q6_k },
];

/// The format with that number.
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

/// Four bits from the bytes, and the fifth from a bit field.
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

/// Codes of four bits index a table of values that are denser around 0.
fn iq4_nl(block: &[u8], values: &mut [f32]) {
    const TABLE: [f32; 16] =
        [-127.0, -104.0, -83.0, -65.0, -49.0, -35.0, -22.0, -10.0, 1.0, 13.0, 25.0, 38.0, 53.0, 69.0, 89.0, 113.0];
    let scale = half_at(block, 0);
    for (value, code) in values.iter_mut().zip(nibbles(&block[2..18])) {
        *value = scale * TABLE[usize::from(code)];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn decode(number: u32, block: &[u8]) -> Vec<f32> {
        let format = format(number).unwrap();
        assert_eq!(block.len(), format.block_bytes);
        let mut values = vec![f32::NAN; format.block_values];
        (format.decode)(block, &mut values);
        values
    }

    pub(super) fn half(value: f32) -> [u8; 2] {
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

    #[test]
    fn codes_of_a_table() {
        let values = decode(20, &[&half(0.5)[..], &counting()].concat());
        assert_eq!((values[0], values[7], values[15], values[16], values[31]), (-63.5, -5.0, 56.5, 56.5, -63.5));
    }
}
