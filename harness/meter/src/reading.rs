mod cores;
mod device;
mod warmth;

use pocketwatt_protocol::{MonotonicNs, TimeSpan};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    BrokenCounter,
    energy::{MeterEnd, MeterSeries, MeterSource, Unavailable},
};

pub use cores::{Regrouped, RunnerCores};
pub use device::{CoreCluster, DeviceFacts, PhoneFacts, ScreenState};
pub use warmth::{ClockLimit, NamedTemperature, Warmth};

/// Resident memory of the runner process at one moment, as `/proc/<pid>/status` counts it (proc(5)).
///
/// Each resident page is counted once, in one of the four classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemoryReading {
    /// When it was read.
    pub at: MonotonicNs,
    /// `RssAnon`: heap, stacks, packed weights. The process' own memory.
    pub anonymous_bytes: u64,
    /// `RssFile`: touched pages of mapped files (program code, mapped weights); the kernel may drop them at will.
    pub file_bytes: u64,
    /// `RssShmem`: shared memory.
    pub shared_bytes: u64,
    /// `HugetlbPages`: pages of hugetlbfs, which an allocator may take in place of ordinary ones. The kernel counts them in
    /// none of the other classes.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub huge_bytes: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_zero(bytes: &u64) -> bool {
    *bytes == 0
}

/// What the device allows a runner, from a moment on until the next of these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LimitReading {
    /// When it was first read.
    pub at: MonotonicNs,
    /// The processors on which the harness may run, and so its runners: its affinity, which a cpuset limits, as in `0-3,6`. Absent where
    /// the kernel does not say it.
    pub processors: Option<String>,
    /// Highest frequency that each policy of the processors allows, in hertz; empty where the kernel reports none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub highest_hz: Vec<Option<u64>>,
}

impl LimitReading {
    /// Whether both allow the same.
    pub fn equals(&self, other: &Self) -> bool {
        (&self.processors, &self.highest_hz) == (&other.processors, &other.highest_hz)
    }
}

/// All readings beside one case, from before the runner was started until after it was reaped.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseReadings {
    /// Resident memory over time.
    pub memory: Vec<MemoryReading>,
    /// `VmHWM`: the kernel's own high-water mark of resident memory, including the load phase. Absent if it could not be read.
    pub peak_resident_bytes: Option<u64>,
    /// Largest sum of resident memory and pages of hugetlbfs, which `VmHWM` leaves out. Absent without such pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_with_huge_pages_bytes: Option<u64>,
    /// Time that the runner's threads were ready to run but had no processor, summed over threads
    /// (`/proc/<pid>/task/*/schedstat`, second field), from the first to the last sample.
    pub run_queue_wait_ns: Option<u64>,
    /// Time that the hypervisor gave this machine's processors to others, summed over processors (`/proc/stat`).
    pub steal_ns: Option<u64>,
    /// Time of all processors together between the first and last reading of `steal_ns`: its denominator.
    pub system_cpu_ns: Option<u64>,
    /// Time in which other processes kept processors busy, summed over processors.
    pub other_busy_ns: Option<u64>,
    /// Time that the device slept while the runner lived. `CLOCK_MONOTONIC` does not count it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slept_ns: Option<u64>,
    /// Time in which the runner, or the sampler beside it, did not run although the device did not sleep and a processor was free: a
    /// signal stopped it, or a control group froze it. Absent below 1 s; since format 1.11.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen_ns: Option<u64>,
    /// Where the runner was allowed to run, and where it did; since format 1.11.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runner_cores: Option<RunnerCores>,
    /// The control groups of the harness, where they were others at the end than at the beginning; since format 1.11.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regrouped: Option<Regrouped>,
    /// How warm the device was when each launch began, and what it then allowed; since format 1.11.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warmth: Vec<Warmth>,
    /// Counters of the kernel with impossible values: numbers that depend on them are absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub broken_counters: Vec<BrokenCounter>,
    /// What the sampling itself cost.
    pub sampler: SamplerCost,
    /// Energy and power, one series for each meter, the preferred meter first.
    #[serde(default)]
    pub energy: Vec<MeterSeries>,
    /// Why there is no energy series at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_energy: Option<Unavailable>,
    /// When the device was deliberately left idle, before the runner was started and after it had ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle: Option<IdleWindows>,
    /// Temperatures, one series for each sensor.
    #[serde(default)]
    pub temperatures: Vec<ContextSeries>,
    /// Mean and highest frequency of the processors.
    #[serde(default)]
    pub frequencies: Vec<ContextSeries>,
    /// What the device allowed the runner: how it began, and each change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<LimitReading>,
}

