//! The additional time of a run for measuring energy, which depends on the meter's updates.

use anyhow::Result;
use pocketwatt_meter::energy::{Measurand, MeterSeries, MeterSource, Observation};
use pocketwatt_record::{EnergyPlan, PlannedCase, RunSettings};

use crate::{
    refusal::Refusal,
    report::output::{duration, waiting_time},
};

/// Idle windows contain this many updates of the preferred meter.
const IDLE_UPDATES: u64 = 20;
const SHORTEST_IDLE_MS: u64 = 2_000;
const LONGEST_IDLE_MS: u64 = 120_000;
/// Assumed update period of a gauge that never changed while it was watched.
const GUESSED_GAUGE_NS: u64 = 1_000_000_000;

/// Updates and steps of a counter that a figure needs: a little more than the derivation demands, because power varies.
const LEAST_UPDATES: f64 = 2.5;
const LEAST_STEPS: f64 = 6.0;

/// What a run is about to do to measure energy, in one line; `None` without meters.
pub fn announcement(plan: &EnergyPlan, cases: usize) -> Option<String> {
    let preferred = plan.meters.first()?;
    let period = preferred
        .update_period
        .map_or("at unknown intervals".to_owned(), |period| format!("every {}", duration(period.ns as f64 / 1e9)));
    let mut text = format!("energy: {} is updated {period}; ", preferred.id);
    if preferred.source == MeterSource::BatteryService && plan.uncertainty.is_none() {
        text += "such counters were seen to step by 14 to 51 J, every 30 to 90 s, and five steps are the least: a case that is \
                 shorter than some minutes has no joules (--energy-uncertainty 10% finds out how long it must be); ";
    }
    if let (Some(uncertainty), true) = (plan.uncertainty, plan.at_least_ms > 0) {
        text += &format!(
            "for {:.1} % the counted iterations of a case last at least {}; ",
            uncertainty * 100.0,
            waiting_time(plan.at_least_ms as f64 / 1e3)
        );
    }
    let each_s = (2 * plan.idle_ms + plan.at_least_ms) as f64 / 1e3;
    text += &format!(
        "{} of idling before and after each; {cases} cases take {} for it",
        waiting_time(plan.idle_ms as f64 / 1e3),
        waiting_time(each_s * cases as f64)
    );
    Some(text)
}

/// Adds the time for energy to the estimates. Cases that are sustained for longer than the meter needs take no
/// additional time.
pub fn add_time(cases: &mut [PlannedCase], plan: &EnergyPlan, settings: &RunSettings) {
    let more_ms = plan.at_least_ms.saturating_sub(settings.sustain_ms.unwrap_or(0));
    for planned in cases {
        planned.estimate_s += (2 * plan.idle_ms + more_ms) as f64 / 1e3;
    }
}

/// How long the device is left idle: twenty updates of the preferred meter, more where windows are long.
pub fn idle_ms(preferred: Option<&Observation>, at_least_ms: u64) -> u64 {
    let period_ns = preferred.and_then(|observation| observation.update_period).map_or(0, |period| period.ns);
    let updates = period_ns.saturating_mul(IDLE_UPDATES) / 1_000_000;
    updates.max(at_least_ms / 4).clamp(SHORTEST_IDLE_MS, LONGEST_IDLE_MS)
}

/// Whether a counter stood still for many of its updates, like the register of a virtual machine without hardware behind
/// it. Such a meter does not determine the length of a run if another one counts.
pub fn is_silent(observation: &Observation) -> bool {
    let updates = |period_ns: u64| observation.watched_ns / period_ns.max(1);
    let meter = &observation.series.meter;
    matches!(meter.measurand, Measurand::EnergyCounter { .. })
        && observation.changes == 0
        && meter.update_period.is_some_and(|period| updates(period.ns) >= IDLE_UPDATES)
}

