use anyhow::{Context, Result, bail};
use pocketwatt_protocol::{
    Clock, Iteration, IterationKind, Stage, StopReason, TokenId, Turn, TurnTrace, Workload, process_cpu_ns,
};

use crate::{
    Grammars, Model, PhaseEdges, Session,
    grammar::{GrammarState, greedy_allowed},
};

/// Runs one conversation of `workload` on a fresh session: the next one for each iteration of its kind.
///
/// This is the measured loop: between the clock readings only the backend and [`greedy_token`] run. The harness allocates
/// nothing, and writes nothing but one byte at each edge of a phase, where `edges` asks for it.
///
/// # Errors
/// Whatever the backend reports, with the stage in which it was reported.
pub fn run_iteration(
    model: &mut dyn Model,
    clock: &dyn Clock,
    workload: &Workload,
    kind: IterationKind,
    number: u32,
    grammars: Option<&Grammars>,
    edges: PhaseEdges,
) -> Result<Iteration, (Stage, anyhow::Error)> {
    let conversation = workload.conversation(kind, number);
    let requested = workload.requested(kind, conversation);
    let vocabulary = model.info().vocabulary as usize;
    let mut session = model.session().map_err(|error| (stage_of(kind, Stage::Prefill), error))?;
    let mut logits = Vec::with_capacity(vocabulary);
    let mut turns = Vec::with_capacity(requested.len());
    let mut pending = None;
    // Compiled before anything is measured, just as the prompts were tokenised.
    let choices = requested.iter().map(|turn| Choice::new(turn, workload, grammars));
    let choices = choices.collect::<Result<Vec<_>>>().map_err(|error| (stage_of(kind, Stage::Prefill), error))?;
    let cpu_start = process_cpu_ns();
    edges.mark();
    for (turn, mut choice) in requested.iter().zip(choices) {
        let trace = run_turn(&mut *session, clock, turn, pending, edges, &mut choice, &mut logits)
            .map_err(|(stage, error)| (stage_of(kind, stage), error))?;
        // A stop token is the model's way to end the answer, not part of the context: the next prompt closes the turn.
        pending = trace.tokens.last().copied().filter(|_| trace.stop == StopReason::Length);
        turns.push(trace);
    }
    let cpu_ns = process_cpu_ns().saturating_sub(cpu_start);
    Ok(Iteration { kind, conversation: conversation as u32, turns, cpu_ns, kv_cache_bytes: session.kv_cache_bytes() })
}

fn run_turn(
    session: &mut dyn Session,
    clock: &dyn Clock,
    turn: &Turn,
    pending: Option<TokenId>,
    edges: PhaseEdges,
    choice: &mut Choice,
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
    edges.mark();
    while tokens.len() < limit {
        let token = choice.token(clock, logits).map_err(|error| (Stage::Decode, error))?;
        token_times.push(clock.now());
        tokens.push(token);
        if choice.stop_tokens.contains(&token) {
            stop = StopReason::StopToken;
            break;
        }
        if tokens.len() < limit {
            choice.goes_on(clock, token).map_err(|error| (Stage::Decode, error))?;
            forward(session, &[token], logits)
                .with_context(|| format!("output token {}", tokens.len() + 1))
                .map_err(|error| (Stage::Decode, error))?;
        }
    }
    edges.mark();
    Ok(TurnTrace {
        context_tokens,
        prompt_tokens: prompt.len() as u32,
        start,
        prefill_end,
        token_times,
        tokens,
        stop,
        grammar_ns: choice.grammar_ns(),
    })
}

#[cfg(not(feature = "slower"))]
fn forward(session: &mut dyn Session, tokens: &[TokenId], logits: &mut Vec<f32>) -> Result<()> {
    session.forward(tokens, logits)?;
    session.synchronize()
}

/// A pass that takes longer by a known share: verdicts are tried on a difference that is known.
#[cfg(feature = "slower")]
fn forward(session: &mut dyn Session, tokens: &[TokenId], logits: &mut Vec<f32>) -> Result<()> {
    crate::slower::slower(|| {
        session.forward(tokens, logits)?;
        session.synchronize()
    })
}

