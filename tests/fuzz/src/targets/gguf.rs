use pocketwatt_model::read_source;

use crate::{mutation::Form, scratch, seeds, target::Target};

pub const TARGET: Target = Target {
    name: "gguf",
    form: Form::Gguf,
    seeds: || vec![seed(32, &merges(), &[]), seed(1, &merges(), &[]), seed(32, &pieces(), &["rope_freqs.weight"])],
    words: &[
        "GGUF",
        "general.architecture",
        "general.alignment",
        "llama.block_count",
        "llama.embedding_length",
        "llama.feed_forward_length",
        "llama.context_length",
        "llama.attention.head_count",
        "llama.attention.head_count_kv",
        "llama.attention.key_length",
        "llama.attention.value_length",
        "llama.rope.dimension_count",
        "llama.attention.layer_norm_rms_epsilon",
        "llama.rope.freq_base",
        "llama.rope.scaling.type",
        "llama.rope.scaling.factor",
        "llama.rope.scaling.attn_factor",
        "llama.rope.scaling.original_context_length",
        "llama.rope.scale_linear",
        "rope_freqs.weight",
        "linear",
        "yarn",
        "llama.expert_count",
        "split.no",
        "split.count",
        "split.tensors.count",
        "tokenizer.ggml.model",
        "tokenizer.ggml.pre",
        "tokenizer.ggml.tokens",
        "tokenizer.ggml.merges",
        "tokenizer.ggml.token_type",
        "tokenizer.ggml.scores",
        "tokenizer.ggml.bos_token_id",
        "tokenizer.ggml.unknown_token_id",
        "tokenizer.ggml.add_bos_token",
        "tokenizer.ggml.add_space_prefix",
        "tokenizer.chat_template",
        "tokenizer.chat_template.tool_use",
        "default",
        "tekken",
        "falcon",
        "smollm",
        "llama-bpe",
        "gpt2",
        "token_embd.weight",
        "blk.0.attn_q.weight",
        "output_norm.weight",
        "\0\0\0\u{1}\0\0\0\0",
        "\u{7f}\0\0\0\0\0\0\0",
    ],
    short_runs: 10_000,
    run,
};

fn run(input: &[u8]) -> bool {
    let path = scratch::file("model.gguf", input);
    let Ok((config, texts)) = read_source(&path) else { return false };
    config.validate().expect("what was read is valid");
    assert!(config.weight_bytes() > 0);
    // Every text comes from the file.
    let bytes: usize = texts.iter().map(|(_, text)| text.len()).sum();
    assert!(bytes < 16_384 + 64 * input.len(), "{bytes} bytes of text from {}", input.len());
    true
}

