use super::*;
use crate::energy::fixture::Tree;

fn ids(found: &Discovery) -> Vec<&str> {
    found.meters.iter().map(|meter| meter.info().id.as_str()).collect()
}

fn reasons(found: &Discovery) -> Vec<(&str, Reason)> {
    found.absent.iter().map(|absent| (absent.id.as_str(), absent.unavailable.reason)).collect()
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
    let package = found.meters[0].info();
    // 2^32 units of 61.035 uJ.
    let modulus = Some(262_143_328_850 + 61);
    assert_eq!(package.measurand, Measurand::EnergyCounter { joules_per_unit: 1e-6, modulus });
    assert_eq!((package.resolution, package.power_limit_watts), (61, Some(28.0)));
    assert_eq!(found.meters[1].info().power_limit_watts, None, "a limit of nothing is none");
    assert_eq!(found.meters[0].read(), Ok(RawReading::of(191_832_476_172)));
}

#[test]
fn a_server_has_two_packages_and_their_memory() {
    let found = discover(&Tree::named("intel-server").root());
    assert_eq!(
        ids(&found),
        ["powercap:package-0", "powercap:package-0/dram", "powercap:package-1", "powercap:package-1/dram"]
    );
    assert!(found.absent.is_empty(), "{:?}", found.absent);
    assert_eq!(found.meters[1].info().scope, Scope::Dram);
    assert_eq!(found.meters[1].info().resolution, 15, "memory counts in 15.3 uJ");
}

#[test]
fn amd_counts_in_its_own_unit() {
    let found = discover(&Tree::named("amd").root());
    assert_eq!(ids(&found), ["powercap:package-0", "powercap:package-0/core"]);
    let modulus = Some(65_532_610_987 + 15);
    assert_eq!(found.meters[0].info().measurand, Measurand::EnergyCounter { joules_per_unit: 1e-6, modulus });
}

#[test]
fn a_counter_that_is_shown_twice_counts_once() {
    let found = discover(&Tree::named("intel-dies").root());
    assert_eq!(ids(&found), ["powercap:package-0-die-0", "powercap:package-1-die-0", "powercap:package-1-die-1"]);
    assert_eq!(reasons(&found), [("powercap:package-0-die-1", Reason::Duplicate)]);
}

#[test]
fn what_gives_no_number_is_absent_with_the_reason() {
    let found = discover(&Tree::named("intel-empty-files").root());
    assert_eq!(ids(&found), ["powercap:dram"]);
    let Measurand::EnergyCounter { modulus, .. } = found.meters[0].info().measurand else { panic!() };
    assert_eq!(modulus, None, "a range of 0 says nothing about a wrap");
    assert_eq!(
        reasons(&found),
        [
            ("powercap:package-0", Reason::Unreadable),
            ("powercap:package-1", Reason::Unreadable),
            ("powercap:something-new", Reason::NotSupported)
        ]
    );
    let nothing = discover(&Tree::parse("").root());
    assert!(nothing.meters.is_empty());
    assert_eq!(reasons(&nothing), [("powercap", Reason::NoMeter)]);
}

#[test]
fn a_zone_can_vanish_while_it_is_read() {
    let tree = Tree::named("amd");
    let mut found = discover(&tree.root());
    assert!(found.meters[0].read().is_ok());
    tree.remove("sys/class/powercap/intel-rapl:0");
    assert_eq!(found.meters[0].read().unwrap_err().reason, Reason::Vanished);
}

#[test]
fn who_may_not_read_is_told_how_to_be_allowed() {
    let denied = Unavailable::new(Reason::NotPermitted, "energy_uj: permission denied");
    let hint = with_grant(denied).hint;
    assert!(hint.contains("sudo chmod a+r /sys/class/powercap/*/energy_uj") && hint.contains("tmpfiles.d"), "{hint}");
    let vanished = Unavailable::new(Reason::Vanished, "gone");
    assert_eq!(with_grant(vanished.clone()), vanished);
}
