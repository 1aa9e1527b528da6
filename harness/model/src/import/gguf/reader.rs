//! The structure of a GGUF file. Its header may be wrong: nothing is allocated or read that exceeds the file.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufReader, Read},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use pocketwatt_files::open_regular;

use super::{
    blocks::{self, Format},
    formats,
    metadata::{Metadata, Value},
};
use crate::ModelError;

const MAGIC: &[u8; 4] = b"GGUF";
/// Longest header that is read: keys, vocabulary and tensor offsets. Those of the largest vocabularies have some 15 MB.
const MOST_HEADER_BYTES: u64 = 32 << 20;
const DEFAULT_ALIGNMENT: u64 = 32;
/// Most dimensions of a tensor, as in ggml.
const MOST_DIMENSIONS: u32 = 4;
/// Number of values of a tensor that are read and converted at a time; a multiple of every block size.
const BLOCKS_AT_A_TIME: usize = 4096;

/// Where a tensor is in the file, and its format.
#[derive(Clone, Debug)]
pub struct Tensor {
    pub name: String,
    /// Rows, columns: the reverse of GGUF's order.
    pub shape: Vec<usize>,
    pub format: &'static Format,
    /// First byte, from the start of the file.
    pub offset: u64,
    pub bytes: u64,
}

/// An open GGUF file; everything but the tensors' data has been read.
pub struct GgufFile {
    path: PathBuf,
    file: File,
    metadata: Metadata,
    tensors: BTreeMap<String, Tensor>,
}

impl GgufFile {
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let file = open_regular(path).map_err(ModelError::io("read", path))?;
        let length = file.metadata().map_err(ModelError::io("read", path))?.len();
        let header = Header { reader: BufReader::new(&file), position: 0, length }.read();
        let (metadata, tensors) = header.map_err(|reason| ModelError::invalid(path, reason))?;
        Ok(Self { path: path.to_owned(), file, metadata, tensors })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    pub fn tensors(&self) -> &BTreeMap<String, Tensor> {
        &self.tensors
    }

    /// A tensor's values.
    pub fn read_f32(&self, tensor: &Tensor) -> Result<Vec<f32>, ModelError> {
        let format = tensor.format;
        let mut values = vec![0.0; tensor.shape.iter().product()];
        let mut buffer = vec![0; BLOCKS_AT_A_TIME * format.block_bytes];
        let mut offset = tensor.offset;
        for values in values.chunks_mut(BLOCKS_AT_A_TIME * format.block_values) {
            let bytes = &mut buffer[..values.len() / format.block_values * format.block_bytes];
            self.file.read_exact_at(bytes, offset).map_err(ModelError::io("read", &self.path))?;
            offset += bytes.len() as u64;
            for (block, values) in bytes.chunks(format.block_bytes).zip(values.chunks_mut(format.block_values)) {
                (format.decode)(block, values);
            }
        }
        Ok(values)
    }
}

/// Reads the header from front to back. Errors are reasons without the file's name.
struct Header<R> {
    reader: R,
    position: u64,
    length: u64,
}

