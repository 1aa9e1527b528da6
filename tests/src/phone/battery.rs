//! A phone's battery and supply rails as a model, of which the true energy is known.
//!
//! The power is a constant and a share for each processor that the phone's programs keep busy. Between two changes of the model, the
//! energy is that power times the time, so nothing has to count while nobody asks.

mod busy;
mod printed;

use serde::{Deserialize, Serialize};

pub(super) use busy::busy_s;
pub(super) use printed::{print_battery, print_rails};

/// What a test says about the phone's power. Parts that a JSON text leaves out are as in [`PowerModel::default`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PowerModel {
    /// Of the full battery, in microampere-hours.
    pub capacity_uah: f64,
    /// What the battery holds, in microampere-hours, from the moment when this number is set to another one.
    pub charge_uah: f64,
    /// What the phone uses while its programs do nothing, in watts.
    pub idle_watts: f64,
    /// What each busy processor adds, in watts.
    pub watts_per_busy_processor: f64,
    /// What flows into the phone while any source feeds it, in watts; what the phone does not use charges the battery.
    pub charger_watts: f64,
    /// Of the battery, in volts.
    pub volts: f64,
    /// Of the battery, in degrees Celsius.
    pub celsius: f64,
    /// What feeds the phone.
    pub sources: Vec<Source>,
    /// The battery's status as Android's number; if there is none, it follows from what feeds the phone.
    pub status: Option<u8>,
    /// The step of the charge counter, in microampere-hours.
    pub counter_step_uah: f64,
    /// How often the charge counter is renewed, in seconds; 0 for at each question.
    pub counter_period_s: f64,
    /// Whether the charge counter is printed in milliampere-hours, as on some Xiaomi.
    pub counter_in_mah: bool,
    /// The supply rails; none on most phones.
    pub rails: Vec<Rail>,
}

/// A source of power other than the battery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// A charger.
    Ac,
    /// A USB port.
    Usb,
    /// A coil.
    Wireless,
    /// A dock.
    Dock,
}

/// A supply rail with a counter of energy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rail {
    /// As in `S2M_VDD_CPUCL2`.
    pub name: String,
    /// What it feeds, as in `CPU`.
    pub subsystem: String,
    /// What it uses while the phone's programs do nothing, in watts.
    #[serde(default)]
    pub idle_watts: f64,
    /// What each busy processor adds, in watts.
    #[serde(default)]
    pub watts_per_busy_processor: f64,
}

impl Default for PowerModel {
    fn default() -> Self {
        Self {
            capacity_uah: 4_500_000.0,
            charge_uah: 3_600_000.0,
            idle_watts: 1.0,
            watts_per_busy_processor: 2.0,
            charger_watts: 5.0,
            volts: 3.9,
            celsius: 29.0,
            sources: vec![Source::Usb],
            status: None,
            counter_step_uah: 1000.0,
            counter_period_s: 0.0,
            counter_in_mah: false,
            rails: Vec::new(),
        }
    }
}

/// What is true at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// The model that holds from this moment on.
    pub model: PowerModel,
    /// The moment, in nanoseconds of the monotonic clock.
    pub at_ns: u64,
    /// Seconds of processor time that the phone's programs had used since the phone was started.
    pub busy_s: f64,
    /// What the whole phone has used since the beginning, in joules, whatever fed it.
    pub joules: f64,
    /// What the battery holds, in microampere-hours.
    pub charge_uah: f64,
    /// What each rail has used since the phone was started, in joules, in the order of the model.
    pub rail_joules: Vec<f64>,
    /// The charge that the counter shows, and since when, in nanoseconds.
    pub shown: (f64, u64),
}

/// Coulombs of a microampere-hour.
const COULOMBS: f64 = 3.6e-3;

impl Truth {
    pub(super) fn beginning(model: PowerModel, at_ns: u64, busy_s: f64) -> Self {
        let (charge_uah, rails) = (model.charge_uah, model.rails.len());
        Self {
            model,
            at_ns,
            busy_s,
            joules: 0.0,
            charge_uah,
            rail_joules: vec![0.0; rails],
            shown: (charge_uah, at_ns),
        }
    }

