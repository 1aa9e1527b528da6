//! Tests of the program itself, driven as the harness drives it.
#![cfg(test)]

use std::{
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
};

use pocketwatt_model::{Preset, generate_seeded};
use pocketwatt_protocol::{
    Event, LoadOptions, ModelFiles, PROTOCOL_VERSION, Precision, Request, Task, TokenId, Turn, WireError, Workload,
    read_event, write_message,
};
use tempfile::TempDir;

/// The output in short: one word for each message, or a description of what was wrong with it.
struct Answer {
    words: Vec<String>,
    status: ExitStatus,
}

/// Two iterations of two prompt tokens and three output tokens, the first a warm-up.
fn request(folder: &Path) -> Request {
    let turn = Turn { prompt: vec![TokenId(5), TokenId(7)], max_output_tokens: 3, grammar: None };
    Request {
        protocol: PROTOCOL_VERSION,
        model: ModelFiles {
            folder: folder.to_owned(),
            weights: folder.join("model.safetensors"),
            weights_sha256: String::new(),
            graph: None,
        },
        options: LoadOptions { threads: 1, precision: Precision::F32, context_tokens: 16 },
        phase_edges: false,
        task: Task::Generate(Workload {
            conversations: vec![vec![turn]],
            stop_tokens: vec![TokenId(2)],
            token_bytes: None,
            warmup_iterations: 1,
            warmup: None,
            iterations: 1,
            at_least_ms: 0,
            settle_ms: 0,
        }),
    }
}

