//! Published files of conversations and calls, with the real program: usable rows are measured, and
//! every other row is reported with its reason.
#![cfg(test)]

use std::{fs, path::Path};

use pocketwatt_tests::{Bench, Finished};

/// Files with the same keys as the published ones.
fn published(bench: &Bench, fixture: &str, name: &str) -> String {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../harness/dataset/fixtures").join(fixture);
    let to = bench.path(name);
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::copy(from, &to).unwrap();
    to.to_str().unwrap().to_owned()
}

fn run(bench: &Bench, file: &str) -> Finished {
    bench.run("", &["--scenario", file, "--iterations", "2", "--warmup", "0", "--no-quality"])
}

/// Conversations of the measured iterations.
fn conversations(bench: &Bench) -> Vec<(u32, usize)> {
    let records = bench.records();
    let iterations = &records[0].samples.iterations;
    iterations.iter().map(|iteration| (iteration.conversation, iteration.turns.len())).collect()
}

#[test]
fn mt_bench_questions_are_conversations_of_two_turns() {
    let bench = Bench::new();
    run(&bench, &published(&bench, "mt_bench.jsonl", "question.jsonl")).expect_code(0);
    assert_eq!(conversations(&bench), [(0, 2), (1, 2)]);
}

#[test]
fn sharegpt_is_read_with_its_quirks() {
    let bench = Bench::new();
    run(&bench, &published(&bench, "sharegpt.json", "ShareGPT_V3.json")).expect_code(0);
    // As in published files: a leading answer, other names for the speakers, markup, empty messages.
    let rows = r#"[
{"id": "a_0", "conversations": [{"from": "gpt", "value": "...so it ends."}, {"from": "user", "value": "And then?"}, {"from": "chatgpt", "value": "No."}]},
{"id": "b_0", "conversations": [{"from": "human", "value": "<div class=\"m\"><p>Read <b>this</b></p></div>"}, {"from": "bard", "value": "Read."}]},
{"id": "c_0", "conversations": [{"from": "human", "value": ""}, {"from": "gpt", "value": "Yes?"}]},
{"id": "d_0", "conversations": [{"from": "human", "value": "Go on"}, {"from": "gpt", "value": ""}]},
{"id": "e_0", "conversations": [{"from": "gpt", "value": "Only an answer."}]},
{"id": "f_0", "conversations": [{"from": "alien", "value": "x"}, {"from": "gpt", "value": "y"}]},
{"id": "g_0"}
]"#;
    let finished = run(&bench, &bench.write("quirks.json", rows)).expect_code(0);
    for line in 4..=8 {
        assert!(finished.stderr.contains(&format!("quirks.json:{line}: ")), "{line}: {}", finished.stderr);
    }
    assert!(finished.stderr.contains("5 of 7 rows are left out"), "{}", finished.stderr);
    assert_eq!(conversations(&bench), [(0, 1), (1, 1)]);
}

