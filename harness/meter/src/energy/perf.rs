//! RAPL through the perf PMU `power` (perf_event_open(2), the kernel's arch/x86/events/rapl.c): the same registers as
//! powercap, for users who may count events but not read `energy_uj`. The kernel extends the count: it never wraps.

mod description;

use std::io;

use self::description::{Described, PowerEvent, describe};
use super::{
    AbsentMeter, Basis, Discovery, EnergyMeter, Measurand, MeterInfo, MeterSource, RawReading, Reason, Unavailable,
    UpdatePeriod, cover::in_container, failure::failure,
};
use crate::SystemRoot;

/// The registers are updated about every millisecond (Intel SDM volume 3, 14.9, "RAPL Interfaces").
const UPDATE_NS: u64 = 1_000_000;

/// Opens every event of the PMU, once for each package.
pub fn discover(root: &SystemRoot) -> Discovery {
    let mut found = Discovery::default();
    let events = match describe(root) {
        Ok(events) => events,
        Err(unavailable) => {
            found.absent.push(absent("perf".into(), None, unavailable));
            return found;
        }
    };
    for Described { id, scope, event } in events {
        let opened = event.and_then(|event| {
            if !root.is_real() {
                let hint = "perf counters cannot be simulated: the kernel counts them, not a file";
                return Err(Unavailable::new(Reason::NotSupported, hint));
            }
            PerfMeter::open(id.clone(), event)
        });
        match opened {
            Ok(meter) => found.meters.push(Box::new(meter)),
            Err(unavailable) => found.absent.push(absent(id, scope, in_its_container(root, unavailable))),
        }
    }
    found
}

/// Container engines forbid the system call whatever the kernel's settings allow, so the hint names that remedy too.
fn in_its_container(root: &SystemRoot, unavailable: Unavailable) -> Unavailable {
    if unavailable.reason != Reason::NotPermitted || !in_container(root) {
        return unavailable;
    }
    let hint = format!("{}; in this container: docker run --cap-add PERFMON", unavailable.hint);
    Unavailable::new(unavailable.reason, hint)
}

fn absent(id: String, scope: Option<super::Scope>, unavailable: Unavailable) -> AbsentMeter {
    AbsentMeter { source: MeterSource::Perf, id, scope, unavailable }
}

/// One event on one package, or on all of them where it describes the whole platform.
#[derive(Debug)]
struct PerfMeter {
    info: MeterInfo,
    counters: Vec<counter::Counter>,
}

impl PerfMeter {
    fn open(id: String, event: PowerEvent) -> Result<Self, Unavailable> {
        let counters: Result<Vec<_>, _> =
            event.processors.iter().map(|processor| counter::open(event.pmu, event.config, *processor)).collect();
        let processors: Vec<String> = event.processors.iter().map(ToString::to_string).collect();
        let path = format!("power/{}/ on cpu {}", event.name, processors.join(", "));
        let counters = counters.map_err(|error| refusal(&error, &path))?;
        let info = MeterInfo {
            id,
            source: MeterSource::Perf,
            scope: event.scope,
            part: event.part,
            path,
            measurand: Measurand::EnergyCounter { joules_per_unit: event.joules_per_unit, modulus: None },
            unit_basis: Basis::Declared,
            // The register's own unit is not exposed; the step is found from the values.
            resolution: 1,
            update_period: Some(UpdatePeriod { ns: UPDATE_NS, basis: Basis::Documented }),
            gain_error: None,
            power_limit_watts: None,
        };
        let mut meter = Self { info, counters };
        meter.read()?;
        Ok(meter)
    }
}

impl EnergyMeter for PerfMeter {
    fn info(&self) -> &MeterInfo {
        &self.info
    }

    fn read(&mut self) -> Result<RawReading, Unavailable> {
        let mut sum: u64 = 0;
        for index in 0..self.counters.len() {
            // A counter whose processor was switched off gives nothing at all, so it is gone.
            let count = self.counters[index].read().map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => {
                    Unavailable::new(Reason::Vanished, format!("{} no longer counts: {error}", self.info.path))
                }
                _ => failure(&error, Reason::Vanished, &self.info.path),
            })?;
            sum = sum.checked_add(count).ok_or_else(|| self.beyond())?;
        }
        Ok(RawReading::new(i64::try_from(sum).map_err(|_| self.beyond())?))
    }
}

impl PerfMeter {
    fn beyond(&self) -> Unavailable {
        Unavailable::new(Reason::Unreadable, format!("{} counted more than is possible", self.info.path))
    }
}

/// Why the kernel does not open a counter.
fn refusal(error: &io::Error, path: &str) -> Unavailable {
    if error.kind() != io::ErrorKind::PermissionDenied {
        let hint = format!("this kernel does not open the counter {path}: {error}");
        return Unavailable::new(Reason::NotSupported, hint);
    }
    let program = std::env::current_exe().map_or("pocketwatt".into(), |path| path.display().to_string());
    Unavailable::new(
        Reason::NotPermitted,
        format!(
            "{path}: {error}; to grant it to this program: sudo setcap cap_perfmon+ep '{program}'; or to every user until \
             the next boot: sudo sysctl kernel.perf_event_paranoid=-1"
        ),
    )
}

#[cfg(all(target_os = "linux", any(target_arch = "x86", target_arch = "x86_64")))]
mod counter {
    use std::{fmt, io};

    use perf_event::{Builder, events::Raw};

    /// An open counter of the kernel.
    pub(super) struct Counter(perf_event::Counter);

    impl fmt::Debug for Counter {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("Counter")
        }
    }

    impl Counter {
        pub(super) fn read(&mut self) -> io::Result<u64> {
            self.0.read()
        }
    }

    pub(super) fn open(pmu: u32, config: u64, processor: usize) -> io::Result<Counter> {
        // A package's energy cannot be split into user and kernel, and the PMU refuses to exclude either.
        let mut builder = Builder::new(Raw::new(config));
        builder.any_pid().one_cpu(processor).include_kernel().include_hv().attrs_mut().type_ = pmu;
        let mut counter = builder.build()?;
        counter.enable()?;
        Ok(Counter(counter))
    }
}

/// Other systems have no such PMU.
#[cfg(not(all(target_os = "linux", any(target_arch = "x86", target_arch = "x86_64"))))]
mod counter {
    use std::io;

    #[derive(Debug)]
    pub(super) enum Counter {}

    impl Counter {
        pub(super) fn read(&mut self) -> io::Result<u64> {
            match *self {}
        }
    }

    pub(super) fn open(_: u32, _: u64, _: usize) -> io::Result<Counter> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
mod tests;
