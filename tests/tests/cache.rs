//! One cache for several processes at the same time: each item is made once, and no process sees half of it.
#![cfg(test)]

use std::{fs, os::unix::fs::MetadataExt, path::Path};

use pocketwatt_record::{Outcome, RunFolder, latest_run};
use pocketwatt_tests::{Bench, Finished, Running, wait_until};

/// A tiny model whose weights can be rounded to blocks.
const MODEL: &str = "tiny+dim64+heads4+ffn128";
const PRECISIONS: &str = "f32,f16,bf16,int8,w8a8,int4";
const PROCESSES: usize = 8;

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// All end well; the only model is this one, with nothing unfinished beside it or in it.
fn ensure_whole(bench: &Bench, model: &str, processes: Vec<Running>) -> Vec<Finished> {
    let finished: Vec<Finished> = processes.into_iter().map(|running| running.finish().expect_code(0)).collect();
    let models = bench.path("cache/models");
    assert_eq!(names(&models), [model]);
    let hidden: Vec<String> = names(&models.join(model)).into_iter().filter(|name| name.starts_with('.')).collect();
    assert!(hidden.is_empty(), "{hidden:?}");
    bench.pocketwatt(&["model", "verify"]).expect_code(0);
    finished
}

#[test]
fn first_runs_at_once_make_one_model_and_all_measure_it() {
    let bench = Bench::new();
    let results = |number: usize| format!("results-{number}");
    let start = |number: usize| {
        let plan = ["run", "--backend", "fake", "--no-probe", "--scenario", "decode-2", "--iterations", "1"];
        let more = ["--model", MODEL, "--precision", PRECISIONS, "--results", &results(number), "--wait"];
        bench.start("", &[plan.as_slice(), &more].concat())
    };
    let finished = ensure_whole(&bench, MODEL, (0..PROCESSES).map(start).collect());
    let generated = finished.iter().filter(|finished| finished.stderr.contains("generating ")).count();
    assert_eq!(generated, 1, "the others take what one has made");
    let folders: Vec<RunFolder> =
        (0..PROCESSES).map(|number| latest_run(&bench.path(&results(number))).unwrap().folder).collect();
    let records = folders.iter().flat_map(|folder| folder.records().unwrap().intact);
    let measured = records.filter(|record| record.outcome == Outcome::Measured).count();
    assert_eq!(measured, PROCESSES * PRECISIONS.split(',').count());
}

#[test]
fn the_same_model_is_imported_or_replaced_by_several_at_once() {
    let bench = Bench::new();
    bench.pocketwatt(&["model", "generate", "tiny"]).expect_code(0);
    let source = bench.path("source");
    fs::rename(bench.model("tiny"), &source).unwrap();
    let import = ["model", "import", source.to_str().unwrap(), "--name", "mine"];
    // All have begun before one can end, because they wait for a lock that this test holds.
    let lock = bench.hold("model-mine.lock");
    let imports: Vec<Running> = (0..PROCESSES).map(|_| bench.start("", &import)).collect();
    imports.iter().for_each(|running| wait_until("a process to wait", || running.stderr().contains("waiting for")));
    drop(lock);
    ensure_whole(&bench, "mine", imports);

    let force: Vec<Running> = (0..PROCESSES).map(|_| bench.start("", &[&import[..], &["--force"]].concat())).collect();
    ensure_whole(&bench, "mine", force);
    bench.pocketwatt(&import).expect_code(3).expect_stderr(&["there is a model \"mine\" already"]);
}

#[test]
fn who_waits_says_for_whom() {
    let bench = Bench::new();
    let lock = bench.hold("model-tiny.lock");
    let running = bench.start("", &["model", "generate", "tiny"]);
    wait_until("the other to wait", || running.stderr().contains("waiting for model \"tiny\": somebody else is at it"));
    assert!(!bench.model("tiny").exists());
    drop(lock);
    ensure_whole(&bench, "tiny", vec![running]);
}

#[test]
fn what_was_left_half_done_is_removed_by_the_next_start() {
    let bench = Bench::new();
    bench.pocketwatt(&["model", "generate", "tiny"]).expect_code(0);
    let models = bench.path("cache/models");
    for folder in [".pocketwatt-dead.partial", ".tiny.partial-1", ".mobilellm-1b.next-4711"] {
        fs::create_dir(models.join(folder)).unwrap();
        fs::write(models.join(folder).join("model.safetensors"), "half").unwrap();
    }
    for file in [".pocketwatt-dead.partial", "model.int8.safetensors.1.tmp", "token-bytes.json.99"] {
        fs::write(bench.model("tiny").join(file), "half").unwrap();
    }
    let before = fs::metadata(bench.model("tiny")).unwrap().ino();
    let run = ["run", "--backend", "fake", "--model", "tiny", "--no-probe", "--scenario", "decode-2"];
    ensure_whole(&bench, "tiny", vec![bench.start("", &run)]);
    let files = ["config.json", "model.safetensors", "pocketwatt.json", "tokenizer.json", "tokenizer_config.json"];
    assert_eq!(names(&bench.model("tiny")), files);
    assert_eq!(fs::metadata(bench.model("tiny")).unwrap().ino(), before, "the model itself is the same");
}

#[test]
fn a_seeded_model_is_written_in_the_precisions_that_are_measured_and_no_others() {
    let bench = Bench::new();
    let plan =
        ["run", "--backend", "fake", "--no-probe", "--scenario", "decode-2", "--iterations", "1", "--model", MODEL];
    let run = |precisions: &str, more: &[&str]| {
        bench.pocketwatt(&[&plan[..], &["--precision", precisions], more].concat()).expect_code(0)
    };
    let weights = || {
        let names = names(&bench.model(MODEL));
        names.into_iter().filter(|name| name.ends_with(".safetensors")).collect::<Vec<_>>()
    };
    let planned = run("int4", &["--dry-run"]);
    assert!(planned.stdout.contains("would be generated first in int4: 0 MiB"), "{}", planned.stdout);
    let made = run("int4", &["--results", "rounded"]);
    assert!(made.stderr.contains(&format!("generating {MODEL} in int4 with seeded weights")), "{}", made.stderr);
    assert_eq!(weights(), ["model.int4.safetensors"], "no weights in f32 on the way");

    let planned = run("f32,int4", &["--dry-run"]);
    assert!(planned.stdout.contains(&format!("{MODEL} would be written in f32 first")), "{}", planned.stdout);
    run("f32,int4", &["--results", "both"]);
    assert_eq!(weights(), ["model.int4.safetensors", "model.safetensors"]);
    bench.pocketwatt(&["model", "verify"]).expect_code(0);

    // A model that was first written in f32 is the same model, and is rounded to the same codes.
    fs::remove_dir_all(bench.model(MODEL)).unwrap();
    bench.pocketwatt(&["model", "generate", MODEL]).expect_code(0);
    run("int4", &["--results", "from-file"]);
    let models = ["rounded", "both", "from-file"].map(|results| {
        let records = latest_run(&bench.path(results)).unwrap().folder.records().unwrap().intact;
        records.into_iter().find(|record| record.case.id.contains("int4")).unwrap().passport.model
    });
    assert_eq!(models[0], models[1]);
    assert_eq!(models[0], models[2]);
    assert!(models[0].rounded_sha256.is_some());
}
