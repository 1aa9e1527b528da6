use std::collections::HashMap;

use onnx_rs::ast::{Attribute, AttributeType, DataType};
use pocketwatt_protocol::Precision;
use safetensors::tensor::Dtype;

use crate::{ModelError, WeightFile};

/// Operators of the ONNX standard.
pub(super) const ONNX: &str = "";
/// Operators that ONNX Runtime adds.
pub(super) const MICROSOFT: &str = "com.microsoft";

/// A named tensor of the graph: an index into [`Draft::names`], so that it can be copied about freely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Value(pub(super) usize);

impl Value {
    /// An optional input or output that is left out.
    pub(super) const ABSENT: Value = Value(0);
}

/// A length of an input or output.
#[derive(Clone, Copy, Debug)]
pub(super) enum Length {
    Fixed(usize),
    /// Known at run time; equal names are equal lengths.
    Symbol(&'static str),
}

/// An input or output of the graph.
pub(super) struct Port {
    pub(super) value: Value,
    pub(super) format: DataType,
    pub(super) shape: Vec<Length>,
}

pub(super) struct DraftNode {
    pub(super) name: String,
    pub(super) domain: &'static str,
    pub(super) operator: &'static str,
    pub(super) inputs: Vec<Value>,
    pub(super) outputs: Vec<Value>,
    pub(super) attributes: Vec<Attribute<'static>>,
}

pub(super) enum Contents {
    /// Numbers in the weight file.
    Weights {
        format: DataType,
        offset: String,
        bytes: String,
    },
    Integers(Vec<i64>),
    /// One byte without dimensions.
    Byte(u8),
    Numbers(Vec<f32>),
}

pub(super) struct Initializer {
    pub(super) value: Value,
    pub(super) shape: Vec<i64>,
    pub(super) contents: Contents,
}

/// A graph that owns all its names. `onnx-rs` borrows them, so a draft is completed before it is encoded.
pub(super) struct Draft {
    pub(super) names: Vec<String>,
    pub(super) nodes: Vec<DraftNode>,
    pub(super) initializers: Vec<Initializer>,
    pub(super) inputs: Vec<Port>,
    pub(super) outputs: Vec<Port>,
}

/// Adds nodes to a [`Draft`] in the order of computation.
pub(super) struct Builder<'a> {
    weights: &'a WeightFile,
    draft: Draft,
    known: HashMap<String, Value>,
    scope: String,
    /// Whether products, the residual stream and the cache are f16.
    half: bool,
}

impl<'a> Builder<'a> {
    pub(super) fn new(weights: &'a WeightFile, precision: Precision) -> Self {
        let draft = Draft {
            names: vec![String::new()],
            nodes: Vec::new(),
            initializers: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
        };
        let half = precision == Precision::F16;
        Self { weights, draft, known: HashMap::new(), scope: String::new(), half }
    }

    pub(super) fn finish(self) -> Draft {
        self.draft
    }

    /// Sets the prefix of the names of the following nodes: engines' profiles and errors show it.
    pub(super) fn scope(&mut self, scope: impl Into<String>) {
        self.scope = scope.into();
    }

    pub(super) fn input(&mut self, name: impl Into<String>, format: DataType, shape: Vec<Length>) -> Value {
        let value = self.name(name.into());
        self.draft.inputs.push(Port { value, format, shape });
        value
    }

    /// Declares an output that a later node computes.
    pub(super) fn output(&mut self, name: impl Into<String>, format: DataType, shape: Vec<Length>) -> Value {
        let value = self.name(name.into());
        self.draft.outputs.push(Port { value, format, shape });
        value
    }

    /// A standard node with one output.
    pub(super) fn node(
        &mut self,
        operator: &'static str,
        inputs: &[Value],
        attributes: Vec<Attribute<'static>>,
    ) -> Value {
        let output = self.fresh(operator);
        self.node_into(ONNX, operator, inputs, &[output], attributes);
        output
    }

