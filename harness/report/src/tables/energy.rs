//! The rows of energy and power: the scope that is preferred in full, further ones in short, none without its scope's name.

use pocketwatt_meter::energy::Scope;
use pocketwatt_record::{Energy, EnergyFigure, Idle, MetricScope, MetricValue, Phase, Record, Value, metric};

use crate::{
    cases::{CaseGroup, Column, physics},
    facts::scope_words_of,
    output::inert::one_line,
    table::{Cell, Estimate, Footnotes, Found, Row, Subject, largest},
};

/// Rows whose numbers are compared with each other, and so share a unit.
type Family = &'static [&'static str];

const PREFERRED: &[Family] = &[
    &["energy_per_prefill_token", "net_energy_per_prefill_token"],
    &["energy_per_output_token", "net_energy_per_output_token"],
    &["energy_per_request", "net_energy_per_request"],
    &["energy_per_call"],
    &["energy_per_correct_call"],
    &["load_energy"],
    &["prefill_power", "decode_power", "idle_power"],
    &["energy_delay_product"],
    &["tokens_per_watt_hour"],
];
const FURTHER: &[Family] = &[&["energy_per_output_token"], &["energy_per_request"]];

/// Rows that stay when none of their cells has a number, for what keeps users from one of these is worth a line.
const WANTED: [&str; 3] = ["energy_per_prefill_token", "energy_per_output_token", "energy_per_request"];
/// A scenario without prompts or answers is known for that: no line for it.
const NOTHING_TO_MEASURE: &str = "nothing is generated";

/// The rows of every scope of the group. Records of versions that knew no energy have none.
pub fn rows(group: &CaseGroup, simulated: bool, footnotes: &mut Footnotes) -> Vec<Row> {
    let scopes = scopes(group);
    let Some((preferred, further)) = scopes.split_first() else {
        return nothing_read(group, footnotes).into_iter().collect();
    };
    let mut rows = Part { group, scope: preferred }.rows(PREFERRED, simulated, footnotes);
    let (nothing, reasons) = (rows.len() == 1, rows.first().map(|row| row.cells.clone()));
    for scope in further.iter().filter(|scope| !matches!(scope.scope, Scope::Core | Scope::Uncore | Scope::Rail)) {
        let part = Part { group, scope }.rows(FURTHER, simulated, footnotes);
        // What keeps every scope from being measured is said once.
        if !(nothing && part.first().map(|row| &row.cells) == reasons.as_ref()) {
            rows.extend(part);
        }
    }
    rows
}

/// What each case has of a metric in the preferred scope, and that scope in words; nothing where no meter was read.
pub fn preferred(group: &CaseGroup, metric: &str, simulated: bool) -> Option<(String, Vec<Found>)> {
    let scopes = scopes(group);
    let scope = scopes.first()?;
    Some((scope_words_of(scope, simulated), Part { group, scope }.found(metric)))
}

/// Every scope that a case of the group has figures of, in the order of preference.
fn scopes(group: &CaseGroup) -> Vec<MetricScope> {
    let mut scopes: Vec<MetricScope> = Vec::new();
    for scope in measured(group).flat_map(|column| &column.record.metrics).filter_map(|value| value.scope.as_ref()) {
        if !scopes.contains(scope) {
            scopes.push(scope.clone());
        }
    }
    scopes
}

fn measured<'a, 'b>(group: &'b CaseGroup<'a>) -> impl Iterator<Item = &'b Column<'a>> {
    group.columns.iter().filter(|column| column.measured())
}

/// One row where no case read any meter.
fn nothing_read(group: &CaseGroup, footnotes: &mut Footnotes) -> Option<Row> {
    measured(group).find_map(|column| find(column.record, WANTED[2], None))?;
    let cells = group.columns.iter().map(|column| {
        if !column.measured() {
            return Cell::default();
        }
        let reason = find(column.record, WANTED[2], None).map_or_else(not_in_record, reason);
        let word = if reason.ends_with("no meter") { "no meter" } else { "-" };
        Cell { value: word.into(), ..Cell::absent(&reason, footnotes) }
    });
    Some(Row { label: "energy".into(), unit: "", cells: cells.collect(), heading: false })
}

fn find<'a>(record: &'a Record, metric: &str, scope: Option<&MetricScope>) -> Option<&'a MetricValue> {
    record.metrics.iter().find(|value| value.metric == metric && value.scope.as_ref() == scope)
}

fn reason(value: &MetricValue) -> String {
    match &value.value {
        Value::Measured(_) => String::new(),
        Value::Unavailable(reason) => one_line(reason),
    }
}

fn not_in_record() -> String {
    "not in the record".to_owned()
}

/// One scope of a group.
struct Part<'a> {
    group: &'a CaseGroup<'a>,
    scope: &'a MetricScope,
}