/// How the tokens of an answer are chosen: the most probable one, or the most probable one that a grammar allows.
struct Choice<'a> {
    stop_tokens: &'a [TokenId],
    grammar: Option<GrammarState>,
    /// Time spent on the grammar, in nanoseconds.
    grammar_ns: u64,
}

impl<'a> Choice<'a> {
    fn new(turn: &Turn, workload: &'a Workload, grammars: Option<&Grammars>) -> Result<Self> {
        let grammar = match (&turn.grammar, grammars) {
            (Some(grammar), Some(grammars)) => Some(grammars.begin(grammar)?),
            (Some(_), None) => bail!("a turn has a grammar, but the workload has no token_bytes"),
            (None, _) => None,
        };
        Ok(Self { stop_tokens: &workload.stop_tokens, grammar, grammar_ns: 0 })
    }

    fn token(&mut self, clock: &dyn Clock, logits: &[f32]) -> Result<TokenId> {
        let Some(grammar) = &mut self.grammar else { return Ok(greedy_token(logits)) };
        let begun = clock.now();
        let allowed = grammar.allowed()?;
        self.grammar_ns += clock.now().since(begun);
        greedy_allowed(logits, &allowed).context("no token that the grammar allows has a number")
    }

    fn goes_on(&mut self, clock: &dyn Clock, token: TokenId) -> Result<()> {
        let Some(grammar) = &mut self.grammar else { return Ok(()) };
        let begun = clock.now();
        grammar.take(token)?;
        self.grammar_ns += clock.now().since(begun);
        Ok(())
    }

    fn grammar_ns(&self) -> Option<u64> {
        self.grammar.as_ref().map(|_| self.grammar_ns)
    }
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

#[cfg(test)]
mod tests {
    use pocketwatt_protocol::MonotonicNs;

    use super::*;
    use crate::scripted::{Fault, ScriptedBackend};

    fn ids(tokens: &[u32]) -> Vec<TokenId> {
        tokens.iter().copied().map(TokenId).collect()
    }

    /// One turn for each (prompt, longest answer).
    fn workload_turns(turns: &[(&[u32], u32)]) -> Vec<Turn> {
        let turn = |(prompt, longest): &(&[u32], u32)| Turn {
            prompt: ids(prompt),
            max_output_tokens: *longest,
            grammar: None,
        };
        turns.iter().map(turn).collect()
    }

    fn workload(turns: &[(&[u32], u32)], stop_tokens: &[u32]) -> Workload {
        Workload {
            conversations: vec![workload_turns(turns)],
            stop_tokens: ids(stop_tokens),
            token_bytes: None,
            warmup_iterations: 0,
            warmup: None,
            iterations: 1,
            at_least_ms: 0,
            settle_ms: 0,
        }
    }

    fn measure(fault: Fault, kind: IterationKind, workload: &Workload) -> Result<Iteration, (Stage, anyhow::Error)> {
        let backend = ScriptedBackend::new(fault);
        run_iteration(&mut *backend.model(), &*backend.clock, workload, kind, 0, None, PhaseEdges::Unmarked)
    }

    fn turns(workload: &Workload) -> Vec<TurnTrace> {
        measure(Fault::None, IterationKind::Measured, workload).unwrap().turns
    }

    /// A token takes 1000 ns, and a reading of the clock 1 ns.
    #[test]
    fn every_token_has_the_time_at_which_it_was_known() {
        let trace = &turns(&workload(&[(&[3, 1, 4], 3)], &[]))[0];
        assert_eq!((trace.start, trace.prefill_end), (MonotonicNs(0), MonotonicNs(3001)));
        assert_eq!(trace.token_times, [MonotonicNs(3002), MonotonicNs(4003), MonotonicNs(5004)]);
        assert_eq!(trace.tokens, [TokenId(5), TokenId(6), TokenId(7)]);
        assert_eq!((trace.context_tokens, trace.prompt_tokens, trace.stop), (0, 3, StopReason::Length));
    }

    #[test]
    fn the_last_token_of_a_full_answer_is_fed_with_the_next_prompt() {
        let traces = turns(&workload(&[(&[3, 1, 4], 2), (&[0], 1)], &[]));
        // In the cache after turn 1: three tokens of the prompt and the first answer token; the second was never fed back.
        assert_eq!((traces[1].context_tokens, traces[1].prompt_tokens), (4, 2));
        assert_eq!(traces[1].prefill_end.since(traces[1].start), 2001);
        assert_eq!(traces[1].tokens, [TokenId(1)], "the answer follows from the last token of the prompt");
    }

