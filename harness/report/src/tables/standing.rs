//! Which case stands first by a metric, against whom, and how sure that is.

use pocketwatt_record::{Absent, AbsentKind, Compared, Contest, Direction, MARGIN, MetricId, Verdict};

/// How sure it is that the first is the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// It is better than each other one, by a verdict.
    Clear,
    /// By itself, the 95 % interval of each comparison is beyond the margin, but together they do not reach a verdict; with the number of
    /// blocks more that would probably do.
    Likely(Option<u32>),
    /// Over those that it is not better than, it is the same within the margin.
    Equal,
    /// Neither; with the number of blocks more that would probably decide.
    Open(Option<u32>),
}

/// The first case of a metric, and those that may be as good. Cases are positions among the compared ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// The one that is better than each other by a verdict; else, among those that no verdict puts behind another, the one with the best
    /// number.
    pub first: usize,
    /// Those that it is not better than by a verdict, the best number first.
    pub open: Vec<usize>,
    /// The strongest of these, else of all others.
    pub against: usize,
    /// How many times as good the first is over the blocks of both; below 1 where its better number is not one of common blocks.
    pub times: f64,
    /// The 95 % interval of that.
    pub interval: (f64, f64),
    /// The blocks of both.
    pub blocks: usize,
    /// How sure that is.
    pub certainty: Certainty,
}

/// How one case compares with another.
#[derive(Clone, Copy)]
struct Against {
    other: usize,
    times: f64,
    interval: (f64, f64),
    blocks: usize,
    verdict: Verdict,
}

impl Standing {
    /// From the number of each case and the contests of every two of them.
    ///
    /// # Errors
    /// Why nothing is compared.
    pub fn of(metric: MetricId, numbers: &[(usize, f64)], compared: &[&Compared]) -> Result<Self, Absent> {
        let is_less = metric.definition().direction == Direction::LowerIsBetter;
        let mut ranked = numbers.to_vec();
        // Equal numbers keep their order.
        ranked.sort_by(|one, other| if is_less { one.1.total_cmp(&other.1) } else { other.1.total_cmp(&one.1) });
        let ranked: Vec<usize> = ranked.into_iter().map(|(case, _)| case).collect();
        let found = |case: usize| {
            let others = ranked.iter().filter(move |other| **other != case);
            others.map(move |&other| (other, against(case, other, is_less, compared))).collect::<Vec<_>>()
        };
        let has = |case: usize, wanted: fn(Verdict) -> bool, all: bool| {
            let mut verdicts = found(case).into_iter().map(|(_, found)| found.is_ok_and(|found| wanted(found.verdict)));
            if all { verdicts.all(|is| is) } else { verdicts.any(|is| is) }
        };
        if ranked.len() < 2 {
            return Err(Absent::new(AbsentKind::NotCompared, "no other case has such a number"));
        }
        let winner = ranked.iter().find(|&&case| has(case, |verdict| verdict == Verdict::Better, true));
        let unbeaten = || ranked.iter().find(|&&case| !has(case, |verdict| verdict == Verdict::Worse, false));
        let first = winner.or_else(unbeaten).copied().unwrap_or(ranked[0]);
        let others = found(first);
        let is_open = |found: &Result<Against, Absent>| !found.as_ref().is_ok_and(|one| one.verdict == Verdict::Better);
        let open: Vec<&(usize, Result<Against, Absent>)> = others.iter().filter(|(_, found)| is_open(found)).collect();
        let mut in_question = open.iter().copied().chain(&others).filter_map(|(_, found)| found.as_ref().ok());
        let Some(strongest) = in_question.next() else {
            return Err(others
                .into_iter()
                .find_map(|(_, found)| found.err())
                .unwrap_or(AbsentKind::NotInBlocks.into()));
        };
        Ok(Self {
            first,
            against: strongest.other,
            times: strongest.times,
            interval: strongest.interval,
            blocks: strongest.blocks,
            certainty: certainty(&open.iter().map(|(_, found)| found.as_ref().ok().copied()).collect::<Vec<_>>()),
            open: open.iter().map(|(other, _)| *other).collect(),
        })
    }
}

/// Of the comparisons with those that the first is not better than; `None` stands for one without a ratio.
fn certainty(open: &[Option<Against>]) -> Certainty {
    let all = |is: fn(&Against) -> bool| open.iter().all(|found| found.as_ref().is_some_and(is));
    let more = open.iter().map(|found| match found.as_ref()?.verdict {
        Verdict::Undecided { more_blocks } => more_blocks,
        _ => None,
    });
    match open {
        [] => Certainty::Clear,
        _ if all(|found| found.verdict == Verdict::Same) => Certainty::Equal,
        _ if all(|found| found.interval.0 > 1.0 + MARGIN) => {
            Certainty::Likely(more.collect::<Option<Vec<u32>>>().and_then(|more| more.into_iter().max()))
        }
        _ => Certainty::Open(more.collect::<Option<Vec<u32>>>().and_then(|more| more.into_iter().max())),
    }
}

