//! Several batteries, units that a second fact decides, and batteries behind two nodes.

use pocketwatt_protocol::MonotonicNs;

use super::{BATTERY, ids, reasons};
use crate::energy::{
    Basis, Measurand, MeterSeries, Observation, RawReading, Reason,
    battery::{battery_capacity, discover, settle_units},
    fixture::Tree,
};

fn tree(lines: &[&str]) -> Tree {
    Tree::parse(&lines.iter().map(|line| format!("{BATTERY}/{line}\n")).collect::<String>())
}

const TWO: [&str; 8] = [
    "AC/type = Mains",
    "AC/online = 0",
    "BAT0/type = Battery",
    "BAT0/status = Not charging",
    "BAT0/voltage_now = 12400000",
    "BAT1/type = Battery",
    "BAT1/status = Discharging",
    "BAT1/voltage_now = 11600000",
];

fn two(lines: &[&str]) -> Tree {
    tree(&[&TWO[..], lines].concat())
}

#[test]
fn an_empty_bay_is_no_meter_and_no_trouble() {
    let lines = [
        "BAT0/type = Battery",
        "BAT0/status = Discharging",
        "BAT0/energy_now = 48000000",
        "BAT0/energy_full = 60000000",
    ];
    let tree = tree(&[&lines[..], &["BAT1/type = Battery", "BAT1/present = 0"]].concat());
    let found = discover(&tree.root());
    assert_eq!(
        (ids(&found), reasons(&found)),
        (vec!["battery:BAT0/energy_now"], vec![("battery:BAT1", Reason::NoMeter)])
    );
    let capacity = battery_capacity(&tree.root()).unwrap();
    assert!((capacity.joules - 60.0 * 3600.0).abs() < 1e-6 && capacity.name == "BAT0", "{capacity:?}");
}

#[test]
fn a_battery_can_leave_its_bay_and_leave_its_files() {
    let tree = two(&["BAT0/power_now = 0", "BAT1/power_now = 9000000", "BAT1/present = 1"]);
    let mut found = discover(&tree.root());
    tree.set(&format!("{BATTERY}/BAT1/present"), "0");
    let ends: Vec<Option<Reason>> =
        found.meters.iter_mut().map(|meter| meter.read().err().map(|end| end.reason)).collect();
    assert_eq!(ends, [None, Some(Reason::Vanished)]);
}

/// Read as milliamperes, the 12 mW of a waiting battery would be 12 W.
#[test]
fn the_small_current_of_a_waiting_battery_is_no_milliampere() {
    let tree = two(&["BAT0/current_now = 1000", "BAT1/current_now = 1200000"]);
    let found = discover(&tree.root());
    assert_eq!(ids(&found), ["battery:BAT0/current_now", "battery:BAT1/current_now"]);
    for meter in &found.meters {
        assert_eq!(
            (meter.info().measurand, meter.info().unit_basis),
            (Measurand::Current { amperes_per_unit: 1e-6 }, Basis::Documented)
        );
    }
    // Beside a battery that reports its power there is no other current; two batteries that report mA both do.
    let alone = discover(&two(&["BAT0/current_now = 1000", "BAT1/power_now = 9000000"]).root());
    assert_eq!(alone.meters[0].info().unit_basis, Basis::Documented);
    let milli = discover(&two(&["BAT0/current_now = 2", "BAT1/current_now = 1200"]).root());
    assert!(milli.meters.iter().all(|meter| meter.info().unit_basis == Basis::Guessed), "{milli:?}");
}

#[test]
fn the_noise_of_a_waiting_battery_is_nothing_and_no_charger() {
    let tree = two(&["BAT0/current_now = 800", "BAT1/current_now = 1200000"]);
    let mut found = discover(&tree.root());
    tree.set(&format!("{BATTERY}/BAT0/current_now"), "-900");
    assert_eq!(found.meters[0].read().unwrap().value, 0);
    tree.set(&format!("{BATTERY}/BAT0/current_now"), "-900000");
    assert_eq!(found.meters[0].read().unwrap_err().reason, Reason::ChargerConnected);
}

#[test]
fn what_one_of_two_batteries_tells_is_not_the_devices() {
    let energy =
        ["BAT0/energy_now = 20000000", "BAT0/energy_full = 24000000", "BAT0/power_now = 0", "BAT1/power_now = 9000000"];
    // BAT0 waits, and BAT1, which is in use, does not report its energy.
    let found = discover(&two(&energy).root());
    assert_eq!(ids(&found), ["battery:BAT0/power_now", "battery:BAT1/power_now"]);
    assert_eq!(reasons(&found), [("battery:BAT0/energy_now", Reason::NotCovered)]);
    // The other way round, the energy of BAT1 is all of it until BAT0 takes over.
    let silent = two(&["BAT1/energy_now = 20000000", "BAT1/energy_full = 24000000"]);
    let mut found = discover(&silent.root());
    assert_eq!(ids(&found), ["battery:BAT1/energy_now"]);
    assert!(found.meters[0].read().is_ok());
    silent.set(&format!("{BATTERY}/BAT0/status"), "Discharging");
    assert_eq!(found.meters[0].read().unwrap_err().reason, Reason::NotCovered);
}

