//! Converts energy used so far to lines that can be drawn: with few enough points for any length of a run, and without powers that only
//! result from the timing of two readings.

use pocketwatt_record::{EnergyPoint, PowerPoint};

/// Most steps, or pairs of points, of a drawn curve: about one for each column of pixels.
pub const STEPS: usize = 800;
/// A power is drawn only if its segment is this many times longer than the uncertainty of its ends, which then
/// change it by a tenth at most.
const LONGER_THAN_ITS_EDGES: f64 = 5.0;

/// Mean power during a segment of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Seconds.
    pub from: f64,
    /// Seconds.
    pub to: f64,
    /// Mean, in watts: the area below all steps is the energy.
    pub watts: f64,
    /// Lowest mean between two updates within the step.
    pub lowest: f64,
    /// Highest.
    pub highest: f64,
}

/// Mean power between updates; updates less than `shortest` seconds apart share a step.
pub fn steps(points: &[EnergyPoint], shortest: f64) -> Vec<Step> {
    let fine =
        stretches(points, |from, to| to.at - from.at >= LONGER_THAN_ITS_EDGES * (from.half_width + to.half_width));
    let ends: Vec<EnergyPoint> =
        fine.iter().take(1).map(|(from, _)| *from).chain(fine.iter().map(|(_, to)| *to)).collect();
    let coarse = stretches(&ends, |from, to| to.at - from.at >= shortest);
    let mut fine = fine.into_iter().peekable();
    let mut steps = Vec::with_capacity(coarse.len());
    for (from, to) in coarse {
        let watts = mean(&from, &to);
        let mut step = Step { from: from.at, to: to.at, watts, lowest: watts, highest: watts };
        while let Some((from, to)) = fine.next_if(|(_, end)| end.at <= to.at) {
            let watts = mean(&from, &to);
            step.lowest = step.lowest.min(watts);
            step.highest = step.highest.max(watts);
        }
        steps.push(step);
    }
    steps
}

/// Splits a curve at the points that end a segment that is `long` enough. The rest at the end joins the last one.
fn stretches(
    points: &[EnergyPoint],
    long: impl Fn(&EnergyPoint, &EnergyPoint) -> bool,
) -> Vec<(EnergyPoint, EnergyPoint)> {
    let [first, rest @ ..] = points else { return Vec::new() };
    let mut stretches: Vec<(EnergyPoint, EnergyPoint)> = Vec::new();
    let mut from = *first;
    for (index, point) in rest.iter().enumerate() {
        if long(&from, point) {
            stretches.push((from, *point));
            from = *point;
        } else if index + 1 == rest.len() && point.at > from.at {
            match stretches.last_mut() {
                Some(last) => last.1 = *point,
                None => stretches.push((from, *point)),
            }
        }
    }
    stretches
}

fn mean(from: &EnergyPoint, to: &EnergyPoint) -> f64 {
    (to.joules - from.joules) / (to.at - from.at)
}

/// What a gauge showed, as steps of its mean, if it was read too often for a line; empty if a line can be drawn. Each
/// reading holds until the next.
pub fn many_readings(points: &[PowerPoint], shortest: f64) -> Vec<Step> {
    if points.len() <= 2 * STEPS {
        return Vec::new();
    }
    let mut joules = 0.0;
    let held = points.iter().scan(None, |before: &mut Option<PowerPoint>, point| {
        joules += before.map_or(0.0, |before| before.watts * (point.at - before.at));
        *before = Some(*point);
        Some(EnergyPoint { at: point.at, half_width: 0.0, joules })
    });
    steps(&held.collect::<Vec<_>>(), shortest)
}

