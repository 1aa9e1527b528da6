//! The cache of ONNX Runtime's own operators: one buffer for all positions, which a run reads as the past and extends
//! in place as the present.

use anyhow::{Context, Result};
use ort::{
    memory::Allocator,
    session::{IoBinding, Session as OrtSession},
    value::Tensor,
};
use pocketwatt_model::ModelConfig;
use pocketwatt_protocol::TokenId;
use pocketwatt_runner::{Session, check_tokens};

use crate::graph::cache_names;

pub(crate) struct SharedSession<'a> {
    session: &'a mut OrtSession,
    config: &'a ModelConfig,
    capacity: usize,
    length: usize,
    /// Holds the cache.
    binding: IoBinding,
    tokens: Tensor<i64>,
    last_position: Tensor<i32>,
    total_length: Tensor<i32>,
}

impl<'a> SharedSession<'a> {
    pub(crate) fn new(session: &'a mut OrtSession, config: &'a ModelConfig, capacity: usize) -> Result<Self> {
        let allocator = Allocator::default();
        let mut binding = session.create_binding()?;
        for (past, present) in cache_names(config) {
            let mut buffer = Tensor::<f32>::new(&allocator, [1, config.kv_heads, capacity, config.head_dim])?;
            // Touches every page now, rather than in the first measured prefill.
            buffer.extract_tensor_mut().1.fill(0.0);
            // This does not copy: a tensor that the engine allocated is shared with the binding.
            binding.bind_input(past, &buffer)?;
            binding.bind_output(present, buffer)?;
        }
        binding.bind_output("logits", Tensor::<f32>::new(&allocator, [1, config.vocabulary])?)?;
        Ok(Self {
            session,
            config,
            capacity,
            length: 0,
            binding,
            tokens: Tensor::new(&allocator, [1_usize, 1])?,
            last_position: Tensor::new(&allocator, [1_usize])?,
            total_length: Tensor::new(&allocator, [0_usize; 0])?,
        })
    }
}

impl Session for SharedSession<'_> {
    fn forward(&mut self, tokens: &[TokenId], logits: &mut Vec<f32>) -> Result<()> {
        check_tokens(tokens, self.length, self.capacity, self.config.vocabulary)?;
        let total = self.length + tokens.len();
        if self.tokens.shape().num_elements() != tokens.len() {
            self.tokens = Tensor::new(&Allocator::default(), [1, tokens.len()])?;
        }
        for (to, token) in self.tokens.extract_tensor_mut().1.iter_mut().zip(tokens) {
            *to = i64::from(token.0);
        }
        self.last_position.extract_tensor_mut().1.fill(total as i32 - 1);
        self.total_length.extract_tensor_mut().1.fill(total as i32);
        // Binding tells the engine that the contents have changed.
        self.binding.bind_input("input_ids", &self.tokens)?;
        self.binding.bind_input("seqlens_k", &self.last_position)?;
        self.binding.bind_input("total_sequence_length", &self.total_length)?;
        let outputs = self.session.run_binding(&self.binding)?;
        let last = outputs.get("logits").context("the graph returned no logits")?;
        logits.clear();
        logits.extend_from_slice(last.try_extract_tensor::<f32>()?.1);
        self.length = total;
        Ok(())
    }

    fn len(&self) -> usize {
        self.length
    }

    /// The contents of the buffers are overwritten before they are read.
    fn reset(&mut self) -> Result<()> {
        self.length = 0;
        Ok(())
    }

    /// ONNX Runtime computes on the processor before a run returns.
    fn synchronize(&mut self) -> Result<()> {
        Ok(())
    }

    fn kv_cache_bytes(&self) -> u64 {
        self.capacity as u64 * self.config.kv_bytes_per_token()
    }
}
