//! How many answers are right calls: shares with their interval, by category, and the wrong answers one by one.

use pocketwatt_dataset::wilson_interval;
use pocketwatt_protocol::{Iteration, TokenId};
use pocketwatt_record::{AnswerWorth, CallAnswer, Case, Outcome, Record, distinct_answers, metric};

use super::{
    Format, Style,
    agreement::measured,
    blocks::{model, one_line},
    cells::Estimate,
    grid, markdown,
    row::{Cell, Footnotes, Found, Row, Subject},
    sheet::Sheet,
    table, text,
};

/// Longest answer that is shown.
const ANSWER_CHARACTERS: usize = 200;
const METRICS: [(&str, &str); 3] =
    [("call_intent", "EM_intent"), ("call_structure", "EM_structure"), ("call_bfcl", "BFCL")];

/// Right answers of all that were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Right ones.
    pub right: usize,
    /// Questions.
    pub questions: usize,
}

impl Share {
    /// With its 95 % interval.
    pub fn estimate(self) -> Estimate {
        let interval = wilson_interval(self.right, self.questions);
        Estimate {
            value: self.right as f64 / self.questions.max(1) as f64,
            range: interval.map(|interval| (interval.low, interval.high)),
            questions: Some(self.questions),
        }
    }
}

/// The share of right answers that a metric of a record is; nothing for a metric of something else, or without questions.
pub fn share(record: &Record, metric: &str) -> Option<Share> {
    share_of(record, metric, |_| true)
}

fn share_of(record: &Record, metric: &str, wanted: impl Fn(&CallAnswer) -> bool) -> Option<Share> {
    let mut share = Share { right: 0, questions: 0 };
    for answer in distinct_answers(record).filter(|answer| wanted(answer)) {
        let Some(right) = is_right(&answer.worth, metric) else { continue };
        share.questions += 1;
        share.right += usize::from(right);
    }
    (share.questions > 0).then_some(share)
}

fn is_right(worth: &AnswerWorth, metric: &str) -> Option<bool> {
    let AnswerWorth::Call { intent, structure, bfcl, .. } = *worth else { return None };
    match metric {
        "call_intent" => Some(intent),
        "call_structure" => Some(structure),
        "call_bfcl" => bfcl,
        _ => None,
    }
}

/// What is needed to show answers beside what would have been right.
pub struct Answers<'a> {
    /// Tokens as text.
    pub decode: &'a dyn Fn(&Record, &[TokenId]) -> Option<String>,
    /// A right answer to the question that an answer was given to.
    pub expected: &'a dyn Fn(&Record, &CallAnswer) -> Option<String>,
    /// How many wrong ones of each case are shown.
    pub first: usize,
}

/// For each scenario and model in which calls were asked for: the shares of right answers in every category, then the first
/// wrong answers of every case.
pub fn render(records: &[Record], answers: &Answers, format: Format, style: &Style) -> String {
    let judged: Vec<&Record> = records.iter().filter(|record| is_judged(record)).collect();
    if judged.is_empty() {
        return "No calls were judged: none were asked for, the weights are seeded, or a note above says why.\n".into();
    }
    let mut output = String::new();
    for group in groups(&judged) {
        let cases: Vec<&Case> = group.iter().map(|record| &record.case).collect();
        let labels = grid::labels(&cases);
        let sheet = by_category(&group, &labels);
        output += &match format {
            Format::Markdown => markdown::table_of(&sheet),
            _ => table::table_of(&sheet, style),
        };
        let wrong: String =
            group.iter().zip(&labels).map(|(record, label)| wrong_answers(record, label, answers)).collect();
        let wrong =
            if format == Format::Markdown { markdown::verbatim(&wrong) } else { wrong.trim_end().to_owned() + "\n" };
        output += &(wrong + "\n");
    }
    output
}

fn is_judged(record: &Record) -> bool {
    record.outcome == Outcome::Measured && record.summary(METRICS[0].0).is_some()
}

