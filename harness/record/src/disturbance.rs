//! What can make a block slower than the case is. It is found by what is known apart from the result, never by the result.

use pocketwatt_meter::{CaseReadings, ContextSeries, LimitReading, TimeSpan, energy::Reason};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Summary;

/// Something other than the case that changed what a block could do.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Disturbance {
    /// What it was.
    pub kind: DisturbanceKind,
    /// Its share of the time, or by what share a frequency changed, 0 to 1; 1 for a kind that has no share.
    pub share: f64,
}

/// What can disturb a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DisturbanceKind {
    /// The hypervisor gave the processors to others.
    Steal,
    /// The runner was ready to run and had no processor.
    RunQueueWait,
    /// Other processes kept processors busy.
    OtherProcesses,
    /// The clock of the fastest processor fell while the runner worked; since format 1.9.
    ClockFall,
    /// The highest frequency that a processor may have was changed; since format 1.9.
    FrequencyLimit,
    /// The processors that may be used were changed; since format 1.9.
    AllowedProcessors,
    /// Another process measured on the device; since format 1.9.
    OtherMeasurement,
    /// The device slept; since format 1.9.
    Sleep,
    /// The runner, or the harness beside it, did not run for a while, although the device did not sleep; since format 1.11.
    Frozen,
    /// A charger began to feed the device, so that its battery's meters had to stop; since format 1.11.
    Charger,
    /// A kind that a later version writes.
    #[serde(other)]
    Other,
}

/// What is known of a case's part in a block apart from its result.
#[derive(Clone, Copy, Debug, Default)]
pub struct Circumstances<'a> {
    /// All that was read in that time.
    pub readings: Option<&'a CaseReadings>,
    /// When the runner worked, from the beginning of its first iteration to the end of its last one.
    pub worked: Option<TimeSpan>,
    /// What the device allowed the case before it in the same block.
    pub allowed_before: Option<&'a LimitReading>,
    /// Whether another process is known to have measured on the device meanwhile.
    pub beside: bool,
}

/// Shares above which a disturbance counts. METHODOLOGY.md gives the reasons.
const MOST_STEAL: f64 = 0.02;
const MOST_RUN_QUEUE_WAIT: f64 = 0.02;
const MOST_OTHERS: f64 = 0.05;
const MOST_FREQUENCY: f64 = 0.05;
/// The kernel counts processor time in ticks of 10 ms. So few of them say nothing.
const LEAST_NS: u64 = 50_000_000;
/// A clock is read twice a second, and single readings scatter.
const LEAST_CLOCK_READINGS: usize = 4;

impl Circumstances<'_> {
    /// What disturbed the case's part in the block.
    pub fn disturbances(&self) -> Vec<Disturbance> {
        let mut found = Vec::new();
        if let Some(readings) = self.readings {
            found.extend(processor_time(readings));
            found.extend(self.worked.and_then(|worked| clock_fall(readings, worked)));
            found.extend(changes(self.allowed_before.into_iter().chain(&readings.limits)));
            found.extend(charger_came(readings).then_some(Disturbance { kind: DisturbanceKind::Charger, share: 1.0 }));
            found.extend(readings.slept_ns.map(|_| Disturbance { kind: DisturbanceKind::Sleep, share: 1.0 }));
            found.extend(readings.frozen_ns.map(|_| Disturbance { kind: DisturbanceKind::Frozen, share: 1.0 }));
        }
        found.extend(self.beside.then_some(Disturbance { kind: DisturbanceKind::OtherMeasurement, share: 1.0 }));
        found
    }
}

/// Whether a meter gave readings until a charger was connected.
fn charger_came(readings: &CaseReadings) -> bool {
    readings.energy.iter().any(|series| {
        let reason = series.ended.as_ref().map(|end| end.unavailable.reason);
        !series.readings.is_empty() && reason == Some(Reason::ChargerConnected)
    })
}

/// What took processor time, by the kernel's counters.
fn processor_time(readings: &CaseReadings) -> impl Iterator<Item = Disturbance> {
    let processors = readings.system_cpu_ns;
    let shares = [
        (DisturbanceKind::Steal, readings.steal_ns, processors, MOST_STEAL),
        (
            DisturbanceKind::RunQueueWait,
            readings.run_queue_wait_ns,
            Some(readings.sampler.wall_ns),
            MOST_RUN_QUEUE_WAIT,
        ),
        (DisturbanceKind::OtherProcesses, readings.other_busy_ns, processors, MOST_OTHERS),
    ];
    shares.into_iter().filter_map(|(kind, part, whole, most)| {
        let (part, whole) = (part.filter(|part| *part >= LEAST_NS)?, whole.filter(|whole| *whole > 0)?);
        let share = part as f64 / whole as f64;
        (share > most).then_some(Disturbance { kind, share })
    })
}