fn against(case: usize, other: usize, is_less: bool, compared: &[&Compared]) -> Result<Against, Absent> {
    let is_that = |one: &&&Compared| {
        let Contest { baseline, candidate, .. } = one.contest;
        [(case, other), (other, case)].contains(&(baseline, candidate))
    };
    let one = compared.iter().find(is_that).ok_or(AbsentKind::NotInBlocks)?;
    let ratio = one.ratio.as_ref().map_err(Clone::clone)?;
    let (low, high) = one.interval().ok_or(AbsentKind::NoRatio)?;
    let is_candidate = one.contest.candidate == case;
    // The ratio is that of the numbers: of less, the other one's number divided by this one's.
    let (times, interval) = match is_candidate == is_less {
        true => (1.0 / ratio.value(), (1.0 / high, 1.0 / low)),
        false => (ratio.value(), (low, high)),
    };
    let verdict = match one.verdict.ok_or(AbsentKind::NoRatio)? {
        Verdict::Better if !is_candidate => Verdict::Worse,
        Verdict::Worse if !is_candidate => Verdict::Better,
        other => other,
    };
    Ok(Against { other, times, interval, blocks: ratio.blocks(), verdict })
}

#[cfg(test)]
mod tests {
    use pocketwatt_record::{Ratio, SpeedMetric};

    use super::*;

    const DECODE: MetricId = MetricId::Speed(SpeedMetric::DecodeThroughput);

    /// Tokens per second of two cases in blocks, and the verdict on the second one.
    fn compared(cases: (usize, usize), blocks: &[(f64, f64)], verdict: Verdict) -> Compared {
        let contest = Contest { metric: DECODE, baseline: cases.0, candidate: cases.1, margin: MARGIN };
        Compared {
            contest,
            ratio: Ok(Ratio::of(blocks).unwrap()),
            p_value: 1.0,
            verdict: Some(verdict),
            detectable: None,
        }
    }

    const OPEN: Verdict = Verdict::Undecided { more_blocks: Some(7) };

    fn standing(numbers: &[f64], compared: &[Compared]) -> Standing {
        let numbers: Vec<(usize, f64)> = numbers.iter().copied().enumerate().collect();
        Standing::of(DECODE, &numbers, &compared.iter().collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn a_rival_that_is_plainly_beaten_is_not_the_one_in_question() {
        // The second has the next best number; the third scatters.
        let all = [
            compared((0, 1), &[(120.0, 100.0), (120.0, 100.2), (120.0, 99.8)], Verdict::Worse),
            compared((0, 2), &[(120.0, 60.0), (120.0, 150.0), (120.0, 90.0)], OPEN),
            compared((1, 2), &[(100.0, 60.0), (100.2, 150.0), (99.8, 90.0)], OPEN),
        ];
        let found = standing(&[120.0, 100.0, 90.0], &all);
        assert_eq!((found.first, found.against, &found.open[..]), (0, 2, &[2][..]));
        assert_eq!(found.certainty, Certainty::Open(Some(7)));
        assert!(found.times > 1.2, "{}", found.times);
    }

    #[test]
    fn nobody_is_excluded_where_nothing_is_decided() {
        let blocks = [(100.0, 90.0), (80.0, 110.0)];
        let all = [(0, 1), (0, 2), (1, 2)].map(|cases| compared(cases, &blocks, OPEN));
        assert_eq!(standing(&[100.0, 90.0, 80.0], &all).open, [1, 2]);
    }

    #[test]
    fn a_verdict_counts_more_than_a_number_of_all_blocks() {
        // The median of the first is better, most of its blocks are not, and a verdict says so.
        let blocks = [(130.0, 110.0), (52.0, 110.0), (52.0, 110.0)];
        let found = standing(&[130.0, 110.0], &[compared((0, 1), &blocks, Verdict::Better)]);
        assert_eq!((found.first, found.certainty), (1, Certainty::Clear));
        let found = standing(&[130.0, 110.0], &[compared((0, 1), &blocks, OPEN)]);
        assert!(
            found.first == 0 && found.times < 1.0,
            "undecided, the number leads, and the ratio says what it is worth"
        );
    }

    #[test]
    fn equal_numbers_are_a_tie_and_no_missing_comparison() {
        let same = [(5.0, 5.0), (5.0, 5.0), (5.0, 5.0)];
        let found = standing(&[5.0, 5.0], &[compared((0, 1), &same, Verdict::Same)]);
        assert_eq!((found.first, &found.open[..], found.certainty), (0, &[1][..], Certainty::Equal));
    }

    #[test]
    fn an_interval_beyond_the_margin_is_likely_and_no_more() {
        let near = [(100.0, 80.0), (101.0, 80.0), (99.0, 80.0)];
        let found = standing(&[100.0, 80.0], &[compared((0, 1), &near, OPEN)]);
        assert_eq!(found.certainty, Certainty::Likely(Some(7)));
        let wide = [(100.0, 80.0), (150.0, 80.0), (70.0, 80.0)];
        assert_eq!(standing(&[100.0, 80.0], &[compared((0, 1), &wide, OPEN)]).certainty, Certainty::Open(Some(7)));
    }

    #[test]
    fn what_is_not_compared_has_a_reason() {
        let alone = Standing::of(DECODE, &[(0, 1.0)], &[]).unwrap_err();
        assert_eq!(alone.words, "no other case has such a number");
        let apart = Standing::of(DECODE, &[(0, 1.0), (1, 2.0)], &[]).unwrap_err();
        assert_eq!(apart.kind, AbsentKind::NotInBlocks);
    }
}
