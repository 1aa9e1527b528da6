//! One round of the sampler, on the real kernel. At ten rounds a second, 1 % of a core is 1 ms for each.

#![expect(clippy::expect_used, reason = "a bench that cannot open this process has nothing to measure")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use pocketwatt_meter::{ProcessMeter, SystemRoot, read_system_times};

fn sampler(criterion: &mut Criterion) {
    let mut process = ProcessMeter::open(&SystemRoot::real(), std::process::id()).expect("this process");
    criterion.bench_function("one round: memory, processor time, run queue", |bencher| {
        bencher.iter(|| {
            black_box(process.memory());
            black_box(process.processor_ns());
            process.read_run_queue();
        });
    });
    criterion.bench_function("system times, once at each end", |bencher| {
        bencher.iter(|| read_system_times(&SystemRoot::real()));
    });
}

criterion_group!(benches, sampler);
criterion_main!(benches);
