//! Writes a made-up history into a folder: so many commits of so many cases, of which the one in the middle is 5 % slower.
//!
//! ```sh
//! cargo run --release -p pocketwatt-history --example made-up-history -- FOLDER 500 20 docs/example-run
//! ```

#![expect(clippy::expect_used, clippy::panic, reason = "an example")]

mod made_up;

use std::{env, path::Path};

use made_up::{at_commit, entry_of_run};
use pocketwatt_history::{Entry, HistoryFolder};
use pocketwatt_record::Precision;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [folder, commits, cases, run] = arguments.as_slice() else {
        panic!("FOLDER COMMITS CASES RUN");
    };
    let (commits, cases): (usize, usize) = (commits.parse().expect("a number"), cases.parse().expect("a number"));
    let run = with_cases(&entry_of_run(Path::new(run)), cases);
    let history = HistoryFolder::at(Path::new(folder));
    for number in 0..commits {
        let slower = if number >= commits / 2 { 1.05 } else { 1.0 };
        history.add(&at_commit(&run, number, slower)).expect("a folder that can be written");
    }
}

/// A run with this many cases: those of the run in turn, with other numbers of threads.
fn with_cases(run: &Entry, cases: usize) -> Entry {
    let mut entry = run.clone();
    entry.cases = (0..cases)
        .map(|place| {
            let mut case = run.cases[place % run.cases.len()].clone();
            case.case.threads = 1 + (place / run.cases.len()) as u32 % 8;
            case.case.precision = Precision::ALL[place / run.cases.len() / 8 % Precision::ALL.len()];
            case.case.id = format!("{}-{place}", case.case.id);
            case
        })
        .collect();
    entry
}
