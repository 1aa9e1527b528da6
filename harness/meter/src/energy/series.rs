use pocketwatt_protocol::MonotonicNs;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{MeterInfo, RawReading, Unavailable};
use crate::plateau;

/// A meter that does not answer is given up only after this many failures in a row and this much time: drivers are busy
/// for a moment, and empty files and bus errors pass.
const FAILURES: u32 = 3;
const FAILING_NS: u64 = 500_000_000;

/// All raw readings of one meter during one case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MeterSeries {
    /// The meter.
    pub meter: MeterInfo,
    /// In order of time. Of consecutive equal readings, only the first and the last are kept.
    pub readings: Vec<MeterReading>,
    /// Number of readings taken, including those that are not kept.
    pub taken: u64,
    /// When the meter was asked and did not answer, in order of time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<MeterGap>,
    /// When and why the readings stopped, if they stopped before the case ended.
    pub ended: Option<MeterEnd>,
}

/// A raw value and when it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MeterReading {
    /// Middle of the time that the reading took.
    pub at: MonotonicNs,
    /// Raw value, in units of the meter's measurand.
    pub value: i64,
    /// Voltage in microvolts, for meters of charge and current.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub microvolts: Option<i64>,
}

/// A time in which a meter was asked and did not answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MeterGap {
    /// The last reading before it, or the first failure where there was no earlier reading.
    pub start: MonotonicNs,
    /// The next reading, or the last failure where there was no later reading.
    pub end: MonotonicNs,
    /// How often it was asked.
    pub failures: u32,
    /// Why the first of these readings failed.
    pub unavailable: Unavailable,
}

/// The end of a series that ended too early.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MeterEnd {
    /// When the reading failed.
    pub at: MonotonicNs,
    /// Why.
    pub unavailable: Unavailable,
}

impl MeterSeries {
    /// A series without readings.
    pub fn new(meter: MeterInfo) -> Self {
        Self { meter, readings: Vec::new(), taken: 0, gaps: Vec::new(), ended: None }
    }

    /// Adds a reading. Of consecutive equal readings the first and the last stay: the last time at which a value was unchanged
    /// says as much about the meter as the time at which it changed.
    pub fn push(&mut self, at: MonotonicNs, reading: RawReading) {
        self.taken += 1;
        if let Some(gap) = self.open_gap() {
            gap.end = at;
        }
        let next = MeterReading { at, value: reading.value, microvolts: reading.microvolts };
        let same = |one: &MeterReading, other: &MeterReading| MeterReading { at: other.at, ..*one } == *other;
        plateau::push(&mut self.readings, next, same, |last, next| last.at = next.at);
    }

    /// Adds the readings of a later time. A series that had ended begins again, and the end becomes a gap.
    pub fn append(&mut self, later: Self) {
        if let (Some(end), Some(next)) = (&self.ended, later.readings.first()) {
            let start = self.readings.last().map_or(end.at, |reading| reading.at);
            let unavailable = end.unavailable.clone();
            self.gaps.push(MeterGap { start, end: next.at, failures: 1, unavailable });
            self.ended = None;
        }
        self.readings.extend(later.readings);
        self.taken = self.taken.saturating_add(later.taken);
        self.gaps.extend(later.gaps);
        self.ended = self.ended.take().or(later.ended);
    }

    /// Notes a reading that failed. It is a gap in the series, unless its reason says that the meter is gone, or the meter has
    /// not answered for too long: then the series has ended.
    pub fn fail(&mut self, at: MonotonicNs, unavailable: Unavailable) {
        let last = self.readings.last().map_or(at, |reading| reading.at);
        if self.open_gap().is_none() {
            self.gaps.push(MeterGap { start: last, end: at, failures: 0, unavailable: unavailable.clone() });
        }
        let Some(gap) = self.gaps.last_mut() else { return };
        gap.end = at;
        gap.failures = gap.failures.saturating_add(1);
        let given_up = gap.failures >= FAILURES && at.since(gap.start) >= FAILING_NS;
        if given_up || !unavailable.reason.may_pass() {
            self.ended = Some(MeterEnd { at, unavailable });
            self.gaps.pop();
        }
    }

