//! Answers are judged after their record is stored: if judging fails, the measurements are kept.

use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::Result;
use pocketwatt_model::TextTokenizer;
use pocketwatt_record::{CallAnswer, Outcome, Record, Unjudged, derive};
use pocketwatt_scenario::{Items, Scenario};

use super::calls;
use crate::plan::{PreparedModel, PreparedScenarios};

/// Notes in a measured record that its answers still have to be judged, if its scenario asks for calls.
pub fn await_judgement(record: &mut Record, scenario: &Scenario) {
    let asks_for_calls = scenario.data().is_some_and(|data| matches!(data.items, Items::Calls(_)));
    if asks_for_calls && record.outcome == Outcome::Measured {
        record.unjudged = Some(Unjudged::NotYet);
        derive(record);
    }
}

/// Judges the answers of a stored record. Why that was not possible stands in the record afterwards.
pub fn judge(record: &mut Record, scenario: &Scenario, model: &PreparedModel, prepared: &mut PreparedScenarios) {
    settle(record, |record| {
        let prepared = prepared.of(scenario, model, record.case.constrained)?;
        let tokenizer = TextTokenizer::open(&model.folder)?;
        Ok(calls::judge(record, scenario, &prepared, &tokenizer)?)
    });
}

fn settle(record: &mut Record, judge: impl FnOnce(&Record) -> Result<Vec<CallAnswer>>) {
    // Tokenizers are other people's programs, and one that panics is a reason like any other.
    let judged = catch_unwind(AssertUnwindSafe(|| judge(record)));
    let failed = |reason: String| Some(Unjudged::Failed { reason });
    (record.calls, record.unjudged) = match judged {
        Ok(Ok(calls)) => (calls, None),
        Ok(Err(error)) => (Vec::new(), failed(format!("{error:#}"))),
        Err(_) => (Vec::new(), failed("the model's tokenizer panicked".into())),
    };
    derive(record);
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;
    use pocketwatt_record::{Absent, AbsentKind, AnswerWorth, CallMetric};

    use super::*;
    use crate::fixture;

    #[test]
    fn what_cannot_be_judged_is_kept_with_the_reason_and_is_not_wrong() {
        let mut record = fixture::record();
        let samples = record.samples.clone();
        settle(&mut record, |_| Err(anyhow!("token 7 is no text")));
        let reason = "answers are not judged: token 7 is no text";
        let judged = CallMetric::ALL.iter().filter(|metric| **metric != CallMetric::GrammarTime);
        for metric in judged {
            let absent = Absent::new(AbsentKind::NotJudged, reason);
            assert_eq!(record.value(*metric).unwrap().absent(), Some(&absent), "{metric:?}");
        }
        settle(&mut record, |_| panic!("retry-limit-in-match over"));
        assert_eq!(record.unjudged, Some(Unjudged::Failed { reason: "the model's tokenizer panicked".into() }));
        assert_eq!(record.samples, samples);
        let worth = AnswerWorth::Call { intent: true, structure: false, bfcl: None, complete_token: None };
        let answer = CallAnswer { iteration: 0, turn: 0, question: "a".into(), category: String::new(), worth };
        settle(&mut record, |_| Ok(vec![answer.clone()]));
        assert_eq!((record.calls, record.unjudged), (vec![answer], None));
    }
}
