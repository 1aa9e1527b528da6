//! The numbers of a case, block by block.

use std::collections::BTreeMap;

use crate::{
    Absent, AbsentKind, Block, EnergyFigure, Evidence, MetricId, Record, Samples, Statistic, Summary,
    energy::{Spans, derive_energy},
    launch_readings,
    metrics::{Consumption, Observe},
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
    let values =
        record.samples.counted_blocks().map(|block| Ok((block.number, in_block(record, block, metric, statistic)?)));
    values.collect()
}

fn in_block(record: &Record, block: &Block, metric: MetricId, statistic: Statistic) -> Result<(f64, f64), Absent> {
    let samples = record.samples.only(block);
    let case = Evidence { samples: &samples, ..Evidence::from(record) };
    match metric.definition().observe {
        Observe::Iterations(observe) => {
            let observations = observe(case.passport, &samples.counted().collect::<Vec<_>>())?;
            let summary = Summary::of(&observations).ok_or(AbsentKind::NoObservations)?;
            Ok((statistic.of(&summary), 0.0))
        }
        Observe::Launch(observe) => {
            let readings = launch_readings(case.readings, block);
            let observations = observe(&Evidence { readings: &readings, ..case })?;
            let summary = Summary::of(&observations).ok_or(AbsentKind::NoObservations)?;
            Ok((statistic.of(&summary), 0.0))
        }
        Observe::Figure(observe) => {
            let figures = derive_energy(case);
            let figure = preferred(&figures, record, metric).ok_or(AbsentKind::NotReadInCase)?;
            let spans = Spans::of(samples.counted());
            let found = observe(&Consumption { case, figure, spans: &spans })?;
            Ok((found.value, found.uncertainty))
        }
        Observe::Case(_) | Observe::Stretches(_) | Observe::Power(_) => Err(AbsentKind::ObservedOnce.into()),
    }
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
