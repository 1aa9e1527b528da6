//! Weight matrices `[out, in]`, in each precision.

use std::sync::Arc;

use candle_core::{DType, Result, Tensor};
use rayon::prelude::*;

use crate::blocks::Blocks;

/// A matrix.
#[derive(Clone)]
pub enum Matrix {
    /// Numbers.
    Plain(Tensor),
    /// Codes and scales.
    Blocks(Arc<Blocks>),
}

impl Matrix {
    /// `x [positions, in]` times the transposed matrix: `[positions, out]`.
    pub fn times(&self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Plain(weight) => times_plain(x, weight),
            Self::Blocks(blocks) => blocks.times(x),
        }
    }

    /// The format of its inputs and products: its own, or f32 for codes.
    pub fn format(&self) -> DType {
        match self {
            Self::Plain(weight) => weight.dtype(),
            Self::Blocks(_) => DType::F32,
        }
    }

    /// The rows `tokens`.
    pub fn rows(&self, tokens: &Tensor) -> Result<Tensor> {
        match self {
            Self::Plain(weight) => weight.index_select(tokens, 0),
            Self::Blocks(blocks) => blocks.rows(tokens),
        }
    }
}

/// For a single position candle's matrix product runs on one thread, whatever the number of threads, and one core
/// rarely exhausts the memory's bandwidth: then each thread multiplies a range of the weight's rows.
fn times_plain(x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    let threads = rayon::current_num_threads();
    if threads == 1 || x.dim(0)? > 1 {
        return x.matmul(&weight.t()?);
    }
    let rows = weight.dim(0)?;
    let share = rows.div_ceil(threads);
    let parts: Vec<Tensor> = (0..rows)
        .into_par_iter()
        .step_by(share)
        .map(|start| x.matmul(&weight.narrow(0, start, share.min(rows - start))?.t()?))
        .collect::<Result<_>>()?;
    Tensor::cat(&parts, 1)
}
