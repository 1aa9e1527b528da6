//! What the page says of each case and of each scenario and model. It is made while the readings are at hand, of one scenario and model
//! after the other: those of all cases together may not fit into memory.

use std::borrow::Cow;

use maud::Markup;
use pocketwatt_record::{Case, Outcome, Record};

use crate::{
    cases::{group_by, without_series},
    pages::report::{
        card::{answer, is_same_work},
        case,
        columns::{OwnNumber, own_numbers},
        reported::ReportedRun,
    },
};

/// A case of a page.
pub struct ShownCase {
    /// Its position among the cases of the run.
    pub place: usize,
    /// Without series.
    pub record: Record,
    /// What it has of each column of the table of every case.
    pub numbers: Vec<OwnNumber>,
    /// Whether it and all others of its scenario and model gave answers of the same lengths.
    pub is_same_work: bool,
    /// All of its numbers, if the page has room for them.
    pub part: Option<Markup>,
}

/// A run of a page.
pub struct Shown {
    /// A card for each scenario and model.
    pub cards: Vec<Markup>,
    /// In the order of the plan.
    pub cases: Vec<ShownCase>,
}

impl Shown {
    /// The `number`th run of a report.
    ///
    /// # Errors
    /// When a record cannot be read.
    pub fn of(reported: &ReportedRun<'_>, number: usize) -> anyhow::Result<Self> {
        let ReportedRun { run, results, address } = reported;
        let cases = results.cases();
        // What was planned and has no file is missed in its card, too.
        let all: Vec<&Case> = run.plan.iter().map(|planned| &planned.case).chain(cases.iter().copied()).collect();
        let (mut cards, mut shown) = (Vec::new(), Vec::new());
        for alike in group_by(all.iter().map(|case| key(case))) {
            let first = alike.first().map(|&place| key(all[place]));
            let planned = run.plan.iter().map(|planned| &planned.case).filter(|case| Some(key(case)) == first);
            let is_alike = |place: &usize| Some(key(cases[*place])) == first;
            let places: Vec<usize> = (0..cases.len()).filter(is_alike).collect();
            let mut records: Vec<(usize, Cow<Record>)> = Vec::new();
            let mut place = places.iter();
            results.each(&places, &mut |record| {
                records.extend(place.next().copied().zip(record));
                Ok(())
            })?;
            let found: Vec<&Record> = records.iter().map(|(_, record)| record.as_ref()).collect();
            let measured = found.iter().copied().filter(|record| record.outcome == Outcome::Measured);
            let is_same = is_same_work(measured);
            cards.push(answer(&found, &planned.collect::<Vec<_>>(), run));
            shown.extend(records.into_iter().map(|(place, record)| {
                let part = case::part(&record, address.as_deref(), number, place, run.energy.sysfs_root.is_some());
                let numbers = own_numbers(&record);
                ShownCase { place, is_same_work: is_same, record: without_series(record.into_owned()), numbers, part }
            }));
        }
        shown.sort_by_key(|case| case.place);
        Ok(Self { cards, cases: shown })
    }
}

/// What the cases of a card have in common.
fn key(case: &Case) -> (&str, &str) {
    (&case.scenario, &case.model)
}
