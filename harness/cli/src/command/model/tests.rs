use std::fs;

use clap::Parser;

use super::{verify::verify_model, *};

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    model: ModelArguments,
}

#[derive(Parser)]
struct Cache {
    #[command(flatten)]
    cache: CacheArguments,
}

/// Runs `pocketwatt model` with `line` on the library below `root`.
fn model(root: &Path, line: &str) -> Result<()> {
    let cache = root.to_str().unwrap();
    let words = ["model"].into_iter().chain(line.split_whitespace()).chain(["--cache", cache]);
    run(Arguments::try_parse_from(words).unwrap().model)
}

fn refusal(root: &Path, line: &str) -> String {
    let error = model(root, line).unwrap_err();
    assert!(crate::refusal::is_refusal(&error), "{error}");
    error.to_string()
}

fn listed(root: &Path) -> String {
    list(&ModelLibrary::open(root).list().unwrap())
}

#[test]
fn the_list_tells_what_is_there_and_what_could_be() {
    let root = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(listed(root.path()), @r#"
    presets, not generated yet (pocketwatt model generate NAME)
      name               parameters       size  what it is
      tiny                   74.0 k    289 KiB  for tests: 2 layers, 3 heads, seconds to run
      tiny-ls                74.0 k    289 KiB  for tests: tiny with each block run twice
      tiny-r1                98.6 k    385 KiB  for tests: 3 layers with QK norm, one of them without rotary positions
      tiny-llama3            74.0 k    289 KiB  for tests: tiny with rotary positions scaled as Llama 3.2's
      mobilellm-125m        124.6 M    475 MiB  MobileLLM 125M
      mobilellm-ls-125m     124.6 M    475 MiB  MobileLLM-LS 125M: each of the 30 blocks runs twice
      mobilellm-350m        345.4 M   1317 MiB  MobileLLM 350M
      mobilellm-ls-350m     345.4 M   1317 MiB  MobileLLM-LS 350M: each of the 32 blocks runs twice
      mobilellm-600m        603.2 M   2301 MiB  MobileLLM 600M
      mobilellm-1b          1.005 G   3836 MiB  MobileLLM 1B
      mobilellm-1.5b        1.511 G   5765 MiB  MobileLLM 1.5B
      mobilellm-r1-140m     140.2 M    535 MiB  MobileLLM-R1 140M: QK norm
      mobilellm-r1-360m     359.4 M   1371 MiB  MobileLLM-R1 360M: QK norm
      mobilellm-r1-950m     949.7 M   3623 MiB  MobileLLM-R1 950M: QK norm
      smollm2-135m          134.5 M    513 MiB  SmolLM2 135M: the blocks of MobileLLM 125M
      smollm2-360m          361.8 M   1380 MiB  SmolLM2 360M: the blocks of MobileLLM 350M
      smollm2-1.7b          1.711 G   6528 MiB  SmolLM2 1.7B
      tinyllama-1.1b        1.100 G   4196 MiB  TinyLlama 1.1B
      llama-3.2-1b          1.236 G   4714 MiB  Llama 3.2 1B: scaled positions
      llama-2-7b            6.738 G  25705 MiB  Llama 2 7B, with which MobileLLM is compared: use int4
    "#);
    model(root.path(), "generate tiny --seed 7").unwrap();
    model(root.path(), "generate tiny-ls --name mine").unwrap();
    fs::write(root.path().join("models/mine/config.json"), "{}").unwrap();
    let list = listed(root.path()).replace(root.path().to_str().unwrap(), "ROOT");
    insta::assert_snapshot!(list.lines().take(7).collect::<Vec<_>>().join("\n"), @r#"
    models
      name  parameters     size  origin
      mine           -        -  damaged: ROOT/models/mine/config.json is not valid: missing field `num_hidden_layers` at line 1 column 2
      tiny      74.0 k  289 KiB  seeded weights (seed 7)

    presets, not generated yet (pocketwatt model generate NAME)
      name               parameters       size  what it is
    "#);
}

#[test]
fn the_same_model_is_kept_and_another_is_replaced_only_by_force() {
    let root = tempfile::tempdir().unwrap();
    let manifest = || fs::read_to_string(root.path().join("models/tiny/pocketwatt.json")).unwrap();
    let modified = || fs::metadata(root.path().join("models/tiny/model.safetensors")).unwrap().modified().unwrap();
    model(root.path(), "generate tiny").unwrap();
    let (first, written) = (manifest(), modified());
    model(root.path(), "generate tiny").unwrap();
    assert_eq!((manifest(), modified()), (first.clone(), written), "kept");

    insta::assert_snapshot!(refusal(root.path(), "generate tiny --seed 43"), @r#"there is a model "tiny" already (seeded weights (seed 42)): give this one another --name, or replace that one with --force"#);
    assert_eq!(manifest(), first);
    model(root.path(), "generate tiny --seed 43 --force").unwrap();
    assert!(manifest().contains("\"seed\": 43"));
    let models: Vec<_> = fs::read_dir(root.path().join("models")).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(models, ["tiny"], "nothing else stays behind");
}

#[test]
fn a_model_is_imported_under_the_name_of_its_folder() {
    let root = tempfile::tempdir().unwrap();
    model(root.path(), "generate tiny").unwrap();
    let source = root.path().join("My Model.v2");
    fs::rename(root.path().join("models/tiny"), &source).unwrap();
    let library = ModelLibrary::open(root.path());
    assert_eq!(name_of(&source).unwrap(), "my-model.v2");
    let import = |name: Option<&str>| {
        import(&ImportArguments {
            source: source.clone(),
            place: PlaceArguments { name: name.map(str::to_owned), force: false },
            cache: Cache::try_parse_from(["model", "--cache", root.path().to_str().unwrap()]).unwrap().cache,
        })
    };
    import(None).unwrap();
    let manifest = ModelManifest::read(&library.find("my-model.v2").unwrap()).unwrap();
    assert!(manifest.origin_text().starts_with("imported from My Model.v2 ("), "{}", manifest.origin_text());
    import(Some("other")).unwrap();
    assert!(import(Some("other")).unwrap_err().to_string().contains("--force"));
    assert!(listed(root.path()).contains("  other "));
}

#[test]
fn verifying_finds_the_file_that_changed() {
    let root = tempfile::tempdir().unwrap();
    model(root.path(), "verify").unwrap();
    model(root.path(), "generate tiny").unwrap();
    model(root.path(), "generate tiny --name other").unwrap();
    model(root.path(), "verify").unwrap();
    fs::write(root.path().join("models/tiny/tokenizer.json"), "{}").unwrap();
    let error = model(root.path(), "verify").unwrap_err().to_string();
    insta::assert_snapshot!(error, @"tiny is not what was made: replace with `pocketwatt model generate` or `import` and --force");
    model(root.path(), "verify other").unwrap();
    let (text, whole) = verify_model(&ModelLibrary::open(root.path()), "tiny").unwrap();
    assert!(!whole);
    insta::assert_snapshot!(text, @r#"
    tiny/model.safetensors: ok
    tiny/config.json: ok
    tiny/tokenizer.json: changed
    tiny/tokenizer_config.json: ok
    "#);
    fs::remove_file(root.path().join("models/tiny/tokenizer_config.json")).unwrap();
    let (text, _) = verify_model(&ModelLibrary::open(root.path()), "tiny").unwrap();
    assert!(text.contains("tiny/tokenizer_config.json: unreadable: "), "{text}");

    // A damaged model does not count as the same one.
    assert!(refusal(root.path(), "generate tiny").contains("already (damaged: "));
    model(root.path(), "generate tiny --force").unwrap();
    model(root.path(), "verify").unwrap();
}

#[test]
fn a_model_is_written_in_the_precision_that_is_asked_for() {
    let root = tempfile::tempdir().unwrap();
    let name = "tiny+dim64+heads4";
    let written = || {
        let entries = fs::read_dir(root.path().join("models").join(name)).unwrap().map(Result::unwrap);
        let names = entries.map(|entry| entry.file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name.ends_with(".safetensors")).collect();
        names.sort();
        names
    };
    model(root.path(), &format!("generate {name} --precision int4")).unwrap();
    assert_eq!(written(), ["model.int4.safetensors"]);
    assert!(listed(root.path()).contains("seeded weights (seed 42), in int4\n"), "{}", listed(root.path()));
    let (text, whole) = verify_model(&ModelLibrary::open(root.path()), name).unwrap();
    assert!(whole);
    insta::assert_snapshot!(text, @r#"
    tiny+dim64+heads4/config.json: ok
    tiny+dim64+heads4/tokenizer.json: ok
    tiny+dim64+heads4/tokenizer_config.json: ok
    tiny+dim64+heads4/model.safetensors: missing; it will be made from the seed when it is needed
    tiny+dim64+heads4/model.int4.safetensors: ok
    "#);

    model(root.path(), &format!("generate {name} --precision int4")).unwrap();
    model(root.path(), &format!("generate {name}")).unwrap();
    assert_eq!(written(), ["model.int4.safetensors", "model.safetensors"]);
    assert!(listed(root.path()).contains("seeded weights (seed 42)\n"), "{}", listed(root.path()));
    let error = refusal(root.path(), "generate tiny --precision int4");
    assert!(error.contains("tiny: int4 rounds blocks of 32 weights"), "{error}");
}

#[test]
fn wrong_names_are_refused() {
    let root = tempfile::tempdir().unwrap();
    assert!(refusal(root.path(), "generate tinny").contains("did you mean \"tiny\"?"));
    assert!(refusal(root.path(), "generate tiny --name ../tiny").contains("cannot be the name of a model"));
    assert!(refusal(root.path(), "verify ../tiny").contains("cannot be the name of a model"));
    assert!(refusal(root.path(), "verify tiny").contains("`pocketwatt model generate tiny` makes it"));
    assert!(refusal(root.path(), "import nowhere.gguf").contains("there is no file or folder nowhere.gguf"));
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
}

#[test]
fn sizes_read_well() {
    let of = |name: &str| size(&Preset::find(name).unwrap().config(), Precision::F32);
    assert_eq!(of("tiny"), "74.0 k parameters, 289 KiB");
    assert_eq!(of("mobilellm-125m"), "124.6 M parameters, 475 MiB");
    assert_eq!(of("mobilellm-1.5b"), "1.511 G parameters, 5765 MiB");
    let llama = Preset::find("llama-2-7b").unwrap().config();
    assert_eq!(size(&llama, Precision::Int4), "6.738 G parameters, 3616 MiB in int4");
}
