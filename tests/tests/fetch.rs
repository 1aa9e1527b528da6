//! Checkpoints from a model hub, with the real program and a hub on this machine.
#![cfg(test)]

mod hub;

use std::fs;

use hub::{COMMIT, Contents, Hub, REPOSITORY};
use pocketwatt_tests::{Bench, Finished, Running, wait_until};
use serde_json::Value;

const WEIGHTS: &str = "model.safetensors";

/// A bench that uses the hub, and the hub itself, which has the tiny model.
fn bench(change: impl FnOnce(&mut Contents)) -> (Bench, Hub) {
    let mut bench = Bench::new();
    bench.pocketwatt(&["model", "generate", "tiny"]).expect_code(0);
    let folder = bench.model("tiny");
    let manifest: Value = serde_json::from_slice(&fs::read(folder.join("pocketwatt.json")).unwrap()).unwrap();
    let mut contents = Contents::default();
    for file in ["config.json", "tokenizer.json", "tokenizer_config.json", WEIGHTS] {
        contents.files.insert(file.into(), fs::read(folder.join(file)).unwrap());
    }
    contents.sha256.insert(WEIGHTS.into(), manifest["weights_sha256"].as_str().unwrap().into());
    change(&mut contents);
    let hub = Hub::serve(contents);
    bench.set("HF_ENDPOINT", &hub.endpoint);
    bench.set("HF_HOME", bench.path("hf").to_str().unwrap());
    bench.set("HF_TOKEN", "");
    (bench, hub)
}

fn fetch(bench: &Bench, arguments: &[&str]) -> Finished {
    bench.pocketwatt(&[&["model", "fetch", REPOSITORY], arguments].concat())
}

#[test]
fn what_was_fetched_runs_and_says_where_it_came_from() {
    let (bench, _hub) = bench(|_| {});
    let fetched = fetch(&bench, &[]).expect_code(0);
    assert!(fetched.stderr.contains("model.safetensors, "), "{}", fetched.stderr);
    assert!(!bench.path("cache/downloads/models--somebody--Tiny-Model").exists(), "downloads are removed");
    bench.pocketwatt(&["model", "verify", "tiny-model"]).expect_code(0);
    let run = ["run", "--backend", "fake", "--model", "tiny-model", "--scenario", "decode-2", "--no-probe"];
    bench.pocketwatt(&run).expect_code(0);
    let model = &bench.records()[0].passport.model;
    assert_eq!(model.origin, format!("imported from {REPOSITORY} at {COMMIT} (safetensors F32)"));
    fetch(&bench, &[]).expect_code(3).expect_stderr(&["there is a model \"tiny-model\" already", "--force"]);
    fetch(&bench, &["--force", "--keep"]).expect_code(0);
    assert!(bench.path("cache/downloads/models--somebody--Tiny-Model").exists(), "downloads are kept");
}

#[test]
fn weights_in_shards_are_fetched_by_their_index() {
    const SHARD: &str = "model-00001-of-00001.safetensors";
    let (bench, _hub) = bench(|contents| {
        let weights = contents.files.remove(WEIGHTS).unwrap();
        let length = u64::from_le_bytes(weights[..8].try_into().unwrap()) as usize;
        let header: Value = serde_json::from_slice(&weights[8..8 + length]).unwrap();
        let names = header.as_object().unwrap().keys().filter(|name| *name != "__metadata__");
        let map: Value = names.map(|name| (name.clone(), Value::from(SHARD))).collect();
        let index = serde_json::json!({ "weight_map": map }).to_string();
        contents.files.insert("model.safetensors.index.json".into(), index.into_bytes());
        contents.files.insert(SHARD.into(), weights);
        let sha256 = contents.sha256.remove(WEIGHTS).unwrap();
        contents.sha256.insert(SHARD.into(), sha256);
    });
    fetch(&bench, &[]).expect_code(0).expect_stderr(&[SHARD]);
    bench.pocketwatt(&["model", "verify", "tiny-model"]).expect_code(0);
}

