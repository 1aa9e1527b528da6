use super::*;
use crate::energy::fixture::Tree;

fn found(name: &str) -> (Tree, Discovery) {
    let tree = Tree::named(name);
    let found = discover(&tree.root());
    (tree, found)
}

fn ids(found: &Discovery) -> Vec<&str> {
    found.meters.iter().map(|meter| meter.info().id.as_str()).collect()
}

#[test]
fn a_power_meter_covers_the_device_and_says_how_good_it_is() {
    let (_tree, mut found) = found("hwmon-acpi-power-meter");
    assert_eq!(ids(&found), ["hwmon:power_meter/power1"]);
    let info = found.meters[0].info();
    assert_eq!((info.scope, info.part.as_str()), (Scope::Device, "power_meter/power1"));
    assert!((info.gain_error.unwrap() - 0.05).abs() < 1e-12, "{info:?}");
    assert_eq!(info.update_period, Some(UpdatePeriod { ns: 1_000_000_000, basis: Basis::Declared }));
    assert_eq!(info.measurand, Measurand::Power { watts_per_unit: 1e-6 });
    assert_eq!(found.meters[0].read(), Ok(RawReading::new(231_000_000)));
}

#[test]
fn older_drivers_put_their_files_into_the_device() {
    let tree = Tree::parse(
        "sys/devices/ACPI000D:00/name = power_meter\nsys/devices/ACPI000D:00/power1_average = 12000000\n\
         sys/devices/ACPI000D:00/hwmon/hwmon0/device -> ../../../ACPI000D:00\n\
         sys/class/hwmon/hwmon0 -> ../../devices/ACPI000D:00/hwmon/hwmon0\n",
    );
    let found = discover(&tree.root());
    assert_eq!(ids(&found), ["hwmon:power_meter/power1"]);
    assert_eq!(found.meters[0].info().scope, Scope::Device);
}

#[test]
fn a_battery_is_not_counted_twice() {
    let (_tree, laptop) = found("laptop");
    assert!(laptop.meters.is_empty());
    assert_eq!(laptop.absent[0].unavailable.reason, Reason::Duplicate);
    assert!(laptop.absent[0].unavailable.hint.contains("battery BAT0"), "{:?}", laptop.absent);
    // Without a link, the name decides.
    let named = Tree::parse(
        "sys/class/power_supply/ucsi-source-psy/type = USB\nsys/class/hwmon/hwmon0/name = ucsi_source_psy\n\
         sys/class/hwmon/hwmon0/power1_input = 5\n",
    );
    assert_eq!(discover(&named.root()).absent[0].unavailable.reason, Reason::Duplicate);
}

#[test]
fn sockets_are_packages_and_unknown_places_stand_alone() {
    let (_tree, amd) = found("hwmon-amd-energy");
    let scopes: Vec<(&str, Scope)> =
        amd.meters.iter().map(|meter| (meter.info().part.as_str(), meter.info().scope)).collect();
    assert_eq!(
        scopes,
        [
            ("amd_energy/Ecore000", Scope::Core),
            ("amd_energy/Ecore001", Scope::Core),
            ("amd_energy/Esocket0", Scope::Package)
        ]
    );
    let (_tree, board) = found("hwmon-board");
    assert_eq!(
        ids(&board),
        ["hwmon:ina226/power1", "hwmon:ina226/power1@1-0041", "hwmon:amdgpu/power1"],
        "two chips of one name keep apart by where they sit"
    );
    let scopes: Vec<Scope> = board.meters.iter().map(|meter| meter.info().scope).collect();
    assert_eq!(scopes, [Scope::Rail, Scope::Rail, Scope::Accelerator]);
    assert_eq!(board.absent[0].unavailable.reason, Reason::Unreadable, "{:?}", board.absent);
}

fn places(found: &Discovery) -> Vec<(&str, Scope, &str)> {
    let infos = found.meters.iter().map(|meter| meter.info());
    infos.map(|info| (&*info.id, info.scope, &*info.part)).collect()
}

#[test]
fn a_chip_is_part_of_its_card() {
    let node = "sys/class/hwmon/hwmon7";
    let card = |label: &str| {
        format!(
            "{node}/name = xe\n{node}/energy1_label = {label}\n{node}/energy1_input = 5000\n\
             {node}/energy2_label = pkg\n{node}/energy2_input = 3000\n"
        )
    };
    let found = discover(&Tree::parse(&card("card")).root());
    let chip = ("hwmon:xe/energy2", Scope::Rail, "xe/pkg");
    assert_eq!(places(&found), [("hwmon:xe/energy1", Scope::Accelerator, "xe/card"), chip]);
    // Two sensors that do not say which one contains the other stand side by side; a chip's sensor does not cover the card.
    let found = discover(&Tree::parse(&card("")).root());
    assert_eq!(places(&found), [("hwmon:xe/energy1", Scope::Rail, "xe/energy1"), chip]);
    let tree = Tree::parse(&card("card"));
    tree.set(&format!("{node}/energy1_input"), "");
    assert_eq!(places(&discover(&tree.root())), [chip]);
}

#[test]
fn two_cards_are_two_parts() {
    let card = |number: u32| {
        let node = format!("sys/class/hwmon/hwmon{number}");
        format!(
            "{node}/name = xe\n{node}/energy1_label = card\n{node}/energy1_input = {number}\n\
             {node}/device -> ../../../0000:0{number}:00.0\n"
        )
    };
    let found = discover(&Tree::parse(&(card(3) + &card(4))).root());
    assert_eq!(
        places(&found),
        [
            ("hwmon:xe/energy1", Scope::Accelerator, "xe/card"),
            ("hwmon:xe/energy1@0000:04:00.0", Scope::Accelerator, "xe/card@0000:04:00.0/energy1")
        ]
    );
}

