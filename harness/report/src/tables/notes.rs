//! What stands below a table because it could mislead.

use crate::{
    cases::{CaseGroup, physics},
    facts::disturbances,
    table::Footnotes,
};

/// Impossible numbers, unless a footnote mentions them, and what disturbed the measurement.
pub fn notes_below(group: &CaseGroup, footnotes: &Footnotes) -> Vec<String> {
    let mut notes = physics::notes(group, footnotes);
    notes.extend(disturbances(group));
    notes
}