/// Whether the fastest processor, which is one that works, was slower in the second half of the time than in the first. A governor that
/// raises the frequency at the beginning is no fall.
fn clock_fall(readings: &CaseReadings, worked: TimeSpan) -> Option<Disturbance> {
    let fastest = readings.frequencies.iter().find(|series| series.name == ContextSeries::FASTEST)?;
    let within = fastest.readings.iter().filter(|reading| (worked.start..=worked.end).contains(&reading.at));
    let hertz: Vec<f64> = within.map(|reading| reading.value).collect();
    if hertz.len() < LEAST_CLOCK_READINGS {
        return None;
    }
    let (first, second) = hertz.split_at(hertz.len() / 2);
    let median = |hertz: &[f64]| Some(Summary::of(hertz)?.median).filter(|median| *median > 0.0);
    let share = 1.0 - median(second)? / median(first)?;
    (share > MOST_FREQUENCY).then_some(Disturbance { kind: DisturbanceKind::ClockFall, share })
}

/// What became different of what the device allowed.
fn changes<'a>(mut limits: impl Iterator<Item = &'a LimitReading>) -> Vec<Disturbance> {
    let Some(first) = limits.next() else { return Vec::new() };
    let (mut frequency, mut processors) = (0.0_f64, false);
    for later in limits {
        frequency = frequency.max(frequency_change(first, later));
        processors |= first.processors != later.processors;
    }
    let of = |kind, share: f64, most: f64| (share > most).then_some(Disturbance { kind, share });
    let found = [
        of(DisturbanceKind::FrequencyLimit, frequency, MOST_FREQUENCY),
        of(DisturbanceKind::AllowedProcessors, f64::from(u8::from(processors)), 0.0),
    ];
    found.into_iter().flatten().collect()
}

