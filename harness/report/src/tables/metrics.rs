//! The rows of a group that the catalogue of metrics fills.

use pocketwatt_record::Metric;

use crate::{
    cases::{CaseGroup, Statistic, Values},
    table::{Footnotes, Found, Row, Subject},
};

/// A row.
pub struct Line {
    /// Its name in the catalogue.
    pub metric: &'static str,
    statistic: Statistic,
    /// Where it is not the catalogue's.
    label: Option<&'static str>,
    /// Parts of a load are told apart differently by each engine: there is no best one.
    ranked: bool,
    /// Whether it is left out where no column has a number.
    optional: bool,
}

const fn line(metric: &'static str) -> Line {
    Line { metric, statistic: Statistic::Median, label: None, ranked: true, optional: false }
}

const fn quality(metric: &'static str) -> Line {
    Line { ranked: false, optional: true, ..line(metric) }
}

/// What users look for first comes first.
pub const LINES: &[Line] = &[
    line("time_to_first_token"),
    line("prefill_throughput"),
    line("decode_throughput"),
    line("inter_token_latency"),
    Line { statistic: Statistic::P90, label: Some("  90th percentile"), ..line("inter_token_latency") },
    Line { statistic: Statistic::P99, label: Some("  99th percentile"), ..line("inter_token_latency") },
    line("request_latency"),
    line("load_time"),
    Line { ranked: false, ..line("load_read_time") },
    Line { ranked: false, ..line("load_prepare_time") },
    line("first_token_after_load"),
    line("peak_resident_memory"),
    line("peak_anonymous_memory"),
    line("kv_cache_memory"),
    line("model_bandwidth_utilisation"),
    // Without an interval: which of two near ones is the better is left to the reader.
    Line { ranked: false, ..line("token_agreement") },
    quality("kl_divergence"),
    quality("perplexity"),
    Line { optional: true, ..line("call_intent") },
    Line { optional: true, ..line("call_structure") },
    Line { optional: true, ..line("call_bfcl") },
    quality("rouge_1"),
    quality("rouge_l"),
    Line { optional: true, ..line("time_to_call") },
    quality("tokens_per_call"),
    Line { label: Some("keeping to the grammar, a token"), ..quality("grammar_time") },
];

/// What every case of a group has of a metric.
pub fn estimates(group: &CaseGroup, metric: &str) -> Vec<Found> {
    let Some(line) = LINES.iter().find(|line| line.metric == metric) else { return vec![None; group.columns.len()] };
    let columns = group.columns.iter().map(|column| Values::of(column.record));
    columns.map(|column| column.measured().then(|| column.estimate(line.metric, line.statistic))).collect()
}

/// The row of a metric; nothing where it is of no use.
pub fn row(line: &Line, metric: &Metric, columns: &[Values], footnotes: &mut Footnotes) -> Option<Row> {
    let subject = Subject { label: line.label, metric, ranked: line.ranked, at_least: 0.0 };
    let found: Vec<Found> =
        columns.iter().map(|column| column.measured().then(|| column.estimate(line.metric, line.statistic))).collect();
    let has_number = found.iter().flatten().any(Result::is_ok);
    // Runs in which nothing was compared, because nobody asked for it, need no line that says so.
    let not_asked = line.metric == "token_agreement" && columns.iter().all(|column| column.record.quality.is_none());
    (has_number || !(line.optional || not_asked)).then(|| Row::of(&subject, &found, footnotes))
}
