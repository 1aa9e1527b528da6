use std::{
    io::{BufRead, Write},
    process::ExitCode,
    thread,
    time::Duration,
};

use anyhow::Result;
use pocketwatt_protocol::{
    Clock, Event, IterationKind, Loaded, MonotonicClock, PROTOCOL_VERSION, Request, Stage, Task, Workload,
    read_request, write_message,
};

use crate::{Backend, Grammars, LoadStages, Model, PhaseEdges, run_iteration, score::score};

const NANOSECONDS_IN_MILLISECOND: u64 = 1_000_000;

/// Serves one request on standard input and output. The whole `main` of a runner.
///
/// After its last event it stays until standard input is closed, because the peak memory of a process that is gone cannot be
/// read. If the harness is killed, the runner is killed with it, so that it does not keep
/// using the processor while something else is measured.
///
/// Exit status 0 after [`Event::Done`], 1 after [`Event::Failed`] or when the harness is gone.
pub fn serve(backend: &dyn Backend) -> ExitCode {
    die_with_the_harness();
    serve_with(backend, &MonotonicClock, std::io::stdin().lock(), std::io::stdout().lock())
}

/// Makes the kernel kill the calling process when the process that started it ends. Part of [`serve`]; a runner that calls
/// [`serve_with`] calls it first in its `main`.
pub fn die_with_the_harness() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL)) {
        // Standard error may be gone, too.
        let _ = writeln!(std::io::stderr(), "pocketwatt runner: cannot tie its life to the harness: {error}");
    }
}

