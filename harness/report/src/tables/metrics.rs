//! The rows of a group that the catalogue of metrics fills.

use pocketwatt_record::{CallMetric, MetricId, QualityMetric, SpeedMetric, Statistic};

use crate::{
    cases::{CaseGroup, found},
    table::{Footnotes, Found, Row, Subject},
    tables::contests::Contests,
};

/// A row.
pub struct Line {
    /// A metric of the catalogue.
    pub metric: MetricId,
    statistic: Statistic,
    /// The label, if it is not the catalogue's.
    label: Option<&'static str>,
    /// Whether it is left out if no column has a number.
    optional: bool,
}

impl Line {
    /// The value of every case of a group.
    fn found(&self, group: &CaseGroup) -> Vec<Found> {
        group.columns.iter().map(|column| found(column.record, self.metric, self.statistic)).collect()
    }
}

const fn line(metric: MetricId) -> Line {
    Line { metric, statistic: Statistic::Median, label: None, optional: false }
}

const fn quality(metric: MetricId) -> Line {
    Line { optional: true, ..line(metric) }
}

/// The most wanted rows come first.
pub const LINES: &[Line] = &[
    line(MetricId::Speed(SpeedMetric::TimeToFirstToken)),
    line(MetricId::Speed(SpeedMetric::PrefillThroughput)),
    line(MetricId::Speed(SpeedMetric::DecodeThroughput)),
    line(MetricId::Speed(SpeedMetric::InterTokenLatency)),
    Line {
        statistic: Statistic::P90,
        label: Some("  90th percentile"),
        ..line(MetricId::Speed(SpeedMetric::InterTokenLatency))
    },
    Line {
        statistic: Statistic::P99,
        label: Some("  99th percentile"),
        ..line(MetricId::Speed(SpeedMetric::InterTokenLatency))
    },
    Line { optional: true, ..line(MetricId::Speed(SpeedMetric::UndisturbedTokenLatency)) },
    line(MetricId::Speed(SpeedMetric::RequestLatency)),
    line(MetricId::Speed(SpeedMetric::LoadTime)),
    line(MetricId::Speed(SpeedMetric::LoadReadTime)),
    line(MetricId::Speed(SpeedMetric::LoadPrepareTime)),
    line(MetricId::Speed(SpeedMetric::FirstTokenAfterLoad)),
    line(MetricId::Speed(SpeedMetric::PeakResidentMemory)),
    line(MetricId::Speed(SpeedMetric::PeakAnonymousMemory)),
    line(MetricId::Speed(SpeedMetric::KvCacheMemory)),
    line(MetricId::Speed(SpeedMetric::ModelBandwidthUtilisation)),
    line(MetricId::Quality(QualityMetric::TokenAgreement)),
    quality(MetricId::Quality(QualityMetric::KlDivergence)),
    quality(MetricId::Quality(QualityMetric::Perplexity)),
    Line { optional: true, ..line(MetricId::Calls(CallMetric::CallIntent)) },
    Line { optional: true, ..line(MetricId::Calls(CallMetric::CallStructure)) },
    Line { optional: true, ..line(MetricId::Calls(CallMetric::CallBfcl)) },
    quality(MetricId::Calls(CallMetric::Rouge1)),
    quality(MetricId::Calls(CallMetric::RougeL)),
    Line { optional: true, ..line(MetricId::Calls(CallMetric::TimeToCall)) },
    quality(MetricId::Calls(CallMetric::TokensPerCall)),
    Line { label: Some("keeping to the grammar, a token"), ..quality(MetricId::Calls(CallMetric::GrammarTime)) },
];

/// What every case of a group has of a metric.
pub fn estimates(group: &CaseGroup, metric: MetricId) -> Vec<Found> {
    let Some(line) = LINES.iter().find(|line| line.metric == metric) else { return vec![None; group.columns.len()] };
    line.found(group)
}

/// The row of a metric; nothing where it is of no use.
pub fn row(line: &Line, group: &CaseGroup, contests: &Contests, footnotes: &mut Footnotes) -> Option<Row> {
    let metric = line.metric.definition();
    let best = contests.best(line.metric).filter(|_| line.statistic == Statistic::Median);
    let subject = Subject { label: line.label, metric, best, at_least: 0.0 };
    let found = line.found(group);
    let has_number = found.iter().flatten().any(Result::is_ok);
    // If no comparison was requested in a run, there is no line about it.
    let not_asked = line.metric == QualityMetric::TokenAgreement.into()
        && group.columns.iter().all(|column| column.record.quality.is_none());
    (has_number || !(line.optional || not_asked)).then(|| Row::of(&subject, &found, footnotes))
}
