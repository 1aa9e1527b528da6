//! Every summary of a run in one document. The raw samples stay in the records, whose files are named.

mod comparisons;
mod turns;

use std::collections::BTreeSet;

use anyhow::Context;
use pocketwatt_meter::{
    Bandwidth, DeviceFacts,
    energy::{MeterSource, Scope},
};
use pocketwatt_protocol::BackendInfo;
use pocketwatt_record::{
    AbsentKind, BatteryAssumption, Case, Damage, DamageKind, Damaged, Direction, EnergyFigure, EnergyPlan,
    FormatVersion, LeftOut, Merged, Outcome, PhysicsCheck, Record, Run, RunSettings, Shard, Share, Summary, Unit,
    Unjudged, Value, share,
};
use serde::Serialize;

use crate::{
    cases::{
        Results,
        agreement::{Agreement, agreement, answers},
        each_group, groups,
    },
    formats::json::turns::TurnPart,
    output::{Output, inert},
    tables::{Contests, each_gains},
};

/// Version of this document, independent of that of the records.
const REPORT_FORMAT: FormatVersion = FormatVersion { major: 1, minor: 10 };

/// What was wrong with `run.json`.
#[derive(Serialize)]
struct RebuiltPart {
    kind: DamageKind,
    reason: String,
}

/// A file among the records that is not a record.
#[derive(Serialize)]
struct DamagedPart<'a> {
    /// The case of the plan whose record it should be.
    case: Option<&'a str>,
    /// Path relative to the run's folder.
    file: String,
    kind: DamageKind,
    reason: String,
}

impl<'a> From<&'a Damaged> for DamagedPart<'a> {
    fn from(damaged: &'a Damaged) -> Self {
        Self {
            case: damaged.case.as_deref(),
            file: format!("cases/{}", damaged.file),
            kind: damaged.damage.kind(),
            reason: damaged.damage.to_string(),
        }
    }
}

#[derive(Serialize)]
struct RunPart<'a> {
    id: &'a str,
    pocketwatt: &'a str,
    started_unix_ms: u64,
    /// Why there is no `run.json`, if so: then all of this comes from the records, and what they do not contain is null.
    #[serde(skip_serializing_if = "Option::is_none")]
    rebuilt: Option<RebuiltPart>,
    device: Option<&'a DeviceFacts>,
    bandwidth: &'a [Bandwidth],
    /// Meters that were read, and those that were not, with the reason.
    energy: Option<&'a EnergyPlan>,
    settings: Option<&'a RunSettings>,
    /// Which part of a plan this is, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    shard: Option<&'a Shard>,
    /// From which runs it was merged, if it was; a case's record names its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    merged: Option<&'a Merged>,
    /// Cases of the plan that have no record.
    not_reached: Option<Vec<&'a str>>,
}

#[derive(Serialize)]
struct CasePart<'a> {
    case: &'a Case,
    outcome: &'a Outcome,
    /// The file with the raw samples, relative to the run's folder.
    record: String,
    backend: Option<&'a BackendInfo>,
    runner_sha256: Option<&'a str>,
    weights_sha256: &'a str,
    weights_origin: &'a str,
    seeded: bool,
    /// Remarks from the import about how the model's text becomes tokens.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    remarks: &'a [String],
    /// Why the answers that should be calls are not judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    unjudged: Option<&'a Unjudged>,
    /// Another process that measured on the device at the same time.
    #[serde(skip_serializing_if = "Option::is_none")]
    beside: Option<&'a str>,
    /// The cores on which the runner computed, where the user chose them.
    #[serde(skip_serializing_if = "Option::is_none")]
    cores: Option<&'a str>,
    /// How it was recognised that a program imitates the device: then the numbers say nothing about a phone.
    #[serde(skip_serializing_if = "Option::is_none")]
    emulated: Option<&'a str>,
    /// Rows of the scenario's file that did not fit the model, and so are in no number.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<&'a LeftOut>,
    graph_sha256: Option<&'a str>,
    scenario_sha256: &'a str,
    /// Absent if there is nothing to compare with.
    tokens: Option<Tokens<'a>>,
    /// The battery that user units refer to.
    battery: Option<&'a BatteryAssumption>,
    metrics: Vec<MetricPart<'a>>,
    /// The cost of each turn, if conversations have several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    turns: Vec<TurnPart>,
    /// Energy of the phases, one figure for each scope and interface; they overlap, and are never added up.
    energy: &'a [EnergyFigure],
    /// Whether the numbers are possible.
    checks: &'a [PhysicsCheck],
}

