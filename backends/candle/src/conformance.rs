//! Candle against the reference. The number of threads is fixed when a process starts, so the tests run the suite in
//! processes of their own.

use std::{env, fs, process::Command};

use candle_core::utils::get_num_threads;
use half::f16;
use pocketwatt_model::reference::{self, ReferenceCase};
use pocketwatt_protocol::{LoadOptions, MonotonicClock, Precision, TokenId};
use pocketwatt_runner::{
    Backend, LoadStages,
    conformance::{self, Expectation, F32_TOLERANCE, HALF_TOLERANCE, ROUNDED_TOLERANCE},
};

use crate::{backend::CandleBackend, threads::with_pool};

const SUITE: &str = "conformance::suite_on_the_threads_of_the_environment";

#[test]
fn conforms_on_one_thread() {
    run_suite_on(1);
}

#[test]
fn conforms_on_two_threads() {
    run_suite_on(2);
}

fn run_suite_on(threads: u32) {
    let mut suite = Command::new(env::current_exe().unwrap());
    suite.args(["--ignored", "--exact", SUITE]).env("RAYON_NUM_THREADS", threads.to_string());
    suite.env_remove("CANDLE_NUM_THREADS");
    let output = suite.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "with {threads} threads:\n{text}");
}

#[test]
#[ignore = "started by the tests above, with the number of threads in its environment"]
fn suite_on_the_threads_of_the_environment() {
    let root = tempfile::tempdir().unwrap();
    for precision in [Precision::F32, Precision::F16, Precision::Int8, Precision::Int4] {
        let root = root.path().join(precision.name());
        for case in ReferenceCase::all_in(&root, precision).unwrap() {
            let scratch = root.join(format!("{}-damaged", case.name));
            fs::create_dir(&scratch).unwrap();
            let context_tokens = (case.tokens.len() + case.greedy.len()) as u32;
            let expectation = Expectation {
                options: LoadOptions { precision, ..options(context_tokens) },
                files: case.files,
                tokens: case.tokens,
                logits: case.logits,
                greedy: if precision == Precision::F32 { case.greedy } else { Vec::new() },
                tolerance: match precision {
                    Precision::F32 => F32_TOLERANCE,
                    Precision::F16 => HALF_TOLERANCE,
                    _ => ROUNDED_TOLERANCE,
                },
                scratch,
            };
            let outcome = with_pool(|| conformance::run(&CandleBackend, &expectation));
            outcome.unwrap_or_else(|failures| panic!("{} in {}: {failures}", case.name, precision.name()));
        }
    }
}

/// Attention splits long prompts into chunks of queries, of which the suite's text needs only one.
#[test]
fn a_long_prompt_equals_the_reference() {
    let root = tempfile::tempdir().unwrap();
    let case = &ReferenceCase::all(root.path()).unwrap()[0];
    let tokens: Vec<TokenId> = case.tokens.iter().chain(&case.greedy).cycle().take(250).copied().collect();
    let right = reference::logits(&case.folder, &tokens).unwrap();
    let mut model = CandleBackend.load(&case.files, &options(256), &mut LoadStages::new(&MonotonicClock)).unwrap();
    // A whole prompt; exactly a chunk's length; and one query more than full chunks, after a past.
    for chunks in [&[250][..], &[128, 122], &[20, 129, 101]] {
        let mut session = model.session().unwrap();
        let mut logits = Vec::new();
        for &count in chunks {
            let start = session.len();
            session.forward(&tokens[start..start + count], &mut logits).unwrap();
            let row = &right[session.len() - 1];
            let difference = logits.iter().zip(row).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(difference < 1e-3, "chunks {chunks:?}, position {start}: {difference:e}");
        }
    }
}

/// The suite's tolerance would accept f32 as f16, but its cache is twice as large, and its logits have more digits.
#[test]
fn f16_is_not_widened_to_f32() {
    let root = tempfile::tempdir().unwrap();
    let answer = |precision: Precision| {
        let root = root.path().join(precision.name());
        let case = &ReferenceCase::all_in(&root, precision).unwrap()[0];
        let options = LoadOptions { precision, ..options(32) };
        let mut model = CandleBackend.load(&case.files, &options, &mut LoadStages::new(&MonotonicClock)).unwrap();
        let mut session = model.session().unwrap();
        let mut logits = Vec::new();
        session.forward(&case.tokens, &mut logits).unwrap();
        let digits_of_f16 = logits.iter().all(|logit| f16::from_f32(*logit).to_f32() == *logit);
        (session.kv_cache_bytes(), digits_of_f16)
    };
    let (whole, half) = (answer(Precision::F32), answer(Precision::F16));
    assert_eq!((whole.0, whole.1), (2 * half.0, false));
    assert!(half.1, "the logits were not computed in f16");
}

#[test]
fn bf16_is_refused_with_the_reason() {
    let root = tempfile::tempdir().unwrap();
    let case = &ReferenceCase::all_in(root.path(), Precision::Bf16).unwrap()[0];
    let options = LoadOptions { precision: Precision::Bf16, ..options(8) };
    let error = CandleBackend.load(&case.files, &options, &mut LoadStages::new(&MonotonicClock)).err().unwrap();
    assert!(error.to_string().contains("it would compute in f32"), "{error:#}");
}

#[test]
fn another_number_of_threads_is_refused_with_the_way_out() {
    let root = tempfile::tempdir().unwrap();
    let case = &ReferenceCase::all(root.path()).unwrap()[0];
    let wrong = get_num_threads() as u32 + 1;
    let options = LoadOptions { threads: wrong, ..options(8) };
    let error = CandleBackend.load(&case.files, &options, &mut LoadStages::new(&MonotonicClock)).err().unwrap();
    assert!(error.to_string().contains(&format!("RAYON_NUM_THREADS={wrong}")), "{error:#}");
}

#[test]
fn a_context_beyond_the_models_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let case = &ReferenceCase::all(root.path()).unwrap()[0];
    for context_tokens in [0, 2049] {
        let options = options(context_tokens);
        let error = CandleBackend.load(&case.files, &options, &mut LoadStages::new(&MonotonicClock)).err().unwrap();
        assert!(error.to_string().contains("1 to 2048 positions"), "{error:#}");
    }
}

fn options(context_tokens: u32) -> LoadOptions {
    LoadOptions { threads: get_num_threads() as u32, precision: Precision::F32, context_tokens }
}
