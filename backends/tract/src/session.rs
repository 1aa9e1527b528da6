use std::sync::Arc;

use anyhow::{Result, ensure};
use pocketwatt_protocol::TokenId;
use pocketwatt_runner::{Session, check_tokens};
use tract_onnx::{prelude::*, tract_hir::internal::OpState};

use crate::{failure::guarded, threads::Threads};

/// A generation. The key-value cache lives in the states of the plan's operators.
pub struct TractSession<'a> {
    plan: &'a Arc<TypedRunnableModel>,
    threads: &'a Threads,
    state: TypedSimpleState,
    length: usize,
    vocabulary: usize,
    capacity: usize,
}

impl<'a> TractSession<'a> {
    /// A session with an empty cache, for up to `capacity` positions.
    pub fn new(
        plan: &'a Arc<TypedRunnableModel>,
        threads: &'a Threads,
        vocabulary: usize,
        capacity: usize,
    ) -> Result<Self> {
        Ok(Self { plan, threads, state: plan.spawn()?, length: 0, vocabulary, capacity })
    }

    fn run(&mut self, inputs: TVec<TValue>) -> Result<TVec<TValue>> {
        let (threads, state) = (self.threads, &mut self.state);
        guarded("run the graph", || threads.run(|| state.run(inputs)))
    }
}

impl Session for TractSession<'_> {
    fn forward(&mut self, tokens: &[TokenId], logits: &mut Vec<f32>) -> Result<()> {
        check_tokens(tokens, self.length, self.capacity, self.vocabulary)?;
        let ids: Vec<i64> = tokens.iter().map(|token| i64::from(token.0)).collect();
        let end = self.length + tokens.len();
        let positions: Vec<i64> = (self.length as i64..end as i64).collect();
        let shape = [1, tokens.len()];
        let outputs = self.run(tvec![
            Tensor::from_shape(&shape, &ids)?.into_tvalue(),
            Tensor::from_shape(&shape, &positions)?.into_tvalue(),
        ])?;
        ensure!(outputs.len() == 1, "the graph has {} outputs, expected the logits alone", outputs.len());
        let plain = outputs[0].try_as_plain_ram()?;
        let row = plain.as_slice::<f32>()?;
        ensure!(row.len() == self.vocabulary, "the graph returned {} logits for {}", row.len(), self.vocabulary);
        logits.clear();
        logits.extend_from_slice(row);
        self.length = end;
        Ok(())
    }

    fn len(&self) -> usize {
        self.length
    }

    fn reset(&mut self) -> Result<()> {
        self.state = self.plan.spawn()?;
        self.length = 0;
        Ok(())
    }

    /// Tract computes on the processor at once: when `forward` returns there is nothing left to wait for.
    fn synchronize(&mut self) -> Result<()> {
        Ok(())
    }

    /// Bytes of the keys and values that the plan's states hold. On the graph opset17 that is everything allocated,
    /// since the cache is concatenated again at every pass. On opset23 it grows in place, and reserved room, at most as
    /// much again, is not visible from here.
    fn kv_cache_bytes(&self) -> u64 {
        let caches = self.state.op_states.iter().flatten().filter(|state| state.has_init_tensor_fact());
        caches.map(|cache| held_bytes(cache.as_ref())).sum()
    }
}

/// Asks one state at a time, since a state may answer with a copy.
fn held_bytes(cache: &dyn OpState) -> u64 {
    let mut tensors = Vec::new();
    // An empty state has nothing to save, and says so with an error.
    let _ = cache.save_to(&mut tensors);
    tensors.iter().map(|tensor| (tensor.len() * tensor.datum_type().size_of()) as u64).sum()
}