    /// The gap that no reading has ended yet.
    fn open_gap(&mut self) -> Option<&mut MeterGap> {
        let answered = self.readings.last().map(|reading| reading.at);
        self.gaps.last_mut().filter(|gap| answered.is_none_or(|answered| answered < gap.end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::{Basis, Measurand, MeterSource, Reason, Scope};

    const MS: u64 = 1_000_000;

    fn series() -> MeterSeries {
        MeterSeries::new(MeterInfo {
            id: "hwmon:ina226".into(),
            source: MeterSource::Hwmon,
            scope: Scope::Rail,
            part: "ina226".into(),
            path: "power1_input".into(),
            measurand: Measurand::Power { watts_per_unit: 1e-6 },
            unit_basis: Basis::Documented,
            resolution: 1,
            update_period: None,
            gain_error: None,
            power_limit_watts: None,
        })
    }

    /// Readings every 100 ms, with a reason in place of each one that failed.
    fn read(answers: &[Option<Reason>]) -> MeterSeries {
        let mut series = series();
        for (index, failed) in answers.iter().enumerate() {
            let at = MonotonicNs(index as u64 * 100 * MS);
            match failed {
                None => series.push(at, RawReading::new(4_125_000)),
                Some(reason) if series.ended.is_none() => series.fail(at, Unavailable::new(*reason, "busy")),
                Some(_) => {}
            }
        }
        series
    }

    #[test]
    fn a_failure_is_a_gap_between_two_readings() {
        let busy = Some(Reason::Unreadable);
        let series = read(&[None, None, busy, None, None, busy, busy, busy, None]);
        assert_eq!(series.ended, None);
        let gaps: Vec<(u64, u64, u32)> =
            series.gaps.iter().map(|gap| (gap.start.0 / MS, gap.end.0 / MS, gap.failures)).collect();
        assert_eq!(gaps, [(100, 300, 1), (400, 800, 3)]);
        assert_eq!(series.taken, 5);
    }

    #[test]
    fn what_is_gone_or_never_answers_ends_the_series() {
        let busy = Some(Reason::Unreadable);
        let silent = read(&[None, busy, busy, busy, busy, busy, busy]);
        let end = silent.ended.unwrap();
        assert_eq!((end.at.0 / MS, end.unavailable.reason), (500, Reason::Unreadable));
        assert_eq!(silent.gaps, [], "what comes after is no gap");
        let gone = read(&[None, busy, Some(Reason::Vanished)]);
        assert_eq!(gone.ended.unwrap().at, MonotonicNs(200 * MS));
        assert_eq!(read(&[Some(Reason::ChargerConnected)]).ended.unwrap().at, MonotonicNs(0));
    }

    #[test]
    fn many_failures_within_a_moment_are_one_gap() {
        let mut series = series();
        series.push(MonotonicNs(0), RawReading::new(1));
        for at in 1..=1000 {
            series.fail(MonotonicNs(at * 1000), Unavailable::new(Reason::Unreadable, "busy"));
        }
        series.push(MonotonicNs(2 * MS), RawReading::new(1));
        assert_eq!((series.ended, series.gaps.len(), series.gaps[0].failures), (None, 1, 1000));
    }

    #[test]
    fn a_series_goes_on_after_a_time_in_which_nothing_was_read() {
        let later = |answers: &[Option<Reason>]| {
            let mut series = series();
            for (answer, at) in answers.iter().zip((0..).map(|step| MonotonicNs((900 + step) * MS))) {
                match answer {
                    None => series.push(at, RawReading::new(5)),
                    Some(reason) => series.fail(at, Unavailable::new(*reason, "busy")),
                }
            }
            series
        };
        let mut whole = read(&[None, None]);
        whole.append(later(&[None]));
        assert_eq!((whole.readings.len(), whole.taken, &whole.gaps[..], &whole.ended), (3, 3, &[][..], &None));

        let charger = Some(Reason::ChargerConnected);
        let mut again = read(&[None, charger]);
        assert!(again.ended.is_some());
        again.append(later(&[None]));
        assert_eq!(again.ended, None, "it answers again");
        let gap = &again.gaps[0];
        assert_eq!((gap.start.0, gap.end.0), (0, 900 * MS));
        assert_eq!(gap.unavailable.reason, Reason::ChargerConnected);

        let mut never = read(&[None, charger]);
        let end = never.ended.clone();
        never.append(later(&[charger]));
        assert_eq!((never.ended, never.gaps), (end, vec![]), "the first end is the one that is told");
    }
}
