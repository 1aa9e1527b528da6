//! Whatever a runner does, its case is a row with the reason, and the other cases are measured.
#![cfg(test)]

use pocketwatt_protocol::Stage;
use pocketwatt_record::{Outcome, Record};
use pocketwatt_tests::{Bench, Starts, is_alive};

/// Two cases, of which the fault affects the first; each has a warm-up and two counted iterations.
fn struck(fault: &str, more: &[&str]) -> (Bench, Record, String) {
    let bench = Bench::new();
    let starts = Starts::new(&bench);
    let script = format!("fault={fault},{}", starts.only(1));
    let plan = ["--scenario", "decode-4,prefill-8-decode-4", "--iterations", "2"];
    let finished = bench.run(&script, &[&plan, more].concat()).expect_code(4);
    let mut records = bench.records();
    assert_eq!(records.len(), 2);
    assert_eq!(records[1].outcome, Outcome::Measured, "the case behind the failed one");
    assert_eq!(records[1].samples.iterations.len(), 3);
    for process in starts.processes() {
        assert!(!is_alive(process), "runner {process} outlives the run");
    }
    (bench, records.swap_remove(0), finished.stdout)
}

/// Checks that the fault ends its case in that stage, for that reason, after this many iterations.
#[track_caller]
fn fails(fault: &str, expected_stage: Stage, reason: &str, iterations: usize) {
    fails_with(fault, &[], expected_stage, reason, iterations);
}

#[track_caller]
fn fails_with(fault: &str, more: &[&str], expected_stage: Stage, reason: &str, iterations: usize) {
    let (_bench, record, table) = struck(fault, more);
    let Outcome::Failed { stage, message } = &record.outcome else { panic!("{fault}: {:?}", record.outcome) };
    assert!(message.contains(reason), "{fault}: {message}");
    assert_eq!(*stage, expected_stage, "{fault}: {message}");
    assert_eq!(record.samples.iterations.len(), iterations, "{fault}: iterations before it are kept");
    assert_eq!(record.samples.loaded.is_some(), ![Stage::Start, Stage::Load].contains(stage), "{fault}");
    assert_eq!(record.metrics, [], "{fault}: a failed case has no metrics");
    assert!(table.contains("failed"), "{fault}: {table}");
}

const ABORTED: &str = "the runner was killed by signal 6 (SIGABRT)";

#[test]
fn crash_before_the_greeting() {
    fails("crash@start", Stage::Start, ABORTED, 0);
}

#[test]
fn crash_while_loading() {
    fails("crash@load", Stage::Load, ABORTED, 0);
}

#[test]
fn crash_in_the_warm_up() {
    fails("crash@prefill", Stage::Warmup, ABORTED, 0);
}

#[test]
fn crash_in_a_counted_iteration() {
    fails("crash@decode,iteration=3", Stage::Iteration, ABORTED, 2);
}

#[test]
fn silence_before_the_greeting() {
    fails_with("hang@start", &["--timeout", "1"], Stage::Start, "wrote nothing for 1 s and was killed", 0);
}

#[test]
fn silence_while_loading() {
    fails_with("hang@load", &["--timeout", "1"], Stage::Load, "wrote nothing for 1 s and was killed", 0);
}

#[test]
fn silence_in_a_counted_iteration() {
    let reason = "wrote nothing for 1 s and was killed: is the time too short? see --timeout";
    fails_with("hang@decode,iteration=2", &["--timeout", "1"], Stage::Iteration, reason, 1);
}

#[test]
fn error_before_the_greeting() {
    fails("fail@start", Stage::Start, "scripted failure", 0);
}

#[test]
fn error_while_loading() {
    fails("fail@load", Stage::Load, "scripted failure", 0);
}

#[test]
fn error_in_a_prompt() {
    fails("fail@prefill,iteration=2", Stage::Prefill, "scripted failure", 1);
}

#[test]
fn error_in_an_answer() {
    fails("fail@decode,iteration=3", Stage::Decode, "output token 2: scripted failure", 2);
}

#[test]
fn garbage_in_place_of_the_greeting() {
    let reason = "the runner broke the protocol: not a protocol message: \"Segmentation fault\"";
    fails("garbage@start", Stage::Start, reason, 0);
}

#[test]
fn garbage_in_place_of_an_iteration() {
    fails("garbage@iteration,iteration=2", Stage::Iteration, "not a protocol message: \"step 1 took 3.14 ms\"", 1);
}

#[test]
fn another_protocol() {
    fails("other-protocol", Stage::Start, "speaks protocol 5, this one speaks 4: rebuild the runner", 0);
}

#[test]
fn a_line_without_an_end() {
    fails("endless-line", Stage::Warmup, "a line is longer than 16777216 bytes: \"xxxx", 0);
}

#[test]
fn an_iteration_before_the_model_is_loaded() {
    fails("early-iteration", Stage::Load, "it reported an iteration before it had loaded the model", 0);
}

#[test]
fn an_iteration_too_few() {
    fails("missing-iteration,iteration=3", Stage::Iteration, "it was done after 2 of 3 iterations", 2);
}

#[test]
fn an_iteration_too_many() {
    fails("extra-iteration,iteration=3", Stage::Iteration, "it reported more than the 3 iterations asked for", 3);
}

#[test]
fn time_that_runs_backwards() {
    fails("backwards-time,iteration=2", Stage::Iteration, "its clock runs backwards", 1);
}

#[test]
fn a_token_outside_the_vocabulary() {
    fails("unknown-token,iteration=2", Stage::Iteration, "token 4294967295 is outside the vocabulary of 512", 1);
}

#[test]
fn an_end_without_a_last_word() {
    fails("quit", Stage::Iteration, "the runner exited with status 0 before it was done", 3);
}

#[test]
fn a_closed_output() {
    fails("closed-output", Stage::Warmup, "closed its output before it was done, and was killed", 0);
}

#[test]
fn a_runner_that_does_not_exit_has_done_its_work() {
    let bench = Bench::new();
    let starts = Starts::new(&bench);
    let script = format!("fault=hang@end,{}", starts.count());
    bench.run(&script, &["--scenario", "decode-4", "--iterations", "1"]).expect_code(0);
    assert_eq!(bench.records()[0].outcome, Outcome::Measured);
    assert!(!is_alive(starts.processes()[0]));
}

#[test]
fn nothing_measured_has_a_status_of_its_own() {
    let bench = Bench::new();
    bench.run("fault=crash@load", &["--scenario", "decode-4,decode-5", "--iterations", "1"]).expect_code(5);
    assert_eq!(bench.records().len(), 2);
}

#[test]
fn a_script_with_a_mistake_is_the_reason() {
    let bench = Bench::new();
    bench.run("fault=crush@load", &["--scenario", "decode-4"]).expect_code(5);
    let outcome = &bench.records()[0].outcome;
    assert!(
        matches!(outcome, Outcome::Failed { stage: Stage::Start, message } if message.contains("there is no fault \"crush@load\"")),
        "{outcome:?}"
    );
}
