//! What somebody may want of a backend, and which case of a scenario and model fulfils it best.

use pocketwatt_record::{Absent, Direction, EnergyMetric, MetricId, Record, SpeedMetric, Statistic};

use crate::{
    cases::{CaseGroup, common_scope, found_side_by_side},
    facts::scope_name,
    pages::report::card::line::{Ahead, Fulfilled, Line},
    table::{Footnotes, Found, Row, Subject},
    tables::Contests,
};

/// A wish.
pub struct Wish {
    /// The metric that it is judged by.
    pub metric: MetricId,
    /// What is wanted, in a word or two: `fast`.
    pub wanted: &'static str,
    /// Of what, in a word or two: `generation`; empty where that is said already.
    pub by: &'static str,
}

const fn wish(metric: MetricId, wanted: &'static str, by: &'static str) -> Wish {
    Wish { metric, wanted, by }
}

const GENERATION: Wish = wish(MetricId::Speed(SpeedMetric::DecodeThroughput), "fast", "generation");
const FIRST_TOKEN: Wish = wish(MetricId::Speed(SpeedMetric::TimeToFirstToken), "first answer", "");
const WHOLE_ANSWER: Wish = wish(MetricId::Speed(SpeedMetric::RequestLatency), "whole answer", "");
const MEMORY: Wish = wish(MetricId::Speed(SpeedMetric::PeakResidentMemory), "small", "memory");
const OF_REQUEST: Wish = wish(MetricId::Energy(EnergyMetric::EnergyPerRequest), "little energy", "per request");
const OF_TOKEN: Wish = wish(MetricId::Energy(EnergyMetric::EnergyPerOutputToken), "little energy", "per token");

/// What people ask first, of cases whose answers have the same lengths.
const OF_THE_SAME_WORK: [Wish; 5] = [GENERATION, FIRST_TOKEN, WHOLE_ANSWER, MEMORY, OF_REQUEST];
/// The same where the lengths differ: whole requests were then not the same work.
const OF_OTHER_WORK: [Wish; 4] = [GENERATION, FIRST_TOKEN, MEMORY, OF_TOKEN];

/// The wishes that these cases can be compared by, in the order in which people ask.
pub fn wishes(is_same_work: bool) -> &'static [Wish] {
    if is_same_work { &OF_THE_SAME_WORK } else { &OF_OTHER_WORK }
}

/// The contests of the wishes' metrics.
pub fn contests_of<'a>(group: &'a CaseGroup<'a>, asked: &[&Wish]) -> Contests<'a> {
    let metrics: Vec<MetricId> = asked.iter().map(|wish| wish.metric).collect();
    Contests::about(group, &metrics)
}

/// A line for each wish that these cases know of.
pub fn lines(group: &CaseGroup, contests: &Contests, asked: &[&Wish], simulated: bool) -> Vec<Line> {
    asked.iter().filter_map(|wish| wish.line(group, contests, simulated)).collect()
}

impl Wish {
    /// Which case fulfils it; `None` where no case was measured.
    fn line(&self, group: &CaseGroup, contests: &Contests, simulated: bool) -> Option<Line> {
        let records: Vec<&Record> = group.columns.iter().map(|column| column.record).collect();
        let found = found_side_by_side(&records, self.metric, Statistic::Median);
        let line = |fulfilled: Fulfilled| Some(Line { wanted: self.wanted, by: self.by, fulfilled });
        let Some(best) = self.best_number(&found) else {
            let absent = found.iter().flatten().find_map(|found| found.as_ref().err())?;
            return line(Fulfilled::Unknown(absent.words.clone()));
        };
        let standing = contests.standing(self.metric);
        let first = standing.as_ref().map_or(best, |standing| standing.first);
        let scope = common_scope(&records, self.metric).map(|scope| scope_name(scope, simulated));
        let number = self.number(&found, first)? + &scope.map_or_else(String::new, |scope| format!(" of the {scope}"));
        line(Fulfilled::By {
            best: first,
            rivals: standing.as_ref().map(|standing| standing.open.clone()).unwrap_or_default(),
            number,
            ahead: standing.map(Ahead::from).map_err(|absent: Absent| absent.words),
        })
    }

    /// The column with the best number, of equals the first.
    fn best_number(&self, found: &[Found]) -> Option<usize> {
        let is_less = self.metric.definition().direction == Direction::LowerIsBetter;
        let bad = |value: f64| if is_less { value } else { -value };
        let numbers = found
            .iter()
            .enumerate()
            .filter_map(|(column, found)| Some((column, bad(found.as_ref()?.as_ref().ok()?.value))));
        numbers.min_by(|one, other| one.1.total_cmp(&other.1)).map(|(column, _)| column)
    }

    /// `61.2 tokens/s ±0.4`.
    fn number(&self, found: &[Found], column: usize) -> Option<String> {
        let subject = Subject { label: None, metric: self.metric.definition(), best: None, at_least: 0.0 };
        let row = Row::of(&subject, found, &mut Footnotes::default());
        let cell = row.cells.get(column)?;
        Some(format!("{} {} {}", cell.value(), row.unit, cell.spread()).trim_end().to_owned())
    }
}
