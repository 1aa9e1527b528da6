//! Statistics of a long case. They run after it, but a plan of thousands of cases must not wait for them.

#![expect(clippy::expect_used, reason = "a bench that cannot make its record has nothing to measure")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use pocketwatt_record::{Record, Summary, derive_metrics};
use serde_json::{Value, json};

fn statistics(criterion: &mut Criterion) {
    let observations: Vec<f64> = (0..10_000_u64).map(|index| (index * 7919 % 10_007) as f64).collect();
    criterion.bench_function("summary of 10,000", |bencher| bencher.iter(|| Summary::of(black_box(&observations))));
    let record = record();
    criterion.bench_function("metrics of 10 x 4 x 256 tokens", |bencher| {
        bencher.iter(|| derive_metrics(black_box(&record)));
    });
}

/// Ten iterations of four turns with 256 tokens each.
fn record() -> Record {
    let mut now = 0_u64;
    let mut pass = |nanoseconds: u64| {
        now += nanoseconds;
        now
    };
    let iterations: Vec<Value> = (0..10)
        .map(|_| {
            let turns: Vec<Value> = (0..4)
                .map(|turn| {
                    json!({
                        "context_tokens": turn * 300,
                        "prompt_tokens": 45,
                        "start": pass(1000),
                        "prefill_end": pass(150_000_000),
                        "token_times": (0..256).map(|token| pass(31_000_000 + token * 977)).collect::<Vec<_>>(),
                        "tokens": (0..256).collect::<Vec<u32>>(),
                        "stop": "length",
                    })
                })
                .collect();
            json!({ "kind": "measured", "turns": turns, "cpu_ns": 30_000_000_000_u64, "kv_cache_bytes": 1 << 25 })
        })
        .collect();
    let record = json!({
        "format": { "major": 1, "minor": 0 },
        "case": {
            "id": "bench", "scenario": "chat", "model": "tiny", "backend": "fake", "precision": "f32", "graph": null,
            "threads": 1,
        },
        "passport": {
            "pocketwatt": "0", "started_unix_ms": 0, "backend": null, "runner_sha256": null, "graph_sha256": null,
            "scenario_sha256": "", "bandwidth": null,
            "model": {
                "name": "tiny", "origin": "", "seeded": true, "weights_sha256": "", "config_sha256": "",
                "tokenizer_sha256": null, "parameters": 1, "weight_bytes": 4, "weight_bytes_per_token": 4,
                "kv_bytes_per_token": 4,
            },
        },
        "outcome": { "outcome": "measured" },
        "samples": { "loaded": null, "iterations": iterations },
        "readings": {
            "memory": [], "peak_resident_bytes": null, "run_queue_wait_ns": null, "steal_ns": null,
            "system_cpu_ns": null, "other_busy_ns": null, "sampler": { "reads": 0, "cpu_ns": 0, "wall_ns": 0 },
        },
        "metrics": [],
    });
    serde_json::from_value(record).expect("a record")
}

criterion_group!(benches, statistics);
criterion_main!(benches);
