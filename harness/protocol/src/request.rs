use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::IterationKind;

/// An entry of the model's vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct TokenId(pub u32);

/// The one line that the harness writes to a runner's standard input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// [`crate::PROTOCOL_VERSION`] of the harness.
    pub protocol: u32,
    /// What to load.
    pub model: ModelFiles,
    /// How to load it.
    pub options: LoadOptions,
    /// What to do once it is loaded.
    pub task: Task,
    /// Whether standard input is a socket to which the runner writes one byte, of any value, whenever a phase begins or
    /// ends, so that energy meters are read at that moment. A runner that does not is measured all the same; its phases
    /// are then cut out of regular readings, and their energy is less certain.
    pub phase_edges: bool,
}

/// One model folder, and the graph written from it for engines that read graphs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelFiles {
    /// The folder with `config.json` and `model.safetensors`.
    pub folder: PathBuf,
    /// The weights in the precision that is asked for: `model.safetensors` itself, or a file of codes and scales that
    /// was made from it and lies beside it.
    pub weights: PathBuf,
    /// SHA-256 of that file in lower-case hexadecimal, as the harness verified it.
    pub weights_sha256: String,
    /// The ONNX graph to load; absent for an engine that builds the model from the weights itself.
    pub graph: Option<GraphFile>,
}

/// An ONNX graph beside the weights that it refers to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GraphFile {
    /// Which of our graphs it is: decides its inputs and outputs.
    pub kind: GraphKind,
    /// The `.onnx` file, in the model folder (external data may not leave the graph's folder).
    pub path: PathBuf,
    /// SHA-256 of the file in lower-case hexadecimal.
    pub sha256: String,
}

/// The ONNX graphs that the model crate writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GraphKind {
    /// Only operators of ONNX opset 17; every engine that reads ONNX loads it. The cache grows by concatenation.
    Opset17,
    /// ONNX opset 23: Attention, RMSNormalization and RotaryEmbedding as single operators.
    Opset23,
    /// ONNX Runtime's own operators: GroupQueryAttention on a cache buffer shared by past and present.
    Onnxruntime,
}

impl GraphKind {
    /// All kinds, in the order in which they are documented.
    pub const ALL: [GraphKind; 3] = [GraphKind::Opset17, GraphKind::Opset23, GraphKind::Onnxruntime];

    /// The name used on the command line and in records.
    pub fn name(self) -> &'static str {
        match self {
            GraphKind::Opset17 => "opset17",
            GraphKind::Opset23 => "opset23",
            GraphKind::Onnxruntime => "onnxruntime",
        }
    }
}

/// The number format in which weights are held and multiplied. METHODOLOGY.md says what each of them rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// 32-bit floating point throughout.
    F32,
    /// IEEE 754 half precision: weights, activations and cache.
    F16,
    /// Brain floating point, 8 bits of exponent and 8 of significand: weights, activations and cache.
    Bf16,
    /// Weights in 8 bits with a scale for each block of 32, symmetric; activations as the engine's kernel wants them.
    Int8,
    /// Weights in 8 bits with a scale for each output, symmetric, and activations in 8 bits between the least and the
    /// greatest of each token (arXiv 2402.14905, section 4.3).
    W8a8,
    /// Weights in 4 bits with a scale for each block of 32, symmetric, embedding and head included; activations as the
    /// engine's kernel wants them.
    Int4,
}

impl Precision {
    /// All of them, from the finest to the coarsest.
    pub const ALL: [Precision; 6] =
        [Precision::F32, Precision::F16, Precision::Bf16, Precision::Int8, Precision::W8a8, Precision::Int4];

    /// The name used on the command line and in records.
    pub fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::F16 => "f16",
            Precision::Bf16 => "bf16",
            Precision::Int8 => "int8",
            Precision::W8a8 => "w8a8",
            Precision::Int4 => "int4",
        }
    }
}

/// How a backend loads a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoadOptions {
    /// Threads that compute, 1 or more.
    pub threads: u32,
    /// Number format of weights and activations.
    pub precision: Precision,
    /// Positions (prompt and output together) that a session must hold; a fixed-size cache is this long.
    pub context_tokens: u32,
}

/// What a runner does with the loaded model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "task", rename_all = "kebab-case")]
pub enum Task {
    /// Measured generation.
    Generate(Workload),
    /// Logits of a given text, for conformance. Not timed.
    Score(ScoreTask),
}

/// Conversations to generate, one in each iteration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// What iterations generate, one conversation each, in order and from the beginning again after the last. Warm-up and
    /// counted iterations each begin with the first. Never empty. The key-value cache is kept between the turns of a
    /// conversation, and is empty at its beginning.
    pub conversations: Vec<Vec<Turn>>,
    /// Tokens that end an answer; empty when every answer has its full length.
    pub stop_tokens: Vec<TokenId>,
    /// The bytes of each token of the vocabulary, where a turn has a grammar: the path of a JSON array of hexadecimal strings,
    /// empty for tokens without text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_bytes: Option<PathBuf>,
    /// Iterations that are run and reported first, but not counted.
    pub warmup_iterations: u32,
    /// What these run, where it is not the conversations. Left out where it is: a runner that does not know it refuses the request
    /// rather than to warm up in another way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warmup: Option<Vec<Turn>>,
    /// Smallest number of iterations that are counted.
    pub iterations: u32,
    /// The counted iterations together last at least this many milliseconds: further ones are added until they do. 0 for
    /// exactly `iterations`. Slow energy meters need it.
    pub at_least_ms: u64,
    /// Pause before each counted iteration, in milliseconds, so that meters and clocks settle.
    pub settle_ms: u64,
}

impl Workload {
    /// Which conversation the iteration with this number among those of its kind runs, both counted from 0.
    pub fn conversation(&self, kind: IterationKind, number: u32) -> usize {
        match (kind, &self.warmup) {
            (IterationKind::Warmup, Some(_)) => 0,
            _ => number as usize % self.conversations.len().max(1),
        }
    }

    /// The turns of that conversation.
    pub fn requested(&self, kind: IterationKind, conversation: usize) -> &[Turn] {
        match (kind, &self.warmup) {
            (IterationKind::Warmup, Some(turns)) => turns,
            _ => self.conversations.get(conversation).map_or(&[], Vec::as_slice),
        }
    }
}

/// One prompt and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    /// Tokens appended to the context before the answer; never empty.
    pub prompt: Vec<TokenId>,
    /// Most tokens to generate, 0 for a prefill alone.
    pub max_output_tokens: u32,
    /// The grammar of the answer, in the Lark dialect of llguidance. Where the answer is complete, a stop token may end it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grammar: Option<String>,
}

/// Asks for the logits after a prompt and after each further token of a fixed text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScoreTask {
    /// The text.
    pub tokens: Vec<TokenId>,
    /// How many of them are processed at once; the others follow one by one. At least 1.
    pub prompt_tokens: u32,
    /// Where to write the logits: little-endian f32, one row of vocabulary size per forward pass, that is
    /// `tokens.len() - prompt_tokens + 1` rows.
    pub logits_path: PathBuf,
}
