use crate::{AnswerWorth, CallAnswer, CallMetric, MetricId, ShareInterval, distinct_answers, wilson_interval};

/// The number of right answers among all questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Right ones.
    pub right: usize,
    /// Questions.
    pub questions: usize,
}

impl Share {
    /// Right answers divided by questions.
    pub fn value(self) -> f64 {
        self.right as f64 / self.questions.max(1) as f64
    }

    /// Its 95 % interval.
    pub fn interval(self) -> Option<ShareInterval> {
        wilson_interval(self.right, self.questions)
    }
}

/// The value of a metric that is a share of right answers; `None` for other metrics, or without questions.
pub fn share(answers: &[CallAnswer], metric: MetricId) -> Option<Share> {
    let MetricId::Calls(metric) = metric else { return None };
    share_of(answers, metric, |_| true)
}

/// The same for these answers only.
pub fn share_of(answers: &[CallAnswer], metric: CallMetric, wanted: impl Fn(&CallAnswer) -> bool) -> Option<Share> {
    let mut share = Share { right: 0, questions: 0 };
    for answer in distinct_answers(answers).filter(|answer| wanted(answer)) {
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
