use crate::{CheckVerdict, MetricId, MetricScope, PhysicsCheck};

/// A check, and the metrics that are false if it fails.
pub(super) struct Finding {
    pub check: PhysicsCheck,
    pub metrics: Vec<MetricId>,
    /// Only these figures; all figures if there are none.
    pub scopes: Vec<MetricScope>,
}

impl Finding {
    pub fn new(name: impl Into<String>, verdict: CheckVerdict, detail: impl Into<String>) -> Self {
        let check = PhysicsCheck { name: name.into(), verdict, detail: detail.into() };
        Self { check, metrics: Vec::new(), scopes: Vec::new() }
    }

    pub fn about(self, metrics: &[MetricId], scopes: Vec<MetricScope>) -> Self {
        Self { metrics: metrics.to_vec(), scopes, ..self }
    }
}

/// `Passed` or `Failed`.
pub(super) fn verdict(passed: bool) -> CheckVerdict {
    if passed { CheckVerdict::Passed } else { CheckVerdict::Failed }
}
