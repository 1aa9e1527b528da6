//! How many answers are right calls, and the wrong answers one by one.

use pocketwatt_protocol::{Iteration, TokenId};
use pocketwatt_record::{AnswerWorth, CallAnswer, Case, Outcome, Record, distinct_answers};

use crate::{
    formats::{Format, answers, markdown, terminal},
    output::{Style, inert::one_line},
    tables::{
        calls::{METRICS, by_category},
        grid,
    },
};

/// Longest answer that is shown.
const ANSWER_CHARACTERS: usize = 200;

/// What is needed to show answers beside the right ones.
pub struct Answers<'a> {
    /// Decodes tokens.
    pub decode: &'a dyn Fn(&Record, &[TokenId]) -> Option<String>,
    /// A right answer to the question of an answer.
    pub expected: &'a dyn Fn(&Record, &CallAnswer) -> Option<String>,
    /// Number of wrong answers of each case that are shown.
    pub first: usize,
}

/// For each scenario and model with function calls: the shares of right answers in every category, then the first
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
        let table = by_category(&group, &labels);
        output += &match format {
            Format::Markdown => markdown::table_of(&table),
            _ => terminal::table_of(&table, style),
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

/// The expected and the given answer, for the first answers that are not right.
fn wrong_answers(record: &Record, label: &str, answers: &Answers) -> String {
    let label = label.split_whitespace().collect::<Vec<_>>().join(" ");
    let calls = || distinct_answers(&record.calls).filter(|answer| matches!(answer.worth, AnswerWorth::Call { .. }));
    let wrong: Vec<&CallAnswer> =
        calls().filter(|answer| !matches!(answer.worth, AnswerWorth::Call { structure: true, .. })).collect();
    let shown = match wrong.len() {
        0 => String::new(),
        all if all > answers.first => format!(", the first {}", answers.first),
        _ => ", all of them".into(),
    };
    let mut output = format!("{label}: {} of {} answers are wrong{shown}\n", wrong.len(), calls().count());
    let iterations: Vec<&Iteration> = record.samples.counted().collect();
    for answer in wrong.iter().take(answers.first) {
        let turn =
            iterations.get(answer.iteration as usize).and_then(|iteration| iteration.turns.get(answer.turn as usize));
        let answered = turn.map_or_else(String::new, |turn| {
            (answers.decode)(record, &turn.tokens).unwrap_or_else(|| answers::by_number(&turn.tokens))
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