#[test]
fn the_graphics_unit_of_a_processor_is_no_card() {
    let node = "sys/class/hwmon/hwmon5";
    let amdgpu = |second: &str| {
        let text = format!(
            "{node}/name = amdgpu\n{node}/power1_label = PPT\n{node}/power1_average = 24800000\n\
             {node}/in0_label = vddgfx\n{node}/in1_label = {second}\n"
        );
        let found = discover(&Tree::parse(&text).root());
        found.meters[0].info().scope
    };
    assert_eq!((amdgpu("vddnb"), amdgpu("")), (Scope::Package, Scope::Accelerator));
}

#[test]
fn several_power_meters_are_named_and_none_is_the_device() {
    let meter = |number: u32, info: &str| {
        let device = format!("sys/devices/ACPI000D:0{number}");
        format!(
            "{device}/name = power_meter\n{device}/power1_average = {number}000000\n{device}/power1_oem_info = {info}\n\
             {device}/hwmon/hwmon{number}/device -> ../../../ACPI000D:0{number}\n\
             sys/class/hwmon/hwmon{number} -> ../../devices/ACPI000D:0{number}/hwmon/hwmon{number}\n"
        )
    };
    let tree = meter(1, "Module Power Socket 0")
        + &meter(2, "CPU Power Socket 0")
        + &meter(3, "CPU Power Socket 0")
        + &meter(4, "");
    let found = discover(&Tree::parse(&tree).root());
    let parts: Vec<(Scope, &str)> = places(&found).into_iter().map(|(_, scope, part)| (scope, part)).collect();
    assert_eq!(
        parts,
        [
            (Scope::Rail, "Module Power Socket 0"),
            (Scope::Rail, "CPU Power Socket 0"),
            (Scope::Rail, "CPU Power Socket 0@ACPI000D:03/power1"),
            (Scope::Rail, "power_meter@ACPI000D:04/power1")
        ]
    );
    let alone = discover(&Tree::parse(&meter(2, "CPU Power Socket 0")).root());
    assert_eq!(places(&alone)[0].1, Scope::Rail, "it says that it is not the device");
}

#[test]
fn rails_of_one_label_stay_apart() {
    let node = "sys/class/hwmon/hwmon1";
    let sensor = |number: u32, label: &str| {
        format!("{node}/power{number}_input = {number}000\n{node}/power{number}_label = {label}\n")
    };
    let tree = format!("{node}/name = occ\n") + &sensor(1, "system") + &sensor(2, "proc") + &sensor(3, "proc");
    let found = discover(&Tree::parse(&tree).root());
    let parts: Vec<&str> = places(&found).into_iter().map(|place| place.2).collect();
    assert_eq!(parts, ["occ/system", "occ/proc", "occ/proc@hwmon1/power3"]);
    assert!(places(&found).iter().all(|place| place.1 == Scope::Rail), "a system's sensor is no sum of the others");
}

/// The kernel's link from a node to its power supply names no class: `../../BAT0`.
#[test]
fn a_battery_is_known_by_where_its_link_leads() {
    let tree = Tree::parse(
        "sys/devices/ACPI/power_supply/BAT0/type = Battery\nsys/devices/ACPI/power_supply/BAT0/hwmon3/name = smart\n\
         sys/devices/ACPI/power_supply/BAT0/hwmon3/power1_input = 5000000\n\
         sys/devices/ACPI/power_supply/BAT0/hwmon3/device -> ../../BAT0\n\
         sys/class/hwmon/hwmon3 -> ../../devices/ACPI/power_supply/BAT0/hwmon3\n\
         sys/class/power_supply/BAT0 -> ../../devices/ACPI/power_supply/BAT0\n",
    );
    let found = discover(&tree.root());
    assert!(found.meters.is_empty() && found.absent[0].unavailable.hint.contains("battery BAT0"), "{found:?}");
}

/// A wrong unit once gave 0.4 ms, marked as declared by the device.
#[test]
fn what_a_sensor_cannot_mean_is_no_meter() {
    let node = "sys/class/hwmon/hwmon1";
    let sensor = |more: &str| {
        let tree = format!("{node}/name = power_meter\n{node}/power1_average = 231000000\n{node}/{more}\n");
        discover(&Tree::parse(&tree).root())
    };
    assert_eq!(sensor("power1_average_interval = 0").meters[0].info().update_period, None);
    for more in [
        "power1_average_interval = 18446744073709551615",
        "power1_average_interval = 18446744073710",
        "power1_average_interval = -5",
        "update_interval = 1e30",
        "power1_average = -9223372036854775808",
        "power1_cap = inf",
    ] {
        let found = sensor(more);
        let refused = &found.absent[0].unavailable;
        assert_eq!((found.meters.len(), refused.reason), (0, Reason::Unreadable), "{more}");
        assert!(refused.hint.contains(more.split(' ').next().unwrap()), "{refused:?}");
    }
}

#[test]
fn no_sensor_is_no_meter() {
    let nothing = Tree::parse("sys/class/hwmon/hwmon0/name = coretemp\nsys/class/hwmon/hwmon0/temp1_input = 41000\n");
    let found = discover(&nothing.root());
    assert_eq!(found.absent[0].unavailable.reason, Reason::NoMeter);
    assert!(found.meters.is_empty());
}
