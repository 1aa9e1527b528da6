//! Cases that go on for long: how fast, how hot and how hungry they were at first, and in the end. METHODOLOGY.md says why
//! whole rounds are compared.

use std::collections::BTreeSet;

use pocketwatt_meter::{ContextReading, ContextSeries, TimeSpan};
use pocketwatt_protocol::{Iteration, IterationKind, MonotonicNs};

use crate::{Record, derive::decode_throughput};

/// The burst is the first tenth of a case, but no longer than this: the time in which a processor may exceed what its
/// cooling can carry off is some tens of seconds.
const LONGEST_BURST_NS: u64 = 30_000_000_000;
/// With fewer rounds than this there is nothing between the first and the last.
const FEWEST_ROUNDS: usize = 3;
/// A sensor whose last reading is older than this has ceased to tell.
const STALE_NS: u64 = 5_000_000_000;

pub(crate) const NOT_SUSTAINED: &str = "not a sustained run";
const NO_SENSOR: &str = "no sensor of temperature can be read";
const NO_FREQUENCY: &str = "the frequency cannot be read";

/// The beginning of a sustained case, and its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretches<'a> {
    /// Rounds that began in the first tenth, and within 30 s; at least one.
    pub burst: Stretch<'a>,
    /// Rounds that began in the last third; at least one.
    pub sustained: Stretch<'a>,
}

/// Some rounds that follow one another.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretch<'a> {
    /// From the start of the first to the last token of the last.
    pub span: TimeSpan,
    rounds: Vec<&'a [Iteration]>,
}

impl<'a> Stretch<'a> {
    fn of(rounds: Vec<&'a [Iteration]>) -> Option<Self> {
        let span = TimeSpan { start: start(rounds.first()?)?, end: end(rounds.last()?)? };
        Some(Self { span, rounds })
    }

    /// Decode throughput of each round.
    fn throughputs(&self) -> Vec<f64> {
        self.rounds.iter().filter_map(|round| decode_throughput(round)).collect()
    }
}

/// The first and the last rounds of a sustained case: in each round every conversation was had once, so that all rounds are
/// the same work.
///
/// # Errors
/// When the case was not sustained, or not for long enough, in a few words.
pub fn stretches(record: &Record) -> Result<Stretches<'_>, String> {
    record.passport.sustain_ms.ok_or(NOT_SUSTAINED)?;
    let iterations = &record.samples.iterations;
    let counted = iterations.iter().position(|iteration| iteration.kind == IterationKind::Measured);
    let counted = counted.map_or(&[][..], |first| &iterations[first..]);
    let conversations = counted.iter().map(|iteration| iteration.conversation as usize + 1).max().unwrap_or(1);
    let rounds: Vec<&[Iteration]> = counted.chunks_exact(conversations).collect();
    if rounds.len() < FEWEST_ROUNDS {
        return Err(format!("too short: {} of {FEWEST_ROUNDS} rounds; sustain it for longer", rounds.len()));
    }
    divided(&rounds).ok_or_else(|| "no time passed".to_owned())
}

fn divided<'a>(rounds: &[&'a [Iteration]]) -> Option<Stretches<'a>> {
    let (from, to) = (start(rounds.first()?)?, end(rounds.last()?)?);
    let whole = to.since(from);
    let began = |round: &[Iteration]| start(round).map_or(0, |at| at.since(from));
    let late = rounds.iter().position(|round| began(round) >= whole - whole / 3).unwrap_or(rounds.len() - 1);
    let early = rounds.iter().take_while(|round| began(round) < (whole / 10).min(LONGEST_BURST_NS)).count();
    let (burst, sustained) = (&rounds[..early.max(1).min(late)], &rounds[late..]);
    Some(Stretches { burst: Stretch::of(burst.to_vec())?, sustained: Stretch::of(sustained.to_vec())? })
}

fn start(round: &[Iteration]) -> Option<MonotonicNs> {
    Some(round.first()?.turns.first()?.start)
}

fn end(round: &[Iteration]) -> Option<MonotonicNs> {
    let last = round.last()?.turns.last()?;
    Some(*last.token_times.last().unwrap_or(&last.prefill_end))
}

