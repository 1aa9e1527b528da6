//! What somebody may want of a backend, and which case of a scenario and model fulfils it best.

use pocketwatt_record::{Absent, Direction, EnergyMetric, MARGIN, MetricId, SpeedMetric, Statistic, Verdict, estimate};

use crate::{
    cases::CaseGroup,
    output::quantity::fixed,
    table::{Footnotes, Row, Subject},
    tables::{Contests, Lead},
};

/// A wish.
pub struct Wish {
    /// The metric that it is judged by.
    pub metric: MetricId,
    /// What is wanted: `quick answers`.
    pub wanted: &'static str,
    /// What the best one does: `decodes fastest`.
    pub does: &'static str,
}

const fn wish(metric: MetricId, wanted: &'static str, does: &'static str) -> Wish {
    Wish { metric, wanted, does }
}

const GENERATION: Wish = wish(MetricId::Speed(SpeedMetric::DecodeThroughput), "fast generation", "decodes fastest");
const FIRST_TOKEN: Wish = wish(MetricId::Speed(SpeedMetric::TimeToFirstToken), "a quick first token", "answers first");
const MEMORY: Wish = wish(MetricId::Speed(SpeedMetric::PeakResidentMemory), "little memory", "needs the least memory");

/// What people ask first, of cases whose answers have the same lengths.
const OF_THE_SAME_WORK: [Wish; 5] = [
    GENERATION,
    FIRST_TOKEN,
    wish(MetricId::Speed(SpeedMetric::RequestLatency), "a quick whole answer", "finishes first"),
    MEMORY,
    wish(MetricId::Energy(EnergyMetric::EnergyPerRequest), "little energy", "uses the least energy for a request"),
];
/// The same where the lengths differ: whole requests were then not the same work.
const OF_OTHER_WORK: [Wish; 4] = [
    GENERATION,
    FIRST_TOKEN,
    MEMORY,
    wish(MetricId::Energy(EnergyMetric::EnergyPerOutputToken), "little energy", "uses the least energy for a token"),
];

/// The wishes that these cases can be compared by.
pub fn wishes(is_same_work: bool) -> &'static [Wish] {
    if is_same_work { &OF_THE_SAME_WORK } else { &OF_OTHER_WORK }
}

/// Which case fulfils a wish.
pub enum Fulfilled {
    /// The one that leads the list, if there is a list.
    By(Best),
    /// No case has a number.
    Unknown(Absent),
}

/// The best number.
pub struct Best {
    /// Its column.
    pub column: usize,
    /// `61.2 ±0.4 tokens/s`.
    pub number: String,
    /// How far it is ahead of the next.
    pub ahead: Option<Ahead>,
}

/// How far the best is ahead of the next.
pub struct Ahead {
    /// The next column.
    pub next: usize,
    /// `1.24× [1.18, 1.30]`: how many times as good.
    pub times: String,
    /// How sure that is.
    pub certainty: Certainty,
    /// The blocks in which both were measured.
    pub blocks: usize,
}

/// How sure it is that the best is the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// It is better than each other one, by a verdict.
    Clear,
    /// It is as good as the next, within the margin.
    Same,
    /// Nothing is decided; with the number of blocks that would probably decide.
    Undecided(Option<u32>),
}

impl Certainty {
    /// In a cell.
    pub fn words(self, blocks: usize) -> String {
        match self {
            Self::Clear => format!("clear, after {blocks} blocks"),
            Self::Same => format!("the same within {} %", fixed(MARGIN * 100.0, 0)),
            Self::Undecided(Some(more)) => format!("undecided; about {more} blocks more would decide"),
            Self::Undecided(None) => format!("undecided after {blocks} blocks"),
        }
    }
}

impl Wish {
    /// The case that fulfils it; `None` where no case was measured.
    pub fn fulfilled(&self, group: &CaseGroup, contests: &Contests) -> Option<Fulfilled> {
        let found: Vec<_> = group
            .columns
            .iter()
            .map(|column| column.measured().then(|| estimate(column.record, self.metric, Statistic::Median)))
            .collect();
        let measured = || found.iter().flatten();
        let is_less = self.metric.definition().direction == Direction::LowerIsBetter;
        let good = |value: f64| if is_less { -value } else { value };
        let numbers = found.iter().enumerate().filter_map(|(column, found)| {
            let estimate = found.as_ref()?.as_ref().ok()?;
            Some((column, good(estimate.value)))
        });
        let Some((best, _)) = numbers.max_by(|left, right| left.1.total_cmp(&right.1)) else {
            let absent = measured().find_map(|found| found.as_ref().err())?;
            return Some(Fulfilled::Unknown(absent.clone()));
        };
        let subject = Subject { label: None, metric: self.metric.definition(), best: None, at_least: 0.0 };
        let row = Row::of(&subject, &found, &mut Footnotes::default());
        let cell = row.cells.get(best)?;
        let number = format!("{} {} {}", cell.value(), row.unit, cell.spread());
        // A best one that took no turns is compared with nothing.
        let lead = contests.lead(self.metric).filter(|lead| lead.first == best);
        let ahead = lead.map(|lead| Ahead {
            next: lead.second,
            times: times(&lead, is_less),
            certainty: certainty(&lead, contests.best(self.metric)),
            blocks: lead.blocks,
        });
        Some(Fulfilled::By(Best { column: best, number: number.trim_end().to_owned(), ahead }))
    }
}

fn certainty(lead: &Lead, winner: Option<usize>) -> Certainty {
    match lead.verdict {
        _ if winner == Some(lead.first) => Certainty::Clear,
        Some(Verdict::Same) => Certainty::Same,
        Some(Verdict::Undecided { more_blocks }) => Certainty::Undecided(more_blocks),
        // It leads the second, but not each of the others.
        Some(Verdict::Better | Verdict::Worse) | None => Certainty::Undecided(None),
    }
}

/// Of times, memory and energy, the next one's number is divided by the best one's, so that more is always better.
fn times(lead: &Lead, is_less: bool) -> String {
    let (low, high) = lead.interval;
    let (ratio, low, high) = if is_less { (1.0 / lead.ratio, 1.0 / high, 1.0 / low) } else { (lead.ratio, low, high) };
    let decimals = if ratio < 10.0 { 2 } else { 1 };
    // Close to one, two decimals would hide which side of it an end is on.
    let decimals = if (high - low) < 0.05 { 3 } else { decimals };
    format!("{}× [{}, {}]", fixed(ratio, decimals), fixed(low, decimals), fixed(high, decimals))
}
