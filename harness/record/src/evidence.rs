use pocketwatt_meter::CaseReadings;

use crate::{CallAnswer, Passport, Quality, Samples, Unjudged};

/// What a measured case's numbers are computed from: everything that was found out about it, and nothing that follows.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// Where the numbers come from.
    pub passport: &'a Passport,
    /// What the runner reported.
    pub samples: &'a Samples,
    /// What was read beside the runner.
    pub readings: &'a CaseReadings,
    /// The comparison with the reference; absent where nobody asked for one.
    pub quality: Option<&'a Quality>,
    /// What the answers were worth.
    pub calls: &'a [CallAnswer],
    /// Why answers are not judged.
    pub unjudged: Option<&'a Unjudged>,
}
