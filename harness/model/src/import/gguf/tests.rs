mod parts;
mod positions;
mod texts;

use std::{fs, path::PathBuf};

use half::f16;
use proptest::prelude::*;

use super::*;
use crate::{ChatTemplate, ModelFolder, ModelManifest, Preset, TextTokenizer, generate_seeded, import, sha256_of_file};

/// Builds a GGUF file.
struct Writer {
    keys: Vec<(String, Vec<u8>)>,
    tensors: Vec<(String, Vec<u64>, u32, Vec<u8>)>,
}

impl Writer {
    fn text(bytes: &mut Vec<u8>, text: &str) {
        bytes.extend((text.len() as u64).to_le_bytes());
        bytes.extend(text.as_bytes());
    }

    fn set(&mut self, key: &str, kind: u32, value: &[u8]) {
        let mut bytes = kind.to_le_bytes().to_vec();
        bytes.extend(value);
        self.keys.retain(|(known, _)| known != key);
        self.keys.push((key.into(), bytes));
    }

    fn set_number(&mut self, key: &str, value: u32) {
        self.set(key, 4, &value.to_le_bytes());
    }

    fn set_text(&mut self, key: &str, value: &str) {
        let mut bytes = Vec::new();
        Self::text(&mut bytes, value);
        self.set(key, 8, &bytes);
    }

    fn set_texts(&mut self, key: &str, values: &[String]) {
        let mut bytes = 8_u32.to_le_bytes().to_vec();
        bytes.extend((values.len() as u64).to_le_bytes());
        for value in values {
            Self::text(&mut bytes, value);
        }
        self.set(key, 9, &bytes);
    }

    /// The header, and the position at which the data begins.
    fn finish(&self) -> (Vec<u8>, usize) {
        let mut bytes = b"GGUF".to_vec();
        bytes.extend(3_u32.to_le_bytes());
        bytes.extend((self.tensors.len() as u64).to_le_bytes());
        bytes.extend((self.keys.len() as u64).to_le_bytes());
        for (key, value) in &self.keys {
            Self::text(&mut bytes, key);
            bytes.extend(value);
        }
        let mut offset = 0_u64;
        for (name, shape, format, data) in &self.tensors {
            Self::text(&mut bytes, name);
            bytes.extend((shape.len() as u32).to_le_bytes());
            shape.iter().rev().for_each(|size| bytes.extend(size.to_le_bytes()));
            bytes.extend(format.to_le_bytes());
            bytes.extend(offset.to_le_bytes());
            offset = (offset + data.len() as u64).next_multiple_of(32);
        }
        let start = bytes.len().next_multiple_of(32);
        bytes.resize(start, 0);
        for (.., data) in &self.tensors {
            bytes.extend(data);
            bytes.resize(bytes.len().next_multiple_of(32), 0);
        }
        (bytes, start)
    }
}

struct Fixture {
    root: tempfile::TempDir,
    seeded: ModelFolder,
    writer: Writer,
}

impl Fixture {
    /// The tiny model, as llama.cpp's converter would write it.
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let config = Preset::find("tiny").unwrap().config();
        let seeded = generate_seeded(&config, "tiny", 42, &root.path().join("tiny")).unwrap();
        let mut writer = Writer { keys: Vec::new(), tensors: Vec::new() };
        writer.set_text("general.architecture", "llama");
        for (key, value) in [
            ("block_count", config.layers),
            ("embedding_length", config.hidden),
            ("feed_forward_length", config.ffn),
            ("context_length", config.context),
            ("attention.head_count", config.heads),
            ("attention.head_count_kv", config.kv_heads),
            ("rope.dimension_count", config.head_dim),
        ] {
            writer.set_number(&format!("llama.{key}"), value as u32);
        }
        writer.set("llama.attention.layer_norm_rms_epsilon", 6, &1e-5_f32.to_le_bytes());
        writer.set("llama.rope.freq_base", 6, &10_000_f32.to_le_bytes());
        writer.set_text("tokenizer.ggml.model", "gpt2");
        writer.set_text("tokenizer.ggml.pre", "smollm");
        writer.set_number("tokenizer.ggml.bos_token_id", 1);
        writer.set_number("tokenizer.ggml.eos_token_id", 2);
        writer.set_text("tokenizer.chat_template", "{% for m in messages %}<s>{{ m.content }}</s>{% endfor %}");
        let tokenizer: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(seeded.path().join("tokenizer.json")).unwrap()).unwrap();
        let (tokens, kinds, merges) = vocabulary(&tokenizer);
        writer.set_texts("tokenizer.ggml.tokens", &tokens);
        writer.set_texts("tokenizer.ggml.merges", &merges);
        let mut types = 5_u32.to_le_bytes().to_vec();
        types.extend((kinds.len() as u64).to_le_bytes());
        kinds.iter().for_each(|kind| types.extend(kind.to_le_bytes()));
        writer.set("tokenizer.ggml.token_type", 9, &types);
        let weights = seeded.weights().unwrap();
        for tensor in config.tensors() {
            let mut values = weights.read_f32(&tensor.name).unwrap();
            if tensor.name.ends_with("q_proj.weight") || tensor.name.ends_with("k_proj.weight") {
                values = permuted(&values, config.head_dim, config.hidden);
            }
            let data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            let shape = tensor.shape.iter().map(|&size| size as u64).collect();
            writer.tensors.push((gguf_name(&tensor.name).unwrap(), shape, 0, data));
        }
        Self { root, seeded, writer }
    }

    fn put(&self, bytes: &[u8]) -> PathBuf {
        let path = self.root.path().join("tiny.gguf");
        fs::write(&path, bytes).unwrap();
        path
    }

    fn import(&self) -> Result<ModelFolder, ModelError> {
        import(&self.put(&self.writer.finish().0), "mine", &self.root.path().join("mine"))
    }

    fn refusal(&self) -> String {
        let error = self.import().unwrap_err();
        assert!(!self.root.path().join("mine").exists(), "nothing half-made stays behind");
        error.to_string()
    }
}