#[derive(Serialize)]
struct Tokens<'a> {
    /// The backend that it was compared with.
    reference: &'a str,
    same: bool,
    /// Whether all iterations of the case gave the same tokens.
    steady: bool,
    /// Counted from 1.
    first_difference: Option<Place>,
}

#[derive(Serialize)]
struct Place {
    turn: usize,
    token: usize,
}

#[derive(Serialize)]
struct MetricPart<'a> {
    metric: &'a str,
    unit: Option<Unit>,
    direction: Option<Direction>,
    /// For a metric of energy: the part of the device, and the interface.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<Scope>,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<MeterSource>,
    /// Half the width of the 95 % interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    uncertainty: Option<f64>,
    /// For a share of right answers: the counts behind it, and its 95 % Wilson interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    share: Option<SharePart>,
    #[serde(flatten)]
    value: ValuePart<'a>,
    /// Why there is no number, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    absent: Option<AbsentPart<'a>>,
}

#[derive(Serialize)]
struct AbsentPart<'a> {
    kind: AbsentKind,
    /// Name of the physics check that failed, if the number is withheld.
    #[serde(skip_serializing_if = "Option::is_none")]
    check: Option<&'a str>,
}

#[derive(Serialize)]
struct SharePart {
    right: usize,
    questions: usize,
    low: Option<f64>,
    high: Option<f64>,
}

