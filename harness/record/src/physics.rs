//! Whether a record's numbers can be true at all. What cannot is withheld from its metrics, with the numbers in words.

mod bandwidth;
mod energy;
mod quality;
#[cfg(test)]
mod tests;

use crate::{Absent, CheckVerdict, MetricId, MetricScope, MetricValue, PhysicsCheck, Record, Value};

/// Runs every check on a record whose energy and metrics were derived, and withholds the metrics that fail.
pub(crate) fn check(record: &mut Record) -> Vec<PhysicsCheck> {
    let mut findings = vec![bandwidth::check(record)];
    findings.extend(quality::check(record));
    findings.extend(energy::checks(record));
    for finding in &findings {
        withhold(&mut record.metrics, finding);
    }
    findings.into_iter().map(|finding| finding.check).collect()
}

/// A check, and the metrics that are false if it fails.
struct Finding {
    check: PhysicsCheck,
    metrics: Vec<MetricId>,
    /// Of these figures only; of all if there are none.
    scopes: Vec<MetricScope>,
}

impl Finding {
    fn new(name: impl Into<String>, verdict: CheckVerdict, detail: impl Into<String>) -> Self {
        let check = PhysicsCheck { name: name.into(), verdict, detail: detail.into() };
        Self { check, metrics: Vec::new(), scopes: Vec::new() }
    }

    fn about(self, metrics: &[MetricId], scopes: Vec<MetricScope>) -> Self {
        Self { metrics: metrics.to_vec(), scopes, ..self }
    }
}

/// `Passed` or `Failed`.
fn verdict(passed: bool) -> CheckVerdict {
    if passed { CheckVerdict::Passed } else { CheckVerdict::Failed }
}

fn withhold(metrics: &mut [MetricValue], finding: &Finding) {
    if finding.check.verdict != CheckVerdict::Failed {
        return;
    }
    for metric in metrics {
        let in_scope =
            finding.scopes.is_empty() || metric.scope.as_ref().is_some_and(|scope| finding.scopes.contains(scope));
        let concerned = metric.metric.id().is_some_and(|metric| finding.metrics.contains(&metric));
        if in_scope && concerned && metric.summary().is_some() {
            metric.uncertainty = None;
            metric.value = Value::Absent(Absent::withheld(&finding.check.name, &finding.check.detail));
        }
    }
}
