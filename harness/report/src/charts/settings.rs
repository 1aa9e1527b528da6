//! What charts over all settings are about.

use pocketwatt_record::{Outcome, Record, Run};

use crate::{
    cases::{case_names, emulated, group_by, model, threads},
    charts::palette::{Inks, Palette},
    output::inert::one_line,
};

/// The measured cases of one scenario and model, in every precision and number of threads.
pub struct AllSettings<'a> {
    /// Whose cases they are.
    pub run: &'a Run,
    /// One for each case, in the order of the run; never empty.
    pub cases: Vec<SettingsCase<'a>>,
    /// Every backend, with its graph if the cases have the backend twice, once each.
    pub names: Vec<String>,
    /// The colour of each of them.
    pub inks: Inks,
}

/// One of the cases.
pub struct SettingsCase<'a> {
    /// The place of its backend among the names.
    pub backend: usize,
    /// The backend and what distinguishes the case from others of it: `candle int8, 2 threads`.
    pub label: String,
    /// Its results, without readings over time.
    pub record: &'a Record,
}

impl<'a> AllSettings<'a> {
    /// One for each scenario and model with a measured case.
    pub fn each(run: &'a Run, records: &'a [Record], palette: &Palette) -> Vec<Self> {
        let records: Vec<&Record> = records.iter().filter(|record| record.outcome == Outcome::Measured).collect();
        let groups = group_by(records.iter().map(|record| (&record.case.scenario, &record.case.model)));
        let group = |places: Vec<usize>| places.into_iter().filter_map(|place| records.get(place).copied()).collect();
        groups.into_iter().map(|places| Self::of(run, group(places), palette)).collect()
    }

    fn of(run: &'a Run, records: Vec<&'a Record>, palette: &Palette) -> Self {
        let backends = case_names(&records.iter().map(|record| &record.case).collect::<Vec<_>>());
        let mut names: Vec<String> = Vec::new();
        for backend in &backends {
            if !names.contains(backend) {
                names.push(backend.clone());
            }
        }
        let several =
            |differs: &dyn Fn(&Record, &Record) -> bool| records.iter().any(|record| differs(record, records[0]));
        let precisions = several(&|left, right| left.case.precision != right.case.precision);
        let thread_counts = several(&|left, right| left.case.threads != right.case.threads);
        let label = |record: &Record, backend: &str| {
            let precision = if precisions { format!(" {}", record.case.precision.name()) } else { String::new() };
            let threads = if thread_counts { format!(", {}", threads(record.case.threads)) } else { String::new() };
            format!("{backend}{precision}{threads}")
        };
        let cases = records.iter().zip(&backends).map(|(&record, backend)| SettingsCase {
            backend: names.iter().position(|name| name == backend).unwrap_or_default(),
            label: label(record, backend),
            record,
        });
        Self { run, cases: cases.collect(), inks: palette.inks(&names), names }
    }

    /// `chat · mobilellm-125m (seeded weights)`, and the settings that all cases share.
    pub fn title(&self) -> String {
        let Some(first) = self.cases.first().map(|case| case.record) else { return String::new() };
        let all = |same: &dyn Fn(&Record) -> bool| self.cases.iter().all(|case| same(case.record));
        let mut parts = vec![one_line(&first.case.scenario), model(first)];
        if all(&|record| record.case.precision == first.case.precision) {
            parts.push(first.case.precision.name().to_owned());
        }
        if all(&|record| record.case.threads == first.case.threads) {
            parts.push(threads(first.case.threads));
        }
        parts.join(" · ") + &emulated(first)
    }
}