#[test]
fn chat_messages_are_read_in_parts_and_tools_are_refused_by_row() {
    let bench = Bench::new();
    let rows = r#"{"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": [{"type": "text", "text": "Hello"}, {"type": "text", "text": "again"}]}, {"role": "assistant", "content": null}]}
{"messages": [{"role": "user", "content": "What is it?"}, {"role": "assistant", "content": null, "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}, {"role": "tool", "tool_call_id": "c", "content": "7"}]}
{"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]}
{"messages": [{"role": "user", "content": null}]}
{"messages": [{"role": "user", "content": "One"}, {"role": "assistant", "content": "1"}, {"role": "user", "content": "Two"}]}
"#;
    let finished = run(&bench, &bench.write("train.jsonl", rows)).expect_code(0);
    for (line, part) in [(2, "tool"), (3, "image_url"), (4, "content")] {
        let told = finished.stderr.lines().find(|told| told.contains(&format!("train.jsonl:{line}: ")));
        assert!(told.is_some_and(|told| told.contains(part)), "{line}: {}", finished.stderr);
    }
    assert_eq!(conversations(&bench), [(0, 1), (1, 2)]);
    run(&bench, &published(&bench, "messages.jsonl", "more.jsonl")).expect_code(0);
}

#[test]
fn functions_of_bfcl_are_judged_with_the_answers_beside_them() {
    for kind in ["simple", "multiple"] {
        let bench = Bench::new();
        let name = format!("BFCL_v3_{kind}.json");
        let questions = published(&bench, &format!("bfcl_{kind}.json"), &name);
        bench.run("", &["--scenario", &questions]).expect_code(3).expect_stderr(&["possible_answer", &name]);
        published(&bench, &format!("bfcl_{kind}_answer.json"), &format!("possible_answer/{name}"));
        run(&bench, &questions).expect_code(0);
        assert!(!bench.records()[0].calls.is_empty(), "{kind}");
    }
}

#[test]
fn questions_without_a_right_call_need_no_file_of_answers() {
    let bench = Bench::new();
    let questions = published(&bench, "bfcl_irrelevance.json", "BFCL_v4_irrelevance.json");
    let finished = run(&bench, &questions).expect_code(0);
    assert!(!bench.records()[0].calls.is_empty());
    assert!(finished.stdout.contains("by the rule of BFCL's own checker"), "{}", finished.stdout);
}

#[test]
fn a_file_without_a_row_that_can_be_used_is_refused() {
    let bench = Bench::new();
    let long = format!("{{\"id\": \"a\", \"turns\": [\"{}\"]}}\n", "x".repeat(5 << 20));
    for (name, contents, parts) in [
        ("empty.jsonl", "", &["empty.jsonl"][..]),
        ("blank.jsonl", "\n \n", &["blank.jsonl"]),
        ("words.jsonl", "hello\nworld\n", &["words.jsonl", "line 1"]),
        ("fields.jsonl", "{\"id\": \"a\"}\n{\"text\": 3}\n", &["fields.jsonl"]),
        ("types.jsonl", "{\"id\": \"a\", \"turns\": \"Hello\"}\n", &["types.jsonl", "turns"]),
        ("long.jsonl", &long, &["long.jsonl", "line 1", "more than 4194304"]),
        ("cut.json", "[{\"id\": \"a\", \"conversations\": [", &["cut.json", "EOF"]),
    ] {
        let finished = run(&bench, &bench.write(name, contents)).expect_code(3).expect_stderr(parts);
        assert!(finished.stderr.len() < 2000, "short: {}", finished.stderr);
    }
    run(&bench, "nowhere.jsonl").expect_code(3).expect_stderr(&["nowhere.jsonl", "No such file"]);
    let path = bench.path("bytes.jsonl");
    fs::write(&path, b"{\"id\": \"a\", \"turns\": [\"\xff\"]}\n{\"id\": \"b\", \"turns\": [\"Hello\"]}\n").unwrap();
    let finished = run(&bench, path.to_str().unwrap()).expect_code(0);
    assert!(finished.stderr.contains("bytes.jsonl:1: byte 24 is not UTF-8"), "{}", finished.stderr);
}

/// A row far longer than any conversation, as in a file of another kind, does not affect the others.
#[test]
fn a_row_of_a_hundred_megabytes_is_left_out() {
    let bench = Bench::new();
    let path = bench.path("large.jsonl");
    let mut rows = b"{\"id\": \"a\", \"turns\": [\"Hello\"]}\n{\"id\": \"b\", \"turns\": [\"".to_vec();
    rows.resize(100 << 20, b'x');
    rows.extend(b"\"]}\n{\"id\": \"c\", \"turns\": [\"Bye\"]}\n");
    fs::write(&path, rows).unwrap();
    let finished = run(&bench, path.to_str().unwrap()).expect_code(0);
    assert!(finished.stderr.contains("large.jsonl:2: the row has 1048"), "{}", finished.stderr);
    assert!(finished.stderr.contains("1 of 3 rows are left out"), "{}", finished.stderr);
}