/// [`serve`] with any clock and any pipes.
pub fn serve_with(backend: &dyn Backend, clock: &dyn Clock, mut from: impl BufRead, mut to: impl Write) -> ExitCode {
    let last = match answer(backend, clock, &mut from, &mut to) {
        Ok(()) => Event::Done,
        Err((stage, error)) => Event::Failed { stage, message: format!("{error:#}") },
    };
    let failed = last != Event::Done;
    // When the harness is gone, no process is left to read it; the exit status still says it.
    let sent = write_message(&mut to, &last);
    if sent.is_ok() {
        // Whether this ends by closing or by an error makes no difference.
        let _ = std::io::copy(&mut from, &mut std::io::sink());
    }
    if failed || sent.is_err() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn answer(
    backend: &dyn Backend,
    clock: &dyn Clock,
    from: impl BufRead,
    to: &mut impl Write,
) -> Result<(), (Stage, anyhow::Error)> {
    let at = |stage: Stage| move |error: anyhow::Error| (stage, error);
    let info = backend.info().map_err(at(Stage::Start))?;
    send(to, &Event::Hello { protocol: PROTOCOL_VERSION, backend: info })?;
    let request = read_request(from).map_err(|error| (Stage::Start, error.into()))?;

    let edges = if request.phase_edges { PhaseEdges::StandardInput } else { PhaseEdges::Unmarked };
    let (mut model, loaded) = load(backend, clock, &request, edges).map_err(at(Stage::Load))?;
    send(to, &Event::Loaded(loaded))?;
    match &request.task {
        Task::Generate(workload) => generate(&mut *model, clock, workload, edges, to),
        Task::Score(task) => {
            let scored = score(&mut *model, task).map_err(at(Stage::Score))?;
            send(to, &Event::Scored(scored))
        }
    }
}

fn load(
    backend: &dyn Backend,
    clock: &dyn Clock,
    request: &Request,
    edges: PhaseEdges,
) -> Result<(Box<dyn Model>, Loaded)> {
    edges.mark();
    let start = clock.now();
    let mut stages = LoadStages::new(clock);
    let model = backend.load(&request.model, &request.options, &mut stages)?;
    let end = clock.now();
    edges.mark();
    let loaded = Loaded { start, end, stages: stages.finish(end), model: model.info() };
    Ok((model, loaded))
}

fn generate(
    model: &mut dyn Model,
    clock: &dyn Clock,
    workload: &Workload,
    edges: PhaseEdges,
    to: &mut impl Write,
) -> Result<(), (Stage, anyhow::Error)> {
    let vocabulary = model.info().vocabulary as usize;
    let read = |path| Grammars::read(path, vocabulary, &workload.stop_tokens);
    let grammars = workload.token_bytes.as_deref().map(read).transpose().map_err(|error| (Stage::Start, error))?;
    let grammars = grammars.as_ref();
    for number in 0..workload.warmup_iterations {
        let iteration = run_iteration(model, clock, workload, IterationKind::Warmup, number, grammars, edges)?;
        send(to, &Event::Iteration(iteration))?;
    }
    let start = clock.now();
    let mut count = 0;
    while count < workload.iterations || clock.now().since(start) / NANOSECONDS_IN_MILLISECOND < workload.at_least_ms {
        if workload.settle_ms > 0 {
            thread::sleep(Duration::from_millis(workload.settle_ms));
        }
        let iteration = run_iteration(model, clock, workload, IterationKind::Measured, count, grammars, edges)?;
        send(to, &Event::Iteration(iteration))?;
        count += 1;
    }
    Ok(())
}

fn send(to: &mut impl Write, event: &Event) -> Result<(), (Stage, anyhow::Error)> {
    write_message(to, event).map_err(|error| (Stage::Start, error.into()))
}

/// How the calling program was built: profile, target, and the processor features compiled in.
pub fn build_description() -> String {
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    let mut features = Vec::new();
    for (name, present) in [
        ("avx2", cfg!(target_feature = "avx2")),
        ("fma", cfg!(target_feature = "fma")),
        ("avx512f", cfg!(target_feature = "avx512f")),
        ("neon", cfg!(target_feature = "neon")),
        ("dotprod", cfg!(target_feature = "dotprod")),
    ] {
        if present {
            features.push(name);
        }
    }
    if cfg!(feature = "slower") {
        features.push("made-slower");
    }
    let features = if features.is_empty() { "baseline".to_owned() } else { features.join("+") };
    format!("{profile} {}-{} {features}", std::env::consts::ARCH, std::env::consts::OS)
}

#[cfg(test)]
mod tests {
    use pocketwatt_protocol::{LoadStage, ModelFiles, MonotonicNs, ScoreTask, TokenId, Turn, read_event};

    use super::*;
    use crate::scripted::{Fault, ScriptedBackend, options, right_logits, write_model};

    fn workload() -> Workload {
        let turn = Turn { prompt: vec![TokenId(3), TokenId(1)], max_output_tokens: 2, grammar: None };
        Workload {
            conversations: vec![vec![turn]],
            stop_tokens: Vec::new(),
            token_bytes: None,
            warmup_iterations: 1,
            warmup: None,
            iterations: 2,
            at_least_ms: 0,
            settle_ms: 0,
        }
    }

    fn request(model: ModelFiles, task: Task) -> Vec<u8> {
        let mut line = Vec::new();
        let request = Request { protocol: PROTOCOL_VERSION, model, options: options(16), task, phase_edges: false };
        write_message(&mut line, &request).unwrap();
        line
    }

    /// What a runner with that fault answers to a line, and whether it exits with 0.
    fn answers(fault: Fault, line: &[u8]) -> (Vec<Event>, bool) {
        let backend = ScriptedBackend::new(fault);
        let mut to = Vec::new();
        let exit = serve_with(&backend, &*backend.clock, line, &mut to);
        let mut from = to.as_slice();
        let mut events = Vec::new();
        while !from.is_empty() {
            events.push(read_event(&mut from).unwrap());
        }
        (events, exit == ExitCode::SUCCESS)
    }

    fn answers_to(fault: Fault, task: Task) -> (Vec<Event>, bool) {
        let folder = tempfile::tempdir().unwrap();
        answers(fault, &request(write_model(folder.path()), task))
    }

    fn failure(fault: Fault, line: &[u8]) -> String {
        let (events, success) = answers(fault, line);
        assert!(!success, "a failed task must not exit with 0");
        match events.last() {
            Some(Event::Failed { stage, message }) => format!("{stage:?}: {message}"),
            other => panic!("expected Failed at the end, found {other:?}"),
        }
    }

    #[test]
    fn a_task_is_answered_in_order() {
        let (events, success) = answers_to(Fault::None, Task::Generate(workload()));
        let kinds: Vec<&str> = events
            .iter()
            .map(|event| match event {
                Event::Hello { protocol: PROTOCOL_VERSION, .. } => "hello",
                Event::Loaded(_) => "loaded",
                Event::Iteration(iteration) if iteration.kind == IterationKind::Warmup => "warm-up",
                Event::Iteration(_) => "measured",
                Event::Done => "done",
                _ => "unexpected",
            })
            .collect();
        assert_eq!(kinds, ["hello", "loaded", "warm-up", "measured", "measured", "done"]);
        assert!(success);
    }

    #[test]
    fn parts_of_loading_follow_one_another_without_a_gap() {
        let (events, _) = answers_to(Fault::None, Task::Generate(workload()));
        let Event::Loaded(loaded) = &events[1] else { panic!("{events:?}") };
        let stages: Vec<(LoadStage, MonotonicNs, MonotonicNs)> =
            loaded.stages.iter().map(|stage| (stage.stage, stage.start, stage.end)).collect();
        let at = MonotonicNs;
        assert_eq!(stages, [(LoadStage::Read, at(1), at(2)), (LoadStage::Prepare, at(2), at(3))]);
        assert_eq!((loaded.start, loaded.end), (at(0), at(3)));
    }

    #[test]
    fn every_iteration_starts_with_an_empty_cache() {
        let (events, _) = answers_to(Fault::None, Task::Generate(workload()));
        let contexts: Vec<u32> = events
            .iter()
            .filter_map(|event| match event {
                Event::Iteration(iteration) => Some(iteration.turns[0].context_tokens),
                _ => None,
            })
            .collect();
        assert_eq!(contexts, [0, 0, 0]);
    }

    #[test]
    fn failures_carry_their_stage_and_end_the_answer() {
        let folder = tempfile::tempdir().unwrap();
        let line = request(write_model(folder.path()), Task::Generate(workload()));
        let failure = |fault| failure(fault, &line);
        insta::assert_snapshot!(failure(Fault::InfoFails), @"Start: the engine's library is missing");
        insta::assert_snapshot!(failure(Fault::LoadFails), @"Load: the weights are missing");
        insta::assert_snapshot!(failure(Fault::ForwardFailsAt(2)), @"Warmup: output token 2: the accelerator is gone");
    }

    #[test]
    fn what_is_not_a_request_is_refused_after_the_greeting() {
        let failure = |line: &[u8]| failure(Fault::None, line);
        insta::assert_snapshot!(failure(b""), @"Start: the other process closed the pipe before it was done");
        insta::assert_snapshot!(
            failure(br#"{"protocol":4,"news":true}"#),
            @r#"Start: not a protocol message: "{\"protocol\":4,\"news\":true}": unknown field `news`, expected one of `protocol`, `model`, `options`, `task`, `phase_edges` at line 1 column 20"#
        );
        let garbage = failure(b"GET / HTTP/1.1\n");
        assert!(garbage.starts_with("Start: not a protocol message: \"GET / HTTP/1.1\""), "{garbage}");
        let (events, _) = answers(Fault::None, b"garbage");
        assert!(matches!(events[..], [Event::Hello { .. }, Event::Failed { .. }]));
    }

    #[test]
    fn a_harness_that_is_gone_is_a_failure_and_no_panic() {
        let backend = ScriptedBackend::new(Fault::None);
        let mut nowhere = [0_u8; 0];
        let exit = serve_with(&backend, &*backend.clock, &b""[..], &mut nowhere[..]);
        assert_eq!(exit, ExitCode::FAILURE);
    }

    #[test]
    fn scoring_writes_a_row_for_each_pass() {
        let folder = tempfile::tempdir().unwrap();
        let logits_path = folder.path().join("logits");
        let tokens: Vec<TokenId> = [3, 1, 4, 1].map(TokenId).to_vec();
        let task = ScoreTask { tokens: tokens.clone(), prompt_tokens: 2, logits_path: logits_path.clone() };
        let (events, success) = answers_to(Fault::None, Task::Score(task));
        assert!(success, "{events:?}");
        let written = std::fs::read(logits_path).unwrap();
        let right: Vec<u8> =
            (2..=4).flat_map(|length| right_logits(&tokens[..length])).flat_map(f32::to_le_bytes).collect();
        assert_eq!(written, right);
    }

    #[test]
    fn scoring_nothing_or_too_much_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for prompt_tokens in [0, 3] {
            let logits_path = folder.path().join("logits");
            let task = ScoreTask { tokens: vec![TokenId(1); 2], prompt_tokens, logits_path };
            let text = failure(Fault::None, &request(write_model(folder.path()), Task::Score(task)));
            assert_eq!(text, format!("Score: prompt_tokens is {prompt_tokens}, but the text has 2 tokens"));
        }
    }

    #[test]
    fn build_description_names_profile_and_target() {
        let build = build_description();
        assert!(build.starts_with("debug ") || build.starts_with("release "), "{build}");
        assert!(build.contains(std::env::consts::ARCH), "{build}");
    }
}
