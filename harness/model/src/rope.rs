//! Scaled rotary positions, for texts longer than those of the original training.
//!
//! The formulas are those of transformers' `modeling_rope_utils.py`. Frequencies are computed in f64 here and in
//! f32 there: they agree to seven digits.

use std::{f64::consts::TAU, ops::RangeInclusive};

use crate::ModelError;

/// Range of the divisors of frequencies and the factors of cosines: beyond it, an f32 may not hold the angle.
const REAL_FACTORS: RangeInclusive<f64> = 1e-3..=1e6;

/// How the frequencies of rotary positions differ from `theta^(-2 i / head_dim)`.
#[derive(Clone, Debug, PartialEq)]
pub enum RopeScaling {
    /// All of them are divided by a factor, as if the positions were (`linear`).
    Linear {
        /// At least 1.
        factor: f64,
    },
    /// Low frequencies are divided, high ones stay (Llama 3.1 and 3.2; `llama3`).
    Llama3(Llama3Scaling),
    /// Low frequencies are divided, high ones stay, and cosines and sines grow (arXiv 2309.00071; `yarn`).
    Yarn(YarnScaling),
    /// Each frequency is divided by a number of its own, whatever the length of the text: the tensor `rope_freqs.weight` of a
    /// GGUF file, and a `longrope` whose two lists are the same.
    Factors {
        /// One for each pair of a head's dimensions.
        factors: Vec<f64>,
        /// Factor of cosines and sines.
        attention_factor: f64,
    },
}

/// Frequencies whose wavelength is over `original_context / low_frequency_factor` are divided by `factor`, those below
/// `original_context / high_frequency_factor` stay, and between the two the change is smooth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Llama3Scaling {
    /// At least 1.
    pub factor: f64,
    /// Number of the longest smoothed wavelengths in the original context.
    pub low_frequency_factor: f64,
    /// Number of the shortest smoothed wavelengths in the original context; more than the other.
    pub high_frequency_factor: f64,
    /// Longest text of the original training, in tokens.
    pub original_context: usize,
}

/// A frequency with fewer than `beta_slow` turns in the original context is divided by `factor`, one with more
/// than `beta_fast` turns stays, and between the two corresponding dimensions the change is linear.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct YarnScaling {
    /// At least 1.
    pub factor: f64,
    /// Factor of cosines and sines, so that scores grow by its square.
    pub attention_factor: f64,
    /// Turns in the original context; not less than the other.
    pub beta_fast: f64,
    /// Turns in the original context.
    pub beta_slow: f64,
    /// Longest text of the original training, in tokens.
    pub original_context: usize,
    /// Whether the two dimensions are rounded to whole numbers, down and up.
    pub truncate: bool,
}

/// The unscaled frequencies of `half` pairs of dimensions, the highest first.
pub(crate) fn unscaled_frequencies(theta: f64, half: usize) -> Vec<f64> {
    let head_dim = 2.0 * half as f64;
    (0..half).map(|pair| theta.powf(-2.0 * pair as f64 / head_dim)).collect()
}

impl RopeScaling {
    /// Factor of cosines and sines.
    pub fn attention_factor(&self) -> f64 {
        match self {
            Self::Linear { .. } | Self::Llama3(_) => 1.0,
            Self::Yarn(yarn) => yarn.attention_factor,
            Self::Factors { attention_factor, .. } => *attention_factor,
        }
    }

    /// Scales the given frequencies, whose base is `theta`.
    pub(crate) fn scaled(&self, theta: f64, mut frequencies: Vec<f64>) -> Vec<f64> {
        match self {
            Self::Linear { factor } => frequencies.iter_mut().for_each(|frequency| *frequency /= factor),
            Self::Llama3(llama3) => frequencies.iter_mut().for_each(|frequency| *frequency = llama3.scaled(*frequency)),
            Self::Yarn(yarn) => {
                let kept = yarn.kept(theta, frequencies.len());
                for (frequency, kept) in frequencies.iter_mut().zip(kept) {
                    *frequency *= kept + (1.0 - kept) / yarn.factor;
                }
            }
            Self::Factors { factors, .. } => {
                frequencies.iter_mut().zip(factors).for_each(|(frequency, factor)| *frequency /= factor);
            }
        }
        frequencies
    }

