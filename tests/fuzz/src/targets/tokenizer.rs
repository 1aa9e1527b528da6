use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::OnceLock,
};

use pocketwatt_model::{ModelFolder, TextTokenizer};
use pocketwatt_protocol::TokenId;

use crate::{mutation::Form, scratch, seeds, target::Target};

pub const TARGET: Target = Target {
    name: "tokenizer",
    form: Form::Json(""),
    seeds: || vec![seeds::TOKENIZER.as_bytes().to_vec(), LLAMA.as_bytes().to_vec()],
    words: &[],
    short_runs: 2_000,
    run,
};

/// The tokenizer that a sentencepiece model is converted to.
const LLAMA: &str = r#"{"version":"1.0","truncation":null,"padding":null,"added_tokens":[{"id":1,"content":"</s>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}],"normalizer":{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},{"type":"Replace","pattern":{"String":" "},"content":"▁"}]},"pre_tokenizer":null,"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],"pair":[{"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"B","type_id":1}}],"special_tokens":{"<s>":{"id":"<s>","ids":[0],"tokens":["<s>"]}}},"decoder":{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},{"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]},"model":{"type":"BPE","dropout":null,"unk_token":"<s>","continuing_subword_prefix":null,"end_of_word_suffix":null,"fuse_unk":true,"byte_fallback":true,"ignore_merges":false,"vocab":{"<s>":0,"</s>":1,"H":2,"e":3,"l":4,"▁":5,"He":6,"ll":7},"merges":[["H","e"],["l","l"]]}}"#;

fn run(input: &[u8]) -> bool {
    let folder = folder();
    scratch::file("model/tokenizer.json", input);
    // Panics of the crate `tokenizers` itself are known and, in the program, only end a process of their own.
    catch_unwind(AssertUnwindSafe(|| try_out(folder))).unwrap_or(false)
}

fn try_out(folder: &ModelFolder) -> bool {
    let Ok(tokenizer) = TextTokenizer::open(folder) else { return false };
    let vocabulary = folder.config().vocabulary;
    for text in ["Hello", " He\u{301}llo\u{2581} <s>\u{0}\n\n\u{1f469}", ""] {
        let Ok(tokens) = tokenizer.encode(text) else { continue };
        assert!(tokens.iter().all(|TokenId(token)| (*token as usize) < vocabulary), "a token without an embedding");
        let _ = tokenizer.decode(&tokens);
    }
    let all: Vec<TokenId> = (0..vocabulary as u32 + 1).map(TokenId).collect();
    let _ = tokenizer.decode(&all);
    if let Ok(bytes) = tokenizer.token_bytes() {
        assert!(bytes.len() <= vocabulary);
    }
    true
}

/// A model whose tokenizer is replaced.
pub fn folder() -> &'static ModelFolder {
    static FOLDER: OnceLock<ModelFolder> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = scratch::empty("model");
        scratch::file("model/config.json", seeds::CONFIG.as_bytes());
        scratch::file("model/model.safetensors", &seeds::weights());
        ModelFolder::open(&folder).unwrap()
    })
}
