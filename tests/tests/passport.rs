//! A record says what was measured: a file that is replaced during a run is not measured.
#![cfg(test)]

use std::{fs, path::Path};

use pocketwatt_protocol::Stage;
use pocketwatt_record::{Outcome, Record};
use pocketwatt_tests::Bench;

const PLAN: &[&str] = &["--scenario", "decode-2,decode-3,decode-4", "--iterations", "1"];

/// A runner that moves `bench/new` to `target` in its second start, and then runs the fake.
fn replacing(bench: &mut Bench, target: &str) {
    let (starts, new) = (bench.path("count"), bench.path("new"));
    bench.wrap_runner(&format!(
        "echo >>{starts}\n[ \"$(wc -l <{starts})\" = 2 ] && mv -f {new} {target}\nexec RUNNER",
        starts = starts.display(),
        new = new.display()
    ));
}

/// Of three cases the first is measured; in the second the file is replaced; the third is not tried.
#[track_caller]
fn ensure_noticed(records: &[Record], what: &str) {
    let [first, second, third] = records else { panic!("{} records", records.len()) };
    assert_eq!(first.outcome, Outcome::Measured);
    for (record, expected) in [(second, Stage::Load), (third, Stage::Start)] {
        let Outcome::Failed { stage, message } = &record.outcome else { panic!("{what}: {:?}", record.outcome) };
        assert_eq!(*stage, expected, "{message}");
        assert!(message.starts_with(&format!("{what} changed during the run (")), "{message}");
        assert!(message.ends_with(": start a new run"), "{message}");
        assert_eq!(record.metrics, []);
    }
    assert_eq!(third.samples.loaded, None, "nothing was started");
}

#[test]
fn a_runner_that_was_replaced() {
    let mut bench = Bench::new();
    let runner = bench.path("runners/pocketwatt-fake");
    replacing(&mut bench, runner.to_str().unwrap());
    fs::copy(&runner, bench.path("new")).unwrap();
    fs::write(bench.path("new"), fs::read_to_string(&runner).unwrap() + "# another\n").unwrap();
    bench.run("", PLAN).expect_code(4);
    ensure_noticed(&bench.records(), "the runner of fake");
}

#[test]
fn weights_and_configuration_that_were_replaced() {
    for (file, what) in [
        ("model.safetensors", "model.safetensors of tiny"),
        ("model.f16.safetensors", "the weights of tiny in f16"),
        ("config.json", "config.json of tiny"),
        ("tokenizer.json", "tokenizer.json of tiny"),
    ] {
        let mut bench = Bench::new();
        let target = bench.model("tiny").join(file);
        replacing(&mut bench, target.to_str().unwrap());
        let plan = [PLAN, &["--precision", "f16"]].concat();
        // The same bytes with another identity are the same file.
        bench.pocketwatt(&["model", "generate", "tiny"]).expect_code(0);
        bench.write("count", "\n\n\n");
        bench.run("", &plan).expect_code(0);
        fs::copy(&target, bench.path("new")).unwrap();
        fs::remove_file(bench.path("count")).unwrap();
        bench.run("", &plan).expect_code(0);
        assert!(!bench.path("new").exists(), "it was moved");

        let mut bytes = fs::read(&target).unwrap();
        // A further space in a text, another bit in a weight.
        if file.ends_with(".json") {
            bytes.push(b' ')
        } else {
            *bytes.last_mut().unwrap() ^= 1
        }
        fs::write(bench.path("new"), bytes).unwrap();
        fs::remove_file(bench.path("count")).unwrap();
        bench.run("", &plan).expect_code(4);
        ensure_noticed(&bench.records(), what);
    }
}

#[test]
fn a_model_that_was_generated_anew() {
    let mut bench = Bench::new();
    bench.pocketwatt(&["model", "generate", "tiny", "--seed", "7", "--name", "other"]).expect_code(0);
    bench.pocketwatt(&["model", "generate", "tiny"]).expect_code(0);
    let starts = bench.path("count");
    // As `model generate --force` does it.
    bench.wrap_runner(&format!(
        "echo >>{starts}\nif [ \"$(wc -l <{starts})\" = 2 ]; then mv {tiny} {tiny}.old; mv {other} {tiny}; fi\nexec RUNNER",
        starts = starts.display(),
        tiny = bench.model("tiny").display(),
        other = bench.model("other").display()
    ));
    bench.run("", PLAN).expect_code(4);
    ensure_noticed(&bench.records(), "model.safetensors of tiny");
}

