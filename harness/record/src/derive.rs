//! Metrics from samples and readings, by the definitions of the catalogue.

use pocketwatt_meter::energy::Reason;
use pocketwatt_protocol::Iteration;

use crate::{
    Absent, AbsentKind, EnergyFigure, Evidence, Launch, Launches, MetricId, MetricScope, MetricValue, Outcome, Record,
    Summary, Uncertain, Value, catalogue,
    energy::{Spans, derive_energy, mean_powers},
    metrics::{Consumption, Observations, Observe},
    physics, stretches,
};

/// Computes everything that follows from a measured record's samples and readings: energy, metrics, and the checks that
/// decide which metrics are shown. A record that was not measured keeps none of them.
pub fn derive(record: &mut Record) {
    record.energy.clear();
    record.metrics.clear();
    record.checks.clear();
    if record.outcome != Outcome::Measured {
        return;
    }
    record.energy = derive_energy(&*record);
    record.metrics = metrics(&Evidence::from(&*record), &record.energy);
    record.checks = physics::check(record);
}

/// Computes every metric of the catalogue from a record's raw samples and readings, in the catalogue's order.
///
/// A metric that cannot be computed is present with the reason. A metric of energy is present once for each figure
/// of the readings. [`derive()`], not this function, checks whether the numbers are possible.
pub fn derive_metrics(record: &Record) -> Vec<MetricValue> {
    metrics(&Evidence::from(record), &derive_energy(record))
}

/// The observations that a metric of a measured record is the summary of, in the metric's unit and in the order of time.
///
/// # Errors
/// Why there are none. A metric of energy or power has none: it is computed for all iterations together.
pub fn observations(record: &Record, metric: impl Into<MetricId>) -> Result<Vec<f64>, Absent> {
    let case = Evidence::from(record);
    match metric.into().definition().observe {
        Observe::Iterations(observe) => observe(case.passport, &case.samples.counted().collect::<Vec<_>>()),
        Observe::Launch(observe) => each_launch(&case, &Launches::of(&case), observe),
        Observe::Case(observe) => observe(&case),
        Observe::Stretches(observe) => stretches(case).and_then(|both| observe(&case, &both)),
        Observe::Figure(_) | Observe::Power(_) => Err(AbsentKind::NoObservations.into()),
    }
}

fn metrics(case: &Evidence<'_>, figures: &[EnergyFigure]) -> Vec<MetricValue> {
    let counted: Vec<&Iteration> = case.samples.counted().collect();
    let spans = Spans::of(counted.iter().copied());
    let launches = Launches::of(case);
    let once = |metric: MetricId, observations: Observations| vec![summarised(metric, observations)];
    let of_each_figure = |metric: MetricId, found: Vec<Result<Uncertain, Absent>>| match figures {
        [] => vec![no_figure(metric, case)],
        _ => figures.iter().zip(found).map(|(figure, found)| of_figure(metric, figure, found)).collect(),
    };
    let values = catalogue().iter().flat_map(|&metric| match metric.definition().observe {
        Observe::Iterations(observe) => once(metric, observe(case.passport, &counted)),
        Observe::Launch(observe) => once(metric, each_launch(case, &launches, observe)),
        Observe::Case(observe) => once(metric, observe(case)),
        Observe::Stretches(observe) => once(metric, stretches(*case).and_then(|both| observe(case, &both))),
        Observe::Figure(observe) => {
            let found = figures.iter().map(|figure| observe(&Consumption { case: *case, figure, spans: &spans }));
            of_each_figure(metric, found.collect())
        }
        Observe::Power(span) => of_each_figure(
            metric,
            match stretches(*case) {
                Ok(both) => mean_powers(&case.readings.energy, span(&both)),
                Err(absent) => vec![Err(absent); figures.len()],
            },
        ),
    });
    values.collect()
}

/// Of each block that counts, which has a launch of its own; of the case where it was not measured in blocks.
fn each_launch(
    case: &Evidence<'_>,
    launches: &Launches<'_>,
    observe: fn(&Evidence<'_>) -> Observations,
) -> Observations {
    if case.samples.blocks.is_empty() {
        return observe(case);
    }
    let mut all = Vec::new();
    for block in case.samples.counted_blocks() {
        let Launch { samples, readings } = launches.in_block(block);
        all.extend(observe(&Evidence { samples: &samples, readings: &readings, ..*case })?);
    }
    Ok(all)
}

fn summarised(metric: MetricId, observations: Observations) -> MetricValue {
    let value = match observations {
        Ok(observations) => match Summary::of(&observations) {
            Some(summary) => Value::Measured(summary),
            None if observations.is_empty() => Value::Absent(AbsentKind::NoObservations.into()),
            None => Value::Absent(AbsentKind::NoFiniteNumber.into()),
        },
        Err(absent) => Value::Absent(absent),
    };
    MetricValue { metric: metric.into(), scope: None, uncertainty: None, value }
}

/// A metric of energy where no meter was read.
fn no_figure(metric: MetricId, case: &Evidence<'_>) -> MetricValue {
    let reason = case.readings.no_energy.as_ref().map_or(Reason::NotCovered, |unavailable| unavailable.reason);
    MetricValue { metric: metric.into(), scope: None, uncertainty: None, value: Value::Absent(reason.into()) }
}

fn of_figure(metric: MetricId, figure: &EnergyFigure, found: Result<Uncertain, Absent>) -> MetricValue {
    let scope = MetricScope { scope: figure.scope, source: figure.source, part: figure.part.clone() };
    let (uncertainty, value) = match found.map(|found| (found.uncertainty, Summary::of(&[found.value]))) {
        Ok((uncertainty, Some(summary))) if uncertainty.is_finite() => (Some(uncertainty), Value::Measured(summary)),
        Ok(_) => (None, Value::Absent(AbsentKind::NoFiniteNumber.into())),
        Err(absent) => (None, Value::Absent(absent)),
    };
    MetricValue { metric: metric.into(), scope: Some(scope), uncertainty, value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EnergyMetric, SpeedMetric, energy::simulation};

    #[test]
    fn a_metric_is_the_summary_of_its_observations() {
        let mut record = simulation::record();
        record.samples.iterations = [190, 210, 200].iter().map(|gap| simulation::decoding(*gap, 0)).collect();
        derive(&mut record);
        let measured = |metric: &MetricId| record.summary(*metric).filter(|_| !metric.is_of_energy()).is_some();
        let metrics: Vec<MetricId> = catalogue().iter().copied().filter(measured).collect();
        assert!(metrics.contains(&SpeedMetric::DecodeThroughput.into()));
        for metric in metrics {
            let observations = observations(&record, metric).unwrap();
            assert_eq!(Summary::of(&observations).as_ref(), record.summary(metric), "{}", metric.name());
        }
        let none = observations(&record, EnergyMetric::EnergyPerRequest).unwrap_err();
        assert_eq!(none.kind, AbsentKind::NoObservations);
    }
}
