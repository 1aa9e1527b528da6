//! Packs weights into the layout of the matrix kernels once.
//!
//! Tract's kernels read weights in panels. By itself, tract folds `pack(constant)` only where the constant has a single
//! consumer or is below 4 MiB (`CONST_FOLD_MEM_BUDGET`). The tied embedding, which is also the output head, and every
//! large matrix of a layer-shared model have several, so they would be packed again at every token: 95 ms a token
//! instead of 37 for 125M. And tract folds what it folds all at once, with all weights in memory twice.

use std::collections::BTreeMap;

use anyhow::Context;
use tract_linalg::{
    block_quant::BlockQuantStorage,
    mmm::{MMMInputValue, PackedMatrixStorage},
};
use tract_onnx::{
    prelude::*,
    tract_core::{
        dyn_clone::clone_box,
        ops::{
            array::Gather,
            konst::Const,
            matmul::pack::{OptMatMulPack, OptSimpleMatMulPack},
        },
        optim::{OptimizerSession, TypedPass},
    },
    tract_hir::internal::*,
};

/// The optimizer's pass that packs constants; it runs after the pass that requests packing.
///
/// Constants are packed one after the other, and each is freed before the next: the peak is the weights and one matrix.
/// Consumers of the same panels share them, and so does the embedding's lookup, which can read a row out of
/// panels.
#[derive(Clone, Debug)]
pub struct PackWeights;

impl TypedPass for PackWeights {
    fn reset(&mut self) -> TractResult<()> {
        Ok(())
    }

    fn next(&mut self, _: &mut OptimizerSession, _: &TypedModel) -> TractResult<Option<TypedModelPatch>> {
        Ok(None)
    }

    fn run_direct(&mut self, model: &mut TypedModel) -> TractResult<bool> {
        let mut packs: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for node in &model.nodes {
            let packs_weights = node.op_is::<OptMatMulPack>() || node.op_is::<OptSimpleMatMulPack>();
            if packs_weights && model.node(node.inputs[0].node).op_is::<Const>() {
                packs.entry(node.inputs[0].node).or_default().push(node.id);
            }
        }
        for (constant, packs) in &packs {
            pack(model, *constant, packs).with_context(|| format!("packing {}", model.node(*constant).name))?;
        }
        Ok(!packs.is_empty())
    }
}

/// Replaces the nodes `packs`, which pack `constant`, by constants.
fn pack(model: &mut TypedModel, constant: usize, packs: &[usize]) -> TractResult<()> {
    let raw = value_of(model, constant)?;
    let mut made: Vec<(Box<dyn TypedOp>, Arc<Tensor>)> = Vec::new();
    for &pack in packs {
        let node = &model.nodes[pack];
        let op = node.op.clone();
        let packed = match made.iter().find(|(other, _)| *other == op) {
            Some((_, packed)) => Arc::clone(packed),
            None => evaluated(op.as_ref(), &raw)?,
        };
        made.push((op, Arc::clone(&packed)));
        let format = node.outputs[0].fact.exotic_fact.clone();
        let replacement = Const::new_with_opt_exotic_fact(packed, format)?;
        disconnect(model, constant, pack);
        let node = &mut model.nodes[pack];
        node.outputs[0].fact = replacement.output_facts(&[])?.remove(0);
        node.op = Box::new(replacement);
        node.inputs.clear();
    }
    for (_, packed) in &made {
        share_with_lookups(model, &raw, packed)?;
    }
    drop((raw, made));
    free_if_unused(model, constant);
    Ok(())
}

fn value_of(model: &TypedModel, constant: usize) -> TractResult<Arc<Tensor>> {
    Ok(Arc::clone(model.nodes[constant].op_as::<Const>().context("not a constant")?.val()))
}

fn evaluated(op: &dyn TypedOp, raw: &Arc<Tensor>) -> TractResult<Arc<Tensor>> {
    let mut outputs = op.eval(&EvalContext::out_of_plan(), tvec![Arc::clone(raw).into_tvalue()])?;
    Ok(outputs.remove(0).into_arc_tensor())
}

