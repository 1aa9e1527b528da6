//! A backend that computes another model than the reference has no numbers worth comparing.

use crate::{Amount, CheckVerdict, F32_TOLERANCE, Precision, Quality, Record, catalogue};

use super::finding::{Finding, verdict};

/// `None` where no comparison was requested.
pub(super) fn check(record: &Record) -> Option<Finding> {
    const NAME: &str = "conformance";
    let quality = record.quality.as_ref()?;
    let skip = |detail: String| Some(Finding::new(NAME, CheckVerdict::NotApplicable, detail));
    if record.case.precision != Precision::F32 {
        return skip("rounded weights may give other answers: their agreement is a metric".to_owned());
    }
    let figures = match quality {
        Quality::Compared(figures) if !figures.is_reference => figures,
        Quality::Compared(_) => return skip("it is the reference".to_owned()),
        Quality::Absent(absent) => return skip(absent.words.clone()),
    };
    let passed = figures.conforms();
    let detail = format!(
        "in {} positions of a text logits differ from {} by {:.1e} at most, {F32_TOLERANCE:.0e} is accepted",
        figures.positions,
        figures.reference,
        Amount(figures.largest_difference.into())
    );
    Some(Finding::new(NAME, verdict(passed), detail).about(catalogue(), Vec::new()))
}
