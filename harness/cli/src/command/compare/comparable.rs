//! What makes two runs incomparable.

use anyhow::Result;
use pocketwatt_record::Difference;
use thiserror::Error;

use crate::report::difference_words;

/// This many cases are named one by one on standard error.
const NAMED: usize = 20;

/// What should be compared is not comparable.
#[derive(Debug, Error)]
#[error("not comparable: {0}")]
pub struct NotComparable(&'static str);

/// A case, and the differences that forbid to compare it, if there are any.
#[derive(Debug)]
pub struct Obstructed<'a> {
    /// Its identifier.
    pub case: &'a str,
    /// The differences.
    pub by: Vec<&'a Difference>,
}

/// Reports what makes a comparison meaningless, if anything does.
///
/// # Errors
/// When something does.
pub fn ensure_comparable<'a>(cases: impl Iterator<Item = Obstructed<'a>>) -> Result<()> {
    let obstructed: Vec<Obstructed> = cases.filter(|case| !case.by.is_empty()).collect();
    for Obstructed { case, by } in obstructed.iter().take(NAMED) {
        let words: Vec<String> = by.iter().copied().map(difference_words).collect();
        notice!("not comparable: {case}: {}", words.join("; "));
    }
    if obstructed.len() > NAMED {
        notice!("not comparable: {} cases more", obstructed.len() - NAMED);
    }
    if obstructed.is_empty() {
        return Ok(());
    }
    if obstructed.iter().flat_map(|case| &case.by).all(|difference| difference.property.is_setting()) {
        notice!(
            "precisions, numbers of threads and graphs are compared where they took turns in one run: name two records of it"
        );
    }
    let reason = "what is measured is not the same, so its numbers say nothing about better and worse; --force compares them anyway, and \
                  marks them";
    Err(NotComparable(reason).into())
}

/// What is said where no case is on both sides: which cases A and B have.
pub fn nothing_in_common(baseline: &[String], candidate: &[String]) -> anyhow::Error {
    notice!("A has {}", named(baseline));
    notice!("B has {}", named(candidate));
    let reason = "no case is in both; cases belong together if scenario, model, backend, precision, graph, threads and constraint are the \
                  same";
    NotComparable(reason).into()
}

/// The identifiers of cases, the first ones by name.
pub fn named(cases: &[String]) -> String {
    let more = cases.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", cases[..cases.len().min(NAMED)].join(", "))
}