/// Lets the lookups of rows in `raw` read `packed`, where its panels allow that.
fn share_with_lookups(model: &mut TypedModel, raw: &Arc<Tensor>, packed: &Tensor) -> TractResult<()> {
    let Some(panels) = readable_panels(raw, packed) else { return Ok(()) };
    for lookup in 0..model.nodes.len() {
        let node = &model.nodes[lookup];
        let Some(Gather { axis: 0, .. }) = node.op_as::<Gather>() else { continue };
        let table = node.inputs[0].node;
        if !value_of(model, table).is_ok_and(|value| same_weights(&value, raw)) {
            continue;
        }
        let data_type = raw.datum_type();
        let format = clone_box(panels.exotic_fact());
        let tensor = PackedMatrixStorage::new(panels.clone()).into_tensor(data_type);
        let shared = Const::new_with_exotic_fact(tensor.into_arc_tensor(), format)?;
        let fact = shared.output_facts(&[])?;
        let name = format!("{}.panels", model.nodes[lookup].name);
        disconnect(model, table, lookup);
        model.nodes[lookup].op = Box::new(Gather { axis: 0, output_type: Some(data_type) });
        let shared = model.add_node(name, shared, fact)?;
        model.add_edge(OutletId::new(shared, 0), InletId::new(lookup, 0))?;
        free_if_unused(model, table);
    }
    Ok(())
}

/// Whether two constants are the same memory. Several constants of different shapes may share blocks.
fn same_weights(one: &Arc<Tensor>, other: &Arc<Tensor>) -> bool {
    let blocks =
        |tensor: &Arc<Tensor>| tensor.storage_as::<BlockQuantStorage>().map(|storage| Arc::clone(storage.value()));
    Arc::ptr_eq(one, other) || blocks(one).zip(blocks(other)).is_some_and(|(one, other)| Arc::ptr_eq(&one, &other))
}

/// The panels of a whole matrix `[rows, columns]`, if rows can be read out of them. Tract's formats may refuse, and a
/// transposed one would give columns, so this tries the first and the last row.
fn readable_panels(raw: &Tensor, packed: &Tensor) -> Option<Box<dyn MMMInputValue>> {
    let (&[rows, columns] | &[1, rows, columns]) = raw.shape() else { return None };
    let [panels] = packed.storage_as::<PackedMatrixStorage>()?.values() else { return None };
    if (panels.mn(), panels.k()) != (rows, columns) {
        return None;
    }
    let ends = [0, rows.checked_sub(1)?];
    let f32_row = |index: usize, row: &mut [f32]| panels.extract_at_mn_f32(index, row);
    let readable = match (raw.storage_as::<BlockQuantStorage>(), raw.datum_type()) {
        (Some(blocks), DatumType::F32) => ends.map(|index| {
            let right = numbers(blocks, index, columns);
            equals(right.as_deref(), columns, |row| f32_row(index, row))
        }),
        (None, DatumType::F32) => {
            ends.map(|index| equals(plain_row(raw, index, columns), columns, |row| f32_row(index, row)))
        }
        (None, DatumType::F16) => ends
            .map(|index| equals(plain_row(raw, index, columns), columns, |row| panels.extract_at_mn_f16(index, row))),
        _ => return None,
    };
    (readable == [true, true]).then(|| panels.clone())
}

/// Row `index` of a matrix of numbers.
fn plain_row<T: Datum>(raw: &Tensor, index: usize, columns: usize) -> Option<&[T]> {
    raw.as_plain_ram()?.as_slice::<T>().ok()?.get(index * columns..(index + 1) * columns)
}

/// Row `index` of a matrix of blocks.
fn numbers(blocks: &BlockQuantStorage, index: usize, columns: usize) -> Option<Vec<f32>> {
    let (weights, bytes) = (blocks.format().block_len(), blocks.format().block_bytes());
    let row_bytes = columns / weights * bytes;
    let codes = blocks.value().get(index * row_bytes..(index + 1) * row_bytes)?;
    let mut row = vec![0.0; columns];
    for (codes, row) in codes.chunks(bytes).zip(row.chunks_mut(weights)) {
        blocks.format().dequant_block_f32(codes, row);
    }
    Some(row)
}

/// Whether `extract` gives `right`.
fn equals<T: Datum + Default + PartialEq>(
    right: Option<&[T]>,
    columns: usize,
    extract: impl FnOnce(&mut [T]) -> TractResult<()>,
) -> bool {
    let mut row = vec![T::default(); columns];
    extract(&mut row).is_ok() && right == Some(&row)
}

fn disconnect(model: &mut TypedModel, constant: usize, consumer: usize) {
    model.nodes[constant].outputs[0].successors.retain(|successor| successor.node != consumer);
}

/// Drops a constant that nothing reads any more. The node itself is removed at the end of the pass.
fn free_if_unused(model: &mut TypedModel, constant: usize) {
    if model.nodes[constant].outputs[0].successors.is_empty() && !model.outputs.contains(&constant.into()) {
        let dummy = model.create_dummy();
        let node = &mut model.nodes[constant];
        node.op = dummy;
        node.outputs[0].fact.konst = None;
    }
}
