//! Measures the cost of sampling: one runner, with iterations alternately with and without the sampler.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use pocketwatt_meter::{Sampler, SystemRoot, energy::EnergyMeter};
use pocketwatt_protocol::{Event, IterationKind, Request, Task};

use super::{Mailbox, RunnerProcess, RunnerProgram};
use crate::plan::Backend;

/// Pause between two iterations, so that the sampler starts and ends outside of them.
pub const SETTLE_MS: u64 = 100;

/// The workload, and what is read beside it.
#[derive(Debug)]
pub struct Compared<'a> {
    /// Its backend.
    pub backend: &'a Backend,
    /// The backend's runner.
    pub program: &'a RunnerProgram,
    /// A generation of twice as many counted iterations as pairs, with [`SETTLE_MS`] before each.
    pub request: Request,
    /// The tree in which meters and processes are read.
    pub root: &'a SystemRoot,
    /// Energy meters that the sampler reads.
    pub meters: Vec<Box<dyn EnergyMeter>>,
    /// Time between two rounds.
    pub period: Duration,
    /// A runner that writes nothing for this long is killed.
    pub silence: Duration,
}

/// Decode throughputs in pairs `(with the sampler, without)`. The order within the pairs alternates,
/// so that drift of the machine makes no difference.
///
/// # Errors
/// When the runner fails, or the user wants to stop.
pub fn compare(mut compared: Compared, mailbox: &mut Mailbox, mut told: impl FnMut(usize)) -> Result<Vec<(f64, f64)>> {
    let Task::Generate(workload) = &compared.request.task else { bail!("there is nothing to generate") };
    let counted = workload.iterations as usize;
    let request = Arc::new(compared.request);
    let mut runner = RunnerProcess::start(compared.program, compared.backend, request, mailbox)?;
    let mut throughputs: Vec<f64> = Vec::with_capacity(counted);
    let mut sampler: Option<Sampler> = None;
    loop {
        // The settling time is between the event of an iteration and the next iteration.
        match (sampler.take(), sampled(throughputs.len())) {
            (Some(running), true) => sampler = Some(running),
            (Some(running), false) => compared.meters = running.stop().meters,
            (None, true) if throughputs.len() < counted => {
                let meters = std::mem::take(&mut compared.meters);
                let started = Sampler::start(compared.root, meters, compared.period)?;
                started.watch(runner.id(), runner.edges())?;
                sampler = Some(started);
            }
            (None, _) => {}
        }
        match runner.event(mailbox, compared.silence)? {
            Event::Iteration(iteration) if iteration.kind == IterationKind::Measured => {
                let turn = iteration.turns.last().context("the runner reported an iteration without turns")?;
                let decode = turn.decode().context("the runner generated fewer than 2 tokens")?;
                throughputs.push(turn.decoded_tokens() as f64 * 1e9 / decode.duration_ns().max(1) as f64);
                told(throughputs.len());
            }
            Event::Failed { message, .. } => bail!("{}: {message}", compared.backend.name),
            Event::Done => break,
            _ => {}
        }
    }
    drop(sampler.map(Sampler::stop));
    runner.finish();
    Ok(pairs(&throughputs))
}

/// Whether the sampler runs beside an iteration: with, without, without, with, and so on.
fn sampled(iteration: usize) -> bool {
    matches!(iteration % 4, 0 | 3)
}

fn pairs(throughputs: &[f64]) -> Vec<(f64, f64)> {
    let (pairs, _) = throughputs.as_chunks::<2>();
    let ordered = pairs.iter().enumerate().map(
        |(index, &[one, other])| {
            if sampled(2 * index) { (one, other) } else { (other, one) }
        },
    );
    ordered.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pair_has_one_with_and_one_without_in_turns() {
        let order: String = (0..8).map(|index| if sampled(index) { 'w' } else { '-' }).collect();
        assert_eq!(order, "w--ww--w");
        assert_eq!(pairs(&[1.0, 2.0, 3.0, 4.0, 5.0]), [(1.0, 2.0), (4.0, 3.0)]);
    }
}
