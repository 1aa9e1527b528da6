use std::time::Duration;

use pocketwatt_protocol::{Clock, MonotonicClock, MonotonicNs};

use super::{Basis, EnergyMeter, MeterInfo, MeterSeries, Moment, TimedReading, UpdatePeriod};

/// Duration of the first, quick phase of reading: a hundred updates of a meter that is updated every millisecond.
const QUICK: Duration = Duration::from_millis(100);
/// This many changes in that time are enough evidence.
const QUICK_CHANGES: usize = 5;
/// After that, meters without a known period are polled this often, for `POLLED`: two updates of a gauge that is
/// updated once a second.
const POLL: Duration = Duration::from_millis(5);
const POLLED: Duration = Duration::from_millis(2500);
/// After that, meters are read as often as beside a measurement.
const STEADY: Duration = Duration::from_millis(100);

/// What was seen of a meter while it was watched.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// All readings. Its meter has the update period that was observed, or else the one that was known before.
    pub series: MeterSeries,
    /// Time between two changes; absent when fewer than two were seen, or when the meter changes faster than it can be
    /// read.
    pub update_period: Option<UpdatePeriod>,
    /// How often the value differed from the one before.
    pub changes: u64,
    /// Smallest difference between two consecutive values, in raw units.
    pub smallest_step: Option<i64>,
    /// How long it was watched, in nanoseconds.
    pub watched_ns: u64,
}

/// How time passes: on the device, or by a script in tests.
pub struct Pace<'a> {
    /// Gives the time of readings.
    pub clock: &'a dyn Clock,
    /// Waits.
    pub sleep: &'a mut dyn FnMut(Duration),
}

/// Watches meters together for `watch`, and finds out how often each of them changes: first in quick succession, then
/// at growing intervals.
pub fn observe(meters: &mut [Box<dyn EnergyMeter>], watch: Duration, pace: &mut Pace<'_>) -> Vec<Observation> {
    watch_all(meters, watch, false, pace)
}

/// Does the same on this device's clock.
pub fn observe_here(meters: &mut [Box<dyn EnergyMeter>], watch: Duration) -> Vec<Observation> {
    let mut pace = Pace { clock: &MonotonicClock, sleep: &mut |duration| std::thread::sleep(duration) };
    observe(meters, watch, &mut pace)
}

/// Does the same, but stops as soon as the periods of all meters are known.
pub fn observe_until_found(meters: &mut [Box<dyn EnergyMeter>], longest: Duration) -> Vec<Observation> {
    let mut pace = Pace { clock: &MonotonicClock, sleep: &mut |duration| std::thread::sleep(duration) };
    watch_all(meters, longest, true, &mut pace)
}

/// `until_found` ends the watch once the periods of all meters are known.
fn watch_all(
    meters: &mut [Box<dyn EnergyMeter>],
    watch: Duration,
    until_found: bool,
    pace: &mut Pace<'_>,
) -> Vec<Observation> {
    let start = pace.clock.now();
    let elapsed = |clock: &dyn Clock| Duration::from_nanos(clock.now().since(start));
    let mut watched: Vec<Watched> =
        meters.iter().map(|meter| Watched::new(meter.info().clone(), meter.has_own_pace())).collect();
    for (meter, watched) in meters.iter_mut().zip(&mut watched).filter(|(meter, _)| meter.has_own_pace()) {
        watched.read(&mut **meter, Moment::Boundary, pace.clock);
    }
    for (length, distance, enough) in
        [(QUICK, Duration::ZERO, QUICK_CHANGES), (POLLED, POLL, 2), (Duration::MAX, STEADY, 2)]
    {
        let end = length.min(watch);
        while elapsed(pace.clock) < end && watched.iter().any(|watched| watched.series.ended.is_none()) {
            for (meter, watched) in meters.iter_mut().zip(&mut watched) {
                watched.read(&mut **meter, Moment::Regular, pace.clock);
            }
            if !distance.is_zero() {
                (pace.sleep)(distance.min(end.saturating_sub(elapsed(pace.clock))));
            }
        }
        watched.iter_mut().for_each(|watched| watched.conclude(enough));
        if until_found && watched.iter().all(|watched| watched.period_ns.is_some()) {
            break;
        }
    }
    // A last reading, so that the energy of the whole watch is covered.
    for (meter, watched) in meters.iter_mut().zip(&mut watched) {
        watched.read(&mut **meter, Moment::Boundary, pace.clock);
    }
    let watched_ns = pace.clock.now().since(start);
    watched.into_iter().map(|watched| watched.finish(watched_ns)).collect()
}

/// A meter under observation.
struct Watched {
    series: MeterSeries,
    /// Whether it is read at its own pace: then a value that is new at each reading has that pace as its period.
    has_own_pace: bool,
    last: Option<i64>,
    /// When a value was first seen that differed from the one before.
    changes: Vec<MonotonicNs>,
    smallest_step: Option<i64>,
    period_ns: Option<u64>,
    /// Readings and changes since the last conclusion.
    reads_since: usize,
    changes_since: usize,
}

