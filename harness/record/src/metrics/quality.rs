//! Closeness to the reference.

use super::definition::{Observations, Observe::Case, metrics};
use crate::{
    AbsentKind::{Infinite, IsReference, NotCompared, SeededWeights},
    Evidence, Quality, QualityFigures,
};

metrics! {
    /// Closeness to the reference.
    QualityMetric {
        TokenAgreement = "token_agreement" {
            label: "agreement with f32",
            unit: Fraction,
            direction: HigherIsBetter,
            observation: "a fixed text",
            formula: "positions at which the most probable token is that of the reference in f32 / positions",
            observe: Case(|case| distance(case, QualityFigures::agreement)),
        }
        KlDivergence = "kl_divergence" {
            label: "divergence from f32",
            unit: Nats,
            direction: LowerIsBetter,
            observation: "a fixed text",
            formula: "mean over positions of sum p (ln p - ln q), p = softmax(logits of the reference in f32), q = softmax(logits)",
            observe: Case(|case| distance(case, |figures| figures.kl_divergence)),
        }
        Perplexity = "perplexity" {
            label: "perplexity",
            unit: One,
            direction: LowerIsBetter,
            observation: "a fixed text",
            formula: "exp(-mean ln q(next token of the text))",
            observe: Case(|case| figure(case, |figures| figures.perplexity)),
        }
    }
}

/// How far a backend is from the reference; not applicable to the reference itself.
fn distance(case: &Evidence<'_>, of: fn(&QualityFigures) -> f64) -> Observations {
    match case.quality {
        Some(Quality::Compared(figures)) if figures.is_reference => Err(IsReference.into()),
        _ => figure(case, of),
    }
}

/// A figure of the comparison with the reference. It means nothing for seeded weights, however close they are.
fn figure(case: &Evidence<'_>, of: fn(&QualityFigures) -> f64) -> Observations {
    match case.quality {
        _ if case.passport.model.seeded => Err(SeededWeights.into()),
        Some(Quality::Compared(figures)) => {
            let value = Some(of(figures)).filter(|value| value.is_finite()).ok_or(Infinite)?;
            Ok(vec![value])
        }
        Some(Quality::Absent(absent)) => Err(absent.clone()),
        None => Err(NotCompared.into()),
    }
}
