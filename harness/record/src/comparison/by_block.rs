//! The numbers of a case, block by block.

use std::collections::BTreeMap;

use pocketwatt_protocol::Iteration;

use crate::{
    Absent, AbsentKind, Block, EnergyFigure, Evidence, Launch, Launches, MetricId, Record, Samples, Statistic, Summary,
    energy::{FigureMeters, Spans},
    metrics::{Consumption, Observations, Observe},
};

/// A metric in each block of a case that counts, by the block's number: the statistic of the block's observations, and for a metric of
/// energy also its 95 % uncertainty, both in the metric's unit.
pub type BlockValues = BTreeMap<u32, (f64, f64)>;

/// The numbers of a metric in each block of a case; of a metric of energy, those of the preferred scope. Every block has the
/// metric's own formula applied to its iterations alone.
///
/// # Errors
/// Why they cannot be told apart by blocks.
pub fn block_values(record: &Record, metric: MetricId, statistic: Statistic) -> Result<BlockValues, Absent> {
    if let Some(absent) = record.value(metric).and_then(|value| value.absent()) {
        return Err(absent.clone());
    }
    if record.samples.blocks.is_empty() {
        return Err(AbsentKind::NotInBlocks.into());
    }
    let case = Evidence::from(record);
    let blocks = || record.samples.counted_blocks();
    match metric.definition().observe {
        Observe::Iterations(observe) => {
            let of_block = |block: &Block| {
                let measured: Vec<&Iteration> = record.samples.measured_in(block).collect();
                Ok((block.number, summarised(observe(case.passport, &measured), statistic)?))
            };
            blocks().map(of_block).collect()
        }
        Observe::Launch(observe) => {
            let launches = Launches::of(&case);
            let of_block = |block: &Block| {
                let Launch { samples, readings } = launches.in_block(block);
                let observations = observe(&Evidence { samples: &samples, readings: &readings, ..case });
                Ok((block.number, summarised(observations, statistic)?))
            };
            blocks().map(of_block).collect()
        }
        Observe::Figure(observe) => {
            let meters = FigureMeters::of(&record.readings);
            let of_block = |block: &Block| {
                let samples = record.samples.only(block);
                let case = Evidence { samples: &samples, ..case };
                let figures = meters.figures(&case);
                let figure = preferred(&figures, record, metric).ok_or(AbsentKind::NotReadInCase)?;
                let spans = Spans::of(samples.counted());
                let found = observe(&Consumption { case, figure, spans: &spans })?;
                Ok((block.number, (found.value, found.uncertainty)))
            };
            blocks().map(of_block).collect()
        }
        Observe::Case(_) | Observe::Stretches(_) | Observe::Power(_) => Err(AbsentKind::ObservedOnce.into()),
    }
}

/// The statistic of a block's observations, which no meter makes uncertain.
fn summarised(observations: Observations, statistic: Statistic) -> Result<(f64, f64), Absent> {
    let summary = Summary::of(&observations?).ok_or(AbsentKind::NoObservations)?;
    Ok((statistic.of(&summary), 0.0))
}

/// The figure of the scope that the metric's first value has.
fn preferred<'f>(figures: &'f [EnergyFigure], record: &Record, metric: MetricId) -> Option<&'f EnergyFigure> {
    let scope = record.value(metric)?.scope.as_ref()?;
    figures
        .iter()
        .find(|figure| figure.scope == scope.scope && figure.source == scope.source && figure.part == scope.part)
}

impl Samples {
    /// The numbers of the blocks that count.
    pub fn block_numbers(&self) -> impl Iterator<Item = u32> {
        self.counted_blocks().map(|block| block.number)
    }
}
