//! The device and the versions behind a review.

use pocketwatt_record::Outcome;

use crate::{
    cases::each_record,
    facts::{self, Seen},
    review::{data::Review, words::short_commit},
};

/// Name and text of each fact: the commits, then those that stand below every table.
///
/// # Errors
/// When a record cannot be read.
pub fn of(review: &Review) -> anyhow::Result<Vec<(&'static str, String)>> {
    let mut seen = Seen::default();
    let mut runners = [Vec::new(), Vec::new()];
    each_record(review.results, |record| {
        seen.add(&record);
        let side = &mut runners[usize::from(!record.case.baseline)];
        if let (Outcome::Measured, Some(sha256)) = (&record.outcome, &record.passport.runner_sha256) {
            let text = format!("{} {}", record.case.backend, short_commit(sha256));
            if !side.contains(&text) {
                side.push(text);
            }
        }
        Ok(())
    })?;
    let commits = [("head", review.commit), ("merge of", review.merge_of), ("base", review.base_commit)];
    let mut all: Vec<(&'static str, String)> =
        commits.into_iter().filter_map(|(side, commit)| Some((side, short_commit(commit?)))).collect();
    let [base, head] = runners.map(|side| side.join(", "));
    if base != head {
        all.push(("runners", format!("sha256 of the base: {base}; of the head: {head}")));
    } else if !head.is_empty() {
        all.push(("runners", format!("the same programs on both sides, sha256: {head}")));
    }
    all.extend(facts::facts(review.run, &seen, &review.results.damaged()));
    Ok(all)
}
