//! What a target is, and which one libFuzzer's process runs.

use std::{
    env, fs,
    panic::{self, Location},
    path::Path,
    process,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    limits,
    mutation::{self, Form},
    short, targets,
};

/// Names the target.
const TARGET: &str = "POCKETWATT_FUZZ_TARGET";
/// A folder to write the target's seeds and words into, instead of running it.
const PREPARE: &str = "POCKETWATT_FUZZ_PREPARE";

/// How many large inputs to try, instead of libFuzzer's own inputs.
const LARGE: &str = "POCKETWATT_FUZZ_LARGE";

/// Crates whose panics, in the program, only end a process of their own.
const TOLERATED: [&str; 4] = ["/tokenizers-", "/minijinja-", "/onig-", "/spm_precompiled-"];

/// A reader, and its inputs.
pub struct Target {
    /// Its name on the command line.
    pub name: &'static str,
    /// The structure of its inputs, for changes that keep them readable.
    pub form: Form,
    /// Valid inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Words of such inputs, for changes that insert them elsewhere.
    pub words: &'static [&'static str],
    /// Number of inputs of the short run: as many as a debug build reads in about a second.
    pub short_runs: u32,
    /// Reads an input, and returns whether it was accepted; panics if an invariant is violated.
    pub run: fn(&[u8]) -> bool,
}

/// The target of this process.
fn chosen() -> &'static Target {
    static CHOSEN: OnceLock<&Target> = OnceLock::new();
    CHOSEN.get_or_init(|| {
        let wanted = env::var(TARGET).unwrap_or_default();
        targets::ALL.iter().find(|target| target.name == wanted).unwrap_or_else(|| {
            list();
            process::exit(if wanted.is_empty() { 0 } else { 2 })
        })
    })
}

/// Names all targets.
pub fn list() {
    targets::ALL.iter().for_each(|target| println!("{}", target.name));
}

/// Called before libFuzzer's first input.
pub fn begin() {
    let target = chosen();
    pass_over_panics_of_others();
    if let Some(folder) = env::var_os(PREPARE) {
        prepare(target, Path::new(&folder));
        process::exit(0);
    }
    if let Some(count) = env::var(LARGE).ok().and_then(|count| count.parse().ok()) {
        short::large(target, count, &env::temp_dir());
        process::exit(0);
    }
}

/// Number of inputs, and of accepted ones.
static TRIED: AtomicU64 = AtomicU64::new(0);
static READ: AtomicU64 = AtomicU64::new(0);

/// Tries an input on the target of this process, and returns whether libFuzzer may continue from it.
pub fn run(input: &[u8]) -> bool {
    /// The share of refused inputs that are kept. If all were kept, nearly all new inputs would grow from them and be refused, too,
    /// since there are more ways to be refused; but some lead to an accepted one that no single change leads to.
    const ONE_IN: usize = 16;
    let tried = TRIED.fetch_add(1, Ordering::Relaxed) + 1;
    let read = limits::within(|| (chosen().run)(input));
    if read {
        READ.fetch_add(1, Ordering::Relaxed);
    }
    // As often as libFuzzer reports its state: a target that refuses nearly all inputs shows little.
    if tried.is_power_of_two() && tried > 1000 {
        eprintln!("{} of {tried} inputs were read", READ.load(Ordering::Relaxed));
    }
    read || input.iter().map(|byte| usize::from(*byte)).sum::<usize>().is_multiple_of(ONE_IN)
}

/// An input with a change that keeps its structure; `None` if libFuzzer should change it.
pub fn changed(input: &[u8], seed: u32) -> Option<Vec<u8>> {
    mutation::mutate(chosen().form, input, seed)
}

/// A panic ends the process. Panics of other crates, where a target catches them, do not count.
pub fn pass_over_panics_of_others() {
    let says = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map(Location::file).unwrap_or_default();
        if !TOLERATED.iter().any(|tolerated| place.contains(tolerated)) {
            says(panic);
            process::abort();
        }
    }));
}

fn prepare(target: &Target, folder: &Path) {
    let seeds = folder.join("seeds");
    fs::create_dir_all(&seeds).unwrap();
    for (index, seed) in (target.seeds)().iter().enumerate() {
        assert!((target.run)(seed), "{}: seed {index} is refused, so that what grows from it would be", target.name);
        fs::write(seeds.join(format!("seed-{index:02}")), seed).unwrap();
    }
    // libFuzzer's format: quoted, with bytes in hexadecimal.
    let quoted = |word: &&str| {
        let bytes: String = word.bytes().map(|byte| format!("\\x{byte:02x}")).collect();
        format!("\"{bytes}\"\n")
    };
    // It does not accept an empty file.
    let words = target.words.iter().map(quoted).collect::<String>() + "# end\n";
    fs::write(folder.join("words"), words).unwrap();
}
