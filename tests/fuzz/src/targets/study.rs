use pocketwatt_scenario::Study;

use crate::{mutation::Form, scratch, target::Target};

/// Every study that ships.
pub const SHIPPED: [&str; 4] = [
    include_str!("../../../../scenarios/studies/layer-sharing.toml"),
    include_str!("../../../../scenarios/studies/model-size.toml"),
    include_str!("../../../../scenarios/studies/precision.toml"),
    include_str!("../../../../scenarios/studies/context.toml"),
];

pub const TARGET: Target = Target {
    name: "study",
    form: Form::Toml,
    seeds: || SHIPPED.map(|text| text.as_bytes().to_vec()).into(),
    words: &[
        "name = ",
        "question = ",
        "axis = \"prompt\"",
        "axis = \"threads\"",
        "{model}",
        "[[models]]\n",
        "scenarios = [",
        "precisions = [",
        "threads = [",
        "[[show]]\nmetric = ",
        "published = { ",
        "prefill-",
        "-decode-",
    ],
    short_runs: 700,
    run,
};

fn run(input: &[u8]) -> bool {
    let path = scratch::file("fuzzed-study.toml", input);
    let Ok(study) = Study::read(&path) else { return false };
    assert_eq!(Study::stored(&study.source()).expect("what was stored is read"), study);
    true
}
