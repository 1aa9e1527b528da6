//! Backends of a table take turns, each with a fresh process in every block.
#![cfg(test)]

use std::{
    collections::BTreeSet,
    fs::{self, OpenOptions},
    io::Write,
    path::Path,
};

use pocketwatt_protocol::IterationKind;
use pocketwatt_record::{Block, Case, DisturbanceKind, Outcome, Record, latest_run};
use pocketwatt_tests::{Bench, Finished, Running, Starts, is_alive, wait_until};
use rustix::{
    process::{Pid, Signal},
    thread::{CpuSet, sched_getaffinity, sched_setaffinity},
};
use serde_json::Value;

/// Blocks of a run, and how many disturbed ones are measured again at most: on a busy machine, many are disturbed.
const BLOCKS: usize = 5;
const MOST_AGAIN: usize = 3;

/// Two backends that are the fake, each with a script of its own.
fn start(bench: &Bench, scripts: [&str; 2], more: &[&str]) -> Running {
    let table = |(name, script): (&str, &str)| {
        format!(
            "[{name}]\nbinary = \"pocketwatt-fake\"\nsummary = \"-\"\nprecisions = [\"f32\", \"f16\"]\nscored = false\n\
             [{name}.environment]\nPOCKETWATT_FAKE = \"name={name},{script}\"\n"
        )
    };
    let tables: String = ["left", "right"].into_iter().zip(scripts).map(table).collect();
    let file = bench.write("backends.toml", &tables);
    let common = ["run", "--backends", &file];
    bench.start("", &[&common, more].concat())
}

const PLAN: &[&str] = &["--backend", "left,right", "--model", "tiny", "--no-probe", "--scenario", "prefill-4-decode-4"];

fn run(bench: &Bench, scripts: [&str; 2], more: &[&str]) -> Finished {
    start(bench, scripts, &[PLAN, more].concat()).finish()
}

/// The two cases, left and right.
fn both(bench: &Bench) -> [Record; 2] {
    let records = bench.records();
    assert_eq!(records.iter().map(|record| record.case.backend.as_str()).collect::<Vec<_>>(), ["left", "right"]);
    records.try_into().unwrap()
}

fn counted(record: &Record) -> usize {
    record.samples.counted_blocks().count()
}

/// The place of a case in each block.
fn places(record: &Record) -> Vec<u32> {
    record.samples.blocks.iter().map(|block| block.place).collect()
}

#[test]
fn every_block_has_both_in_an_order_drawn_by_lot() {
    let bench = Bench::new();
    let starts = Starts::new(&bench);
    let scripts = [format!("decode=150ms,{}", starts.count()), format!("decode=15ms,{}", starts.count())];
    let scripts = [&scripts[0][..], &scripts[1]];
    let finished = run(&bench, scripts, &["--seed", "7"]).expect_code(0);
    let records = both(&bench);
    for record in &records {
        let blocks = &record.samples.blocks;
        assert_eq!(record.outcome, Outcome::Measured);
        assert_eq!(counted(record), BLOCKS);
        assert!(blocks.len() <= BLOCKS + MOST_AGAIN, "{}", blocks.len());
        assert_eq!(record.samples.counted().count(), 5, "the iterations are divided among the blocks");
        for block in blocks {
            assert!(block.loaded.is_some() && block.peak_resident_bytes.is_some());
            let kinds: Vec<IterationKind> =
                record.samples.iterations[block.range()].iter().map(|iteration| iteration.kind).collect();
            assert_eq!(kinds, [IterationKind::Warmup, IterationKind::Measured]);
        }
        let spans: Vec<_> = blocks.iter().map(|block| block.span).collect();
        assert!(spans.windows(2).all(|pair| pair[0].end < pair[1].start), "{spans:?}");
    }
    let [left, right] = records;
    assert_eq!(left.samples.blocks.len(), right.samples.blocks.len());
    assert_eq!(starts.processes().len(), 2 * left.samples.blocks.len(), "each block has a fresh process of each");
    for (one, other) in left.samples.blocks.iter().zip(&right.samples.blocks) {
        assert_eq!((one.number, one.place + other.place, one.repeated), (other.number, 3, other.repeated));
        let (first, second) = if one.place == 1 { (one, other) } else { (other, one) };
        assert!(first.span.end < second.span.start, "only one of them runs at a time");
    }
    let order = places(&left);
    assert!(order.contains(&1) && order.contains(&2), "{order:?}");
    let decode = finished.stdout.lines().find(|line| line.trim_start().starts_with("decode")).unwrap();
    assert!(decode.contains('*'), "ten times as fast: {}", finished.stdout);
    assert!(finished.stdout.contains("decode: right / left = "), "{}", finished.stdout);

    run(&bench, scripts, &["--seed", "7"]).expect_code(0);
    let again = places(&both(&bench)[0]);
    assert!(order.iter().zip(&again).all(|(one, other)| one == other), "{order:?} {again:?}");
}