/// The observations of a metric of a sustained case, without power; nothing for a metric of something else.
pub(crate) fn observe(name: &str, record: &Record) -> Option<Result<Vec<f64>, String>> {
    let observe: fn(&Record, &Stretches) -> Result<Vec<f64>, String> = match name {
        "burst_decode_throughput" => |_, stretches| throughputs(&stretches.burst),
        "sustained_decode_throughput" => |_, stretches| throughputs(&stretches.sustained),
        "sustained_share" => |_, stretches| {
            let [burst, sustained] = [&stretches.burst, &stretches.sustained].map(throughputs);
            Ok(vec![median(sustained?) / median(burst?)])
        },
        "burst_frequency" => |record, stretches| frequency(record, &stretches.burst.span),
        "sustained_frequency" => |record, stretches| frequency(record, &stretches.sustained.span),
        "start_temperature" => |record, stretches| heat(record, stretches).map(|heat| vec![heat.start]),
        "highest_temperature" => |record, stretches| heat(record, stretches).map(|heat| vec![heat.highest]),
        "end_temperature" => |record, stretches| heat(record, stretches).map(|heat| vec![heat.end]),
        _ => return None,
    };
    Some(stretches(record).and_then(|stretches| observe(record, &stretches)))
}

fn throughputs(stretch: &Stretch) -> Result<Vec<f64>, String> {
    let throughputs = stretch.throughputs();
    if throughputs.is_empty() { Err("fewer than 2 output tokens".into()) } else { Ok(throughputs) }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    crate::percentile(&values, 0.5)
}

/// Mean of the readings of the processors' mean frequency.
fn frequency(record: &Record, span: &TimeSpan) -> Result<Vec<f64>, String> {
    let readings = record.readings.frequencies.first().map(|series| &series.readings[..]).unwrap_or_default();
    let inside = |reading: &&ContextReading| (span.start..=span.end).contains(&reading.at);
    let hertz: Vec<f64> = readings.iter().filter(inside).map(|reading| reading.value).collect();
    match hertz.len() {
        0 if readings.is_empty() => Err(NO_FREQUENCY.into()),
        0 => Err("the frequency was not read meanwhile".into()),
        count => Ok(vec![hertz.iter().sum::<f64>() / count as f64]),
    }
}

struct Heat {
    start: f64,
    highest: f64,
    end: f64,
}

fn heat(record: &Record, stretches: &Stretches) -> Result<Heat, String> {
    let readings = hottest(&record.readings.temperatures);
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
        _ if readings.is_empty() => Err(NO_SENSOR.into()),
        _ => Err("the temperature was not read all the time".into()),
    }
}

/// The hottest of all sensors over time, in degrees Celsius: each keeps its value until it is read again.
pub fn hottest(series: &[ContextSeries]) -> Vec<(MonotonicNs, f64)> {
    let mut readings: Vec<(MonotonicNs, usize, f64)> = series
        .iter()
        .enumerate()
        .flat_map(|(sensor, series)| series.readings.iter().map(move |reading| (reading.at, sensor, reading.value)))
        .collect();
    readings.sort_by_key(|(at, ..)| *at);
    let mut latest: Vec<Option<f64>> = vec![None; series.len()];
    // In order: looking at all sensors at each moment would take for ever where both are many.
    let mut standing = BTreeSet::new();
    let moments = readings.chunk_by(|left, right| left.0 == right.0).filter_map(|moment| {
        for &(_, sensor, value) in moment {
            if let Some(before) = latest[sensor].replace(value) {
                standing.remove(&(rank(before), sensor));
            }
            standing.insert((rank(value), sensor));
        }
        let hottest = standing.last().and_then(|&(_, sensor)| latest[sensor]);
        hottest.map(|value| (moment[0].0, value))
    });
    moments.collect()
}

/// A number that is ordered as the value is, see [`f64::total_cmp`].
fn rank(value: f64) -> i64 {
    let bits = value.to_bits().cast_signed();
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}

#[cfg(test)]
mod tests;
