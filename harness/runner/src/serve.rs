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

use crate::{Backend, LoadStages, Model, run_iteration, score::score};

/// Serves one request on standard input and output. The whole `main` of a runner.
///
/// Exit status 0 after [`Event::Done`], 1 after [`Event::Failed`] or when the harness is gone.
pub fn serve(backend: &dyn Backend) -> ExitCode {
    serve_with(backend, &MonotonicClock, std::io::stdin().lock(), std::io::stdout().lock())
}

/// [`serve`] with any clock and any pipes.
pub fn serve_with(backend: &dyn Backend, clock: &dyn Clock, from: impl BufRead, mut to: impl Write) -> ExitCode {
    let last = match answer(backend, clock, from, &mut to) {
        Ok(()) => Event::Done,
        Err((stage, error)) => Event::Failed { stage, message: format!("{error:#}") },
    };
    let failed = last != Event::Done;
    // When the harness is gone there is nobody left to tell; the exit status still says it.
    let sent = write_message(&mut to, &last);
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

    let (mut model, loaded) = load(backend, clock, &request).map_err(at(Stage::Load))?;
    send(to, &Event::Loaded(loaded))?;
    match &request.task {
        Task::Generate(workload) => generate(&mut *model, clock, workload, to),
        Task::Score(task) => {
            let scored = score(&mut *model, task).map_err(at(Stage::Score))?;
            send(to, &Event::Scored(scored))
        }
    }
}

fn load(backend: &dyn Backend, clock: &dyn Clock, request: &Request) -> Result<(Box<dyn Model>, Loaded)> {
    let start = clock.now();
    let mut stages = LoadStages::new(clock);
    let model = backend.load(&request.model, &request.options, &mut stages)?;
    let end = clock.now();
    let loaded = Loaded { start, end, stages: stages.finish(end), model: model.info() };
    Ok((model, loaded))
}

fn generate(
    model: &mut dyn Model,
    clock: &dyn Clock,
    workload: &Workload,
    to: &mut impl Write,
) -> Result<(), (Stage, anyhow::Error)> {
    for _ in 0..workload.warmup_iterations {
        let iteration = run_iteration(model, clock, workload, IterationKind::Warmup)?;
        send(to, &Event::Iteration(iteration))?;
    }
    for _ in 0..workload.iterations {
        if workload.settle_ms > 0 {
            thread::sleep(Duration::from_millis(workload.settle_ms));
        }
        let iteration = run_iteration(model, clock, workload, IterationKind::Measured)?;
        send(to, &Event::Iteration(iteration))?;
    }
    Ok(())
}

fn send(to: &mut impl Write, event: &Event) -> Result<(), (Stage, anyhow::Error)> {
    write_message(to, event).map_err(|error| (Stage::Start, error.into()))
}

/// How the calling program was built: profile, target, and the processor features that were compiled in.
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
    let features = if features.is_empty() { "baseline".to_owned() } else { features.join("+") };
    format!("{profile} {}-{} {features}", std::env::consts::ARCH, std::env::consts::OS)
}
