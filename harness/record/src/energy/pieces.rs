//! A series in which something else fed the device for a while, in the pieces between. What a battery lost meanwhile is not what the
//! device used, and no line through it says anything about the windows on either side.

use std::borrow::Cow;

use pocketwatt_meter::{
    TimeSpan,
    energy::{MeterEnd, MeterSeries, Reason, Unavailable},
};

use super::curve::{Curve, Estimate};

/// The curves of one meter.
#[derive(Debug)]
pub(super) struct Pieces {
    /// In order of time; at least one.
    pub curves: Vec<Curve>,
}

impl Pieces {
    /// The curves of a meter's readings, one for each time without a break.
    ///
    /// # Errors
    /// When none of them has a curve.
    pub fn of(series: &MeterSeries) -> Result<Self, Unavailable> {
        let (curves, refused): (Vec<_>, Vec<_>) =
            pieces(series).iter().map(|piece| Curve::of(piece)).partition(Result::is_ok);
        let curves: Vec<Curve> = curves.into_iter().flatten().collect();
        match refused.into_iter().find_map(Result::err) {
            Some(why) if curves.is_empty() => Err(why),
            _ => Ok(Self { curves }),
        }
    }

    /// Energy of several windows together, each within one piece.
    ///
    /// # Errors
    /// When a window is not covered by readings without a break.
    pub fn energy(&self, spans: &[TimeSpan]) -> Result<Estimate, Unavailable> {
        let mut sum = Estimate { joules: 0.0, variance: 0.0 };
        let mut rest = spans;
        while let Some(first) = rest.first() {
            let curve = self.curve_at(first)?;
            let own = rest.iter().take_while(|span| self.curve_at(span).is_ok_and(|other| std::ptr::eq(other, curve)));
            let (own, later) = rest.split_at(own.count().max(1));
            let part = curve.energy(own)?;
            sum.joules += part.joules;
            sum.variance += part.variance;
            rest = later;
        }
        Ok(sum)
    }

    /// The last curve that begins before the window does. Only the first one may reach back to before its first reading.
    fn curve_at(&self, span: &TimeSpan) -> Result<&Curve, Unavailable> {
        let begun = self.curves.iter().rev().find(|curve| curve.origin <= span.start).or(self.curves.first());
        begun.ok_or_else(|| Unavailable::new(Reason::NotCovered, "the meter gave no reading"))
    }
}

/// The series itself where nothing broke it.
fn pieces(series: &MeterSeries) -> Vec<Cow<'_, MeterSeries>> {
    let is_break = |reason: Reason| !reason.may_pass();
    let breaks: Vec<_> = series.gaps.iter().filter(|gap| is_break(gap.unavailable.reason)).collect();
    if breaks.is_empty() {
        return vec![Cow::Borrowed(series)];
    }
    let mut pieces = Vec::new();
    let mut rest = &series.readings[..];
    let mut gaps: Vec<_> = series.gaps.iter().filter(|gap| !is_break(gap.unavailable.reason)).cloned().collect();
    for gap in breaks {
        let (before, after) = rest.split_at(rest.partition_point(|reading| reading.at < gap.end));
        let (own, later) = gaps.into_iter().partition(|other| other.end < gap.end);
        let ended = Some(MeterEnd { at: gap.start, unavailable: gap.unavailable.clone() });
        pieces.push(Cow::Owned(MeterSeries { readings: before.to_vec(), gaps: own, ended, ..series.clone() }));
        (rest, gaps) = (after, later);
    }
    pieces.push(Cow::Owned(MeterSeries { readings: rest.to_vec(), gaps, ..series.clone() }));
    pieces
}

#[cfg(test)]
mod tests {
    use pocketwatt_meter::energy::{
        Basis, Measurand, MeterGap, MeterInfo, MeterReading, MeterSource, Scope, UpdatePeriod,
    };
    use pocketwatt_protocol::MonotonicNs;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn span(start: u64, end: u64) -> TimeSpan {
        TimeSpan { start: MonotonicNs(start * SECOND), end: MonotonicNs(end * SECOND) }
    }

    /// A battery that gives 10 W from 0 to 100 s and from 200 to 300 s, and that a charger fills in between.
    fn series() -> MeterSeries {
        let mut series = MeterSeries::new(MeterInfo {
            id: "battery-service:charge-counter".into(),
            source: MeterSource::BatteryService,
            scope: Scope::Device,
            part: "battery".into(),
            path: "dumpsys".into(),
            measurand: Measurand::RemainingCharge { coulombs_per_unit: 3.6e-3 },
            unit_basis: Basis::Documented,
            resolution: 1,
            update_period: Some(UpdatePeriod { ns: SECOND, basis: Basis::Observed }),
            gain_error: None,
            power_limit_watts: None,
        });
        let reading = |second: u64, charge: f64| MeterReading {
            at: MonotonicNs(second * SECOND),
            value: charge as i64,
            microvolts: Some(4_000_000),
        };
        let used = |seconds: u64| seconds as f64 * 10.0 / 4.0 / 3.6e-3;
        series.readings.extend((0..=100).map(|second| reading(second, 2e6 - used(second))));
        series.readings.extend((200..=300).map(|second| reading(second, 2.5e6 - used(second))));
        series.gaps.push(MeterGap {
            start: MonotonicNs(100 * SECOND),
            end: MonotonicNs(200 * SECOND),
            failures: 1,
            unavailable: Unavailable::new(Reason::ChargerConnected, "USB feeds the phone"),
        });
        series
    }

    #[test]
    fn windows_before_and_after_a_charger_have_joules_and_those_beside_it_have_a_reason() {
        let pieces = Pieces::of(&series()).unwrap();
        let joules = |spans: &[TimeSpan]| pieces.energy(spans).map(|estimate| estimate.joules.round());
        assert_eq!(joules(&[span(10, 90)]), Ok(800.0));
        assert_eq!(joules(&[span(10, 90), span(210, 290)]), Ok(1600.0));
        for fed in [span(50, 250), span(90, 120), span(120, 180), span(150, 250)] {
            let reason = pieces.energy(&[span(10, 20), fed]).unwrap_err().reason;
            assert_eq!(reason, Reason::ChargerConnected, "{fed:?}");
        }
    }

    #[test]
    fn a_series_without_a_break_is_one_piece() {
        let mut series = series();
        series.gaps[0].unavailable.reason = Reason::Unreadable;
        assert_eq!(pieces(&series).len(), 1);
        assert!(Pieces::of(&series).unwrap().energy(&[span(50, 250)]).is_err(), "it rose");
    }
}
