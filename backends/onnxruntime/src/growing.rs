//! The cache of the standard graphs: each run returns a longer one, which is the input of the next run.

use anyhow::{Context, Result};
use ort::{
    memory::Allocator,
    session::{Session as OrtSession, SessionInputValue},
    value::Tensor,
};
use pocketwatt_model::ModelConfig;
use pocketwatt_protocol::TokenId;
use pocketwatt_runner::{Session, check_tokens};

/// Inputs before those of the cache: token ids and positions.
const LEADING_INPUTS: usize = 2;

pub(crate) struct GrowingSession<'a> {
    session: &'a mut OrtSession,
    config: &'a ModelConfig,
    capacity: usize,
    length: usize,
    /// In the graph's order. The tensors of the cache are passed from run to run, and never copied.
    inputs: Vec<SessionInputValue<'static>>,
}

impl<'a> GrowingSession<'a> {
    pub(crate) fn new(session: &'a mut OrtSession, config: &'a ModelConfig, capacity: usize) -> Result<Self> {
        let mut this = Self { session, config, capacity, length: 0, inputs: Vec::new() };
        this.reset()?;
        Ok(this)
    }
}

impl Session for GrowingSession<'_> {
    fn forward(&mut self, tokens: &[TokenId], logits: &mut Vec<f32>) -> Result<()> {
        check_tokens(tokens, self.length, self.capacity, self.config.vocabulary)?;
        let positions = self.length..self.length + tokens.len();
        set(&mut self.inputs[0], tokens.iter().map(|token| i64::from(token.0)))?;
        set(&mut self.inputs[1], positions.map(|position| position as i64))?;
        let outputs = self.session.run(self.inputs.as_slice())?;
        let mut outputs = outputs.into_iter();
        let (_, last) = outputs.next().context("the graph returned nothing")?;
        logits.clear();
        logits.extend_from_slice(last.try_extract_tensor::<f32>()?.1);
        for (input, (_, present)) in self.inputs[LEADING_INPUTS..].iter_mut().zip(outputs) {
            *input = present.into();
        }
        self.length += tokens.len();
        Ok(())
    }

    fn len(&self) -> usize {
        self.length
    }

    fn reset(&mut self) -> Result<()> {
        let allocator = Allocator::default();
        self.inputs.clear();
        for _ in 0..LEADING_INPUTS {
            self.inputs.push(Tensor::<i64>::new(&allocator, [1_usize, 1])?.into());
        }
        for _ in 0..2 * self.config.executed_layers() {
            let empty = [1, self.config.kv_heads, 0, self.config.head_dim];
            self.inputs.push(Tensor::<f32>::new(&allocator, empty)?.into());
        }
        self.length = 0;
        Ok(())
    }

    /// ONNX Runtime computes on the processor before a run returns.
    fn synchronize(&mut self) -> Result<()> {
        Ok(())
    }

    /// The size between two runs; during a run, the old and the new cache exist at once.
    fn kv_cache_bytes(&self) -> u64 {
        self.length as u64 * self.config.kv_bytes_per_token()
    }
}

/// Fills an input `[1, n]`, in place if it has that length already.
fn set(input: &mut SessionInputValue<'static>, values: impl ExactSizeIterator<Item = i64>) -> Result<()> {
    if let SessionInputValue::Owned(tensor) = input {
        let (_, present) = tensor.try_extract_tensor_mut::<i64>()?;
        if present.len() == values.len() {
            for (to, value) in present.iter_mut().zip(values) {
                *to = value;
            }
            return Ok(());
        }
    }
    let values: Vec<i64> = values.collect();
    *input = Tensor::from_array(([1, values.len()], values))?.into();
    Ok(())
}