/// A backend that opens a library beside the runner.
fn with_library(bench: &mut Bench, runner: &str) -> String {
    bench.wrap_runner(runner);
    write_library(&bench.path("runners/libfake.so"), b'1');
    let published = "0".repeat(64);
    bench.write(
        "backends.toml",
        &format!(
            "[fake]\nbinary = \"pocketwatt-fake\"\nsummary = \"-\"\nprecisions = [\"f32\"]\nscored = false\n\
             [fake.library]\nvariable = \"FAKE_LIBRARY\"\nfile = \"libfake.so\"\ncached = \"fake/libfake.so\"\n\
             fetch = \"scripts/no-such-script\"\nsha256 = {{ x86_64 = \"{published}\", aarch64 = \"{published}\" }}\n"
        ),
    )
}

/// The smallest file of this format: a header that announces nothing.
fn write_library(path: &Path, version: u8) {
    let mut bytes = vec![0; 64];
    bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
    bytes.push(version);
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_library_that_was_replaced() {
    let mut bench = Bench::new();
    let library = bench.path("runners/libfake.so");
    let backends = with_library(&mut bench, "");
    replacing(&mut bench, library.to_str().unwrap());
    write_library(&bench.path("new"), b'2');
    bench.run("", &[PLAN, &["--backends", &backends]].concat()).expect_code(4);
    let records = bench.records();
    ensure_noticed(&records, "the library of fake");
    assert_eq!(records[0].passport.library_sha256.as_ref().map(String::len), Some(64));
}

#[test]
fn a_run_does_not_go_on_with_another_library() {
    let mut bench = Bench::new();
    let seen = bench.path("seen");
    let backends = with_library(&mut bench, &format!("echo \"$FAKE_LIBRARY\" >{}\nexec RUNNER", seen.display()));
    let more = ["--backends", &backends];
    bench.run("fault=crash@load", &[PLAN, &more].concat()).expect_code(5);
    let library = bench.path("runners/libfake.so");
    assert_eq!(fs::read_to_string(seen).unwrap().trim_end(), library.to_str().unwrap(), "the runner is told its path");
    bench.resume("", &[&more[..], &["--retry"]].concat()).expect_code(0);
    write_library(&library, b'2');
    bench
        .resume("", &[&more[..], &["--retry"]].concat())
        .expect_code(3)
        .expect_stderr(&["the library of fake is another one than when the run began: start a new run"]);
}

#[test]
fn a_library_that_cannot_be_right_is_refused_before_anything_is_measured() {
    let mut bench = Bench::new();
    let backends = with_library(&mut bench, "exec RUNNER");
    let library = bench.path("runners/libfake.so");
    let refused = |bench: &Bench, parts: &[&str]| {
        bench.run("", &["--scenario", "decode-2", "--backends", &backends]).expect_code(5);
        let Outcome::Skipped { reason } = &bench.records()[0].outcome else {
            panic!("{:?}", bench.records()[0].outcome)
        };
        parts.iter().for_each(|part| assert!(reason.contains(part), "{part:?} is not in: {reason}"));
    };
    let mut half = fs::read(&library).unwrap();
    half[0x28] = 200;
    half[0x3a] = 64;
    half[0x3c] = 2;
    fs::write(&library, half).unwrap();
    refused(&bench, &["it has 65 bytes of at least 328: an interrupted copy?", "replace", "or remove it"]);
    fs::write(&library, "not a library, but long enough to be taken for one: sixty-four bytes and more").unwrap();
    refused(&bench, &["it is not a shared library"]);

    fs::remove_file(&library).unwrap();
    fs::create_dir_all(bench.path("cache/fake")).unwrap();
    write_library(&bench.path("cache/fake/libfake.so"), b'1');
    refused(&bench, &["is not the library that was published (sha256 ", "scripts/no-such-script"]);
    fs::remove_file(bench.path("cache/fake/libfake.so")).unwrap();
    fs::create_dir(bench.path("cache/fake/libfake.so")).unwrap();
    refused(&bench, &["it is a folder, not a file: remove", "cache/fake/libfake.so"]);

    bench.set("FAKE_LIBRARY", bench.path("nowhere.so"));
    refused(&bench, &["nowhere.so", "correct FAKE_LIBRARY, or unset it"]);
    // A user's own library is accepted as it is.
    write_library(&bench.path("mine.so"), b'3');
    bench.set("FAKE_LIBRARY", "mine.so");
    bench.run("", &["--scenario", "decode-2", "--backends", &backends]).expect_code(0);
}