/// By what share of the higher one the highest frequency of a policy differs, where it differs most; 1 where only one of the two has it,
/// because its processors were switched off meanwhile.
fn frequency_change(one: &LimitReading, other: &LimitReading) -> f64 {
    let change = |(one, other): (&Option<u64>, &Option<u64>)| match (one, other) {
        (Some(one), Some(other)) => one.abs_diff(*other) as f64 / (*one.max(other)).max(1) as f64,
        (None, None) => 0.0,
        _ => 1.0,
    };
    one.highest_hz.iter().zip(&other.highest_hz).map(change).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use pocketwatt_meter::ContextReading;
    use pocketwatt_protocol::MonotonicNs;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn of(readings: &CaseReadings) -> Vec<Disturbance> {
        let worked = TimeSpan { start: MonotonicNs(SECOND), end: MonotonicNs(100 * SECOND) };
        Circumstances { readings: Some(readings), worked: Some(worked), ..Circumstances::default() }.disturbances()
    }

    #[test]
    fn what_others_took_is_a_disturbance_above_a_share_and_above_a_few_ticks() {
        let readings = |steal_ns: u64, other_busy_ns: u64| CaseReadings {
            steal_ns: Some(steal_ns),
            other_busy_ns: Some(other_busy_ns),
            system_cpu_ns: Some(2 * SECOND),
            ..CaseReadings::default()
        };
        assert_eq!(of(&readings(0, SECOND / 20)), []);
        let half = Disturbance { kind: DisturbanceKind::OtherProcesses, share: 0.5 };
        assert_eq!(of(&readings(40_000_000, SECOND)), [half], "4 ticks are not told from none");
        assert_eq!(of(&readings(SECOND / 10, 0))[0].kind, DisturbanceKind::Steal);
        assert_eq!(of(&CaseReadings::default()), [], "what the kernel does not say is no disturbance");
    }

    /// The clock in tenths of a gigahertz, read twice a second.
    fn clock(tenths: &[u64]) -> CaseReadings {
        let reading = |(position, tenths): (usize, &u64)| ContextReading {
            at: MonotonicNs(position as u64 * SECOND / 2),
            value: *tenths as f64 * 1e8,
        };
        let readings = tenths.iter().enumerate().map(reading).collect();
        let series = |name: &str, readings| ContextSeries { name: name.into(), readings };
        CaseReadings {
            frequencies: vec![series("mean", Vec::new()), series("highest", readings)],
            ..CaseReadings::default()
        }
    }

    #[test]
    fn a_clock_that_falls_while_the_runner_works_is_a_disturbance() {
        let fall = |tenths: &[u64]| of(&clock(tenths)).first().map(|found| (found.kind, (found.share * 100.0).round()));
        // The first two readings are from before the first iteration.
        assert_eq!(fall(&[40, 40, 30, 30, 30, 30, 30, 30]), None, "loading is not looked at");
        assert_eq!(fall(&[40, 40, 40, 40, 40, 30, 30, 30]), Some((DisturbanceKind::ClockFall, 25.0)));
        assert_eq!(fall(&[40, 40, 20, 40, 40, 40, 40, 40]), None, "it rises to the load");
        assert_eq!(fall(&[40, 40, 40, 40, 40, 10, 40, 40]), None, "a single reading is no fall");
        assert_eq!(fall(&[40, 40, 40, 40, 40, 39, 39, 39]), None, "one step of a turbo is none");
        assert_eq!(fall(&[40, 40, 40, 40, 30]), None, "too few readings say nothing");
        assert_eq!(fall(&[0, 0, 0, 0, 0, 0, 0, 0]), None);
        let alone = Circumstances { readings: Some(&clock(&[40, 30, 30, 30, 30, 30])), ..Circumstances::default() };
        assert_eq!(alone.disturbances(), [], "of a case that never worked nothing is said");
    }

    fn limit(processors: &str, highest_hz: &[Option<u64>]) -> LimitReading {
        LimitReading { at: MonotonicNs(1), processors: Some(processors.into()), highest_hz: highest_hz.to_vec() }
    }

    #[test]
    fn what_is_allowed_may_change_neither_in_a_block_nor_between_its_cases() {
        let (usual, fewer) = (limit("0-3", &[Some(2_000), Some(4_000)]), limit("0-1", &[Some(2_000), Some(4_000)]));
        let lower = limit("0-3", &[Some(2_000), Some(3_000)]);
        let kinds = |before: Option<&LimitReading>, during: &[&LimitReading]| {
            let readings =
                CaseReadings { limits: during.iter().copied().cloned().collect(), ..CaseReadings::default() };
            let found = Circumstances { readings: Some(&readings), allowed_before: before, ..Circumstances::default() };
            found.disturbances().iter().map(|found| (found.kind, found.share)).collect::<Vec<_>>()
        };
        assert_eq!(kinds(None, &[&usual]), []);
        assert_eq!(kinds(Some(&usual), &[&usual]), []);
        assert_eq!(kinds(None, &[&usual, &fewer]), [(DisturbanceKind::AllowedProcessors, 1.0)]);
        assert_eq!(kinds(Some(&usual), &[&fewer]), [(DisturbanceKind::AllowedProcessors, 1.0)]);
        assert_eq!(kinds(None, &[&usual, &lower, &usual]), [(DisturbanceKind::FrequencyLimit, 0.25)], "and back again");
        let a_little = limit("0-3", &[Some(1_950), Some(4_000)]);
        assert_eq!(kinds(Some(&usual), &[&a_little]), []);
        let switched_off = limit("0-3", &[None, Some(4_000)]);
        assert_eq!(kinds(Some(&usual), &[&switched_off]), [(DisturbanceKind::FrequencyLimit, 1.0)]);
        let of_nobody = limit("0-3", &[None, Some(0)]);
        assert_eq!(kinds(Some(&of_nobody), &[&of_nobody]), []);
    }

    #[test]
    fn sleep_and_another_measurement_disturb() {
        let readings = CaseReadings { slept_ns: Some(SECOND), frozen_ns: Some(2 * SECOND), ..CaseReadings::default() };
        let found =
            Circumstances { readings: Some(&readings), beside: true, ..Circumstances::default() }.disturbances();
        let kinds: Vec<DisturbanceKind> = found.iter().map(|found| found.kind).collect();
        assert_eq!(kinds, [DisturbanceKind::Sleep, DisturbanceKind::Frozen, DisturbanceKind::OtherMeasurement]);
    }

    #[test]
    fn kinds_of_later_versions_are_read() {
        let later: Disturbance = serde_json::from_str(r#"{"kind": "moonlight", "share": 1.0}"#).unwrap();
        assert_eq!(later.kind, DisturbanceKind::Other);
    }
}
