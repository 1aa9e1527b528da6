//! Whether the energy of two cases is that of the same part of a device.

use crate::{Absent, AbsentKind, MetricId, MetricScope, Record};

/// Joules of a package beside those of a memory say nothing, however many blocks there are: scope, interface and part have to be the
/// same. Cases of one run differ in them where a meter could not be read in some of them.
pub(super) fn ensure_one_scope(baseline: &Record, candidate: &Record, metric: MetricId) -> Result<(), Absent> {
    let scope = |record: &Record| record.value(metric).and_then(|value| value.scope.clone());
    match (scope(baseline), scope(candidate)) {
        (Some(one), Some(other)) if one != other => {
            let words = format!("energy of other parts of the device: {} and {}", words(&one), words(&other));
            Err(Absent::new(AbsentKind::NoRatio, words))
        }
        _ => Ok(()),
    }
}

/// `package (powercap)`. The name of a part is for whoever prints it: it comes from outside.
fn words(scope: &MetricScope) -> String {
    let part = scope.part.as_deref().map_or_else(String::new, |part| format!(" {part}"));
    format!("{}{part} ({})", scope.scope.name(), scope.source.name())
}
