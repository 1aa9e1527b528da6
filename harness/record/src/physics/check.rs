use super::{bandwidth, energy, finding::Finding, quality};
use crate::{Absent, CheckVerdict, MetricValue, PhysicsCheck, Record, Value};

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
