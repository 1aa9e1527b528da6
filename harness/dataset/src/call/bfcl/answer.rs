//! The right answer to a question: from a row of possible answers, or from its category.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::checker::{BfclArgument, BfclCall};
use crate::call::{
    Call, FunctionSchema, NO_CALL, ParsedCall,
    check::{check_required, offered, unknown_argument},
};

/// What is right by the leaderboard's own rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum BfclAnswer {
    /// Exactly this call.
    Call(BfclCall),
    /// Any call at all: the categories of relevance have no other rule.
    AnyCall,
    /// No call, whether the answer has other text or none: irrelevance.
    NoCall,
}

/// A row of possible answers.
#[derive(PartialEq, Deserialize)]
pub(super) struct AnswerRow {
    pub(super) id: String,
    pub(super) ground_truth: Vec<BTreeMap<String, BTreeMap<String, Vec<Value>>>>,
}

impl BfclAnswer {
    /// The answer to questions of a category without a file of possible answers, where the name of the category decides.
    pub(super) fn of_category(category: &str) -> Option<Self> {
        match category {
            category if category.contains("irrelevance") => Some(Self::NoCall),
            category if category.contains("relevance") => Some(Self::AnyCall),
            _ => None,
        }
    }

    /// The call of a row of possible answers. A row with several means calls that must all be made, which is not supported.
    pub(super) fn of_row(row: &AnswerRow, functions: &[FunctionSchema]) -> Result<Self, String> {
        let calls: Vec<_> = row.ground_truth.iter().flatten().collect();
        let [(function, arguments)] = &*calls else {
            return Err(format!("the answer has {} calls: one is supported", calls.len()));
        };
        let schema = offered(functions, function)?;
        if let Some(name) = arguments.keys().find(|name| schema.parameter(name).is_none()) {
            return Err(unknown_argument(schema, name));
        }
        check_required(schema, |name| arguments.contains_key(name))?;
        if let Some((name, _)) = arguments.iter().find(|(_, values)| values.is_empty()) {
            return Err(format!("`{name}` of `{function}` has no accepted value"));
        }
        let described = |(name, values): (&String, &Vec<Value>)| {
            let kind = schema.parameter(name)?.kind.clone();
            Some((name.clone(), BfclArgument { kind, values: values.clone() }))
        };
        let required = schema.parameters.iter().filter(|parameter| parameter.required);
        Ok(Self::Call(BfclCall {
            function: (*function).clone(),
            required: required.map(|parameter| parameter.name.clone()).collect(),
            arguments: arguments.iter().filter_map(described).collect(),
        }))
    }

    /// Whether an answer is right by the leaderboard's rule. `parsed` is `None` when it has no call.
    pub fn matches(&self, parsed: Option<&ParsedCall>) -> bool {
        let call = parsed.and_then(|parsed| parsed.call.as_ref());
        match (self, call) {
            (Self::Call(right), Some(call)) => parsed.is_some_and(|parsed| !parsed.several) && right.matches(call),
            (Self::AnyCall, Some(_)) | (Self::NoCall, None) => true,
            (Self::Call(_) | Self::AnyCall, None) | (Self::NoCall, Some(_)) => false,
        }
    }

    /// Whether the function of `call` is the right one by our rule.
    pub(crate) fn own_intent(&self, call: &Call) -> bool {
        match self {
            Self::Call(right) => right.function == call.function,
            Self::AnyCall => true,
            Self::NoCall => false,
        }
    }

    /// Whether `call` is right by our rule, with every argument. In the categories of relevance, any call is right.
    pub(crate) fn own_structure(&self, call: &Call) -> bool {
        match self {
            Self::Call(right) => right.accepted().matches(call),
            Self::AnyCall => true,
            Self::NoCall => false,
        }
    }

    /// A right answer, written as the prompt asks for it.
    pub(crate) fn reference(&self) -> String {
        match self {
            Self::Call(call) => call.reference().to_string(),
            Self::AnyCall => "(any call)".into(),
            Self::NoCall => format!("{NO_CALL}()"),
        }
    }
}
