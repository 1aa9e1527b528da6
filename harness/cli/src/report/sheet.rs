//! A block as a sheet of finished cells: what table and Markdown have in common.

use pocketwatt_protocol::Stage;
use pocketwatt_record::{Metric, Outcome, Record, Run, metric};

use super::{
    agreement::{Agreement, agreement, answers},
    blocks::{Block, Column, each_block, one_line},
    energy_rows,
    facts::Seen,
    grid::{self, grids},
    notes,
    results::{Results, each_record, without_series},
    row::{Cell, Footnotes, Found, Row, Subject},
    study, sustained_rows,
    user_units::user_units,
    values::{Statistic, Values},
};
use crate::inert;

/// Longest reason that a footnote repeats; the record has all of it.
const REASON_CHARACTERS: usize = 400;

/// A block, ready to be laid out.
pub struct Sheet {
    /// Scenario, model, precision, threads.
    pub title: String,
    /// Names of the columns; a line feed where a name is best broken.
    pub columns: Vec<String>,
    /// Metrics, and the agreement of the tokens.
    pub rows: Vec<Row>,
    /// Reasons that cells refer to, from 1.
    pub footnotes: Vec<String>,
    /// What disturbed the measurement.
    pub notes: Vec<String>,
    /// The energy in units of a battery, where one is known.
    pub battery: Vec<String>,
    /// Whether there are numbers of energy.
    pub has_energy: bool,
}

struct Line {
    metric: &'static str,
    statistic: Statistic,
    /// Where it is not the catalogue's.
    label: Option<&'static str>,
    /// Parts of a load are told apart differently by each engine: there is no best one.
    ranked: bool,
    /// Whether it is left out where no column has a number.
    optional: bool,
}

const fn line(metric: &'static str) -> Line {
    Line { metric, statistic: Statistic::Median, label: None, ranked: true, optional: false }
}

const fn quality(metric: &'static str) -> Line {
    Line { ranked: false, optional: true, ..line(metric) }
}

/// What users look for first comes first.
const LINES: &[Line] = &[
    line("time_to_first_token"),
    line("prefill_throughput"),
    line("decode_throughput"),
    line("inter_token_latency"),
    Line { statistic: Statistic::P90, label: Some("  90th percentile"), ..line("inter_token_latency") },
    Line { statistic: Statistic::P99, label: Some("  99th percentile"), ..line("inter_token_latency") },
    line("request_latency"),
    line("load_time"),
    Line { ranked: false, ..line("load_read_time") },
    Line { ranked: false, ..line("load_prepare_time") },
    line("first_token_after_load"),
    line("peak_resident_memory"),
    line("peak_anonymous_memory"),
    line("kv_cache_memory"),
    line("model_bandwidth_utilisation"),
    // Without an interval: which of two near ones is the better is left to the reader.
    Line { ranked: false, ..line("token_agreement") },
    quality("kl_divergence"),
    quality("perplexity"),
    Line { optional: true, ..line("call_intent") },
    Line { optional: true, ..line("call_structure") },
    Line { optional: true, ..line("call_bfcl") },
    quality("rouge_1"),
    quality("rouge_l"),
    Line { optional: true, ..line("time_to_call") },
    quality("tokens_per_call"),
    Line { label: Some("keeping to the grammar, a token"), ..quality("grammar_time") },
];

/// Hands on the sheets of a run, one after the other: its study's, or one for each block, and then the grids. `seen` learns of
/// every record on the way.
///
/// # Errors
/// Those of `put`.
pub fn each_sheet(
    run: &Run,
    results: &dyn Results,
    seen: &mut Seen,
    mut put: impl FnMut(&Sheet) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    if let Some(study) = study::of(run) {
        let mut records = Vec::new();
        each_record(results, |record| {
            seen.add(&record);
            records.push(without_series(record.into_owned()));
            Ok(())
        })?;
        return study::sheets(&study, &records).iter().try_for_each(put);
    }
    let spread = grid::spread(run, results);
    let mut lines = Vec::new();
    each_block(results, |block, part| {
        for column in &block.columns {
            seen.add(column.record);
            if spread.contains(&grid::key(&column.record.case)) {
                lines.push(grid::outline(column.record));
            }
        }
        let mut sheet = Sheet::of(block, run);
        sheet.title += part;
        put(&sheet)
    })?;
    grids(run, &lines).iter().try_for_each(put)
}

