//! What is known to differ before the candidate of a comparison is measured.

use pocketwatt_meter::DeviceFacts;

use crate::{
    Difference, Origin, Outcome, Property, Record, RunSettings,
    comparison::differences::{difference, differences, of_devices},
};

/// A record as it is before its case is measured.
#[derive(Clone, Copy, Debug)]
pub struct Intended<'a> {
    /// Its case and what its passport already says.
    pub record: &'a Record,
    /// How it is to be measured.
    pub settings: &'a RunSettings,
    /// Whether it is to be measured in blocks.
    pub in_blocks: bool,
    /// Where.
    pub device: &'a DeviceFacts,
}

/// Why a record that is yet to be measured will not be comparable with a stored one, as far as that is known. Only measuring shows the
/// numbers of tokens.
pub fn obstacles_beforehand(baseline: Origin<'_>, candidate: Intended<'_>) -> Vec<Difference> {
    let mut found = differences(baseline, Origin { record: candidate.record, run: None });
    if let Some(run) = baseline.run {
        found.extend(of_devices(&run.device, candidate.device).into_iter().flatten());
        if baseline.record.outcome == Outcome::Measured {
            let (before, now) = (&run.settings, candidate.settings);
            let in_blocks = !baseline.record.samples.blocks.is_empty();
            found.extend(difference(
                Property::WarmUp,
                Some(warm_up(before, in_blocks)),
                Some(warm_up(now, candidate.in_blocks)),
            ));
        }
    }
    found.retain(Difference::forbids_comparison);
    found
}

fn warm_up(settings: &RunSettings, in_blocks: bool) -> String {
    let plural = if settings.warmup_iterations == 1 { "" } else { "s" };
    let whole = format!("{} whole iteration{plural}", settings.warmup_iterations);
    match settings.turns.filter(|_| in_blocks) {
        Some(turns) if turns.short_warmup => "a short one in each block".into(),
        Some(_) => format!("{whole} in each block"),
        None => whole,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Run, Samples, TurnSettings, energy::simulation};

    #[test]
    fn other_weights_and_another_warm_up_are_known_before_anything_is_measured() {
        let baseline = simulation::record();
        let outcome = Outcome::Skipped { reason: "not yet".into() };
        let mut record = Record { outcome, samples: Samples::default(), ..simulation::record() };
        let turns = TurnSettings { blocks: 5, seed: 1, short_warmup: true, target: None };
        let settings = RunSettings { warmup_iterations: 1, turns: Some(turns), ..RunSettings::default() };
        let device = DeviceFacts::default();
        let run: Run = serde_json::from_value(json!({
            "format": {"major": 1, "minor": 0}, "id": "1", "pocketwatt": "0", "started_unix_ms": 0, "command": [],
            "device": device, "bandwidth": [], "settings": settings, "scenarios": [], "plan": []
        }))
        .unwrap();
        let found = |record: &Record, in_blocks: bool| -> Vec<Property> {
            let origin = Origin { record: &baseline, run: Some(&run) };
            let intended = Intended { record, settings: &settings, in_blocks, device: &device };
            obstacles_beforehand(origin, intended).iter().map(|difference| difference.property).collect()
        };
        assert_eq!(found(&record, false), []);
        assert_eq!(found(&record, true), [Property::WarmUp], "the baseline was measured in one process");
        record.passport.model.weights_sha256 = "other".into();
        assert_eq!(found(&record, false), [Property::Weights]);
    }
}
