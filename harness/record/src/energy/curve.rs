//! Energy used so far as a function of time, with its uncertainty.

use std::collections::BTreeMap;

use pocketwatt_meter::{
    TimeSpan,
    energy::{Reason, Unavailable},
};
use pocketwatt_protocol::MonotonicNs;

use super::variance::variance_of_mean;

/// Energy that had been used at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Knot {
    /// Seconds since the first reading.
    pub at: f64,
    /// The meter was updated at most this much earlier or later, in seconds.
    pub half_width: f64,
    /// Joules since the first reading.
    pub joules: f64,
    /// Variance of the joules themselves, in J^2.
    pub variance: f64,
}

/// A time in which the value of a gauge is unknown, in seconds since the first reading.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gap {
    pub start: f64,
    pub end: f64,
    /// Difference between the highest and the lowest power that are possible in it.
    pub watts: f64,
}

/// Energy used so far, by one meter: straight lines between moments at which it is known.
#[derive(Debug)]
pub(super) struct Curve {
    /// Time zero.
    pub origin: MonotonicNs,
    /// In order of time, no two at the same; at least two.
    pub knots: Vec<Knot>,
    /// Cumulative variance of the segments up to each knot, in J^2: what a gauge missed between two readings.
    pub spread: Vec<f64>,
    /// Further than this many seconds from a change, a line is known to be straight.
    pub reach: f64,
    /// Times in which a gauge did not answer.
    pub gaps: Vec<Gap>,
    /// The curve as a whole may be this many seconds early or late.
    pub lag: f64,
    /// The step of a gauge in watts; 0 for a counter, whose step is in its knots.
    pub watt_step: f64,
    /// Seconds between two updates of the meter.
    pub period: f64,
    /// Smallest step of the meter, in joules for a counter, in watts for a gauge.
    pub resolution: f64,
    /// Why there is nothing after the last knot.
    pub end: Option<Unavailable>,
}

/// Joules with their uncertainty, except for that of the meter's scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Estimate {
    pub joules: f64,
    /// Standard uncertainty squared, in J^2.
    pub variance: f64,
}

/// The position of a moment on a curve: between knot `segment` and the next, `share` of the way.
struct Place {
    segment: usize,
    share: f64,
}

impl Curve {
    /// Energy of several windows together. Shared edges of two windows cancel, as they do in reality.
    ///
    /// # Errors
    /// When a window is not covered by readings.
    pub fn energy(&self, spans: &[TimeSpan]) -> Result<Estimate, Unavailable> {
        for span in spans {
            self.covers(span)?;
        }
        let edges = self.edges(spans);
        let joules = self.joules(&edges, 0.0);
        let mut weights: BTreeMap<usize, f64> = BTreeMap::new();
        let mut ambiguity = 0.0;
        for &(at, sign) in &edges {
            let place = self.place(at);
            *weights.entry(place.segment).or_default() += sign * (1.0 - place.share);
            *weights.entry(place.segment + 1).or_default() += sign * place.share;
            // Power always rises where a window begins and falls where it ends: these errors have the same sign, and add up.
            ambiguity += sign.abs() * self.ambiguity(&place);
        }
        let of_knots: f64 = weights
            .iter()
            .map(|(&knot, weight)| {
                let known = &self.knots[knot];
                weight.powi(2) * ((self.watts_at(knot) * known.half_width).powi(2) / 3.0 + known.variance)
            })
            .sum();
        let spread: f64 = edges.iter().map(|&(at, sign)| sign * self.spread_until(at)).sum();
        let unseen: f64 = self.gaps.iter().map(|gap| (self.overlap(spans, gap) * gap.watts).powi(2) / 12.0).sum();
        let lag = (self.joules(&edges, self.lag) - joules).abs().max((self.joules(&edges, -self.lag) - joules).abs());
        let seconds: f64 = edges.iter().map(|&(at, sign)| sign * at).sum();
        let step = self.watt_step * seconds;
        let variance =
            of_knots + (ambiguity.powi(2) + lag.powi(2)) / 3.0 + spread.max(0.0) + step.powi(2) / 12.0 + unseen;
        Ok(Estimate { joules, variance })
    }

    /// Variance of a gauge where the power changes more often than it is updated: its values are then as many samples as it has
    /// updates, and not independent if their rhythm is that of the work. 0 for a counter, which misses
    /// nothing.
    pub fn sampling_variance(&self, span: &TimeSpan) -> f64 {
        const MOST_SAMPLES: f64 = 200.0;
        if self.watt_step <= 0.0 {
            return 0.0;
        }
        let (start, end) = (self.seconds(span.start), self.seconds(span.end));
        let count = ((end - start) / self.period).clamp(1.0, MOST_SAMPLES).floor();
        let length = (end - start) / count;
        let joules: Vec<f64> =
            (0..=count as u32).map(|edge| self.joules_at(start + f64::from(edge) * length)).collect();
        let powers: Vec<f64> = joules.windows(2).map(|pair| (pair[1] - pair[0]) / length).collect();
        variance_of_mean(&powers) * (end - start).powi(2)
    }

    /// Seconds that some windows have in common with a gap.
    fn overlap(&self, spans: &[TimeSpan], gap: &Gap) -> f64 {
        let shared =
            |span: &TimeSpan| (self.seconds(span.end).min(gap.end) - self.seconds(span.start).max(gap.start)).max(0.0);
        spans.iter().map(shared).sum()
    }

