//! What the page says of each case and of each scenario and model. It is made while the readings are at hand, of one scenario and model
//! after the other: those of all cases together may not fit into memory.

use std::borrow::Cow;

use maud::Markup;
use pocketwatt_record::Record;

use crate::{
    cases::{group_by, without_series},
    pages::report::{
        answer::answer,
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
        let (mut cards, mut shown) = (Vec::new(), Vec::new());
        for places in group_by(cases.iter().map(|case| (case.scenario.as_str(), case.model.as_str()))) {
            let mut records: Vec<(usize, Cow<Record>)> = Vec::new();
            let mut place = places.iter();
            results.each(&places, &mut |record| {
                records.extend(place.next().copied().zip(record));
                Ok(())
            })?;
            cards.push(answer(&records.iter().map(|(_, record)| record.as_ref()).collect::<Vec<_>>(), run));
            shown.extend(records.into_iter().map(|(place, record)| {
                let part = case::part(&record, address.as_deref(), number, place, run.energy.sysfs_root.is_some());
                let numbers = own_numbers(&record);
                ShownCase { place, record: without_series(record.into_owned()), numbers, part }
            }));
        }
        shown.sort_by_key(|case| case.place);
        Ok(Self { cards, cases: shown })
    }
}