    /// A node whose outputs already have names, from [`Builder::output`] or [`Builder::fresh`].
    pub(super) fn node_into(
        &mut self,
        domain: &'static str,
        operator: &'static str,
        inputs: &[Value],
        outputs: &[Value],
        attributes: Vec<Attribute<'static>>,
    ) {
        let name = format!("{}/{operator}.{}", self.scope, self.draft.nodes.len());
        let (inputs, outputs) = (inputs.to_vec(), outputs.to_vec());
        self.draft.nodes.push(DraftNode { name, domain, operator, inputs, outputs, attributes });
    }

    /// The number format of products, the residual stream and the cache.
    pub(super) fn format(&self) -> DataType {
        if self.half { DataType::Float16 } else { DataType::Float }
    }

    /// Converts `x` from [`Builder::format`] to f32.
    pub(super) fn widened(&mut self, x: Value) -> Value {
        if self.half { self.node("Cast", &[x], vec![to(DataType::Float)]) } else { x }
    }

    /// Converts `x` from f32 to [`Builder::format`].
    pub(super) fn narrowed(&mut self, x: Value) -> Value {
        if self.half { self.node("Cast", &[x], vec![to(DataType::Float16)]) } else { x }
    }

    /// A name for an output of the node that is added next.
    pub(super) fn fresh(&mut self, operator: &'static str) -> Value {
        self.name(format!("{}/{operator}.{}:{}", self.scope, self.draft.nodes.len(), self.draft.names.len()))
    }

    /// A tensor of the weight file, declared once however often it is used.
    pub(super) fn weight(&mut self, name: &str) -> Result<Value, ModelError> {
        self.weight_as(name, name)
    }

    /// [`Builder::weight`] under another name: a second initializer over the same bytes.
    pub(super) fn weight_as(&mut self, name: &str, tensor: &str) -> Result<Value, ModelError> {
        self.stored_as(name, tensor, Dtype::F32, None)
    }

    /// A matrix of the weight file in [`Builder::format`], under a name of its own.
    pub(super) fn matrix_as(&mut self, name: &str, tensor: &str) -> Result<Value, ModelError> {
        let dtype = if self.half { Dtype::F16 } else { Dtype::F32 };
        self.stored_as(name, tensor, dtype, None)
    }

    /// A tensor in that number format, under a name of its own, and in another shape if one is given.
    pub(super) fn stored_as(
        &mut self,
        name: &str,
        tensor: &str,
        dtype: Dtype,
        shape: Option<&[usize]>,
    ) -> Result<Value, ModelError> {
        if let Some(&value) = self.known.get(name) {
            return Ok(value);
        }
        let location = self.weights.tensor(tensor)?;
        if location.dtype != dtype {
            return Err(ModelError::invalid(
                self.weights.path(),
                format!(
                    "tensor {tensor:?} is {:?}, but graphs refer to {dtype:?} weights: import the model again",
                    location.dtype
                ),
            ));
        }
        let (offset, bytes) = (location.offset, location.bytes);
        let shape = shape.unwrap_or(&location.shape).to_vec();
        self.stored(name, dtype, &shape, offset, bytes)
    }

    /// Bytes of the weight file.
    fn stored(
        &mut self,
        name: &str,
        dtype: Dtype,
        shape: &[usize],
        offset: u64,
        bytes: u64,
    ) -> Result<Value, ModelError> {
        if let Some(&value) = self.known.get(name) {
            return Ok(value);
        }
        let format = match dtype {
            Dtype::U8 => DataType::Uint8,
            Dtype::I8 => DataType::Int8,
            Dtype::F16 => DataType::Float16,
            _ => DataType::Float,
        };
        let shape = shape.iter().map(|&length| length as i64).collect();
        let contents = Contents::Weights { format, offset: offset.to_string(), bytes: bytes.to_string() };
        Ok(self.initializer(name.to_owned(), shape, contents))
    }

