use std::sync::Once;

use pocketwatt_scenario::Scenario;

use crate::{mutation::Form, scratch, target::Target};

pub const TARGET: Target = Target {
    name: "scenario",
    form: Form::Toml,
    seeds: || {
        [
            include_str!("../../../../scenarios/chat.toml"),
            "name = \"shape\"\nsynthetic = { prompt-tokens = 128, output-tokens = 0 }\n",
            "name = \"talks\"\nconversations = \"talks.jsonl\"\noutput-tokens = 16\n",
            "name = \"requests\"\ncalls = \"questions.jsonl\"\nanswers = \"answers.jsonl\"\noutput-tokens = 16\n",
        ]
        .map(|text| text.as_bytes().to_vec())
        .into()
    },
    words: &[
        "name = ",
        "summary = ",
        "system = ",
        "output-tokens = ",
        "[[turns]]\nuser = ",
        "synthetic = { ",
        "prompt-tokens = ",
        "conversations = ",
        "calls = ",
        "answers = ",
        "../",
        "/dev/zero",
    ],
    short_runs: 1_500,
    run,
};

/// The files that the seeds name, beside the scenario.
fn lay_out_data() {
    static DONE: Once = Once::new();
    DONE.call_once(|| {
        scratch::file("talks.jsonl", include_bytes!("../../../../harness/dataset/fixtures/own.jsonl"));
        scratch::file("questions.jsonl", include_bytes!("../../../../harness/dataset/fixtures/bfcl_simple.json"));
        scratch::file("answers.jsonl", include_bytes!("../../../../harness/dataset/fixtures/bfcl_simple_answer.json"));
    });
}

fn run(input: &[u8]) -> bool {
    lay_out_data();
    let path = scratch::file("fuzzed.toml", input);
    let Ok(scenario) = Scenario::read(&path.to_string_lossy()) else { return false };
    assert!(!scenario.name.is_empty());
    let stored = Scenario::stored(&scenario.source()).expect("what was stored is read");
    assert_eq!(stored, scenario);
    for talk in scenario.talks() {
        assert!(!talk.turns.is_empty() && talk.turns.iter().all(|(_, output_tokens)| *output_tokens > 0));
    }
    true
}
