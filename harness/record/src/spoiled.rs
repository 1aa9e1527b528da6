//! What makes the times of a runner worthless, rather than only less certain.

use std::fmt;

use pocketwatt_meter::{CaseReadings, CoreList};

/// Why the times of a runner say nothing about the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spoiled {
    /// The device slept for so many nanoseconds.
    Slept(u64),
    /// The runner, or the harness beside it, did not run for so many nanoseconds, although the device did not sleep.
    Frozen(u64),
    /// It lost cores, and had fewer than threads.
    FewCores {
        /// The cores that it had at first.
        before: String,
        /// Those that were left.
        after: String,
        /// Threads that compute.
        threads: u32,
    },
}

impl Spoiled {
    /// What spoiled the times of a runner with so many threads, by what was read beside it.
    pub fn by(readings: &CaseReadings, threads: u32) -> Option<Self> {
        let pause = readings.slept_ns.map(Self::Slept).or_else(|| readings.frozen_ns.map(Self::Frozen));
        pause.or_else(|| few_cores(readings, threads))
    }

    /// Whether it may be over when the block is measured again.
    pub fn is_a_pause(&self) -> bool {
        matches!(self, Self::Slept(_) | Self::Frozen(_))
    }
}

fn few_cores(readings: &CaseReadings, threads: u32) -> Option<Spoiled> {
    let cores = readings.runner_cores.as_ref()?;
    let (before, after) = (cores.allowed.as_ref()?, cores.allowed_at_end.as_ref()?);
    let has_enough = |list: &str| Some(CoreList::parse(list)?.len() >= threads as usize);
    (has_enough(before)? && !has_enough(after)?).then(|| Spoiled::FewCores {
        before: before.clone(),
        after: after.clone(),
        threads,
    })
}

impl fmt::Display for Spoiled {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |ns: u64| format!("{:.1} s", ns as f64 * 1e-9);
        match self {
            Self::Slept(ns) => write!(formatter, "the device slept for {}", seconds(*ns)),
            Self::Frozen(ns) => write!(formatter, "it was frozen for {}", seconds(*ns)),
            Self::FewCores { before, after, threads } => {
                let s = if *threads == 1 { "" } else { "s" };
                write!(formatter, "of the cores {before} it had only {after} at the end, for {threads} thread{s}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use pocketwatt_meter::RunnerCores;

    use super::*;

    fn by(slept_ns: Option<u64>, frozen_ns: Option<u64>, cores: [Option<&str>; 2], threads: u32) -> Option<String> {
        let [allowed, allowed_at_end] = cores.map(|list| list.map(str::to_owned));
        let runner_cores = Some(RunnerCores { allowed, allowed_at_end, last_ran_on: Vec::new() });
        let readings = CaseReadings { slept_ns, frozen_ns, runner_cores, ..CaseReadings::default() };
        Spoiled::by(&readings, threads).map(|spoiled| spoiled.to_string())
    }

    #[test]
    fn sleep_standstill_and_lost_cores_spoil() {
        assert_eq!(by(None, None, [None, None], 1), None);
        assert_eq!(by(Some(3_040_000_000), Some(9), [None, None], 1).unwrap(), "the device slept for 3.0 s");
        assert_eq!(by(None, Some(6_400_000_000), [None, None], 1).unwrap(), "it was frozen for 6.4 s");
        assert_eq!(by(None, None, [Some("0-7"), Some("0-3")], 4), None, "enough are left");
        assert_eq!(by(None, None, [Some("0-1"), Some("0")], 4), None, "there were too few from the beginning");
        assert_eq!(
            by(None, None, [Some("0-7"), Some("0-2")], 4).unwrap(),
            "of the cores 0-7 it had only 0-2 at the end, for 4 threads"
        );
        assert_eq!(by(None, None, [Some("?"), Some("0")], 4), None);
    }
}
