//! Two builds of each runner beside each other.

use maud::{Markup, html};

use crate::{
    cases::{CaseGroup, shortcoming},
    pages::tables::notes,
    tables::{Contests, failed_in_candidate},
};

/// What is said of the candidates. One that fails beside a baseline that does not is worse than any number.
pub fn beside_baselines(group: &CaseGroup, contests: &Contests) -> Markup {
    let failed = failed_in_candidate(group).filter_map(|column| {
        let (word, reason) = shortcoming(&column.record.outcome)?;
        Some(format!("{}: {word}{reason}; its baseline was measured: worse", column.name))
    });
    let told: Vec<String> = failed.chain(contests.told()).collect();
    html! {
        @if told.is_empty() { p.answer { "Nothing can be said about the two builds: no case has blocks of both." } }
        @else { p.answer { "Each runner beside its baseline:" } (notes(&told)) }
    }
}
