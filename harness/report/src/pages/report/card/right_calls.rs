//! Who calls the right functions. The shares are of questions and not of blocks, so that there is no verdict.

use pocketwatt_record::{CallMetric, MetricId, Record, Share, Statistic, estimate, share};

use crate::{
    cases::CaseGroup,
    output::quantity::fixed,
    pages::report::card::line::{Ahead, Fulfilled, Line},
    tables::Certainty,
};

/// How right calls are counted: by our rule, else by that of the questions' own checker.
const METRICS: [CallMetric; 2] = [CallMetric::CallStructure, CallMetric::CallBfcl];

/// The line of the wish; `None` where nobody asked for calls.
pub fn line(group: &CaseGroup) -> Option<Line> {
    let line = |fulfilled: Fulfilled| Line { wanted: "right calls", by: "", fulfilled };
    let measured: Vec<(usize, &Record)> = group
        .columns
        .iter()
        .enumerate()
        .filter(|(_, column)| column.measured())
        .map(|(place, column)| (place, column.record))
        .collect();
    let records = || measured.iter().map(|(_, record)| *record);
    let metric = METRICS.into_iter().find(|&metric| records().any(|record| counted(record, metric).is_some()));
    let Some(metric) = metric else {
        let asked = records().find(|record| !record.calls.is_empty() || record.unjudged.is_some())?;
        let absent = estimate(asked, METRICS[0], Statistic::Median).err()?;
        return Some(line(Fulfilled::Unknown(absent.words)));
    };
    let shares: Vec<(usize, Share)> =
        measured.iter().filter_map(|(place, record)| Some((*place, counted(record, metric)?))).collect();
    Some(line(best(&shares)?))
}

/// What counts as a number of the case: a share of made-up weights does not.
fn counted(record: &Record, metric: CallMetric) -> Option<Share> {
    record.summary(metric)?;
    share(&record.calls, MetricId::from(metric))
}

fn best(shares: &[(usize, Share)]) -> Option<Fulfilled> {
    let (_, some) = shares.first()?;
    if shares.iter().all(|(_, share)| share.right == 0) {
        let whose = if shares.len() > 1 { ", in every case" } else { "" };
        return Some(Fulfilled::Nobody(format!("none: 0 of {} calls are right{whose}", some.questions)));
    }
    let mut ranked = shares.to_vec();
    ranked.sort_by(|one, other| other.1.value().total_cmp(&one.1.value()));
    let (best, share) = *ranked.first()?;
    // Of most and fewest right answers, the 95 % intervals have to lie apart.
    let lowest = share.interval().map_or(0.0, |interval| interval.low);
    let is_near = |other: &Share| other.interval().is_none_or(|interval| interval.high >= lowest);
    let rivals: Vec<usize> =
        ranked.iter().skip(1).filter(|(_, other)| is_near(other)).map(|(place, _)| *place).collect();
    let certainty = if rivals.is_empty() { Certainty::Likely(None) } else { Certainty::Open(None) };
    let next = rivals.first().or_else(|| ranked.get(1).map(|(place, _)| place)).copied();
    let ahead = match next {
        Some(over) => Ok(Ahead { over: Some(over), times: None, certainty }),
        None => Err("no other case has such a number".to_owned()),
    };
    Some(Fulfilled::By { best, rivals, number: words(share), ahead })
}

/// `45 of 66, 68 % [56, 78]`.
fn words(share: Share) -> String {
    let per_cent = |share: f64| fixed(share * 100.0, 0);
    let interval = share
        .interval()
        .map_or_else(String::new, |interval| format!(" [{}, {}]", per_cent(interval.low), per_cent(interval.high)));
    format!("{} of {}, {} %{interval}", share.right, share.questions, per_cent(share.value()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(right: usize, questions: usize) -> Share {
        Share { right, questions }
    }

    #[test]
    fn nobody_is_the_best_where_nothing_is_right() {
        let Some(Fulfilled::Nobody(words)) = best(&[(0, of(0, 2)), (1, of(0, 2))]) else { panic!("all are wrong") };
        assert_eq!(words, "none: 0 of 2 calls are right, in every case");
    }

    #[test]
    fn few_questions_leave_it_open() {
        let found = |shares: &[(usize, Share)]| match best(shares).unwrap() {
            Fulfilled::By { best, rivals, number, ahead } => (best, rivals, number, ahead.unwrap().certainty),
            _ => panic!("somebody is right"),
        };
        let few = found(&[(0, of(1, 4)), (1, of(3, 4))]);
        assert_eq!(few, (1, vec![0], "3 of 4, 75 % [30, 95]".into(), Certainty::Open(None)));
        let many = found(&[(0, of(100, 400)), (1, of(300, 400))]);
        assert_eq!((many.0, many.1, many.3), (1, vec![], Certainty::Likely(None)));
    }
}
