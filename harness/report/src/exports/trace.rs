//! Trace events as Chrome and Perfetto read them: a process for each case, with its phases as complete events, its tokens as instants
//! and its power as counters. Times are microseconds of the device's `CLOCK_MONOTONIC`.

use pocketwatt_meter::{TimeSpan, energy::MeterSeries};
use pocketwatt_protocol::{Iteration, IterationKind, LoadStage, Loaded, MonotonicNs};
use pocketwatt_record::{PowerCurve, Record, power_curves};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    array::Parts,
    number::scope_of_curve,
    subject::{Exported, each_measured},
};
use crate::{
    charts::power::{Drawn, STEPS, withheld},
    output::Output,
};

/// The one row of a process.
const ROW: u32 = 1;

#[derive(Serialize)]
struct Event {
    name: String,
    cat: &'static str,
    ph: &'static str,
    /// Microseconds.
    ts: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    dur: Option<f64>,
    pid: u32,
    tid: u32,
    /// How far an instant reaches: `t`, its row.
    #[serde(skip_serializing_if = "Option::is_none")]
    s: Option<&'static str>,
    #[serde(skip_serializing_if = "Value::is_null")]
    args: Value,
}

/// All phases, tokens and powers.
///
/// # Errors
/// When they cannot be written.
pub fn write(runs: &[Exported<'_>], output: &mut Output) -> anyhow::Result<()> {
    let mut list = Parts::between("{\"displayTimeUnit\": \"ms\", \"traceEvents\": [", "]}");
    let mut pid = 0;
    each_measured(runs, |subject, record| {
        pid += 1;
        let process = Process { pid };
        let mut add = |event: Event| list.add(&event, output);
        add(process.named("process_name", &subject.name(record)))?;
        add(process.named("thread_name", "phases"))?;
        process.phases(record, &mut add)?;
        process.power(record, &mut add)
    })?;
    list.end(output)
}

struct Process {
    pid: u32,
}

type Add<'a> = dyn FnMut(Event) -> anyhow::Result<()> + 'a;

impl Process {
    fn event(&self, name: &str, cat: &'static str, ph: &'static str, ts: f64) -> Event {
        Event { name: name.to_owned(), cat, ph, ts, dur: None, pid: self.pid, tid: ROW, s: None, args: Value::Null }
    }

    fn named(&self, what: &str, name: &str) -> Event {
        Event { args: json!({ "name": name }), ..self.event(what, "__metadata", "M", 0.0) }
    }

    fn complete(&self, name: &str, span: TimeSpan, args: Value) -> Event {
        let dur = Some(span.duration_ns() as f64 / 1e3);
        Event { dur, args, ..self.event(name, "phase", "X", microseconds(span.start)) }
    }

    /// A phase comes before those that it consists of.
    fn phases(&self, record: &Record, add: &mut Add) -> anyhow::Result<()> {
        let samples = &record.samples;
        for block in &samples.blocks {
            let args = json!({ "number": block.number, "place": block.place, "measured again": block.repeated });
            add(self.complete("block", block.span, args))?;
            block.loaded.iter().try_for_each(|loaded| self.load(loaded, add))?;
        }
        if samples.blocks.is_empty() {
            samples.loaded.iter().try_for_each(|loaded| self.load(loaded, add))?;
        }
        samples.iterations.iter().try_for_each(|iteration| self.iteration(iteration, add))
    }

    fn load(&self, loaded: &Loaded, add: &mut Add) -> anyhow::Result<()> {
        add(self.complete("load", loaded.span(), Value::Null))?;
        loaded.stages.iter().try_for_each(|stage| {
            let name = match stage.stage {
                LoadStage::Read => "read",
                LoadStage::Prepare => "prepare",
            };
            add(self.complete(name, stage.span(), Value::Null))
        })
    }

    fn iteration(&self, iteration: &Iteration, add: &mut Add) -> anyhow::Result<()> {
        let Some(span) = iteration.span() else { return Ok(()) };
        let name = match iteration.kind {
            IterationKind::Warmup => "warm-up",
            IterationKind::Measured => "iteration",
        };
        add(self.complete(name, span, json!({ "conversation": iteration.conversation })))?;
        for turn in &iteration.turns {
            let args = json!({ "context tokens": turn.context_tokens, "prompt tokens": turn.prompt_tokens });
            add(self.complete("prefill", turn.prefill(), args))?;
            if let Some(decode) = turn.decode() {
                add(self.complete("decode", decode, json!({ "tokens": turn.decoded_tokens() })))?;
            }
            for &at in &turn.token_times {
                add(Event { s: Some("t"), ..self.event("token", "token", "i", microseconds(at)) })?;
            }
        }
        Ok(())
    }

    /// As in `power.svg`: means between updates of a counter, and no power that failed a check.
    fn power(&self, record: &Record, add: &mut Add) -> anyhow::Result<()> {
        let Some((origin, seconds)) = extent(&record.readings.energy) else { return Ok(()) };
        for curve in power_curves(&record.readings.energy, origin) {
            if is_withheld(record, &curve) {
                continue;
            }
            let name = format!("power {}", scope_of_curve(&curve));
            for (at, watts) in Drawn::of(curve, seconds / STEPS as f64).line {
                let ts = microseconds(origin) + at * 1e6;
                if ts.is_finite() && watts.is_finite() {
                    add(Event { args: json!({ "watts": watts }), ..self.event(&name, "power", "C", ts) })?;
                }
            }
        }
        Ok(())
    }
}

fn is_withheld(record: &Record, curve: &PowerCurve) -> bool {
    let of_curve = record
        .energy
        .iter()
        .filter(|figure| (figure.scope, figure.source, &figure.part) == (curve.scope, curve.source, &curve.part));
    of_curve.into_iter().any(|figure| withheld(record, figure))
}

/// The first reading of all meters, and the seconds until the last.
fn extent(meters: &[MeterSeries]) -> Option<(MonotonicNs, f64)> {
    let times = || meters.iter().flat_map(|series| &series.readings).map(|reading| reading.at);
    let (start, end) = (times().min()?, times().max()?);
    Some((start, (end.since(start) as f64 * 1e-9).max(1e-3)))
}

fn microseconds(at: MonotonicNs) -> f64 {
    at.0 as f64 / 1e3
}