impl Sheet {
    /// Fills in every cell of a block of a run.
    pub fn of(block: &Block, run: &Run) -> Self {
        let mut footnotes = Footnotes::default();
        let columns: Vec<Values> = block.columns.iter().map(|column| Values::of(column.record)).collect();
        let verdicts: Vec<Option<Cell>> =
            block.columns.iter().map(|column| verdict(column.record, &column.name, &mut footnotes)).collect();
        let mut rows: Vec<Row> =
            LINES.iter().filter_map(|line| row(line, metric(line.metric)?, &columns, &mut footnotes)).collect();
        rows.extend(agreement_row(block, &mut footnotes));
        let simulated = run.energy.sysfs_root.is_some();
        rows.extend(sustained_rows::rows(block, simulated, &mut footnotes));
        let energy = energy_rows::rows(block, simulated, &mut footnotes);
        let has_energy = energy.iter().flat_map(|row| &row.cells).any(Cell::is_number);
        rows.extend(energy);
        put_verdicts(&mut rows, verdicts);
        // Where there is no number at all, there is nothing to name either.
        if !block.columns.iter().any(Column::measured) {
            rows.truncate(1);
            for row in &mut rows {
                row.label = "outcome".into();
                row.unit = "";
            }
        }
        Self {
            title: block.title(),
            columns: block.columns.iter().map(|column| column.name.clone()).collect(),
            rows,
            notes: notes::of(block, &footnotes.texts),
            battery: user_units(block),
            has_energy,
            footnotes: footnotes.texts,
        }
    }
}

impl Sheet {
    /// The same, safe to show: the one place for all tables, whatever their texts are made of.
    pub fn inert(&self) -> Self {
        let lines = |texts: &[String]| texts.iter().map(|text| inert::line(text)).collect();
        let cell =
            |cell: &Cell| Cell { value: inert::line(&cell.value), spread: inert::line(&cell.spread), ..cell.clone() };
        let row = |row: &Row| Row {
            label: inert::line(&row.label),
            unit: row.unit,
            cells: row.cells.iter().map(cell).collect(),
            heading: row.heading,
        };
        let name = |name: &String| name.split('\n').map(inert::line).collect::<Vec<_>>().join("\n");
        Self {
            title: inert::line(&self.title),
            columns: self.columns.iter().map(name).collect(),
            rows: self.rows.iter().map(row).collect(),
            footnotes: lines(&self.footnotes),
            notes: lines(&self.notes),
            battery: lines(&self.battery),
            has_energy: self.has_energy,
        }
    }

    /// Whether there are shares, which have an interval of their own.
    pub fn has_shares(&self) -> bool {
        self.rows.iter().flat_map(|row| &row.cells).any(|cell| cell.spread.starts_with('['))
    }
}

/// What every case of a block has of a metric.
pub fn estimates(block: &Block, metric: &str) -> Vec<Found> {
    let Some(line) = LINES.iter().find(|line| line.metric == metric) else { return vec![None; block.columns.len()] };
    let columns = block.columns.iter().map(|column| Values::of(column.record));
    columns.map(|column| column.measured().then(|| column.estimate(line.metric, line.statistic))).collect()
}

/// `failed` or `skipped` for a case without numbers.
pub fn verdict(record: &Record, name: &str, footnotes: &mut Footnotes) -> Option<Cell> {
    let (word, reason) = shortcoming(&record.outcome)?;
    let footnote = footnotes.number(format!("{name} {word}{}", shorten(&reason)));
    Some(Cell { value: word.into(), alarm: true, footnote: Some(footnote), ..Cell::default() })
}