fn vocabulary(tokenizer: &serde_json::Value) -> (Vec<String>, Vec<i32>, Vec<String>) {
    let vocabulary = tokenizer["model"]["vocab"].as_object().unwrap();
    let mut tokens: Vec<(u64, String)> =
        vocabulary.iter().map(|(token, id)| (id.as_u64().unwrap(), token.clone())).collect();
    tokens.sort();
    let special: Vec<u64> =
        tokenizer["added_tokens"].as_array().unwrap().iter().map(|token| token["id"].as_u64().unwrap()).collect();
    let mut all: Vec<String> = (0..512).map(|id| format!("filler{id}")).collect();
    for (id, token) in tokens {
        all[id as usize] = token;
    }
    let kinds = (0..512).map(|id| if special.contains(&id) { 3 } else { 1 }).collect();
    let merges = tokenizer["model"]["merges"].as_array().unwrap();
    let merges = merges
        .iter()
        .map(|merge| match merge.as_str() {
            Some(text) => text.to_owned(),
            None => format!("{} {}", merge[0].as_str().unwrap(), merge[1].as_str().unwrap()),
        })
        .collect();
    (all, kinds, merges)
}

/// As `permute` in llama.cpp's converter: `reshape(heads, 2, half, width).swapaxes(1, 2)`.
fn permuted(values: &[f32], head_dim: usize, width: usize) -> Vec<f32> {
    let half = head_dim / 2;
    let mut out = Vec::new();
    for head in values.chunks(head_dim * width) {
        for pair in 0..half {
            for part in 0..2 {
                let row = part * half + pair;
                out.extend_from_slice(&head[row * width..(row + 1) * width]);
            }
        }
    }
    out
}

#[test]
fn weights_and_text_come_out_as_they_went_in() {
    let fixture = Fixture::new();
    let imported = fixture.import().unwrap();
    assert_eq!(imported.config(), fixture.seeded.config());
    let config = fs::read_to_string(imported.path().join("config.json")).unwrap();
    assert!(config.contains("LlamaForCausalLM") && !config.contains("mobilellm"), "{config}");
    let manifest = ModelManifest::read(&imported).unwrap();
    assert_eq!(manifest.weights_sha256, ModelManifest::read(&fixture.seeded).unwrap().weights_sha256);
    assert_eq!(manifest.origin_text(), "imported from tiny.gguf (GGUF F32)");
    let tokenizer = TextTokenizer::open(&imported).unwrap();
    let text = "Der Preis: 1234 € für zwei.";
    let tokens = tokenizer.encode(text).unwrap();
    assert_eq!(tokenizer.decode(&tokens).unwrap(), text);
    assert_eq!(tokenizer.encode("<s>").unwrap().len(), 1, "special tokens are recognised");
    let template = ChatTemplate::open(&imported).unwrap();
    assert!(!template.is_default());
    assert_eq!(template.segments(None, &[], &["Hi".into()]).unwrap(), ["<s>Hi</s>"]);
}

