use super::*;
use crate::energy::fixture::Tree;

fn ids(found: &Discovery) -> Vec<&str> {
    found.meters.iter().map(|meter| meter.info().id.as_str()).collect()
}

fn reasons(found: &Discovery) -> Vec<(&str, Reason)> {
    found.absent.iter().map(|absent| (absent.id.as_str(), absent.unavailable.reason)).collect()
}

fn modulus(found: &Discovery, index: usize) -> Option<i64> {
    let Measurand::EnergyCounter { joules_per_unit, modulus } = found.meters[index].info().measurand else { panic!() };
    assert_eq!(joules_per_unit, 1e-6);
    modulus
}

#[test]
fn a_client_processor_has_each_zone_once() {
    let tree = Tree::named("intel-client");
    let mut found = discover(&tree.root());
    assert_eq!(
        ids(&found),
        ["powercap:package-0", "powercap:package-0/core", "powercap:package-0/uncore", "powercap:psys"]
    );
    assert_eq!(reasons(&found), [("powercap:package-0-mmio", Reason::Duplicate)]);
    let scopes: Vec<Scope> = found.meters.iter().map(|meter| meter.info().scope).collect();
    assert_eq!(scopes, [Scope::Package, Scope::Core, Scope::Uncore, Scope::Platform]);
    // 2^32 units of 61.035 uJ.
    assert_eq!(modulus(&found, 0), Some(262_143_328_911));
    let package = found.meters[0].info();
    assert_eq!((package.resolution, package.power_limit_watts), (61, Some(28.0)));
    assert_eq!(found.meters[1].info().power_limit_watts, None, "a limit of nothing is none");
    assert_eq!(found.meters[0].read(), Ok(RawReading::new(191_832_476_172)));
    tree.set("sys/class/powercap/intel-rapl:0/energy_uj", "191832476233");
    assert_eq!(found.meters[0].read(), Ok(RawReading::new(191_832_476_233)));
}

#[test]
fn a_limit_that_is_not_enforced_bounds_nothing() {
    let tree = Tree::named("intel-client");
    let zone = "sys/class/powercap/intel-rapl:0";
    tree.set(&format!("{zone}/constraint_0_power_limit_uw"), "");
    assert_eq!(discover(&tree.root()).meters[0].info().power_limit_watts, Some(15.0));
    tree.set(&format!("{zone}/enabled"), "0");
    let found = discover(&tree.root());
    assert_eq!(ids(&found)[0], "powercap:package-0", "it is counted all the same");
    assert_eq!(found.meters[0].info().power_limit_watts, None);
}

#[test]
fn a_nested_server_has_two_packages_and_their_memory() {
    let found = discover(&Tree::named("intel-server").root());
    assert_eq!(
        ids(&found),
        [
            "powercap:package-0",
            "powercap:package-0/dram",
            "powercap:package-1",
            "powercap:package-1/dram",
            "powercap:psys-1"
        ]
    );
    assert!(found.absent.is_empty(), "{:?}", found.absent);
    let memory = found.meters[1].info();
    assert_eq!((memory.scope, memory.part.as_str()), (Scope::Dram, "package-0/dram"));
    assert_eq!((memory.resolution, modulus(&found, 1)), (15, Some(65_712_999_628)), "memory counts in 15.3 uJ");
    let platform = found.meters[4].info();
    assert_eq!((platform.scope, platform.resolution), (Scope::Platform, 1_000_000), "this one counts in joules");
}

#[test]
fn the_same_tree_below_its_control_type_is_found_once() {
    let mut found = Discovery::default();
    for copied in [false, true] {
        let tree = Tree::parse(
            "sys/class/powercap/intel-rapl/intel-rapl:0/name = package-0\n\
             sys/class/powercap/intel-rapl/intel-rapl:0/energy_uj = 5\n\
             sys/class/powercap/intel-rapl/intel-rapl:0/intel-rapl:0:0/name = core\n\
             sys/class/powercap/intel-rapl/intel-rapl:0/intel-rapl:0:0/energy_uj = 3",
        );
        if copied {
            tree.set("sys/class/powercap/intel-rapl:0/name", "package-0");
            tree.set("sys/class/powercap/intel-rapl:0/energy_uj", "5");
        }
        found = discover(&tree.root());
        assert_eq!(ids(&found), ["powercap:package-0", "powercap:package-0/core"], "copied: {copied}");
    }
    assert!(found.meters[0].info().path.ends_with("sys/class/powercap/intel-rapl:0/energy_uj"));
}

#[test]
fn amd_counts_packages_in_its_own_unit_and_not_its_cores() {
    let tree = Tree::named("amd");
    let found = discover(&tree.root());
    assert_eq!(ids(&found), ["powercap:package-0"]);
    assert_eq!(modulus(&found, 0), Some(65_532_611_002));
    assert_eq!(reasons(&found), [("powercap:package-0/core", Reason::NotSupported)]);
}

