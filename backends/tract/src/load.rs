//! From an ONNX graph to a plan that can run.

use std::{path::Path, sync::Arc};

use anyhow::{Context, Result, ensure};
use tract_onnx::{
    onnx,
    prelude::*,
    tract_core::{optim::Optimizer, runtime::RunOptions, transform::get_transform},
};
// Registers the transform below.
use tract_transformers as _;

use crate::{blocks, fold::FoldWeights, pack::PackWeights, read::WeightReader, threads::Threads};

/// Makes the key-value cache a state of the plan, and recognises rotary positions and masked softmax in plain operators.
const TRANSFORM: &str = "transformers_detect_all";

/// The remaining inputs once the cache is state, in the order in which a session passes them.
pub const INPUTS: [&str; 2] = ["input_ids", "position_ids"];

/// Reads the graph, and the weights that it refers to.
pub fn read(graph: &Path) -> Result<InferenceModel> {
    let mut onnx = onnx();
    onnx.provider = Arc::new(WeightReader);
    blocks::register(&mut onnx);
    let mut file = onnx.proto_model_for_path(graph).with_context(|| format!("cannot read {}", graph.display()))?;
    blocks::rewrite(file.graph.as_mut().with_context(|| format!("{} holds no graph", graph.display()))?);
    let folder = graph.parent().and_then(Path::to_str);
    let parsed = onnx.parse(&file, folder).with_context(|| format!("cannot read {}", graph.display()))?;
    ensure!(parsed.unresolved_inputs.is_empty(), "{} has no {:?}", graph.display(), parsed.unresolved_inputs);
    Ok(parsed.model)
}

/// Turns it into a plan.
pub fn prepare(parsed: InferenceModel, threads: &Threads) -> Result<Arc<TypedRunnableModel>> {
    let mut model = parsed.into_typed()?.into_decluttered()?;
    let transform = get_transform(TRANSFORM)?.with_context(|| format!("this tract has no transform {TRANSFORM}"))?;
    transform.transform(&mut model)?;
    model.declutter()?;
    ensure_folded(&model)?;

    let mut optimizer = Optimizer::codegen();
    let lowering = optimizer.passes.iter().position(|pass| format!("{pass:?}").contains("codegen"));
    let lowering = lowering.context("this tract's optimizer has no pass called codegen")?;
    optimizer.add_pass(lowering + 1, Box::new(FoldWeights));
    optimizer.add_pass(lowering + 2, Box::new(PackWeights));
    model.optimize_with_session(&mut optimizer.session())?;

    let options = RunOptions { executor: Some(threads.executor()), ..RunOptions::default() };
    TypedSimplePlan::new_with_options(model, &options)
}

/// Checks that the cache is state: as an input, it would be copied in and out at every token.
fn ensure_folded(model: &TypedModel) -> Result<()> {
    let names: Vec<&str> = model.inputs.iter().map(|input| model.node(input.node).name.as_str()).collect();
    ensure!(
        names == INPUTS && model.outputs.len() == 1,
        "it left the inputs {names:?} and {} outputs after folding the key-value cache, expected {INPUTS:?} and the \
         logits",
        model.outputs.len()
    );
    Ok(())
}
