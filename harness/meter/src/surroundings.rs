//! What would disturb a measurement on this device, as far as the kernel reports it. What it does not report is absent.

mod control_group;
mod heat;
mod memory;
mod processors;
mod supply;

use std::time::Duration;

use serde::Serialize;

pub use heat::{Heat, Temperature};
pub use memory::Memory;
pub use processors::{FrequencyPolicy, Processors};
pub use supply::{BatterySupply, Supply};

pub(crate) use processors::{
    allowed_in, allowed_list, allowed_processors, online_processors, present_processors, quota, ranges,
};

use crate::{BrokenCounter, SystemRoot, SystemWork, read_system_times};

/// The state of the device around a measurement.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Surroundings {
    /// How many processors there are, and their frequency limits.
    pub processors: Processors,
    /// How busy they are with other work.
    pub load: Load,
    /// How hot it is.
    pub heat: Heat,
    /// How much memory is free.
    pub memory: Memory,
    /// What feeds the device.
    pub supply: Supply,
}

/// How busy the processors are, before anything is measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Load {
    /// Mean number of tasks that wanted to run in the last minute (proc_loadavg(5)).
    pub average: Option<f64>,
    /// Share of processor time that was used during a short look, 0 to 1.
    pub busy_share: Option<f64>,
    /// Share of processor time that the hypervisor gave to others, 0 to 1.
    pub steal_share: Option<f64>,
    /// Counters of the kernel with impossible values.
    pub broken: Vec<BrokenCounter>,
}

impl Surroundings {
    /// Reads the surroundings. `wait` passes the time between two readings of the processors' work: half a second is 100 ticks
    /// of the kernel's clock on two processors.
    pub fn look(root: &SystemRoot, wait: &mut dyn FnMut(Duration)) -> Self {
        Self {
            processors: Processors::look(root),
            load: Load::look(root, wait),
            heat: Heat::look(root),
            memory: Memory::look(root),
            supply: Supply::look(root),
        }
    }
}

impl Load {
    const LOOK: Duration = Duration::from_millis(500);

    fn look(root: &SystemRoot, wait: &mut dyn FnMut(Duration)) -> Self {
        let average = root.text("proc/loadavg").and_then(|text| text.split_ascii_whitespace().next()?.parse().ok());
        let before = read_system_times(root);
        wait(Self::LOOK);
        let work = before
            .zip(read_system_times(root))
            .map(|(before, after)| after.within(&before, after.elapsed_ns(&before, Self::LOOK)));
        let SystemWork { busy_ns, steal_ns, total_ns, broken } = work.unwrap_or_default();
        let share =
            |part: Option<u64>| part.filter(|_| total_ns > 0).map(|part| (part as f64 / total_ns as f64).min(1.0));
        Self { average, busy_share: share(busy_ns), steal_share: share(steal_ns), broken }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::fixture::Tree;

    #[test]
    fn load_and_steal_are_shares_of_what_the_processors_could_have_worked() {
        // Four processors have 200 ticks in half a second.
        let stat =
            |fields: &str| ["cpu ", "cpu0", "cpu1", "cpu2", "cpu3"].map(|name| format!("{name} {fields}")).join("\\n");
        let tree = Tree::parse("proc/loadavg = 0.52 0.40 0.31 1/500 1234");
        tree.set("proc/stat", &stat("100 0 0 900 0 0 0 0 0 0"));
        let mut wait = |_| tree.set("proc/stat", &stat("130 0 10 1045 0 0 0 15 0 0"));
        let load = Surroundings::look(&tree.root(), &mut wait).load;
        let expected = Load { average: Some(0.52), busy_share: Some(0.2), steal_share: Some(0.075), broken: vec![] };
        assert_eq!(load, expected);
        let mut wait = |_| tree.set("proc/stat", &stat("140 0 10 1195 0 0 0 832457433 0 0"));
        let load = Surroundings::look(&tree.root(), &mut wait).load;
        assert_eq!((load.busy_share, load.steal_share), (Some(0.05), None), "the rest is still known");
        assert_eq!(load.broken[0].counter, crate::KernelCounter::Steal);
    }

    #[test]
    fn a_device_that_tells_nothing_has_no_surroundings() {
        let around = Surroundings::look(&Tree::parse("").root(), &mut |_| {});
        assert_eq!(around, Surroundings::default());
        let clock_stands_still = Tree::parse("proc/stat = cpu  100 0 0 900 0 0 0 0 0 0");
        assert_eq!(Surroundings::look(&clock_stands_still.root(), &mut |_| {}).load.busy_share, None);
    }

    #[test]
    fn this_machine_can_be_looked_at() {
        let around = Surroundings::look(&SystemRoot::real(), &mut |_| {});
        assert!(around.processors.online.unwrap() >= 1 && around.memory.available_bytes.unwrap() > 0, "{around:?}");
    }
}