#[test]
fn dies_of_amd_share_their_counter_even_while_it_moves_on() {
    let tree = Tree::parse(
        "proc/cpuinfo = vendor_id\\t: HygonGenuine\n\
         sys/class/powercap/intel-rapl:0/name = package-0-die-0\nsys/class/powercap/intel-rapl:0/energy_uj = 1000\n\
         sys/class/powercap/intel-rapl:1/name = package-0-die-1\nsys/class/powercap/intel-rapl:1/energy_uj = 1015\n\
         sys/class/powercap/intel-rapl:2/name = package-1-die-0\nsys/class/powercap/intel-rapl:2/energy_uj = 1000",
    );
    let found = discover(&tree.root());
    assert_eq!(ids(&found), ["powercap:package-0-die-0", "powercap:package-1-die-0"]);
    assert_eq!(reasons(&found), [("powercap:package-0-die-1", Reason::Duplicate)]);
}

#[test]
fn a_counter_that_two_dies_show_counts_once() {
    let tree = Tree::named("intel-dies");
    let found = discover(&tree.root());
    assert_eq!(
        ids(&found),
        [
            "powercap:package-0-die-0",
            "powercap:package-0-die-0/dram",
            "powercap:package-0-die-1/dram",
            "powercap:package-1-die-0",
            "powercap:package-1-die-1"
        ]
    );
    assert_eq!(reasons(&found), [("powercap:package-0-die-1", Reason::Duplicate)]);
    assert_eq!(found.meters[3].info().part, "package-1-die-0");
}

#[test]
fn packages_of_their_own_and_counters_at_zero_are_no_mirrors() {
    let tree = Tree::named("intel-dies");
    for die in 0..4 {
        tree.set(&format!("sys/class/powercap/intel-rapl:{die}/energy_uj"), "0");
    }
    assert_eq!(ids(&discover(&tree.root())).len(), 6);
    let server = Tree::named("intel-server");
    server.set("sys/class/powercap/intel-rapl:1/energy_uj", "81239182736");
    assert_eq!(ids(&discover(&server.root())).len(), 5);
}

/// The kernel writes numbers of zones as `%x`: read as decimals, packages 10 and 11 would be lost.
#[test]
fn numbers_of_zones_are_hexadecimal() {
    let class = "sys/class/powercap";
    let zones = |number: u32| {
        format!(
            "{class}/intel-rapl:{number:x}/name = package-{number}\n{class}/intel-rapl:{number:x}/energy_uj = {}\n\
             {class}/intel-rapl:{number:x}:0/name = dram\n{class}/intel-rapl:{number:x}:0/energy_uj = {}\n",
            1000 + number,
            500 + number
        )
    };
    let tree: String = (0..18).map(zones).collect();
    let found = discover(&Tree::parse(&tree).root());
    assert!(found.absent.is_empty(), "{:?}", found.absent);
    let names: Vec<String> =
        (0..18).flat_map(|n| [format!("powercap:package-{n}"), format!("powercap:package-{n}/dram")]).collect();
    assert_eq!(ids(&found), names);
}

#[test]
fn a_die_is_not_added_to_its_package() {
    let class = "sys/class/powercap";
    let zone = |zone: &str, name: &str, energy: u32| {
        format!("{class}/intel-rapl:{zone}/name = {name}\n{class}/intel-rapl:{zone}/energy_uj = {energy}\n")
    };
    let tree = zone("0", "package-0", 90)
        + &zone("0:0", "dram", 9)
        + &zone("1", "package-0-die-0", 50)
        + &zone("1:0", "dram", 5)
        + &zone("2", "package-0-die-1", 40)
        + &zone("3", "package-1-die-0", 7);
    let found = discover(&Tree::parse(&tree).root());
    assert_eq!(ids(&found), ["powercap:package-0", "powercap:package-0/dram", "powercap:package-1-die-0"]);
    assert!(found.absent.iter().all(|absent| absent.unavailable.reason == Reason::Duplicate), "{:?}", found.absent);
}

#[test]
fn mapped_registers_are_read_where_there_are_no_others() {
    let tree = Tree::named("intel-memory-mapped");
    let mut found = discover(&tree.root());
    assert_eq!((ids(&found), reasons(&found)), (vec!["powercap:package-0-mmio"], vec![]));
    assert_eq!(found.meters[0].info().part, "package-0");
    assert!(found.meters[0].read().is_ok());
    let tree = Tree::named("intel-client");
    tree.set("sys/class/powercap/intel-rapl:0/energy_uj", "");
    let found = discover(&tree.root());
    assert!(ids(&found).contains(&"powercap:package-0-mmio"), "{found:?}");
    assert_eq!(reasons(&found), [("powercap:package-0", Reason::Unreadable)]);
}

