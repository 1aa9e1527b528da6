//! What stands in the way of measuring on a phone, from what it answered.

use crate::{
    Facts, Obstacle,
    obstacle::{HOT_CELSIUS, LOW_PERCENT},
    printed::{Cluster, Seccomp, SensorKind, ThermalStatus},
};

/// All obstacles that its answers show. What is not known is none.
pub fn obstacles(facts: &Facts) -> Vec<Obstacle> {
    let mut found = Vec::new();
    if facts.properties.runs_arm64() == Some(false) {
        let sets = facts.properties.instruction_sets().into_iter().map(str::to_owned);
        found.push(Obstacle::NotArm64 { instruction_sets: sets.collect() });
    }
    if facts.properties.is_emulator() {
        found.push(Obstacle::Emulator);
    }
    if facts.battery.updates_stopped {
        found.push(Obstacle::BatteryUpdatesStopped);
    }
    if facts.properties.is_charging_suspended() {
        found.push(Obstacle::ChargingSuspended);
    }
    if matches!(facts.seccomp, Ok(Seccomp::Filter | Seccomp::Strict)) {
        found.push(Obstacle::FilteredCalls);
    }
    found.extend(heat(facts));
    if let Some(percent) = facts.battery.percent.as_ref().ok().filter(|percent| **percent < LOW_PERCENT) {
        found.push(Obstacle::LowBattery { percent: *percent });
    }
    found
}

fn heat(facts: &Facts) -> Vec<Obstacle> {
    let mut found = Vec::new();
    let thermal = facts.thermal.as_ref().ok();
    let sensor = |kind| Some(thermal?.hottest(kind)?.1);
    // The battery service knows the battery's temperature on every phone, the sensors on some.
    let battery = facts.battery.celsius.as_ref().ok().copied().or_else(|| sensor(SensorKind::Battery));
    for (part, celsius) in [("battery", battery), ("skin", sensor(SensorKind::Skin))] {
        if let Some(celsius) = celsius.filter(|celsius| *celsius > HOT_CELSIUS) {
            found.push(Obstacle::TooHot { part, celsius });
        }
    }
    if let Some(status) = thermal.and_then(|thermal| thermal.status).filter(|status| *status > ThermalStatus::None) {
        found.push(Obstacle::Throttled { status });
    }
    found.extend(facts.clusters.as_deref().ok().and_then(limited));
    found
}

/// The fastest cluster that is limited.
fn limited(clusters: &[Cluster]) -> Option<Obstacle> {
    clusters.iter().rev().find_map(|cluster| {
        let (limit_hz, max_hz) = (cluster.limit_hz?, cluster.max_hz?);
        (limit_hz < max_hz).then_some(Obstacle::ClocksLimited { limit_hz, max_hz })
    })
}

#[cfg(test)]
mod tests {
    use pocketwatt_meter::energy::{Reason, Unavailable};

    use super::*;
    use crate::{
        Metering, Severity, Unread,
        fixture::{capture, section},
        printed::{BatteryReport, Properties, ThermalReport, clusters, values_of_cores},
    };

    /// A phone of which nothing is known.
    fn unknown() -> Facts {
        let battery = BatteryReport::without_values(false, &Unread::Missing);
        let nothing = || Unavailable::new(Reason::NoMeter, "");
        Facts {
            properties: Properties::default(),
            clusters: Err(Unread::Missing),
            free_bytes: Err(Unread::Missing),
            metering: Metering::new(Err(nothing()), Err(nothing()), &battery),
            battery,
            thermal: Err(Unread::Missing),
            seccomp: Err(Unread::Missing),
        }
    }

