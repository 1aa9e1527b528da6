//! Energy that stands side by side is that of one part of a device.

use pocketwatt_record::{Absent, AbsentKind, EnergyMetric, MetricId, MetricScope, MetricValue, Record, Statistic};

use crate::{
    cases::{found, physics},
    table::Found,
};

/// The scope, interface and part that a metric of these records is compared in: what most of them prefer, of equals the first. A meter
/// that could not be read in one case makes that case the exception, wherever it stands. `None` for metrics without a scope.
pub fn common_scope<'r>(records: &[&'r Record], metric: impl Into<MetricId>) -> Option<&'r MetricScope> {
    let metric = metric.into();
    let mut counted: Vec<(&MetricScope, usize)> = Vec::new();
    for scope in records.iter().filter_map(|record| record.value(metric)?.scope.as_ref()) {
        match counted.iter_mut().find(|(known, _)| *known == scope) {
            Some((_, count)) => *count += 1,
            None => counted.push((scope, 1)),
        }
    }
    let most = counted.iter().map(|(_, count)| *count).max()?;
    counted.into_iter().find(|(_, count)| *count == most).map(|(scope, _)| scope)
}

/// Whether a record's own number of a metric may stand beside those of the others: it is of the common scope.
pub fn is_in(record: &Record, metric: MetricId, common: Option<&MetricScope>) -> bool {
    record.value(metric).and_then(|value| value.scope.as_ref()) == common
}

/// The value of a metric in a scope, or what is said of all scopes at once.
///
/// # Errors
/// Why there is none.
pub fn value_in<'r>(
    record: &'r Record,
    metric: impl Into<MetricId>,
    scope: Option<&MetricScope>,
) -> Result<&'r MetricValue, Absent> {
    let metric = metric.into();
    let of = |wanted: Option<&MetricScope>| record.values(metric).find(|value| value.scope.as_ref() == wanted);
    let missing = || if record.value(metric).is_some() { AbsentKind::NotReadInCase } else { AbsentKind::NotInRecord };
    Ok(of(scope).or_else(|| of(None)).ok_or_else(missing)?)
}

/// What each record has of a metric; where the metric has scopes, in the common one alone.
pub fn found_side_by_side(records: &[&Record], metric: impl Into<MetricId>, statistic: Statistic) -> Vec<Found> {
    let metric = metric.into();
    let common = common_scope(records, metric);
    let of_record = |record: &&Record| {
        let own = found(record, metric, statistic)?;
        if is_in(record, metric, common) {
            return Some(own);
        }
        let value = value_in(record, metric, common).and_then(MetricValue::estimate);
        Some(value.map_err(|absent| physics::explained(&absent)))
    };
    records.iter().map(of_record).collect()
}

/// The scope in which energy of these records is shown first.
pub fn energy_scope<'r>(records: &[&'r Record]) -> Option<&'r MetricScope> {
    common_scope(records, EnergyMetric::EnergyPerRequest)
}

#[cfg(test)]
mod tests {
    use pocketwatt_meter::energy::Scope;

    use super::*;
    use crate::fixture;

    #[test]
    fn the_case_whose_meter_was_not_read_is_the_exception() {
        let (_, mut records) = fixture::energy::metered();
        let energy = MetricId::Energy(EnergyMetric::EnergyPerRequest);
        let package = fixture::energy::scope(Scope::Package);
        records[0].metrics.retain(|value| value.scope.as_ref() != Some(&package));
        let records: Vec<&Record> = records[..3].iter().collect();
        assert_eq!(common_scope(&records, energy), Some(&package), "although the first one prefers the memory");
        let found = found_side_by_side(&records, energy, Statistic::Median);
        assert_eq!(found[0].as_ref().unwrap().as_ref().unwrap_err().kind, AbsentKind::NotReadInCase);
        assert!(found[1].as_ref().unwrap().is_ok());
        let own = found_side_by_side(&records[..1], energy, Statistic::Median);
        assert!(own[0].as_ref().unwrap().is_ok(), "by itself it has the number of its own scope");
    }
}
