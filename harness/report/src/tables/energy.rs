//! The rows of energy and power: the preferred scope in full, further ones in short, each under its scope's name.

use pocketwatt_meter::energy::{Reason, Scope, Unavailable};
use pocketwatt_record::{
    Absent, AbsentKind, Energy, EnergyFigure, EnergyMetric, Estimate, Idle, MetricScope, MetricValue, Phase, Record,
};

use crate::{
    cases::{CaseGroup, Column, energy_scope, physics, value_in},
    facts::scope_name,
    output::inert::one_line,
    table::{Cell, CellContent, Footnotes, Found, Row, Subject, largest},
    tables::contests::Contests,
};

/// Rows whose numbers are compared with each other, and so share a unit.
type Family = &'static [EnergyMetric];

const PREFERRED: &[Family] = &[
    &[EnergyMetric::EnergyPerPrefillToken, EnergyMetric::NetEnergyPerPrefillToken],
    &[EnergyMetric::EnergyPerOutputToken, EnergyMetric::NetEnergyPerOutputToken],
    &[EnergyMetric::EnergyPerRequest, EnergyMetric::NetEnergyPerRequest],
    &[EnergyMetric::EnergyPerCall],
    &[EnergyMetric::EnergyPerCorrectCall],
    &[EnergyMetric::LoadEnergy],
    &[EnergyMetric::PrefillPower, EnergyMetric::DecodePower, EnergyMetric::IdlePower],
    &[EnergyMetric::EnergyDelayProduct],
    &[EnergyMetric::TokensPerWattHour],
];
const FURTHER: &[Family] = &[&[EnergyMetric::EnergyPerOutputToken], &[EnergyMetric::EnergyPerRequest]];

/// Rows that stay even if none of their cells has a number, because what prevents these is worth a line.
const WANTED: [EnergyMetric; 3] =
    [EnergyMetric::EnergyPerPrefillToken, EnergyMetric::EnergyPerOutputToken, EnergyMetric::EnergyPerRequest];

/// The rows of every scope of the group. Records of versions that knew no energy have none.
pub fn rows(group: &CaseGroup, simulated: bool, contests: &Contests, footnotes: &mut Footnotes) -> Vec<Row> {
    let scopes = scopes(group);
    let Some((preferred, further)) = scopes.split_first() else {
        return nothing_read(group, footnotes).into_iter().collect();
    };
    let mut rows = Part { group, scope: preferred }.rows(PREFERRED, simulated, Some(contests), footnotes);
    let (nothing, reasons) = (rows.len() == 1, rows.first().map(|row| row.cells.clone()));
    for scope in further.iter().filter(|scope| !matches!(scope.scope, Scope::Core | Scope::Uncore | Scope::Rail)) {
        let part = Part { group, scope }.rows(FURTHER, simulated, None, footnotes);
        // A reason that applies to every scope is shown once.
        if !(nothing && part.first().map(|row| &row.cells) == reasons.as_ref()) {
            rows.extend(part);
        }
    }
    rows
}

/// Each case's value of a metric in the preferred scope, with the name of that scope; `None` if no meter was read.
pub fn preferred(group: &CaseGroup, metric: EnergyMetric, simulated: bool) -> Option<(String, Vec<Found>)> {
    let scopes = scopes(group);
    let scope = scopes.first()?;
    Some((scope_name(scope, simulated), Part { group, scope }.found(metric)))
}

/// Every scope that a case of the group has figures of, in the order of preference; that of most cases first.
fn scopes(group: &CaseGroup) -> Vec<MetricScope> {
    let mut scopes: Vec<MetricScope> = Vec::new();
    for scope in measured(group).flat_map(|column| &column.record.metrics).filter_map(|value| value.scope.as_ref()) {
        if !scopes.contains(scope) {
            scopes.push(scope.clone());
        }
    }
    let records: Vec<&Record> = measured(group).map(|column| column.record).collect();
    let common = energy_scope(&records);
    // The others keep their order.
    scopes.sort_by_key(|scope| Some(scope) != common);
    scopes
}

fn measured<'a, 'b>(group: &'b CaseGroup<'a>) -> impl Iterator<Item = &'b Column<'a>> {
    group.columns.iter().filter(|column| column.measured())
}

/// The only row if no case read any meter.
fn nothing_read(group: &CaseGroup, footnotes: &mut Footnotes) -> Option<Row> {
    measured(group).find_map(|column| find(column.record, WANTED[2], None))?;
    let cells = group.columns.iter().map(|column| {
        if !column.measured() {
            return Cell::default();
        }
        let absent = find(column.record, WANTED[2], None).and_then(MetricValue::absent);
        let absent = absent.map_or_else(|| AbsentKind::NotInRecord.into(), physics::explained);
        let no_meter = [Reason::NoMeter, Reason::VirtualMachine].map(AbsentKind::Meter).contains(&absent.kind);
        let content = if no_meter { CellContent::Word("no meter".into()) } else { CellContent::Absent };
        Cell { content, ..Cell::absent(&absent, footnotes) }
    });
    Some(Row { label: "energy".into(), unit: "", cells: cells.collect(), heading: false })
}

fn find<'a>(record: &'a Record, metric: EnergyMetric, scope: Option<&MetricScope>) -> Option<&'a MetricValue> {
    record.values(metric).find(|value| value.scope.as_ref() == scope)
}

/// One scope of a group.
struct Part<'a> {
    group: &'a CaseGroup<'a>,
    scope: &'a MetricScope,
}

