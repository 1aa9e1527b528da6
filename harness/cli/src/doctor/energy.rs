//! Meters, battery and charger.

use pocketwatt_meter::{
    BatterySupply, Supply,
    energy::{AbsentMeter, MeterInfo, Reason},
};

use super::{Check, Status, Subject, listed};

/// Name of the check that reports simulated meters.
pub const SIMULATION: &str = "simulation";

/// What can be read, what could be read after some action, and whether any of it is simulated.
pub fn checks(subject: &Subject) -> Vec<Check> {
    let mut checks = vec![meters(subject)];
    checks.extend(obstacles(subject.absent));
    if let Some(folder) = subject.root.sys() {
        checks.push(Check::new(
            SIMULATION,
            Status::Warning,
            format!(
                "/sys is read from {}: meters, processors and temperatures below are not this device's",
                folder.display()
            ),
        ));
    }
    checks
}

fn meters(subject: &Subject) -> Check {
    let described = |meter: &MeterInfo| format!("{} ({})", meter.id, meter.scope.name());
    let mut check = match subject.none {
        None if subject.meters.is_empty() => Check::new("energy meters", Status::Warning, "none"),
        None => Check::ok("energy meters", listed(&subject.meters.iter().map(described).collect::<Vec<_>>())),
        Some(none) => {
            let seen = format!("none: {}", none.hint);
            let check = Check::new("energy meters", Status::Warning, seen);
            match none.reason {
                Reason::VirtualMachine | Reason::NoMeter => {
                    check.fix("to measure energy, use a device with a meter; speed and memory are measured anyway")
                }
                _ => check,
            }
        }
    };
    check.details = subject
        .absent
        .iter()
        .filter(|absent| !is_obstacle(absent))
        .map(|absent| {
            let unavailable = &absent.unavailable;
            format!("{}: {} ({})", absent.id, unavailable.reason.words(), unavailable.hint)
        })
        .collect();
    check
}

/// A meter that exists, and that could be made readable.
fn is_obstacle(absent: &AbsentMeter) -> bool {
    !matches!(
        absent.unavailable.reason,
        Reason::NoMeter | Reason::VirtualMachine | Reason::Duplicate | Reason::NotChosen | Reason::NotSupported
    )
}

/// One check for all meters of an interface that have the same problem.
fn obstacles(absent: &[AbsentMeter]) -> Vec<Check> {
    let mut checks: Vec<(&AbsentMeter, Vec<&str>)> = Vec::new();
    for absent in absent.iter().filter(|absent| is_obstacle(absent)) {
        let same = checks
            .iter_mut()
            .find(|(first, _)| first.source == absent.source && first.unavailable.reason == absent.unavailable.reason);
        match same {
            Some((_, ids)) => ids.push(&absent.id),
            None => checks.push((absent, vec![&absent.id])),
        }
    }
    let check = |(first, ids): (&AbsentMeter, Vec<&str>)| {
        let unavailable = &first.unavailable;
        let seen = format!("{}: {}", listed(&ids), unavailable.reason.words());
        Check::new(format!("meter {}", first.source.name()), Status::Warning, seen).fix(unavailable.hint.clone())
    };
    checks.into_iter().map(check).collect()
}

/// A charger hides what a battery supplies, and a battery that is nearly empty slows the device down.
pub fn supply(supply: &Supply, absent: &[AbsentMeter]) -> Check {
    const NAME: &str = "battery and charger";
    const LOW_PERCENT: u8 = 15;
    if supply.batteries.is_empty() {
        return Check::ok(NAME, "no battery");
    }
    let mut words: Vec<String> = supply.batteries.iter().map(described).collect();
    if !supply.chargers.is_empty() {
        words.push(format!("charger {} is plugged in", listed(&supply.chargers)));
    }
    if !supply.giving.is_empty() {
        words.push(format!("something is fed through {}, which the battery's figures include", listed(&supply.giving)));
    }
    let seen = words.join(", ");
    let unusable = absent.iter().any(|absent| absent.unavailable.reason == Reason::ChargerConnected);
    if unusable || supply.charged {
        return Check::new(NAME, Status::Warning, seen)
            .fix("unplug the charger to measure with the battery's gauge; while it charges, it also heats the device");
    }
    if supply.batteries.iter().any(|battery| battery.percent.is_some_and(|percent| percent < LOW_PERCENT)) {
        return Check::new(NAME, Status::Warning, seen)
            .fix("charge it first: many devices slow down while their battery is low");
    }
    Check::ok(NAME, seen)
}

fn described(battery: &BatterySupply) -> String {
    let percent = battery.percent.map_or(String::new(), |percent| format!(" at {percent} %"));
    let status = battery.status.as_deref().unwrap_or("in an unknown state").to_lowercase();
    format!("{}{percent}, {status}", battery.name)
}

#[cfg(test)]
mod tests {
    use pocketwatt_meter::energy::{MeterSource, Scope, Unavailable};

    use super::*;

    fn absent(id: &str, reason: Reason) -> AbsentMeter {
        let unavailable = Unavailable::new(reason, "sudo chmod -R a+r /sys/class/powercap");
        AbsentMeter { source: MeterSource::Powercap, id: id.into(), scope: Some(Scope::Package), unavailable }
    }

    #[test]
    fn meters_with_the_same_trouble_are_one_check() {
        let checks = obstacles(&[
            absent("powercap:package-0", Reason::NotPermitted),
            absent("powercap:core", Reason::NotPermitted),
            absent("powercap:dram", Reason::Unreadable),
            absent("powercap", Reason::NoMeter),
        ]);
        let seen: Vec<&str> = checks.iter().map(|check| check.seen.as_str()).collect();
        assert_eq!(seen, ["powercap:package-0 and powercap:core: not permitted", "powercap:dram: meter unreadable"]);
        assert!(checks.iter().all(|check| check.status == Status::Warning && check.fix.is_some()));
    }

    #[test]
    fn a_charger_and_a_low_battery_are_warned_of() {
        let with = |status: &str, percent: u8, chargers: &[&str]| {
            let charged = status != "Discharging" || !chargers.is_empty();
            let battery = BatterySupply { name: "BAT0".into(), status: Some(status.into()), percent: Some(percent) };
            let chargers = chargers.iter().map(|name| (*name).to_owned()).collect();
            supply(&Supply { batteries: vec![battery], chargers, giving: vec!["usb".into()], charged }, &[])
        };
        assert_eq!(with("Discharging", 80, &[]).status, Status::Ok);
        assert_eq!(with("Discharging", 9, &[]).status, Status::Warning);
        let charging = with("Charging", 80, &["AC"]);
        assert_eq!(
            (charging.status, charging.seen.as_str()),
            (
                Status::Warning,
                "BAT0 at 80 %, charging, charger AC is plugged in, something is fed through usb, which the battery's figures include"
            )
        );
        assert_eq!(supply(&Supply::default(), &[]).status, Status::Ok);
    }
}
