use anyhow::{Context, Result};
use pocketwatt_protocol::{
    Clock, Iteration, IterationKind, Stage, StopReason, TokenId, Turn, TurnTrace, Workload, process_cpu_ns,
};

use crate::{Model, Session};

/// Runs all turns of `workload` once, on a fresh session.
///
/// This is the measured loop: between the clock readings there is only the backend and [`greedy_token`], nothing is
/// allocated by us, and nothing is written.
///
/// # Errors
/// Whatever the backend reports, with the stage it was reported in.
pub fn run_iteration(
    model: &mut dyn Model,
    clock: &dyn Clock,
    workload: &Workload,
    kind: IterationKind,
) -> Result<Iteration, (Stage, anyhow::Error)> {
    let vocabulary = model.info().vocabulary as usize;
    let mut session = model.session().map_err(|error| (stage_of(kind, Stage::Prefill), error))?;
    let mut logits = Vec::with_capacity(vocabulary);
    let mut turns = Vec::with_capacity(workload.turns.len());
    let mut pending = None;
    let cpu_start = process_cpu_ns();
    for turn in &workload.turns {
        let trace = run_turn(&mut *session, clock, turn, &workload.stop_tokens, pending, &mut logits)
            .map_err(|(stage, error)| (stage_of(kind, stage), error))?;
        // A stop token is the model's way to end the answer, not part of the context: the next prompt closes the turn.
        pending = trace.tokens.last().copied().filter(|_| trace.stop == StopReason::Length);
        turns.push(trace);
    }
    let cpu_ns = process_cpu_ns().saturating_sub(cpu_start);
    Ok(Iteration { kind, turns, cpu_ns, kv_cache_bytes: session.kv_cache_bytes() })
}

fn run_turn(
    session: &mut dyn Session,
    clock: &dyn Clock,
    turn: &Turn,
    stop_tokens: &[TokenId],
    pending: Option<TokenId>,
    logits: &mut Vec<f32>,
) -> Result<TurnTrace, (Stage, anyhow::Error)> {
    let limit = turn.max_output_tokens as usize;
    let mut tokens = Vec::with_capacity(limit);
    let mut token_times = Vec::with_capacity(limit);
    let prompt: Vec<TokenId> = pending.into_iter().chain(turn.prompt.iter().copied()).collect();
    let context_tokens = session.len() as u32;
    let mut stop = StopReason::Length;
    session.synchronize().map_err(|error| (Stage::Prefill, error))?;

    let start = clock.now();
    forward(session, &prompt, logits).map_err(|error| (Stage::Prefill, error))?;
    let prefill_end = clock.now();
    while tokens.len() < limit {
        let token = greedy_token(logits);
        token_times.push(clock.now());
        tokens.push(token);
        if stop_tokens.contains(&token) {
            stop = StopReason::StopToken;
            break;
        }
        if tokens.len() < limit {
            forward(session, &[token], logits)
                .with_context(|| format!("output token {}", tokens.len() + 1))
                .map_err(|error| (Stage::Decode, error))?;
        }
    }
    Ok(TurnTrace {
        context_tokens,
        prompt_tokens: prompt.len() as u32,
        start,
        prefill_end,
        token_times,
        tokens,
        stop,
    })
}

fn forward(session: &mut dyn Session, tokens: &[TokenId], logits: &mut Vec<f32>) -> Result<()> {
    session.forward(tokens, logits)?;
    session.synchronize()
}

/// The most probable token; the lowest index wins a tie, and NaN never wins.
pub fn greedy_token(logits: &[f32]) -> TokenId {
    let mut best = 0;
    let mut highest = f32::NEG_INFINITY;
    for (index, &value) in logits.iter().enumerate() {
        if value > highest {
            highest = value;
            best = index;
        }
    }
    TokenId(best as u32)
}

fn stage_of(kind: IterationKind, stage: Stage) -> Stage {
    match kind {
        IterationKind::Warmup => Stage::Warmup,
        IterationKind::Measured => stage,
    }
}
