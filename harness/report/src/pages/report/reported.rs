use pocketwatt_record::Run;

use crate::cases::Results;

/// A run of a report.
pub struct ReportedRun<'a> {
    /// The run.
    pub run: &'a Run,
    /// Its records.
    pub results: &'a dyn Results,
    /// The address of its folder from the report's, as in a link, with a slash at its end; absent where there is none.
    pub address: Option<String>,
}