/// Any readings over time. If there are too many points, the lowest and the highest of each segment of
/// `shortest` seconds stay, in their order.
pub fn envelope(points: &[PowerPoint], shortest: f64) -> Vec<PowerPoint> {
    if points.len() <= 2 * STEPS {
        return points.to_vec();
    }
    let Some(start) = points.first().map(|point| point.at) else { return Vec::new() };
    let mut kept = Vec::new();
    for stretch in
        points.chunk_by(|left, right| ((left.at - start) / shortest) as u64 == ((right.at - start) / shortest) as u64)
    {
        let by_watts = |left: &&PowerPoint, right: &&PowerPoint| left.watts.total_cmp(&right.watts);
        let (Some(lowest), Some(highest)) = (stretch.iter().min_by(by_watts), stretch.iter().max_by(by_watts)) else {
            continue;
        };
        let in_order = if lowest.at <= highest.at { [lowest, highest] } else { [highest, lowest] };
        kept.push(*in_order[0]);
        kept.extend((lowest.at != highest.at).then_some(*in_order[1]));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A counter whose updates are known to half a millisecond.
    fn counter(points: &[(f64, f64)]) -> Vec<EnergyPoint> {
        points.iter().map(|&(at, joules)| EnergyPoint { at, half_width: 0.0005, joules }).collect()
    }

    fn energy(steps: &[Step]) -> f64 {
        steps.iter().map(|step| step.watts * (step.to - step.from)).sum()
    }

    #[test]
    fn readings_at_an_edge_make_no_spikes() {
        // 10 W; at the edge of a phase two readings are 0.1 ms apart, and an update of 1 ms falls between them.
        let points = counter(&[(0.0, 0.0), (0.1, 1.0), (0.1001, 1.01), (0.2, 2.0), (0.3, 3.0)]);
        let steps = steps(&points, 0.0);
        assert!(steps.iter().all(|step| (step.highest - 10.0).abs() < 0.2), "{steps:?}");
        assert!((energy(&steps) - 3.0).abs() < 1e-9, "the area stays: {steps:?}");
    }

    #[test]
    fn a_long_run_becomes_few_steps_that_keep_its_peaks() {
        // Six hours at ten readings a second: 5 W, and one tenth of a second of 95 W.
        let mut joules = 0.0;
        let points: Vec<(f64, f64)> = (0..216_000)
            .map(|index| {
                joules += if index == 100_000 { 9.5 } else { 0.5 };
                (f64::from(index) * 0.1, joules)
            })
            .collect();
        let steps = steps(&counter(&points), 21_600.0 / STEPS as f64);
        assert!((STEPS / 2..=STEPS).contains(&steps.len()), "{}", steps.len());
        let peak = steps.iter().map(|step| step.highest).fold(0.0, f64::max);
        assert!((peak - 95.0).abs() < 0.1, "{peak}");
        assert!(steps.iter().all(|step| step.lowest > 4.9 && step.watts < 6.0));
    }

    #[test]
    fn a_slow_battery_keeps_the_few_steps_that_it_has() {
        let points: Vec<EnergyPoint> = [(0.0, 0.0, 0.0), (30.0, 0.05, 120.0), (60.0, 0.05, 360.0), (75.0, 0.0, 480.0)]
            .map(|(at, half_width, joules)| EnergyPoint { at, half_width, joules })
            .into();
        let watts: Vec<f64> = steps(&points, 0.2).iter().map(|step| step.watts).collect();
        assert_eq!(watts, [4.0, 8.0, 8.0]);
        assert_eq!(steps(&points[..1], 0.2), [], "one point is no stretch");
    }

    #[test]
    fn a_gauge_read_for_hours_becomes_means_that_keep_its_peaks() {
        let watts = |index: u32| if index == 50_000 { 40.0 } else { f64::from(index % 3) + 1.0 };
        let points: Vec<PowerPoint> =
            (0..100_000).map(|index| PowerPoint { at: f64::from(index) * 0.1, watts: watts(index) }).collect();
        let steps = many_readings(&points, 10_000.0 / STEPS as f64);
        assert!((STEPS / 2..=STEPS).contains(&steps.len()), "{}", steps.len());
        assert!(steps.iter().all(|step| (step.watts - 2.0).abs() < 0.4), "{steps:?}");
        let peak = steps.iter().map(|step| step.highest).fold(0.0, f64::max);
        assert!((peak - 40.0).abs() < 1e-6, "{peak}");
        assert_eq!(many_readings(&points[..100], 0.1), [], "few readings are a line");
    }

    #[test]
    fn an_envelope_keeps_the_extremes() {
        let points: Vec<PowerPoint> = (0..100_000)
            .map(|index| PowerPoint {
                at: f64::from(index),
                watts: if index == 70_001 { 90.0 } else { f64::from(index % 7) },
            })
            .collect();
        let kept = envelope(&points, 100_000.0 / STEPS as f64);
        assert!(kept.len() <= 2 * STEPS + 2, "{}", kept.len());
        assert!(kept.iter().any(|point| point.watts == 90.0) && kept.iter().any(|point| point.watts == 0.0));
        assert!(kept.windows(2).all(|pair| pair[0].at < pair[1].at));
        assert_eq!(envelope(&points[..9], 1.0), points[..9], "few points stay as they are");
    }
}
