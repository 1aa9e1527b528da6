use super::*;
use crate::energy::{Basis, Measurand, RawReading, fixture::Tree, powercap};

#[derive(Debug)]
struct Still(MeterInfo);

impl EnergyMeter for Still {
    fn info(&self) -> &MeterInfo {
        &self.0
    }

    fn read(&mut self) -> Result<RawReading, Unavailable> {
        Ok(RawReading::new(1))
    }
}

fn meter(source: MeterSource, scope: Scope, part: &str) -> Box<dyn EnergyMeter> {
    gauge(source, scope, part, Measurand::EnergyCounter { joules_per_unit: 1e-6, modulus: None })
}

fn gauge(source: MeterSource, scope: Scope, part: &str, measurand: Measurand) -> Box<dyn EnergyMeter> {
    Box::new(Still(MeterInfo {
        id: format!("{}:{part}", source.name()),
        source,
        scope,
        part: part.into(),
        path: "a test".into(),
        measurand,
        unit_basis: Basis::Documented,
        resolution: 1,
        update_period: None,
        gain_error: None,
        power_limit_watts: None,
    }))
}

/// Two packages behind powercap and perf, a battery, and a counter that only root may read.
fn device() -> Discovery {
    let denied = Unavailable::new(Reason::NotPermitted, "sudo chmod a+r it");
    Discovery {
        meters: vec![
            meter(MeterSource::Battery, Scope::Device, "BAT0/energy_now"),
            meter(MeterSource::Perf, Scope::Package, "package-0"),
            meter(MeterSource::Perf, Scope::Package, "package-1"),
            meter(MeterSource::Perf, Scope::Dram, "package-0/dram"),
            meter(MeterSource::Powercap, Scope::Core, "package-0/core"),
            meter(MeterSource::Powercap, Scope::Package, "package-1"),
            meter(MeterSource::Powercap, Scope::Package, "package-0"),
        ],
        absent: vec![AbsentMeter {
            source: MeterSource::Hwmon,
            id: "hwmon:amd_energy/Esocket0".into(),
            scope: Some(Scope::Package),
            unavailable: denied,
        }],
    }
}

fn ids(choice: &Choice) -> Vec<&str> {
    choice.meters.iter().map(|meter| meter.info().id.as_str()).collect()
}

fn reasons(choice: &Choice) -> Vec<(&str, Reason)> {
    choice.absent.iter().map(|absent| (absent.id.as_str(), absent.unavailable.reason)).collect()
}

fn chosen(wanted: &[&str]) -> Result<Choice, ChoiceError> {
    choose(device(), &wanted.iter().map(ToString::to_string).collect::<Vec<_>>())
}

#[test]
fn every_part_is_read_once_and_the_package_comes_first() {
    let choice = chosen(&[]).unwrap();
    assert_eq!(
        ids(&choice),
        [
            "powercap:package-0",
            "powercap:package-1",
            "battery:BAT0/energy_now",
            "perf:package-0/dram",
            "powercap:package-0/core"
        ]
    );
    assert_eq!(
        reasons(&choice),
        [
            ("hwmon:amd_energy/Esocket0", Reason::NotPermitted),
            ("perf:package-0", Reason::Duplicate),
            ("perf:package-1", Reason::Duplicate)
        ]
    );
    assert_eq!(choice.absent[1].unavailable.hint, "powercap:package-0 reads the same counters");
}

/// One zone of powercap may be denied; the other interface then reads more than powercap does.
#[test]
fn the_interface_that_reads_most_packages_is_kept() {
    let found = Discovery {
        meters: vec![
            meter(MeterSource::Powercap, Scope::Package, "package-0"),
            meter(MeterSource::Perf, Scope::Package, "package-0"),
            meter(MeterSource::Perf, Scope::Package, "package-1"),
            meter(MeterSource::Hwmon, Scope::Package, "amdgpu/PPT"),
        ],
        absent: Vec::new(),
    };
    let choice = choose(found, &[]).unwrap();
    assert_eq!(ids(&choice), ["perf:package-0", "perf:package-1"]);
    assert_eq!(reasons(&choice), [("powercap:package-0", Reason::Duplicate), ("hwmon:amdgpu/PPT", Reason::Duplicate)]);
    assert_eq!(choice.absent[1].unavailable.hint, "perf:package-0 covers the same part, and is read");
    // A die that was recognised as the same counter is covered; without that it would count twice.
    let mut found = device();
    found.meters.retain(|meter| meter.info().id != "powercap:package-1");
    found.absent.push(AbsentMeter {
        source: MeterSource::Powercap,
        id: "powercap:package-1".into(),
        scope: Some(Scope::Package),
        unavailable: Unavailable::new(Reason::Duplicate, "one counter, shown twice"),
    });
    assert_eq!(ids(&choose(found, &[]).unwrap())[0], "powercap:package-0");
}