#[test]
fn all_precisions_and_numbers_of_threads_take_turns_in_one_block() {
    let bench = Bench::new();
    let starts = Starts::new(&bench);
    let script = format!("decode=5ms,{}", starts.count());
    let spread = ["--precision", "f32,f16", "--threads", "1,2", "--blocks", "3", "--seed", "5"];
    let finished = run(&bench, [&script, &script], &spread).expect_code(0);
    let records = bench.records();
    assert_eq!(records.len(), 8);
    let blocks = records[0].samples.blocks.len();
    assert_eq!(starts.processes().len(), 8 * blocks);
    let mut before = None;
    let mut leading = BTreeSet::new();
    for number in 0..blocks {
        let mut turns: Vec<_> = records.iter().map(|record| (&record.samples.blocks[number], &record.case)).collect();
        turns.sort_by_key(|(block, _)| block.span.start);
        assert!(turns.iter().all(|(block, _)| block.number as usize == number + 1));
        assert_eq!(turns.iter().map(|(block, _)| block.place).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7, 8]);
        let spans: Vec<_> = turns.iter().map(|(block, _)| block.span).collect();
        assert!(spans.windows(2).all(|pair| pair[0].end < pair[1].start), "only one of them runs at a time");
        assert!(before.is_none_or(|before| before < spans[0].start), "a block begins when the one before is over");
        before = spans.last().map(|span| span.end);
        let is_table = |pair: &[(_, &Case)]| pair[0].1.stands_beside(pair[1].1);
        assert!(turns.chunks(2).all(is_table), "the two of a table follow each other");
        leading.insert(&turns[0].1.id);
    }
    assert!(leading.len() > 1, "the order is another one in each block: {leading:?}");
    let unwrapped = finished.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in
        ["gains: left, 1 thread, time to first token: f16 / f32 = ", "right, f16, decode: 2 threads / 1 thread = "]
    {
        assert!(unwrapped.contains(part), "{part:?} is not in: {}", finished.stdout);
    }

    let run = bench.folder();
    let file =
        |precision: &str| format!("{}/cases/prefill-4-decode-4_tiny_left_{precision}_1t.json", run.path().display());
    let compare = ["compare", &file("f32"), &file("f16"), "--format", "json"];
    let comparison: Value = serde_json::from_str(&bench.pocketwatt(&compare).expect_code(0).stdout).unwrap();
    let case = &comparison["cases"][0];
    assert_eq!((&case["forced"], &case["metrics"][0]["basis"]["kind"]), (&false.into(), &"together".into()));
    let settings: Vec<&Value> =
        case["differences"].as_array().unwrap().iter().filter(|difference| difference["kind"] == "setting").collect();
    assert!(settings.iter().any(|difference| difference["property"] == "precision"), "{comparison}");

    let elsewhere = ["--precision", "f16", "--results", "elsewhere", "--blocks", "2"];
    start(&bench, ["", ""], &[PLAN, &elsewhere].concat()).finish().expect_code(0);
    let other = latest_run(&bench.path("elsewhere")).unwrap().folder;
    let other = other.path().join("cases/prefill-4-decode-4_tiny_left_f16_1t.json");
    bench
        .pocketwatt(&["compare", &file("f32"), other.to_str().unwrap()])
        .expect_code(14)
        .expect_stderr(&["precision: f32 in A, f16 in B", "compared where they took turns in one run"]);
}

#[test]
fn a_case_that_is_tried_again_has_blocks_of_its_own() {
    let bench = Bench::new();
    let starts = Starts::new(&bench);
    let right = format!("decode=5ms,fault=crash@decode,{}", starts.only(2));
    run(&bench, ["decode=50ms", &right], &["--seed", "3"]).expect_code(4);
    let [before, _] = both(&bench);
    let again = start(&bench, ["decode=50ms", &right], &["--resume", "--retry"]).finish().expect_code(0);
    let again = again.expect_stderr(&["in blocks of their own", "prefill-4-decode-4_tiny_right_f32_1t"]);
    let [left, right] = both(&bench);
    assert_eq!(left, before, "what was measured stays");
    assert_eq!((right.outcome.clone(), counted(&right)), (Outcome::Measured, BLOCKS));
    assert!(right.samples.blocks[0].span.start > left.samples.blocks.last().unwrap().span.end);
    let decode = again.stdout.lines().find(|line| line.trim_start().starts_with("decode")).unwrap();
    assert!(!decode.contains('*') && !again.stdout.contains("leads:"), "{}", again.stdout);
    let unwrapped = again.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(unwrapped.contains("because they were not measured in the same blocks: left | right"), "{}", again.stdout);
    start(&bench, ["", ""], &["--resume"]).finish().expect_code(0);
    assert_eq!(both(&bench), [left, right], "nothing is left to measure");
}