impl CaseReadings {
    /// Adds what was read later in the same case, after a time in which nothing was read. Processor times, which are shares of the time
    /// in which they were read, add up.
    pub fn append(&mut self, later: Self) {
        let Self {
            memory,
            peak_resident_bytes,
            peak_with_huge_pages_bytes,
            run_queue_wait_ns,
            steal_ns,
            system_cpu_ns,
            other_busy_ns,
            slept_ns,
            frozen_ns,
            runner_cores,
            regrouped,
            warmth,
            broken_counters,
            sampler,
            energy,
            no_energy,
            idle,
            temperatures,
            frequencies,
            limits,
        } = later;
        self.memory.extend(memory);
        self.peak_resident_bytes = self.peak_resident_bytes.max(peak_resident_bytes);
        self.peak_with_huge_pages_bytes = self.peak_with_huge_pages_bytes.max(peak_with_huge_pages_bytes);
        for (sum, more) in [
            (&mut self.run_queue_wait_ns, run_queue_wait_ns),
            (&mut self.steal_ns, steal_ns),
            (&mut self.system_cpu_ns, system_cpu_ns),
            (&mut self.other_busy_ns, other_busy_ns),
            (&mut self.slept_ns, slept_ns),
            (&mut self.frozen_ns, frozen_ns),
        ] {
            *sum = match (*sum, more) {
                (Some(sum), Some(more)) => Some(sum.saturating_add(more)),
                (sum, more) => sum.or(more),
            };
        }
        match (&mut self.runner_cores, runner_cores) {
            (Some(cores), Some(later)) => cores.append(later),
            (none, later) => *none = none.take().or(later),
        }
        self.regrouped = match (self.regrouped.take(), regrouped) {
            (Some(first), Some(last)) => Some(Regrouped { before: first.before, after: last.after }),
            (first, last) => first.or(last),
        };
        self.warmth.extend(warmth);
        self.broken_counters.extend(broken_counters);
        self.sampler.reads = self.sampler.reads.saturating_add(sampler.reads);
        self.sampler.cpu_ns = self.sampler.cpu_ns.saturating_add(sampler.cpu_ns);
        self.sampler.wall_ns = self.sampler.wall_ns.saturating_add(sampler.wall_ns);
        for series in energy {
            match self.energy.iter_mut().find(|known| known.meter.id == series.meter.id) {
                Some(known) => known.append(series),
                None => self.energy.push(series),
            }
        }
        self.no_energy = self.no_energy.take().or(no_energy);
        self.idle = self.idle.or(idle);
        append_context(&mut self.temperatures, temperatures);
        append_context(&mut self.frequencies, frequencies);
        limits.into_iter().for_each(|limit| self.push_limit(limit));
    }

    /// Something else fed the device after the last reading: what a battery's meter shows next does not follow on from it.
    pub fn end_batteries(&mut self, because: &Unavailable) {
        let of_battery = |source| matches!(source, MeterSource::Battery | MeterSource::BatteryService);
        for series in self.energy.iter_mut().filter(|series| of_battery(series.meter.source) && series.ended.is_none())
        {
            if let Some(last) = series.readings.last() {
                series.ended = Some(MeterEnd { at: last.at, unavailable: because.clone() });
            }
        }
    }

