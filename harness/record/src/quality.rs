//! How close a backend's answers are to those in f32, on a fixed text.

use pocketwatt_protocol::TokenId;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    Absent, AbsentKind,
    stored::{self, StoredKind},
};

/// Largest difference between two logits that still counts as the same model in f32: engines add in different orders.
pub const F32_TOLERANCE: f32 = 1e-3;

/// Logits that differ only in the last bit of f32 diverge by this much.
const LEAST_DIVERGENCE: f64 = 1e-9;

/// The quality of a case's backend in the case's precision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "StoredQuality", into = "StoredQuality")]
pub enum Quality {
    /// The logits of a text were compared with those of the reference.
    Compared(QualityFigures),
    /// Nothing was compared.
    Absent(Absent),
}

/// The quality of a case's backend in the case's precision.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "quality", rename_all = "kebab-case")]
#[schemars(rename = "Quality")]
enum StoredQuality {
    /// The logits of a text were compared with those of the reference.
    Compared(QualityFigures),
    /// Nothing was compared.
    Unavailable {
        /// The reason as text.
        reason: String,
        /// The reason for programs; since format 1.6.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        absent: Option<StoredKind>,
    },
}

impl From<StoredQuality> for Quality {
    fn from(stored: StoredQuality) -> Self {
        match stored {
            StoredQuality::Compared(figures) => Self::Compared(figures),
            StoredQuality::Unavailable { reason, absent } => {
                Self::Absent(stored::absent(reason, absent, AbsentKind::ComparisonFailed))
            }
        }
    }
}

impl From<Quality> for StoredQuality {
    fn from(quality: Quality) -> Self {
        match quality {
            Quality::Compared(figures) => Self::Compared(figures),
            Quality::Absent(absent) => {
                let (reason, kind) = stored::parts(&absent);
                Self::Unavailable { reason, absent: Some(kind) }
            }
        }
    }
}

/// Logits of a text compared with the reference's, position by position. The input at each position are the text's own
/// tokens, not generated ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QualityFigures {
    /// SHA-256 of the text.
    pub text_sha256: String,
    /// Positions compared.
    pub positions: u32,
    /// Who computed the reference, for example `candle f32`.
    pub reference: String,
    /// Whether that was this very case's backend, in f32.
    pub is_reference: bool,
    /// Largest difference between two logits; null where one is not a number.
    #[serde(deserialize_with = "infinite_of_null")]
    #[schemars(with = "Option<f32>")]
    pub largest_difference: f32,
    /// Positions at which the most probable token is the reference's.
    pub same_choices: u32,
    /// The first position, counted from 1, at which it differs.
    pub first_divergence: Option<u32>,
    /// Mean Kullback-Leibler divergence of the next token's distribution from the reference's, in nats; null where it is
    /// infinite.
    #[serde(deserialize_with = "infinite_of_null")]
    #[schemars(with = "Option<f64>")]
    pub kl_divergence: f64,
    /// `exp` of the mean negative log-likelihood of the text's tokens; null where it is infinite.
    #[serde(deserialize_with = "infinite_of_null")]
    #[schemars(with = "Option<f64>")]
    pub perplexity: f64,
    /// The same for the reference.
    #[serde(deserialize_with = "infinite_of_null")]
    #[schemars(with = "Option<f64>")]
    pub reference_perplexity: f64,
}

impl QualityFigures {
    /// Share of positions at which the most probable token is the reference's.
    pub fn agreement(&self) -> f64 {
        f64::from(self.same_choices) / f64::from(self.positions.max(1))
    }

    /// Whether a backend in f32 computes the same model as the reference.
    pub fn conforms(&self) -> bool {
        self.largest_difference < F32_TOLERANCE
    }
}

/// Two sets of logits of one text.
#[derive(Debug)]
pub struct Logits<'a> {
    /// Length of a row.
    pub vocabulary: usize,
    /// Row after row.
    pub reference: &'a [f32],
    /// The same positions.
    pub found: &'a [f32],
    /// The token that follows each row in the text; the last row may have none.
    pub next: &'a [TokenId],
}

impl Logits<'_> {
    /// Compares them. The names of text and reference are left empty.
    ///
    /// `KL = sum p (ln p - ln q)` with `p` of the reference and `q` of the other, both `softmax(logits)`, mean over the
    /// positions; `perplexity = exp(-mean ln q(next))`. All in f64. A logit that is not a number makes the difference, the
    /// divergence and the perplexity infinite.
    pub fn compare(&self) -> QualityFigures {
        let mut figures = QualityFigures {
            text_sha256: String::new(),
            positions: 0,
            reference: String::new(),
            is_reference: false,
            largest_difference: 0.0,
            same_choices: 0,
            first_divergence: None,
            kl_divergence: 0.0,
            perplexity: 0.0,
            reference_perplexity: 0.0,
        };
        let (mut found_loss, mut reference_loss) = (0.0, 0.0);
        let rows = self.reference.chunks(self.vocabulary).zip(self.found.chunks(self.vocabulary));
        for (position, (reference, found)) in rows.enumerate() {
            figures.positions += 1;
            let difference = largest_difference(reference, found);
            figures.largest_difference = figures.largest_difference.max(difference);
            if most_probable(reference) == most_probable(found) {
                figures.same_choices += 1;
            } else {
                figures.first_divergence.get_or_insert(figures.positions);
            }
            let (p, q) = (log_probabilities(reference), log_probabilities(found));
            figures.kl_divergence += divergence(&p, &q);
            if let Some(next) = self.next.get(position) {
                let loss = |row: &[f64]| finite_or_infinite(-row.get(next.0 as usize).copied().unwrap_or(f64::NAN));
                found_loss += loss(&q);
                reference_loss += loss(&p);
            }
        }
        let predicted = f64::from(figures.positions).min(self.next.len() as f64).max(1.0);
        figures.kl_divergence /= f64::from(figures.positions.max(1));
        figures.perplexity = (found_loss / predicted).exp();
        figures.reference_perplexity = (reference_loss / predicted).exp();
        figures
    }
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    let difference = |(a, b): (&f32, &f32)| if (a - b).is_nan() { f32::INFINITY } else { (a - b).abs() };
    a.iter().zip(b).map(difference).fold(0.0, f32::max)
}