    /// Refuses numbers with which nothing can be computed, and those that transformers warns about.
    pub(crate) fn validate(&self, theta: f64, half: usize) -> Result<(), ModelError> {
        let refuse = |reason: String| Err(ModelError::Config(reason));
        let positive = |number: f64| number.is_finite() && number > 0.0;
        match self {
            Self::Linear { factor } => Self::ensure_factor(*factor),
            Self::Llama3(Llama3Scaling {
                factor,
                low_frequency_factor: low,
                high_frequency_factor: high,
                original_context,
            }) => {
                Self::ensure_factor(*factor)?;
                if !(positive(*low) && positive(*high) && low < high) {
                    return refuse(format!(
                        "low_freq_factor is {low} and high_freq_factor {high}: the second must be more"
                    ));
                }
                ensure_context(*original_context)
            }
            Self::Yarn(YarnScaling { factor, attention_factor, beta_fast, beta_slow, original_context, .. }) => {
                Self::ensure_factor(*factor)?;
                if !REAL_FACTORS.contains(attention_factor) {
                    return refuse(format!("attention_factor is {attention_factor}, which no model has"));
                }
                if !(positive(*beta_slow) && positive(*beta_fast) && beta_slow <= beta_fast) {
                    return refuse(format!(
                        "beta_fast is {beta_fast} and beta_slow {beta_slow}: the first must be more"
                    ));
                }
                if theta <= 1.0 {
                    return refuse(format!("rope_theta is {theta}, with which yarn cannot be computed"));
                }
                ensure_context(*original_context)
            }
            Self::Factors { factors, attention_factor } => {
                if factors.len() != half {
                    let found = factors.len();
                    return refuse(format!("there are {found} factors of rotary frequencies, but a head has {half}"));
                }
                if let Some(factor) =
                    factors.iter().chain([attention_factor]).find(|factor| !REAL_FACTORS.contains(*factor))
                {
                    return refuse(format!("a factor of rotary frequencies is {factor}, which no model has"));
                }
                Ok(())
            }
        }
    }

    /// Refuses a factor below 1.
    pub(crate) fn ensure_factor(factor: f64) -> Result<(), ModelError> {
        if factor.is_finite() && factor >= 1.0 {
            return Ok(());
        }
        Err(ModelError::Config(format!("the factor of rotary positions is {factor}, it must be 1 or more")))
    }
}

fn ensure_context(original_context: usize) -> Result<(), ModelError> {
    if original_context == 0 {
        return Err(ModelError::Config("original_max_position_embeddings is 0".into()));
    }
    Ok(())
}

impl Llama3Scaling {
    fn scaled(&self, frequency: f64) -> f64 {
        let turns = self.original_context as f64 * frequency / TAU;
        let kept = (turns - self.low_frequency_factor) / (self.high_frequency_factor - self.low_frequency_factor);
        let kept = kept.clamp(0.0, 1.0);
        (1.0 - kept) * frequency / self.factor + kept * frequency
    }
}

impl YarnScaling {
    /// The paper's attention factor, for a model that does not give one.
    pub(crate) fn usual_attention_factor(factor: f64) -> f64 {
        Self::magnitude(factor, 1.0)
    }

    /// `get_mscale` of transformers.
    pub(crate) fn magnitude(factor: f64, scale: f64) -> f64 {
        if factor <= 1.0 { 1.0 } else { 0.1 * scale * factor.ln() + 1.0 }
    }

    /// The share of each frequency that is not scaled, 0 to 1.
    fn kept(&self, theta: f64, half: usize) -> impl Iterator<Item = f64> {
        let head_dim = 2.0 * half as f64;
        let dimension =
            |turns: f64| head_dim * (self.original_context as f64 / (turns * TAU)).ln() / (2.0 * theta.ln());
        let (mut low, mut high) = (dimension(self.beta_fast), dimension(self.beta_slow));
        if self.truncate {
            (low, high) = (low.floor(), high.ceil());
        }
        let (low, mut high) = (low.max(0.0), high.min(head_dim - 1.0));
        if low == high {
            high += 0.001;
        }
        (0..half).map(move |pair| 1.0 - ((pair as f64 - low) / (high - low)).clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests;
