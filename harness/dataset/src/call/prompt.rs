use super::{FunctionExample, FunctionSchema};

/// How many examples are shown. More would cost a small model's context more than they help it.
const EXAMPLES: usize = 2;

const TASK: &str = r#"You turn what the user asks for into one function call. Answer with the call alone, in this form:
function_name(argument="value", other_argument=3)
If no function fits, answer: no_call()
Only after a message that begins with RESULT: tell the user in one sentence what came out.

Functions:
"#;

/// The system prompt that offers `functions`: the task, their signatures, and two examples.
///
/// The examples are those of the first functions that have one, so that nothing is shown that cannot be called.
/// Functions of other people's files have none; there, they are of functions that no file has.
///
/// What later messages look like says [`CallCase::messages`](super::CallCase::messages).
pub fn system_prompt(functions: &[FunctionSchema]) -> String {
    let mut text = TASK.to_owned();
    for function in functions {
        text.push('\n');
        text.push_str(&function.signature());
        text.push('\n');
    }
    text.push_str("\nExamples:\n");
    let mut examples: Vec<FunctionExample> = functions.iter().filter_map(|function| function.example.clone()).collect();
    if examples.is_empty() {
        examples = plain_examples().to_vec();
    }
    for FunctionExample { user, call } in examples.into_iter().take(EXAMPLES) {
        text.push_str(&format!("User: {user}\n{call}\n"));
    }
    text
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

        Examples:
        User: please do one
        one()
        User: please do three
        three()
        "#);
    }

    #[test]
    fn there_are_examples_for_functions_without() {
        let prompt = system_prompt(&[function("one", false)]);
        assert!(prompt.ends_with("count_stock(item=\"plums\")\n"), "{prompt}");
        assert!(plain_examples().iter().all(|example| parse_call(&example.call).is_ok()));
    }
}
