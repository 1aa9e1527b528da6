//! Decoding reads every weight once per token, at most as fast as the memory delivers.

use crate::{Amount, CheckVerdict, EnergyMetric, MetricId, Record, SpeedMetric, SustainedMetric};

use super::finding::{Finding, verdict};

/// The probe may miss the memory's best by this factor.
const MARGIN: f64 = 1.10;
/// Weights of this many times the last-level cache come from memory; parts of smaller ones may stay in the cache.
const CACHES: u64 = 4;
/// The size of a large last-level cache, for devices that do not report theirs.
const CACHE_BYTES: u64 = 32 << 20;
const CONCERNED: [MetricId; 10] = [
    MetricId::Speed(SpeedMetric::DecodeThroughput),
    MetricId::Speed(SpeedMetric::InterTokenLatency),
    MetricId::Speed(SpeedMetric::UndisturbedTokenLatency),
    MetricId::Speed(SpeedMetric::TimePerOutputToken),
    MetricId::Speed(SpeedMetric::ModelBandwidthUtilisation),
    MetricId::Energy(EnergyMetric::EnergyPerOutputToken),
    MetricId::Energy(EnergyMetric::NetEnergyPerOutputToken),
    MetricId::Sustained(SustainedMetric::BurstDecodeThroughput),
    MetricId::Sustained(SustainedMetric::SustainedDecodeThroughput),
    MetricId::Sustained(SustainedMetric::SustainedShare),
];

pub(super) fn check(record: &Record) -> Finding {
    const NAME: &str = "bandwidth";
    let skip = |detail: String| Finding::new(NAME, CheckVerdict::NotApplicable, detail);
    let Some(bandwidth) = &record.passport.bandwidth else {
        return skip("the memory bandwidth was not measured".to_owned());
    };
    let weights = record.passport.model.weight_bytes_per_token;
    let cache = record.passport.last_level_cache_bytes.unwrap_or(CACHE_BYTES);
    if weights <= CACHES.saturating_mul(cache) {
        let detail = format!(
            "{:.0} MB of weights per token may stay in {:.0} MB of cache in part",
            weights as f64 / 1e6,
            cache as f64 / 1e6
        );
        return skip(detail);
    }
    let Some(decode) = record.summary(SpeedMetric::DecodeThroughput) else {
        return skip("nothing was decoded".to_owned());
    };
    let read = weights as f64 * decode.median;
    let known = bandwidth.best_bytes_per_second;
    let passed = read <= known * MARGIN;
    let detail = format!(
        "{:.1} tokens/s x {:.0} MB of weights = {:.1} GB/s, {} {:.1} GB/s that the memory delivers",
        Amount(decode.median),
        weights as f64 / 1e6,
        Amount(read / 1e9),
        if passed { "within the" } else { "more than the" },
        Amount(known / 1e9)
    );
    Finding::new(NAME, verdict(passed), detail).about(&CONCERNED, Vec::new())
}
