//! What people compare first of a case, in a line: the columns of the table of every case, and what a case has of each.

use pocketwatt_record::{
    CallMetric, EnergyMetric, MetricId, MetricScope, MetricValue, QualityMetric, Record, SpeedMetric, Statistic,
};

use crate::{
    cases::{found, is_in, physics, value_in},
    pages::report::case::{exact_words, words_of},
    table::Found,
};

/// The metrics of the columns.
pub const COLUMNS: [MetricId; 11] = [
    MetricId::Speed(SpeedMetric::DecodeThroughput),
    MetricId::Speed(SpeedMetric::TimeToFirstToken),
    MetricId::Speed(SpeedMetric::PrefillThroughput),
    MetricId::Speed(SpeedMetric::RequestLatency),
    MetricId::Speed(SpeedMetric::LoadTime),
    MetricId::Speed(SpeedMetric::PeakResidentMemory),
    MetricId::Energy(EnergyMetric::EnergyPerOutputToken),
    MetricId::Energy(EnergyMetric::EnergyPerRequest),
    MetricId::Quality(QualityMetric::KlDivergence),
    MetricId::Quality(QualityMetric::TokenAgreement),
    MetricId::Calls(CallMetric::CallIntent),
];

/// What a case has of a metric.
pub struct OwnNumber {
    /// The number, or why there is none.
    pub found: Found,
    /// The number exactly, with its interval and the numbers of its blocks; empty where there is none.
    pub tip: String,
}

/// What a case has of each column, in the scope that it prefers itself. The record has its readings.
pub fn own_numbers(record: &Record) -> Vec<OwnNumber> {
    let own = |metric: &MetricId| {
        let found = found(record, *metric, Statistic::Median);
        let exact = found.as_ref().and_then(|found| found.as_ref().ok());
        let tip = exact.map(|estimate| exact_words(record, *metric, estimate)).unwrap_or_default();
        OwnNumber { found, tip }
    };
    COLUMNS.iter().map(own).collect()
}

/// The same of one metric in the scope that it has in all cases; readings are no longer needed.
pub fn in_scope(record: &Record, metric: MetricId, own: &OwnNumber, common: Option<&MetricScope>) -> OwnNumber {
    let OwnNumber { found, tip } = own;
    if found.is_none() || is_in(record, metric, common) {
        return OwnNumber { found: found.clone(), tip: tip.clone() };
    }
    let value = value_in(record, metric, common).and_then(MetricValue::estimate);
    let tip = value.as_ref().map(|estimate| words_of(metric, estimate)).unwrap_or_default();
    OwnNumber { found: Some(value.map_err(|absent| physics::explained(&absent))), tip }
}