impl From<Share> for SharePart {
    fn from(share: Share) -> Self {
        let interval = share.interval();
        let (low, high) = (interval.map(|interval| interval.low), interval.map(|interval| interval.high));
        Self { right: share.right, questions: share.questions, low, high }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum ValuePart<'a> {
    Measured(&'a Summary),
    /// The reason as text.
    Unavailable(String),
}

/// Writes the document: `format`, `run`, `cases`, `comparisons` of the cases of a table and of settings, the comparison with another run as `against` if
/// there is one, and the files among the records that are not records as `damaged`. It is written in parts, because a document may be
/// larger than memory.
///
/// # Errors
/// When a value cannot be written as JSON, or the output cannot be written.
pub fn render(
    run: &Run,
    results: &dyn Results,
    against: Option<&impl Serialize>,
    output: &mut Output,
) -> anyhow::Result<()> {
    let reached: BTreeSet<&str> = results.cases().iter().map(|case| case.id.as_str()).collect();
    let rebuilt = |damage: &Damage| RebuiltPart { kind: damage.kind(), reason: damage.to_string() };
    let not_reached = run.plan.iter().map(|case| case.case.id.as_str()).filter(|id| !reached.contains(id));
    let planned = run.rebuilt.is_none();
    let head = RunPart {
        id: &run.id,
        pocketwatt: &run.pocketwatt,
        started_unix_ms: run.started_unix_ms,
        rebuilt: run.rebuilt.as_ref().map(rebuilt),
        device: planned.then_some(&run.device),
        bandwidth: &run.bandwidth,
        energy: planned.then_some(&run.energy),
        settings: planned.then_some(&run.settings),
        shard: run.shard.as_ref(),
        merged: run.merged.as_ref(),
        not_reached: planned.then(|| not_reached.collect()),
    };
    let (format, head) = (indented(&REPORT_FORMAT, 1)?, indented(&head, 1)?);
    output(&format!("{{\n  \"format\": {format},\n  \"run\": {head},\n  \"cases\": "))?;
    let mut list = List::default();
    cases(results, |case| output(&list.entry(&case)?))?;
    output(&format!("{},\n  \"comparisons\": ", list.end()))?;
    let mut list = List::default();
    each_group(results, |group, _| {
        let contests = Contests::of(group);
        comparisons::in_table(&contests).iter().try_for_each(|part| output(&list.entry(part)?))
    })?;
    each_gains(results, |gains| {
        comparisons::of_settings(gains).iter().try_for_each(|part| output(&list.entry(part)?))
    })?;
    output(list.end())?;
    if let Some(against) = against {
        output(&format!(",\n  \"against\": {}", indented(against, 1)?))?;
    }
    output(",\n  \"damaged\": ")?;
    let mut list = List::default();
    for damaged in &results.damaged() {
        output(&list.entry(&DamagedPart::from(damaged))?)?;
    }
    output(&format!("{}\n}}\n", list.end()))
}

/// A value in the pretty form, indented by this many levels: line feeds occur only between tokens.
fn indented(value: &impl Serialize, levels: usize) -> anyhow::Result<String> {
    let text = serde_json::to_string_pretty(value).context("cannot write the report as JSON")?;
    Ok(inert::json(&text).replace('\n', &format!("\n{}", "  ".repeat(levels))))
}

/// The list of a key of the document, written entry by entry.
#[derive(Default)]
struct List {
    begun: bool,
}

impl List {
    fn entry(&mut self, value: &impl Serialize) -> anyhow::Result<String> {
        let before = if self.begun { "," } else { "[" };
        self.begun = true;
        Ok(format!("{before}\n    {}", indented(value, 2)?))
    }

    fn end(self) -> &'static str {
        if self.begun { "\n  ]" } else { "[]" }
    }
}

/// Group by group, each case beside the first of its group that generated anything.
fn cases(results: &dyn Results, mut put: impl FnMut(CasePart) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let generated = |record: &Record| {
        record.outcome == Outcome::Measured && answers(record).iter().any(|answer| !answer.is_empty())
    };
    let groups = groups(&results.cases());
    let places: Vec<usize> = groups.iter().flatten().copied().collect();
    let mut begins = groups.iter().flat_map(|group| (0..group.len()).map(|place| place == 0));
    let mut reference: Option<Record> = None;
    results.each(&places, &mut |record| {
        if begins.next() == Some(true) {
            reference = None;
        }
        let Some(record) = record else { return Ok(()) };
        if reference.is_none() && generated(&record) {
            reference = Some(record.clone().into_owned());
        }
        put(case(&record, reference.as_ref()))
    })
}

fn case<'a>(record: &'a Record, reference: Option<&'a Record>) -> CasePart<'a> {
    let passport = &record.passport;
    CasePart {
        case: &record.case,
        outcome: &record.outcome,
        record: format!("cases/{}.json", record.case.id),
        backend: passport.backend.as_ref(),
        runner_sha256: passport.runner_sha256.as_deref(),
        weights_sha256: &passport.model.weights_sha256,
        weights_origin: &passport.model.origin,
        seeded: passport.model.seeded,
        remarks: &passport.model.remarks,
        unjudged: record.unjudged.as_ref(),
        beside: passport.beside.as_deref(),
        cores: passport.cores.as_deref(),
        emulated: passport.emulated.as_deref(),
        left_out: passport.left_out.as_ref(),
        graph_sha256: passport.graph_sha256.as_deref(),
        scenario_sha256: &passport.scenario_sha256,
        tokens: reference.and_then(|reference| tokens(record, reference)),
        battery: passport.battery.as_ref(),
        metrics: record
            .metrics
            .iter()
            .map(|value| MetricPart {
                metric: value.metric.as_str(),
                unit: value.metric.id().map(|metric| metric.definition().unit),
                direction: value.metric.id().map(|metric| metric.definition().direction),
                scope: value.scope.as_ref().map(|scope| scope.scope),
                part: value.scope.as_ref().and_then(|scope| scope.part.as_deref()),
                source: value.scope.as_ref().map(|scope| scope.source),
                uncertainty: value.uncertainty,
                share: value
                    .metric
                    .id()
                    .filter(|_| value.summary().is_some())
                    .and_then(|metric| share(&record.calls, metric))
                    .map(SharePart::from),
                value: match &value.value {
                    Value::Measured(summary) => ValuePart::Measured(summary),
                    Value::Absent(absent) => ValuePart::Unavailable(absent.to_string()),
                },
                absent: value.absent().map(|absent| AbsentPart { kind: absent.kind, check: absent.check.as_deref() }),
            })
            .collect(),
        turns: turns::parts(record),
        energy: &record.energy,
        checks: &record.checks,
    }
}

fn tokens<'a>(record: &Record, reference: &'a Record) -> Option<Tokens<'a>> {
    if record.outcome != Outcome::Measured {
        return None;
    }
    let agreement = agreement(reference, record)?;
    let difference = match agreement {
        Agreement::Same(_) => None,
        Agreement::Differs(place) | Agreement::Unsteady(place) => Some(Place { turn: place.turn, token: place.token }),
    };
    Some(Tokens {
        reference: &reference.case.backend,
        same: difference.is_none(),
        steady: !matches!(agreement, Agreement::Unsteady(_)),
        first_difference: difference,
    })
}