fn groups<'a>(records: &[&'a Record]) -> Vec<Vec<&'a Record>> {
    let key = |record: &Record| (record.case.scenario.clone(), record.case.model.clone());
    let mut groups: Vec<Vec<&Record>> = Vec::new();
    for record in records {
        match groups.iter_mut().find(|group| key(group[0]) == key(record)) {
            Some(group) => group.push(record),
            None => groups.push(vec![record]),
        }
    }
    groups
}

/// Every category in the order of the questions, with a line for each case.
fn by_category(records: &[&Record], labels: &[String]) -> Sheet {
    let mut categories: Vec<&str> = Vec::new();
    for answer in records.iter().flat_map(|record| distinct_answers(record)) {
        let is_call = matches!(answer.worth, AnswerWorth::Call { .. });
        if is_call && !categories.contains(&answer.category.as_str()) {
            categories.push(&answer.category);
        }
    }
    let parts = || std::iter::once(None).chain(categories.iter().map(Some));
    let mut footnotes = Footnotes::default();
    let columns: Vec<Row> = METRICS
        .iter()
        .filter(|(name, _)| records.iter().any(|record| share(record, name).is_some()))
        .filter_map(|(name, label)| {
            let wanted =
                |category: Option<&&str>, answer: &CallAnswer| category.is_none_or(|name| answer.category == **name);
            let share = |record: &Record, category| share_of(record, name, |answer| wanted(category, answer));
            let found: Vec<Found> = parts()
                .flat_map(|category| records.iter().map(move |record| share(record, category)))
                .map(|share| share.map(|share| Ok(share.estimate())))
                .collect();
            let subject = Subject { label: Some(label), metric: metric(name)?, ranked: false, at_least: 0.0 };
            Some(Row::of(&subject, &found, &mut footnotes))
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
    Sheet {
        title,
        columns: columns.iter().map(|row| format!("{}\n{}", row.label, row.unit)).collect(),
        rows,
        footnotes: footnotes.texts,
        notes: vec!["[ ] is the 95 % Wilson interval; few questions tell little".into()],
        battery: Vec::new(),
        has_energy: false,
    }
}

/// What was expected and what was answered, for the first answers that are not right.
fn wrong_answers(record: &Record, label: &str, answers: &Answers) -> String {
    let label = label.split_whitespace().collect::<Vec<_>>().join(" ");
    let calls = || distinct_answers(record).filter(|answer| matches!(answer.worth, AnswerWorth::Call { .. }));
    let wrong: Vec<&CallAnswer> =
        calls().filter(|answer| !matches!(answer.worth, AnswerWorth::Call { structure: true, .. })).collect();
    let shown = match wrong.len() {
        0 => String::new(),
        all if all > answers.first => format!(", the first {}", answers.first),
        _ => ", all of them".into(),
    };
    let mut output = format!("{label}: {} of {} answers are wrong{shown}\n", wrong.len(), calls().count());
    let iterations: Vec<&Iteration> = measured(record).collect();
    for answer in wrong.iter().take(answers.first) {
        let turn =
            iterations.get(answer.iteration as usize).and_then(|iteration| iteration.turns.get(answer.turn as usize));
        let answered = turn.map_or_else(String::new, |turn| {
            (answers.decode)(record, &turn.tokens).unwrap_or_else(|| text::by_number(&turn.tokens))
        });
        let expected = (answers.expected)(record, answer);
        output += &format!(
            "  {}, turn {} ({}): {}\n    expected  {}\n    answered  {}\n",
            one_line(&answer.question),
            answer.turn + 1,
            one_line(&answer.category),
            fault(&answer.worth),
            shortened(expected.as_deref().unwrap_or("(not stored with the run)")),
            shortened(&answered),
        );
    }
    output + "\n"
}

fn fault(worth: &AnswerWorth) -> &'static str {
    match worth {
        AnswerWorth::Call { bfcl: Some(true), .. } => "right by BFCL's rule, not by ours",
        AnswerWorth::Call { intent: true, .. } => "the right function with wrong arguments",
        AnswerWorth::Call { complete_token: None, .. } => "no call",
        _ => "the wrong function",
    }
}

fn shortened(answer: &str) -> String {
    let line = one_line(answer);
    match line.char_indices().nth(ANSWER_CHARACTERS) {
        Some((end, _)) => format!("{} ...", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests;
