//! Waits until the device is as cool as before the first block: then its clocks are as high, and every block finds it alike.

use std::time::Duration;

use pocketwatt_meter::{ClockLimit, Warmth};
use pocketwatt_phone::printed::ThermalStatus;
use pocketwatt_record::{CoolDownSettings, CoolDownTarget, GateKind};

use super::{Gate, Look, Thermometer};

/// Sensors scatter, and a device comes back to its first temperature only slowly.
const TOLERANCE_KELVIN: f64 = 1.0;

/// Closed while the device is warm, or its clocks are limited.
#[derive(Debug)]
pub struct CoolDown {
    thermometer: Thermometer,
    settings: CoolDownSettings,
    /// As it was before the first block.
    first: Option<Warmth>,
}

impl CoolDown {
    /// The first look that finds it open is what later blocks are compared with.
    pub fn new(thermometer: Thermometer, settings: CoolDownSettings) -> Self {
        Self { thermometer, settings, first: None }
    }
}

impl Gate for CoolDown {
    fn kind(&self) -> GateKind {
        GateKind::CoolDown
    }

    fn look(&mut self) -> Look {
        let now = self.thermometer.read();
        match obstacle(&now, self.first.as_ref(), self.settings.target) {
            Some(why) => Look::Closed(why),
            None => {
                self.first.get_or_insert(now);
                Look::Open
            }
        }
    }

    fn patience(&self) -> Duration {
        Duration::from_millis(self.settings.most_ms)
    }

    fn pause(&self) -> Duration {
        // Commands of a phone warm it, too.
        Duration::from_secs(if self.thermometer.asks_a_phone() { 5 } else { 1 })
    }
}

/// What is still too warm or too low, for a sentence; `None` if nothing is.
fn obstacle(now: &Warmth, first: Option<&Warmth>, target: CoolDownTarget) -> Option<String> {
    let status = now.thermal_status.as_deref().filter(|status| *status != ThermalStatus::None.name());
    let status = status.map(|status| format!("the phone's thermal status is {status}"));
    let clock = || now.clocks.iter().find_map(|clock| limited(clock, first?));
    status.or_else(clock).or_else(|| match target {
        CoolDownTarget::Millicelsius(most) => above(now, f64::from(most) * 1e-3),
        CoolDownTarget::First => warmer(now, first?),
    })
}

/// A device may be limited for good: then the limit before the first block is enough.
fn limited(now: &ClockLimit, first: &Warmth) -> Option<String> {
    let before = first.clocks.iter().find(|clock| clock.policy == now.policy)?;
    let (limit, hardware) = (now.highest_hz?, now.hardware_highest_hz.unwrap_or(u64::MAX));
    let wanted = hardware.min(before.highest_hz?);
    let gigahertz = |hz: u64| format!("{:.2}", hz as f64 * 1e-9);
    (limit < wanted)
        .then(|| format!("the clock of {} is limited to {} of {} GHz", now.policy, gigahertz(limit), gigahertz(wanted)))
}

fn above(now: &Warmth, most: f64) -> Option<String> {
    let sensor = now.temperatures.iter().find(|sensor| sensor.celsius > most)?;
    Some(format!("{} shows {:.1} °C, more than {most} °C", sensor.name, sensor.celsius))
}

fn warmer(now: &Warmth, first: &Warmth) -> Option<String> {
    now.temperatures.iter().find_map(|sensor| {
        let before = first.temperatures.iter().find(|before| before.name == sensor.name)?.celsius;
        (sensor.celsius > before + TOLERANCE_KELVIN).then(|| {
            format!("{} shows {:.1} °C, and {before:.1} °C before the first block", sensor.name, sensor.celsius)
        })
    })
}

#[cfg(test)]
mod tests {
    use pocketwatt_meter::NamedTemperature;
    use pocketwatt_protocol::MonotonicNs;

    use super::*;

    fn warmth(status: Option<&str>, battery: f64, limits: &[u64]) -> Warmth {
        let clock = |(number, limit): (usize, &u64)| ClockLimit {
            policy: format!("policy{number}"),
            highest_hz: Some(limit * 100_000_000),
            hardware_highest_hz: Some(3_000_000_000),
        };
        Warmth {
            at: MonotonicNs(0),
            thermal_status: status.map(str::to_owned),
            temperatures: vec![NamedTemperature { name: "battery".into(), celsius: battery }],
            clocks: limits.iter().enumerate().map(clock).collect(),
        }
    }

    #[test]
    fn status_clocks_and_temperatures_close_it_in_this_order() {
        let first = warmth(Some("none"), 30.0, &[30, 30]);
        let why = |now: &Warmth| obstacle(now, Some(&first), CoolDownTarget::First).unwrap_or_default();
        assert_eq!(why(&first), "");
        assert_eq!(why(&warmth(Some("light"), 40.0, &[30, 18])), "the phone's thermal status is light");
        assert_eq!(why(&warmth(Some("none"), 40.0, &[30, 18])), "the clock of policy1 is limited to 1.80 of 3.00 GHz");
        assert_eq!(why(&warmth(None, 31.1, &[30, 30])), "battery shows 31.1 °C, and 30.0 °C before the first block");
        assert_eq!(why(&warmth(None, 31.0, &[30, 30])), "");
        assert_eq!(why(&warmth(None, 12.0, &[30, 30])), "", "cooler is no obstacle");
    }

    #[test]
    fn a_device_that_is_limited_for_good_needs_its_first_limit_only() {
        let first = warmth(None, 30.0, &[20]);
        let is_closed =
            |limit: u64| obstacle(&warmth(None, 30.0, &[limit]), Some(&first), CoolDownTarget::First).is_some();
        assert_eq!([20, 25, 19].map(is_closed), [false, false, true]);
    }

    #[test]
    fn before_the_first_block_only_what_needs_no_comparison_is_looked_at() {
        let limited = warmth(None, 45.0, &[10]);
        assert_eq!(obstacle(&limited, None, CoolDownTarget::First), None);
        assert!(obstacle(&warmth(Some("severe"), 20.0, &[10]), None, CoolDownTarget::First).is_some());
        let stated = |celsius: f64| obstacle(&warmth(None, celsius, &[]), None, CoolDownTarget::Millicelsius(37_500));
        assert_eq!(stated(37.5), None);
        assert_eq!(stated(38.0).unwrap(), "battery shows 38.0 °C, more than 37.5 °C");
    }

    #[test]
    fn sensors_and_clocks_that_only_one_of_both_has_are_no_reason_to_wait() {
        let nothing = Warmth { temperatures: Vec::new(), clocks: Vec::new(), ..warmth(None, 0.0, &[]) };
        let hot = warmth(None, 90.0, &[5]);
        assert_eq!(obstacle(&hot, Some(&nothing), CoolDownTarget::First), None);
        assert_eq!(obstacle(&nothing, Some(&hot), CoolDownTarget::First), None);
    }
}
