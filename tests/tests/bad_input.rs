//! Impossible input: a clear error or a row with the reason, and the documented exit status.
#![cfg(test)]

use std::fs::{self, File};

use pocketwatt_record::Outcome;
use pocketwatt_tests::{Bench, Finished, Starts, wait_until};

/// A bench whose library holds `tiny`.
fn with_model() -> Bench {
    let bench = Bench::new();
    bench.pocketwatt(&["model", "generate", "tiny"]).expect_code(0);
    bench
}

fn run(bench: &Bench) -> Finished {
    bench.run("", &["--scenario", "decode-3", "--iterations", "1"])
}

/// Refused before anything is stored.
#[track_caller]
fn refused(bench: &Bench, finished: Finished, parts: &[&str]) {
    let finished = finished.expect_code(3).expect_stderr(parts);
    assert_eq!(finished.stdout, "");
    assert!(finished.stderr.trim_end().lines().count() <= 5, "short: {}", finished.stderr);
    assert!(!bench.path("results").exists(), "nothing was measured, so nothing is stored");
}

#[test]
fn unknown_names_get_the_nearest() {
    let bench = Bench::new();
    for (arguments, parts) in [
        (["--model", "tinny"], ["\"tinny\"", "did you mean \"tiny\"?"]),
        (["--model", "mobilellm-124m"], ["\"mobilellm-124m\"", "did you mean \"mobilellm-125m\"?"]),
        (["--backend", "onxruntime"], ["\"onxruntime\"", "did you mean \"onnxruntime\"?"]),
        (["--scenario", "api-cal"], ["\"api-cal\"", "did you mean \"api-call\"?"]),
    ] {
        let finished = bench.pocketwatt(&[&["run", "--no-probe"], &arguments[..]].concat());
        refused(&bench, finished, &parts);
    }
    assert!(!bench.path("cache").exists(), "no model was generated for nothing");
}

#[test]
fn wrong_usage_is_told_apart() {
    let bench = Bench::new();
    for arguments in [
        &["run", "--iterations", "0"][..],
        &["run", "--threads", "none"],
        &["run", "--timeout", "0"],
        &["run", "--format", "pdf"],
        &["run", "--graph", "opset99"],
        &["fly"],
        &["run", "--no-such-flag"],
    ] {
        let finished = bench.pocketwatt(arguments).expect_code(2);
        assert!(finished.stderr.contains("error:"), "{arguments:?}: {}", finished.stderr);
    }
}

#[test]
fn scenarios_that_are_none_are_refused() {
    let bench = Bench::new();
    for (text, part) in [
        ("name = ", "line 1"),
        ("name = \"a\"", "no turns"),
        ("name = \"../../a\"\n[[turns]]\nuser = \"x\"\noutput-tokens = 1", "lower-case"),
        ("name = \"a\"\ncolour = 3", "colour"),
    ] {
        let path = bench.write("mine.toml", text);
        refused(&bench, bench.run("", &["--scenario", &path]), &["mine.toml", part]);
    }
    refused(&bench, bench.run("", &["--scenario", "nowhere.toml"]), &["cannot read the scenario nowhere.toml"]);
    refused(&bench, bench.run("", &["--scenario", "prefill-0"]), &["\"0\" is not a number of tokens"]);
    refused(&bench, bench.run("", &["--scenario", "chat,chat"]), &["two scenarios are named \"chat\""]);
}