    #[test]
    fn iterations_take_one_conversation_after_the_other() {
        let mut workload = workload(&[(&[3], 1)], &[]);
        workload.conversations.push(workload_turns(&[(&[5], 1), (&[6], 1)]));
        let backend = ScriptedBackend::new(Fault::None);
        let iteration = |number| {
            let kind = IterationKind::Measured;
            run_iteration(&mut *backend.model(), &*backend.clock, &workload, kind, number, None, PhaseEdges::Unmarked)
                .unwrap()
        };
        let ran: Vec<(u32, usize)> =
            (0..3).map(|number| (iteration(number).conversation, iteration(number).turns.len())).collect();
        assert_eq!(ran, [(0, 1), (1, 2), (0, 1)]);
    }

    #[test]
    fn a_stop_token_ends_the_answer_and_is_not_fed_back() {
        let traces = turns(&workload(&[(&[4], 9), (&[8, 2], 1)], &[7]));
        assert_eq!(traces[0].tokens, [TokenId(5), TokenId(6), TokenId(7)]);
        assert_eq!(traces[0].stop, StopReason::StopToken);
        assert_eq!((traces[1].context_tokens, traces[1].prompt_tokens), (3, 2));
    }

    #[test]
    fn a_stop_token_at_the_full_length_is_a_stop() {
        let trace = &turns(&workload(&[(&[4], 3)], &[7]))[0];
        assert_eq!((trace.tokens.len(), trace.stop), (3, StopReason::StopToken));
    }

    #[test]
    fn a_prefill_alone_generates_nothing() {
        let traces = turns(&workload(&[(&[3, 1], 0), (&[4], 1)], &[]));
        assert_eq!((traces[0].tokens.len(), traces[0].token_times.len()), (0, 0));
        assert_eq!(traces[0].prefill_end.since(traces[0].start), 2001);
        assert_eq!((traces[1].context_tokens, traces[1].prompt_tokens), (2, 1));
    }

    #[test]
    fn the_cache_at_the_end_is_reported() {
        let iteration = measure(Fault::None, IterationKind::Measured, &workload(&[(&[3, 1], 2)], &[])).unwrap();
        assert_eq!(iteration.kv_cache_bytes, 3 * 8);
    }

    #[test]
    fn a_failure_names_the_stage_it_happened_in() {
        let one = workload(&[(&[3, 1], 4)], &[]);
        let stage = |fault, kind| measure(fault, kind, &one).unwrap_err().0;
        assert_eq!(stage(Fault::SessionFails, IterationKind::Measured), Stage::Prefill);
        assert_eq!(stage(Fault::ForwardFailsAt(0), IterationKind::Measured), Stage::Prefill);
        assert_eq!(stage(Fault::ForwardFailsAt(3), IterationKind::Measured), Stage::Decode);
        assert_eq!(stage(Fault::ForwardFailsAt(3), IterationKind::Warmup), Stage::Warmup);
        let (_, error) = measure(Fault::ForwardFailsAt(3), IterationKind::Measured, &one).unwrap_err();
        insta::assert_snapshot!(format!("{error:#}"), @"output token 3: the accelerator is gone");
    }

    #[test]
    fn a_prompt_beyond_the_context_is_refused_in_prefill() {
        let long = [1; 65];
        let (stage, error) = measure(Fault::None, IterationKind::Measured, &workload(&[(&long, 1)], &[])).unwrap_err();
        assert_eq!(stage, Stage::Prefill);
        assert!(error.is::<crate::InputError>(), "{error:#}");
    }

    #[test]
    fn the_first_of_equal_logits_wins_and_nan_never_does() {
        assert_eq!(greedy_token(&[1.0, 3.0, 3.0]), TokenId(1));
        assert_eq!(greedy_token(&[f32::NAN, -2.0, f32::NAN]), TokenId(1));
        assert_eq!(greedy_token(&[f32::NAN]), TokenId(0));
    }
}
