//! What a model is, for every backend alike: a folder with `config.json`, `model.safetensors` (f32) and, for text,
//! `tokenizer.json`. All backends read the same weight file, or the same file rounded from it; ONNX graphs refer to it.

mod config;
mod config_json;
mod error;
mod folder;
#[cfg(feature = "tokenizer")]
mod import;
mod json;
mod library;
mod manifest;
mod onnx;
pub mod precision;
mod preset;
#[cfg(any(test, feature = "reference"))]
pub mod reference;
mod rope;
mod seeded;
mod staging;
#[cfg(feature = "tokenizer")]
mod text;
pub mod variant;
mod weight_writer;
mod weights;

pub use config::{AttentionTemperature, ModelConfig, TensorSpec};
pub use error::ModelError;
pub use folder::{ModelFolder, sha256_of_file, sha256_of_opened};
#[cfg(feature = "tokenizer")]
pub use import::{import, import_known_as, import_origin, read_source};
pub use json::quote_words;
pub use library::{LibraryEntry, ModelLibrary, check_name};
pub use manifest::{ModelManifest, ModelOrigin};
pub use onnx::write_graph;
pub use preset::Preset;
pub use rope::{Llama3Scaling, RopeScaling, YarnScaling};
pub use seeded::{generate_seeded, generate_seeded_in};
#[cfg(feature = "tokenizer")]
pub use text::{ChatTemplate, TextEnd, TextTokenizer, process as text_process, text_remarks};
pub use weights::{TensorLocation, WeightFile};
