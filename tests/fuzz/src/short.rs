//! The short run, without libFuzzer, so that it needs nothing that a plain `cargo test` has not built. Instead of branches it
//! watches which inputs are accepted, and continues from those.

use std::{
    fs::{self, File},
    io::{self, Seek, SeekFrom, Write},
    path::Path,
};

use crate::{
    limits, mutation, scratch,
    target::{Target, pass_over_panics_of_others},
    targets,
};

/// Holds the current input: if it ends the process, in whatever way, it can be found there.
const LAST: &str = "fuzzed-input";
/// Accepted inputs that are kept for further changes, in addition to the seeds.
const MOST_KEPT: usize = 64;
/// Longest input, unless the seeds are longer.
const MOST_BYTES: usize = 4096;

/// Runs all targets, or those whose name contains one of these words.
pub fn short(wanted: &[String], folder: &Path) {
    pass_over_panics_of_others();
    let place = folder.join(LAST);
    let mut last = File::create(&place).unwrap();
    println!("the input that is tried is {}", place.display());
    let chosen =
        targets::ALL.iter().filter(|target| wanted.is_empty() || wanted.iter().any(|word| target.name.contains(word)));
    for target in chosen {
        print!("{:14}", target.name);
        io::stdout().flush().unwrap();
        let (read, took) = try_out(target, &mut last);
        println!("{read:7} of {:6} read, {} ms of processor time", target.short_runs, took / 1_000_000);
    }
    scratch::remove();
}

/// The number of accepted inputs, and the total time in nanoseconds.
fn try_out(target: &Target, last: &mut File) -> (u32, u64) {
    let mut took = 0;
    let mut accepted = |input: &[u8]| {
        keep(input, last);
        let (accepted, nanoseconds) = limits::within_times(1, || (target.run)(input));
        took += nanoseconds;
        accepted
    };
    for finding in findings(target) {
        accepted(&finding);
    }
    let mut pool = (target.seeds)();
    for (index, seed) in pool.iter().enumerate() {
        assert!(accepted(seed), "{}: seed {index} is refused, and so would be what grows from it", target.name);
    }
    let seeds = pool.len();
    let longest = pool.iter().map(|seed| 2 * seed.len()).max().unwrap_or_default().max(MOST_BYTES);
    let mut random = mutation::Random::new(1);
    let mut read = 0;
    for _ in 0..target.short_runs {
        let from = &pool[random.below(pool.len())];
        let mut changed = mutation::any_change(target, from, random.below(u32::MAX as usize) as u32);
        changed.truncate(longest);
        if accepted(&changed) {
            read += 1;
            if pool.len() < seeds + MOST_KEPT {
                pool.push(changed);
            } else {
                pool[seeds + random.below(MOST_KEPT)] = changed;
            }
        }
    }
    (read, took)
}

/// Tries inputs of nearly a mebibyte. Counting branches slows a program down several times, and a target also writes what it read
/// in every format: the limit only finds work that grows with the square of an input, which takes minutes.
pub fn large(target: &Target, count: u32, folder: &Path) {
    const TIMES: u64 = 20;
    let mut last = File::create(folder.join(LAST)).unwrap();
    let seeds = (target.seeds)();
    let mut random = mutation::Random::new(1);
    let (mut read, mut longest) = (0, 0);
    for _ in 0..count {
        let seed = &seeds[random.below(seeds.len())];
        let input = mutation::swollen(target.form, seed, &mut random);
        keep(&input, &mut last);
        let (accepted, took) = limits::within_times(TIMES, || (target.run)(&input));
        read += u32::from(accepted);
        longest = longest.max(took);
    }
    let longest = longest / 1_000_000;
    println!(
        "{}: {read} of {count} large inputs were read, each in {longest} ms of processor time at most",
        target.name
    );
}

fn keep(input: &[u8], last: &mut File) {
    // Not emptied first, because file systems would write that to the disk at once.
    last.seek(SeekFrom::Start(0)).unwrap();
    last.write_all(input).unwrap();
    last.set_len(input.len() as u64).unwrap();
}

/// Inputs that were found before, and fixed.
fn findings(target: &Target) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("findings").join(target.name);
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect()
}
