//! What stands below a table because it could mislead.

use crate::{
    cases::{CaseGroup, physics},
    facts::disturbances,
    table::Footnotes,
};

/// What cannot be true, unless a footnote has said it, and what disturbed the measurement.
pub fn notes_below(group: &CaseGroup, footnotes: &Footnotes) -> Vec<String> {
    let mut notes = physics::notes(group, footnotes);
    notes.extend(disturbances(group));
    notes
}
