use crate::{BfclAnswer, ExpectedAnswer, ParsedCall};

/// EM_intent of MobileLLM (arXiv 2402.14905, the section on API calling): whether the right function was called,
/// whatever its arguments; or rightly none, by `no_call()`.
///
/// `parsed` is `None` when the answer has no call. That is never right: the prompt says what to answer when no function
/// fits, and otherwise nonsense would be rewarded.
pub fn intent_matches(expected: &ExpectedAnswer, parsed: Option<&ParsedCall>) -> bool {
    match (expected, parsed.map(|parsed| &parsed.call)) {
        (ExpectedAnswer::Call(calls), Some(Some(call))) => calls.iter().any(|right| right.function == call.function),
        (ExpectedAnswer::NoCall | ExpectedAnswer::Bfcl(BfclAnswer::NoCall), Some(None)) => true,
        (ExpectedAnswer::Bfcl(answer), Some(Some(call))) => answer.own_intent(call),
        _ => false,
    }
}

/// EM_structure of MobileLLM (arXiv 2402.14905, the section on API calling): whether the whole call is right, the
/// function and every argument, as [`AcceptedCall::matches`](crate::AcceptedCall::matches) says; or rightly none.
///
/// Strings are compared in exact case, without surrounding white space, also for questions of the Berkeley
/// leaderboard, whose own rule is [`bfcl_matches`].
pub fn structure_matches(expected: &ExpectedAnswer, parsed: Option<&ParsedCall>) -> bool {
    match (expected, parsed.map(|parsed| &parsed.call)) {
        (ExpectedAnswer::Call(calls), Some(Some(call))) => calls.iter().any(|right| right.matches(call)),
        (ExpectedAnswer::NoCall | ExpectedAnswer::Bfcl(BfclAnswer::NoCall), Some(None)) => true,
        (ExpectedAnswer::Bfcl(answer), Some(Some(call))) => answer.own_structure(call),
        _ => false,
    }
}

/// Whether an answer is right by the rule of the Berkeley leaderboard's own checker, which ignores case and some
/// punctuation, and does not take 3.0 for an integer: see [`BfclAnswer`]. `None` for questions of other files.
pub fn bfcl_matches(expected: &ExpectedAnswer, parsed: Option<&ParsedCall>) -> Option<bool> {
    match expected {
        ExpectedAnswer::Bfcl(answer) => Some(answer.matches(parsed)),
        ExpectedAnswer::Call(_) | ExpectedAnswer::NoCall => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::{AcceptedArgument, AcceptedCall, AcceptedValue, parse_call};

    #[test]
    fn a_call_is_right_in_part_or_as_a_whole() {
        let volume = AcceptedArgument { values: vec![AcceptedValue::Exactly(json!(40))], optional: false };
        let play = AcceptedCall { function: "play".into(), arguments: [("volume".to_owned(), volume)].into() };
        let stop = AcceptedCall { function: "stop".into(), arguments: BTreeMap::new() };
        let expected = ExpectedAnswer::Call(vec![play, stop]);
        let scores = |expected: &ExpectedAnswer, text: &str| {
            let parsed = parse_call(text).ok();
            (intent_matches(expected, parsed.as_ref()), structure_matches(expected, parsed.as_ref()))
        };
        assert_eq!(scores(&expected, "play(volume=40)"), (true, true));
        assert_eq!(scores(&expected, "Here: play(volume=40.0). Enjoy!"), (true, true));
        assert_eq!(scores(&expected, "stop()"), (true, true));
        assert_eq!(scores(&expected, "play(volume=41)"), (true, false));
        assert_eq!(scores(&expected, "play()"), (true, false));
        assert_eq!(scores(&expected, "pause()"), (false, false));
        assert_eq!(scores(&expected, "no_call()"), (false, false));
        assert_eq!(scores(&expected, "I play it."), (false, false));
        assert_eq!(scores(&ExpectedAnswer::NoCall, "no_call()"), (true, true));
        assert_eq!(scores(&ExpectedAnswer::NoCall, "stop()"), (false, false));
        assert_eq!(scores(&ExpectedAnswer::NoCall, "Sorry."), (false, false));
    }
}