impl<R: Read> Header<R> {
    fn read(mut self) -> Result<(Metadata, BTreeMap<String, Tensor>), String> {
        if &self.bytes::<4>()? != MAGIC {
            return Err("it is not a GGUF file".into());
        }
        let version = self.u32()?;
        if ![2, 3].contains(&version) {
            return Err(format!("it has GGUF version {version}; little-endian files of version 2 and 3 can be read"));
        }
        let tensor_count = self.u64()?;
        let key_count = self.u64()?;
        // Length of a key, type and value.
        self.ensure_room(key_count, 13, "keys")?;
        let mut metadata = Metadata::default();
        for _ in 0..key_count {
            let key = self.text()?;
            let kind = self.u32()?;
            let value = self.value(kind).map_err(|reason| format!("the key {key:?}: {reason}"))?;
            metadata.insert(key, value)?;
        }
        let alignment = match metadata.optional_size("general.alignment")? {
            None => DEFAULT_ALIGNMENT,
            Some(alignment) if alignment.is_power_of_two() => alignment as u64,
            Some(alignment) => return Err(format!("general.alignment is {alignment}, which is not a power of two")),
        };
        // Name, number of dimensions, format and offset of a tensor take at least this many bytes.
        self.ensure_room(tensor_count, 24, "tensors")?;
        let mut tensors = Vec::new();
        for _ in 0..tensor_count {
            tensors.push(self.tensor()?);
        }
        let start = self.position.next_multiple_of(alignment);
        for tensor in &mut tensors {
            place(tensor, start, alignment, self.length)?;
        }
        refuse_overlaps(&mut tensors)?;
        let mut by_name = BTreeMap::new();
        for tensor in tensors {
            if let Some(tensor) = by_name.insert(tensor.name.clone(), tensor) {
                return Err(format!("tensor {:?} appears twice", tensor.name));
            }
        }
        Ok((metadata, by_name))
    }

    /// A tensor whose offset is still relative to the start of the data.
    fn tensor(&mut self) -> Result<Tensor, String> {
        let name = self.text()?;
        let dimensions = self.u32()?;
        if dimensions == 0 || dimensions > MOST_DIMENSIONS {
            return Err(format!("tensor {name:?} has {dimensions} dimensions"));
        }
        let mut shape = Vec::new();
        for _ in 0..dimensions {
            let size = self.u64()?;
            let size = usize::try_from(size).ok().filter(|&size| size > 0);
            shape.push(size.ok_or_else(|| format!("tensor {name:?} has an impossible dimension"))?);
        }
        let columns = shape[0];
        shape.reverse();
        let number = self.u32()?;
        let format = blocks::format(number).ok_or_else(|| {
            let known: Vec<&str> = blocks::FORMATS.iter().map(|format| format.name).collect();
            let theirs = formats::name(number).map_or(format!("number {number}"), str::to_owned);
            format!(
                "tensor {name:?} has the format {theirs}; {} can be read, and llama.cpp's `llama-quantize \
                 --allow-requantize FILE NEW-FILE F32` writes the same values so",
                known.join(", ")
            )
        })?;
        if !columns.is_multiple_of(format.block_values) {
            return Err(format!("tensor {name:?} has {columns} columns, no multiple of {}'s blocks", format.name));
        }
        let elements = shape.iter().try_fold(1_usize, |product, size| product.checked_mul(*size));
        let bytes = elements
            .and_then(|elements| (elements / format.block_values).checked_mul(format.block_bytes)?.try_into().ok());
        let bytes = bytes.ok_or_else(|| format!("tensor {name:?} is larger than any memory"))?;
        Ok(Tensor { name, shape, format, offset: self.u64()?, bytes })
    }

    fn value(&mut self, kind: u32) -> Result<Value, String> {
        Ok(match kind {
            8 => Value::Text(self.text()?),
            9 => self.array()?,
            _ => self.scalar(kind)?,
        })
    }

    fn scalar(&mut self, kind: u32) -> Result<Value, String> {
        Ok(match kind {
            0 => Value::Integer(u8::from_le_bytes(self.bytes()?).into()),
            1 => Value::Integer(i8::from_le_bytes(self.bytes()?).into()),
            2 => Value::Integer(u16::from_le_bytes(self.bytes()?).into()),
            3 => Value::Integer(i16::from_le_bytes(self.bytes()?).into()),
            4 => Value::Integer(self.u32()?.into()),
            5 => Value::Integer(i32::from_le_bytes(self.bytes()?).into()),
            6 => Value::Number(as_written(f32::from_le_bytes(self.bytes()?))),
            7 => Value::Boolean(self.bytes::<1>()? != [0]),
            10 => Value::Integer(self.u64()?.into()),
            11 => Value::Integer(i64::from_le_bytes(self.bytes()?).into()),
            12 => Value::Number(f64::from_le_bytes(self.bytes()?)),
            other => return Err(format!("its type is {other}, which GGUF does not have")),
        })
    }

