//! How many processors a runner gets, and their frequency limits.

use std::collections::BTreeMap;

use pocketwatt_meter::{FrequencyPolicy, Processors};

use super::{Check, Status, listed};

const GOVERNOR: &str = "governor";
/// A limit this close to the hardware's is a rounding difference.
const NEARLY_ALL: f64 = 0.98;

/// Their number, governor, limits and turbo.
pub fn checks(processors: &Processors, threads: u32) -> Vec<Check> {
    vec![number(processors, threads), governor(&processors.policies), limits(&processors.policies), turbo(processors)]
}

fn number(processors: &Processors, threads: u32) -> Check {
    const NAME: &str = "processors";
    let Some(online) = processors.online.or(processors.allowed) else {
        return Check::new(NAME, Status::Unknown, "the kernel does not report how many there are");
    };
    let sharing = if processors.threads_share_cores == Some(true) { ", two or more to a core" } else { "" };
    let mut seen = format!("{online} online{sharing}");
    let allowed = processors.allowed.unwrap_or(online);
    if allowed < online {
        seen += &format!(", of which this process may use {allowed}");
    }
    if let Some(quota) = processors.quota {
        seen += &format!(", and its control group gets the time of {quota:.1}");
    }
    let wanted = f64::from(threads);
    if processors.quota.is_some_and(|quota| quota < wanted) {
        // The kernel lets a group run, then stops it for the rest of every tenth of a second.
        return Check::new(NAME, Status::Unfit, seen).fix(format!(
            "raise the limit (cpu.max, docker --cpus) to {threads} at least, one for the harness beside it"
        ));
    }
    if f64::from(allowed) < wanted {
        return Check::new(NAME, Status::Warning, seen).fix(format!("use --threads {allowed} at most"));
    }
    if processors.quota.is_some_and(|quota| quota < wanted + 1.0) {
        return Check::new(NAME, Status::Warning, seen).fix("raise the limit (cpu.max, docker --cpus)");
    }
    if processors.threads_share_cores == Some(true) && threads > 1 {
        return Check::new(NAME, Status::Warning, seen)
            .fix("threads may share a core: echo off | sudo tee /sys/devices/system/cpu/smt/control");
    }
    Check::ok(NAME, seen)
}

fn governor(policies: &[FrequencyPolicy]) -> Check {
    let mut governors: BTreeMap<(&str, Kind), usize> = BTreeMap::new();
    for policy in policies {
        if let Some(governor) = &policy.governor {
            *governors.entry((governor, kind(governor, policy.driver.as_deref()))).or_default() += 1;
        }
    }
    if governors.is_empty() {
        return Check::new(
            GOVERNOR,
            Status::Unknown,
            "the kernel reports none: firmware, or the host of a virtual machine, sets the frequency",
        );
    }
    let names: Vec<String> = if governors.len() == 1 {
        governors.keys().map(|(name, _)| (*name).to_owned()).collect()
    } else {
        governors
            .iter()
            .map(|((name, _), policies)| format!("{name} ({policies} of {})", policy_count(&governors)))
            .collect()
    };
    let slowest = governors.keys().map(|(_, kind)| *kind).max().unwrap_or(Kind::Follows);
    let (status, meaning) = match slowest {
        Kind::Fastest => return Check::ok(GOVERNOR, listed(&names)),
        Kind::Fixed => (Status::Warning, "another program sets the frequency"),
        Kind::Follows => {
            (Status::Warning, "the frequency follows the load, and lags behind it at the start of a phase")
        }
        Kind::Slowest => (Status::Unfit, "processors are kept at their lowest frequency"),
    };
    Check::new(GOVERNOR, status, format!("{}: {meaning}", listed(&names)))
        .fix("echo performance | sudo tee /sys/devices/system/cpu/cpufreq/policy*/scaling_governor")
}

fn policy_count(governors: &BTreeMap<(&str, Kind), usize>) -> usize {
    governors.values().sum()
}

/// What a governor does, from harmless to harmful.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Fastest,
    Fixed,
    Follows,
    Slowest,
}

/// `powersave` keeps the lowest frequency, except with drivers that choose frequencies in hardware, where it follows the
/// load (Documentation/admin-guide/pm/intel_pstate.rst, amd-pstate.rst).
fn kind(governor: &str, driver: Option<&str>) -> Kind {
    match (governor, driver) {
        ("performance", _) => Kind::Fastest,
        ("userspace", _) => Kind::Fixed,
        ("powersave", Some("intel_pstate" | "amd-pstate-epp" | "amd_pstate_epp")) => Kind::Follows,
        ("powersave", _) => Kind::Slowest,
        _ => Kind::Follows,
    }
}