/// How long a window must be so that a meter's updates leave an uncertainty (95 %) of at most `uncertainty`: each edge
/// of a window T is known to one update D, which gives D/(sqrt 6 T) of the whole as a standard deviation, twice that at
/// 95 %.
///
/// # Errors
/// When no update was observed.
pub fn shortest_window_ms(observation: &Observation, uncertainty: f64) -> Result<u64> {
    let meter = &observation.series.meter;
    // A gauge may well have shown the same value all the time.
    let gauge = (!meter.measurand.is_cumulative()).then_some(GUESSED_GAUGE_NS);
    let Some(period_ns) = meter.update_period.map(|period| period.ns).or(gauge) else {
        return Err(Refusal::error(format!(
            "{} did not change within {} s, so it is unknown how long it takes to reach {:.1} %; omit --energy-uncertainty, or \
             choose another meter with --meter",
            meter.id,
            observation.watched_ns / 1_000_000_000,
            uncertainty * 100.0
        )));
    };
    let step_s = mean_power(&observation.series)
        .zip(observation.smallest_step)
        .zip(joules_per_unit(&meter.measurand, &observation.series))
        .filter(|((watts, _), _)| *watts > 0.0)
        .map_or(0.0, |((watts, step), joules)| step as f64 * joules / watts);
    let update_s = (period_ns as f64 / 1e9).max(step_s);
    let by_edges_s = 2.0 * update_s / (6f64.sqrt() * uncertainty);
    // However large an uncertainty was asked for: there are no joules of fewer updates and steps.
    let least_s = if gauge.is_none() { (LEAST_UPDATES * update_s).max(LEAST_STEPS * step_s) } else { 0.0 };
    Ok((by_edges_s.max(least_s) * 1e3).ceil() as u64)
}

/// Joules of a counter's unit; `None` for a gauge, which has no steps in time.
fn joules_per_unit(measurand: &Measurand, series: &MeterSeries) -> Option<f64> {
    match measurand {
        Measurand::EnergyCounter { joules_per_unit, .. } | Measurand::RemainingEnergy { joules_per_unit } => {
            Some(*joules_per_unit)
        }
        Measurand::RemainingCharge { coulombs_per_unit } => {
            Some(coulombs_per_unit * series.readings.last()?.microvolts? as f64 / 1e6)
        }
        Measurand::Power { .. } | Measurand::Current { .. } => None,
    }
}

/// Approximate mean power from the first to the last reading: for planning, not for display.
fn mean_power(series: &MeterSeries) -> Option<f64> {
    let (first, last) = (series.readings.first()?, series.readings.last()?);
    let joules = joules_per_unit(&series.meter.measurand, series)?;
    let span_s = last.at.since(first.at) as f64 / 1e9;
    (span_s > 0.0).then(|| (last.value - first.value).unsigned_abs() as f64 * joules / span_s)
}

#[cfg(test)]
mod tests {
    use pocketwatt_meter::energy::{Basis, MeterInfo, MeterSource, RawReading, Scope, UpdatePeriod};
    use pocketwatt_protocol::MonotonicNs;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn meter(id: &str, measurand: Measurand, period_ns: Option<u64>) -> MeterInfo {
        MeterInfo {
            id: id.into(),
            source: MeterSource::Battery,
            scope: Scope::Device,
            part: "BAT0".into(),
            path: "none".into(),
            measurand,
            unit_basis: Basis::Documented,
            resolution: 1,
            update_period: period_ns.map(|ns| UpdatePeriod { ns, basis: Basis::Observed }),
            gain_error: None,
            power_limit_watts: None,
        }
    }

    /// Ten seconds of a battery that supplies 10 W.
    fn seen(meter: MeterInfo, step: i64) -> Observation {
        let mut series = MeterSeries::new(meter);
        for second in 0..=10 {
            let joules = second as f64 * 10.0;
            let units = (joules / 3.6e-3) as i64 / step * step;
            series.push(MonotonicNs(second * SECOND), RawReading::new(40_000_000 - units));
        }
        let update_period = series.meter.update_period;
        Observation { series, update_period, changes: 10, smallest_step: Some(step), watched_ns: 10 * SECOND }
    }

    const ENERGY: Measurand = Measurand::RemainingEnergy { joules_per_unit: 3.6e-3 };

    #[test]
    fn a_window_is_as_long_as_the_coarser_of_update_and_step_needs() {
        // 2 x 1 s / (sqrt 6 x 5 %).
        let quick = seen(meter("battery:BAT0/energy_now", ENERGY, Some(SECOND)), 1);
        assert_eq!(shortest_window_ms(&quick, 0.05).unwrap(), 16_330);
        // Steps of 36 J last 3.6 s at 10 W, or what ten seconds of them show.
        let coarse = shortest_window_ms(&seen(meter("battery:BAT0/energy_now", ENERGY, Some(SECOND)), 10_000), 0.05);
        assert!((50_000..90_000).contains(&coarse.unwrap()));
        let silent = seen(meter("battery:BAT0/energy_now", ENERGY, None), 1);
        let refusal = shortest_window_ms(&silent, 0.05).unwrap_err().to_string();
        assert!(refusal.contains("battery:BAT0/energy_now did not change within 10 s"), "{refusal}");
        let gauge = seen(meter("battery:BAT0/power_now", Measurand::Power { watts_per_unit: 1e-6 }, None), 1);
        assert_eq!(shortest_window_ms(&gauge, 0.05).unwrap(), 16_330, "a gauge may stand still");
    }