#[test]
fn a_download_that_broke_off_goes_on_where_it_stopped() {
    // The first command resumes three times, and then gives up.
    let (bench, hub) = bench(|contents| contents.cuts = 5);
    fetch(&bench, &[]).expect_code(1).expect_stderr(&["model.safetensors of", "continue with the same command"]);
    fetch(&bench, &[]).expect_code(0);
    let size = hub.contents.lock().unwrap().files[WEIGHTS].len();
    let start = |range: &Option<String>| {
        range
            .as_deref()
            .map_or(0, |range| range.strip_prefix("bytes=").unwrap().strip_suffix('-').unwrap().parse().unwrap())
    };
    let starts: Vec<usize> = hub.ranges(WEIGHTS).iter().map(start).collect();
    // Each attempt got half of the rest.
    let mut expected = vec![0];
    for _ in 0..5 {
        let last = expected[expected.len() - 1];
        expected.push(last + (size - last) / 2);
    }
    assert_eq!(starts, expected);
    bench.pocketwatt(&["model", "verify", "tiny-model"]).expect_code(0);
}

#[test]
fn several_at_once_download_once() {
    let (bench, hub) = bench(|_| {});
    let lock = bench.hold("download-somebody--Tiny-Model.lock");
    let fetches: Vec<Running> = (0..3).map(|_| bench.start("", &["model", "fetch", REPOSITORY])).collect();
    fetches.iter().for_each(|running| wait_until("a process to wait", || running.stderr().contains("waiting for")));
    drop(lock);
    for running in fetches {
        running.finish().expect_code(0);
    }
    assert_eq!(hub.ranges(WEIGHTS).len(), 1);
    bench.pocketwatt(&["model", "verify", "tiny-model"]).expect_code(0);
    assert_eq!(fs::read_dir(bench.path("cache/downloads")).unwrap().count(), 0);
}

#[test]
fn a_server_that_does_not_go_on_sends_everything_again() {
    let (bench, _hub) = bench(|contents| (contents.cuts, contents.ignores_ranges) = (1, true));
    fetch(&bench, &[]).expect_code(0);
    bench.pocketwatt(&["model", "verify", "tiny-model"]).expect_code(0);
}

#[test]
fn what_is_not_what_the_hub_says_is_removed() {
    let (bench, hub) = bench(|contents| contents.files.get_mut(WEIGHTS).unwrap()[9000] ^= 1);
    let damaged = fetch(&bench, &[]).expect_code(3);
    assert!(damaged.stderr.contains("it was removed, fetch it again"), "{}", damaged.stderr);
    assert!(!bench.model("tiny-model").exists());
    hub.contents.lock().unwrap().files.get_mut(WEIGHTS).unwrap()[9000] ^= 1;
    fetch(&bench, &[]).expect_code(0);
}

#[test]
fn a_repository_that_is_not_public_needs_a_token() {
    let (mut bench, hub) = bench(|contents| contents.token = Some("hf_secret".into()));
    fetch(&bench, &[]).expect_code(3).expect_stderr(&["accept its licence on its page", "HF_TOKEN"]);
    bench.set("HF_TOKEN", "hf_secret");
    let fetched = fetch(&bench, &[]).expect_code(0);
    assert!(!fetched.stderr.contains("hf_secret"), "{}", fetched.stderr);
    bench.set("HF_TOKEN", "");
    fs::create_dir_all(bench.path("hf")).unwrap();
    fs::write(bench.path("hf/token"), "hf_secret\n").unwrap();
    fetch(&bench, &["--force"]).expect_code(0);
    let seen = hub.seen.lock().unwrap();
    let at_storage = seen.iter().filter(|seen| seen.path.starts_with("/storage/"));
    let given: Vec<bool> = at_storage.map(|seen| seen.authorization.is_some()).collect();
    assert_eq!(given, [false, false], "the token is the hub's alone");
}

#[test]
fn what_cannot_be_fetched_is_refused_with_the_reason() {
    let (bench, _hub) = bench(|contents| drop(contents.files.remove(WEIGHTS)));
    fetch(&bench, &[]).expect_code(3).expect_stderr(&["has no weights as safetensors"]);
    fetch(&bench, &["--revision", "old"]).expect_code(3).expect_stderr(&["the hub has no somebody/Tiny-Model at old"]);
    bench.pocketwatt(&["model", "fetch", "gpt2"]).expect_code(3).expect_stderr(&["write owner and name"]);
}

#[test]
fn a_hub_that_is_not_there_is_told() {
    let mut bench = Bench::new();
    bench.set("HF_ENDPOINT", "http://127.0.0.1:9");
    fetch(&bench, &[]).expect_code(1).expect_stderr(&["cannot fetch somebody/Tiny-Model at main"]);
}