#[test]
fn of_several_batteries_each_is_read_once_in_each_way() {
    let mixed = two(&[
        "BAT0/energy_now = 20000000",
        "BAT0/energy_full = 24000000",
        "BAT0/charge_now = 1600000",
        "BAT1/charge_now = 3500000",
        "BAT0/power_now = 0",
        "BAT1/current_now = 1200000",
    ]);
    let found = discover(&mixed.root());
    assert_eq!(
        ids(&found),
        ["battery:BAT0/energy_now", "battery:BAT0/power_now", "battery:BAT1/charge_now", "battery:BAT1/current_now"]
    );
    assert_eq!(reasons(&found), [("battery:BAT0/charge_now", Reason::Duplicate)]);
}

#[test]
fn three_batteries_are_three() {
    let third = [
        "BAT2/type = Battery",
        "BAT2/status = Full",
        "BAT2/power_now = 0",
        "BAT0/power_now = 0",
        "BAT1/power_now = 9000000",
    ];
    assert_eq!(ids(&discover(&two(&third).root())).len(), 3);
}

#[test]
fn a_charge_in_thousandths_is_recognised_and_remains_a_guess() {
    let phone = [
        "battery/type = Battery",
        "battery/status = Discharging",
        "battery/capacity = 98",
        "battery/charge_counter = 6978",
        "battery/charge_full = 7100",
        "battery/charge_full_design = 7100",
        "battery/current_now = -900",
        "battery/voltage_now = 4180000",
    ];
    let found = discover(&tree(&phone).root());
    let units: Vec<(Measurand, Basis)> =
        found.meters.iter().map(|meter| (meter.info().measurand, meter.info().unit_basis)).collect();
    assert_eq!(
        units,
        [
            (Measurand::RemainingCharge { coulombs_per_unit: 3.6 }, Basis::Guessed),
            (Measurand::Current { amperes_per_unit: 1e-3 }, Basis::Guessed)
        ]
    );
    let capacity = battery_capacity(&tree(&phone).root()).unwrap();
    assert!((capacity.joules - 7.1 * 3600.0 * 4.18).abs() < 1e-6, "{capacity:?}");
    assert!(capacity.basis.ends_with("taken for milli-units"), "{capacity:?}");
    let millivolts = tree(&[&phone[..7], &["battery/voltage_now = 4180"]].concat());
    let found = discover(&millivolts.root());
    assert!(
        found.meters.is_empty() && found.absent[0].unavailable.hint.contains("voltage_now holds 4180 uV"),
        "{found:?}"
    );
}

/// 900 mA for two minutes, in steps of 1 mAh.
#[test]
fn two_guesses_prove_nothing_of_each_other_and_a_known_current_proves_the_charge() {
    let phone = discover(
        &tree(&[
            "battery/type = Battery",
            "battery/status = Discharging",
            "battery/capacity = 98",
            "battery/charge_counter = 6978",
            "battery/current_now = 900",
            "battery/voltage_now = 4180000",
        ])
        .root(),
    );
    let watched = |raw: i64| {
        let mut seen: Vec<Observation> = phone
            .meters
            .iter()
            .map(|meter| Observation {
                series: MeterSeries::new(meter.info().clone()),
                update_period: None,
                changes: 30,
                smallest_step: None,
                watched_ns: 120_000_000_000,
            })
            .collect();
        for second in 0..120_u64 {
            let at = MonotonicNs(second * 1_000_000_000);
            let charge = 6978 - (0.25 * second as f64) as i64;
            seen[0].series.push(at, RawReading { value: charge, microvolts: Some(4_180_000) });
            seen[1].series.push(at, RawReading { value: raw, microvolts: Some(4_180_000) });
        }
        settle_units(&mut seen);
        [0, 1].map(|index: usize| (seen[index].series.meter.measurand, seen[index].series.meter.unit_basis))
    };
    let charge = Measurand::RemainingCharge { coulombs_per_unit: 3.6 };
    let current = |amperes_per_unit| Measurand::Current { amperes_per_unit };
    assert_eq!(watched(900), [(charge, Basis::Guessed), (current(1e-3), Basis::Guessed)]);
    assert_eq!(watched(900_000), [(charge, Basis::Observed), (current(1e-6), Basis::Documented)]);
}

