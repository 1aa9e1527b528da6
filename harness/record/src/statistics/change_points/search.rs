//! The search for changes, value by value, as it would have been done when each value was the newest.

use super::{
    course::{likeness, median, slope, without_slope},
    rank_sum::{Contradictions, RankSums},
    shift::Shift,
};

/// Values before a change that it is compared with: more make the test sharper, and let a drift look like a change.
const MOST_EARLIER: usize = 80;
/// Values after a change, at least: three are too few for a test at this level.
const LEAST_LATER: usize = 4;
/// Values after a change, at most: what is not found by then is a matter of taste.
const MOST_LATER: usize = 20;
/// A change has a p-value of at most this. Nearly independent tests of one value add up to less than one false change in 1000 values.
const LEVEL: f64 = 1.5e-4;
/// Values before a change that say how much neighbours resemble each other.
const MOST_NEIGHBOURS: usize = 240;
/// Values on either side of which the size of a change is the size of.
const MOST_SHIFTED: usize = 80;

/// Fewer values in a series cannot show a change, however large it is.
pub const LEAST_VALUES: usize = 17;

/// Whether a change could be found at a place with so many values before it, since the change before, and so many from it on.
pub fn could_be_found(earlier: usize, later: usize, sums: &mut RankSums) -> bool {
    let is_low = |later| sums.least(earlier.min(MOST_EARLIER), later).is_some_and(|least| least <= LEVEL);
    (LEAST_LATER..=MOST_LATER.min(later)).any(is_low)
}

/// A place at which a series changed its level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChangePoint {
    /// The first value of the new level.
    pub first: usize,
    /// The value with which the change was found; what comes after it changed neither this nor `first` nor `p_value`.
    pub found: usize,
    /// The probability of values that lie so far apart if there was no change, as it was when the change was found.
    pub p_value: f64,
    /// The same with all that is known by now, as `before` and `after`; absent if it is more than 5 %: then the change did not last.
    pub p_value_now: Option<f64>,
    /// The median before it, over at most 80 values since the change before.
    pub before: f64,
    /// The median after it, over at most 80 values until the next change.
    pub after: f64,
    /// The ratio of both levels; absent where a value is not above 0.
    pub shift: Option<Shift>,
}

/// The changes in a series of measurements, in its order. Values that are not finite are passed over.
///
/// At each value the ones since the last change are cut in two at every place with 4 to 20 values after it, and the up to 80 before
/// it are compared with them by the test of rank sums. A change is reported if the smallest p-value is at most 0.00015, also after the drift of the earlier values was taken from all, and if the medians differ by more than `margin`, a share of
/// the earlier one. How much neighbours resemble each other weakens the test. Its place is the cut around
/// whose medians the values deviate least.
///
/// Ranks are why it does not matter how far off a disturbed value is, and why the share of false changes does not depend on how the
/// values scatter. What was found never depends on later values, except for its size.
pub fn change_points(values: &[f64], margin: f64, sums: &mut RankSums) -> Vec<ChangePoint> {
    let finite: Vec<(usize, f64)> = values.iter().copied().enumerate().filter(|(_, value)| value.is_finite()).collect();
    let series: Vec<f64> = finite.iter().map(|(_, value)| *value).collect();
    let mut search = Search { series: &series, margin, sums };
    let mut cuts: Vec<Cut> = Vec::new();
    for newest in 0..series.len() {
        let start = cuts.last().map_or(0, |cut| cut.first);
        cuts.extend(search.at(start, newest));
    }
    let ends = cuts.iter().skip(1).map(|cut| cut.first).chain([series.len()]);
    let starts = [0].into_iter().chain(cuts.iter().map(|cut| cut.first));
    let places = |position: usize| finite.get(position).map_or(values.len(), |(place, _)| *place);
    let changes = cuts.iter().zip(starts).zip(ends).map(|((cut, start), end)| {
        let earlier = &series[start.max(cut.first.saturating_sub(MOST_SHIFTED))..cut.first];
        let later = &series[cut.first..end.min(cut.first + MOST_SHIFTED)];
        let contradictions = Contradictions::count(&sorted(earlier), later).fewest();
        ChangePoint {
            first: places(cut.first),
            found: places(cut.found),
            p_value: cut.p_value,
            p_value_now: search.sums.p_value(earlier.len(), later.len(), contradictions),
            before: median(earlier),
            after: median(later),
            shift: Shift::between(earlier, later, search.sums),
        }
    });
    changes.collect()
}