#[test]
fn what_gives_no_number_is_absent_with_the_reason() {
    let found = discover(&Tree::named("intel-empty-files").root());
    assert_eq!(ids(&found), ["powercap:dram", "powercap:dram@10"]);
    assert_eq!(modulus(&found, 0), None, "a range of 0 says nothing about a wrap");
    assert_eq!((found.meters[0].info().resolution, found.meters[0].info().power_limit_watts), (1, None));
    assert_eq!(
        reasons(&found),
        [
            ("powercap:intel-rapl:x", Reason::NotSupported),
            ("powercap:package-0", Reason::Unreadable),
            ("powercap:package-1", Reason::Unreadable),
            ("powercap:something-new", Reason::NotSupported),
            ("powercap:psys", Reason::Unreadable),
            ("powercap:dtpm", Reason::NotSupported)
        ]
    );
    let nothing = discover(&Tree::parse("").root());
    assert!(nothing.meters.is_empty());
    assert_eq!(reasons(&nothing), [("powercap", Reason::NoMeter)]);
}

#[test]
fn a_range_that_no_counter_reaches_is_refused_by_its_file() {
    let tree = Tree::named("intel-client");
    for range in ["9223372036854775807", "18446744073709551615", "-1", "1e9"] {
        tree.set("sys/class/powercap/intel-rapl:0/max_energy_range_uj", range);
        let found = discover(&tree.root());
        assert!(!ids(&found).contains(&"powercap:package-0"), "{range}");
        let hint = &found.absent.iter().find(|absent| absent.id == "powercap:package-0").unwrap().unavailable.hint;
        assert!(hint.contains("max_energy_range_uj holds"), "{hint}");
    }
    tree.set("sys/class/powercap/intel-rapl:0/max_energy_range_uj", "262143328850");
    tree.set("sys/class/powercap/intel-rapl:0/constraint_0_power_limit_uw", "9223372036854775807");
    assert_eq!(discover(&tree.root()).meters[0].info().power_limit_watts, Some(15.0), "no limit bounds nothing");
}

#[test]
fn a_zone_can_vanish_or_go_empty_while_it_is_read() {
    let tree = Tree::named("amd");
    let zone = "sys/devices/virtual/powercap/intel-rapl/intel-rapl:0";
    let mut found = discover(&tree.root());
    assert!(found.meters[0].read().is_ok());
    tree.set(&format!("{zone}/energy_uj"), "");
    assert_eq!(found.meters[0].read().unwrap_err().reason, Reason::Unreadable);
    tree.remove(zone);
    assert_eq!(found.meters[0].read().unwrap_err().reason, Reason::Vanished);
}

#[test]
fn the_counter_begins_again_one_unit_after_its_largest_value() {
    // Intel, AMD, the memory of Xeons, their platform, an Atom, and files without a register behind them.
    for (range, unit) in [
        (262_143_328_850, 61),
        (65_532_610_987, 15),
        (65_712_999_613, 15),
        (4_294_967_295_000_000, 1_000_000),
        (137_438_953_440, 32),
        (1_000_000, 1),
        (1, 1),
        (i64::MAX, 2_147_483_648),
    ] {
        assert_eq!(hardware_unit(range), unit, "{range}");
    }
}

#[test]
fn a_user_who_may_not_read_learns_how_to_be_allowed() {
    let tree = Tree::named("intel-client");
    let found = without_privileges(move || {
        tree.deny("sys/class/powercap/intel-rapl:0/energy_uj");
        tree.deny("sys/class/powercap/intel-rapl:1/energy_uj");
        discover(&tree.root())
    });
    assert_eq!(ids(&found), ["powercap:package-0/core", "powercap:package-0/uncore"]);
    assert_eq!(
        reasons(&found),
        [
            ("powercap:package-0", Reason::NotPermitted),
            ("powercap:psys", Reason::NotPermitted),
            ("powercap:package-0-mmio", Reason::Duplicate)
        ]
    );
    let hints: Vec<Vec<&str>> =
        found.absent.iter().map(|absent| absent.unavailable.hint.split("; ").collect()).collect();
    assert!(hints[0][0].contains("intel-rapl:0/energy_uj") && hints[0][0].contains("ermission denied"), "{hints:?}");
    let grant = "to grant it to every user: sudo chmod a+r /sys/class/powercap/*:*/energy_uj";
    let rule = r#"SUBSYSTEM=="powercap", KERNEL=="*:*", ACTION=="add", RUN+="/bin/chmod a+r /sys%p/energy_uj""#;
    let for_good = format!("for good: echo '{rule}' | sudo tee /etc/udev/rules.d/70-energy.rules");
    assert_eq!(hints[0][1..], [grant, &for_good]);
    assert_eq!(hints[1][1..], [grant], "what makes it last is said once");
}

/// A thread of root that has given up its privileges may not read what is forbidden to everybody.
fn without_privileges<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let unprivileged = || {
        use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities};
        let none = CapabilitySet::empty();
        set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none }).unwrap();
        work()
    };
    std::thread::spawn(unprivileged).join().unwrap()
}
