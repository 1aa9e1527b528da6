//! Invalid checkpoints: the error names the file and the key, and nothing is left behind.
#![cfg(test)]

use std::{fs, path::Path};

use pocketwatt_tests::{Bench, Finished};
use serde_json::{Value, json};

/// A folder in Hugging Face's layout, to be damaged.
fn checkpoint(bench: &Bench) -> String {
    bench.pocketwatt(&["model", "generate", "tiny"]).expect_code(0);
    let folder = bench.path("checkpoint");
    fs::rename(bench.model("tiny"), &folder).unwrap();
    fs::remove_file(folder.join("pocketwatt.json")).unwrap();
    folder.to_str().unwrap().to_owned()
}

fn import(bench: &Bench, folder: &str) -> Finished {
    bench.pocketwatt(&["model", "import", folder, "--name", "mine"])
}

fn configure(folder: &Path, change: impl FnOnce(&mut Value)) {
    let path = folder.join("config.json");
    let mut value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    change(&mut value);
    fs::write(path, value.to_string()).unwrap();
}

fn put(folder: &Path, file: &str, contents: &[u8]) {
    fs::write(folder.join(file), contents).unwrap();
}

fn remove(folder: &Path, file: &str) {
    fs::remove_file(folder.join(file)).unwrap();
}

fn endless(folder: &Path) {
    remove(folder, "config.json");
    std::os::unix::fs::symlink("/dev/zero", folder.join("config.json")).unwrap();
}

type Damage = fn(&Path);

/// How a checkpoint is damaged, and the error that follows.
const DAMAGES: &[(Damage, &[&str])] = &[
    (
        |folder| configure(folder, |config| *config = json!({"model_type": "gpt2", "n_layer": 12})),
        &["config.json", "model_type is \"gpt2\"", "\"mobilellm\", \"llama\""],
    ),
    (
        |folder| configure(folder, |config| drop(config.as_object_mut().unwrap().remove("hidden_size"))),
        &["config.json", "missing field `hidden_size`"],
    ),
    (
        |folder| configure(folder, |config| config["hidden_size"] = json!("48")),
        &["config.json", "hidden_size: invalid type: string \"48\""],
    ),
    (
        |folder| configure(folder, |config| config["vocab_size"] = json!(500)),
        &["config.json", "vocab_size is 500", "model.embed_tokens.weight", "512 rows"],
    ),
    (
        |folder| configure(folder, |config| config["num_hidden_layers"] = json!(60_000)),
        &["config.json", "num_hidden_layers is 60000, but there are 20 tensors"],
    ),
    (
        |folder| configure(folder, |config| config["num_hidden_layers"] = json!(1 << 20)),
        &["config.json", "num_hidden_layers is 1048576, beyond any model"],
    ),
    (
        |folder| {
            configure(folder, |config| {
                config["model_type"] = json!("llama4_text");
                config["num_hidden_layers"] = json!(1_u64 << 40);
                config["moe_layers"] = json!([]);
            });
        },
        &["config.json", "num_hidden_layers is 1099511627776, beyond any model"],
    ),
    (endless, &["config.json", "it is a pipe, socket or device, not a file"]),
    (|folder| put(folder, "config.json", b"oops"), &["config.json", "it is not JSON", "line 1"]),
    (|folder| put(folder, "config.json", b"{\"\xff\"}"), &["config.json", "UTF-8"]),
    (|folder| remove(folder, "tokenizer.json"), &["checkpoint is not", "neither tokenizer.json nor tokenizer.model"]),
    (|folder| put(folder, "tokenizer.json", b"{}"), &["checkpoint/tokenizer.json"]),
    (|folder| remove(folder, "model.safetensors"), &["neither model.safetensors nor model.safetensors.index.json"]),
    (no_number, &["checkpoint", "of tensor \"", "is NaN"]),
    (truncated, &["checkpoint/model.safetensors", "the file holds"]),
    (other_shape, &["down_proj.weight", "has shape [128, 48]", "requires [48, 128]"]),
    (missing_shard, &["model.safetensors.index.json", "it names \"b.safetensors\", which is not beside it"]),
    (|folder| put(folder, "tokenizer_config.json", b"[1"), &["checkpoint/tokenizer_config.json"]),
    (|folder| template(folder, "{% for %}"), &["checkpoint/tokenizer_config.json", "syntax error", "line 1"]),
];

#[test]
fn damage_is_told_by_file_and_key() {
    let bench = Bench::new();
    let whole = checkpoint(&bench);
    for (damage, parts) in DAMAGES {
        let folder = bench.path("damaged/checkpoint");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        for file in fs::read_dir(&whole).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), folder.join(file.file_name())).unwrap();
        }
        damage(&folder);
        let finished = import(&bench, folder.to_str().unwrap()).expect_code(3).expect_stderr(parts);
        assert!(!finished.stderr.contains("partial"), "a path that is gone again: {}", finished.stderr);
        assert!(fs::read_dir(bench.path("cache/models")).unwrap().next().is_none(), "{parts:?}");
    }
    import(&bench, &whole).expect_code(0);
}

fn no_number(folder: &Path) {
    let path = folder.join("model.safetensors");
    let mut bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 4;
    bytes[last..].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(path, bytes).unwrap();
}

