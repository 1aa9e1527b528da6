//! Usual names of GGUF's number formats.

/// Indexed by `ggml_type` in ggml's ggml.h, including numbers that are no longer in use.
const NAMES: [&str; 40] = [
    "F32",
    "F16",
    "Q4_0",
    "Q4_1",
    "Q4_2",
    "Q4_3",
    "Q5_0",
    "Q5_1",
    "Q8_0",
    "Q8_1",
    "Q2_K",
    "Q3_K",
    "Q4_K",
    "Q5_K",
    "Q6_K",
    "Q8_K",
    "IQ2_XXS",
    "IQ2_XS",
    "IQ3_XXS",
    "IQ1_S",
    "IQ4_NL",
    "IQ3_S",
    "IQ2_S",
    "IQ4_XS",
    "I8",
    "I16",
    "I32",
    "I64",
    "F64",
    "IQ1_M",
    "BF16",
    "Q4_0_4_4",
    "Q4_0_4_8",
    "Q4_0_8_8",
    "TQ1_0",
    "TQ2_0",
    "IQ4_NL_4_4",
    "IQ4_NL_4_8",
    "IQ4_NL_8_8",
    "MXFP4",
];

/// The format's name, also of one that cannot be read.
pub fn name(number: u32) -> Option<&'static str> {
    NAMES.get(usize::try_from(number).ok()?).copied()
}

#[cfg(test)]
mod tests {
    use super::{super::blocks::FORMATS, *};

    #[test]
    fn formats_that_can_be_read_have_the_same_names() {
        for format in &FORMATS {
            assert_eq!(name(format.number), Some(format.name));
        }
        assert_eq!([12, 13, 20, 39].map(name), ["Q4_K", "Q5_K", "IQ4_NL", "MXFP4"].map(Some));
        assert_eq!(name(40), None);
    }
}