#[test]
fn two_witnesses_of_the_whole_device_both_stay() {
    let power = Measurand::Power { watts_per_unit: 1e-6 };
    let found = Discovery {
        meters: vec![
            gauge(MeterSource::Battery, Scope::Device, "BAT0/power_now", power),
            meter(MeterSource::Battery, Scope::Device, "BAT0/energy_now"),
            gauge(MeterSource::Hwmon, Scope::Device, "power_meter/power1", power),
            meter(MeterSource::Hwmon, Scope::Rail, "a"),
            meter(MeterSource::PixelRails, Scope::Rail, "b"),
        ],
        absent: Vec::new(),
    };
    let choice = choose(found, &[]).unwrap();
    assert_eq!(
        ids(&choice),
        ["hwmon:power_meter/power1", "battery:BAT0/energy_now", "battery:BAT0/power_now", "hwmon:a", "pixel-rails:b"],
        "of one interface, what counts energy comes before what tells power"
    );
    assert!(choice.absent.is_empty());
}

#[test]
fn what_is_asked_for_is_read_alone_and_in_that_order() {
    let choice = chosen(&["battery", "perf:package-1", "battery:BAT0/energy_now"]).unwrap();
    assert_eq!(ids(&choice), ["battery:BAT0/energy_now", "perf:package-1"]);
    assert!(choice.absent.iter().skip(1).all(|absent| absent.unavailable.reason == Reason::NotChosen));
    assert_eq!(choice.absent.len(), 6);
    assert_eq!(ids(&chosen(&["perf"]).unwrap()), ["perf:package-0", "perf:package-1", "perf:package-0/dram"]);
    // A user who asks for both interfaces gets both.
    assert_eq!(ids(&chosen(&["powercap:package-0", "perf:package-0"]).unwrap()).len(), 2);
}

#[test]
fn what_cannot_be_read_is_refused_with_its_reason() {
    for id in ["hwmon", "hwmon:amd_energy/Esocket0"] {
        let refused = chosen(&[id]).unwrap_err();
        assert_eq!(refused.to_string(), format!("meter {id:?} cannot be used: not permitted: sudo chmod a+r it"));
    }
}

#[test]
fn one_of_two_batteries_is_not_the_device() {
    let battery = |part: &str, file: &str, measurand| {
        let mut info = gauge(MeterSource::Battery, Scope::Device, part, measurand).info().clone();
        info.id = format!("battery:{part}/{file}");
        Box::new(Still(info)) as Box<dyn EnergyMeter>
    };
    let choose_of_two = |wanted: &[&str]| {
        let energy = Measurand::RemainingEnergy { joules_per_unit: 3.6e-3 };
        let power = Measurand::Power { watts_per_unit: 1e-6 };
        let meters = ["BAT0", "BAT1"]
            .into_iter()
            .flat_map(|part| [battery(part, "energy_now", energy), battery(part, "power_now", power)])
            .collect();
        let wanted: Vec<String> = wanted.iter().map(ToString::to_string).collect();
        choose(Discovery { meters, absent: Vec::new() }, &wanted).map(|choice| choice.meters.len())
    };
    let refused = choose_of_two(&["battery:BAT1/energy_now"]).unwrap_err().to_string();
    assert_eq!(
        refused,
        "meter \"battery:BAT1/energy_now\" cannot be used: one of several batteries: it does not cover all that the device \
         uses; ask for battery:BAT0/energy_now, too"
    );
    assert!(choose_of_two(&["battery:BAT0/energy_now", "battery:BAT1/power_now"]).is_err());
    assert_eq!(choose_of_two(&["battery:BAT1/power_now", "battery:BAT0/power_now"]), Ok(2));
    assert_eq!(choose_of_two(&["battery"]), Ok(4));
}

#[test]
fn what_nobody_knows_is_refused_with_what_is_known() {
    let refused = chosen(&["powercap", "powercap:package-2"]).unwrap_err().to_string();
    assert!(refused.starts_with("there is no meter \"powercap:package-2\"; known: powercap:package-0, "), "{refused}");
    assert!(refused.contains("battery:BAT0/energy_now") && refused.ends_with("`pocketwatt meters` lists them"));
    let nothing = choose(Discovery::default(), &["x".into()]).unwrap_err().to_string();
    assert!(nothing.contains("known: none"), "{nothing}");
    assert!(chosen(&[""]).is_err());
}

#[test]
fn both_packages_of_a_server_are_chosen() {
    let choice = choose(powercap::discover(&Tree::named("intel-server").root()), &[]).unwrap();
    assert_eq!(
        ids(&choice),
        [
            "powercap:package-0",
            "powercap:package-1",
            "powercap:psys-1",
            "powercap:package-0/dram",
            "powercap:package-1/dram"
        ]
    );
}
