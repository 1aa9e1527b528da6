//! How many answers are right calls, by category.

use pocketwatt_record::{AnswerWorth, CallAnswer, CallMetric, Estimate, Record, distinct_answers, share, share_of};

use crate::{
    cases::model,
    output::inert::one_line,
    table::{Cell, Footnotes, Found, Row, Subject, Table},
};

/// The metrics, and how they are headed.
pub const METRICS: [(CallMetric, &str); 3] = [
    (CallMetric::CallIntent, "EM_intent"),
    (CallMetric::CallStructure, "EM_structure"),
    (CallMetric::CallBfcl, "BFCL"),
];

/// Every category in the order of the questions, with a line for each case.
pub fn by_category(records: &[&Record], labels: &[String]) -> Table {
    let mut categories: Vec<&str> = Vec::new();
    for answer in records.iter().flat_map(|record| distinct_answers(&record.calls)) {
        let is_call = matches!(answer.worth, AnswerWorth::Call { .. });
        if is_call && !categories.contains(&answer.category.as_str()) {
            categories.push(&answer.category);
        }
    }
    let parts = || std::iter::once(None).chain(categories.iter().map(Some));
    let mut footnotes = Footnotes::default();
    let columns: Vec<Row> = METRICS
        .iter()
        .filter(|(metric, _)| records.iter().any(|record| share(&record.calls, (*metric).into()).is_some()))
        .map(|(metric, label)| {
            let wanted =
                |category: Option<&&str>, answer: &CallAnswer| category.is_none_or(|name| answer.category == **name);
            let share = |record: &Record, category| share_of(&record.calls, *metric, |answer| wanted(category, answer));
            let found: Vec<Found> = parts()
                .flat_map(|category| records.iter().map(move |record| share(record, category)))
                .map(|share| share.map(|share| Ok(Estimate::of_share(share))))
                .collect();
            let subject = Subject { label: Some(label), metric: metric.definition(), best: None, at_least: 0.0 };
            Row::of(&subject, &found, &mut footnotes)
        })
        .collect();
    let mut rows = Vec::new();
    for (part, category) in parts().enumerate() {
        rows.push(Row::heading(category.map_or("all".into(), |name| one_line(name)), columns.len()));
        for (index, label) in labels.iter().enumerate() {
            let cells: Vec<Cell> = columns.iter().map(|row| row.cells[part * records.len() + index].clone()).collect();
            rows.push(Row { label: format!("  {label}"), unit: "", cells, heading: false });
        }
    }
    let title = records.first().map_or(String::new(), |record| {
        format!("{} · {} · right calls by category", one_line(&record.case.scenario), model(record))
    });
    Table {
        title,
        columns: columns.iter().map(|row| format!("{}\n{}", row.label, row.unit)).collect(),
        rows,
        footnotes: footnotes.texts,
        verdicts: Vec::new(),
        gains: Vec::new(),
        notes: vec!["[ ] is the 95 % Wilson interval; few questions say little".into()],
        battery: Vec::new(),
        has_energy: false,
    }
}
