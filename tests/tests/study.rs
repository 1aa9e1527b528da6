//! Studies with the real program.
#![cfg(test)]

use pocketwatt_tests::{Bench, Finished};

const COMMON: [&str; 5] = ["--backend", "fake", "--no-probe", "--iterations", "2"];

fn study(bench: &Bench, arguments: &[&str]) -> Finished {
    bench.pocketwatt(&[&["study"], arguments, &COMMON].concat())
}

#[test]
fn a_study_measures_its_cases_and_shows_them_side_by_side() {
    let bench = Bench::new();
    let shown = study(&bench, &["embedding-sharing", "--model", "tiny", "--precision", "f32"]).expect_code(0);
    assert!(shown.stdout.starts_with("embedding-sharing · fake · seeded weights · f32 · 1 thread"), "{}", shown.stdout);
    for part in ["not shared", "times the first", "weights in memory, MiB", "study      embedding-sharing: What"] {
        assert!(shown.stdout.contains(part), "{part}: {}", shown.stdout);
    }
    assert!(shown.stderr.contains("(embedding-sharing.svg)"), "{}", shown.stderr);
    let models: Vec<String> = bench.records().into_iter().map(|record| record.case.model).collect();
    assert_eq!(models, ["tiny", "tiny+untied1"]);

    let again = bench.pocketwatt(&["show"]).expect_code(0);
    assert_eq!(again.stdout, shown.stdout);
    let cases = bench.pocketwatt(&["show", "--cases"]).expect_code(0);
    assert!(cases.stdout.starts_with("prefill-128-decode-32 · tiny (seeded weights)"), "{}", cases.stdout);
}

#[test]
fn a_study_of_ones_own_is_a_file() {
    let bench = Bench::new();
    let own = bench.write(
        "prompts.toml",
        r#"
        name = "prompts"
        question = "What does a prompt cost?"
        axis = "prompt"
        model = "tiny"
        scenarios = ["prefill-32-decode-4", "prefill-8-decode-4", "prefill-16-decode-4"]
        show = [{ metric = "time_to_first_token", chart = true, line = true }]
        "#,
    );
    let shown = study(&bench, &[&own]).expect_code(0).stdout;
    assert!(shown.contains("prompts · slopes by least squares"), "{shown}");
    let header = shown.lines().nth(1).unwrap().split_whitespace().collect::<Vec<_>>();
    assert_eq!(header, ["8", "16", "32"], "in the order of the axis");
}

#[test]
fn what_does_not_fit_a_study_is_refused() {
    let bench = Bench::new();
    study(&bench, &["colours"]).expect_code(3).expect_stderr(&["unknown study", "layer-sharing"]);
    study(&bench, &["depth", "--sweep", "layers=2"]).expect_code(3).expect_stderr(&["omit --sweep"]);
    let bad = bench.write("bad.toml", "name = \"bad\"\nquestion = \"?\"\n");
    study(&bench, &[&bad]).expect_code(3).expect_stderr(&["bad.toml is not a study", "missing field `axis`"]);
}
