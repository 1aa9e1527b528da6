//! What a target is, and which one this process tries.

use std::{
    env, fs,
    panic::{self, Location},
    path::Path,
    process,
    sync::OnceLock,
};

use crate::{mutation::Form, targets};

/// Names the target.
const TARGET: &str = "POCKETWATT_FUZZ_TARGET";
/// A folder to write the target's seeds and words into, in place of running it.
const PREPARE: &str = "POCKETWATT_FUZZ_PREPARE";

/// Crates whose panics end a process of their own in the program.
const TOLERATED: [&str; 4] = ["/tokenizers-", "/minijinja-", "/onig-", "/spm_precompiled-"];

/// A reader, and what is read by it.
pub struct Target {
    /// Names it on the command line.
    pub name: &'static str,
    /// How its inputs are built, for changes that keep them readable.
    pub form: Form,
    /// Valid inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// What stands in such inputs, for changes that put it elsewhere.
    pub words: &'static [&'static str],
    /// Runs in the short run of `scripts/check`.
    pub short_runs: u32,
    /// Reads an input; panics when what must hold does not.
    pub run: fn(&[u8]),
}

/// The target of this process.
pub fn chosen() -> &'static Target {
    static CHOSEN: OnceLock<&Target> = OnceLock::new();
    CHOSEN.get_or_init(|| {
        let wanted = env::var(TARGET).unwrap_or_default();
        targets::ALL.iter().find(|target| target.name == wanted).unwrap_or_else(|| {
            // For `scripts/fuzz`: each target and its short runs.
            for target in targets::ALL {
                println!("{} {}", target.name, target.short_runs);
            }
            process::exit(if wanted.is_empty() { 0 } else { 2 })
        })
    })
}

/// Before the first input.
pub fn begin() {
    let target = chosen();
    pass_over_panics_of_others();
    if let Some(folder) = env::var_os(PREPARE) {
        prepare(target, Path::new(&folder));
        process::exit(0);
    }
}

/// libFuzzer's hook ends the process at a panic. Those of crates from outside, where a target catches them, are not ours.
fn pass_over_panics_of_others() {
    let ends = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map(Location::file).unwrap_or_default();
        if !TOLERATED.iter().any(|tolerated| place.contains(tolerated)) {
            ends(panic);
        }
    }));
}

fn prepare(target: &Target, folder: &Path) {
    let seeds = folder.join("seeds");
    fs::create_dir_all(&seeds).unwrap();
    for (index, seed) in (target.seeds)().iter().enumerate() {
        fs::write(seeds.join(format!("seed-{index:02}")), seed).unwrap();
    }
    // libFuzzer's form: quoted, with bytes in hexadecimal.
    let quoted = |word: &&str| {
        let bytes: String = word.bytes().map(|byte| format!("\\x{byte:02x}")).collect();
        format!("\"{bytes}\"\n")
    };
    // It takes no empty file.
    let words = target.words.iter().map(quoted).collect::<String>() + "# end\n";
    fs::write(folder.join("words"), words).unwrap();
}
