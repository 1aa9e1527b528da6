//! A scale for each output: what integer matrix products need, whose sums run over a whole row.

/// The code of zero. Codes are unsigned, as activations are: ONNX Runtime's products of unsigned by signed codes add
/// pairs in 16 bits, with saturation, on processors without VNNI.
const ZERO: f32 = 128.0;

/// A matrix as codes, with a scale for each output.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Channels {
    /// `[in, out]`: integer products of ONNX take their second factor in this order.
    pub codes: Vec<u8>,
    /// `[out]`.
    pub scales: Vec<f32>,
    /// `[out]`: the sum of each output's codes relative to zero's. It corrects a product for the code of zero
    /// in the activations.
    pub sums: Vec<f32>,
}

/// Codes 1 to 255 for -127 to 127 scales, where an output's scale is a 127th of its largest weight. `weights` is `[out, in]`.
pub(crate) fn quantise_channels(weights: &[f32], inputs: usize) -> Channels {
    let outputs = weights.len() / inputs;
    let mut channels = Channels { codes: vec![0; weights.len()], ..Channels::default() };
    for (output, row) in weights.chunks(inputs).enumerate() {
        let largest = row.iter().fold(0.0_f32, |largest, weight| largest.max(weight.abs()));
        let scale = largest / 127.0;
        let factor = if scale == 0.0 { 0.0 } else { 1.0 / scale };
        let mut sum = 0.0;
        for (input, weight) in row.iter().enumerate() {
            let code = (weight * factor).round().clamp(-127.0, 127.0);
            sum += code;
            channels.codes[input * outputs + output] = (code + ZERO) as u8;
        }
        channels.scales.push(scale);
        channels.sums.push(sum);
    }
    channels
}

/// The weights `[out, in]` that codes `[in, out]` and scales `[out]` represent.
pub fn dequantise_channels(codes: &[u8], scales: &[f32], weights: &mut [f32]) {
    let outputs = scales.len();
    let inputs = weights.len() / outputs.max(1);
    for (output, row) in weights.chunks_mut(inputs.max(1)).enumerate() {
        for (input, weight) in row.iter_mut().enumerate() {
            *weight = (f32::from(codes[input * outputs + output]) - ZERO) * scales[output];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_have_scales_of_their_own_and_codes_are_transposed() {
        let weights = [127.0, -64.0, 1.0, 0.5, 0.25, -0.5];
        let channels = quantise_channels(&weights, 3);
        assert_eq!(channels.scales, [1.0, 0.5 / 127.0]);
        assert_eq!(channels.codes, [255, 255, 64, 192, 129, 1]);
        assert_eq!(channels.sums, [64.0, 64.0]);
        let mut back = [0.0; 6];
        dequantise_channels(&channels.codes, &channels.scales, &mut back);
        assert_eq!(back[..3], weights[..3]);
        assert!((back[4] - 0.25).abs() < 0.5 / 127.0);
    }

    #[test]
    fn an_output_of_zeros_is_zero() {
        let channels = quantise_channels(&[0.0; 4], 4);
        assert_eq!((channels.codes, channels.scales), (vec![128; 4], vec![0.0]));
    }
}