    #[test]
    fn a_window_holds_the_steps_that_a_figure_needs_however_large_an_uncertainty_was_asked_for() {
        // As a Samsung S23: 3750 uAh every minute.
        let charge = Measurand::RemainingCharge { coulombs_per_unit: 3.6e-3 };
        let mut coarse = seen(meter("battery-service:charge-counter", charge, Some(60 * SECOND)), 1);
        coarse.smallest_step = Some(3750);
        for (minute, reading) in coarse.series.readings.iter_mut().enumerate() {
            reading.at = MonotonicNs(minute as u64 * 60 * SECOND);
            reading.value = 1_244_880 - 3750 * minute as i64;
            reading.microvolts = Some(3_700_000);
        }
        assert_eq!(shortest_window_ms(&coarse, 0.5).unwrap(), 360_000, "six steps");
        assert_eq!(shortest_window_ms(&coarse, 0.05).unwrap(), 979_796, "2 x 60 s / (sqrt 6 x 5 %)");
    }

    #[test]
    fn a_counter_that_stands_still_for_many_of_its_updates_is_silent() {
        let register = Measurand::EnergyCounter { joules_per_unit: 2f64.powi(-32), modulus: None };
        let still = |measurand, period_ns| Observation { changes: 0, ..seen(meter("a", measurand, period_ns), 1) };
        assert!(is_silent(&still(register, Some(SECOND / 1000))));
        assert!(!is_silent(&seen(meter("a", register, Some(SECOND / 1000)), 1)), "it counts");
        assert!(!is_silent(&still(register, Some(SECOND))), "ten updates may bring the same");
        assert!(!is_silent(&still(register, None)), "nobody knows how long it takes");
        assert!(!is_silent(&still(ENERGY, Some(SECOND / 1000))), "a battery steps when it steps");
    }

    #[test]
    fn a_run_says_beforehand_how_long_energy_takes() {
        let plan = EnergyPlan {
            meters: vec![meter("battery:BAT0/energy_now", ENERGY, Some(SECOND))],
            idle_ms: 20_000,
            asked_idle_ms: None,
            uncertainty: Some(0.05),
            at_least_ms: 16_330,
            ..EnergyPlan::default()
        };
        insta::assert_snapshot!(
            announcement(&plan, 6).unwrap(),
            @"energy: battery:BAT0/energy_now is updated every 1 s; for 5.0 % the counted iterations of a case last at least 16 s; 20 s of idling before and after each; 6 cases take 5 min 38 s for it"
        );
        assert_eq!(announcement(&EnergyPlan::default(), 6), None);
        let charge = Measurand::RemainingCharge { coulombs_per_unit: 3.6e-3 };
        let counter =
            MeterInfo { source: MeterSource::BatteryService, ..meter("battery-service:charge-counter", charge, None) };
        let plan = EnergyPlan { meters: vec![counter], idle_ms: 2000, ..EnergyPlan::default() };
        insta::assert_snapshot!(
            announcement(&plan, 2).unwrap(),
            @"energy: battery-service:charge-counter is updated at unknown intervals; such counters were seen to step by 14 to 51 J, every 30 to 90 s, and five steps are the least: a case that is shorter than some minutes has no joules (--energy-uncertainty 10% finds out how long it must be); 2.0 s of idling before and after each; 2 cases take 8.0 s for it"
        );
    }

    #[test]
    fn idling_holds_twenty_updates_and_is_never_too_short() {
        let slow = seen(meter("battery:BAT0/energy_now", ENERGY, Some(SECOND)), 1);
        assert_eq!(idle_ms(Some(&slow), 0), 20_000);
        assert_eq!(idle_ms(None, 0), SHORTEST_IDLE_MS);
        assert_eq!(idle_ms(None, 100_000), 25_000);
    }
}