fn truncated(folder: &Path) {
    fs::File::options().write(true).open(folder.join("model.safetensors")).unwrap().set_len(5000).unwrap();
}

/// Exchanges the rows and columns of a matrix, in the header only.
fn other_shape(folder: &Path) {
    let path = folder.join("model.safetensors");
    let bytes = fs::read(&path).unwrap();
    let (length, rest) = bytes.split_at(8);
    let (header, data) = rest.split_at(u64::from_le_bytes(length.try_into().unwrap()) as usize);
    let mut header: Value = serde_json::from_slice(header).unwrap();
    header["model.layers.0.mlp.down_proj.weight"]["shape"] = json!([128, 48]);
    let header = header.to_string().into_bytes();
    fs::write(path, [&(header.len() as u64).to_le_bytes(), header.as_slice(), data].concat()).unwrap();
}

fn missing_shard(folder: &Path) {
    fs::rename(folder.join("model.safetensors"), folder.join("a.safetensors")).unwrap();
    let index = json!({"weight_map": {"model.norm.weight": "a.safetensors", "lm_head.weight": "b.safetensors"}});
    fs::write(folder.join("model.safetensors.index.json"), index.to_string()).unwrap();
}

fn template(folder: &Path, source: &str) {
    fs::write(folder.join("tokenizer_config.json"), json!({"chat_template": source}).to_string()).unwrap();
}

/// A template is an untrusted program, with limits.
#[test]
fn templates_that_fail_or_never_end_are_refused() {
    let bench = Bench::new();
    let folder = checkpoint(&bench);
    import(&bench, &folder).expect_code(0);
    let rows = bench.write("talks.jsonl", "{\"id\": \"a\", \"turns\": [\"Hello\"]}\n");
    let file = "tokenizer_config.json";
    for (source, part) in [
        ("{{ raise_exception('no system role') }}", "no system role"),
        ("{% for i in range(100000000) %}{{ i }}{% endfor %}", "range has too many elements"),
        ("{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}", "recursion limit"),
        ("{% block b %}{{ self.b() }}{% endblock %}", "recursion limit"),
        // The template engine has no limit for the size of texts and lists.
        ("{% set n = namespace(s='ab') %}{% for i in range(60) %}{% set n.s = n.s ~ n.s %}{% endfor %}", "not usable"),
        ("{% set n = namespace(s=[1]) %}{% for i in range(60) %}{% set n.s = n.s + n.s %}{% endfor %}", "not usable"),
    ] {
        template(Path::new(&folder), source);
        let finished = bench.pocketwatt(&["model", "import", &folder, "--name", "other"]);
        finished.expect_code(3).expect_stderr(&["checkpoint/tokenizer_config.json", part]);
        // A template that was put into the library by hand.
        bench.replace("mine", file, &json!({"chat_template": source}).to_string());
        for scenario in ["chat", &rows] {
            let code = if scenario == "chat" || part == "not usable" { 3 } else { 5 };
            run(&bench, scenario).expect_code(code).expect_stderr(&[file, part]);
        }
    }
}

#[test]
fn a_template_that_refuses_some_conversations_writes_the_others() {
    let bench = Bench::new();
    let folder = checkpoint(&bench);
    let source = "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}{{ messages[0].content }}";
    template(Path::new(&folder), source);
    import(&bench, &folder).expect_code(0);
    run(&bench, "chat").expect_code(3).expect_stderr(&["tokenizer_config.json", "no system role"]);
    let rows = bench.write("talks.jsonl", "{\"id\": \"a\", \"turns\": [\"Hello\"]}\n");
    run(&bench, &rows).expect_code(0);
}

/// Like Llama 2's.
#[test]
fn what_a_template_does_to_earlier_answers_is_told_beside_the_numbers() {
    let bench = Bench::new();
    let folder = checkpoint(&bench);
    let source = "{% for m in messages %}{% if m.role == 'assistant' %}{{ ' ' + m.content.strip() + ' </s>' }}{% else %}\
                  {{ '<s>[INST] ' + m.content + ' [/INST]' }}{% endif %}{% endfor %}";
    template(Path::new(&folder), source);
    let told = "writes \" \" before an earlier answer";
    import(&bench, &folder).expect_code(0).expect_stderr(&[told]);
    let measured = run(&bench, "chat").expect_code(0);
    // The table breaks its lines.
    let words = measured.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(&format!("text mine: its chat template {told}")), "{words}");
    let shown = bench.pocketwatt(&["show", "--format", "json"]).expect_code(0);
    let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
    assert!(shown["cases"][0]["remarks"][0].as_str().unwrap().contains(told), "{shown}");
    let fed = bench.pocketwatt(&["model", "tokens", "mine", "--scenario", "chat,api-call"]).expect_code(0);
    let fed: Value = serde_json::from_str(&fed.stdout).unwrap();
    let prompts = fed[0]["conversations"][0]["prompts"].as_array().unwrap();
    assert!(prompts.len() == 3 && prompts.iter().all(|prompt| !prompt.as_array().unwrap().is_empty()), "{fed}");
    assert_eq!(fed[1]["scenario"], "api-call");
}

fn run(bench: &Bench, scenario: &str) -> Finished {
    let arguments = ["run", "--backend", "fake", "--model", "mine", "--no-probe", "--iterations", "1"];
    bench.pocketwatt(&[&arguments[..], &["--scenario", scenario]].concat())
}
