//! What could measure a phone's energy, and why the rest cannot.

use pocketwatt_meter::{
    SystemRoot,
    energy::{AbsentMeter, Basis, Discovery, Measurand, Reason, Unavailable, discover_batteries},
};

use crate::printed::{BatteryReport, ChargeCounter, PowerSupply, RailsReport, unplugged_tree};

/// The meters of a phone, in the order in which they are to be preferred.
#[derive(Clone, Debug)]
pub struct Metering {
    /// Supply rails, which show what the cores use even while the phone is fed.
    pub rails: Result<RailsReport, Unavailable>,
    /// Files of the kernel about the battery.
    pub supplies: Result<SupplyMeters, Unavailable>,
    /// The battery service's charge counter.
    pub gauge: Result<ChargeCounter, Unavailable>,
}

/// What the files of the kernel could measure once nothing feeds the phone.
#[derive(Clone, Debug, Default)]
pub struct SupplyMeters {
    /// Each id, `battery:battery/charge_counter`, and what its values mean. That is absent for a current whose unit can only be
    /// seen while the battery feeds the phone: a Pixel 3a at a USB port showed 976, in microamperes.
    pub meters: Vec<(String, Option<Measurand>)>,
    /// What cannot be read.
    pub absent: Vec<AbsentMeter>,
}

impl Metering {
    /// From what the phone printed.
    pub fn new(
        rails: Result<RailsReport, Unavailable>,
        supplies: Result<&[PowerSupply], Unavailable>,
        battery: &BatteryReport,
    ) -> Self {
        Self { rails, supplies: supplies.and_then(SupplyMeters::of), gauge: battery.charge.clone() }
    }

    /// Whether there is any meter.
    pub fn is_possible(&self) -> bool {
        let has_cores = self.rails.as_ref().is_ok_and(|rails| rails.of_cores().next().is_some());
        has_cores || self.supplies.as_ref().is_ok_and(|supplies| !supplies.meters.is_empty()) || self.gauge.is_ok()
    }
}

impl SupplyMeters {
    fn of(supplies: &[PowerSupply]) -> Result<Self, Unavailable> {
        if supplies.iter().any(|supply| supply.is_denied) && supplies.iter().all(|supply| supply.attributes.is_empty())
        {
            let hint = "the phone's shell may not read /sys/class/power_supply; its maker decides that";
            return Err(Unavailable::new(Reason::NotPermitted, hint));
        }
        let here = |error| Unavailable::new(Reason::Unreadable, format!("its files cannot be copied here: {error}"));
        let tree = unplugged_tree(supplies).map_err(here)?;
        let Discovery { meters, mut absent } = discover_batteries(&SystemRoot::at(tree.path()));
        // The copy is nobody's business; the files are the phone's.
        let copy = tree.path().display().to_string();
        for meter in &mut absent {
            meter.unavailable.hint = meter.unavailable.hint.replace(&copy, "");
        }
        let meaning = |measurand: Measurand, basis: Basis| {
            let is_guess = matches!(measurand, Measurand::Current { .. }) && basis == Basis::Guessed;
            (!is_guess).then_some(measurand)
        };
        let meters = meters.iter().map(|meter| {
            let info = meter.info();
            (info.id.clone(), meaning(info.measurand, info.unit_basis))
        });
        Ok(Self { meters: meters.collect(), absent })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Unread,
        fixture::{capture, section},
        printed::power_supplies,
    };

    fn of(uevent: &str) -> Result<SupplyMeters, Unavailable> {
        SupplyMeters::of(&power_supplies(&format!("SUPPLY=battery\nPOWER_SUPPLY_TYPE=Battery\n{uevent}")))
    }

    const MICROAMPERE_HOURS: Option<Measurand> = Some(Measurand::RemainingCharge { coulombs_per_unit: 3.6e-3 });
    const MICROAMPERES: Option<Measurand> = Some(Measurand::Current { amperes_per_unit: 1e-6 });

    #[test]
    fn a_xiaomi_has_a_counter_and_a_current() {
        let xiaomi = of(&capture("xiaomi-mi8-miui10/battery_uevent.txt")).unwrap();
        assert_eq!(
            xiaomi.meters,
            [
                ("battery:battery/charge_counter".to_owned(), MICROAMPERE_HOURS),
                ("battery:battery/current_now".to_owned(), MICROAMPERES)
            ]
        );
        assert!(xiaomi.absent.is_empty());
    }

    #[test]
    fn a_current_that_was_seen_at_a_charger_does_not_tell_its_unit() {
        let pixel = of(&capture("google-pixel3a-android9/battery_uevent_on_usb_not_charging.txt")).unwrap();
        assert_eq!(pixel.meters, [("battery:battery/current_now".to_owned(), None)]);
        let text = capture("google-pixel11pro-android17/power.txt");
        let (current, voltage) = section(&text, "sysfs").trim().split_once('\n').unwrap();
        let pixel = of(&format!("CURRENT_NOW={current}\nVOLTAGE_NOW={voltage}\nCAPACITY=100\n")).unwrap();
        assert_eq!(pixel.meters, [("battery:battery/current_now".to_owned(), None)], "-11718 on AC");
    }

    #[test]
    fn error_codes_in_place_of_values_are_absent() {
        let motorola = of(&capture("motorola-msm8226-android5/battery_uevent_full.txt")).unwrap();
        assert_eq!(motorola.meters, [("battery:battery/current_now".to_owned(), None)]);
        let counter = &motorola.absent[0];
        assert_eq!((&*counter.id, counter.unavailable.reason), ("battery:battery/charge_counter", Reason::Unreadable));
        assert!(counter.unavailable.hint.contains("-562"), "{counter:?}");
    }

    #[test]
    fn a_maker_may_keep_all_of_it_from_the_shell() {
        // As the S23 answers to each file.
        let lines = capture("samsung-s23-SM-S9110-android16/device.txt");
        let denied: String = section(&lines, "battery").lines().filter(|line| line.contains("denied")).collect();
        let refused = SupplyMeters::of(&power_supplies(&format!("SUPPLY=battery\n{denied}\nSUPPLY=usb\n{denied}\n")));
        assert_eq!(refused.unwrap_err().reason, Reason::NotPermitted);
        let none = SupplyMeters::of(&[]).unwrap();
        assert_eq!((none.meters.len(), none.absent[0].unavailable.reason), (0, Reason::NoMeter));
        assert_eq!(none.absent[0].unavailable.hint, "there is no battery below /sys/class/power_supply");
    }

    #[test]
    fn one_meter_is_enough() {
        let nothing = || Unavailable::new(Reason::NoMeter, "");
        let with = |battery: &BatteryReport| Metering::new(Err(nothing()), Err(nothing()), battery).is_possible();
        assert!(with(&BatteryReport::read(&capture("samsung-s23-SM-S911B/dumpsys_battery.txt"))));
        assert!(!with(&BatteryReport::without_values(false, &Unread::Missing)));
    }
}
