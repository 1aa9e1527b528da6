use candle_core::{DType, Device, Result, Tensor};
use pocketwatt_model::ModelConfig;

/// Keys and values of all positions, for each execution of a block.
///
/// The buffers are `[capacity, kv_heads, head_dim]`: new positions are one contiguous write, and all positions so far
/// are a view, of which attention reads each head in place.
pub struct KeyValueCache {
    layers: Vec<(Tensor, Tensor)>,
    length: usize,
    capacity: usize,
}

impl KeyValueCache {
    /// An empty cache of numbers in that format. Executions of a shared block have one each, since they see different inputs.
    pub fn new(config: &ModelConfig, format: DType, capacity: usize) -> Result<Self> {
        let buffer = || Tensor::zeros((capacity, config.kv_heads, config.head_dim), format, &Device::Cpu);
        let layers = (0..config.executed_layers()).map(|_| Ok((buffer()?, buffer()?))).collect::<Result<_>>()?;
        Ok(Self { layers, length: 0, capacity })
    }

    /// Positions held.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Positions that fit.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Bytes allocated.
    pub fn bytes(&self) -> u64 {
        let bytes = |buffer: &Tensor| (buffer.elem_count() * buffer.dtype().size_in_bytes()) as u64;
        self.layers.iter().map(|(keys, values)| bytes(keys) + bytes(values)).sum()
    }

    /// Writes the new positions' keys and values after those held, and returns views of all of them. The positions
    /// count once [`KeyValueCache::advance`] is called: every layer of a pass writes at the same place.
    pub fn extend(&mut self, layer: usize, keys: &Tensor, values: &Tensor) -> Result<(Tensor, Tensor)> {
        let (all_keys, all_values) = &self.layers[layer];
        all_keys.slice_set(keys, 0, self.length)?;
        all_values.slice_set(values, 0, self.length)?;
        let end = self.length + keys.dim(0)?;
        Ok((all_keys.narrow(0, 0, end)?, all_values.narrow(0, 0, end)?))
    }

    /// Notes that all layers have written `positions` more.
    pub fn advance(&mut self, positions: usize) {
        self.length += positions;
    }

    /// Forgets all positions. Their numbers stay, and are never read, because views end at the last position written.
    pub fn clear(&mut self) {
        self.length = 0;
    }
}