/// Each of these once took gigabytes, minutes or for ever, or led to other files.
#[test]
fn files_that_swell_hang_or_lead_elsewhere_are_refused() {
    let bench = with_model();
    let scenario = |path: &str| bench.run("", &["--dry-run", "--scenario", path]);
    let lists = |depth: usize| {
        format!(
            r#"{{"id": "a", "category": "c", "functions": [{{"name": "f", "description": "d", "parameters":
            [{{"name": "x", "type": "{}string"}}]}}], "turns": [{{"user": "q", "calls": []}}]}}"#,
            "list of ".repeat(depth)
        )
        .replace('\n', "")
    };
    for depth in [26, 100_000] {
        let path = bench.write("calls.jsonl", &lists(depth));
        refused(&bench, scenario(&path), &["calls.jsonl:1", "lists of lists may be 16 deep"]);
    }
    for (data, part) in [("/dev/zero", "must lie in its folder"), ("../talks.jsonl", "must lie in its folder")] {
        let text = format!("name = \"a\"\noutput-tokens = 2\nconversations = \"{data}\"");
        refused(&bench, scenario(&bench.write("mine.toml", &text)), &["mine.toml", data, part]);
    }
    let many = format!("name = \"a\"\noutput-tokens = {}\n[[turns]]\nuser = \"x\"", u32::MAX);
    refused(&bench, scenario(&bench.write("many.toml", &many)), &["4294967295 tokens are more than 1048576"]);
    let endless = bench.path("endless.toml");
    std::os::unix::fs::symlink("/dev/zero", &endless).unwrap();
    let endless = endless.to_str().unwrap();
    let no_file = &["endless.toml", "it is a pipe, socket or device"];
    refused(&bench, scenario(endless), no_file);
    refused(&bench, bench.pocketwatt(&["study", endless]), no_file);
    refused(&bench, bench.pocketwatt(&["backends", "--backends", endless]), no_file);
    let study = include_str!("../../scenarios/studies/threads.toml").replacen("\"threads\"", "\"../../threads\"", 1);
    let path = bench.write("study.toml", &study);
    refused(&bench, bench.pocketwatt(&["study", &path]), &["study.toml", "would lead elsewhere"]);
    let numbers = (1..=1000).map(|number| number.to_string()).collect::<Vec<_>>().join(",");
    let sweeps = ["layers", "ffn", "context"].map(|key| format!("{key}={numbers}"));
    let sweeps: Vec<&str> = sweeps.iter().flat_map(|sweep| ["--sweep", sweep]).collect();
    let finished = bench.run("", &[&["--dry-run"], &sweeps[..]].concat());
    refused(&bench, finished, &["1 x 1000 x 1000 x 1000 combinations", "at most 20000"]);
    let finished = bench.run("", &["--dry-run", "--sweep", "layers=16777216"]);
    refused(&bench, finished, &["num_hidden_layers is 16777216, beyond any model"]);
}

#[test]
fn a_manifest_names_files_of_its_folder_alone() {
    let bench = with_model();
    let path = bench.model("tiny").join("pocketwatt.json");
    let good = fs::read_to_string(&path).unwrap();
    let listed = |file: &str| {
        fs::write(&path, good.replace("\"other_sha256\": {", &format!("\"other_sha256\": {{\"{file}\": \"00\",")))
            .unwrap();
        bench.pocketwatt(&["model", "verify"]).expect_code(1)
    };
    for file in ["/dev/zero", "../../../secret", ".."] {
        listed(file).expect_stderr(&["tiny is not what was made"]);
    }
    std::os::unix::fs::symlink("/dev/zero", bench.model("tiny").join("endless")).unwrap();
    let finished = listed("endless");
    assert!((finished.stdout + &finished.stderr).contains("it is a link"));
}

#[test]
fn a_prompt_longer_than_the_context_is_a_row_with_the_reason() {
    let bench = Bench::new();
    let finished = bench.run("", &["--scenario", "decode-3,prefill-5000", "--iterations", "1"]).expect_code(4);
    let records = bench.records();
    assert_eq!(records[0].outcome, Outcome::Measured);
    let Outcome::Skipped { reason } = &records[1].outcome else { panic!("{:?}", records[1].outcome) };
    assert!(reason.contains("need 5000 positions") && reason.contains("shorten the scenario"), "{reason}");
    assert!(finished.stdout.contains("skipped"), "{}", finished.stdout);
    bench.run("", &["--scenario", "prefill-5000"]).expect_code(5);
}