type Keys = Vec<(&'static str, Vec<u8>)>;

/// A byte-level vocabulary.
fn merges() -> Keys {
    let tokens = ["<s>", "</s>", "H", "e", "l", "o", "He", "ll"];
    vec![
        ("tokenizer.ggml.model", value_of(8, &text("gpt2"))),
        ("tokenizer.ggml.pre", value_of(8, &text("smollm"))),
        ("tokenizer.ggml.tokens", list(8, tokens.iter().map(|token| text(token)))),
        ("tokenizer.ggml.merges", list(8, ["H e", "l l"].iter().map(|merge| text(merge)))),
        (
            "tokenizer.ggml.token_type",
            list(5, [3_i32, 3, 1, 1, 1, 1, 1, 1].iter().map(|kind| kind.to_le_bytes().into())),
        ),
    ]
}

/// A sentencepiece vocabulary.
fn pieces() -> Keys {
    let tokens = ["<s>", "</s>", "<unk>", "\u{2581}", "H", "e", "He", "\u{2581}He"];
    let scores = [0.0_f32, 0.0, 0.0, -4.0, -5.0, -6.0, -1.0, -2.0];
    vec![
        ("tokenizer.ggml.model", value_of(8, &text("llama"))),
        ("tokenizer.ggml.tokens", list(8, tokens.iter().map(|token| text(token)))),
        ("tokenizer.ggml.scores", list(6, scores.iter().map(|score| score.to_le_bytes().into()))),
        (
            "tokenizer.ggml.token_type",
            list(5, [3_i32, 3, 2, 1, 1, 1, 1, 1].iter().map(|kind| kind.to_le_bytes().into())),
        ),
        ("tokenizer.ggml.add_space_prefix", value_of(7, &[1])),
        ("llama.rope.scaling.type", value_of(8, &text("linear"))),
        ("llama.rope.scaling.factor", value_of(6, &4_f32.to_le_bytes())),
    ]
}

/// The model of [`seeds::CONFIG`] as llama.cpp's converter would write it, with a vocabulary, and `further` tensors of one
/// number.
fn seed(alignment: usize, vocabulary: &Keys, further: &[&str]) -> Vec<u8> {
    let config = seeds::config();
    let number = |value: usize| value_of(4, &(value as u32).to_le_bytes());
    let mut keys = vec![
        ("general.architecture", value_of(8, &text("llama"))),
        ("general.alignment", number(alignment)),
        ("llama.block_count", number(config.layers)),
        ("llama.embedding_length", number(config.hidden)),
        ("llama.feed_forward_length", number(config.ffn)),
        ("llama.context_length", number(config.context)),
        ("llama.attention.head_count", number(config.heads)),
        ("llama.attention.head_count_kv", number(config.kv_heads)),
        ("llama.attention.layer_norm_rms_epsilon", value_of(6, &1e-5_f32.to_le_bytes())),
        ("llama.rope.freq_base", value_of(6, &10_000_f32.to_le_bytes())),
        ("tokenizer.ggml.bos_token_id", number(0)),
        ("tokenizer.ggml.eos_token_id", number(1)),
    ];
    keys.extend_from_slice(vocabulary);

    let mut tensors: Vec<(String, Vec<usize>)> =
        config.tensors().into_iter().map(|tensor| (name(&tensor.name), tensor.shape)).collect();
    tensors.extend(further.iter().map(|tensor| ((*tensor).to_owned(), vec![1])));
    let mut bytes = b"GGUF".to_vec();
    bytes.extend(3_u32.to_le_bytes());
    bytes.extend((tensors.len() as u64).to_le_bytes());
    bytes.extend((keys.len() as u64).to_le_bytes());
    for (key, value) in keys {
        bytes.extend(text(key));
        bytes.extend(value);
    }
    let mut data: Vec<u8> = Vec::new();
    for (name, shape) in tensors {
        bytes.extend(text(&name));
        bytes.extend((shape.len() as u32).to_le_bytes());
        shape.iter().rev().for_each(|size| bytes.extend((*size as u64).to_le_bytes()));
        bytes.extend(0_u32.to_le_bytes());
        bytes.extend((data.len() as u64).to_le_bytes());
        let ones = 1_f32.to_le_bytes().repeat(shape.iter().product());
        data.extend(ones);
        data.resize(data.len().next_multiple_of(alignment), 0);
    }
    bytes.resize(bytes.len().next_multiple_of(alignment), 0);
    [bytes, data].concat()
}

/// The name of a tensor in such files.
fn name(tensor: &str) -> String {
    let names = [
        ("model.embed_tokens", "token_embd"),
        ("model.norm", "output_norm"),
        ("model.layers.", "blk."),
        ("self_attn.q_proj", "attn_q"),
        ("self_attn.k_proj", "attn_k"),
        ("self_attn.v_proj", "attn_v"),
        ("self_attn.o_proj", "attn_output"),
        ("post_attention_layernorm", "ffn_norm"),
        ("input_layernorm", "attn_norm"),
        ("mlp.gate_proj", "ffn_gate"),
        ("mlp.up_proj", "ffn_up"),
        ("mlp.down_proj", "ffn_down"),
    ];
    names.iter().fold(tensor.to_owned(), |name, (theirs, ours)| name.replace(theirs, ours))
}

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat()
}

fn value_of(kind: u32, value: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes(), value].concat()
}

fn list(kind: u32, elements: impl ExactSizeIterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut bytes = value_of(9, &kind.to_le_bytes());
    bytes.extend((elements.len() as u64).to_le_bytes());
    elements.for_each(|element| bytes.extend(element));
    bytes
}
