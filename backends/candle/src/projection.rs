use candle_core::{Result, Tensor};
use rayon::prelude::*;

/// `x [positions, in]` times a weight matrix `[out, in]`.
///
/// For a single position candle's matrix product runs on one thread, whatever the number of threads, and one core
/// rarely exhausts the memory's bandwidth: then each thread multiplies a range of the weight's rows.
pub fn project(x: &Tensor, weight: &Tensor) -> Result<Tensor> {
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
