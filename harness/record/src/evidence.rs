use pocketwatt_meter::CaseReadings;

use crate::{CallAnswer, Passport, Quality, Samples, Unjudged};

/// The input of a measured case's metrics: everything that was observed, and nothing derived from it.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// Where the numbers come from.
    pub passport: &'a Passport,
    /// What the runner reported.
    pub samples: &'a Samples,
    /// The readings of meters during the case.
    pub readings: &'a CaseReadings,
    /// The comparison with the reference; absent if it was not requested.
    pub quality: Option<&'a Quality>,
    /// The judged answers.
    pub calls: &'a [CallAnswer],
    /// Why answers are not judged.
    pub unjudged: Option<&'a Unjudged>,
}