/// A change as it was found.
#[derive(Clone, Copy)]
struct Cut {
    first: usize,
    found: usize,
    p_value: f64,
}

struct Search<'a> {
    series: &'a [f64],
    margin: f64,
    sums: &'a mut RankSums,
}

impl Search<'_> {
    /// The change that the newest value shows in the values since `start`, if there is one.
    fn at(&mut self, start: usize, newest: usize) -> Option<Cut> {
        let end = newest + 1;
        let mut best: Option<Cut> = None;
        let mut window = Window { earliest: end, ascending: Vec::new() };
        for later in LEAST_LATER..=MOST_LATER.min(end - start) {
            let first = end - later;
            let earliest = start.max(first.saturating_sub(MOST_EARLIER));
            if self.sums.least(first - earliest, later).is_none_or(|least| least > LEVEL) {
                continue;
            }
            window.move_to(self.series, earliest, first);
            let ascending = &window.ascending;
            let contradictions = Contradictions::count(ascending, &self.series[first..end]);
            let rank_sum = self.sums.p_value(first - earliest, later, contradictions.fewest());
            let Some(p_value) = rank_sum.filter(|p_value| *p_value <= LEVEL) else { continue };
            let alike = likeness(&self.series[start.max(first.saturating_sub(MOST_NEIGHBOURS))..first]);
            // Neighbours that are alike say as much as fewer values, which is a share of the logarithm of the p-value.
            let p_value = p_value.powf((1.0 - alike) / (1.0 + alike));
            let is_smallest = p_value <= LEVEL && best.is_none_or(|best| p_value < best.p_value);
            let is_rise = contradictions.of_rise < contradictions.of_fall;
            if is_smallest && self.is_more_than_drift(earliest, first, end, is_rise) {
                best = Some(Cut { first, found: newest, p_value });
            }
        }
        best.map(|cut| Cut { first: self.place(start, end), ..cut })
    }

    /// Where the change lies: the cut around whose two medians the values deviate least. The test alone would often take a value too
    /// many, because that makes two sides of more equal size.
    fn place(&self, start: usize, end: usize) -> usize {
        let earliest = start.max(end.saturating_sub(MOST_LATER + MOST_EARLIER));
        let deviation = |values: &[f64]| {
            let middle = median(values);
            values.iter().map(|value| (value - middle).abs()).sum::<f64>()
        };
        let cost = |first: usize| deviation(&self.series[earliest..first]) + deviation(&self.series[first..end]);
        let places = (earliest.max(end.saturating_sub(MOST_LATER)) + 1..end - 1).rev();
        places.min_by(|one, other| cost(*one).total_cmp(&cost(*other))).unwrap_or(end - 1)
    }

    /// Whether the difference is more than the margin, and remains when the earlier values' slope is taken from all.
    fn is_more_than_drift(&mut self, earliest: usize, first: usize, end: usize, is_rise: bool) -> bool {
        let (before, after) = (median(&self.series[earliest..first]), median(&self.series[first..end]));
        if (after - before).abs() <= self.margin * before.abs() {
            return false;
        }
        let level = without_slope(&self.series[earliest..end], slope(&self.series[earliest..first]));
        let (earlier, later) = level.split_at(first - earliest);
        let found = Contradictions::count(&sorted(earlier), later);
        let contradictions = if is_rise { found.of_rise } else { found.of_fall };
        self.sums.p_value(earlier.len(), later.len(), contradictions).is_some_and(|p_value| p_value <= LEVEL)
    }
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut values = values.to_vec();
    values.sort_unstable_by(f64::total_cmp);
    values
}

/// The values before a cut, in ascending order.
struct Window {
    earliest: usize,
    ascending: Vec<f64>,
}

impl Window {
    /// From one cut to the next, which is one place before it, one value leaves, and at most one comes.
    fn move_to(&mut self, series: &[f64], earliest: usize, first: usize) {
        if self.ascending.is_empty() {
            self.ascending = sorted(&series[earliest..first]);
        } else {
            let left = self.place(series[first]);
            self.ascending.remove(left);
            if earliest < self.earliest {
                let came = self.place(series[earliest]);
                self.ascending.insert(came, series[earliest]);
            }
        }
        self.earliest = earliest;
    }

    fn place(&self, value: f64) -> usize {
        self.ascending.partition_point(|other| other.total_cmp(&value).is_lt())
    }
}