/// The first of the largest logits, as the measured loop chooses it.
fn most_probable(row: &[f32]) -> usize {
    let mut best = 0;
    for (index, logit) in row.iter().enumerate() {
        if *logit > row[best] || row[best].is_nan() && !logit.is_nan() {
            best = index;
        }
    }
    best
}

/// `logits - ln(sum exp(logits))`, in f64.
fn log_probabilities(row: &[f32]) -> Vec<f64> {
    let highest = f64::from(row.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    let sum: f64 = row.iter().map(|logit| (f64::from(*logit) - highest).exp()).sum();
    row.iter().map(|logit| f64::from(*logit) - highest - sum.ln()).collect()
}

fn divergence(p: &[f64], q: &[f64]) -> f64 {
    let sum: f64 = p.iter().zip(q).map(|(p, q)| if p.exp() > 0.0 { p.exp() * (p - q) } else { 0.0 }).sum();
    let sum = finite_or_infinite(sum);
    // Rounding leaves equal distributions slightly above or below zero.
    if sum < LEAST_DIVERGENCE { 0.0 } else { sum }
}

fn finite_or_infinite(value: f64) -> f64 {
    if value.is_nan() { f64::INFINITY } else { value }
}

/// JSON has no infinity, and its writer writes null; a record with one must stay readable.
fn infinite_of_null<'a, T: Deserialize<'a> + From<f32>, D: Deserializer<'a>>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_else(|| T::from(f32::INFINITY)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn compare(reference: &[f32], found: &[f32], next: &[u32]) -> QualityFigures {
        let next: Vec<TokenId> = next.iter().copied().map(TokenId).collect();
        Logits { vocabulary: 2, reference, found, next: &next }.compare()
    }

    #[test]
    fn figures_agree_with_numbers_worked_by_hand() {
        // p = (1/4, 3/4) and (1/2, 1/2); q = (1/2, 1/2) and (9/10, 1/10).
        let (third, ninth) = (3.0_f32.ln(), 9.0_f32.ln());
        let figures = compare(&[0.0, third, 0.0, 0.0], &[0.0, 0.0, ninth, 0.0], &[1, 0]);
        let first = 0.25 * (0.25_f64 / 0.5).ln() + 0.75 * (0.75_f64 / 0.5).ln();
        let second = 0.5 * (0.5_f64 / 0.9).ln() + 0.5 * (0.5_f64 / 0.1).ln();
        assert!((figures.kl_divergence - (first + second) / 2.0).abs() < 1e-6, "{figures:?}");
        assert!((figures.perplexity - (1.0 / (0.5_f64 * 0.9)).sqrt()).abs() < 1e-6, "{figures:?}");
        assert!((figures.reference_perplexity - (1.0 / (0.75_f64 * 0.5)).sqrt()).abs() < 1e-6, "{figures:?}");
        assert_eq!((figures.positions, figures.same_choices, figures.first_divergence), (2, 1, Some(1)));
        assert_eq!(figures.largest_difference, ninth);
        assert_eq!(figures.agreement(), 0.5);
    }

    #[test]
    fn equal_logits_do_not_differ() {
        let row = [0.3, -2.0, 7.0, 7.0];
        let figures = compare(&row, &row, &[0, 1]);
        assert_eq!((figures.kl_divergence, figures.largest_difference, figures.agreement()), (0.0, 0.0, 1.0));
        assert_eq!(figures.perplexity, figures.reference_perplexity);
        assert!(figures.conforms());
    }

    #[test]
    fn what_is_no_number_is_infinitely_wrong() {
        let figures = compare(&[0.0, 1.0], &[f32::NAN, 1.0], &[0]);
        assert_eq!(figures.largest_difference, f32::INFINITY);
        assert_eq!((figures.kl_divergence, figures.perplexity), (f64::INFINITY, f64::INFINITY));
        assert!(!figures.conforms());
        let stored = serde_json::to_string(&figures).unwrap();
        assert!(stored.contains("\"perplexity\":null"), "{stored}");
        assert_eq!(serde_json::from_str::<QualityFigures>(&stored).unwrap(), figures);
    }

    proptest! {
        /// Gibbs' inequality, and a constant added to all logits changes nothing.
        #[test]
        fn divergence_is_never_negative_and_ignores_shifts(
            p in prop::collection::vec(-20.0_f32..20.0, 8),
            q in prop::collection::vec(-20.0_f32..20.0, 8),
            shift in -5.0_f32..5.0,
        ) {
            let figures = Logits { vocabulary: 8, reference: &p, found: &q, next: &[] }.compare();
            prop_assert!(figures.kl_divergence >= 0.0);
            let shifted: Vec<f32> = p.iter().map(|logit| logit + shift).collect();
            let figures = Logits { vocabulary: 8, reference: &p, found: &shifted, next: &[] }.compare();
            prop_assert!(figures.kl_divergence < 1e-9, "{}", figures.kl_divergence);
        }
    }
}