impl Watched {
    fn new(meter: MeterInfo, has_own_pace: bool) -> Self {
        Self {
            series: MeterSeries::new(meter),
            has_own_pace,
            last: None,
            changes: Vec::new(),
            smallest_step: None,
            period_ns: None,
            reads_since: 0,
            changes_since: 0,
        }
    }

    fn read(&mut self, meter: &mut dyn EnergyMeter, moment: Moment, clock: &dyn Clock) {
        if self.series.ended.is_none() {
            meter.readings(moment, clock, &mut |timed| self.take(timed));
        }
    }

    fn take(&mut self, TimedReading { at, reading }: TimedReading) {
        if self.series.ended.is_some() {
            return;
        }
        let reading = match reading {
            Ok(reading) => reading,
            Err(unavailable) => {
                self.series.fail(at, unavailable);
                return;
            }
        };
        self.reads_since += 1;
        if let Some(last) = self.last.filter(|last| *last != reading.value) {
            let step = i64::try_from(reading.value.abs_diff(last)).unwrap_or(i64::MAX);
            self.smallest_step = Some(self.smallest_step.map_or(step, |smallest| smallest.min(step)));
            self.changes.push(at);
            self.changes_since += 1;
        }
        self.last = Some(reading.value);
        self.series.push(at, reading);
    }

    /// Looks for the period in what was seen so far, unless it is known.
    fn conclude(&mut self, enough: usize) {
        // Where more than every other reading is a new value, this would find the reading interval instead.
        let readable = self.has_own_pace || self.reads_since > 0 && self.changes_since * 2 <= self.reads_since;
        if self.period_ns.is_none() && readable && self.changes.len() >= enough {
            self.period_ns = typical_distance(&self.changes);
        }
        self.reads_since = 0;
        self.changes_since = 0;
    }

    fn finish(mut self, watched_ns: u64) -> Observation {
        let update_period = self.period_ns.map(|ns| UpdatePeriod { ns, basis: Basis::Observed });
        self.series.meter.update_period = update_period.or(self.series.meter.update_period);
        Observation {
            update_period,
            changes: self.changes.len() as u64,
            smallest_step: self.smallest_step,
            watched_ns,
            series: self.series,
        }
    }
}

