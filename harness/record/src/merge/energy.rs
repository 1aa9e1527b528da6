//! Whether two shards measured energy in the same way.

use pocketwatt_meter::energy::MeterInfo;

use crate::EnergyPlan;

/// What was asked for, or is the device's, and differs, by the name that users know. What a shard observed itself is no difference:
/// [`MergedShard::energy`](crate::MergedShard::energy) has it.
pub(super) fn difference(like: &EnergyPlan, found: &EnergyPlan) -> Option<&'static str> {
    // Each member by its name, so that a new one is not forgotten.
    let EnergyPlan {
        meters,
        absent: _,
        sysfs_root,
        // Where it was not asked for, it follows from what was observed.
        idle_ms: _,
        asked_idle_ms,
        uncertainty,
        at_least_ms: _,
        battery,
        sampling_overhead: _,
    } = found;
    let ways = [
        ("energy meters", meters.iter().map(lasting).eq(like.meters.iter().map(lasting))),
        ("--sysfs-root", *sysfs_root == like.sysfs_root),
        ("--idle", *asked_idle_ms == like.asked_idle_ms),
        ("--energy-uncertainty", *uncertainty == like.uncertainty),
        ("battery", *battery == like.battery),
    ];
    ways.into_iter().find(|(_, is_same)| !is_same).map(|(what, _)| what)
}

/// What the joules are of. The rest is observed, or another one after each start, as the path of a sensor is.
fn lasting(meter: &MeterInfo) -> impl PartialEq + '_ {
    (&meter.id, &meter.source, &meter.scope, &meter.measurand)
}
