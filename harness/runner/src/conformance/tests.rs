//! The suite must be able to fail: each fault of the scripted backend is found by the check that is meant for it.

use std::collections::BTreeSet;

use pocketwatt_protocol::TokenId;

use super::{Expectation, F32_TOLERANCE, SESSION_CHECKS, run};
use crate::{
    conformance::refusal::LOAD_CHECKS,
    scripted::{Fault, ScriptedBackend, options, right_logits, write_model},
};

fn checks_failed_by(fault: Fault) -> Vec<&'static str> {
    let root = tempfile::tempdir().unwrap();
    let tokens: Vec<TokenId> = (0..12).map(|i| TokenId((i * 7 + 3) % 10)).collect();
    let mut continued = tokens.clone();
    for _ in 0..20 {
        let last = continued[continued.len() - 1];
        continued.push(TokenId((last.0 + 1) % 10));
    }
    let expectation = Expectation {
        files: write_model(&root.path().join("model")),
        options: options(32),
        logits: (1..=tokens.len()).map(|length| right_logits(&tokens[..length])).collect(),
        greedy: continued.split_off(tokens.len()),
        tolerance: F32_TOLERANCE,
        tokens,
        scratch: root.path().join("damaged"),
    };
    match run(&ScriptedBackend::new(fault), &expectation) {
        Ok(()) => Vec::new(),
        Err(failures) => failures.0.into_iter().map(|failure| failure.check).collect(),
    }
}

#[test]
fn a_right_backend_passes() {
    assert_eq!(checks_failed_by(Fault::None), Vec::<&str>::new());
}

/// The fault, and the check without which it would not be found, or would be found under a misleading name.
const FAULTS: &[(Fault, &str)] = &[
    (Fault::LoadFails, "loads_the_model"),
    (Fault::WrongVocabulary, "knows_its_vocabulary"),
    (Fault::WrongLogits, "whole_prefill_equals_the_reference"),
    (Fault::NanLogits, "whole_prefill_equals_the_reference"),
    (Fault::AppendsLogits, "whole_prefill_equals_the_reference"),
    (Fault::DecodesAtPositionZero, "token_by_token_equals_the_reference"),
    (Fault::WrongBehind(9), "every_length_of_prefill_equals_the_reference"),
    (Fault::ForgetsEarlierChunks, "chunked_prefill_equals_the_reference"),
    (Fault::WrongBehind(20), "greedy_tokens_equal_the_reference"),
    (Fault::CountsCalls, "length_counts_positions"),
    (Fault::ResetKeepsThePast, "reset_forgets_the_past"),
    (Fault::SessionsShareTheirCache, "sessions_are_independent"),
    (Fault::ChecksNothing, "refuses_no_tokens"),
    (Fault::ChecksNothing, "refuses_an_unknown_token"),
    (Fault::ChecksNothing, "context_is_usable_to_the_last_position"),
    (Fault::CapacityTooSmall, "context_is_usable_to_the_last_position"),
    (Fault::BrokenByARefusal, "refuses_no_tokens"),
    (Fault::ReportsNoCacheSize, "cache_size_is_told"),
    (Fault::ReportsLastChunksSize, "cache_size_is_told"),
    (Fault::LoadsAnything, "refuses_missing_weights"),
    (Fault::LoadsAnything, "refuses_truncated_weights"),
    (Fault::IgnoresTheShape, "refuses_weights_of_another_shape"),
];

#[test]
fn each_fault_is_found_by_its_check() {
    for &(fault, check) in FAULTS {
        let failed = checks_failed_by(fault);
        assert!(failed.contains(&check), "{fault:?} must fail {check}, it failed {failed:?}");
    }
}

#[test]
fn every_check_can_fail() {
    let fail: BTreeSet<&str> = FAULTS.iter().map(|(_, check)| *check).collect();
    let names = SESSION_CHECKS.iter().map(|(name, _)| *name).chain(LOAD_CHECKS.iter().map(|(name, _)| *name));
    let never: Vec<&str> = names.filter(|name| !fail.contains(name)).collect();
    assert_eq!(never, Vec::<&str>::new(), "checks that no fault of the script makes fail");
}

#[test]
fn failures_read_as_a_list() {
    let failure = |check, message: &str| super::Failure { check, message: message.to_owned() };
    let failures = super::Failures(vec![failure("one", "is 3, expected 4"), failure("two", "was loaded")]);
    insta::assert_snapshot!(failures, @r"
    2 conformance checks failed
      one: is 3, expected 4
      two: was loaded
    ");
}
