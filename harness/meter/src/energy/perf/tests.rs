use rustix::io::Errno;

use super::*;
use crate::energy::{Scope, fixture::Tree};

/// 2^-32.
const JOULES: f64 = 1.0 / 4_294_967_296.0;

fn events(tree: &Tree) -> Vec<(String, Option<Scope>, Vec<usize>)> {
    let described = describe(&tree.root()).unwrap();
    described.into_iter().map(|one| (one.id, one.scope, one.event.map_or(vec![], |event| event.processors))).collect()
}

fn event(id: &str, scope: Scope, processors: &[usize]) -> (String, Option<Scope>, Vec<usize>) {
    (id.into(), Some(scope), processors.into())
}

#[test]
fn a_client_processor_describes_its_events() {
    let tree = Tree::named("perf-client");
    assert_eq!(
        events(&tree),
        [
            event("perf:package-0/core", Scope::Core, &[0]),
            event("perf:package-0/uncore", Scope::Uncore, &[0]),
            event("perf:package-0", Scope::Package, &[0]),
            event("perf:psys", Scope::Platform, &[0]),
        ]
    );
    let package = describe(&tree.root()).unwrap().remove(2).event.unwrap();
    assert_eq!((package.name.as_str(), package.pmu, package.config), ("energy-pkg", 24, 2));
    assert_eq!(package.joules_per_unit, JOULES);
}

#[test]
fn each_package_is_counted_on_a_processor_of_its_own_and_the_platform_once() {
    let tree = Tree::named("perf-server");
    let server = [
        event("perf:package-0", Scope::Package, &[0]),
        event("perf:package-1", Scope::Package, &[18]),
        event("perf:psys", Scope::Platform, &[0, 18]),
        event("perf:package-0/dram", Scope::Dram, &[0]),
        event("perf:package-1/dram", Scope::Dram, &[18]),
    ];
    assert_eq!(events(&tree), server);
    // Without a description of the processors, each processor of the mask is a package.
    tree.remove("sys/devices/system/cpu");
    assert_eq!(events(&tree), server);
}

#[test]
fn dies_count_for_themselves_except_where_they_share_a_counter() {
    let tree = Tree::named("perf-server");
    tree.set("sys/devices/system/cpu/cpu18/topology/physical_package_id", "0");
    let packages = |tree: &Tree| -> Vec<String> {
        events(tree).into_iter().filter(|event| event.1 == Some(Scope::Package)).map(|event| event.0).collect()
    };
    assert_eq!(packages(&tree), ["perf:package-0-die-0", "perf:package-0-die-1"]);
    tree.set("proc/cpuinfo", "vendor_id\\t: AuthenticAMD");
    assert_eq!(packages(&tree), ["perf:package-0"]);
}

#[test]
fn masks_are_lists_of_numbers_and_ranges() {
    let tree = Tree::named("perf-server");
    let platform = |mask: &str| -> Option<Vec<usize>> {
        tree.set("sys/bus/event_source/devices/power/cpumask", mask);
        let described = describe(&tree.root()).ok()?;
        described.into_iter().find(|one| one.id == "perf:psys")?.event.ok().map(|event| event.processors)
    };
    assert_eq!(platform("0-2,18"), Some(vec![0, 1, 2, 18]));
    for damaged in ["", "x", "0-", "3-1", "0,,1", "0-99999999999", "-1"] {
        assert_eq!(platform(damaged), None, "{damaged:?}");
    }
}

#[test]
fn what_the_description_lacks_is_said_and_not_guessed() {
    let pmu = "sys/bus/event_source/devices/power";
    for (file, content) in [
        ("events/energy-pkg", "umask=2"),
        ("events/energy-pkg.scale", "0"),
        ("events/energy-pkg.scale", ""),
        ("events/energy-pkg.scale", "NaN"),
        ("events/energy-pkg.unit", "Watts"),
    ] {
        let tree = Tree::named("perf-client");
        tree.set(&format!("{pmu}/{file}"), content);
        let described = describe(&tree.root()).unwrap();
        assert_eq!(described[2].id, "perf:package-0");
        let unavailable = described[2].event.as_ref().unwrap_err();
        assert!(unavailable.reason == Reason::Unreadable && unavailable.hint.contains(file), "{unavailable:?}");
        assert!(described[0].event.is_ok());
    }
    let tree = Tree::named("perf-client");
    tree.set(&format!("{pmu}/events/energy-core"), "event=0x01");
    let described = describe(&tree.root()).unwrap();
    assert_eq!((described[0].id.as_str(), described[0].scope), ("perf:core", None));
    assert_eq!(described[0].event.as_ref().unwrap_err().reason, Reason::NotSupported);
    tree.set(&format!("{pmu}/type"), "");
    assert_eq!(describe(&tree.root()).unwrap_err().reason, Reason::Unreadable);
    tree.remove(&format!("{pmu}/events"));
    tree.set(&format!("{pmu}/type"), "24");
    assert_eq!(describe(&tree.root()).unwrap_err().reason, Reason::NoMeter);
}

#[test]
fn no_counter_of_this_machine_stands_in_for_a_simulated_one() {
    let found = discover(&Tree::named("perf-client").root());
    assert!(found.meters.is_empty());
    assert_eq!(found.absent.len(), 4);
    for absent in &found.absent {
        assert_eq!(absent.unavailable.reason, Reason::NotSupported);
        assert!(absent.unavailable.hint.contains("cannot be simulated"), "{absent:?}");
    }
    let nothing = discover(&Tree::parse("").root());
    assert!(nothing.meters.is_empty());
    assert_eq!((nothing.absent[0].id.as_str(), nothing.absent[0].unavailable.reason), ("perf", Reason::NoMeter));
}

#[test]
fn this_machine_says_something_and_does_not_crash() {
    let mut found = discover(&SystemRoot::real());
    assert!(!found.meters.is_empty() || !found.absent.is_empty());
    assert!(found.meters.iter_mut().all(|meter| meter.read().is_ok()));
}

#[test]
fn a_refusal_says_what_to_do() {
    for denied in [Errno::ACCESS, Errno::PERM] {
        let unavailable = refusal(&denied.into(), "power/energy-pkg/ on cpu 0");
        assert_eq!(unavailable.reason, Reason::NotPermitted);
        for part in ["power/energy-pkg/ on cpu 0", "sudo setcap cap_perfmon+ep '/", "kernel.perf_event_paranoid=-1"] {
            assert!(unavailable.hint.contains(part), "{unavailable:?}");
        }
    }
    for other in [Errno::NOENT, Errno::NODEV, Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP, Errno::MFILE] {
        assert_eq!(refusal(&other.into(), "power/energy-pkg/").reason, Reason::NotSupported, "{other}");
    }
}

#[test]
fn a_counter_of_the_kernel_is_opened_and_read() {
    // The software clock of a processor (PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK) counts on every kernel that allows it.
    let event = PowerEvent {
        name: "cpu-clock".into(),
        pmu: 1,
        config: 0,
        joules_per_unit: JOULES,
        scope: Scope::Platform,
        part: "psys".into(),
        processors: vec![0, 0],
    };
    match PerfMeter::open("perf:psys".into(), event) {
        Ok(mut meter) => {
            let first = meter.read().unwrap().value;
            assert!(meter.read().unwrap().value > first && first > 0);
            assert_eq!(meter.info().path, "power/cpu-clock/ on cpu 0, 0");
        }
        Err(unavailable) => {
            assert!([Reason::NotPermitted, Reason::NotSupported].contains(&unavailable.reason), "{unavailable:?}");
        }
    }
}
