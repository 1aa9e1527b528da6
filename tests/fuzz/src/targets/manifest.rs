use std::path::{Component, Path};

use pocketwatt_model::ModelManifest;

use crate::{mutation::Form, scratch, target::Target};

pub const TARGET: Target = Target {
    name: "manifest",
    form: Form::Json(""),
    seeds: || [IMPORTED, SEEDED].map(|text| text.as_bytes().to_vec()).into(),
    words: &[],
    short_runs: 4_000,
    run,
};

const IMPORTED: &str = r#"{"format_version":1,"name":"mine","origin":{"kind":"imported","source":"model.gguf","format":"GGUF Q4_1","sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},"weight_bytes":0,"weights_sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","config_sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","tokenizer_sha256":null,"other_sha256":{"chat_template.jinja":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}}"#;
const SEEDED: &str = r#"{"format_version":1,"name":"tiny","origin":{"kind":"seeded","preset":"tiny","seed":42},"weight_bytes":12,"weights_sha256":"00","config_sha256":"11","tokenizer_sha256":"22","other_sha256":{}}"#;

fn run(input: &[u8]) -> bool {
    let folder = scratch::folder();
    scratch::file("pocketwatt.json", input);
    let Ok(manifest) = ModelManifest::read_at(folder) else { return false };
    let _ = manifest.origin_text();
    for (file, _) in manifest.verify_each(folder) {
        let parts: Vec<Component> = Path::new(file).components().collect();
        assert!(matches!(parts[..], [Component::Normal(_)]), "{file:?} leads out of the model's folder");
    }
    let written = scratch::empty("written");
    manifest.write(&written).unwrap();
    assert_eq!(ModelManifest::read_at(&written).expect("what was written is read"), manifest);
    true
}
