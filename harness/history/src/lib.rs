//! Runs over commits: a folder of plain files, made for a branch of a repository or a store of artefacts.
//!
//! Each run of a commit is one small file below `entries/`, which is named after its content: so merging two histories is a copy of
//! files, and what was changed or cut off is noticed. `index.jsonl` beside it is derived, and written anew whenever it is missing, stale
//! or damaged.
//!
//! From the bottom up: `shares` (of work, for several threads), `commit`, `entry` (a file), `subject` and `conditions` (of what, and
//! under which conditions), `outline` (what is kept in memory of an entry), `repeats` (entries of one run), `index`, `folder` (all of
//! them), `add` (an entry from a run), `keep` (adding one that may be there), `segment` (runs under the same conditions), `course` (what
//! became of a metric), and `scatter` (how much runs of the same thing differ).

mod add;
mod commit;
mod conditions;
mod course;
mod entry;
mod error;
mod folder;
mod index;
mod keep;
mod outline;
mod repeats;
mod scatter;
mod segment;
mod shares;
mod subject;

pub use add::{OfCommit, entry_of};
pub use commit::{Commit, Moment};
pub use conditions::{Condition, Conditions};
pub use course::{CaseCourse, Certainty, Change, Course, Effect, Point, courses};
pub use entry::{Entry, EntryCase, EntryMetric, EntryRun, HISTORY_FORMAT, Missing, MissingCase, file_name};
pub use error::{EntryDamage, Formatted, HistoryError};
pub use folder::{Added, DamagedEntry, HistoryFolder, Known};
pub use keep::{Keeping, Kept, keep};
pub use outline::{CaseOutline, Number, Outline, RunIdentity};
pub use repeats::RepeatedEntry;
pub use scatter::{NoScatter, RunScatter, run_scatter};
pub use segment::Segment;
pub use subject::Subject;
