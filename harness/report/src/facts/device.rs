//! The device of a run.

use pocketwatt_meter::{Bandwidth, CoreCluster, CoreList, DeviceFacts, PhoneFacts};
use pocketwatt_record::Run;

use crate::output::{inert::one_line, quantity::fixed};

/// Processor, cores and memory: as much as fits on a chart.
pub fn short_device(run: &Run) -> String {
    let device = &run.device;
    if run.rebuilt.is_some() {
        return format!("{}, of which the records say no more (run.json is lost)", one_line(&device.name));
    }
    let phone = device.phone.as_ref().map(|phone| {
        let name = [&phone.maker, &phone.model].map(|part| part.as_deref().unwrap_or_default()).join(" ");
        format!("{}, ", one_line(name.trim()))
    });
    let phone = phone.filter(|phone| phone != ", ").unwrap_or_default();
    let processor = one_line(device.processor.as_deref().unwrap_or(&device.name));
    let memory = device.memory_bytes.map(|bytes| format!(", {:.1} GiB", bytes as f64 / (1u64 << 30) as f64));
    let cores = plural(device.logical_cores, "core");
    format!("{phone}{processor}, {} logical {cores}{}", device.logical_cores, memory.unwrap_or_default())
}

pub fn device(run: &Run) -> String {
    let short = short_device(run);
    if run.rebuilt.is_some() {
        return short;
    }
    let mut parts = vec![short];
    let device = &run.device;
    parts.extend(limits(device));
    parts.extend(clusters(device));
    parts.extend(
        run.settings
            .cores
            .as_ref()
            .map(|cores| format!("--cores {}: {}", one_line(&cores.asked), one_line(&cores.list))),
    );
    parts.extend(device.operating_system.as_deref().map(one_line));
    parts.extend(device.kernel.as_deref().map(|kernel| format!("kernel {}", one_line(kernel))));
    parts.push(one_line(&device.architecture));
    parts.extend(device.virtualisation.as_deref().map(|machine| format!("virtual machine ({})", one_line(machine))));
    parts.extend(device.governor.as_deref().map(|governor| format!("governor {}", one_line(governor))));
    parts.extend(
        device.page_bytes.filter(|_| device.phone.is_some()).map(|bytes| format!("pages of {} KiB", bytes >> 10)),
    );
    parts.extend(device.phone.iter().flat_map(phone));
    parts.join(", ")
}

/// `cores 0-3 up to 1.80 GHz and 4-7 up to 2.85 GHz (limited to 2.20 GHz)`, where there are several clusters.
fn clusters(device: &DeviceFacts) -> Option<String> {
    let gigahertz = |hz: u64| format!("{} GHz", fixed(hz as f64 * 1e-9, 2));
    let cluster = |cluster: &CoreCluster| {
        let cores: CoreList = cluster.cores.iter().copied().collect();
        let highest = cluster.max_hz.map(|hz| format!(" up to {}", gigahertz(hz)));
        let limit = cluster.limit_hz.filter(|limit| cluster.max_hz.is_some_and(|highest| *limit < highest));
        let limit = limit.map(|hz| format!(" (limited to {})", gigahertz(hz)));
        format!("{cores}{}{}", highest.unwrap_or_default(), limit.unwrap_or_default())
    };
    let several = device.clusters.len() > 1;
    several.then(|| format!("cores {}", device.clusters.iter().map(cluster).collect::<Vec<_>>().join(" and ")))
}

/// The state of a phone's screen, and what was changed for the run.
fn phone(phone: &PhoneFacts) -> Vec<String> {
    let screen = match (phone.screen.on, phone.screen.brightness) {
        (Some(true), Some(brightness)) => Some(format!("screen on, brightness {brightness}")),
        (Some(true), None) => Some("screen on".to_owned()),
        (Some(false), _) => Some("screen off".to_owned()),
        (None, _) => None,
    };
    let changed = phone.changed_settings.iter().map(|change| format!("changed for the run: {}", one_line(change)));
    screen.into_iter().chain(changed).collect()
}

/// The part of the device that the run was limited to, if it was not all of it.
fn limits(device: &DeviceFacts) -> Vec<String> {
    let cores = device.allowed_cores.filter(|allowed| *allowed < device.logical_cores);
    let memory = device.memory_limit_bytes.filter(|limit| device.memory_bytes.is_none_or(|whole| *limit < whole));
    let mut limits: Vec<String> = cores.map(|allowed| format!("{allowed} of them allowed")).into_iter().collect();
    limits.extend(device.processor_quota.map(|quota| format!("limited to the time of {quota:.1}")));
    limits.extend(memory.map(|bytes| format!("limited to {:.1} GiB", bytes as f64 / (1_u64 << 30) as f64)));
    limits
}

pub fn bandwidth(run: &Run) -> String {
    let parts = roofs(&run.bandwidth);
    match (parts.is_empty(), &run.rebuilt) {
        (true, None) => "not measured".into(),
        (true, Some(_)) => "unknown".into(),
        (false, _) => parts.join(", "),
    }
}

/// Each roofline: `12.3 GB/s with 2 threads (median pass 12.0)`.
pub fn roofs(measured: &[Bandwidth]) -> Vec<String> {
    let roof = |probe: &Bandwidth| {
        let threads = format!("{} {}", probe.threads, plural(probe.threads, "thread"));
        let (best, median) = (probe.best_bytes_per_second / 1e9, probe.median_bytes_per_second / 1e9);
        format!("{} GB/s with {threads} (median pass {})", fixed(best, 1), fixed(median, 1))
    };
    measured.iter().map(roof).collect()
}

/// The word for so many.
pub fn plural(count: u32, word: &str) -> String {
    if count == 1 { word.to_owned() } else { format!("{word}s") }
}
