//! How the processor's time was spent.

use pocketwatt_meter::KernelCounter;
use pocketwatt_protocol::Iteration;

use super::{
    definition::{
        Observations,
        Observe::{Case, Iterations},
        metrics,
    },
    observations::each,
};
use crate::{
    Absent,
    AbsentKind::{CounterBroken, NoTimePassed, NotToldByKernel},
    Evidence,
};

metrics! {
    /// The work of the processors.
    MachineMetric {
        ProcessorUse = "processor_use" {
            label: "processor use",
            unit: Cores,
            direction: Informative,
            observation: "an iteration",
            formula: "processor time of all threads of the runner / (end of last turn - start of first turn)",
            observe: Iterations(|_, iterations| processor_use(iterations)),
        }
        RunQueueWait = "run_queue_wait" {
            label: "waited for a processor",
            unit: Fraction,
            direction: LowerIsBetter,
            observation: "the case",
            formula: "run-queue time of the runner's threads / duration of the case",
            observe: Case(run_queue_wait),
        }
        Steal = "steal" {
            label: "stolen by the hypervisor",
            unit: Fraction,
            direction: LowerIsBetter,
            observation: "the case",
            formula: "steal time of all processors / processor time that they had",
            observe: Case(steal),
        }
    }
}

fn processor_use(iterations: &[&Iteration]) -> Observations {
    let cores = |iteration: &Iteration| {
        let wall = iteration.span()?.duration_ns();
        (wall > 0).then(|| iteration.cpu_ns as f64 / wall as f64)
    };
    each(iterations, cores, NoTimePassed)
}

fn run_queue_wait(case: &Evidence<'_>) -> Observations {
    believed(case, KernelCounter::RunQueueWait)?;
    share(case.readings.run_queue_wait_ns, Some(case.readings.sampler.wall_ns))
}

fn steal(case: &Evidence<'_>) -> Observations {
    believed(case, KernelCounter::Steal)?;
    share(case.readings.steal_ns, case.readings.system_cpu_ns)
}

/// # Errors
/// When the counter had an impossible value.
fn believed(case: &Evidence<'_>, counter: KernelCounter) -> Result<(), Absent> {
    match case.readings.broken_counters.iter().any(|broken| broken.counter == counter) {
        true => Err(Absent::new(CounterBroken, format!("the kernel's {} counter is broken", counter.name()))),
        false => Ok(()),
    }
}

fn share(part: Option<u64>, whole: Option<u64>) -> Observations {
    match (part, whole) {
        (Some(part), Some(whole)) if whole > 0 => Ok(vec![part as f64 / whole as f64]),
        _ => Err(NotToldByKernel.into()),
    }
}

#[cfg(test)]
mod tests {
    use pocketwatt_meter::BrokenCounter;

    use super::*;
    use crate::energy::simulation;

    #[test]
    fn a_broken_counter_is_no_share() {
        let mut record = simulation::record();
        record.readings.steal_ns = Some(5);
        record.readings.system_cpu_ns = Some(100);
        assert_eq!(steal(&Evidence::from(&record)), Ok(vec![0.05]));
        let seen = "it grew by 832457433 ticks in 1.00 s, of which 2 processors have 200".to_owned();
        record.readings.broken_counters = vec![BrokenCounter { counter: KernelCounter::Steal, seen }];
        let broken = Absent::new(CounterBroken, "the kernel's steal counter is broken");
        assert_eq!(steal(&Evidence::from(&record)), Err(broken));
        assert_eq!(run_queue_wait(&Evidence::from(&record)), Err(NotToldByKernel.into()));
    }
}
