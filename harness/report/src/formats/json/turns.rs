//! The turns of a case in the document.

use pocketwatt_record::{Absent, AbsentKind, Record, Summary, TurnFigures, turns};
use serde::Serialize;

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
    /// The same for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    energy_absent: Option<AbsentKind>,
}

/// The turns of a record.
pub fn parts(record: &Record) -> Vec<TurnPart> {
    let median = |times: &Result<Summary, Absent>| times.as_ref().ok().map(|summary| summary.median);
    let part = |turn: TurnFigures| TurnPart {
        turn: turn.number,
        count: turn.context_tokens.count,
        context_tokens: turn.context_tokens.median,
        prompt_tokens: turn.prompt_tokens.median,
        time_to_first_token_ns: median(&turn.time_to_first_token),
        request_latency_ns: median(&turn.request_latency),
        energy_joules: turn.energy.as_ref().ok().map(|(joules, _)| *joules),
        energy_uncertainty_joules: turn.energy.as_ref().ok().map(|(_, uncertainty)| *uncertainty),
        energy_unavailable: turn.energy.as_ref().err().map(Absent::to_string),
        energy_absent: turn.energy.err().map(|absent| absent.kind),
    };
    turns(record).into_iter().map(part).collect()
}
