use std::fmt::Write;

use super::{Source, Truth};

impl Truth {
    fn status(&self) -> u8 {
        let model = &self.model;
        model.status.unwrap_or(match (model.sources.is_empty(), self.level()) {
            (true, _) => 3,
            (false, 100..) => 5,
            (false, _) if model.charger_watts == 0.0 => 4,
            (false, _) => 2,
        })
    }

    fn counter(&self) -> i64 {
        let uah = self.counter_uah();
        if self.model.counter_in_mah { (uah / 1000.0).round() as i64 } else { uah.round() as i64 }
    }

    /// The value of a line of `dumpsys battery` that the model knows.
    fn value(&self, key: &str) -> Option<String> {
        let is_fed_by = |source| self.model.sources.contains(&source).to_string();
        Some(match key {
            "AC powered" => is_fed_by(Source::Ac),
            "USB powered" => is_fed_by(Source::Usb),
            "Wireless powered" => is_fed_by(Source::Wireless),
            "Dock powered" => is_fed_by(Source::Dock),
            "Charge counter" | "charge counter" => self.counter().to_string(),
            "status" => self.status().to_string(),
            "level" => self.level().to_string(),
            "voltage" => ((self.model.volts * 1e3).round() as i64).to_string(),
            "temperature" => ((self.model.celsius * 10.0).round() as i64).to_string(),
            _ => return None,
        })
    }
}

/// Where no capture says more.
const BATTERY: &str = "Current Battery Service state:
  AC powered: false
  USB powered: false
  Wireless powered: false
  Dock powered: false
  Max charging current: 0
  Max charging voltage: 0
  Charge counter: 0
  status: 2
  health: 2
  present: true
  level: 0
  scale: 100
  voltage: 0
  temperature: 0
  technology: Li-ion
  Charging state: 0
  Charging policy: 0
  Capacity level: -1
";
const STOPPED: &str = "  (UPDATES STOPPED -- use 'reset' to restart)";

/// The text of `dumpsys battery`, in the form of a real phone's text if there is one. Values of `overridden`, as lines
/// `key: value`, were replaced by a command.
pub(in crate::phone) fn print_battery(truth: &Truth, form: Option<&str>, overridden: Option<&str>) -> String {
    let replaced = |key: &str| {
        let mut lines = overridden?.lines().rev().filter_map(|line| line.split_once(": "));
        lines.find(|(other, _)| *other == key).map(|(_, value)| value.to_owned())
    };
    let mut text = String::new();
    for (at, line) in form.unwrap_or(BATTERY).lines().enumerate() {
        let known = line.strip_prefix("  ").and_then(|line| line.split_once(':')).map(|(key, _)| key);
        match known.and_then(|key| Some((key, replaced(key).or_else(|| truth.value(key))?))) {
            Some((key, value)) => _ = writeln!(text, "  {key}: {value}"),
            None => _ = writeln!(text, "{line}"),
        }
        if at == 0 && overridden.is_some() {
            _ = writeln!(text, "{STOPPED}");
        }
    }
    text
}

/// The text of a Pixel's power statistics; `None` on phones without rails.
pub(in crate::phone) fn print_rails(truth: &Truth) -> Option<String> {
    let rails = &truth.model.rails;
    if rails.is_empty() {
        return None;
    }
    let mut text = "\n============= PowerStats HAL 2.0 energy meter ==============\n".to_owned();
    for (rail, joules) in rails.iter().zip(&truth.rail_joules) {
        // Counted in microjoules, and printed from a short float.
        let millijoules = (joules * 1e6).floor() as f32 / 1e3;
        let name = format!("[{}]:{}", rail.name, rail.subsystem);
        _ = writeln!(text, "  {name:>32}   {millijoules:>14.2} mWs");
    }
    Some(text + "========== End of PowerStats HAL 2.0 energy meter ==========\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phone::{PowerModel, Rail, capture};

    fn truth() -> Truth {
        let rails = vec![Rail { name: "S2M_VDD_CPUCL2".into(), subsystem: "CPU".into(), ..Rail::default() }];
        let model = PowerModel { sources: vec![Source::Usb], counter_step_uah: 3750.0, rails, ..PowerModel::default() };
        Truth { joules: 7.0, rail_joules: vec![30.203_507], ..Truth::beginning(model, 0, 0.0) }
    }

    #[test]
    fn what_a_real_phone_printed_gets_the_values_of_the_model() {
        let form = capture("samsung-s23-SM-S9110-android16/dumpsys_battery.txt");
        let text = print_battery(&truth(), Some(&form), None);
        for line in ["  USB powered: true", "  Charge counter: 3600000", "  level: 80", "  charge counter: 3600000"] {
            assert!(text.lines().any(|printed| printed == line), "{line}: {text}");
        }
        assert_eq!(text.lines().count(), form.lines().count());
        assert!(text.contains("level:43,"), "history stays as it was");
        assert!(print_battery(&truth(), None, None).contains("\n  voltage: 3900\n  temperature: 290\n"));
        let stopped = print_battery(&truth(), None, Some("USB powered: false\n"));
        assert!(stopped.contains("UPDATES STOPPED") && stopped.contains("USB powered: false"), "{stopped}");
    }

    #[test]
    fn rails_are_printed_as_on_a_pixel() {
        insta::assert_snapshot!(print_rails(&truth()).unwrap(), @r"
        ============= PowerStats HAL 2.0 energy meter ==============
                      [S2M_VDD_CPUCL2]:CPU         30203.51 mWs
        ========== End of PowerStats HAL 2.0 energy meter ==========
        ");
    }
}