#[test]
fn damaged_models_are_refused_by_file() {
    type Damage = fn(&std::path::Path);
    let damages: [(&str, Damage, &str); 7] = [
        ("config.json", |path| fs::write(path, "{").unwrap(), "config.json"),
        ("config.json", |path| fs::remove_file(path).unwrap(), "config.json"),
        (
            "config.json",
            |path| {
                let text = fs::read_to_string(path).unwrap();
                fs::write(path, text.replace("\"num_key_value_heads\": 1", "\"num_key_value_heads\": 2")).unwrap();
            },
            "num_attention_heads (3) is not a multiple of num_key_value_heads (2)",
        ),
        (
            "model.safetensors",
            |path| File::options().write(true).open(path).unwrap().set_len(1000).unwrap(),
            "model.safetensors",
        ),
        (
            "model.safetensors",
            |path| {
                // One weight differs, which only its sha256 shows.
                let mut bytes = fs::read(path).unwrap();
                *bytes.last_mut().unwrap() ^= 1;
                fs::write(path, bytes).unwrap();
            },
            "changed since the model was made",
        ),
        ("tokenizer.json", |path| fs::write(path, "[]").unwrap(), "changed since the model was made"),
        ("pocketwatt.json", |path| fs::write(path, "no").unwrap(), "pocketwatt.json"),
    ];
    for (file, damage, part) in damages {
        let bench = with_model();
        damage(&bench.model("tiny").join(file));
        let finished = run(&bench);
        assert!([Some(1), Some(3)].contains(&finished.code), "{file}: {:?} {}", finished.code, finished.stderr);
        let finished = finished.expect_stderr(&[part]);
        assert_eq!(finished.stdout, "");
        assert!(!bench.path("results").exists(), "{file}");
    }
}

#[test]
fn results_that_cannot_be_stored_end_the_run_at_once() {
    let bench = with_model();
    bench.write("results", "in the way");
    let finished = run(&bench).expect_code(1).expect_stderr(&["choose another folder with --results"]);
    assert_eq!(finished.stdout, "");
}

/// As when the disk fills up or is removed in the middle of a run.
#[test]
fn a_result_that_cannot_be_stored_leaves_the_earlier_ones() {
    let bench = with_model();
    let starts = Starts::new(&bench);
    let script = format!("fault=hang@load,{}", starts.only(2));
    let running = bench.start_run(&script, &["--scenario", "decode-2,decode-3,decode-4", "--timeout", "2"]);
    wait_until("the second case", || starts.processes().len() == 2);
    let cases = bench.folder().path().join("cases");
    let aside = bench.path("aside");
    fs::rename(&cases, &aside).unwrap();
    fs::write(&cases, "in the way").unwrap();
    let finished = running.finish().expect_code(1);
    finished.expect_stderr(&[
        "decode-3_tiny_fake_f32_1t was measured but not stored",
        "continue with `pocketwatt run --resume",
    ]);
    assert_eq!(starts.processes().len(), 2, "what cannot be stored is not measured");
    fs::remove_file(&cases).unwrap();
    fs::rename(&aside, &cases).unwrap();
    bench.resume("", &[]).expect_code(0);
    assert_eq!(bench.records().len(), 3);
}

#[test]
fn a_cache_that_cannot_be_written_is_named() {
    let bench = Bench::new();
    bench.write("cache", "in the way");
    run(&bench).expect_code(1).expect_stderr(&[
        "cannot lock",
        "cache/locks/model-tiny.lock",
        "is a file, and a folder is needed there",
    ]);
}

#[test]
fn a_foreign_backend_needs_only_a_table_and_the_protocol() {
    let bench = Bench::new();
    let table = |binary: &str| format!("[mine]\nbinary = \"{binary}\"\nsummary = \"my own\"\nprecisions = [\"f32\"]\n");
    let outcome = |binary: &str| {
        let file = bench.write("mine.toml", &table(binary));
        let arguments = ["run", "--backends", &file, "--backend", "mine", "--model", "tiny", "--no-probe"];
        bench.pocketwatt(&[&arguments[..], &["--scenario", "decode-3"]].concat()).expect_code(5);
        bench.records().swap_remove(0).outcome
    };
    let missing = outcome("pocketwatt-nowhere");
    assert!(matches!(&missing, Outcome::Skipped { reason } if reason.contains("pocketwatt-nowhere")), "{missing:?}");
    let liar = outcome("pocketwatt-fake");
    assert!(
        matches!(&liar, Outcome::Failed { message, .. } if message.contains("its name is \"fake\", expected \"mine\"")),
        "{liar:?}"
    );
}

#[test]
fn a_list_of_backends_that_is_none_is_refused() {
    let bench = Bench::new();
    let file = bench.write("mine.toml", "[mine]\nbinary = 3\n");
    refused(&bench, bench.run("", &["--backends", &file]), &["mine.toml", "backend \"mine\""]);
    refused(&bench, bench.run("", &["--backends", "nowhere.toml"]), &["nowhere.toml"]);
}
