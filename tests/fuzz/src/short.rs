//! The short run: without libFuzzer, and so with nothing that a plain `cargo test` has not built. In place of branches it
//! watches which inputs are accepted, and goes on from those.

use std::{
    fs::{self, File},
    io::{self, Seek, SeekFrom, Write},
    path::Path,
    time::Instant,
};

use crate::{
    limits, mutation, scratch,
    target::{Target, pass_over_panics_of_others},
    targets,
};

/// Holds the input that is tried: one that ends the process, in whatever way, is found there.
const LAST: &str = "fuzzed-input";
/// Accepted inputs that are kept to go on from, beside the seeds.
const MOST_KEPT: usize = 64;
/// Longest input, unless the seeds are longer.
const MOST_BYTES: usize = 4096;

/// Tries all targets, or those whose name has one of these words in it.
pub fn short(wanted: &[String], folder: &Path) {
    pass_over_panics_of_others();
    let place = folder.join(LAST);
    let mut last = File::create(&place).unwrap();
    let chosen =
        targets::ALL.iter().filter(|target| wanted.is_empty() || wanted.iter().any(|word| target.name.contains(word)));
    for target in chosen {
        print!("{:14}", target.name);
        io::stdout().flush().unwrap();
        let begun = Instant::now();
        let read = try_out(target, &mut last);
        println!("{read:7} of {:6} read, in {:.1} s", target.short_runs, begun.elapsed().as_secs_f64());
    }
    scratch::remove();
}

/// How many inputs were accepted.
fn try_out(target: &Target, last: &mut File) -> u32 {
    let mut accepted = |input: &[u8]| accepts(target, input, last);
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
    read
}

/// Tries inputs of nearly a mebibyte.
pub fn large(target: &Target, count: u32, folder: &Path) {
    let mut last = File::create(folder.join(LAST)).unwrap();
    let seeds = (target.seeds)();
    let mut random = mutation::Random::new(1);
    let (mut read, mut most_ms) = (0, 0);
    for _ in 0..count {
        let seed = &seeds[random.below(seeds.len())];
        let input = mutation::swollen(target.form, seed, &mut random);
        let begun = Instant::now();
        read += u32::from(accepts(target, &input, &mut last));
        most_ms = most_ms.max(begun.elapsed().as_millis());
    }
    println!("{}: {read} of {count} large inputs were read, each in {most_ms} ms at most", target.name);
}

fn accepts(target: &Target, input: &[u8], last: &mut File) -> bool {
    // Not emptied first: file systems would write that to the disk at once.
    last.seek(SeekFrom::Start(0)).unwrap();
    last.write_all(input).unwrap();
    last.set_len(input.len() as u64).unwrap();
    limits::within(|| (target.run)(input))
}

/// What was found before, and mended.
fn findings(target: &Target) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("findings").join(target.name);
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect()
}
