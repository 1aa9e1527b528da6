//! All comparisons of a table at once.

use std::{
    collections::{BTreeSet, HashMap},
    rc::Rc,
};

use crate::{
    Absent, AbsentKind, BlockValues, MetricId, Ratio, Record, Statistic, Verdict, block_values,
    comparison::{
        chained::{Chained, test_family},
        differences::has_same_lengths,
        scopes::ensure_one_scope,
        together::took_turns,
        verdict::{CONFIDENCE, FAMILY_LEVEL, verdict},
    },
};

/// A difference of less than this is none: what processes of one program differ by.
pub const MARGIN: f64 = 0.01;
/// Probability with which the smallest detectable effect is found.
const POWER_QUANTILE: f64 = 1.645;

/// Two cases and a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contest {
    /// The metric.
    pub metric: MetricId,
    /// Position of the case that the other is compared with.
    pub baseline: usize,
    /// Position of the case that is compared.
    pub candidate: usize,
    /// A difference of at most this share is none.
    pub margin: f64,
}

/// What came out of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// What was compared.
    pub contest: Contest,
    /// The metric in the candidate / the metric in the baseline; or why there is none.
    pub ratio: Result<Ratio, Absent>,
    /// The p-value of "within the margin", adjusted for the whole family; 1 without a ratio.
    pub p_value: f64,
    /// The verdict; absent without a ratio.
    pub verdict: Option<Verdict>,
    /// The smallest true difference, as a share beyond no difference, that these blocks would show with a probability of 95 %, at the
    /// level at which the contest is tested where the others of the family turn out as they did.
    pub detectable: Option<f64>,
}

impl Compared {
    /// Whether it is another contest, or one that this case wins.
    fn is_won_or_foreign(&self, case: usize) -> bool {
        match (self.contest.candidate == case, self.contest.baseline == case) {
            (true, _) => self.verdict == Some(Verdict::Better),
            (_, true) => self.verdict == Some(Verdict::Worse),
            _ => true,
        }
    }

    /// The 95 % interval of the ratio.
    pub fn interval(&self) -> Option<(f64, f64)> {
        Some(self.ratio.as_ref().ok()?.interval(CONFIDENCE))
    }
}

/// Compares cases block by block. All contests are one family: the probability that any verdict of better or worse is false is
/// at most 1 % (Bretz et al. 2009). Metrics that say nearly the same of a pair are a chain ([`MetricId::chain`]), and cost the family
/// little more than one of them.
pub fn compare_all(records: &[&Record], contests: &[Contest]) -> Vec<Compared> {
    let mut numbers = BlockNumbers::of(records);
    let ratios: Vec<Result<Ratio, Absent>> = contests.iter().map(|contest| numbers.ratio(contest)).collect();
    let tests: Vec<Chained<(usize, usize)>> = contests
        .iter()
        .zip(&ratios)
        .filter_map(|(contest, ratio)| {
            let p_value = ratio.as_ref().ok()?.p_beyond(contest.margin);
            Some(Chained { pair: (contest.baseline, contest.candidate), metric: contest.metric, p_value })
        })
        .collect();
    let mut tested = test_family(&tests).into_iter();
    let compared = contests.iter().zip(ratios).map(|(&contest, ratio)| {
        let test = ratio.as_ref().ok().and_then(|ratio| Some((ratio, tested.next()?)));
        let Some((found, test)) = test else {
            return Compared { contest, ratio, p_value: 1.0, verdict: None, detectable: None };
        };
        let verdict = verdict(found, contest.metric.definition().direction, contest.margin, test);
        let error = found.deviation() / (found.blocks() as f64).sqrt();
        let half_width = found.half_width(1.0 - FAMILY_LEVEL * test.weight);
        let detectable = detectable(half_width, error, contest.margin);
        Compared { contest, ratio, p_value: test.p_value, verdict: Some(verdict), detectable }
    });
    compared.collect()
}

/// Half the width of the widest 95 % interval of these contests; `None` where one has no ratio yet. It says how much has been
/// measured, and nothing about who leads.
pub fn widest(records: &[&Record], contests: &[Contest]) -> Option<f64> {
    let mut numbers = BlockNumbers::of(records);
    let widths = contests.iter().map(|contest| Some(numbers.ratio(contest).ok()?.half_width(CONFIDENCE)));
    widths.collect::<Option<Vec<f64>>>()?.into_iter().reduce(f64::max)
}

/// Beyond the margin by half an interval at the level of the test, and as much again as chance takes away in 5 % of the cases.
pub(super) fn detectable(half_width: f64, error: f64, margin: f64) -> Option<f64> {
    let effect = margin.ln_1p() + half_width + POWER_QUANTILE * error;
    Some(effect.exp_m1()).filter(|effect| effect.is_finite())
}

