//! The verdicts on stored pairs.

use crate::{
    Basis, Calibration, Case, StoredContest, StoredPair, StoredRatio, Verdict,
    comparison::{
        chained::{Chained, test_family},
        family::detectable,
        verdict::{CONFIDENCE, FAMILY_LEVEL, decided, verdict},
    },
    statistics::FamilyTest,
};

/// Gives each contest its verdict. All that can be tested are one family: the probability that any verdict of better or worse is
/// false is at most 1 % (Bretz et al. 2009). Two runs that were not measured together are tested only with a calibration, which must be
/// that of their device; without one, they stay undecided.
pub fn judge(pairs: &mut [StoredPair], calibration: Option<&Calibration>) {
    for pair in &mut *pairs {
        for contest in &mut pair.contests {
            widen(contest, &pair.candidate, calibration);
        }
    }
    let all = pairs.iter().enumerate().flat_map(|(pair, stored)| stored.contests.iter().map(move |one| (pair, one)));
    let tests: Vec<Chained<usize>> = all
        .filter(|(_, contest)| is_tested(contest))
        .filter_map(|(pair, contest)| {
            let p_value = contest.ratio.as_ref().ok()?.p_beyond(contest.margin);
            Some(Chained { pair, metric: contest.metric, p_value })
        })
        .collect();
    let mut tested = test_family(&tests).into_iter();
    for contest in pairs.iter_mut().flat_map(|pair| &mut pair.contests) {
        let test = if is_tested(contest) { tested.next() } else { None };
        let Ok(ratio) = &contest.ratio else { continue };
        contest.verdict = Some(test.map_or(UNDECIDED, |test| of(ratio, contest, test)));
        if let Some(test) = test {
            let half_width = ratio.half_width(1.0 - FAMILY_LEVEL * test.weight);
            contest.detectable = detectable(half_width, ratio.standard_error(), contest.margin);
            contest.p_value = test.p_value;
        }
    }
}

/// No number of blocks in the same two runs would decide.
const UNDECIDED: Verdict = Verdict::Undecided { more_blocks: None };

/// Adds the noise between runs.
fn widen(contest: &mut StoredContest, case: &Case, calibration: Option<&Calibration>) {
    let Ok(StoredRatio::Apart(ratio)) = &mut contest.ratio else { return };
    let Some(calibration) = calibration else { return };
    contest.basis = Basis::NotCalibrated;
    if let Some(noise) = calibration.noise(&case.backend, case.precision, contest.metric) {
        *ratio = ratio.clone().between_runs(noise.deviation, noise.pairs);
        contest.basis = Basis::Calibrated { pairs: noise.pairs };
    }
}

fn is_tested(contest: &StoredContest) -> bool {
    contest.ratio.is_ok() && matches!(contest.basis, Basis::Together | Basis::Calibrated { .. })
}

fn of(ratio: &StoredRatio, contest: &StoredContest, test: FamilyTest) -> Verdict {
    let direction = contest.metric.definition().direction;
    match ratio {
        StoredRatio::Together(ratio) => verdict(ratio, direction, contest.margin, test),
        StoredRatio::Apart(ratio) => {
            decided(ratio.value(), ratio.interval(CONFIDENCE), direction, contest.margin, test.p_value)
                .unwrap_or(UNDECIDED)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        AbsentKind, CALIBRATION_FORMAT, CalibratedDevice, MARGIN, MetricId, Noise, Origin, Outcome, Record,
        SpeedMetric, derive, energy::simulation,
    };

    /// Decodes three tokens in each iteration, with this many nanoseconds between them.
    fn measured(gaps: &[u64]) -> Record {
        let mut record = simulation::record();
        record.samples.iterations = gaps.iter().map(|gap| simulation::decoding(*gap, 0)).collect();
        derive(&mut record);
        record
    }

    fn pair(baseline: &Record, candidate: &Record) -> StoredPair {
        let origin = |record| Origin { record, run: None };
        let metrics = [(MetricId::Speed(SpeedMetric::InterTokenLatency), MARGIN)];
        StoredPair::of(origin(baseline), origin(candidate), &metrics)
    }

    /// What is said about a pair where two runs differ by so much.
    fn judged(baseline: &Record, candidate: &Record, deviation: Option<f64>) -> StoredContest {
        let noise = |deviation| Noise {
            backend: candidate.case.backend.clone(),
            precision: candidate.case.precision,
            metric: SpeedMetric::InterTokenLatency.definition().name.into(),
            deviation,
            pairs: 30,
            block_deviation: None,
        };
        let calibration = deviation.map(|deviation| Calibration {
            format: CALIBRATION_FORMAT,
            pocketwatt: "0".into(),
            created_unix_ms: 0,
            device: CalibratedDevice::default(),
            noise: vec![noise(deviation)],
        });
        let mut pairs = [pair(baseline, candidate)];
        judge(&mut pairs, calibration.as_ref());
        pairs[0].contests[0].clone()
    }

    const STEADY: [u64; 5] = [1_000_000, 1_000_010, 999_990, 1_000_005, 999_995];

    #[test]
    fn without_the_noise_between_runs_nothing_is_decided() {
        let (baseline, candidate) = (measured(&STEADY), measured(&STEADY.map(|gap| 2 * gap)));
        let alone = judged(&baseline, &candidate, None);
        assert_eq!((alone.verdict, alone.basis, alone.detectable), (Some(UNDECIDED), Basis::NotTogether, None));
        let ratio = alone.ratio.unwrap();
        assert!((ratio.value() - 2.0).abs() < 1e-4 && ratio.interval(0.95).0 > 1.99, "it is still shown");
    }

    #[test]
    fn with_it_a_verdict_depends_on_how_large_it_is() {
        let (baseline, slower) = (measured(&STEADY), measured(&STEADY.map(|gap| gap / 10 * 11)));
        assert_eq!(judged(&baseline, &slower, Some(0.01)).verdict, Some(Verdict::Worse));
        assert_eq!(judged(&slower, &baseline, Some(0.01)).verdict, Some(Verdict::Better));
        assert_eq!(judged(&baseline, &slower, Some(0.1)).verdict, Some(UNDECIDED));
        assert_eq!(judged(&baseline, &baseline, Some(0.001)).verdict, Some(Verdict::Same));
        let detectable = |deviation: f64| judged(&baseline, &baseline, Some(deviation)).detectable.unwrap();
        assert!(detectable(0.01) > 0.03 && detectable(0.05) > 3.0 * detectable(0.01), "{}", detectable(0.01));
    }

    #[test]
    fn too_few_rounds_have_no_ratio_and_a_case_that_was_not_measured_no_numbers() {
        let few = judged(&measured(&STEADY), &measured(&[1_000_000, 1_000_001]), Some(0.01));
        assert_eq!((few.ratio.unwrap_err().kind, few.verdict), (AbsentKind::FewRounds, None));
        let mut skipped = measured(&STEADY);
        skipped.outcome = Outcome::Skipped { reason: "no memory".into() };
        let skipped = pair(&measured(&STEADY), &skipped);
        assert!(skipped.contests.is_empty() && !skipped.failed_in_candidate());
    }
}
