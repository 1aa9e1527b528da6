//! One figure for each scope and interface: the energy of each phase according to its meters.

use pocketwatt_meter::{
    CaseReadings, TimeSpan,
    energy::{Measurand, MeterSeries, Reason, Unavailable},
};
use pocketwatt_protocol::Loaded;

use super::{
    EnergyFigure, Idle, IdlePower, IterationEnergy, Over, Phase, PhaseEnergy,
    curve::Estimate,
    idle::idle_power,
    meters::{Meters, RESOLVED, energy, gross, groups, part},
    resolution::{Stretches, in_rhythm, resolves_neighbour, resolves_windows, stretches},
    spans::{Spans, duration_ns},
};
use crate::{Amount, Evidence};

/// Energy of the phases of a case, one figure for each scope and interface, in the order of the readings.
///
/// Needs the readings: a record without readings has no figures.
pub fn derive_energy<'a>(case: impl Into<Evidence<'a>>) -> Vec<EnergyFigure> {
    let case = case.into();
    FigureMeters::of(case.readings).figures(&case)
}

/// The meters of each figure. They are read into curves once, and can then be asked about every block of a case.
pub(crate) struct FigureMeters<'a>(Vec<(Vec<&'a MeterSeries>, Meters<'a>, Option<String>)>);

impl<'a> FigureMeters<'a> {
    pub fn of(readings: &'a CaseReadings) -> Self {
        let groups = groups(&readings.energy);
        let of_figure =
            |group: &Vec<&'a MeterSeries>| (group.clone(), Meters::of(group, &readings.energy), part(group, &groups));
        Self(groups.iter().map(of_figure).collect())
    }

    /// The energy of the phases of a case, or of a block of it, with these readings.
    pub fn figures(&self, case: &Evidence<'_>) -> Vec<EnergyFigure> {
        self.0.iter().map(|(group, meters, part)| figure(case, group, meters, part.clone())).collect()
    }
}

fn figure(case: &Evidence<'_>, group: &[&MeterSeries], meters: &Meters<'_>, part: Option<String>) -> EnergyFigure {
    let first = &group[0].meter;
    let idle = idle_power(meters, case.readings.idle.as_ref());
    let gain_error = meters.gain_error();
    EnergyFigure {
        scope: first.scope,
        part,
        source: first.source,
        meters: group.iter().map(|series| series.meter.id.clone()).collect(),
        method: method(&first.measurand).to_owned(),
        update_period_ns: Some((meters.period() * 1e9).round() as u64)
            .filter(|&ns| ns > 0)
            .or(first.update_period.map(|period| period.ns)),
        resolution: meters.curves().map(|curve| curve.resolution).fold(0.0, f64::max),
        readings: group.iter().fold(0, |sum, series| sum.saturating_add(series.taken)),
        gain_error,
        phases: phases(case, meters, idle.as_ref(), gain_error),
        iterations: iterations(case, meters, gain_error),
        idle: match idle {
            Ok(power) => Idle::Measured(power),
            Err(unavailable) => Idle::Unavailable(unavailable),
        },
    }
}

fn method(measurand: &Measurand) -> &'static str {
    match measurand {
        Measurand::EnergyCounter { .. } => "difference of a counter",
        Measurand::RemainingEnergy { .. } => "fall of the battery's energy",
        Measurand::RemainingCharge { .. } => "fall of the battery's charge x voltage",
        Measurand::Power { .. } => "power summed over time",
        Measurand::Current { .. } => "current x voltage summed over time",
    }
}

fn phases(
    case: &Evidence<'_>,
    meters: &Meters<'_>,
    idle: Result<&IdlePower, &Unavailable>,
    gain_error: Option<f64>,
) -> Vec<PhaseEnergy> {
    let spans = Spans::of(case.samples.counted());
    let load: Vec<TimeSpan> = case.samples.loaded.iter().map(Loaded::span).collect();
    let windows = case.readings.idle.as_ref();
    let before: Vec<TimeSpan> = windows.map(|idle| idle.before).into_iter().collect();
    let after: Vec<TimeSpan> = windows.and_then(|idle| idle.after).into_iter().collect();
    [
        (Phase::Load, &load, 0),
        (Phase::Prefill, &spans.prefill, spans.prompt_tokens),
        (Phase::Decode, &spans.decode, spans.decoded_tokens),
        (Phase::Request, &spans.request, spans.request.len() as u64),
        (Phase::IdleBefore, &before, 0),
        (Phase::IdleAfter, &after, 0),
    ]
    .into_iter()
    .map(|(phase, windows, units)| {
        let estimate = estimate(meters, phase, windows);
        let over = estimate.as_ref().ok().map(|(over, _)| *over);
        let estimate = estimate.map(|(_, estimate)| estimate);
        PhaseEnergy {
            phase,
            over,
            windows: windows.len() as u64,
            duration_ns: duration_ns(windows),
            units,
            net: energy(estimate.clone().and_then(|gross| {
                let idle = idle.map_err(Unavailable::clone)?;
                Ok(net(gross, idle, duration_ns(windows), gain_error))
            })),
            gross: energy(estimate.map(|estimate| gross(estimate, gain_error))),
        }
    })
    .collect()
}