/// The numbers of cases in their blocks. Each is computed once, however many contests it is in.
struct BlockNumbers<'r> {
    records: &'r [&'r Record],
    known: HashMap<(usize, MetricId), Result<Rc<BlockValues>, Absent>>,
    /// Whether the answers of two cases have the same lengths.
    same_lengths: HashMap<(usize, usize), bool>,
}

/// Why requests with answers of other lengths have no ratio.
pub(super) fn other_lengths() -> Absent {
    Absent::new(AbsentKind::NoRatio, "the answers differ in length, so a request is not the same work")
}

impl<'r> BlockNumbers<'r> {
    fn of(records: &'r [&'r Record]) -> Self {
        Self { records, known: HashMap::new(), same_lengths: HashMap::new() }
    }

    fn ratio(&mut self, contest: &Contest) -> Result<Ratio, Absent> {
        if contest.metric.grows_with_answers() && !self.have_same_lengths(contest) {
            return Err(other_lengths());
        }
        if let (Some(one), Some(other)) = (self.records.get(contest.baseline), self.records.get(contest.candidate)) {
            ensure_one_scope(one, other, contest.metric)?;
        }
        let (baseline, candidate) =
            (self.numbers(contest.baseline, contest.metric)?, self.numbers(contest.candidate, contest.metric)?);
        let ratio = ratio_over_blocks(&baseline, &candidate)?;
        ensure_took_turns(self.records[contest.baseline], self.records[contest.candidate])?;
        Ok(ratio)
    }

    fn have_same_lengths(&mut self, contest: &Contest) -> bool {
        let Contest { baseline, candidate, .. } = *contest;
        let (Some(one), Some(other)) = (self.records.get(baseline), self.records.get(candidate)) else { return true };
        *self.same_lengths.entry((baseline, candidate)).or_insert_with(|| has_same_lengths(one, other))
    }

    fn numbers(&mut self, position: usize, metric: MetricId) -> Result<Rc<BlockValues>, Absent> {
        let record = self.records.get(position).ok_or(AbsentKind::NotInRecord)?;
        let numbers = || block_values(record, metric, Statistic::Median).map(Rc::new);
        self.known.entry((position, metric)).or_insert_with(numbers).clone()
    }
}

/// The ratio of a metric over the blocks in which both cases were measured. Whether they took turns is for the caller to know.
pub(super) fn paired_ratio(baseline: &Record, candidate: &Record, metric: MetricId) -> Result<Ratio, Absent> {
    let values = |record| block_values(record, metric, Statistic::Median);
    ratio_over_blocks(&values(baseline)?, &values(candidate)?)
}

/// Blocks of one number may lie apart.
fn ensure_took_turns(one: &Record, other: &Record) -> Result<(), Absent> {
    match took_turns(&one.samples.blocks, &other.samples.blocks) {
        true => Ok(()),
        false => Err(Absent::new(AbsentKind::NotInBlocks, "not measured in the same blocks")),
    }
}

fn ratio_over_blocks(baseline: &BlockValues, candidate: &BlockValues) -> Result<Ratio, Absent> {
    let pairs: Vec<(BlockValue, BlockValue)> = in_both(baseline, candidate).collect();
    if pairs.len() < 2 {
        return Err(AbsentKind::FewBlocks.into());
    }
    let numbers: Vec<(f64, f64)> =
        pairs.iter().map(|((baseline, _), (candidate, _))| (*baseline, *candidate)).collect();
    let ratio = Ratio::of(&numbers).ok_or(AbsentKind::NoRatio)?;
    Ok(ratio.with_uncertainty(meters(&pairs)))
}

/// A metric in a block, and its 95 % uncertainty.
type BlockValue = (f64, f64);

fn in_both<'v>(
    baseline: &'v BlockValues,
    candidate: &'v BlockValues,
) -> impl Iterator<Item = (BlockValue, BlockValue)> + 'v {
    baseline.iter().filter_map(|(number, value)| Some((*value, *candidate.get(number)?)))
}

/// The relative standard uncertainty that the meters leave of a ratio. How far the blocks differ shows what is random in the
/// readings; a meter's own uncertainty may be the same in all of them, so that it does not shrink with their number.
fn meters(pairs: &[(BlockValue, BlockValue)]) -> f64 {
    let relative = |(value, uncertainty): BlockValue| uncertainty / 2.0 / value.abs();
    let variance = pairs.iter().map(|(baseline, candidate)| relative(*baseline).hypot(relative(*candidate)).powi(2));
    (variance.sum::<f64>() / pairs.len() as f64).sqrt()
}

/// Which of some cases is the best by a metric: a verdict says that it is better than each of the others. `compared` has every two of
/// the cases.
pub fn winner(compared: &[&Compared]) -> Option<usize> {
    let cases: BTreeSet<usize> =
        compared.iter().flat_map(|one| [one.contest.baseline, one.contest.candidate]).collect();
    cases.into_iter().find(|&case| compared.iter().all(|one| one.is_won_or_foreign(case)))
}