impl Part<'_> {
    /// With the best values that the contests find; they are about the preferred scope.
    fn rows(
        &self,
        families: &[Family],
        simulated: bool,
        contests: Option<&Contests>,
        footnotes: &mut Footnotes,
    ) -> Vec<Row> {
        let found: Vec<Vec<(EnergyMetric, Vec<Found>)>> =
            families.iter().map(|family| family.iter().map(|&metric| (metric, self.found(metric))).collect()).collect();
        let name = scope_name(self.scope, simulated);
        if !found.iter().flatten().any(|(_, found)| any_number(found)) {
            return vec![self.no_number(&name, footnotes)];
        }
        let mut rows = vec![Row::heading(format!("energy of the {name}:"), self.group.columns.len())];
        for family in found {
            let at_least = family.iter().map(|(_, found)| largest(found)).fold(0.0, f64::max);
            for (metric, found) in family {
                if !worth_a_line(metric, &found) {
                    continue;
                }
                let best = contests.and_then(|contests| contests.best(metric.into()));
                // The catalogue's label would repeat the unit.
                let label = (metric == EnergyMetric::TokensPerWattHour).then_some("generated");
                let subject = Subject { label, metric: metric.definition(), best, at_least };
                rows.push(Row::of(&subject, &found, footnotes));
            }
        }
        rows
    }

    /// One row for a scope that has only reasons.
    fn no_number(&self, name: &str, footnotes: &mut Footnotes) -> Row {
        let cells = self.found(WANTED[2]).into_iter().map(|found| match found {
            Some(Err(absent)) => Cell::absent(&absent, footnotes),
            _ => Cell::default(),
        });
        Row { label: format!("energy of the {name}"), unit: "", cells: cells.collect(), heading: false }
    }

    /// Each case's value of a metric.
    fn found(&self, metric: EnergyMetric) -> Vec<Found> {
        let several = |absent: &Absent| {
            let same = |column: &&Column| self.value(column.record, metric).is_err_and(|other| other == *absent);
            measured(self.group).filter(same).count() > 1
        };
        let mut found: Vec<Found> = Vec::new();
        let mut explained: Vec<(Absent, Absent)> = Vec::new();
        for column in &self.group.columns {
            found.push(column.measured().then(|| {
                self.value(column.record, metric).map_err(|absent| {
                    // A reason that several cases share is explained by the first of them.
                    if let Some((_, told)) = explained.iter().find(|(known, _)| *known == absent) {
                        return told.clone();
                    }
                    let mut told = physics::explained(&absent);
                    match self.hint(column.record, metric, &absent) {
                        Some(hint) if several(&absent) => told.words += &format!("; {}: {hint}", column.name),
                        Some(hint) => told.words += &format!(": {hint}"),
                        None => {}
                    }
                    explained.push((absent, told.clone()));
                    told
                })
            }));
        }
        found
    }

    /// The number with its 95 % interval, or why there is none.
    fn value(&self, record: &Record, metric: EnergyMetric) -> Result<Estimate, Absent> {
        value_in(record, metric, Some(self.scope))?.estimate()
    }

    /// What was seen, and the next step, if the figure has that very reason.
    fn hint(&self, record: &Record, metric: EnergyMetric, absent: &Absent) -> Option<String> {
        let of_scope = |figure: &&EnergyFigure| {
            (figure.scope, figure.source, &figure.part) == (self.scope.scope, self.scope.source, &self.scope.part)
        };
        let figure = record.energy.iter().find(of_scope)?;
        let unavailable = source(metric, figure)?;
        let same = absent.kind == AbsentKind::Meter(unavailable.reason) && !unavailable.hint.is_empty();
        same.then(|| one_line(&unavailable.hint))
    }
}

/// Why a figure lacks the input of a metric; `None` if it has it.
fn source(metric: EnergyMetric, figure: &EnergyFigure) -> Option<&Unavailable> {
    use EnergyMetric::{
        DecodePower, EnergyPerOutputToken, EnergyPerPrefillToken, IdlePower, LoadEnergy, NetEnergyPerOutputToken,
        NetEnergyPerPrefillToken, NetEnergyPerRequest, PrefillPower,
    };
    let gross = |phase: Phase| without(&figure.phase(phase)?.gross);
    let net = |phase: Phase| without(&figure.phase(phase)?.net);
    match metric {
        EnergyPerPrefillToken | PrefillPower => gross(Phase::Prefill),
        NetEnergyPerPrefillToken => net(Phase::Prefill),
        EnergyPerOutputToken | DecodePower => gross(Phase::Decode),
        NetEnergyPerOutputToken => net(Phase::Decode),
        NetEnergyPerRequest => net(Phase::Request),
        LoadEnergy => gross(Phase::Load),
        IdlePower => match &figure.idle {
            Idle::Unavailable(unavailable) => Some(unavailable),
            Idle::Measured(_) => None,
        },
        _ => gross(Phase::Request),
    }
}

fn without(energy: &Energy) -> Option<&Unavailable> {
    match energy {
        Energy::Measured { .. } => None,
        Energy::Unavailable(unavailable) => Some(unavailable),
    }
}

fn any_number(found: &[Found]) -> bool {
    found.iter().flatten().any(Result::is_ok)
}

/// A scenario without prompts or answers obviously lacks these metrics, so they get no line.
fn worth_a_line(metric: EnergyMetric, found: &[Found]) -> bool {
    let absent = || found.iter().flatten().filter_map(|found| found.as_ref().err());
    any_number(found)
        || absent().any(Absent::is_withheld)
        || WANTED.contains(&metric) && absent().any(|absent| absent.kind != AbsentKind::NothingGenerated)
}
