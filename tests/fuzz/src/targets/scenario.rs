use pocketwatt::plan::Scenario;

use crate::{mutation::Form, scratch, target::Target};

pub const TARGET: Target = Target {
    name: "scenario",
    form: Form::Toml,
    seeds: || {
        [
            include_str!("../../../../scenarios/chat.toml"),
            "name = \"shape\"\nsynthetic = { prompt-tokens = 128, output-tokens = 0 }\n",
            "name = \"talks\"\nconversations = \"rows.jsonl\"\noutput-tokens = 16\n",
            "name = \"requests\"\ncalls = \"calls.jsonl\"\nanswers = \"answers.jsonl\"\noutput-tokens = 16\n",
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
    short_runs: 5_000,
    run,
};

fn run(input: &[u8]) {
    let path = scratch::file("fuzzed.toml", input);
    if let Ok(scenario) = Scenario::read(&path.to_string_lossy()) {
        assert!(!scenario.name.is_empty());
        let stored = Scenario::stored(&scenario.source()).expect("what was stored is read");
        assert_eq!(stored, scenario);
        for talk in scenario.talks() {
            assert!(!talk.turns.is_empty() && talk.turns.iter().all(|(_, output_tokens)| *output_tokens > 0));
        }
    }
}