/// The mean of the intervals near their median. The median alone would be a multiple of the polling interval; the mean
/// alone would be distorted by an update that repeated the value, and by a reader that had to wait.
fn typical_distance(times: &[MonotonicNs]) -> Option<u64> {
    let mut distances: Vec<u64> = times.windows(2).map(|pair| pair[1].since(pair[0])).collect();
    distances.sort_unstable();
    let median = *distances.get(distances.len() / 2)?;
    let near: Vec<u64> =
        distances.into_iter().filter(|distance| (median / 2..=median + median / 2).contains(distance)).collect();
    let mean = near.iter().sum::<u64>() / near.len().max(1) as u64;
    (mean > 0).then_some(mean)
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    };

    use super::*;
    use crate::energy::{Measurand, MeterSource, RawReading, Reason, Scope, Unavailable};

    /// Time that passes when something waits or reads.
    #[derive(Clone, Debug, Default)]
    struct ScriptedTime(Arc<AtomicU64>);

    impl ScriptedTime {
        fn pass(&self, ns: u64) {
            self.0.fetch_add(ns, Ordering::Relaxed);
        }
    }

    impl Clock for ScriptedTime {
        fn now(&self) -> MonotonicNs {
            MonotonicNs(self.0.load(Ordering::Relaxed))
        }
    }

    #[derive(Debug)]
    struct ScriptedMeter {
        time: ScriptedTime,
        info: MeterInfo,
        tick_ns: u64,
        read_ns: u64,
        vanishes_ns: u64,
    }

    impl EnergyMeter for ScriptedMeter {
        fn info(&self) -> &MeterInfo {
            &self.info
        }

        fn read(&mut self) -> Result<RawReading, Unavailable> {
            self.time.pass(self.read_ns / 2);
            let now = self.time.now().0;
            self.time.pass(self.read_ns - self.read_ns / 2);
            if now >= self.vanishes_ns {
                return Err(Unavailable::new(Reason::Vanished, "unplugged"));
            }
            // The first reading falls somewhere in the middle of an update period.
            let ticks = (now + self.tick_ns / 3) / self.tick_ns;
            Ok(RawReading::new(ticks as i64 * 61))
        }
    }

    fn meter(time: &ScriptedTime, tick_ns: u64, read_ns: u64) -> Box<dyn EnergyMeter> {
        Box::new(ScriptedMeter {
            time: time.clone(),
            info: MeterInfo {
                id: format!("scripted:{tick_ns}"),
                source: MeterSource::Powercap,
                scope: Scope::Package,
                part: "package-0".into(),
                path: "a script".into(),
                measurand: Measurand::EnergyCounter { joules_per_unit: 1e-6, modulus: None },
                unit_basis: Basis::Documented,
                resolution: 61,
                update_period: Some(UpdatePeriod { ns: 7, basis: Basis::Declared }),
                gain_error: None,
                power_limit_watts: None,
            },
            tick_ns,
            read_ns,
            vanishes_ns: u64::MAX,
        })
    }

    const READ_NS: u64 = 3000;
    const BEFORE_A_RUN: Duration = Duration::from_millis(1200);

    fn watch(
        meters: &mut [Box<dyn EnergyMeter>],
        time: &ScriptedTime,
        watch: Duration,
        found: bool,
    ) -> Vec<Observation> {
        let mut pace = Pace { clock: time, sleep: &mut |duration: Duration| time.pass(duration.as_nanos() as u64) };
        watch_all(meters, watch, found, &mut pace)
    }

    #[test]
    fn ticks_are_found_by_watching() {
        const MS: u64 = 1_000_000;
        for tick_ns in [MS, 7 * MS, 23 * MS, 33 * MS, 100 * MS, 250 * MS, 1000 * MS, 2000 * MS] {
            let time = ScriptedTime::default();
            let seen = &watch(&mut [meter(&time, tick_ns, READ_NS)], &time, Duration::from_secs(10), false)[0];
            let period = seen.update_period.unwrap();
            assert!(period.ns.abs_diff(tick_ns) * 10 <= tick_ns, "{tick_ns}: {period:?}");
            assert_eq!((period.basis, seen.series.meter.update_period), (Basis::Observed, Some(period)));
            assert_eq!(seen.smallest_step.map(|step| step % 61), Some(0));
            assert!((10_000_000_000..10_200_000_000).contains(&seen.watched_ns), "{}", seen.watched_ns);
            assert_eq!(
                seen.series.readings.last().unwrap().at.0.div_ceil(200 * MS),
                51,
                "the last reading ends the watch"
            );
        }
    }

    #[test]
    fn meters_of_different_speed_are_watched_side_by_side() {
        let time = ScriptedTime::default();
        let mut meters = [meter(&time, 1_000_000, READ_NS), meter(&time, 100_000_000, READ_NS)];
        let seen = watch(&mut meters, &time, BEFORE_A_RUN, true);
        let periods: Vec<f64> = seen.iter().map(|seen| seen.update_period.unwrap().ns as f64 / 1e6).collect();
        assert!((periods[0] - 1.0).abs() < 0.1 && (periods[1] - 100.0).abs() < 10.0, "{periods:?}");
    }

    #[test]
    fn quick_meters_are_not_watched_for_longer_than_it_takes() {
        let time = ScriptedTime::default();
        watch(&mut [meter(&time, 1_000_000, READ_NS)], &time, BEFORE_A_RUN, true);
        assert!(time.now().0 < 110_000_000, "{:?}", time.now());
        let time = ScriptedTime::default();
        let seen = &watch(&mut [meter(&time, 60_000_000_000, READ_NS)], &time, BEFORE_A_RUN, true)[0];
        assert!((1_200_000_000..1_300_000_000).contains(&time.now().0), "{:?}", time.now());
        assert_eq!(seen.update_period, None);
        assert_eq!(
            seen.series.meter.update_period.unwrap().basis,
            Basis::Declared,
            "what was not seen stays as it was"
        );
        assert_eq!((seen.changes, seen.smallest_step), (0, None));
    }

    #[test]
    fn ticks_faster_than_readings_are_not_made_up() {
        let time = ScriptedTime::default();
        let seen = &watch(&mut [meter(&time, 1_000_000, 4_000_000)], &time, BEFORE_A_RUN, false)[0];
        assert_eq!(seen.update_period, None);
        assert!(seen.changes > 10);
    }

    #[test]
    fn a_meter_that_vanishes_ends_its_series_and_the_watch() {
        let time = ScriptedTime::default();
        let mut vanishing = ScriptedMeter {
            time: time.clone(),
            info: meter(&time, 1, 1).info().clone(),
            tick_ns: 1_000_000,
            read_ns: READ_NS,
            vanishes_ns: 500_000_000,
        };
        vanishing.info.update_period = None;
        let seen = &watch(&mut [Box::new(vanishing)], &time, Duration::from_secs(60), false)[0];
        assert_eq!(seen.series.ended.as_ref().unwrap().unavailable.reason, Reason::Vanished);
        assert!(seen.update_period.is_some() && seen.watched_ns < 1_000_000_000);
    }

    #[test]
    fn no_meters_are_watched_for_no_time() {
        let time = ScriptedTime::default();
        assert_eq!(watch(&mut [], &time, Duration::from_secs(60), false), []);
        assert_eq!(time.now().0, 0);
    }
}
