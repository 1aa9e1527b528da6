//! Shares of right calls.

use pocketwatt_record::{AnswerWorth, CallAnswer, CallMetric, MetricId, Record, distinct_answers, wilson_interval};

use crate::table::Estimate;

/// Right answers of all that were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Right ones.
    pub right: usize,
    /// Questions.
    pub questions: usize,
}

impl Share {
    /// With its 95 % interval.
    pub fn estimate(self) -> Estimate {
        let interval = wilson_interval(self.right, self.questions);
        Estimate {
            value: self.right as f64 / self.questions.max(1) as f64,
            range: interval.map(|interval| (interval.low, interval.high)),
            questions: Some(self.questions),
        }
    }
}

/// The share of right answers that a metric of a record is; nothing for a metric of something else, or without questions.
pub fn share(record: &Record, metric: MetricId) -> Option<Share> {
    let MetricId::Calls(metric) = metric else { return None };
    share_of(record, metric, |_| true)
}

/// The same of the answers that are wanted.
pub fn share_of(record: &Record, metric: CallMetric, wanted: impl Fn(&CallAnswer) -> bool) -> Option<Share> {
    let mut share = Share { right: 0, questions: 0 };
    for answer in distinct_answers(&record.calls).filter(|answer| wanted(answer)) {
        let Some(right) = is_right(&answer.worth, metric) else { continue };
        share.questions += 1;
        share.right += usize::from(right);
    }
    (share.questions > 0).then_some(share)
}

fn is_right(worth: &AnswerWorth, metric: CallMetric) -> Option<bool> {
    match metric {
        CallMetric::CallIntent => worth.intent(),
        CallMetric::CallStructure => worth.structure(),
        CallMetric::CallBfcl => worth.bfcl(),
        _ => None,
    }
}
