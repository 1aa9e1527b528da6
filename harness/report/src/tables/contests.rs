//! Which column of a group is the best, and how sure that is.

use pocketwatt_record::{
    Absent, Compared, Contest, Direction, EnergyMetric, MARGIN, MetricId, Record, SpeedMetric, Statistic, Verdict,
    compare_all, estimate, has_same_lengths, winner,
};

use crate::{
    cases::{CaseGroup, Column, Results, common_scope, each_group, is_in},
    output::{inert::one_line, quantity::fixed},
    table::Tally,
    tables::standing::Standing,
};

/// The metrics by which columns are compared. Percentiles and shares of these would be the same contests a second time.
pub const METRICS: [MetricId; 14] = [
    MetricId::Speed(SpeedMetric::TimeToFirstToken),
    MetricId::Speed(SpeedMetric::PrefillThroughput),
    MetricId::Speed(SpeedMetric::DecodeThroughput),
    MetricId::Speed(SpeedMetric::InterTokenLatency),
    MetricId::Speed(SpeedMetric::UndisturbedTokenLatency),
    MetricId::Speed(SpeedMetric::RequestLatency),
    MetricId::Speed(SpeedMetric::LoadTime),
    MetricId::Speed(SpeedMetric::FirstTokenAfterLoad),
    MetricId::Speed(SpeedMetric::PeakResidentMemory),
    MetricId::Speed(SpeedMetric::PeakAnonymousMemory),
    MetricId::Speed(SpeedMetric::KvCacheMemory),
    MetricId::Energy(EnergyMetric::EnergyPerPrefillToken),
    MetricId::Energy(EnergyMetric::EnergyPerOutputToken),
    MetricId::Energy(EnergyMetric::EnergyPerRequest),
];
/// Those whose leader is told in words below a table.
const TOLD: [MetricId; 4] = [
    MetricId::Speed(SpeedMetric::TimeToFirstToken),
    MetricId::Speed(SpeedMetric::DecodeThroughput),
    MetricId::Speed(SpeedMetric::RequestLatency),
    MetricId::Energy(EnergyMetric::EnergyPerRequest),
];

/// All contests of a group, which are one family of tests.
pub struct Contests<'a> {
    columns: Vec<(usize, &'a Column<'a>)>,
    compared: Vec<Compared>,
    /// Two columns that are compared although their answers differ in length.
    unlike: Option<(usize, usize)>,
}

impl<'a> Contests<'a> {
    /// Between every two measured columns, by every metric that has numbers in both.
    pub fn of(group: &'a CaseGroup<'a>) -> Self {
        Self::about(group, &METRICS)
    }

    /// The same by these metrics alone: the fewer questions, the surer the answers.
    pub fn about(group: &'a CaseGroup<'a>, metrics: &[MetricId]) -> Self {
        let columns: Vec<(usize, &Column)> =
            group.columns.iter().enumerate().filter(|(_, column)| column.measured()).collect();
        let records: Vec<&Record> = columns.iter().map(|(_, column)| column.record).collect();
        let pairs = pairs(&records);
        let mut contests = Vec::new();
        for metric in metrics.iter().copied().filter(|metric| is_in_blocks(&records, *metric)) {
            // A column without a number is no rival.
            let has_number = |position: usize| records[position].summary(metric).is_some();
            let rivals = pairs.iter().filter(|(baseline, candidate)| has_number(*baseline) && has_number(*candidate));
            contests.extend(rivals.map(|&(baseline, candidate)| Contest {
                metric,
                baseline,
                candidate,
                margin: MARGIN,
            }));
        }
        let unlike = pairs.into_iter().find(|&(one, other)| !has_same_lengths(records[one], records[other]));
        Self { compared: compare_all(&records, &contests), unlike, columns }
    }

    /// The column that is better than each other one by a verdict; none where two builds of each runner are compared.
    pub fn best(&self, metric: MetricId) -> Option<usize> {
        let compared: Vec<&Compared> = self.by(metric).collect();
        if compared.is_empty() || self.has_baselines() {
            return None;
        }
        Some(self.columns[winner(&compared)?].0)
    }

    /// By how much the best column leads the second, with the interval, a line for each metric; or how each runner compares with its
    /// baseline.
    pub fn told(&self) -> Vec<String> {
        let unlike = self.unlike_words();
        if self.has_baselines() {
            return self.compared.iter().filter_map(|one| self.beside_baseline(one)).chain(unlike).collect();
        }
        TOLD.into_iter().filter_map(|metric| self.lead_words(metric)).chain(unlike).collect()
    }

    /// Why a line about requests is missing.
    fn unlike_words(&self) -> Option<String> {
        let is_asked = self.compared.iter().any(|one| one.contest.metric.grows_with_answers());
        let (one, other) = self.unlike.filter(|_| is_asked)?;
        let name = |place: usize| one_line(&self.columns[place].1.name);
        let (one, other) = (name(one), name(other));
        Some(format!("{one} and {other} gave answers of different lengths, so their requests are not compared"))
    }