    fn array(&mut self) -> Result<Value, String> {
        let kind = self.u32()?;
        let count = self.u64()?;
        match kind {
            8 => {
                self.ensure_room(count, 8, "texts")?;
                (0..count).map(|_| self.text()).collect::<Result<_, _>>().map(Value::Texts)
            }
            9 => Err("a list of lists".into()),
            4 | 5 => {
                self.ensure_room(count, 4, "numbers")?;
                let integer =
                    |bytes| if kind == 4 { u32::from_le_bytes(bytes).into() } else { i32::from_le_bytes(bytes).into() };
                (0..count).map(|_| self.bytes().map(integer)).collect::<Result<_, _>>().map(Value::Integers)
            }
            6 => {
                self.ensure_room(count, 4, "numbers")?;
                (0..count).map(|_| self.bytes().map(f32::from_le_bytes)).collect::<Result<_, _>>().map(Value::Numbers)
            }
            _ => {
                self.ensure_room(count, 1, "numbers")?;
                for _ in 0..count {
                    self.scalar(kind)?;
                }
                Ok(Value::Other)
            }
        }
    }

    fn text(&mut self) -> Result<String, String> {
        let length = self.u64()?;
        self.ensure_room(length, 1, "bytes of text")?;
        let mut bytes = vec![0; length as usize];
        self.fill(&mut bytes)?;
        // As llama.cpp reads it, whose converter of August 2023 wrote the 0 that ends a text in C.
        let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
        bytes.truncate(end);
        String::from_utf8(bytes).map_err(|_| format!("a text that ends at byte {} is not UTF-8", self.position))
    }

    fn u32(&mut self) -> Result<u32, String> {
        Ok(u32::from_le_bytes(self.bytes()?))
    }

    fn u64(&mut self) -> Result<u64, String> {
        Ok(u64::from_le_bytes(self.bytes()?))
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), String> {
        self.reader
            .read_exact(bytes)
            .map_err(|error| format!("its header ends at byte {}: truncated? ({error})", self.position))?;
        self.position += bytes.len() as u64;
        Ok(())
    }

    /// Refuses a count that the rest of the file cannot hold.
    fn ensure_room(&self, count: u64, bytes_each: u64, what: &str) -> Result<(), String> {
        let rest = self.length.min(MOST_HEADER_BYTES).saturating_sub(self.position);
        if count > rest / bytes_each {
            return Err(format!("its header promises {count} {what}, {rest} bytes are left for them"));
        }
        Ok(())
    }
}

/// The shortest decimal number whose nearest f32 this is: 1e-5, not 9.999999747378752e-6, as in the original `config.json`.
fn as_written(value: f32) -> f64 {
    value.to_string().parse().unwrap_or_else(|_| value.into())
}

/// Converts the offset to one from the start of the file.
fn place(tensor: &mut Tensor, start: u64, alignment: u64, length: u64) -> Result<(), String> {
    let name = &tensor.name;
    if !tensor.offset.is_multiple_of(alignment) {
        return Err(format!("tensor {name:?} begins at {}, which is not aligned to {alignment}", tensor.offset));
    }
    let offset = tensor.offset.checked_add(start);
    let fits = offset.and_then(|offset| offset.checked_add(tensor.bytes)).is_some_and(|end| end <= length);
    match offset.filter(|_| fits) {
        Some(offset) => {
            tensor.offset = offset;
            Ok(())
        }
        None => Err(format!("tensor {name:?} reaches beyond the end of the file ({length} bytes): truncated?")),
    }
}

fn refuse_overlaps(tensors: &mut [Tensor]) -> Result<(), String> {
    tensors.sort_by_key(|tensor| tensor.offset);
    let overlap = tensors.windows(2).find(|pair| pair[0].offset + pair[0].bytes > pair[1].offset);
    match overlap {
        Some(pair) => Err(format!("the tensors {:?} and {:?} overlap", pair[0].name, pair[1].name)),
        None => Ok(()),
    }
}
