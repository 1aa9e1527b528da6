//! One round of the sampler, on the real kernel. At ten rounds a second, 1 % of a core is 1 ms for each.

#![expect(clippy::expect_used, reason = "a bench that cannot open this process has nothing to measure")]

use std::{fs, hint::black_box, io, path::Path};

use criterion::{Criterion, criterion_group, criterion_main};
use pocketwatt_meter::{ProcessMeter, SystemRoot, energy, read_system_times};

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

/// Our own part of reading a zone; reading a real register also costs its driver's time.
fn energy_meters(criterion: &mut Criterion) {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.expect("a folder");
    put_zone(folder.path()).expect("a zone in a file");
    let mut meters = energy::discover(&SystemRoot::at(folder.path())).meters;
    let meter = meters.first_mut().expect("the zone");
    criterion.bench_function("one powercap zone, from a file in memory", |bencher| bencher.iter(|| meter.read()));
}

fn put_zone(root: &Path) -> io::Result<()> {
    let zone = root.join("sys/class/powercap/intel-rapl:0");
    fs::create_dir_all(&zone)?;
    fs::write(zone.join("name"), "package-0\n")?;
    fs::write(zone.join("energy_uj"), "191832476172\n")?;
    fs::write(zone.join("max_energy_range_uj"), "262143328850\n")
}

criterion_group!(benches, sampler, energy_meters);
criterion_main!(benches);