    fn kinds(facts: &Facts) -> Vec<&'static str> {
        obstacles(facts).iter().map(Obstacle::kind).collect()
    }

    #[test]
    fn what_is_not_known_is_no_obstacle() {
        assert_eq!(obstacles(&unknown()), []);
    }

    #[test]
    fn a_hot_battery_and_a_hot_skin_are_told_from_warm_ones() {
        let mut facts = unknown();
        facts.battery = BatteryReport::read(&capture("samsung-s23-SM-S9110-android16/dumpsys_battery.txt"));
        assert_eq!(obstacles(&facts), [Obstacle::TooHot { part: "battery", celsius: 42.2 }]);
        facts.battery = BatteryReport::read(&capture("samsung-unnamed-2018/dumpsys_battery.txt"));
        facts.thermal = Ok(ThermalReport::read(&capture("samsung-unnamed-aidl/dumpsys_thermalservice_thresholds.txt")));
        assert_eq!(obstacles(&facts), [], "30.9 and 28.2 degrees");
        let text = capture("mediatek-like-unnamed-throttled/dumpsys_thermalservice.txt");
        facts.thermal = Ok(ThermalReport::read(&text));
        assert_eq!(
            obstacles(&facts),
            [
                Obstacle::TooHot { part: "skin", celsius: 44.637 },
                Obstacle::Throttled { status: ThermalStatus::Moderate }
            ]
        );
    }

    #[test]
    fn limited_clocks_are_told_although_the_status_is_none() {
        let text = capture("samsung-s24plus/heat_reading.txt");
        let policies = || text.lines().filter_map(|line| line.strip_prefix("cores=policy"));
        let column = |index: usize| -> String {
            policies()
                .map(|line| line.split(',').collect::<Vec<_>>())
                .map(|row| format!("cpu{} {}\n", row[0], row[index]))
                .collect()
        };
        let (allowed, highest) = (values_of_cores(&column(1)), values_of_cores(&column(2)));
        let mut facts = unknown();
        facts.clusters = clusters(&values_of_cores(""), &highest, &allowed);
        facts.thermal = Ok(ThermalReport::read(&text));
        let limited = Obstacle::ClocksLimited { limit_hz: 1_824_000_000, max_hz: 3_207_000_000 };
        assert_eq!(
            obstacles(&facts),
            [
                Obstacle::TooHot { part: "battery", celsius: 38.6 },
                Obstacle::TooHot { part: "skin", celsius: 40.0 },
                limited.clone()
            ]
        );
        assert_eq!(limited.seen(), "clocks are limited to 1.82 of 3.21 GHz");
        facts.clusters = clusters(&values_of_cores(""), &highest, &highest);
        assert!(!kinds(&facts).contains(&"clocks-limited"));
    }

    #[test]
    fn properties_and_the_kernel_can_stand_in_the_way() {
        let mut facts = unknown();
        let text =
            "ro.product.cpu.abilist=armeabi-v7a,armeabi\nro.hardware=ranchu\npower.battery_input.suspended=true\n";
        facts.properties = Properties::read(text);
        facts.seccomp = Ok(Seccomp::Filter);
        facts.battery = BatteryReport::read("  (UPDATES STOPPED -- use 'reset' to restart)\n  level: 3\n");
        let expected = ["not-arm64", "emulator", "battery-updates-stopped", "charging-suspended", "filtered-calls"];
        assert_eq!(kinds(&facts), expected, "the made-up level is not believed");
        facts.battery = BatteryReport::read("  level: 29\n  scale: 100\n");
        assert!(kinds(&facts).contains(&"low-battery"));
        let text = capture("google-pixel11pro-android17/device.txt");
        let mut pixel = unknown();
        pixel.properties = Properties::read(section(&text, "props"));
        pixel.seccomp = Ok(Seccomp::Off);
        assert_eq!(obstacles(&pixel), []);
    }

    #[test]
    fn every_obstacle_has_a_remedy_and_those_that_make_numbers_wrong_are_unfit() {
        let suspended = Obstacle::ChargingSuspended;
        assert_eq!(
            (suspended.severity(), suspended.remedy()),
            (Severity::Unfit, "adb shell setprop power.battery_input.suspended false")
        );
        assert_eq!(Obstacle::Emulator.severity(), Severity::Warning);
    }
}
