//! Prints how often a change is reported that is none, and how soon one is found, in simulated histories: the tables of METHODOLOGY.md
//! ("Changes over time").
//!
//! ```sh
//! cargo run --release -p pocketwatt-record --example change-points
//! ```

#[path = "../src/statistics/change_points/simulated.rs"]
mod simulated;

use std::cell::RefCell;

use pocketwatt_record::{MARGIN, RankSums, change_points};
use simulated::{Numbers, Scatter};

const SCATTERS: [(&str, Scatter); 15] = [
    ("normal", Scatter::Normal),
    ("heavy tails (t, 3)", Scatter::HeavyTails),
    ("skewed (exponential)", Scatter::Skewed),
    ("two levels", Scatter::TwoLevels),
    ("3 % outliers", Scatter::Outliers),
    ("pairs of outliers", Scatter::Pairs),
    ("drift of 0.02 % a commit", Scatter::Drift(0.0002)),
    ("drift of 0.05 % a commit", Scatter::Drift(0.0005)),
    ("drift of 0.1 % a commit", Scatter::Drift(0.001)),
    ("drift of 0.5 % a commit", Scatter::Drift(0.005)),
    ("neighbours alike, 0.2", Scatter::Alike(0.2)),
    ("neighbours alike, 0.3", Scatter::Alike(0.3)),
    ("neighbours alike, 0.5", Scatter::Alike(0.5)),
    ("waves of 1 % in 200", Scatter::Wave),
    ("random walk", Scatter::Walk),
];
const NOISES: [f64; 7] = [0.005, 0.01, 0.0125, 0.015, 0.02, 0.025, 0.03];

/// A method that says where it saw changes, and at which values it reported them.
type Method = fn(&[f64]) -> Vec<(usize, usize)>;

#[expect(clippy::print_stdout, reason = "what an example is for")]
fn main() {
    let methods: [(&str, Method); 2] = [("ranks (ours)", ranks), ("t-test in windows", t_test)];
    println!("## False changes in 1000 commits at 1.25 %, mean of 200 histories\n");
    println!("| scatter | {} | {} |\n|---|---|---|", methods[0].0, methods[1].0);
    for (name, scatter) in SCATTERS {
        let found = methods.map(|(_, method)| false_alarms(method, scatter));
        println!("| {name} | {:.2} | {:.2} |", found[0], found[1]);
    }
    for (name, method) in methods {
        println!(
            "\n## Share of steps found within 5 (10) commits, and of those found within 10 at the right commit, {name}, 500 histories each\n"
        );
        println!("| step, commits before it | {} |", NOISES.map(|noise| format!("{} %", noise * 100.0)).join(" | "));
        println!("|---|{}", "---|".repeat(NOISES.len()));
        for (step, before, scatter) in [
            (0.05, 15, Scatter::Normal),
            (0.05, 20, Scatter::Normal),
            (0.05, 30, Scatter::Normal),
            (0.05, 60, Scatter::Normal),
            (0.05, 100, Scatter::Normal),
            (0.05, 100, Scatter::HeavyTails),
            (0.05, 100, Scatter::Outliers),
            (0.10, 100, Scatter::Normal),
            (0.02, 100, Scatter::Normal),
        ] {
            let shares = NOISES.map(|noise| {
                let found = steps_found(method, scatter, noise, before, step);
                let within = |most: usize| found.iter().filter(|(_, delay)| *delay <= most).count() as f64 / 5.0;
                let exact = found.iter().filter(|(first, delay)| *first == before && *delay <= 10).count() as f64 / 5.0;
                format!("{:.1} % ({:.1} %), {:.0} %", within(5), within(10), 100.0 * exact / within(10))
            });
            println!("| {} %, {before}, {scatter:?} | {} |", step * 100.0, shares.join(" | "));
        }
    }
}

fn ranks(values: &[f64]) -> Vec<(usize, usize)> {
    thread_local!(static SUMS: RefCell<RankSums> = RefCell::default());
    let changes = SUMS.with_borrow_mut(|sums| change_points(values, MARGIN, sums));
    changes.iter().map(|change| (change.first, change.found)).collect()
}

/// Student's t of the last 4 to 20 values and up to 80 before them, on logarithms; the limit is the one with as few false changes where
/// values scatter normally.
fn t_test(values: &[f64]) -> Vec<(usize, usize)> {
    const LIMIT: f64 = 4.3;
    let logarithms: Vec<f64> = values.iter().map(|value| value.ln()).collect();
    let (mut start, mut found) = (0, Vec::new());
    for end in 1..=logarithms.len() {
        let at = |later: usize| {
            let first = (end - start).checked_sub(later)? + start;
            let earlier = &logarithms[start.max(first.saturating_sub(80))..first];
            let t = student(earlier, &logarithms[first..end]).filter(|_| earlier.len() >= 8)?;
            (t > LIMIT).then_some((first, t))
        };
        if let Some((first, _)) = (4..=20).filter_map(at).max_by(|left, right| left.1.total_cmp(&right.1)) {
            found.push((first, end - 1));
            start = first;
        }
    }
    found
}

fn student(earlier: &[f64], later: &[f64]) -> Option<f64> {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (before, after) = (mean(earlier), mean(later));
    let squares = |values: &[f64], mean: f64| values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    let freedom = (earlier.len() + later.len()).checked_sub(2)? as f64;
    let variance = (squares(earlier, before) + squares(later, after)) / freedom;
    let t = (after - before).abs() / (variance * (1.0 / earlier.len() as f64 + 1.0 / later.len() as f64)).sqrt();
    Some(t).filter(|_| (after - before).abs() > MARGIN)
}

fn false_alarms(method: Method, scatter: Scatter) -> f64 {
    let mut numbers = Numbers(1);
    (0..200).map(|_| method(&numbers.history(scatter, 0.0125, 1000)).len()).sum::<usize>() as f64 / 200.0
}

/// Where each of 500 steps was seen, and after how many commits; half of them are up, half of them down.
fn steps_found(method: Method, scatter: Scatter, noise: f64, before: usize, step: f64) -> Vec<(usize, usize)> {
    let mut numbers = Numbers(2);
    let seen = |number: usize| {
        let factor = if number.is_multiple_of(2) { 1.0 + step } else { 1.0 - step };
        let values = numbers.with_step(scatter, noise, before, 20, factor);
        let (first, found) = method(&values).into_iter().find(|(_, found)| *found >= before)?;
        Some((first, found - before + 1))
    };
    (0..500).filter_map(seen).collect()
}
