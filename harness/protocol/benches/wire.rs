//! An iteration on its way from runner to harness. Sent between iterations, so its cost is never inside a measurement,
//! but it delays the next one.

#![expect(clippy::expect_used, reason = "a bench that cannot write has nothing to read")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use pocketwatt_protocol::{
    Event, Iteration, IterationKind, MonotonicNs, StopReason, TokenId, TurnTrace, read_event, write_message,
};

fn wire(criterion: &mut Criterion) {
    let event = Event::Iteration(iteration());
    let mut line = Vec::new();
    write_message(&mut line, &event).expect("a line");
    let mut group = criterion.benchmark_group("iteration of 4 x 256 tokens");
    group.bench_function("write", |bencher| {
        let mut buffer = Vec::with_capacity(line.len());
        bencher.iter(|| {
            buffer.clear();
            write_message(&mut buffer, black_box(&event))
        });
    });
    group.bench_function("read", |bencher| bencher.iter(|| read_event(black_box(line.as_slice()))));
}

fn iteration() -> Iteration {
    let start = 86_400_000_000_000;
    let turns = (0..4)
        .map(|turn| TurnTrace {
            context_tokens: turn * 300,
            prompt_tokens: 45,
            start: MonotonicNs(start),
            prefill_end: MonotonicNs(start + 150_000_000),
            token_times: (0..256).map(|token| MonotonicNs(start + 150_000_000 + token * 31_000_977)).collect(),
            tokens: (0..256).map(|token| TokenId(token * 119)).collect(),
            stop: StopReason::Length,
            grammar_ns: None,
        })
        .collect();
    Iteration { kind: IterationKind::Measured, conversation: 0, turns, cpu_ns: 30_000_000_000, kv_cache_bytes: 1 << 25 }
}

criterion_group!(benches, wire);
criterion_main!(benches);
