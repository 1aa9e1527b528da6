use super::{FunctionExample, FunctionSchema, NO_CALL};

/// Number of examples in the prompt. More would cost a small model's context more than they help.
const EXAMPLES: usize = 2;

/// A request that no function on offer can serve.
const NO_FUNCTION: &str = "do you like rainy days";

const TASK: &str = r#"You turn what the user asks for into one function call. Answer with the call alone, in this form:
function_name(argument="value", other_argument=3)
If no function fits, answer: no_call()
Only after a message that begins with RESULT: tell the user in one sentence what came out.

Functions:
"#;

/// The system prompt that offers `functions`: the task and their signatures.
///
/// [`CallCase::messages`](super::CallCase::messages) describes the messages after it.
pub(super) fn system_prompt(functions: &[FunctionSchema]) -> String {
    let mut text = TASK.to_owned();
    for function in functions {
        text.push('\n');
        text.push_str(&function.signature());
        text.push('\n');
    }
    text
}

/// Requests with their calls, presented before the first question as turns that the model seems to have answered: small
/// models follow their own earlier answers more than instructions.
///
/// The examples are those of the first functions that have one, so that every example can be called, and one request that
/// no function fits. Functions in other people's files have none; their examples use functions that no file has.
pub fn example_turns(functions: &[FunctionSchema]) -> Vec<FunctionExample> {
    let mut examples: Vec<FunctionExample> = functions.iter().filter_map(|function| function.example.clone()).collect();
    if examples.is_empty() {
        examples = plain_examples().to_vec();
    }
    examples.truncate(EXAMPLES);
    // First, not last: small models repeat their latest answer.
    examples.insert(0, FunctionExample { user: NO_FUNCTION.into(), call: format!("{NO_CALL}()") });
    examples
}

fn plain_examples() -> [FunctionExample; EXAMPLES] {
    [
        ("open the window in the attic a little", "open_window(room=\"attic\", percent=20)"),
        ("how many plums are left", "count_stock(item=\"plums\")"),
    ]
    .map(|(user, call)| FunctionExample { user: user.into(), call: call.into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse_call;

    fn function(name: &str, example: bool) -> FunctionSchema {
        FunctionSchema {
            name: name.into(),
            description: format!("Does {name}."),
            parameters: Vec::new(),
            example: example.then(|| FunctionExample { user: format!("please do {name}"), call: format!("{name}()") }),
        }
    }

    #[test]
    fn functions_and_their_examples_are_shown() {
        let functions =
            [function("one", true), function("two", false), function("three", true), function("four", true)];
        insta::assert_snapshot!(system_prompt(&functions), @r#"
        You turn what the user asks for into one function call. Answer with the call alone, in this form:
        function_name(argument="value", other_argument=3)
        If no function fits, answer: no_call()
        Only after a message that begins with RESULT: tell the user in one sentence what came out.

        Functions:

        one()
            Does one.

        two()
            Does two.

        three()
            Does three.

        four()
            Does four.
        "#);
        let shown: Vec<String> = example_turns(&functions).into_iter().map(|example| example.call).collect();
        assert_eq!(shown, ["no_call()", "one()", "three()"]);
    }

    #[test]
    fn there_are_examples_for_functions_without() {
        let shown = example_turns(&[function("one", false)]);
        assert_eq!(shown[1..], plain_examples());
        assert!(plain_examples().iter().all(|example| parse_call(&example.call).is_ok()));
    }
}
