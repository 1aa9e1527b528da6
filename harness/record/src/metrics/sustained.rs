//! The first minutes of a long run, compared with its last ones. METHODOLOGY.md says why whole rounds are compared.

use pocketwatt_meter::{ContextReading, TimeSpan};
use pocketwatt_protocol::MonotonicNs;

use super::{
    definition::{
        Observations,
        Observe::{Power, Stretches},
        metrics,
    },
    observations::some,
    speed::decode_throughput,
};
use crate::{
    Absent,
    AbsentKind::{FewerThanTwoTokens, FrequencyNotRead, NoFrequency, NoTemperature, TemperatureNotRead},
    Evidence, Stretch, hottest, percentile,
};

/// A sensor whose last reading is older than this has stopped working.
const STALE_NS: u64 = 5_000_000_000;

metrics! {
    /// The first minutes of a long run, compared with its last ones.
    SustainedMetric {
        BurstDecodeThroughput = "burst_decode_throughput" {
            label: "decode at first",
            unit: TokensPerSecond,
            direction: HigherIsBetter,
            observation: "a round that began in the first tenth of a sustained case, and within 30 s",
            formula: "sum of (output tokens - 1) over its turns / sum of (last token time - first token time)",
            observe: Stretches(|_, stretches| throughputs(&stretches.burst)),
        }
        SustainedDecodeThroughput = "sustained_decode_throughput" {
            label: "decode in the end",
            unit: TokensPerSecond,
            direction: HigherIsBetter,
            observation: "a round that began in the last third of a sustained case",
            formula: "sum of (output tokens - 1) over its turns / sum of (last token time - first token time)",
            observe: Stretches(|_, stretches| throughputs(&stretches.sustained)),
        }
        SustainedShare = "sustained_share" {
            label: "  of what it was at first",
            unit: Fraction,
            direction: HigherIsBetter,
            observation: "a sustained case",
            formula: "median of sustained_decode_throughput / median of burst_decode_throughput",
            observe: Stretches(|_, stretches| share(stretches)),
        }
        BurstPower = "burst_power" {
            label: "power at first",
            unit: Watts,
            direction: Informative,
            observation: "the first rounds of a sustained case",
            formula: "energy from the start of the first of these rounds to the last token of the last / that time",
            observe: Power(|stretches| stretches.burst.span),
        }
        SustainedPower = "sustained_power" {
            label: "power in the end",
            unit: Watts,
            direction: Informative,
            observation: "the last rounds of a sustained case",
            formula: "energy from the start of the first of these rounds to the last token of the last / that time",
            observe: Power(|stretches| stretches.sustained.span),
        }
        BurstFrequency = "burst_frequency" {
            label: "frequency at first",
            unit: Hertz,
            direction: Informative,
            observation: "the first rounds of a sustained case",
            formula: "mean of the readings of the processors' mean frequency in these rounds",
            observe: Stretches(|case, stretches| frequency(case, &stretches.burst.span)),
        }
        SustainedFrequency = "sustained_frequency" {
            label: "frequency in the end",
            unit: Hertz,
            direction: Informative,
            observation: "the last rounds of a sustained case",
            formula: "mean of the readings of the processors' mean frequency in these rounds",
            observe: Stretches(|case, stretches| frequency(case, &stretches.sustained.span)),
        }
        StartTemperature = "start_temperature" {
            label: "temperature at the start",
            unit: DegreesCelsius,
            direction: Informative,
            observation: "a sustained case",
            formula: "the hottest sensor when the first counted iteration began",
            observe: Stretches(|case, stretches| Ok(vec![heat(case, stretches)?.start])),
        }
        HighestTemperature = "highest_temperature" {
            label: "highest temperature",
            unit: DegreesCelsius,
            direction: Informative,
            observation: "a sustained case",
            formula: "the highest reading of any sensor during the counted iterations",
            observe: Stretches(|case, stretches| Ok(vec![heat(case, stretches)?.highest])),
        }
        EndTemperature = "end_temperature" {
            label: "temperature in the end",
            unit: DegreesCelsius,
            direction: Informative,
            observation: "a sustained case",
            formula: "the hottest sensor at the last token",
            observe: Stretches(|case, stretches| Ok(vec![heat(case, stretches)?.end])),
        }
    }
}

/// Decode throughput of each round.
fn throughputs(stretch: &Stretch<'_>) -> Observations {
    let rounds = stretch.rounds.iter().filter_map(|round| decode_throughput(round.iter().copied()));
    some(rounds, FewerThanTwoTokens)
}

fn share(stretches: &crate::Stretches<'_>) -> Observations {
    let [burst, sustained] = [&stretches.burst, &stretches.sustained].map(throughputs);
    Ok(vec![median(sustained?) / median(burst?)])
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    percentile(&values, 0.5)
}

/// Mean of the readings of the processors' mean frequency.
fn frequency(case: &Evidence<'_>, span: &TimeSpan) -> Observations {
    let readings = case.readings.frequencies.first().map(|series| &series.readings[..]).unwrap_or_default();
    let inside = |reading: &&ContextReading| (span.start..=span.end).contains(&reading.at);
    let hertz: Vec<f64> = readings.iter().filter(inside).map(|reading| reading.value).collect();
    match hertz.len() {
        0 if readings.is_empty() => Err(NoFrequency.into()),
        0 => Err(FrequencyNotRead.into()),
        count => Ok(vec![hertz.iter().sum::<f64>() / count as f64]),
    }
}

struct Heat {
    start: f64,
    highest: f64,
    end: f64,
}

fn heat(case: &Evidence<'_>, stretches: &crate::Stretches<'_>) -> Result<Heat, Absent> {
    let readings = hottest(&case.readings.temperatures);
    let (from, to) = (stretches.burst.span.start, stretches.sustained.span.end);
    let [start, end] = [from, to].map(|at| readings.iter().rev().find(|(read, _)| *read <= at));
    let fresh = |found: Option<&(MonotonicNs, f64)>, at: MonotonicNs| {
        found.filter(|(read, _)| at.since(*read) <= STALE_NS).map(|(_, celsius)| *celsius)
    };
    match (fresh(start, from), fresh(end, to)) {
        (Some(start), Some(end)) => {
            let inside = readings.iter().filter(|(at, _)| (from..=to).contains(at)).map(|(_, celsius)| *celsius);
            Ok(Heat { start, highest: inside.fold(start.max(end), f64::max), end })
        }
        _ if readings.is_empty() => Err(NoTemperature.into()),
        _ => Err(TemperatureNotRead.into()),
    }
}