    /// Adds what the device allows now, if that has changed.
    pub fn push_limit(&mut self, limit: LimitReading) {
        if self.limits.last().is_none_or(|last| !last.equals(&limit)) {
            self.limits.push(limit);
        }
    }
}

fn append_context(all: &mut Vec<ContextSeries>, later: Vec<ContextSeries>) {
    for series in later {
        match all.iter_mut().find(|known| known.name == series.name) {
            Some(known) => known.readings.extend(series.readings),
            None => all.push(series),
        }
    }
}

/// When the device was left idle beside a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IdleWindows {
    /// Before the runner was started.
    pub before: TimeSpan,
    /// After it had ended; absent when the case was interrupted.
    pub after: Option<TimeSpan>,
}

/// Something that explains a power, over time: a temperature in degrees Celsius, or a frequency in hertz.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ContextSeries {
    /// Name of the sensor.
    pub name: String,
    /// In order of time.
    pub readings: Vec<ContextReading>,
}

impl ContextSeries {
    /// Name of the series of the fastest processor's frequency.
    pub const FASTEST: &str = "highest";
}

/// One reading of a [`ContextSeries`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ContextReading {
    /// When it was read.
    pub at: MonotonicNs,
    /// Degrees Celsius, or hertz.
    pub value: f64,
}

/// What the sampler took from the machine that it observes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SamplerCost {
    /// Rounds of reading.
    pub reads: u64,
    /// Processor time of the sampler thread.
    pub cpu_ns: u64,
    /// How long the sampler ran.
    pub wall_ns: u64,
}

/// Result of the memory bandwidth probe: sequential reads of a buffer far larger than the caches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bandwidth {
    /// Threads that read.
    pub threads: u32,
    /// Bytes read in one pass.
    pub buffer_bytes: u64,
    /// Best pass: the roofline. Noise only ever slows a pass down.
    pub best_bytes_per_second: f64,
    /// Median pass.
    pub median_bytes_per_second: f64,
    /// Passes.
    pub passes: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_readings_add_up() {
        let readings = |peak: u64, steal_ns: Option<u64>, at: u64| CaseReadings {
            peak_resident_bytes: Some(peak),
            steal_ns,
            system_cpu_ns: Some(u64::MAX / 2 + 1),
            sampler: SamplerCost { reads: 2, cpu_ns: 3, wall_ns: 5 },
            limits: vec![LimitReading {
                at: MonotonicNs(at),
                processors: Some(if at < 3 { "0-3" } else { "0-1" }.to_owned()),
                highest_hz: vec![Some(2_000_000_000)],
            }],
            temperatures: vec![ContextSeries {
                name: format!("zone-{}", at % 2),
                readings: vec![ContextReading { at: MonotonicNs(at), value: 40.0 }],
            }],
            ..CaseReadings::default()
        };
        let mut all = readings(7, None, 1);
        all.append(readings(9, Some(4), 2));
        all.append(readings(8, Some(6), 3));
        assert_eq!(all.peak_resident_bytes, Some(9), "the highest of all");
        assert_eq!(all.steal_ns, Some(10), "what was not read is not there to add");
        assert_eq!(all.system_cpu_ns, Some(u64::MAX), "no sum overflows");
        assert_eq!(all.sampler, SamplerCost { reads: 6, cpu_ns: 9, wall_ns: 15 });
        let zones: Vec<(&str, usize)> =
            all.temperatures.iter().map(|series| (series.name.as_str(), series.readings.len())).collect();
        assert_eq!(zones, [("zone-1", 2), ("zone-0", 1)]);
        let limits: Vec<(u64, &str)> =
            all.limits.iter().map(|limit| (limit.at.0, limit.processors.as_deref().unwrap())).collect();
        assert_eq!(limits, [(1, "0-3"), (3, "0-1")], "only changes are kept");
    }
}
