//! Products with weights, and the embedding's rows, in each precision.

use onnx_rs::ast::DataType;
use pocketwatt_protocol::{GraphKind, Precision};
use safetensors::tensor::Dtype;

use super::{
    activation::{self, Rounded},
    builder::{Builder, MICROSOFT, ONNX, Value, axis, int, ints, to},
};
use crate::{
    ModelConfig, ModelError,
    precision::{BLOCK, CODES, SCALES, SUMS},
};

/// How ONNX Runtime's product of blocks treats its activations: it rounds them to 8 bits in blocks of their own, as
/// llama.cpp and candle do, and multiplies integers. Engines without a choice ignore it.
const INTEGER_PRODUCT: usize = 4;

/// Writes products in one precision.
#[derive(Clone, Copy)]
pub(super) struct Linear<'a> {
    pub(super) config: &'a ModelConfig,
    pub(super) kind: GraphKind,
    pub(super) precision: Precision,
}

/// The factor of a product with weights, `[S, in]`.
#[derive(Clone, Copy)]
pub(super) enum Input {
    /// Numbers.
    Plain(Value),
    /// Codes.
    Rounded(Rounded),
}

impl Linear<'_> {
    /// Prepares `x [S, in]`: products that share an input share its preparation.
    pub(super) fn input(self, builder: &mut Builder, x: Value) -> Input {
        match self.precision {
            Precision::W8a8 => Input::Rounded(activation::round(builder, self.kind, x)),
            _ => Input::Plain(x),
        }
    }

    /// `x * weight^T` `[S, out]`, for a weight `[out, in]`.
    pub(super) fn product(self, builder: &mut Builder, x: Input, weight: &str) -> Result<Value, ModelError> {
        let output = builder.fresh(self.operator());
        self.product_into(builder, x, weight, weight, output)?;
        Ok(output)
    }

    /// The products of one input with several weights that are adjacent in the weight file.
    ///
    /// ONNX Runtime rounds the activations again for each product of blocks, and wakes its threads: a single product of
    /// them all decodes 1.1 times as fast.
    pub(super) fn products<const COUNT: usize>(
        self,
        builder: &mut Builder,
        x: Input,
        weights: &[String; COUNT],
    ) -> Result<[Value; COUNT], ModelError> {
        let mut values = [Value::ABSENT; COUNT];
        if !self.joins() {
            for (value, weight) in values.iter_mut().zip(weights) {
                *value = self.product(builder, x, weight)?;
            }
            return Ok(values);
        }
        let (product, rows) = self.joined(builder, x, weights)?;
        let lengths = builder.integers(&rows.map(|rows| rows as i64));
        for value in &mut values {
            *value = builder.fresh("Split");
        }
        builder.node_into(ONNX, "Split", &[product, lengths], &values, vec![axis(-1)]);
        Ok(values)
    }

    /// The same, side by side as they come out of one product, with the width of each.
    pub(super) fn joined<const COUNT: usize>(
        self,
        builder: &mut Builder,
        x: Input,
        weights: &[String; COUNT],
    ) -> Result<(Value, [usize; COUNT]), ModelError> {
        let named = |ending: &str| weights.each_ref().map(|weight| format!("{weight}{ending}"));
        let mut rows = [0; COUNT];
        let mut columns = 0;
        for (rows, weight) in rows.iter_mut().zip(weights) {
            (*rows, columns) = self.shape_of(builder, weight)?;
        }
        let codes = builder.joined(&named(CODES), Dtype::U8)?;
        let scales = builder.joined(&named(SCALES), Dtype::F32)?;
        let product = builder.fresh("MatMulNBits");
        if let Input::Plain(x) = x {
            self.product_of_blocks(builder, x, [codes, scales], (rows.iter().sum(), columns), product);
        }
        Ok((product, rows))
    }

    /// Whether products of one input are computed as one.
    pub(super) fn joins(self) -> bool {
        self.kind == GraphKind::Onnxruntime && matches!(self.precision, Precision::Int8 | Precision::Int4)
    }

    fn product_of_blocks(
        self,
        builder: &mut Builder,
        x: Value,
        [codes, scales]: [Value; 2],
        (rows, columns): (usize, usize),
        output: Value,
    ) {
        let attributes = vec![
            int("K", columns),
            int("N", rows),
            int("bits", self.bits()),
            int("block_size", BLOCK),
            int("accuracy_level", INTEGER_PRODUCT),
        ];
        builder.node_into(MICROSOFT, "MatMulNBits", &[x, codes, scales], &[output], attributes);
    }

    /// The logits.
    pub(super) fn head(self, builder: &mut Builder, x: Input, logits: Value) -> Result<(), ModelError> {
        let weight = self.config.head_tensor();
        let name = match self.kind {
            // ONNX Runtime packs the head and then releases the pages it read it from, unless the embedding's lookup
            // needs them too: with two initializers over the same bytes, only the rows looked up stay in memory.
            GraphKind::Onnxruntime => "lm_head.weight",
            // One initializer: an engine that copies weights into memory of its own would otherwise hold them twice.
            GraphKind::Opset17 | GraphKind::Opset23 => weight,
        };
        if self.precision != Precision::F16 {
            return self.product_into(builder, x, weight, name, logits);
        }
        let product = builder.fresh(self.operator());
        self.product_into(builder, x, weight, name, product)?;
        builder.node_into(ONNX, "Cast", &[product], &[logits], vec![to(DataType::Float)]);
        Ok(())
    }

    fn operator(self) -> &'static str {
        match self.precision {
            Precision::F32 | Precision::F16 | Precision::Bf16 => "Gemm",
            Precision::Int8 | Precision::Int4 => "MatMulNBits",
            Precision::W8a8 => "Mul",
        }
    }

    /// `name` is the name of the weight's initializers.
    fn product_into(
        self,
        builder: &mut Builder,
        x: Input,
        weight: &str,
        name: &str,
        output: Value,
    ) -> Result<(), ModelError> {
        let stored = |ending: &str| (format!("{name}{ending}"), format!("{weight}{ending}"));
        match (self.precision, x) {
            (_, Input::Rounded(x)) => {
                let [codes, scales, sums] = [CODES, SCALES, SUMS].map(stored);
                let parts = [
                    builder.stored_as(&codes.0, &codes.1, Dtype::U8, None)?,
                    builder.weight_as(&scales.0, &scales.1)?,
                    builder.weight_as(&sums.0, &sums.1)?,
                ];
                activation::product_into(builder, x, parts, output);
            }
            // Gemm multiplies by the `[out, in]` matrices of the weight file as they are, while MatMul would need
            // transposed copies.
            (Precision::F32 | Precision::F16 | Precision::Bf16 | Precision::W8a8, Input::Plain(x)) => {
                let weight = builder.matrix_as(name, weight)?;
                builder.node_into(ONNX, "Gemm", &[x, weight], &[output], vec![int("transB", 1)]);
            }
            (Precision::Int8 | Precision::Int4, Input::Plain(x)) => {
                let [codes, scales] = [CODES, SCALES].map(stored);
                let codes = builder.stored_as(&codes.0, &codes.1, Dtype::U8, None)?;
                let scales = builder.weight_as(&scales.0, &scales.1)?;
                let shape = self.shape_of(builder, weight)?;
                self.product_of_blocks(builder, x, [codes, scales], shape, output);
            }
        }
        Ok(())
    }

    /// The embedding's rows `[S, hidden]` of `tokens [S]`.
    pub(super) fn rows(self, builder: &mut Builder, tokens: Value) -> Result<Value, ModelError> {
        const EMBEDDING: &str = "model.embed_tokens.weight";
        match self.precision {
            Precision::F32 | Precision::F16 | Precision::Bf16 => {
                let embedding = builder.matrix_as(EMBEDDING, EMBEDDING)?;
                Ok(builder.node("Gather", &[embedding, tokens], vec![]))
            }
            Precision::Int8 | Precision::Int4 => {
                // The operator needs the codes of a row side by side, not in blocks: the same bytes in another shape.
                let shape = [self.config.vocabulary, self.config.hidden * self.bits() / 8];
                let codes = format!("{EMBEDDING}{CODES}");
                let codes = builder.stored_as(&format!("{codes}.rows"), &codes, Dtype::U8, Some(&shape))?;
                let scales = format!("{EMBEDDING}{SCALES}");
                let scales = builder.weight_as(&format!("{scales}.rows"), &scales)?;
                let output = builder.fresh("GatherBlockQuantized");
                let attributes = vec![
                    int("bits", self.bits()),
                    int("block_size", BLOCK),
                    int("gather_axis", 0),
                    int("quantize_axis", 1),
                ];
                builder.node_into(MICROSOFT, "GatherBlockQuantized", &[codes, tokens, scales], &[output], attributes);
                Ok(output)
            }
            Precision::W8a8 => {
                // A row of the embedding is a column of the codes.
                let codes = format!("{EMBEDDING}{CODES}");
                let codes = builder.stored_as(&format!("{codes}.rows"), &codes, Dtype::U8, None)?;
                let scales = format!("{EMBEDDING}{SCALES}");
                let scales = builder.weight_as(&format!("{scales}.rows"), &scales)?;
                let codes = builder.node("Gather", &[codes, tokens], vec![axis(1)]);
                let codes = builder.node("Cast", &[codes], vec![to(DataType::Float)]);
                let zero = builder.number(128.0);
                let codes = builder.node("Sub", &[codes, zero], vec![]);
                let scales = builder.node("Gather", &[scales, tokens], vec![]);
                let columns = builder.node("Mul", &[codes, scales], vec![]);
                Ok(builder.node("Transpose", &[columns], vec![ints("perm", &[1, 0])]))
            }
        }
    }

    fn bits(self) -> usize {
        if self.precision == Precision::Int4 { 4 } else { 8 }
    }

    /// Rows and columns of a matrix.
    fn shape_of(self, builder: &Builder, weight: &str) -> Result<(usize, usize), ModelError> {
        let scales = builder.shape(&format!("{weight}{SCALES}"))?;
        match scales[..] {
            [rows, blocks] => Ok((rows, blocks * BLOCK)),
            _ => Err(ModelError::Config(format!("{weight} is not a matrix"))),
        }
    }
}
