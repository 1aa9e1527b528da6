use super::{Reason, Unavailable};
use crate::{
    SystemRoot,
    energy::{Scope, vendor},
};

const PMU: &str = "sys/bus/event_source/devices/power";

/// An event of one part, or the reason why it cannot be counted.
#[derive(Debug, PartialEq)]
pub(super) struct Described {
    pub(super) id: String,
    pub(super) scope: Option<Scope>,
    pub(super) event: Result<PowerEvent, Unavailable>,
}

/// What must be known to count an event.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PowerEvent {
    /// Its name in perf: `energy-pkg`.
    pub(super) name: String,
    /// The type that the kernel assigned to the PMU at this boot.
    pub(super) pmu: u32,
    pub(super) config: u64,
    pub(super) joules_per_unit: f64,
    pub(super) scope: Scope,
    pub(super) part: String,
    /// Each processor counts for its own part; the counts are added up.
    pub(super) processors: Vec<usize>,
}

/// The PMU as it describes itself.
pub(super) fn describe(root: &SystemRoot) -> Result<Vec<Described>, Unavailable> {
    let folder = root.join(PMU);
    if !folder.exists() {
        let hint = format!("there is no {}: this kernel or this processor has no such counters", folder.display());
        return Err(Unavailable::new(Reason::NoMeter, hint));
    }
    let pmu = file(root, "type", |text| text.parse().ok())?;
    let processors = file(root, "cpumask", processors)?;
    let packages = packages(root, &processors);
    let mut described = Vec::new();
    for name in root.names(format!("{PMU}/events")) {
        let Some(domain) = name.strip_prefix("energy-").filter(|domain| !domain.contains('.')) else { continue };
        let Some((scope, suffix)) = scope(domain) else {
            let hint = format!("the event {name} is not a known part of a processor");
            let event = Err(Unavailable::new(Reason::NotSupported, hint));
            described.push(Described { id: format!("perf:{domain}"), scope: None, event });
            continue;
        };
        let unit = unit(root, &name);
        let parts = if scope == Scope::Platform {
            // One package is in charge of the platform, and the others count nothing, so the sum is right whichever it is.
            vec![(domain.to_owned(), processors.clone())]
        } else {
            packages.iter().map(|(package, processor)| (format!("{package}{suffix}"), vec![*processor])).collect()
        };
        for (part, processors) in parts {
            let event = unit.clone().map(|(config, joules_per_unit)| PowerEvent {
                name: name.clone(),
                pmu,
                config,
                joules_per_unit,
                scope,
                part: part.clone(),
                processors,
            });
            described.push(Described { id: format!("perf:{part}"), scope: Some(scope), event });
        }
    }
    if described.is_empty() {
        let hint = format!("{} has no energy events", folder.display());
        return Err(Unavailable::new(Reason::NoMeter, hint));
    }
    Ok(described)
}

/// Scope of an event, and the suffix of its parts' names after the package, as powercap has them.
fn scope(domain: &str) -> Option<(Scope, &'static str)> {
    match domain {
        "pkg" => Some((Scope::Package, "")),
        "cores" => Some((Scope::Core, "/core")),
        // The second power plane holds the graphics unit.
        "gpu" => Some((Scope::Uncore, "/uncore")),
        "ram" => Some((Scope::Dram, "/dram")),
        "psys" => Some((Scope::Platform, "")),
        _ => None,
    }
}

/// The event's configuration (`event=0x02`) and joules in one count: the file says 2^-32, whatever the register's own unit is.
fn unit(root: &SystemRoot, name: &str) -> Result<(u64, f64), Unavailable> {
    let config = file(root, &format!("events/{name}"), |text| {
        let number = text.strip_prefix("event=")?;
        match number.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).ok(),
            None => number.parse().ok(),
        }
    })?;
    file(root, &format!("events/{name}.unit"), |text| (text == "Joules").then_some(()))?;
    let joules = file(root, &format!("events/{name}.scale"), |text| {
        // Counts are far finer than a joule; a larger scale would be another unit.
        text.parse().ok().filter(|scale: &f64| *scale > 0.0 && *scale <= 1.0)
    })?;
    Ok((config, joules))
}

fn file<T>(root: &SystemRoot, path: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, Unavailable> {
    let path = format!("{PMU}/{path}");
    let text = root.text(&path).unwrap_or_default();
    parse(&text).ok_or_else(|| {
        let hint = format!("{} holds {text:?}, which is not understood here", root.join(&path).display());
        Unavailable::new(Reason::Unreadable, hint)
    })
}

/// `0,18` or `0-3`: one processor of each part.
fn processors(text: &str) -> Option<Vec<usize>> {
    let mut processors = Vec::new();
    for range in text.split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
        // No machine has so many packages; a damaged file must not make us list billions.
        if last < first || last - first > 4096 {
            return None;
        }
        processors.extend(first..=last);
        if processors.len() > 4096 {
            return None;
        }
    }
    Some(processors)
}

/// Names of packages, or of their dies, each with the processor that counts for it.
fn packages(root: &SystemRoot, processors: &[usize]) -> Vec<(String, usize)> {
    let topology = |processor: usize, file: &str| -> Option<u32> {
        root.text(format!("sys/devices/system/cpu/cpu{processor}/topology/{file}"))?.parse().ok()
    };
    let amd = vendor::is_amd(root);
    let mut packages: Vec<(u32, u32, usize)> = Vec::new();
    for (index, processor) in processors.iter().enumerate() {
        let nth = u32::try_from(index).unwrap_or(u32::MAX);
        let package = topology(*processor, "physical_package_id").unwrap_or(nth);
        // All dies of an AMD package share one counter, but older kernels list every die.
        if amd && packages.iter().any(|(known, ..)| *known == package) {
            continue;
        }
        packages.push((package, topology(*processor, "die_id").unwrap_or(nth), *processor));
    }
    let alone = |package: u32| packages.iter().filter(|(other, ..)| *other == package).count() == 1;
    let name = |&(package, die, processor): &(u32, u32, usize)| match alone(package) {
        true => (format!("package-{package}"), processor),
        false => (format!("package-{package}-die-{die}"), processor),
    };
    packages.iter().map(name).collect()
}