/// A case without numbers says so once, at the top of its column.
pub fn put_verdicts(rows: &mut [Row], verdicts: Vec<Option<Cell>>) {
    for (index, verdict) in verdicts.into_iter().enumerate() {
        let Some(mut verdict) = verdict else { continue };
        for row in &mut *rows {
            row.cells[index] = std::mem::take(&mut verdict);
        }
    }
}

/// What to call a case without numbers, and why there are none.
pub fn shortcoming(outcome: &Outcome) -> Option<(&'static str, String)> {
    match outcome {
        Outcome::Measured => None,
        Outcome::Failed { stage, message } => {
            Some(("failed", format!(" while {}: {}", stage_words(*stage), one_line(message))))
        }
        Outcome::Skipped { reason } => Some(("skipped", format!(": {}", one_line(reason)))),
    }
}

fn stage_words(stage: Stage) -> &'static str {
    match stage {
        Stage::Start => "starting",
        Stage::Load => "loading the model",
        Stage::Warmup => "warming up",
        Stage::Prefill => "processing a prompt",
        Stage::Decode => "generating",
        Stage::Iteration => "running an iteration",
        Stage::Score => "computing logits",
    }
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(REASON_CHARACTERS) {
        Some((end, _)) => format!("{} ...", &text[..end]),
        None => text.to_owned(),
    }
}

fn row(line: &Line, metric: &Metric, columns: &[Values], footnotes: &mut Footnotes) -> Option<Row> {
    let subject = Subject { label: line.label, metric, ranked: line.ranked, at_least: 0.0 };
    let found: Vec<Found> =
        columns.iter().map(|column| column.measured().then(|| column.estimate(line.metric, line.statistic))).collect();
    let has_number = found.iter().flatten().any(Result::is_ok);
    // Runs in which nothing was compared, because nobody asked for it, need no line that says so.
    let not_asked = line.metric == "token_agreement" && columns.iter().all(|column| column.record.quality.is_none());
    (has_number || !(line.optional || not_asked)).then(|| Row::of(&subject, &found, footnotes))
}

/// Compares every column with the first one that generated tokens; no row where there are not two of them.
fn agreement_row(block: &Block, footnotes: &mut Footnotes) -> Option<Row> {
    // Answers that are kept to a grammar are others on purpose.
    let free = |column: &Column| column.measured() && !column.record.case.constrained;
    let generated = |column: &&Column| free(column) && answers(column.record).iter().any(|turn| !turn.is_empty());
    let reference = block.columns.iter().find(generated)?;
    if block.columns.iter().filter(generated).count() < 2 {
        return None;
    }
    let cells = block.columns.iter().map(|column| {
        let Some(agreement) = agreement(reference.record, column.record).filter(|_| free(column)) else {
            return Cell { value: "-".into(), ..Cell::default() };
        };
        match agreement {
            Agreement::Same(_) if std::ptr::eq(column, reference) => {
                Cell { value: "reference".into(), ..Cell::default() }
            }
            Agreement::Same(count) => Cell { value: format!("yes ({count})"), ..Cell::default() },
            Agreement::Differs(place) => differs(
                "no",
                format!("{} differs from token {} of turn {} on", column.name, place.token, place.turn),
                footnotes,
            ),
            Agreement::Unsteady(place) => differs(
                "unsteady",
                format!(
                    "{} gives other tokens in another iteration, from token {} of turn {} on",
                    column.name, place.token, place.turn
                ),
                footnotes,
            ),
        }
    });
    let cells = cells.collect();
    Some(Row { label: format!("same tokens as {}", reference.name), unit: "", cells, heading: false })
}

fn differs(word: &str, explanation: String, footnotes: &mut Footnotes) -> Cell {
    Cell { value: word.into(), alarm: true, footnote: Some(footnotes.number(explanation)), ..Cell::default() }
}