    fn covers(&self, span: &TimeSpan) -> Result<(), Unavailable> {
        let (Some(first), Some(last)) = (self.knots.first(), self.knots.last()) else {
            return Err(Unavailable::new(Reason::NotCovered, "the meter gave no reading"));
        };
        if self.seconds(span.end) > last.at {
            let silent = || Unavailable::new(Reason::NotCovered, "the meter's last reading came before the end");
            return Err(self.end.clone().unwrap_or_else(silent));
        }
        if self.seconds(span.start) < first.at {
            return Err(Unavailable::new(Reason::NotCovered, "the meter's first reading came after the start"));
        }
        Ok(())
    }

    /// Beginnings count -1 and ends +1; edges that cancel are left out.
    fn edges(&self, spans: &[TimeSpan]) -> Vec<(f64, f64)> {
        let mut signs: BTreeMap<MonotonicNs, i32> = BTreeMap::new();
        for span in spans {
            *signs.entry(span.start).or_default() -= 1;
            *signs.entry(span.end).or_default() += 1;
        }
        signs.retain(|_, sign| *sign != 0);
        signs.into_iter().map(|(at, sign)| (self.seconds(at), f64::from(sign))).collect()
    }

    /// Energy between the edges, on the curve shifted by `lag` seconds.
    fn joules(&self, edges: &[(f64, f64)], lag: f64) -> f64 {
        edges.iter().map(|&(at, sign)| sign * self.joules_at(at + lag)).sum()
    }

    /// The straight line between two knots, corrected for the change of power at the edge of a phase: the power of the segment
    /// before holds up to the edge, and that of the segment after from there on. Their average, weighted by how near each
    /// knot is, differs from the line by `left x right / (left + right) x (power before - power after)`.
    fn joules_at(&self, at: f64) -> f64 {
        let place = self.place(at);
        let [left, right] = [&self.knots[place.segment], &self.knots[place.segment + 1]];
        let line = left.joules + place.share * (right.joules - left.joules);
        let [before, _, after] = self.powers_around(place.segment);
        line + self.bend(&place) * (before - after)
    }

    fn spread_until(&self, at: f64) -> f64 {
        let Place { segment, share } = self.place(at);
        self.spread[segment] + share * (self.spread[segment + 1] - self.spread[segment])
    }

    fn place(&self, at: f64) -> Place {
        let after = self.knots.partition_point(|knot| knot.at <= at);
        let segment = after.saturating_sub(1).min(self.knots.len().saturating_sub(2));
        let [left, right] = [&self.knots[segment], &self.knots[segment + 1]];
        Place { segment, share: ((at - left.at) / (right.at - left.at)).clamp(0.0, 1.0) }
    }

    /// How far the true curve may be from the bent line at an edge, in joules: there the power may change by the whole difference
    /// between the segments before and after, or not at all.
    fn ambiguity(&self, place: &Place) -> f64 {
        // A pause of one update is in the adjacent segment, and hardly in the power of a few updates.
        let beside = [place.segment.saturating_sub(1), (place.segment + 1).min(self.knots.len() - 2)];
        let powers = self.powers_around(place.segment).into_iter().chain(beside.map(|segment| self.watts(segment)));
        let (least, most) =
            powers.fold((f64::MAX, f64::MIN), |(least, most), watts| (watts.min(least), watts.max(most)));
        let difference = most - least;
        self.bend(place) * difference
    }

    /// Joules by which a change of power of one watt at this position bends the line.
    fn bend(&self, place: &Place) -> f64 {
        let length = self.knots[place.segment + 1].at - self.knots[place.segment].at;
        let left = (place.share * length).min(self.reach);
        let right = ((1.0 - place.share) * length).min(self.reach);
        if left + right > 0.0 { left * right / (left + right) } else { 0.0 }
    }

    /// Power before a segment, in it, and after it. Readings at two edges may be so close that the segment between
    /// them contains one update of a counter or none, so the outer powers come from a few updates at least.
    fn powers_around(&self, segment: usize) -> [f64; 3] {
        const TICKS: f64 = 5.0;
        let least = if self.watt_step > 0.0 { 0.0 } else { TICKS * self.period };
        let last = self.knots.len() - 1;
        let far = |from: usize, to: usize| (self.knots[to].at - self.knots[from].at).abs() >= least;
        let (left, right) = (segment, segment + 1);
        let before = (0..left).rev().find(|&knot| far(knot, left)).unwrap_or(0);
        let after = (right + 1..=last).find(|&knot| far(right, knot)).unwrap_or(last);
        let between = |from: usize, to: usize| {
            let [from_knot, to_knot] = [&self.knots[from], &self.knots[to]];
            if from < to {
                (to_knot.joules - from_knot.joules) / (to_knot.at - from_knot.at)
            } else {
                self.watts(segment)
            }
        };
        [between(before, left), self.watts(segment), between(right, after)]
    }

    /// Mean power from a knot to the next.
    pub fn watts(&self, segment: usize) -> f64 {
        let [left, right] = [&self.knots[segment], &self.knots[segment + 1]];
        (right.joules - left.joules) / (right.at - left.at)
    }

    /// The larger of the powers before and after a knot: with it, the time of the knot becomes energy.
    fn watts_at(&self, knot: usize) -> f64 {
        let before = self.watts(knot.saturating_sub(1));
        let after = self.watts(knot.min(self.knots.len() - 2));
        before.max(after)
    }

    fn seconds(&self, at: MonotonicNs) -> f64 {
        seconds_since(self.origin, at)
    }
}

/// Seconds from `origin` to `at`, negative for an earlier moment.
pub(super) fn seconds_since(origin: MonotonicNs, at: MonotonicNs) -> f64 {
    at.since(origin) as f64 * 1e-9 - origin.since(at) as f64 * 1e-9
}

/// The median of some durations; `None` for none.
pub(super) fn median(mut durations: Vec<f64>) -> Option<f64> {
    durations.sort_by(f64::total_cmp);
    durations.get(durations.len() / 2).copied()
}
