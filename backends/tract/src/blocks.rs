//! Weights of 4 bits, read into tract's blocks one matrix at a time.
//!
//! Tract reads all initializers of a graph first, and its operators for blocks then turn each into blocks of their own.
//! So all weights would be in memory twice, and the embedding, which is also the output head, four times: 212 MiB for the
//! 67 MiB of 125M. Here the initializers become attributes of nodes that read them when they are built, and nodes that
//! use the same weights share them. The results are those of tract's own operators.

use std::collections::{BTreeSet, HashMap};

use tract_onnx::{
    Onnx,
    model::ParsingContext,
    pb::{AttributeProto, GraphProto, NodeProto, TensorProto},
    prelude::*,
    tract_core::ops::{array::Gather, einsum::EinSum, konst::Const},
    tract_hir::{internal::*, ops::expandable::expand},
};

use tract_linalg::block_quant::{BlockQuant, BlockQuantFact, BlockQuantStorage, Q4_0};

const BITS: i64 = 4;
/// The operators of ONNX Runtime that take blocks, with the positions of codes and scales among their inputs.
const PRODUCT: (&str, usize, usize) = ("MatMulNBits", 1, 2);
const LOOKUP: (&str, usize, usize) = ("GatherBlockQuantized", 0, 2);
/// The operators that replace them here.
const BLOCKS: &str = "Blocks";
const PRODUCT_WITH_BLOCKS: &str = "ProductWithBlocks";
const ROWS_OF_BLOCKS: &str = "RowsOfBlocks";
const CODES: &str = "codes";
const SCALES: &str = "scales";

type Built = TractResult<(Box<dyn InferenceOp>, Vec<String>)>;

/// Teaches `onnx` the operators that [`rewrite`] leaves.
pub fn register(onnx: &mut Onnx) {
    onnx.op_register.insert(BLOCKS, read);
    onnx.op_register.insert(PRODUCT_WITH_BLOCKS, |_, _| Ok((expand(Product), vec![])));
    onnx.op_register.insert(ROWS_OF_BLOCKS, |_, _| Ok((expand(Rows), vec![])));
}

/// Moves codes and scales out of the initializers into nodes of their own, one for each matrix of the weight file.
pub fn rewrite(graph: &mut GraphProto) {
    let initializers: HashMap<String, TensorProto> =
        graph.initializer.iter().map(|tensor| (tensor.name.clone(), tensor.clone())).collect();
    let mut moved = BTreeSet::new();
    let mut matrices: HashMap<String, NodeProto> = HashMap::new();
    for node in &mut graph.node {
        let ((_, codes, scales), replacement) = match node.op_type.as_str() {
            operator if operator == PRODUCT.0 => (PRODUCT, PRODUCT_WITH_BLOCKS),
            operator if operator == LOOKUP.0 => (LOOKUP, ROWS_OF_BLOCKS),
            _ => continue,
        };
        let named = |index: usize| node.input.get(index).and_then(|name| initializers.get(name));
        let (Some(codes), Some(scales)) = (named(codes), named(scales)) else { continue };
        if !is_q4_0(node, scales) {
            continue;
        }
        let Some(place) = place_in_file(codes) else { continue };
        moved.extend([codes.name.clone(), scales.name.clone()]);
        let matrix = matrices.entry(place).or_insert_with(|| matrix(codes, scales));
        node.input.retain(|input| *input != codes.name && *input != scales.name);
        node.input.push(matrix.name.clone());
        node.op_type = replacement.into();
    }
    graph.initializer.retain(|tensor| !moved.contains(&tensor.name));
    graph.node.extend(matrices.into_values());
}

/// Whether tract's blocks can hold the node's weights: blocks of 32 weights of 4 bits each, without a remainder.
fn is_q4_0(node: &NodeProto, scales: &TensorProto) -> bool {
    let is =
        |name: &str, value: i64| node.attribute.iter().any(|attribute| attribute.name == name && attribute.i == value);
    let symmetric = node.input.len() == 3;
    symmetric && is("bits", BITS) && is("block_size", Q4_0.block_len() as i64) && scales.dims.len() == 2
}

/// Position of the weights in the file: two initializers over the same bytes are one matrix.
fn place_in_file(tensor: &TensorProto) -> Option<String> {
    let entry =
        |key: &str| tensor.external_data.iter().find(|entry| entry.key == key).map(|entry| entry.value.as_str());
    Some(format!("{} at {}", entry("location")?, entry("offset").unwrap_or("0")))
}

fn matrix(codes: &TensorProto, scales: &TensorProto) -> NodeProto {
    let attribute = |name: &str, tensor: &TensorProto| AttributeProto {
        name: name.into(),
        t: Some(tensor.clone()),
        ..AttributeProto::default()
    };
    let name = format!("{}.blocks", codes.name);
    NodeProto {
        output: vec![name.clone()],
        name,
        op_type: BLOCKS.into(),
        attribute: vec![attribute(CODES, codes), attribute(SCALES, scales)],
        ..NodeProto::default()
    }
}

