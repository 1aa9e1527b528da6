//! What was put back on a phone, in words.

use pocketwatt_phone::job::RestoreLine;

/// Whether a setting that a job changed is as it was, and why not.
pub fn restored(line: &RestoreLine) -> String {
    let RestoreLine { job, what, is_restored, words } = line;
    match (is_restored, words) {
        (true, _) => format!("{what}, which job {job} had changed, is put back"),
        (false, Some(words)) => format!("{what}, which job {job} had changed, could not be put back: {words}"),
        (false, None) => format!("{what}, which job {job} had changed, could not be put back"),
    }
}