#[test]
fn one_battery_behind_two_nodes_is_counted_once() {
    let node = |name: &str, more: &str| {
        [
            format!("{name}/type = Battery"),
            format!("{name}/status = Discharging"),
            format!("{name}/voltage_now = 4012000"),
            more.replace("NODE", name),
        ]
        .map(|line| format!("{BATTERY}/{line}\n"))
        .concat()
    };
    let charge = "NODE/charge_now = 3270456";
    let same = |serials: [&str; 2]| {
        let text = node("battery", charge) + &node("bms", &charge.replace("charge_now", "charge_counter"));
        let tree = Tree::parse(&text);
        for (name, serial) in ["battery", "bms"].into_iter().zip(serials) {
            tree.set(&format!("{BATTERY}/{name}/serial_number"), serial);
        }
        tree
    };
    let by_serial = discover(&same(["A1B2", "A1B2"]).root());
    assert_eq!(ids(&by_serial), ["battery:battery/charge_now"]);
    assert_eq!(reasons(&by_serial), [("battery:bms", Reason::Duplicate)]);
    assert!(by_serial.absent[0].unavailable.hint.contains("the same charge and voltage_now"), "{by_serial:?}");
    assert_eq!(ids(&discover(&same(["A1B2", "A1B3"]).root())).len(), 2);
    // Nothing decides it: agreement at one moment is no evidence, so neither is used.
    let undecided = discover(&same(["0000", "0000"]).root());
    assert_eq!(reasons(&undecided), [("battery:battery", Reason::Unreadable), ("battery:bms", Reason::Unreadable)]);
    assert_eq!(battery_capacity(&same(["", ""]).root()), None);
}

#[test]
fn nodes_that_change_together_are_one_and_those_that_part_are_two() {
    let lines = |name: &str| {
        ["type = Battery", "status = Discharging", "voltage_now = 4012000", "charge_now = 3270456"]
            .map(|line| format!("{BATTERY}/{name}/{line}\n"))
            .concat()
    };
    let change = |tree: &Tree, both: bool| {
        for step in 1..40 {
            std::thread::sleep(std::time::Duration::from_millis(60));
            for name in if both { &["one", "two"][..] } else { &["one"] } {
                tree.set(&format!("{BATTERY}/{name}/charge_now"), &(3_270_456 - 100 * step).to_string());
            }
        }
    };
    for (together, count) in [(true, 1), (false, 2)] {
        let tree = Tree::parse(&(lines("one") + &lines("two")));
        let found = std::thread::scope(|scope| {
            scope.spawn(|| change(&tree, together));
            discover(&tree.root())
        });
        assert_eq!(ids(&found).len(), count, "{found:?}");
    }
}

#[test]
fn a_battery_that_is_full_and_unplugged_is_a_meter() {
    let lines =
        ["AC/type = Mains", "AC/online = 0", "BAT0/type = Battery", "BAT0/status = Full", "BAT0/energy_now = 59500000"];
    assert_eq!(ids(&discover(&tree(&lines).root())), ["battery:BAT0/energy_now"]);
    let found = discover(&tree(&lines[2..]).root());
    assert_eq!(reasons(&found), [("battery:BAT0/energy_now", Reason::ChargerConnected)]);
}

/// A driver may open and then answer with an error (EIO here): the error is named, and the charge gives the energy.
#[test]
fn a_current_that_cannot_be_read_is_named_and_the_charge_is_read() {
    let lines = [
        "BAT0/type = Battery",
        "BAT0/status = Discharging",
        "BAT0/charge_now = 2900000",
        "BAT0/charge_full = 4245000",
        "BAT0/voltage_now = 11140000",
        "BAT0/current_now -> /proc/self/mem",
    ];
    let found = discover(&tree(&lines).root());
    assert_eq!(ids(&found), ["battery:BAT0/charge_now"]);
    assert_eq!(reasons(&found), [("battery:BAT0/current_now", Reason::Unreadable)]);
    let hint = &found.absent[0].unavailable.hint;
    assert!(hint.contains("current_now") && hint.contains("(EIO)"), "{hint}");
}

#[test]
fn an_uninterruptible_supply_has_a_line_and_is_no_meter() {
    let found = discover(&tree(&["ups/type = UPS", "ups/online = 0", "ups/energy_now = 90000000"]).root());
    assert!(found.meters.is_empty());
    assert_eq!(reasons(&found), [("battery:ups", Reason::NotSupported), ("battery", Reason::NoMeter)]);
}