impl Part<'_> {
    fn rows(&self, families: &[Family], simulated: bool, footnotes: &mut Footnotes) -> Vec<Row> {
        let found: Vec<Vec<(&str, Vec<Found>)>> =
            families.iter().map(|family| family.iter().map(|&name| (name, self.found(name))).collect()).collect();
        let name = scope_words_of(self.scope, simulated);
        if !found.iter().flatten().any(|(_, found)| any_number(found)) {
            return vec![self.no_number(&name, footnotes)];
        }
        let mut rows = vec![Row::heading(format!("energy of the {name}:"), self.group.columns.len())];
        for family in found {
            let at_least = family.iter().map(|(_, found)| largest(found)).fold(0.0, f64::max);
            for (name, found) in family {
                let Some(metric) = metric(name).filter(|_| worth_a_line(name, &found)) else { continue };
                // Without an interval there is no telling which one is better.
                let ranked = found.iter().flatten().flatten().all(|estimate| estimate.range.is_some());
                // The catalogue's label would say the unit twice.
                let label = (name == "tokens_per_watt_hour").then_some("generated");
                let subject = Subject { label, metric, ranked, at_least };
                rows.push(Row::of(&subject, &found, footnotes));
            }
        }
        rows
    }

    /// One row for a scope that gave nothing but reasons.
    fn no_number(&self, name: &str, footnotes: &mut Footnotes) -> Row {
        let cells = self.found(WANTED[2]).into_iter().map(|found| match found {
            Some(Err(reason)) => Cell::absent(&reason, footnotes),
            _ => Cell::default(),
        });
        Row { label: format!("energy of the {name}"), unit: "", cells: cells.collect(), heading: false }
    }

    /// What each case has of a metric.
    fn found(&self, name: &str) -> Vec<Found> {
        let several = |reason: &str| {
            let same = |column: &&Column| self.value(column.record, name).is_err_and(|other| other == reason);
            measured(self.group).filter(same).count() > 1
        };
        let mut found: Vec<Found> = Vec::new();
        let mut explained: Vec<(String, String)> = Vec::new();
        for column in &self.group.columns {
            found.push(column.measured().then(|| {
                self.value(column.record, name).map_err(|reason| {
                    // A reason that several cases share is explained by the first of them.
                    if let Some((_, text)) = explained.iter().find(|(known, _)| *known == reason) {
                        return text.clone();
                    }
                    let text = match self.hint(column.record, name, &reason) {
                        Some(hint) if several(&reason) => format!("{reason}; {}: {hint}", column.name),
                        Some(hint) => format!("{reason}: {hint}"),
                        None => physics::explained(column.record, &reason),
                    };
                    explained.push((reason, text.clone()));
                    text
                })
            }));
        }
        found
    }

    /// The number with its 95 % interval, or why there is none.
    fn value(&self, record: &Record, name: &str) -> Result<Estimate, String> {
        let value = find(record, name, Some(self.scope)).or_else(|| find(record, name, None));
        let value = value.ok_or_else(|| {
            let others = record.metrics.iter().any(|value| value.metric == name);
            if others { "not read in this case".to_owned() } else { not_in_record() }
        })?;
        match &value.value {
            Value::Measured(summary) => {
                let mean = summary.mean;
                let range = value.uncertainty.map(|uncertainty| (mean - uncertainty, mean + uncertainty));
                Ok(Estimate { value: mean, range, questions: None })
            }
            Value::Unavailable(_) => Err(reason(value)),
        }
    }

    /// What was seen, and the next step, where the figure says so for this very reason.
    fn hint(&self, record: &Record, name: &str, reason: &str) -> Option<String> {
        let of_scope = |figure: &&EnergyFigure| {
            (figure.scope, figure.source, &figure.part) == (self.scope.scope, self.scope.source, &self.scope.part)
        };
        let figure = record.energy.iter().find(of_scope)?;
        let unavailable = match (phase(name), &figure.idle) {
            (Some(phase), _) => match (name.starts_with("net_"), figure.phase(phase)?) {
                (true, phase) => without(&phase.net),
                (false, phase) => without(&phase.gross),
            },
            (None, Idle::Unavailable(unavailable)) => Some(unavailable),
            (None, Idle::Measured(_)) => None,
        }?;
        let same = unavailable.reason.words() == reason && !unavailable.hint.is_empty();
        same.then(|| one_line(&unavailable.hint))
    }
}

fn without(energy: &Energy) -> Option<&pocketwatt_meter::energy::Unavailable> {
    match energy {
        Energy::Measured { .. } => None,
        Energy::Unavailable(unavailable) => Some(unavailable),
    }
}

/// The phase that a metric is about; none for the idle power.
fn phase(name: &str) -> Option<Phase> {
    match name {
        "energy_per_prefill_token" | "net_energy_per_prefill_token" | "prefill_power" => Some(Phase::Prefill),
        "energy_per_output_token" | "net_energy_per_output_token" | "decode_power" => Some(Phase::Decode),
        "load_energy" => Some(Phase::Load),
        "idle_power" => None,
        _ => Some(Phase::Request),
    }
}

fn any_number(found: &[Found]) -> bool {
    found.iter().flatten().any(Result::is_ok)
}

fn worth_a_line(name: &str, found: &[Found]) -> bool {
    let reasons = || found.iter().flatten().filter_map(|found| found.as_ref().err());
    any_number(found)
        || reasons().any(|reason| reason.starts_with("withheld"))
        || WANTED.contains(&name) && reasons().any(|reason| reason != NOTHING_TO_MEASURE)
}
