//! Matrices in blocks of 32 weights, as candle holds them: GGML's Q4_0 and Q8_0, from the codes of the weight file.

use std::{borrow::Cow, sync::Arc};

use anyhow::ensure;
use candle_core::{
    Device, Module, Result, Tensor,
    quantized::{GgmlDType, QMatMul, QStorage, QTensor},
};
use half::f16;
use pocketwatt_model::{
    WeightFile,
    precision::{BLOCK, CODES, SCALES},
};
use pocketwatt_protocol::Precision;

/// Bytes of a block's scale.
const SCALE_BYTES: usize = 2;
/// From this many positions on, weights are converted to f32 before they are multiplied, see [`Blocks::times`].
const MANY_POSITIONS: usize = 4;
/// Weights that are converted to f32 at a time: they stay in the second-level cache until they are multiplied.
const PANEL_WEIGHTS: usize = 1 << 17;
/// On every processor, the number of rows that candle's matrix product takes at a time divides this: with other panels, each
/// would end in a slow remainder.
const ROWS_AT_A_TIME: usize = 48;

/// A matrix `[out, in]`.
pub struct Blocks {
    tensor: Arc<QTensor>,
    product: QMatMul,
    rows: usize,
    columns: usize,
}

impl Blocks {
    /// The named matrices of the file, stacked by rows, in the precision int8 or int4.
    pub fn read(file: &WeightFile, names: &[impl AsRef<str>], precision: Precision) -> anyhow::Result<Self> {
        let mut bytes = Vec::new();
        let (mut rows, mut columns) = (0, 0);
        for name in names {
            let name = name.as_ref();
            let codes = file.read_bytes(&format!("{name}{CODES}"))?;
            let scales = file.read_f32(&format!("{name}{SCALES}"))?;
            let shape = &file.tensor(&format!("{name}{SCALES}"))?.shape;
            ensure!(shape.len() == 2, "{name} is not a matrix");
            rows += shape[0];
            columns = shape[1] * BLOCK;
            let code_bytes = codes.len() / scales.len().max(1);
            bytes.reserve_exact(scales.len() * (SCALE_BYTES + code_bytes));
            for (codes, scale) in codes.chunks(code_bytes).zip(&scales) {
                bytes.extend(f16::from_f32(*scale).to_le_bytes());
                if precision == Precision::Int4 {
                    bytes.extend(halves_apart(codes));
                } else {
                    bytes.extend(codes.iter().map(|code| code.wrapping_sub(128)));
                }
            }
        }
        let format = if precision == Precision::Int4 { GgmlDType::Q4_0 } else { GgmlDType::Q8_0 };
        let storage = QStorage::from_data(Cow::Borrowed(&bytes), &Device::Cpu, format)?;
        let tensor = Arc::new(QTensor::new(storage, (rows, columns))?);
        Ok(Self { product: QMatMul::from_arc(Arc::clone(&tensor))?, tensor, rows, columns })
    }

    /// The rows `tokens` in f32.
    pub fn rows(&self, tokens: &Tensor) -> Result<Tensor> {
        self.tensor.embedding(tokens)
    }

    /// `x [positions, in]` times the transposed matrix.
    ///
    /// A few positions go through candle's product of blocks, which rounds `x` to 8 bits in blocks of its own. It takes
    /// one position at a time, so a prompt would be no faster than the same number of tokens one by one. Many
    /// positions therefore multiply f32 weights, which are made one panel at a time while they are in the cache.
    pub fn times(&self, x: &Tensor) -> Result<Tensor> {
        if x.dim(0)? < MANY_POSITIONS {
            return self.product.forward(x);
        }
        let data = self.tensor.data()?;
        let panel_rows = (PANEL_WEIGHTS / self.columns).next_multiple_of(ROWS_AT_A_TIME).min(self.rows);
        let row_bytes = self.columns / BLOCK * self.tensor.dtype().type_size();
        let parts: Vec<Tensor> = data
            .chunks(panel_rows * row_bytes)
            .map(|panel| {
                let rows = panel.len() / row_bytes;
                let weights = Tensor::from_vec(self.dequantised(panel), (rows, self.columns), &Device::Cpu)?;
                x.matmul(&weights.t()?)
            })
            .collect::<Result<_>>()?;
        Tensor::cat(&parts, 1)
    }

    fn dequantised(&self, bytes: &[u8]) -> Vec<f32> {
        let block_bytes = self.tensor.dtype().type_size();
        let mut all = Vec::with_capacity(bytes.len() / block_bytes * BLOCK);
        for block in bytes.chunks(block_bytes) {
            let mut weights = [0.0; BLOCK];
            let (scale, codes) = block.split_at(SCALE_BYTES);
            let scale = f16::from_le_bytes([scale[0], scale[1]]).to_f32();
            if let Some(codes) = codes.as_array::<{ BLOCK / 2 }>() {
                let (low, high) = weights.split_at_mut(BLOCK / 2);
                for ((code, low), high) in codes.iter().zip(low).zip(high) {
                    *low = f32::from((code & 15).cast_signed() - 8) * scale;
                    *high = f32::from((code >> 4).cast_signed() - 8) * scale;
                }
            } else {
                for (code, weight) in codes.iter().zip(&mut weights) {
                    *weight = f32::from(code.cast_signed()) * scale;
                }
            }
            all.extend_from_slice(&weights);
        }
        all
    }
}

/// Converts pairs of neighbours, as in the weight file, to bytes with the first half of a block in their low halves and
/// the second in their high halves.
fn halves_apart(codes: &[u8]) -> impl Iterator<Item = u8> {
    let code = |index: usize| codes[index / 2] >> (4 * (index % 2)) & 15;
    (0..BLOCK / 2).map(move |index| code(index) | code(index + BLOCK / 2) << 4)
}