#[test]
fn a_case_that_is_left_alone_of_several_is_measured_in_blocks_and_a_single_one_is_not() {
    let bench = Bench::new();
    let plan = ["--backend", "left", "--model", "tiny", "--no-probe", "--scenario", "prefill-4-decode-4"];
    start(&bench, ["", ""], &[&plan[..], &["--precision", "bf16,f32", "--blocks", "2"]].concat())
        .finish()
        .expect_code(4);
    let [skipped, alone] = &bench.records()[..] else { panic!("two cases") };
    assert!(matches!(skipped.outcome, Outcome::Skipped { .. }), "{:?}", skipped.outcome);
    assert_eq!((alone.outcome.clone(), counted(alone)), (Outcome::Measured, 2));
    start(&bench, ["", ""], &plan).finish().expect_code(0);
    assert_eq!(bench.records()[0].samples.blocks, []);
}

#[test]
fn without_turns_each_has_one_process_and_no_star() {
    let bench = Bench::new();
    let starts = Starts::new(&bench);
    let scripts = [format!("decode=150ms,{}", starts.count()), format!("decode=15ms,{}", starts.count())];
    let finished = run(&bench, [&scripts[0], &scripts[1]], &["--one-by-one"]).expect_code(0);
    for record in both(&bench) {
        assert_eq!(record.samples.blocks, []);
        assert_eq!(record.samples.iterations.len(), 6);
    }
    assert_eq!(starts.processes().len(), 2);
    let table = finished.stdout.split("\n\n").next().unwrap();
    assert!(table.contains("decode") && !table.contains('*'), "{table}");
    run(&bench, [&scripts[0], &scripts[1]], &["--one-by-one", "--seed", "3"])
        .expect_code(2)
        .expect_stderr(&["cannot be used with"]);
}

#[test]
fn blocks_share_the_iterations_and_none_is_empty() {
    let bench = Bench::new();
    run(&bench, ["", ""], &["--iterations", "3", "--blocks", "2", "--warmup", "2"]).expect_code(0);
    for record in both(&bench) {
        let lengths: Vec<u32> = record.samples.counted_blocks().map(|block| block.iterations).collect();
        assert_eq!(lengths, [2 + 1, 2 + 2]);
        let whole = record.samples.iterations.iter().all(|iteration| iteration.turns[0].tokens.len() == 4);
        assert!(whole, "a warm-up that was asked for is a whole iteration");
    }
    run(&bench, ["", ""], &["--iterations", "2"]).expect_code(0);
    assert!(both(&bench).iter().all(|record| counted(record) == 2));
}

#[test]
fn a_case_that_fails_in_a_block_leaves_the_other_one_whole() {
    let bench = Bench::new();
    let starts = Starts::new(&bench);
    let right = format!("fault=crash@decode,{}", starts.only(2));
    let finished = run(&bench, ["", &right], &[]).expect_code(4);
    let [left, right] = both(&bench);
    assert_eq!((left.outcome.clone(), counted(&left)), (Outcome::Measured, BLOCKS));
    let Outcome::Failed { message, .. } = &right.outcome else { panic!("{:?}", right.outcome) };
    assert!(message.contains("SIGABRT"), "{message}");
    assert_eq!(right.samples.blocks.len(), 2, "nothing more of it is measured");
    assert_eq!(right.samples.iterations.len(), 2, "its first block is kept");
    assert!(right.metrics.is_empty() && finished.stdout.contains("failed"), "{}", finished.stdout);
}

/// A run that was interrupted in its second block, and the script of its right backend.
fn stopped_in_the_second_block(bench: &Bench, starts: &Starts) -> (String, Finished) {
    let right = format!("fault=hang@decode,{}", starts.only(2));
    let running = start(bench, ["", &right], &[PLAN, &["--seed", "1"]].concat());
    wait_until("the second block", || starts.processes().len() == 2);
    running.signal_group(Signal::INT);
    (right, running.finish().expect_code(130))
}

#[test]
fn what_was_stopped_in_a_block_is_finished_later() {
    let bench = Bench::new();
    let starts = Starts::new(&bench);
    let (right, finished) = stopped_in_the_second_block(&bench, &starts);
    finished.expect_stderr(&["interrupted: 0 of 2 cases, and some blocks of 2 others are stored", "--resume"]);
    assert!(!is_alive(starts.processes()[1]), "the runner is gone when pocketwatt is");
    let first = both(&bench).map(|record| record.samples.blocks[0].span);
    start(&bench, ["", &right], &["--resume"]).finish().expect_code(0);
    let whole = both(&bench);
    for record in &whole {
        assert_eq!((record.outcome.clone(), counted(record)), (Outcome::Measured, BLOCKS));
    }
    assert_eq!(whole.map(|record| record.samples.blocks[0].span), first, "a block that was over is not measured again");
}