fn limits(policies: &[FrequencyPolicy]) -> Check {
    const NAME: &str = "frequency limits";
    let shares = policies.iter().filter_map(|policy| Some((policy.limit_share()?, policy)));
    let Some((share, policy)) = shares.min_by(|(one, _), (other, _)| one.total_cmp(other)) else {
        return Check::new(NAME, Status::Unknown, "the kernel reports none");
    };
    let gigahertz = |hz: Option<u64>| hz.map_or("?".to_owned(), |hz| format!("{:.2} GHz", hz as f64 / 1e9));
    let highest = gigahertz(policy.hardware_highest_hz);
    if share >= NEARLY_ALL {
        return Check::ok(NAME, format!("none below the hardware's {highest}"));
    }
    let fixed = if policy.is_fixed() { "fixed at" } else { "limited to" };
    let seen = format!("{}: {fixed} {}, the hardware can do {highest}", policy.name, gigahertz(policy.highest_hz));
    if policy.is_fixed() {
        return Check::ok(NAME, format!("{seen}; a fixed frequency makes numbers repeatable, and lower"));
    }
    Check::new(NAME, Status::Warning, seen).fix(format!(
        "unless this is intended: echo {} | sudo tee /sys/devices/system/cpu/cpufreq/{}/scaling_max_freq",
        policy.hardware_highest_hz.unwrap_or(0) / 1000,
        policy.name
    ))
}

fn turbo(processors: &Processors) -> Check {
    const NAME: &str = "turbo";
    match processors.turbo {
        None => Check::new(NAME, Status::Unknown, "the kernel does not report it"),
        Some(false) => Check::ok(NAME, "off"),
        Some(true) => Check::new(NAME, Status::Warning, "on: speed depends on temperature and on what other cores do").fix(
            "for repeatable, lower numbers: echo 1 | sudo tee /sys/devices/system/cpu/intel_pstate/no_turbo, or echo 0 | sudo \
             tee /sys/devices/system/cpu/cpufreq/boost",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(governor: &str, driver: &str, limits_ghz: (u64, u64, u64)) -> FrequencyPolicy {
        let hertz = |ghz: u64| Some(ghz * 1_000_000_000);
        FrequencyPolicy {
            name: "policy0".into(),
            governor: Some(governor.into()),
            driver: Some(driver.into()),
            lowest_hz: hertz(limits_ghz.0),
            highest_hz: hertz(limits_ghz.1),
            hardware_highest_hz: hertz(limits_ghz.2),
        }
    }

    #[test]
    fn powersave_means_what_its_driver_makes_of_it() {
        let status = |governor, driver| super::governor(&[policy(governor, driver, (1, 4, 4))]).status;
        assert_eq!(status("performance", "intel_pstate"), Status::Ok);
        assert_eq!(status("powersave", "intel_pstate"), Status::Warning);
        assert_eq!(status("powersave", "intel_cpufreq"), Status::Unfit);
        assert_eq!(status("powersave", "acpi-cpufreq"), Status::Unfit);
        assert_eq!(status("schedutil", "cpufreq-dt"), Status::Warning);
        assert_eq!(governor(&[]).status, Status::Unknown);
    }

    #[test]
    fn one_policy_among_others_is_enough_to_warn() {
        let mixed = [
            policy("performance", "cpufreq-dt", (1, 2, 2)),
            policy("performance", "cpufreq-dt", (1, 2, 2)),
            policy("powersave", "cpufreq-dt", (1, 2, 2)),
        ];
        let check = governor(&mixed);
        assert_eq!(check.status, Status::Unfit);
        assert!(check.seen.starts_with("performance (2 of 3) and powersave (1 of 3): "), "{}", check.seen);
    }

    #[test]
    fn a_limit_is_told_with_what_the_hardware_can_do() {
        let limited = limits(&[policy("x", "y", (1, 4, 4)), policy("x", "y", (1, 2, 4))]);
        assert_eq!(limited.status, Status::Warning);
        assert_eq!(limited.seen, "policy0: limited to 2.00 GHz, the hardware can do 4.00 GHz");
        assert_eq!(limits(&[policy("x", "y", (2, 2, 4))]).status, Status::Ok, "fixed on purpose");
        assert_eq!(limits(&[policy("x", "y", (1, 4, 4))]).status, Status::Ok);
    }

    #[test]
    fn a_quota_below_the_threads_is_unfit() {
        let with = |quota, allowed, threads| {
            let processors = Processors { online: Some(8), allowed: Some(allowed), quota, ..Processors::default() };
            number(&processors, threads).status
        };
        assert_eq!(with(None, 8, 4), Status::Ok);
        assert_eq!(with(Some(0.5), 8, 1), Status::Unfit);
        assert_eq!(with(Some(1.5), 8, 1), Status::Warning);
        assert_eq!(with(Some(4.0), 8, 1), Status::Ok);
        assert_eq!(with(None, 2, 4), Status::Warning);
    }
}