    /// What is true later, under the same model.
    pub(super) fn later(&self, at_ns: u64, busy_s: f64) -> Self {
        let seconds = at_ns.saturating_sub(self.at_ns) as f64 / 1e9;
        // Processor time of processes that are just ending may be missed for a moment.
        let busy = (busy_s - self.busy_s).max(0.0);
        let model = &self.model;
        let joules = model.idle_watts * seconds + model.watts_per_busy_processor * busy;
        let fed = if model.sources.is_empty() { 0.0 } else { model.charger_watts * seconds };
        // A source that gives nothing at all, as a charger of a phone that is held at its level, keeps the battery as it is.
        let gained = if !model.sources.is_empty() && model.charger_watts == 0.0 { 0.0 } else { fed - joules };
        let charge = self.charge_uah + gained / (model.volts * COULOMBS);
        let rails = self.rail_joules.iter().zip(&model.rails);
        let mut later = Self {
            at_ns,
            busy_s: self.busy_s + busy,
            joules: self.joules + joules,
            charge_uah: charge.clamp(0.0, model.capacity_uah),
            rail_joules: rails
                .map(|(before, rail)| before + rail.idle_watts * seconds + rail.watts_per_busy_processor * busy)
                .collect(),
            ..self.clone()
        };
        let period_ns = (model.counter_period_s * 1e9) as u64;
        if at_ns.saturating_sub(self.shown.1) >= period_ns {
            let late = if period_ns == 0 { 0 } else { at_ns.saturating_sub(self.shown.1) % period_ns };
            later.shown = (later.charge_uah, at_ns - late);
        }
        later
    }

    /// From now on, another model holds.
    pub(super) fn with(self, model: PowerModel) -> Self {
        let charge_uah = if model.charge_uah == self.model.charge_uah { self.charge_uah } else { model.charge_uah };
        let mut rail_joules = self.rail_joules;
        rail_joules.resize(model.rails.len(), 0.0);
        let shown = if charge_uah == self.charge_uah { self.shown } else { (charge_uah, self.at_ns) };
        Self { model, charge_uah, rail_joules, shown, ..self }
    }

    /// The phone was started anew: its rails count from 0, its battery does not.
    pub(super) fn started_anew(mut self) -> Self {
        self.rail_joules.fill(0.0);
        Self { busy_s: 0.0, ..self }
    }

    /// Per cent.
    pub(super) fn level(&self) -> u32 {
        (100.0 * self.charge_uah / self.model.capacity_uah).round() as u32
    }

    /// In whole steps, in microampere-hours.
    pub(super) fn counter_uah(&self) -> f64 {
        let step = self.model.counter_step_uah.max(1.0);
        (self.shown.0 / step).floor() * step
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model() -> PowerModel {
        PowerModel {
            sources: Vec::new(),
            rails: vec![Rail { name: "A".into(), idle_watts: 0.5, watts_per_busy_processor: 1.5, ..Rail::default() }],
            ..PowerModel::default()
        }
    }

    #[test]
    fn energy_is_power_times_time_and_leaves_the_battery() {
        let begun = Truth::beginning(model(), 5_000_000_000, 3.0);
        let later = begun.later(65_000_000_000, 33.0);
        assert_eq!((later.joules, later.rail_joules[0]), (60.0 + 60.0, 30.0 + 45.0));
        let lost = (begun.charge_uah - later.charge_uah) * COULOMBS * 3.9;
        assert!((lost - 120.0).abs() < 1e-6, "{lost}");
        assert_eq!(later.counter_uah(), 3_591_000.0, "3591453 in steps of 1000");
    }

    #[test]
    fn a_charger_fills_it_and_a_new_model_holds_from_its_moment_on() {
        let charging = Truth::beginning(PowerModel { sources: vec![Source::Ac], ..model() }, 0, 0.0);
        let later = charging.later(10_000_000_000, 0.0);
        assert!(later.charge_uah > charging.charge_uah);
        let set = later.clone().with(PowerModel { charge_uah: 1e6, ..model() });
        assert_eq!((set.charge_uah, set.joules, set.level()), (1e6, 10.0, 22));
        assert_eq!(later.clone().with(model()).charge_uah, later.charge_uah);
    }

    #[test]
    fn a_counter_with_a_period_shows_what_was() {
        let begun = Truth::beginning(PowerModel { counter_period_s: 30.0, counter_step_uah: 1.0, ..model() }, 0, 0.0);
        assert_eq!(begun.later(29_000_000_000, 0.0).counter_uah(), 3_600_000.0);
        assert!(begun.later(31_000_000_000, 0.0).counter_uah() < 3_600_000.0);
    }
}