#[test]
fn quantised_tensors_are_widened() {
    let mut fixture = Fixture::new();
    let name = "blk.0.ffn_down.weight";
    let tensor = fixture.writer.tensors.iter_mut().find(|(tensor, ..)| tensor == name).unwrap();
    let blocks = tensor.1.iter().product::<u64>() as usize / 32;
    // Q8_0: every block has the scale 0.5 and the codes -16 to 15.
    let codes = (-16..16).map(|code: i8| code as u8);
    tensor.2 = 8;
    tensor.3 = f16::from_f32(0.5).to_le_bytes().into_iter().chain(codes).cycle().take(blocks * 34).collect();
    let imported = fixture.import().unwrap();
    let values = imported.weights().unwrap().read_f32("model.layers.0.mlp.down_proj.weight").unwrap();
    let expected: Vec<f32> = (0..values.len()).map(|index| (index % 32) as f32 * 0.5 - 8.0).collect();
    assert_eq!(values, expected);
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let refused = |change: &dyn Fn(&mut Writer)| {
        let mut fixture = Fixture::new();
        change(&mut fixture.writer);
        fixture.refusal()
    };
    assert!(refused(&|file| file.set_text("general.architecture", "mamba")).contains("\"mamba\""));
    assert!(refused(&|file| file.set_text("llama.rope.scaling.type", "longrope")).contains("longrope"));
    assert!(
        refused(&|file| file.set_text("tokenizer.ggml.model", "bert")).contains("tokenizer.ggml.model is \"bert\"")
    );
    assert!(refused(&|file| file.set_text("tokenizer.ggml.pre", "odd")).contains("\"odd\""));
    assert!(
        refused(&|file| file.set_number("llama.attention.head_count", 5)).contains("not a multiple of the 5 heads")
    );
    assert!(refused(&|file| file.set_number("llama.block_count", 3)).contains("model.layers.2"));
    let absurd = refused(&|file| file.set_number("llama.block_count", 4_000_000_000));
    assert!(absurd.contains("4000000000"), "{absurd}");
    assert!(refused(&|file| file.set_number("llama.feed_forward_length", 64)).contains("shape"));
    assert!(refused(&|file| file.set_number("tokenizer.ggml.eos_token_id", 512)).contains("512"));
    assert!(refused(&|file| file.tensors[0].2 = 99).contains("format number 99"));
    assert!(refused(&|file| file.tensors[0].2 = 16).contains("the format IQ2_XXS; F32, F16"));
    assert!(refused(&|file| file.tensors[3].0 = "blk.0.attn_q.bias".into()).contains("attn_q.bias"));
    assert!(refused(&|file| file.keys.retain(|(key, _)| key != "llama.block_count")).contains("llama.block_count"));
    assert!(refused(&|file| file.tensors[0].3.truncate(32)).contains("overlap"));
}

/// As llama.cpp's `quantize` of August 2023 wrote them.
#[test]
fn the_zero_that_ends_a_text_in_c_is_no_part_of_it() {
    let mut fixture = Fixture::new();
    let clean = fixture.import().unwrap();
    let (config, weights) = (clean.config().clone(), sha256_of_file(&clean.weights_path()).unwrap());
    let writer = &mut fixture.writer;
    writer.set_text("general.architecture", "llama\0");
    writer.set_text("tokenizer.ggml.model", "gpt2\0");
    writer.keys.iter_mut().for_each(|(key, _)| key.push('\0'));
    writer.tensors.iter_mut().for_each(|(name, ..)| name.push('\0'));
    let bytes = fixture.writer.finish().0;
    let imported = import(&fixture.put(&bytes), "other", &fixture.root.path().join("other")).unwrap();
    assert_eq!((imported.config(), sha256_of_file(&imported.weights_path()).unwrap()), (&config, weights));
}

/// Llama 3 takes a word in the vocabulary as a whole, whatever the merges give.
#[test]
fn whole_words_come_before_merges_where_llama_cpp_says_so() {
    for (cut, is_whole) in [("llama-bpe", true), ("llama3", true), ("llama-v3", true), ("gpt-2", false)] {
        let mut fixture = Fixture::new();
        let tokenizer = fs::read_to_string(fixture.seeded.path().join("tokenizer.json")).unwrap();
        let (mut tokens, _, mut merges) = vocabulary(&serde_json::from_str(&tokenizer).unwrap());
        // In place of the result of the last merge.
        *tokens.last_mut().unwrap() = "\u{120}mountainhut".into();
        merges.pop();
        fixture.writer.set_texts("tokenizer.ggml.tokens", &tokens);
        fixture.writer.set_texts("tokenizer.ggml.merges", &merges);
        fixture.writer.set_text("tokenizer.ggml.pre", cut);
        let tokens = TextTokenizer::open(&fixture.import().unwrap()).unwrap().encode(" mountainhut").unwrap();
        assert_eq!(tokens.len() == 1, is_whole, "{cut}: {tokens:?}");
    }
}

#[test]
fn a_file_that_ends_early_is_refused_wherever_it_ends() {
    let fixture = Fixture::new();
    let (bytes, start) = fixture.writer.finish();
    let header_ends = (0..400).chain((400..start).step_by(97));
    for end in header_ends.chain([start, start + 1, bytes.len() - 32]) {
        let path = fixture.put(&bytes[..end]);
        let error = GgufModel::open(&path).err().unwrap().to_string();
        assert!(error.contains("tiny.gguf is not valid"), "{end}: {error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    #[test]
    fn a_lying_header_never_panics_or_takes_all_memory(changes in prop::collection::vec((0_usize..3000, any::<u8>()), 1..6)) {
        thread_local! {
            static FIXTURE: (Fixture, Vec<u8>) = { let fixture = Fixture::new(); let bytes = fixture.writer.finish().0; (fixture, bytes) };
        }
        FIXTURE.with(|(fixture, bytes)| {
            let mut bytes = bytes.clone();
            for (at, value) in changes {
                bytes[at] = value;
            }
            if let Ok(model) = GgufModel::open(&fixture.put(&bytes)) {
                let _ = model.texts();
            }
        });
    }
}
