//! What the processor was busy with.

use super::{
    Direction::{Informative, LowerIsBetter},
    Metric,
    Unit::{Cores, Fraction},
    entry,
};

pub(super) const METRICS: &[Metric] = &[
    entry(
        "processor_use",
        "processor use",
        Cores,
        Informative,
        "an iteration",
        "processor time of all threads of the runner / (end of last turn - start of first turn)",
    ),
    entry(
        "run_queue_wait",
        "waited for a processor",
        Fraction,
        LowerIsBetter,
        "the case",
        "run-queue time of the runner's threads / duration of the case",
    ),
    entry(
        "steal",
        "stolen by the hypervisor",
        Fraction,
        LowerIsBetter,
        "the case",
        "steal time of all processors / processor time that they had",
    ),
];