/// Builds [`Blocks`], with the weights.
fn read(context: &ParsingContext, node: &NodeProto) -> Built {
    let tensor = |name: &str| {
        let attribute = node.attribute.iter().find(|attribute| attribute.name == name);
        let tensor = attribute.and_then(|attribute| attribute.t.as_ref());
        context.load_tensor(tensor.with_context(|| format!("{} has no {name}", node.name))?)
    };
    let scales = tensor(SCALES)?;
    let &[rows, blocks] = scales.shape() else { bail!("the scales of {} are not a matrix", node.name) };
    let columns = blocks * Q4_0.block_len();
    let blocks = {
        let codes = tensor(CODES)?;
        let (codes, scales) = (codes.try_as_plain_ram()?, scales.try_as_plain_ram()?);
        Q4_0.pack_prequantized_nibbles(codes.as_slice()?, scales.as_slice()?, rows, columns)?
    };
    let storage = BlockQuantStorage::new(Box::new(Q4_0), rows, columns, Arc::new(blocks))?;
    Ok((expand(Blocks { storage, rows, columns }), vec![]))
}

/// A constant of `shape` that holds `storage`.
fn constant(storage: BlockQuantStorage, shape: &[usize]) -> TractResult<Const> {
    let fact = BlockQuantFact::new(Box::new(Q4_0), shape.into());
    Const::new_with_exotic_fact(Arc::new(storage.into_tensor_with_shape(f32::datum_type(), shape)), Box::new(fact))
}

/// A matrix of blocks, `[1, rows, columns]`: products require the additional dimension.
#[derive(Clone, Debug)]
struct Blocks {
    storage: BlockQuantStorage,
    rows: usize,
    columns: usize,
}

impl Expansion for Blocks {
    fn name(&self) -> StaticName {
        BLOCKS.into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        _: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        check_output_arity(outputs, 1)?;
        solver.equals(&outputs[0].datum_type, f32::datum_type())?;
        solver
            .equals(&outputs[0].shape, ShapeFactoid::from(tvec!(1.to_dim(), self.rows.to_dim(), self.columns.to_dim())))
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, _: &[OutletId]) -> TractResult<TVec<OutletId>> {
        model.wire_node(prefix, constant(self.storage.clone(), &[1, self.rows, self.columns])?, &[])
    }
}

/// The inputs of a node beside a matrix of blocks, and which of the matrix's lengths its rows have: `[positions, length]`.
fn rules<'r, 'p: 'r>(
    solver: &mut Solver<'r>,
    inputs: &'p [TensorProxy],
    outputs: &'p [TensorProxy],
    (rank, length): (i64, usize),
) -> InferenceResult {
    check_input_arity(inputs, 2)?;
    check_output_arity(outputs, 1)?;
    solver.equals(&outputs[0].datum_type, f32::datum_type())?;
    solver.equals(&inputs[0].rank, rank)?;
    solver.equals(&outputs[0].rank, 2)?;
    solver.equals(&outputs[0].shape[0], &inputs[0].shape[0])?;
    solver.equals(&outputs[0].shape[1], &inputs[1].shape[length])
}

/// `x [positions, columns]` in f32 times the transposed matrix of blocks: `[positions, rows]`.
#[derive(Clone, Debug)]
struct Product;

impl Expansion for Product {
    fn name(&self) -> StaticName {
        PRODUCT_WITH_BLOCKS.into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        solver.equals(&inputs[0].datum_type, f32::datum_type())?;
        rules(solver, inputs, outputs, (2, 1))
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        model.wire_node(prefix, EinSum::new("sk,gnk->sn".parse()?, f32::datum_type()), inputs)
    }
}

/// The rows `tokens [positions]` of a matrix of blocks, in f32 `[positions, columns]`.
#[derive(Clone, Debug)]
struct Rows;

impl Expansion for Rows {
    fn name(&self) -> StaticName {
        ROWS_OF_BLOCKS.into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        rules(solver, inputs, outputs, (1, 2))
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let matrix = model.outlet_fact(inputs[1])?.konst.clone().context("the matrix is not a constant")?;
        let &[_, rows, columns] = matrix.shape() else { bail!("{:?} is not a matrix of blocks", matrix.shape()) };
        let storage = matrix.try_storage_as::<BlockQuantStorage>()?.clone();
        // A lookup takes a matrix of two dimensions. The blocks themselves are shared.
        let table = model.wire_node(format!("{prefix}.table"), constant(storage, &[rows, columns])?, &[])?[0];
        let lookup = Gather { axis: 0, output_type: Some(f32::datum_type()) };
        model.wire_node(prefix, lookup, &[table, inputs[0]])
    }
}
