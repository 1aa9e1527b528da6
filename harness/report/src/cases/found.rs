//! A case's number for a row.

use pocketwatt_record::{MetricId, Outcome, Record, Statistic, estimate};

use crate::{cases::physics, table::Found};

/// A case's value of a metric, with the name of the check that withholds it; `None` for a case that was not measured.
pub fn found(record: &Record, metric: impl Into<MetricId>, statistic: Statistic) -> Found {
    let measured = record.outcome == Outcome::Measured;
    measured.then(|| estimate(record, metric, statistic).map_err(|absent| physics::explained(&absent)))
}
