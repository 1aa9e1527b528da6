//! The table of one case in two runs.

use pocketwatt_record::{Case, Outcome, StoredContest, StoredPair};

use crate::{
    cases::{shortcoming, threads},
    comparison::words::{difference_words, reason, verdict_word},
    output::{effect, inert::one_line, quantity::fixed},
    table::{Cell, CellContent, Footnotes, Row, Subject, Table},
};

const COLUMNS: [&str; 5] = ["A (baseline)", "B (candidate)", "B / A", "verdict", "detectable"];
/// Confidence of the intervals that are shown.
const CONFIDENCE: f64 = 0.95;

/// A row for each metric, and what differs below them.
pub fn case_table(pair: &StoredPair) -> Table {
    let mut footnotes = Footnotes::default();
    let obstacles: Vec<String> = pair.obstacles().map(difference_words).collect();
    let forced =
        (!obstacles.is_empty()).then(|| format!("compared by force, though not the same: {}", obstacles.join("; ")));
    let rows = match is_measured(&pair.baseline_outcome) && is_measured(&pair.candidate_outcome) {
        true => pair.contests.iter().map(|contest| row(contest, forced.as_deref(), &mut footnotes)).collect(),
        false => vec![outcomes(pair, &mut footnotes)],
    };
    let others = pair.differences.iter().filter(|difference| !difference.forbids_comparison());
    Table {
        title: title(pair),
        columns: COLUMNS.map(str::to_owned).to_vec(),
        rows,
        footnotes: footnotes.texts,
        verdicts: Vec::new(),
        gains: Vec::new(),
        notes: forced.into_iter().chain(others.map(difference_words)).collect(),
        battery: Vec::new(),
        has_energy: false,
    }
}

fn is_measured(outcome: &Outcome) -> bool {
    *outcome == Outcome::Measured
}

fn title(pair: &StoredPair) -> String {
    let same =
        Case { id: String::new(), ..pair.baseline.clone() } == Case { id: String::new(), ..pair.candidate.clone() };
    match same {
        true => case_words(&pair.candidate),
        false => format!("{} | {}", case_words(&pair.baseline), case_words(&pair.candidate)),
    }
}

/// `chat · mobilellm-125m · f32 · 1 thread · tract/opset17`.
fn case_words(case: &Case) -> String {
    let graph = case.graph.map_or(String::new(), |graph| format!("/{}", graph.name()));
    let constrained = if case.constrained { ", constrained" } else { "" };
    let baseline = if case.baseline { ", baseline" } else { "" };
    format!(
        "{} · {} · {} · {} · {}{graph}{constrained}{baseline}",
        one_line(&case.scenario),
        one_line(&case.model),
        case.precision.name(),
        threads(case.threads),
        one_line(&case.backend),
    )
}

fn row(contest: &StoredContest, forced: Option<&str>, footnotes: &mut Footnotes) -> Row {
    let subject = Subject { label: None, metric: contest.metric.definition(), best: None, at_least: 0.0 };
    let found = [Some(contest.baseline.clone()), Some(contest.candidate.clone())];
    let mut row = Row::of(&subject, &found, footnotes);
    row.cells.push(match &contest.ratio {
        Ok(ratio) => {
            let (low, high) = ratio.interval(CONFIDENCE);
            let spread = format!("[{}, {}]", fixed(low, 3), fixed(high, 3));
            let content = CellContent::Number { digits: fixed(ratio.value(), 3), spread };
            Cell { content, ..Cell::default() }
        }
        Err(absent) => Cell::absent(absent, footnotes),
    });
    row.cells.push(verdict_cell(contest, forced, footnotes));
    row.cells.push(contest.detectable.map_or_else(Cell::default, |least| Cell::word(effect(least))));
    row
}

fn verdict_cell(contest: &StoredContest, forced: Option<&str>, footnotes: &mut Footnotes) -> Cell {
    let mark = if forced.is_some() { " (forced)" } else { "" };
    let Some(verdict) = contest.verdict else { return Cell::word(format!("no verdict{mark}")) };
    let alarm = verdict_word(verdict) == "worse";
    let footnote = reason(contest).map(|reason| footnotes.number(reason));
    Cell { alarm, footnote, ..Cell::word(format!("{}{mark}", verdict_word(verdict))) }
}

/// The only row of a case that was not measured on both sides.
fn outcomes(pair: &StoredPair, footnotes: &mut Footnotes) -> Row {
    let mut cell = |outcome: &Outcome| match shortcoming(outcome) {
        None => Cell::word("measured"),
        Some((word, detail)) => {
            let footnote = footnotes.number(format!("{word}{detail}"));
            Cell { alarm: word == "failed", footnote: Some(footnote), ..Cell::word(word) }
        }
    };
    let (baseline, candidate) = (cell(&pair.baseline_outcome), cell(&pair.candidate_outcome));
    let verdict = match pair.failed_in_candidate() {
        true => Cell { alarm: true, ..Cell::word("worse") },
        false => Cell::word("no verdict"),
    };
    Row {
        label: "outcome".into(),
        unit: "",
        cells: vec![baseline, candidate, Cell::default(), verdict, Cell::default()],
        heading: false,
    }
}