fn iterations(case: &Evidence<'_>, meters: &Meters<'_>, gain_error: Option<f64>) -> Vec<IterationEnergy> {
    let spans: Vec<Spans> = case.samples.counted().map(|iteration| Spans::of([iteration])).collect();
    let blocks: Vec<Option<TimeSpan>> = spans.iter().map(Spans::block).collect();
    let block = |index: usize| blocks.get(index).copied().flatten();
    let told = |index: usize| {
        let own = block(index)?;
        let gap = |earlier: Option<TimeSpan>, later: Option<TimeSpan>| {
            earlier.zip(later).map_or(u64::MAX, |(earlier, later)| later.start.since(earlier.end))
        };
        let before = gap(index.checked_sub(1).and_then(block), Some(own));
        let after = gap(Some(own), block(index + 1));
        let apart = [before, after].into_iter().all(|gap| resolves_neighbour(own, gap, meters.period()));
        (apart && resolves_windows(&[own], meters.period())).then_some(())
    };
    let each = spans.iter().enumerate().map(|(index, spans)| alone(meters, spans, gain_error, told(index).is_some()));
    each.collect()
}

/// `told` is whether the meter can separate the iteration from those beside it.
fn alone(meters: &Meters<'_>, spans: &Spans, gain_error: Option<f64>, told: bool) -> IterationEnergy {
    let of = |phase: Phase, windows: &[TimeSpan]| {
        let estimate = estimate(meters, phase, windows).and_then(|(_, estimate)| match told {
            true => Ok(gross(estimate, gain_error)),
            false => {
                let hint = "the meter cannot tell one iteration from the next; their sum is in the phases";
                Err(Unavailable::new(Reason::BelowResolution, hint))
            }
        });
        energy(estimate)
    };
    IterationEnergy {
        prefill: of(Phase::Prefill, &spans.prefill),
        decode: of(Phase::Decode, &spans.decode),
        request: of(Phase::Request, &spans.request),
    }
}

/// Energy of a phase, as far as the meter resolves it, and the time over which it was measured.
fn estimate(meters: &Meters<'_>, phase: Phase, windows: &[TimeSpan]) -> Result<(Over, Estimate), Unavailable> {
    let name = phase.words();
    if windows.is_empty() {
        return Err(Unavailable::new(Reason::NotCovered, format!("{name} did not happen")));
    }
    if duration_ns(windows) == u64::MAX {
        return Err(Unavailable::new(Reason::Implausible, format!("{name} lasts longer than any clock counts")));
    }
    // A failure of the reading itself takes precedence.
    meters.energy(windows)?;
    let Stretches { spans, share, over, steps } = stretches(phase, windows, meters.period())?;
    let mut whole = meters.energy(&spans)?;
    let step = meters.step_joules();
    if whole.joules < steps * step {
        let hint = format!(
            "{name}: {:.3} J, and the meter counts in steps of {:.3} J; ask for --energy-uncertainty 5%",
            Amount(whole.joules),
            Amount(step)
        );
        return Err(Unavailable::new(Reason::BelowResolution, hint));
    }
    if over == Over::Blocks && !resolves_windows(windows, meters.period()) {
        if meters.sample() && in_rhythm(windows, &spans, meters.period()) {
            let hint = format!(
                "{name} is repeated in the rhythm in which the meter is updated, which may show the same part of it each time; \
                 change its length"
            );
            return Err(Unavailable::new(Reason::BelowResolution, hint));
        }
        whole.variance += meters.sampling_variance(&spans);
    }
    let gaps = whole.joules * (1.0 - share);
    let estimate =
        Estimate { joules: whole.joules * share, variance: whole.variance * share.powi(2) + gaps.powi(2) / 3.0 };
    let uncertainty = 2.0 * estimate.variance.sqrt();
    if uncertainty > RESOLVED * estimate.joules.abs() {
        let hint = format!(
            "{name}: {:.3} J with an uncertainty of {:.3} J; ask for --energy-uncertainty 5%",
            Amount(estimate.joules),
            Amount(uncertainty)
        );
        return Err(Unavailable::new(Reason::BelowResolution, hint));
    }
    Ok((over, estimate))
}

fn net(estimate: Estimate, idle: &IdlePower, duration_ns: u64, gain_error: Option<f64>) -> Estimate {
    let seconds = duration_ns as f64 * 1e-9;
    let gross = gross(estimate, gain_error);
    Estimate {
        joules: gross.joules - idle.watts() * seconds,
        variance: gross.variance + (seconds * idle.uncertainty_watts).powi(2),
    }
}
