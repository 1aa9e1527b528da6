//! Differences that are none, as people write them: `2%`, `decode_throughput=3%`.

use pocketwatt_record::MetricId;

use crate::{command::quantity, report::COMPARED_METRICS};

/// A margin for all metrics, or for one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Margin {
    metric: Option<MetricId>,
    share: f64,
}

impl Margin {
    /// Reads a margin.
    ///
    /// # Errors
    /// When the metric is unknown or not compared, or the share is no percentage.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some((name, share)) = text.split_once('=') else {
            return Ok(Self { metric: None, share: quantity::share(text)? });
        };
        let metric = COMPARED_METRICS.into_iter().find(|metric| metric.name() == name).ok_or_else(|| {
            format!("{name:?} is not compared; these are: {}", COMPARED_METRICS.map(MetricId::name).join(", "))
        })?;
        Ok(Self { metric: Some(metric), share: quantity::share(share)? })
    }

    /// The margin of a metric: the last one for it, else the last one for all.
    pub fn of(margins: &[Self], metric: MetricId, default: f64) -> f64 {
        let last = |wanted: Option<MetricId>| margins.iter().rev().find(|margin| margin.metric == wanted);
        last(Some(metric)).or_else(|| last(None)).map_or(default, |margin| margin.share)
    }
}

#[cfg(test)]
mod tests {
    use pocketwatt_record::SpeedMetric;

    use super::*;

    #[test]
    fn one_metric_has_its_own_margin_and_the_others_the_common_one() {
        let margins: Vec<Margin> =
            ["decode_throughput=3%", "2%"].iter().map(|text| Margin::parse(text).unwrap()).collect();
        let of = |metric: SpeedMetric| Margin::of(&margins, metric.into(), 0.01);
        assert_eq!([of(SpeedMetric::DecodeThroughput), of(SpeedMetric::LoadTime)], [0.03, 0.02]);
        assert_eq!(Margin::of(&[], SpeedMetric::LoadTime.into(), 0.01), 0.01);
        for nonsense in ["3", "=3%", "decode=3%", "perplexity=3%", "decode_throughput=", "90%"] {
            assert!(Margin::parse(nonsense).is_err(), "{nonsense}");
        }
    }
}