    /// Every contest.
    pub fn compared(&self) -> &[Compared] {
        &self.compared
    }

    /// How many metrics one build of a runner has in blocks and the other has not: nobody knows how these compare.
    fn one_sided(&self) -> usize {
        let records: Vec<&Record> = self.columns.iter().map(|(_, column)| column.record).collect();
        let has = |place: usize, metric: MetricId| records[place].summary(metric).is_some();
        let differs = |&(one, other): &(usize, usize)| {
            METRICS.into_iter().filter(|metric| has(one, *metric) != has(other, *metric)).count()
        };
        pairs(&records).iter().map(differs).sum()
    }

    /// The identifier of the case at a position of the contests.
    pub fn case(&self, position: usize) -> &str {
        &self.columns[position].1.record.case.id
    }

    /// The contests between columns whose numbers of a metric stand side by side: a column whose energy is that of another part of
    /// the device is no rival.
    fn by(&self, metric: MetricId) -> impl Iterator<Item = &Compared> {
        let rivals = self.rivals(metric);
        self.compared.iter().filter(move |one| {
            let Contest { baseline, candidate, .. } = one.contest;
            one.contest.metric == metric && rivals[baseline] && rivals[candidate]
        })
    }

    /// Whether the number of each column stands beside the others.
    fn rivals(&self, metric: MetricId) -> Vec<bool> {
        let records: Vec<&Record> = self.columns.iter().map(|(_, column)| column.record).collect();
        let common = common_scope(&records, metric);
        records.iter().map(|record| is_in(record, metric, common)).collect()
    }

    /// Whether two builds of a runner are compared.
    pub fn has_baselines(&self) -> bool {
        self.columns.iter().any(|(_, column)| column.record.case.baseline)
    }

    /// `candle, decode: 0.951 [0.944, 0.958] times the baseline, worse`.
    fn beside_baseline(&self, one: &Compared) -> Option<String> {
        let name = one_line(&self.columns[one.contest.candidate].1.name);
        let label = one.contest.metric.definition().label.trim();
        let ratio = ratio_words(one.ratio.as_ref().ok()?.value(), one.interval()?);
        let verdict = match one.verdict? {
            Verdict::Better => ", better".to_owned(),
            Verdict::Worse => ", worse".to_owned(),
            other => words(Some(other), one.ratio.as_ref().ok()?.blocks()),
        };
        Some(format!("{name}, {label}: {ratio} times the baseline{verdict}"))
    }

    /// Who stands first by a metric, in columns of the group.
    ///
    /// # Errors
    /// Why nothing is compared.
    pub fn standing(&self, metric: MetricId) -> Result<Standing, Absent> {
        let found = Standing::of(metric, &self.numbers(metric), &self.by(metric).collect::<Vec<_>>())?;
        let column = |position: usize| self.columns[position].0;
        let open = found.open.iter().map(|&position| column(position)).collect();
        Ok(Standing { first: column(found.first), against: column(found.against), open, ..found })
    }

    /// The number of each column that is compared by a metric.
    fn numbers(&self, metric: MetricId) -> Vec<(usize, f64)> {
        let rivals = self.rivals(metric);
        let number = |position: usize, column: &Column| {
            let found = estimate(column.record, metric, Statistic::Median).ok().filter(|_| rivals[position]);
            Some((position, found?.value))
        };
        let columns = self.columns.iter().enumerate();
        columns.filter_map(|(position, (_, column))| number(position, column)).collect()
    }

    /// The first column, and how it compares with the one that has the best number of the others; none where fewer than two have a number
    /// or they did not take turns.
    fn lead(&self, metric: MetricId) -> Option<Lead> {
        let numbers = self.numbers(metric);
        let first = Standing::of(metric, &numbers, &self.by(metric).collect::<Vec<_>>()).ok()?.first;
        let is_less = metric.definition().direction == Direction::LowerIsBetter;
        let others = numbers.into_iter().filter(|(position, _)| *position != first);
        let (second, _) = others.min_by(|one, other| match is_less {
            true => one.1.total_cmp(&other.1),
            false => other.1.total_cmp(&one.1),
        })?;
        let one = self.by(metric).find(|one| {
            let Contest { baseline, candidate, .. } = one.contest;
            [(first, second), (second, first)].contains(&(baseline, candidate))
        })?;
        let (low, high) = one.interval()?;
        let ratio = one.ratio.as_ref().ok()?;
        let turned = one.contest.candidate != first;
        let (value, interval) =
            if turned { (1.0 / ratio.value(), (1.0 / high, 1.0 / low)) } else { (ratio.value(), (low, high)) };
        Some(Lead { first, second, ratio: value, interval, verdict: one.verdict, blocks: ratio.blocks() })
    }