/// A change that is made while the first block is measured.
fn disturbed_in_the_first_block(bench: &Bench, more: &[&str], disturb: impl FnOnce(&Running)) -> Finished {
    let starts = Starts::new(bench);
    let script = format!("decode=100ms,{}", starts.count());
    let running = start(bench, [&script, &script], &[PLAN, more].concat());
    wait_until("the second case", || starts.processes().len() == 2);
    disturb(&running);
    running.finish().expect_code(0)
}

/// Whether the first block was disturbed in this way, for one of the cases, and measured again by both.
#[track_caller]
fn expect_disturbance(bench: &Bench, kind: DisturbanceKind) {
    let first = both(bench).map(|record| record.samples.blocks[0].clone());
    let found = |block: &Block| block.disturbances.iter().any(|found| found.kind == kind);
    assert!(first.iter().any(found), "{first:?}");
    assert!(first.iter().all(|block| block.repeated), "{first:?}");
}

/// A note below a table without its line breaks.
fn unbroken(finished: &Finished) -> String {
    finished.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn other_processors_in_a_block_disturb_it() {
    let own = sched_getaffinity(None).unwrap();
    let allowed: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|&processor| own.is_set(processor)).collect();
    if allowed.len() < 2 {
        return;
    }
    let bench = Bench::new();
    let finished = disturbed_in_the_first_block(&bench, &["--device", "here"], |running| {
        let mut one = CpuSet::new();
        one.set(allowed[0]);
        sched_setaffinity(Pid::from_raw(running.id() as i32), &one).unwrap();
    });
    expect_disturbance(&bench, DisturbanceKind::AllowedProcessors);
    let told = unbroken(&finished);
    assert!(
        told.contains("the processors that may be used changed from ")
            && told.contains(&format!(" to {} ", allowed[0])),
        "{told}"
    );
}

/// Changes a file of a simulated `/sys` as the kernel does, so that no reader finds it empty.
fn overwrite(path: &Path, text: &str) {
    assert_eq!(fs::read(path).unwrap().len(), text.len());
    OpenOptions::new().write(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

#[test]
fn a_lower_frequency_limit_in_a_block_disturbs_it() {
    let bench = Bench::new();
    let policy = bench.path("sys/devices/system/cpu/cpufreq/policy0");
    fs::create_dir_all(&policy).unwrap();
    for (file, text) in
        [("affected_cpus", "0 1\n"), ("scaling_cur_freq", "4000000\n"), ("scaling_max_freq", "4000000\n")]
    {
        fs::write(policy.join(file), text).unwrap();
    }
    let root = bench.path("sys");
    let finished = disturbed_in_the_first_block(&bench, &["--sysfs-root", root.to_str().unwrap()], |_| {
        overwrite(&policy.join("scaling_max_freq"), "2000000\n");
    });
    expect_disturbance(&bench, DisturbanceKind::FrequencyLimit);
    let told = unbroken(&finished);
    assert!(told.contains("the highest allowed frequency changed from 4.00 GHz to 2.00 GHz"), "{told}");
}

#[test]
fn another_measurement_beside_a_block_disturbs_it() {
    let bench = Bench::new();
    disturbed_in_the_first_block(&bench, &["--device", "here"], |_| {
        let beside = ["--device", "other", "--allow-beside", "--iterations", "1"];
        bench
            .start("", &[&["run", "--backend", "fake", "--results", "elsewhere"], &PLAN[2..], &beside].concat())
            .finish()
            .expect_code(0);
    });
    expect_disturbance(&bench, DisturbanceKind::OtherMeasurement);
}

#[test]
fn after_a_new_start_of_the_device_blocks_are_measured_again_and_it_is_told() {
    let bench = Bench::new();
    let starts = Starts::new(&bench);
    let (right, _) = stopped_in_the_second_block(&bench, &starts);
    let folder = bench.folder();
    for mut record in both(&bench) {
        assert!(record.passport.boot_id.is_some());
        record.passport.boot_id = Some("of an earlier start".into());
        folder.write(&record).unwrap();
    }
    let first = both(&bench).map(|record| record.samples.blocks[0].span);
    start(&bench, ["", &right], &["--resume"]).finish().expect_code(0).expect_stderr(&[
        "the device was started anew since the run was stopped, and its clock began anew",
        "the blocks that were stored before (1) are measured again",
    ]);
    for (record, first) in both(&bench).iter().zip(first) {
        assert_eq!((record.outcome.clone(), counted(record)), (Outcome::Measured, BLOCKS));
        assert!(record.samples.blocks.iter().all(|block| block.span.start > first.end), "none of them is from before");
    }
}