fn start(script: &str) -> (Child, TempDir) {
    let root = tempfile::tempdir().unwrap();
    let config = Preset::find("tiny").unwrap().config();
    let folder = generate_seeded(&config, "tiny", 1, &root.path().join("tiny")).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_pocketwatt-fake"))
        .env("POCKETWATT_FAKE", script)
        .current_dir(root.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // A runner that has already died does not read.
    let _ = write_message(child.stdin.as_mut().unwrap(), &request(folder.path()));
    (child, root)
}

/// The fake's output until it ends or stops writing, and how it ends once its input is closed.
fn answer(script: &str) -> Answer {
    let (mut child, _root) = start(script);
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut words = Vec::new();
    loop {
        match read_event(&mut lines) {
            Err(WireError::Closed) => break,
            Err(error) => {
                words.push(error.to_string());
                break;
            }
            Ok(event) => {
                let last = matches!(event, Event::Done | Event::Failed { .. });
                words.push(word(event));
                if last {
                    break;
                }
            }
        }
    }
    drop(lines);
    drop(child.stdin.take());
    Answer { words, status: child.wait().unwrap() }
}

fn word(event: Event) -> String {
    match event {
        Event::Hello { .. } => "hello".into(),
        Event::Loaded(_) => "loaded".into(),
        Event::Iteration(iteration) => {
            let turn = &iteration.turns[0];
            let backwards = turn.token_times.last().is_some_and(|last| *last < turn.start);
            let unknown = turn.tokens.iter().any(|token| token.0 >= 512);
            let lie = if backwards {
                " backwards"
            } else if unknown {
                " unknown token"
            } else {
                ""
            };
            format!("{:?}{lie}", iteration.kind).to_lowercase()
        }
        Event::Scored(_) => "scored".into(),
        Event::Failed { stage, message } => format!("{stage:?}: {message}"),
        Event::Done => "done".into(),
    }
}

fn words(script: &str) -> String {
    answer(script).words.join(", ")
}

#[test]
fn without_a_fault_the_task_is_done() {
    let answer = answer("load=1us,prefill=1us,decode=1us");
    assert_eq!(answer.words, ["hello", "loaded", "warmup", "measured", "done"]);
    assert!(answer.status.success());
}

#[test]
fn tokens_are_the_same_every_time() {
    let tokens = || {
        let (mut child, _root) = start("");
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut tokens = Vec::new();
        while let Event::Hello { .. } | Event::Loaded(_) = read_event(&mut lines).unwrap() {}
        if let Event::Iteration(iteration) = read_event(&mut lines).unwrap() {
            tokens = iteration.turns[0].tokens.clone();
        }
        drop((lines, child.stdin.take()));
        child.wait().unwrap();
        tokens
    };
    let first = tokens();
    assert_eq!(first.len(), 3);
    assert_eq!(tokens(), first);
}

#[test]
fn crashes_say_nothing() {
    for (script, said) in [
        ("fault=crash@start", ""),
        ("fault=crash@load", "hello"),
        ("fault=crash@prefill", "hello, loaded"),
        ("fault=crash@decode", "hello, loaded"),
        ("fault=crash@decode,iteration=2", "hello, loaded, warmup"),
    ] {
        let answer = answer(script);
        assert_eq!(answer.words.join(", "), said, "{script}");
        assert_eq!(answer.status.code(), None, "{script}: aborted, so there is no exit status");
    }
}

#[test]
fn errors_are_reported_where_they_happen() {
    insta::assert_snapshot!(words("fault=fail@start"), @"Start: scripted failure");
    insta::assert_snapshot!(words("fault=fail@load"), @"hello, Load: scripted failure");
    insta::assert_snapshot!(words("fault=fail@prefill"), @"hello, loaded, Warmup: scripted failure");
    insta::assert_snapshot!(words("fault=fail@decode,iteration=2"), @"hello, loaded, warmup, Decode: output token 2: scripted failure");
}

#[test]
fn a_script_that_is_not_understood_is_reported() {
    let words = words("fault=crsh");
    assert!(
        words.starts_with("Start: POCKETWATT_FAKE=\"fault=crsh\": there is no fault \"crsh\", only crash@start,"),
        "{words}"
    );
}

#[test]
fn messages_go_wrong_as_scripted() {
    insta::assert_snapshot!(words("fault=garbage@start"), @r#"not a protocol message: "Segmentation fault": expected value at line 1 column 1"#);
    insta::assert_snapshot!(words("fault=garbage@iteration,iteration=2"), @r#"hello, loaded, warmup, not a protocol message: "step 1 took 3.14 ms": expected value at line 1 column 1"#);
    insta::assert_snapshot!(words("fault=other-protocol"), @"the other process speaks protocol 5, this one speaks 4: rebuild the runner");
    insta::assert_snapshot!(words("fault=early-iteration"), @"hello, warmup, loaded, measured, done");
    insta::assert_snapshot!(words("fault=missing-iteration"), @"hello, loaded, measured, done");
    insta::assert_snapshot!(words("fault=extra-iteration,iteration=2"), @"hello, loaded, warmup, measured, measured, done");
    insta::assert_snapshot!(words("fault=backwards-time,iteration=2"), @"hello, loaded, warmup, measured backwards, done");
    insta::assert_snapshot!(words("fault=unknown-token"), @"hello, loaded, warmup unknown token, measured, done");
    assert!(words("fault=endless-line").contains("a line is longer than 16777216 bytes"));
}

#[test]
fn quitting_looks_like_success() {
    let answer = answer("fault=quit");
    assert_eq!(answer.words, ["hello", "loaded", "warmup", "measured"]);
    assert!(answer.status.success());
}

#[test]
fn a_closed_output_is_not_the_end() {
    let (mut child, _root) = start("fault=closed-output");
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said.lines().count(), 2, "greeting and loading: {said}");
    assert_still_running(&mut child);
}

#[test]
fn hanging_ends_only_by_force() {
    for (script, lines) in [
        ("fault=hang@start", 0),
        ("fault=hang@load", 1),
        ("fault=hang@prefill", 2),
        ("fault=hang@decode", 2),
        ("fault=hang@end", 5),
    ] {
        let (mut child, _root) = start(script);
        let mut output = BufReader::new(child.stdout.take().unwrap());
        for _ in 0..lines {
            assert!(output.read_line(&mut String::new()).unwrap() > 0, "{script}");
        }
        assert_still_running(&mut child);
        let mut rest = String::new();
        output.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "", "{script}");
    }
}

/// Closes its input and kills it; it was killed, and did not end by itself.
fn assert_still_running(child: &mut Child) {
    let mut stdin = child.stdin.take().unwrap();
    let _ = stdin.flush();
    drop(stdin);
    assert_eq!(child.try_wait().unwrap(), None);
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().code(), None);
}
