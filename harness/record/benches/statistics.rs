//! Statistics of long cases. They run after a case, or between two of its blocks, but a plan of thousands of cases must not wait for
//! them.

#![expect(clippy::expect_used, reason = "a bench that cannot make its record has nothing to measure")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use pocketwatt_record::{
    Contest, MARGIN, MetricId, Record, SpeedMetric, Summary, compare_all, derive, derive_metrics, widest,
};
use serde_json::{Value, json};

fn statistics(criterion: &mut Criterion) {
    let observations: Vec<f64> = (0..10_000_u64).map(|index| (index * 7919 % 10_007) as f64).collect();
    criterion.bench_function("summary of 10,000", |bencher| bencher.iter(|| Summary::of(black_box(&observations))));
    let record = record();
    criterion.bench_function("metrics of 10 x 4 x 256 tokens", |bencher| {
        bencher.iter(|| derive_metrics(black_box(&record)));
    });
}

/// What happens after a block of three cases that take turns, and what a table of them says: as many blocks as there can be.
fn blocks(criterion: &mut Criterion) {
    let records: Vec<Record> = (0..3).map(|case| in_blocks(400, case)).collect();
    let records: Vec<&Record> = records.iter().collect();
    let mut group = criterion.benchmark_group("3 cases x 400 blocks");
    group.sample_size(10);
    let tested = contests(&[
        SpeedMetric::TimeToFirstToken,
        SpeedMetric::PrefillThroughput,
        SpeedMetric::DecodeThroughput,
        SpeedMetric::InterTokenLatency,
        SpeedMetric::RequestLatency,
        SpeedMetric::LoadTime,
        SpeedMetric::FirstTokenAfterLoad,
        SpeedMetric::PeakResidentMemory,
        SpeedMetric::PeakAnonymousMemory,
        SpeedMetric::KvCacheMemory,
    ]);
    group.bench_function("verdicts", |bencher| bencher.iter(|| compare_all(black_box(&records), &tested)));
    let watched = contests(&[SpeedMetric::TimeToFirstToken, SpeedMetric::DecodeThroughput]);
    group.bench_function("widest interval", |bencher| bencher.iter(|| widest(black_box(&records), &watched)));
    group.bench_function("metrics of one case", |bencher| bencher.iter(|| derive_metrics(black_box(records[0]))));
    group.bench_function("record of one case as text", |bencher| {
        bencher.iter(|| serde_json::to_vec(black_box(records[0])).map(|text| text.len()).ok());
    });
}

/// Every two of three cases by these metrics.
fn contests(metrics: &[SpeedMetric]) -> Vec<Contest> {
    let pairs = [(0, 1), (0, 2), (1, 2)];
    let of = |metric: SpeedMetric| {
        pairs.map(|(baseline, candidate)| Contest {
            metric: MetricId::Speed(metric),
            baseline,
            candidate,
            margin: MARGIN,
        })
    };
    metrics.iter().flat_map(|metric| of(*metric)).collect()
}

/// A case in blocks, each with a short warm-up and an iteration of 64 tokens, and with 100 readings of memory.
fn in_blocks(count: u64, case: u64) -> Record {
    let mut record = record();
    let mut now = 0_u64;
    let mut random = 7919 * (case + 1);
    // Times scatter by a tenth.
    let mut pass = |nanoseconds: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        now += nanoseconds + (random >> 33) % (nanoseconds / 10 + 1);
        now
    };
    let (mut iterations, mut blocks, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    for number in 1..=count {
        let (start, load_start, load_end) = (pass(1000), pass(100_000_000), pass(300_000_000));
        for (kind, tokens) in [("warmup", 8), ("measured", 64)] {
            let turn = json!({
                "context_tokens": 0,
                "prompt_tokens": 128,
                "start": pass(1000),
                "prefill_end": pass(150_000_000),
                "token_times": (0..tokens).map(|_| pass(31_000_000)).collect::<Vec<_>>(),
                "tokens": (0..tokens).collect::<Vec<u32>>(),
                "stop": "length",
            });
            iterations
                .push(json!({ "kind": kind, "turns": [turn], "cpu_ns": 3_000_000_000_u64, "kv_cache_bytes": 1 << 25 }));
        }
        let end = pass(1_000_000);
        blocks.push(json!({
            "number": number, "place": case + 1, "span": { "start": start, "end": end },
            "loaded": {
                "start": load_start, "end": load_end, "stages": [],
                "model": { "vocabulary": 1000, "implementation": "own model" },
            },
            "peak_resident_bytes": 500_000_000 + end % 1_000_000, "first_iteration": 2 * (number - 1), "iterations": 2,
        }));
        memory.extend((0..100).map(|reading| {
            json!({
                "at": start + (end - start) / 100 * reading, "anonymous_bytes": 300_000_000 + end % 1_000_000,
                "file_bytes": 200_000_000, "shared_bytes": 0,
            })
        }));
    }
    let samples = json!({ "loaded": blocks[0]["loaded"], "iterations": iterations, "blocks": blocks });
    record.samples = serde_json::from_value(samples).expect("samples");
    record.readings.memory = serde_json::from_value(json!(memory)).expect("readings");
    derive(&mut record);
    record
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

criterion_group!(benches, statistics, blocks);
criterion_main!(benches);
