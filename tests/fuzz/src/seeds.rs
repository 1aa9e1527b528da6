//! The smallest valid files of a model, as seeds.

use pocketwatt_model::ModelConfig;
use serde_json::json;

/// The configuration of a model with some thirty weights.
pub const CONFIG: &str = r#"{"model_type":"llama","num_hidden_layers":1,"hidden_size":2,"num_attention_heads":1,"num_key_value_heads":1,"head_dim":2,"intermediate_size":1,"vocab_size":8,"max_position_embeddings":16,"rope_theta":10000.0,"rms_norm_eps":1e-05,"hidden_act":"silu","tie_word_embeddings":true,"bos_token_id":0,"eos_token_id":1}"#;

/// A tokenizer with eight tokens.
pub const TOKENIZER: &str = r#"{"version":"1.0","truncation":null,"padding":null,"added_tokens":[{"id":0,"content":"<s>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true},{"id":1,"content":"</s>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}],"normalizer":null,"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true},"post_processor":null,"decoder":{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true},"model":{"type":"BPE","dropout":null,"unk_token":null,"continuing_subword_prefix":null,"end_of_word_suffix":null,"fuse_unk":false,"byte_fallback":false,"ignore_merges":false,"vocab":{"<s>":0,"</s>":1,"H":2,"e":3,"l":4,"o":5,"He":6,"ll":7},"merges":[["H","e"],["l","l"]]}}"#;

/// The model of [`CONFIG`].
pub fn config() -> ModelConfig {
    ModelConfig::from_json(CONFIG).unwrap()
}

/// Its weights as safetensors.
pub fn weights() -> Vec<u8> {
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    for tensor in config().tensors() {
        let from = data.len();
        for index in 0..tensor.elements() {
            data.extend((index as f32).to_le_bytes());
        }
        header.insert(tensor.name, json!({"dtype": "F32", "shape": tensor.shape, "data_offsets": [from, data.len()]}));
    }
    let header = serde_json::Value::from(header).to_string();
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &data].concat()
}
