//! Long cases: speed, temperature and power at first, and in the end. METHODOLOGY.md says why
//! whole rounds are compared.

use std::collections::BTreeSet;

use pocketwatt_meter::{ContextSeries, TimeSpan};
use pocketwatt_protocol::{Iteration, MonotonicNs};

use crate::{Absent, AbsentKind, Evidence};

/// The burst is the first tenth of a case, but at most this long: a processor may exceed the power that its
/// cooling can carry off for some tens of seconds.
const LONGEST_BURST_NS: u64 = 30_000_000_000;
/// With fewer rounds than this, there are none between the first and the last.
const FEWEST_ROUNDS: usize = 3;
/// The beginning and the end of a sustained case.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretches<'a> {
    /// Rounds that began in the first tenth, and within 30 s; at least one.
    pub burst: Stretch<'a>,
    /// Rounds that began in the last third; at least one.
    pub sustained: Stretch<'a>,
}

/// Consecutive rounds.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretch<'a> {
    /// From the start of the first to the last token of the last.
    pub span: TimeSpan,
    /// Each round has every conversation once.
    pub(crate) rounds: Vec<Vec<&'a Iteration>>,
}

impl<'a> Stretch<'a> {
    fn of(rounds: &[Vec<&'a Iteration>]) -> Option<Self> {
        let span = TimeSpan { start: start(rounds.first()?)?, end: end(rounds.last()?)? };
        Some(Self { span, rounds: rounds.to_vec() })
    }
}

/// The first and the last rounds of a sustained case: in each round every conversation runs once, so that all rounds are
/// the same work.
///
/// # Errors
/// When the case was not sustained, or not for long enough.
pub fn stretches<'a>(case: impl Into<Evidence<'a>>) -> Result<Stretches<'a>, Absent> {
    let case = case.into();
    case.passport.sustain_ms.ok_or(AbsentKind::NotSustained)?;
    let rounds = case.samples.whole_rounds();
    if rounds.len() < FEWEST_ROUNDS {
        let words = format!("too short: {} of {FEWEST_ROUNDS} rounds; sustain it for longer", rounds.len());
        return Err(Absent::new(AbsentKind::TooShort, words));
    }
    divided(&rounds).ok_or_else(|| AbsentKind::NoTimePassed.into())
}

fn divided<'a>(rounds: &[Vec<&'a Iteration>]) -> Option<Stretches<'a>> {
    let (from, to) = (start(rounds.first()?)?, end(rounds.last()?)?);
    let whole = to.since(from);
    let began = |round: &[&Iteration]| start(round).map_or(0, |at| at.since(from));
    let late = rounds.iter().position(|round| began(round) >= whole - whole / 3).unwrap_or(rounds.len() - 1);
    let early = rounds.iter().take_while(|round| began(round) < (whole / 10).min(LONGEST_BURST_NS)).count();
    Some(Stretches { burst: Stretch::of(&rounds[..early.max(1).min(late)])?, sustained: Stretch::of(&rounds[late..])? })
}

fn start(round: &[&Iteration]) -> Option<MonotonicNs> {
    Some(round.first()?.turns.first()?.start)
}

fn end(round: &[&Iteration]) -> Option<MonotonicNs> {
    Some(round.last()?.turns.last()?.end())
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
    // In order of value: looking at all sensors at each moment would take too long where both are many.
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

/// An integer with the same order as the value, see [`f64::total_cmp`].
fn rank(value: f64) -> i64 {
    let bits = value.to_bits().cast_signed();
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}

#[cfg(test)]
mod tests;