    /// Joins tensors that are adjacent in the weight file and agree in all lengths but the first.
    pub(super) fn joined(&mut self, tensors: &[String], dtype: Dtype) -> Result<Value, ModelError> {
        let [first, ..] = tensors else { return Err(ModelError::Config("nothing to join".into())) };
        let mut shape = self.shape(first)?;
        let start = self.weights.tensor(first)?.offset;
        let (mut end, mut rows) = (start, 0);
        for tensor in tensors {
            let location = self.weights.tensor(tensor)?;
            if location.offset != end {
                let reason = format!("tensor {tensor:?} does not follow the one before it");
                return Err(ModelError::invalid(self.weights.path(), reason));
            }
            end += location.bytes;
            rows += location.shape.first().copied().unwrap_or(0);
        }
        shape[0] = rows;
        self.stored(&tensors.join("+"), dtype, &shape, start, end - start)
    }

    /// Lengths of a tensor of the weight file.
    pub(super) fn shape(&self, tensor: &str) -> Result<Vec<usize>, ModelError> {
        Ok(self.weights.tensor(tensor)?.shape.clone())
    }

    /// A constant list of integers, usually a shape or axes.
    pub(super) fn integers(&mut self, values: &[i64]) -> Value {
        self.constant(format!("integers{values:?}"), || {
            (vec![values.len() as i64], Contents::Integers(values.to_vec()))
        })
    }

    /// A constant integer without dimensions.
    pub(super) fn integer(&mut self, value: i64) -> Value {
        self.constant(format!("integer {value}"), || (vec![], Contents::Integers(vec![value])))
    }

    /// A constant u8 without dimensions.
    pub(super) fn byte(&mut self, value: u8) -> Value {
        self.constant(format!("byte {value}"), || (vec![], Contents::Byte(value)))
    }

    /// A constant number without dimensions.
    pub(super) fn number(&mut self, value: f32) -> Value {
        self.constant(format!("number {value:e}"), || (vec![], Contents::Numbers(vec![value])))
    }

    /// A constant table of rows of equal width.
    pub(super) fn table(&mut self, name: &str, width: usize, values: Vec<f32>) -> Value {
        let shape = vec![(values.len() / width) as i64, width as i64];
        self.constant(name.to_owned(), || (shape, Contents::Numbers(values)))
    }

    /// A constant list of numbers.
    pub(super) fn vector(&mut self, name: &str, values: Vec<f32>) -> Value {
        self.constant(name.to_owned(), || (vec![values.len() as i64], Contents::Numbers(values)))
    }

    fn constant(&mut self, name: String, contents: impl FnOnce() -> (Vec<i64>, Contents)) -> Value {
        if let Some(&value) = self.known.get(&name) {
            return value;
        }
        let (shape, contents) = contents();
        self.initializer(name, shape, contents)
    }

    fn initializer(&mut self, name: String, shape: Vec<i64>, contents: Contents) -> Value {
        let value = self.name(name.clone());
        self.known.insert(name, value);
        self.draft.initializers.push(Initializer { value, shape, contents });
        value
    }

    fn name(&mut self, name: String) -> Value {
        self.draft.names.push(name);
        Value(self.draft.names.len() - 1)
    }
}

pub(super) fn int(name: &'static str, value: usize) -> Attribute<'static> {
    Attribute { name, r#type: AttributeType::Int, i: value as i64, ..Default::default() }
}

/// An axis, which may be negative to count from the last one.
pub(super) fn axis(value: i64) -> Attribute<'static> {
    Attribute { name: "axis", r#type: AttributeType::Int, i: value, ..Default::default() }
}

pub(super) fn ints(name: &'static str, values: &[i64]) -> Attribute<'static> {
    Attribute { name, r#type: AttributeType::Ints, ints: values.to_vec(), ..Default::default() }
}

/// The target number format of `Cast`.
pub(super) fn to(format: DataType) -> Attribute<'static> {
    Attribute { name: "to", r#type: AttributeType::Int, i: format as i64, ..Default::default() }
}

pub(super) fn float(name: &'static str, value: f32) -> Attribute<'static> {
    Attribute { name, r#type: AttributeType::Float, f: value, ..Default::default() }
}
