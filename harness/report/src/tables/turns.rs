//! What each turn costs, as the context grows: a table for each group whose conversations have several turns.

use pocketwatt_record::{Absent, EnergyMetric, Estimate, MetricId, SpeedMetric, Summary, TurnFigures, turns};

use crate::{
    cases::{CaseGroup, physics},
    facts::scope_name,
    output::quantity::fixed,
    table::{Cell, Footnotes, Found, Row, Subject, Table, largest},
    tables::verdict::verdict,
};

/// A quantity of a turn, and how it is shown.
struct Quantity {
    heading: String,
    metric: MetricId,
    of: fn(&TurnFigures) -> Result<Estimate, Absent>,
}

/// The table of a group; nothing where no conversation has several turns.
pub fn turn_table(group: &CaseGroup, simulated: bool) -> Option<Table> {
    let columns: Vec<Vec<TurnFigures>> =
        group.columns.iter().map(|column| if column.measured() { turns(column.record) } else { Vec::new() }).collect();
    let last = columns.iter().flatten().map(|turn| turn.number).max()?;
    let mut footnotes = Footnotes::default();
    let verdicts: Vec<Option<Cell>> =
        group.columns.iter().map(|column| verdict(column.record, &column.name, &mut footnotes)).collect();
    let turn = |column: usize, number: usize| columns[column].iter().find(|turn| turn.number == number);
    let mut rows = vec![Row::heading("tokens in the context + tokens of the prompt".into(), columns.len())];
    rows.extend((1..=last).map(|number| Row {
        label: label(number),
        unit: "",
        cells: (0..columns.len()).map(|column| turn(column, number).map(tokens).unwrap_or_default()).collect(),
        heading: false,
    }));
    let mut has_energy = false;
    for quantity in quantities(group, simulated) {
        let found: Vec<Vec<Found>> = (1..=last)
            .map(|number| {
                let found = |column: usize| {
                    let told = (quantity.of)(turn(column, number)?);
                    Some(told.map_err(|absent| physics::explained(&absent)))
                };
                (0..columns.len()).map(found).collect()
            })
            .collect();
        let is_number = found.iter().flatten().flatten().any(Result::is_ok);
        if !is_number {
            let subject = Subject {
                label: Some(&quantity.heading),
                metric: quantity.metric.definition(),
                best: None,
                at_least: 0.0,
            };
            rows.extend(found.first().map(|found| Row::of(&subject, found, &mut footnotes)));
            continue;
        }
        has_energy |= quantity.metric == ENERGY.into();
        rows.push(Row::heading(quantity.heading, columns.len()));
        let at_least = found.iter().map(|found| largest(found)).fold(0.0, f64::max);
        for (index, found) in found.iter().enumerate() {
            let label = label(index + 1);
            let subject = Subject { label: Some(&label), metric: quantity.metric.definition(), best: None, at_least };
            rows.push(Row::of(&subject, found, &mut footnotes));
        }
    }
    // A case without numbers shows that once, at the top of its column.
    for (index, verdict) in verdicts.into_iter().enumerate() {
        if let (Some(verdict), Some(row)) = (verdict, rows.get_mut(1)) {
            row.cells[index] = verdict;
        }
    }
    Some(Table {
        title: format!("turn by turn · {}", group.title()),
        columns: group.columns.iter().map(|column| column.name.clone()).collect(),
        rows,
        footnotes: footnotes.texts,
        verdicts: Vec::new(),
        gains: Vec::new(),
        notes: Vec::new(),
        battery: Vec::new(),
        has_energy,
    })
}

const ENERGY: EnergyMetric = EnergyMetric::EnergyPerRequest;

fn quantities(group: &CaseGroup, simulated: bool) -> Vec<Quantity> {
    let scope =
        group.columns.iter().find_map(|column| column.record.value(ENERGY).and_then(|value| value.scope.as_ref()));
    let energy =
        scope.map_or_else(|| "energy".to_owned(), |scope| format!("energy of the {}", scope_name(scope, simulated)));
    let quantity = |metric: MetricId, heading: String, of| Quantity { heading, metric, of };
    vec![
        quantity(SpeedMetric::TimeToFirstToken.into(), "time to first token".into(), |turn| {
            told(&turn.time_to_first_token)
        }),
        quantity(SpeedMetric::RequestLatency.into(), "latency, to the last token".into(), |turn| {
            told(&turn.request_latency)
        }),
        quantity(ENERGY.into(), energy, |turn| {
            let (value, uncertainty) = turn.energy.clone()?;
            Ok(Estimate::plus_minus(value, uncertainty))
        }),
    ]
}

fn told(times: &Result<Summary, Absent>) -> Result<Estimate, Absent> {
    times.as_ref().map(Estimate::of_observations).map_err(Absent::clone)
}

fn label(number: usize) -> String {
    format!("  turn {number}")
}

/// `201 + 57`: medians, where conversations differ.
fn tokens(turn: &TurnFigures) -> Cell {
    let value = format!("{} + {}", fixed(turn.context_tokens.median, 0), fixed(turn.prompt_tokens.median, 0));
    Cell::number(value)
}
