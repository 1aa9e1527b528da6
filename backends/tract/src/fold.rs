//! Computes what products of codes need from the weights once.
//!
//! They need signed codes, and the sum of each column. Tract computes such constants while it optimises, except where
//! the weights have another use or a result is above 4 MiB (`CONST_FOLD_MEM_BUDGET`). It would convert, widen to 70 MiB, add up
//! and pack the output head of 125M, which is also the embedding, again at every token.

use tract_onnx::{
    prelude::*,
    tract_core::{
        ops::{cast::Cast, konst::Const, nn::Reduce},
        optim::{OptimizerSession, TypedPass},
    },
    tract_hir::internal::*,
};

/// The operator that makes codes signed.
const SIGN: &str = "OffsetU8asI8";

/// The optimizer's pass that computes signed codes and sums of weights.
#[derive(Clone, Debug)]
pub struct FoldWeights;

impl TypedPass for FoldWeights {
    fn reset(&mut self) -> TractResult<()> {
        Ok(())
    }

    fn next(&mut self, _: &mut OptimizerSession, model: &TypedModel) -> TractResult<Option<TypedModelPatch>> {
        for node in &model.nodes {
            let Some(result) = result(model, node).with_context(|| format!("computing {}", node.name))? else {
                continue;
            };
            let mut patch = TypedModelPatch::new("constant of the weights");
            let constant = patch.wire_node(&node.name, Const::new(result)?, &[])?[0];
            patch.shunt_outside(model, node.id.into(), constant)?;
            return Ok(Some(patch));
        }
        Ok(None)
    }
}

/// The output of `node`, if it is computed here. The widened codes are freed when it returns.
fn result(model: &TypedModel, node: &TypedNode) -> TractResult<Option<Arc<Tensor>>> {
    let Some(input) = node.inputs.first().map(|input| model.node(input.node)) else { return Ok(None) };
    if node.op.name() == SIGN {
        return constant(input).map(|codes| evaluated(node, codes)).transpose();
    }
    if !node.op_is::<Reduce>() || !input.op_is::<Cast>() {
        return Ok(None);
    }
    let codes = constant(model.node(input.inputs[0].node));
    codes.map(|codes| evaluated(node, evaluated(input, codes)?)).transpose()
}

fn constant(node: &TypedNode) -> Option<Arc<Tensor>> {
    node.op_as::<Const>().map(|constant| Arc::clone(constant.val()))
}

fn evaluated(node: &TypedNode, input: Arc<Tensor>) -> TractResult<Arc<Tensor>> {
    let mut outputs = node.op.eval(&EvalContext::out_of_plan(), tvec![input.into_tvalue()])?;
    Ok(outputs.remove(0).into_arc_tensor())
}
