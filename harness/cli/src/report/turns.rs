//! What each turn costs, as the context grows: a sheet for each block whose conversations have several turns.

use pocketwatt_record::{Metric, Record, Run, Summary, TurnFigures, metric, turns};
use serde::Serialize;

use super::{
    Format, Output, Style,
    blocks::{Block, each_block, one_line},
    cells::Estimate,
    energy_rows::scope_words_of,
    markdown, physics,
    quantity::fixed,
    results::Results,
    row::{Cell, Footnotes, Found, Row, Subject, largest},
    sheet::{Sheet, verdict},
    table,
};

/// The sheets, below everything else. The JSON document has the turns anyhow, and CSV has no place for them.
///
/// # Errors
/// When the output cannot be written.
pub fn render(
    run: &Run,
    results: &dyn Results,
    format: Format,
    style: &Style,
    output: &mut Output,
) -> anyhow::Result<()> {
    let simulated = run.energy.sysfs_root.is_some();
    let layout = match format {
        Format::Table => |sheet: &Sheet, style: &Style| table::table_of(sheet, style),
        Format::Markdown => |sheet: &Sheet, _: &Style| markdown::table_of(sheet),
        Format::Csv | Format::Json => return Ok(()),
    };
    each_block(results, |block, part| {
        let Some(mut sheet) = sheet(block, simulated) else { return Ok(()) };
        sheet.title += part;
        output(&format!("\n{}\n", layout(&sheet, style).trim_end()))
    })
}

/// A quantity, and how it is told of a turn.
struct Quantity {
    heading: String,
    metric: &'static Metric,
    of: fn(&Record, &TurnFigures) -> Result<Estimate, String>,
}

fn sheet(block: &Block, simulated: bool) -> Option<Sheet> {
    let columns: Vec<Vec<TurnFigures>> =
        block.columns.iter().map(|column| if column.measured() { turns(column.record) } else { Vec::new() }).collect();
    let last = columns.iter().flatten().map(|turn| turn.number).max()?;
    let mut footnotes = Footnotes::default();
    let verdicts: Vec<Option<Cell>> =
        block.columns.iter().map(|column| verdict(column.record, &column.name, &mut footnotes)).collect();
    let turn = |column: usize, number: usize| columns[column].iter().find(|turn| turn.number == number);
    let mut rows = vec![Row::heading("tokens in the context + tokens of the prompt".into(), columns.len())];
    rows.extend((1..=last).map(|number| Row {
        label: label(number),
        unit: "",
        cells: (0..columns.len()).map(|column| turn(column, number).map(tokens).unwrap_or_default()).collect(),
        heading: false,
    }));
    let mut has_energy = false;
    for quantity in quantities(block, simulated) {
        let found: Vec<Vec<Found>> = (1..=last)
            .map(|number| {
                let found = |column: usize| {
                    let record = block.columns[column].record;
                    let told = (quantity.of)(record, turn(column, number)?);
                    Some(told.map_err(|reason| physics::explained(record, &one_line(&reason))))
                };
                (0..columns.len()).map(found).collect()
            })
            .collect();
        let is_number = found.iter().flatten().flatten().any(Result::is_ok);
        if !is_number {
            let subject =
                Subject { label: Some(&quantity.heading), metric: quantity.metric, ranked: false, at_least: 0.0 };
            rows.extend(found.first().map(|found| Row::of(&subject, found, &mut footnotes)));
            continue;
        }
        has_energy |= quantity.metric.name == ENERGY;
        rows.push(Row::heading(quantity.heading, columns.len()));
        let at_least = found.iter().map(|found| largest(found)).fold(0.0, f64::max);
        for (index, found) in found.iter().enumerate() {
            let label = label(index + 1);
            let subject = Subject { label: Some(&label), metric: quantity.metric, ranked: false, at_least };
            rows.push(Row::of(&subject, found, &mut footnotes));
        }
    }
    // A case without numbers says so once, at the top of its column.
    for (index, verdict) in verdicts.into_iter().enumerate() {
        if let (Some(verdict), Some(row)) = (verdict, rows.get_mut(1)) {
            row.cells[index] = verdict;
        }
    }
    Some(Sheet {
        title: format!("turn by turn · {}", block.title()),
        columns: block.columns.iter().map(|column| column.name.clone()).collect(),
        rows,
        footnotes: footnotes.texts,
        notes: Vec::new(),
        battery: Vec::new(),
        has_energy,
    })
}

const ENERGY: &str = "energy_per_request";

fn quantities(block: &Block, simulated: bool) -> Vec<Quantity> {
    let scope = block.columns.iter().find_map(|column| {
        column.record.metrics.iter().find(|value| value.metric == ENERGY).and_then(|value| value.scope.as_ref())
    });
    let energy = scope
        .map_or_else(|| "energy".to_owned(), |scope| format!("energy of the {}", scope_words_of(scope, simulated)));
    let quantity = |name: &str, heading: String, of| Some(Quantity { heading, metric: metric(name)?, of });
    [
        quantity("time_to_first_token", "time to first token".into(), |_, turn| told(&turn.time_to_first_token)),
        quantity("request_latency", "latency, to the last token".into(), |_, turn| told(&turn.request_latency)),
        quantity(ENERGY, energy, |_, turn| {
            let (value, uncertainty) = turn.energy.clone()?;
            Ok(Estimate::between(value, Some((value - uncertainty, value + uncertainty))))
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn told(times: &Result<Summary, String>) -> Result<Estimate, String> {
    let summary = times.as_ref().map_err(String::clone)?;
    let range = (summary.count > 1).then_some((summary.minimum, summary.maximum));
    Ok(Estimate::between(summary.median, range))
}

fn label(number: usize) -> String {
    format!("  turn {number}")
}

/// `201 + 57`: medians, where conversations differ.
fn tokens(turn: &TurnFigures) -> Cell {
    let value = format!("{} + {}", fixed(turn.context_tokens.median, 0), fixed(turn.prompt_tokens.median, 0));
    Cell { value, ..Cell::default() }
}

/// A turn in the JSON document, in base units: medians over all conversations, and the mean energy.
#[derive(Serialize)]
pub struct TurnPart {
    turn: usize,
    count: u64,
    context_tokens: f64,
    prompt_tokens: f64,
    time_to_first_token_ns: Option<f64>,
    request_latency_ns: Option<f64>,
    energy_joules: Option<f64>,
    energy_uncertainty_joules: Option<f64>,
    /// Why there is no energy.
    #[serde(skip_serializing_if = "Option::is_none")]
    energy_unavailable: Option<String>,
}

/// The turns of a record.
pub fn parts(record: &Record) -> Vec<TurnPart> {
    let median = |times: &Result<Summary, String>| times.as_ref().ok().map(|summary| summary.median);
    let part = |turn: TurnFigures| TurnPart {
        turn: turn.number,
        count: turn.context_tokens.count,
        context_tokens: turn.context_tokens.median,
        prompt_tokens: turn.prompt_tokens.median,
        time_to_first_token_ns: median(&turn.time_to_first_token),
        request_latency_ns: median(&turn.request_latency),
        energy_joules: turn.energy.as_ref().ok().map(|(joules, _)| *joules),
        energy_uncertainty_joules: turn.energy.as_ref().ok().map(|(_, uncertainty)| *uncertainty),
        energy_unavailable: turn.energy.err(),
    };
    turns(record).into_iter().map(part).collect()
}