    /// `decode: candle / onnxruntime = 1.06 [1.03, 1.09], clear`.
    fn lead_words(&self, metric: MetricId) -> Option<String> {
        let lead = self.lead(metric)?;
        let (first, second) = (self.columns[lead.first].1, self.columns[lead.second].1);
        Some(format!(
            "{}: {} / {} = {}{}",
            metric.definition().label,
            one_line(&first.name),
            one_line(&second.name),
            ratio_words(lead.ratio, lead.interval),
            words(lead.verdict, lead.blocks),
        ))
    }
}

/// How the first column compares with the second best, both by their position among the compared ones.
struct Lead {
    first: usize,
    second: usize,
    /// The first one's number, divided by the second one's.
    ratio: f64,
    /// Its 95 % interval.
    interval: (f64, f64),
    verdict: Option<Verdict>,
    /// The blocks in which both were measured.
    blocks: usize,
}

/// The columns that failed although their baselines were measured, which counts as worse.
pub fn failed_in_candidate<'g, 'a>(group: &'g CaseGroup<'a>) -> impl Iterator<Item = &'g Column<'a>> {
    group.columns.iter().filter(|column| !column.measured() && !column.record.case.baseline).filter(|column| {
        let same = |other: &&Column| other.record.case.is_baseline_of(&column.record.case);
        group.columns.iter().find(same).is_some_and(Column::measured)
    })
}

/// How the contests of all tables ended in which a runner is compared with its baseline. A case that failed beside a baseline that did
/// not counts as worse.
///
/// # Errors
/// When the results cannot be read.
pub fn baseline_tally(results: &dyn Results) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    each_group(results, |group, _| {
        let contests = Contests::of(group);
        if !contests.has_baselines() {
            return Ok(());
        }
        contests.compared.iter().for_each(|one| tally.add(one.verdict));
        tally.without_ratio += contests.one_sided();
        let failed = failed_in_candidate(group).count();
        tally.failed_in_candidate += failed;
        tally.worse += failed;
        Ok(())
    })?;
    Ok(tally)
}

/// The columns that are compared with each other: each build with the other one of the same runner, or else every two.
fn pairs(records: &[&Record]) -> Vec<(usize, usize)> {
    let every = (1..records.len()).flat_map(|candidate| (0..candidate).map(move |baseline| (baseline, candidate)));
    if !records.iter().any(|record| record.case.baseline) {
        return every.collect();
    }
    let case = |position: usize| &records[position].case;
    let ordered = every.flat_map(|(left, right)| [(left, right), (right, left)]);
    ordered.filter(|&(baseline, candidate)| case(baseline).is_baseline_of(case(candidate))).collect()
}

fn is_in_blocks(records: &[&Record], metric: MetricId) -> bool {
    records.iter().filter(|record| !record.samples.blocks.is_empty() && record.summary(metric).is_some()).count() > 1
}

/// `3.070 [3.010, 3.130]`.
pub fn ratio_words(value: f64, (low, high): (f64, f64)) -> String {
    format!("{} [{}, {}]", fixed(value, 3), fixed(low, 3), fixed(high, 3))
}

/// What a verdict says of the leader.
pub fn words(verdict: Option<Verdict>, blocks: usize) -> String {
    match verdict {
        Some(Verdict::Better | Verdict::Worse) => ", clear".into(),
        Some(Verdict::Same) => format!(", the same within {} %", fixed(MARGIN * 100.0, 0)),
        Some(Verdict::Undecided { more_blocks: Some(more) }) => {
            format!(", undecided after {blocks} blocks; about {more} more would decide")
        }
        Some(Verdict::Undecided { more_blocks: None }) => {
            format!(", undecided after {blocks} blocks, and no number of blocks that anybody measures would decide")
        }
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fixture,
        formats::Format,
        output::Style,
        tests::{in_turns, render},
    };

    #[test]
    fn a_request_with_a_shorter_answer_leads_nothing() {
        let mut records = in_turns(&fixture::records()[..2]);
        let shown = |records: &[Record]| {
            let table = render(&fixture::run(records), records, Format::Table, &Style::default()).unwrap();
            table.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        let whole = shown(&records);
        assert!(whole.contains("request latency: onnxruntime / tract = ") && !whole.contains("different lengths"));
        for turn in records[1].samples.iterations.iter_mut().flat_map(|iteration| &mut iteration.turns) {
            turn.tokens.truncate(8);
            turn.token_times.truncate(8);
        }
        records[1].metrics = pocketwatt_record::derive_metrics(&records[1]);
        let cut = shown(&records);
        assert!(!cut.contains("request latency: ") && cut.contains("decode: onnxruntime / tract = "), "{cut}");
        let reason = "onnxruntime and tract gave answers of different lengths, so their requests are not compared";
        assert!(cut.contains(reason), "{cut}");
    }
}
