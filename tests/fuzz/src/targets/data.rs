use std::fs;

use pocketwatt_scenario::Scenario;

use crate::{mutation::Form, scratch, target::Target};

/// Separates the rows of a file from those of the file that belongs to it.
const BETWEEN: &str = "\n@@@@\n";

pub const CONVERSATIONS: Target = Target {
    name: "conversations",
    form: Form::Json("\n"),
    seeds: || {
        [
            include_str!("../../../../harness/dataset/fixtures/own.jsonl"),
            include_str!("../../../../harness/dataset/fixtures/messages.jsonl"),
            include_str!("../../../../harness/dataset/fixtures/mt_bench.jsonl"),
            include_str!("../../../../harness/dataset/fixtures/sharegpt.json"),
        ]
        .map(|text| text.as_bytes().to_vec())
        .into()
    },
    words: &[
        "\"conversations\":",
        "\"messages\":",
        "\"turns\":",
        "\"role\":\"user\"",
        "\"from\":\"human\"",
        "\u{feff}",
        "[[",
        "\n",
    ],
    short_runs: 2_000,
    run: |input| read("rows.jsonl", input, &[]),
};

pub const CALLS: Target = Target {
    name: "call-cases",
    form: Form::Json("\n"),
    seeds: || {
        let rows: Vec<&str> = include_str!("../../../../scenarios/api-calls.jsonl").lines().take(3).collect();
        let functions: serde_json::Value =
            serde_json::from_str(include_str!("../../../../scenarios/api-functions.json")).unwrap();
        vec![[&rows.join("\n"), BETWEEN, &functions.to_string()].concat().into_bytes(), OWN_FUNCTIONS.into()]
    },
    words: &[
        "list of ",
        "string",
        "integer",
        "number",
        "boolean",
        "object",
        "\"required\":",
        "\"values\":[",
        "\"default\":",
    ],
    short_runs: 1_000,
    run: |input| with_other(input, "calls.jsonl", "api-functions.json"),
};

pub const QUESTIONS: Target = Target {
    name: "bfcl",
    form: Form::Json("\n"),
    seeds: || {
        let both = |questions: &str, answers: &str| [questions, BETWEEN, answers].concat().into_bytes();
        vec![
            both(
                include_str!("../../../../harness/dataset/fixtures/bfcl_simple.json"),
                include_str!("../../../../harness/dataset/fixtures/bfcl_simple_answer.json"),
            ),
            both(
                include_str!("../../../../harness/dataset/fixtures/bfcl_multiple.json"),
                include_str!("../../../../harness/dataset/fixtures/bfcl_multiple_answer.json"),
            ),
            include_str!("../../../../harness/dataset/fixtures/bfcl_irrelevance.json").into(),
        ]
    },
    words: &[
        "\"dict\"",
        "\"array\"",
        "\"items\":",
        "\"tuple\"",
        "\"float\"",
        "\"any\"",
        "\"ground_truth\":",
        "\"enum\":[",
        "relevance_",
        "\"role\":\"system\"",
    ],
    short_runs: 1_000,
    run: |input| with_other(input, "bfcl.json", "possible_answer/bfcl.json"),
};

/// A row with definitions of its functions.
const OWN_FUNCTIONS: &str = r#"{"id":"a","category":"c","functions":[{"name":"f","description":"d","parameters":[{"name":"x","type":"list of list of string"},{"name":"y","type":"number","default":1.5,"values":[1.5,2]}]}],"turns":[{"user":"q","calls":[{"function":"f","arguments":{"x":[[["b"]]]}}]}]}"#;

fn with_other(input: &[u8], name: &str, other_name: &str) -> bool {
    let text = String::from_utf8_lossy(input);
    if let Some((folder, _)) = other_name.split_once('/') {
        let _ = fs::create_dir(scratch::folder().join(folder));
    }
    match text.split_once(BETWEEN) {
        Some((rows, other)) => read(name, rows.as_bytes(), &[(other_name, other.as_bytes())]),
        None => {
            let _ = fs::remove_file(scratch::folder().join(other_name));
            read(name, input, &[])
        }
    }
}

/// Reads a data set as `run --scenario FILE` does.
fn read(name: &str, rows: &[u8], others: &[(&str, &[u8])]) -> bool {
    for (other, contents) in others {
        scratch::file(other, contents);
    }
    let path = scratch::file(name, rows);
    let Ok(mut scenario) = Scenario::read(&path.to_string_lossy()) else { return false };
    let bytes = rows.len() + others.iter().map(|(_, contents)| contents.len()).sum::<usize>();
    assert!(scenario.data().is_some_and(|data| data.item_count() > 0));
    for talk in scenario.talks() {
        assert!(!talk.turns.is_empty());
        for grammar in talk.grammars.iter().flatten() {
            assert!(grammar.len() < 4096 + 64 * bytes, "a grammar of {} bytes from {bytes}", grammar.len());
        }
    }
    assert_eq!(Scenario::stored(&scenario.source()).expect("what was stored is read"), scenario);
    scenario.keep(1);
    assert_eq!(scenario.talks().len(), 1);
    true
}
