use std::{
    collections::BTreeMap,
    fs::File,
    io::Read,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use half::{bf16, f16};
use pocketwatt_files::open_regular;
use safetensors::tensor::{Dtype, Metadata};

use crate::{ModelConfig, ModelError};

/// Longest header that is read: more than a hundred thousand tensors in one file.
const MAX_HEADER_BYTES: u64 = 16 << 20;
/// Bytes converted at a time, so that reading a tensor needs no second copy of it.
const CHUNK_BYTES: usize = 1 << 20;

/// Where a tensor is in the weight file.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorLocation {
    /// Number format.
    pub dtype: Dtype,
    /// Rows, columns.
    pub shape: Vec<usize>,
    /// First byte, counted from the start of the file.
    pub offset: u64,
    /// Length in bytes.
    pub bytes: u64,
}

/// A `.safetensors` file, of which only the header has been read.
///
/// Tensors are read with `pread` rather than mapped: pages of a mapping would count as resident memory of the
/// process beside the copy that the engine makes.
#[derive(Debug)]
pub struct WeightFile {
    path: PathBuf,
    file: File,
    tensors: BTreeMap<String, TensorLocation>,
}

impl WeightFile {
    /// Reads and checks the header.
    ///
    /// # Errors
    /// When the file cannot be read, or its header is truncated, malformed, or announces more or less data than the
    /// file contains.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let mut file = open_regular(path).map_err(ModelError::io("read", path))?;
        let file_bytes = file.metadata().map_err(ModelError::io("read", path))?.len();
        let mut length = [0; 8];
        file.read_exact(&mut length)
            .map_err(|_| ModelError::invalid(path, "it is shorter than the 8 bytes of a safetensors header length"))?;
        let header_bytes = u64::from_le_bytes(length);
        if header_bytes > MAX_HEADER_BYTES || header_bytes + 8 > file_bytes {
            return Err(ModelError::invalid(
                path,
                format!(
                    "its header claims {header_bytes} bytes, the file has {file_bytes}, and at most {MAX_HEADER_BYTES} are \
                     read: truncated or not safetensors"
                ),
            ));
        }
        let mut header = vec![0; header_bytes as usize];
        file.read_exact(&mut header).map_err(ModelError::io("read", path))?;
        let metadata: Metadata = serde_json::from_slice(&header)
            .map_err(|error| ModelError::invalid(path, format!("its safetensors header is malformed: {error}")))?;
        let data_start = header_bytes + 8;
        let data_bytes = metadata.tensors().values().map(|info| info.data_offsets.1 as u64).max().unwrap_or(0);
        if data_start.checked_add(data_bytes) != Some(file_bytes) {
            return Err(ModelError::invalid(
                path,
                format!(
                    "its header promises {data_bytes} bytes of tensors, the file holds {}",
                    file_bytes - data_start
                ),
            ));
        }
        let tensors = metadata
            .tensors()
            .into_iter()
            .map(|(name, info)| {
                let (start, end) = (info.data_offsets.0 as u64, info.data_offsets.1 as u64);
                let location = TensorLocation {
                    dtype: info.dtype,
                    shape: info.shape.clone(),
                    offset: data_start + start,
                    bytes: end.saturating_sub(start),
                };
                (name, location)
            })
            .collect();
        Ok(Self { path: path.to_owned(), file, tensors })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All tensors by name.
    pub fn tensors(&self) -> &BTreeMap<String, TensorLocation> {
        &self.tensors
    }

    /// The tensor with that name.
    ///
    /// # Errors
    /// [`ModelError::MissingTensor`].
    pub fn tensor(&self, name: &str) -> Result<&TensorLocation, ModelError> {
        self.tensors
            .get(name)
            .ok_or_else(|| ModelError::MissingTensor { name: name.to_owned(), path: self.path.clone() })
    }

    /// Checks that every tensor of `config` exists in its shape.
    ///
    /// # Errors
    /// The first tensor that is missing or has another shape.
    pub fn check(&self, config: &ModelConfig) -> Result<(), ModelError> {
        self.ensure_layers_of(config)?;
        for expected in config.tensors() {
            let found = &self.tensor(&expected.name)?.shape;
            if *found != expected.shape {
                return Err(ModelError::WrongShape {
                    name: expected.name,
                    path: self.path.clone(),
                    found: found.clone(),
                    expected: expected.shape,
                });
            }
        }
        Ok(())
    }

    /// Refuses a configuration with more blocks than there are tensors, before anything is allocated for each block.
    pub(crate) fn ensure_layers_of(&self, config: &ModelConfig) -> Result<(), ModelError> {
        let within = config.ensure_layers_within(self.tensors.len());
        within.map_err(|error| ModelError::invalid(&self.path, error.to_string()))
    }

    /// Reads a tensor's bytes as they are in the file.
    ///
    /// # Errors
    /// When it is missing or cannot be read.
    pub fn read_bytes(&self, name: &str) -> Result<Vec<u8>, ModelError> {
        let location = self.tensor(name)?;
        let mut bytes = vec![0; location.bytes as usize];
        self.file.read_exact_at(&mut bytes, location.offset).map_err(ModelError::io("read", &self.path))?;
        Ok(bytes)
    }

    /// Whether a tensor equals the tensor `theirs` of another file: number format, shape and bytes.
    ///
    /// # Errors
    /// When one is missing or cannot be read.
    pub fn holds_same(&self, name: &str, other: &Self, theirs: &str) -> Result<bool, ModelError> {
        let (left, right) = (self.tensor(name)?, other.tensor(theirs)?);
        if (left.dtype, &left.shape, left.bytes) != (right.dtype, &right.shape, right.bytes) {
            return Ok(false);
        }
        let mut buffers = [vec![0; CHUNK_BYTES], vec![0; CHUNK_BYTES]];
        for start in (0..left.bytes).step_by(CHUNK_BYTES) {
            let length = (left.bytes - start).min(CHUNK_BYTES as u64) as usize;
            for (buffer, (file, offset)) in buffers.iter_mut().zip([(self, left.offset), (other, right.offset)]) {
                buffer.truncate(length);
                file.file.read_exact_at(buffer, offset + start).map_err(ModelError::io("read", &file.path))?;
            }
            if buffers[0] != buffers[1] {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads a tensor as f32, whatever its format in the file (F32, F16, BF16).
    ///
    /// # Errors
    /// When it is missing, cannot be read, or has another number format.
    pub fn read_f32(&self, name: &str) -> Result<Vec<f32>, ModelError> {
        let location = self.tensor(name)?;
        let mut values = vec![0.0; location.shape.iter().product()];
        self.read_f32_into(name, &mut values)?;
        Ok(values)
    }

    /// Reads a tensor as f32 into `values`, which has exactly its number of elements: lets a backend join tensors
    /// (query, key and value projections, say) in one buffer without a second copy.
    ///
    /// # Errors
    /// As [`WeightFile::read_f32`], and when the lengths differ.
    pub fn read_f32_into(&self, name: &str, values: &mut [f32]) -> Result<(), ModelError> {
        self.read_part(name, self.tensor(name)?, values)
    }

    fn read_part(&self, name: &str, location: &TensorLocation, values: &mut [f32]) -> Result<(), ModelError> {
        let convert: fn(&[u8]) -> f32 = match location.dtype {
            Dtype::F32 => |bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]),
            Dtype::F16 => |bytes| f16::from_le_bytes([bytes[0], bytes[1]]).to_f32(),
            Dtype::BF16 => |bytes| bf16::from_le_bytes([bytes[0], bytes[1]]).to_f32(),
            other => {
                return Err(ModelError::invalid(
                    &self.path,
                    format!("tensor {name:?} has number format {other:?}; F32, F16 and BF16 can be read"),
                ));
            }
        };
        self.read_into(name, location, values, convert)
    }

    /// Reads the numbers of a tensor from number `first` on into `values`, as f32.
    ///
    /// # Errors
    /// As [`WeightFile::read_f32`], and when the tensor ends too early.
    pub fn read_f32_from(&self, name: &str, first: usize, values: &mut [f32]) -> Result<(), ModelError> {
        let whole = self.tensor(name)?;
        let width = (whole.dtype.bitsize() / 8) as u64;
        let (skipped, bytes) = (first as u64 * width, values.len() as u64 * width);
        if skipped + bytes > whole.bytes {
            let last = first + values.len();
            return Err(ModelError::invalid(&self.path, format!("tensor {name:?} ends before its value {last}")));
        }
        let part = TensorLocation { offset: whole.offset + skipped, bytes, ..whole.clone() };
        self.read_part(name, &part, values)
    }

    /// Reads a tensor of the format F16 into `values`, which has exactly its number of elements.
    ///
    /// # Errors
    /// When it is missing, cannot be read, has another number format, or the lengths differ.
    pub fn read_f16_into(&self, name: &str, values: &mut [f16]) -> Result<(), ModelError> {
        let location = self.tensor(name)?;
        if location.dtype != Dtype::F16 {
            let reason = format!("tensor {name:?} has number format {:?}, expected F16", location.dtype);
            return Err(ModelError::invalid(&self.path, reason));
        }
        self.read_into(name, location, values, |bytes| f16::from_le_bytes([bytes[0], bytes[1]]))
    }

    fn read_into<T>(
        &self,
        name: &str,
        location: &TensorLocation,
        values: &mut [T],
        convert: impl Fn(&[u8]) -> T,
    ) -> Result<(), ModelError> {
        let width = location.dtype.bitsize() / 8;
        if location.bytes != (values.len() * width) as u64 {
            return Err(ModelError::invalid(
                &self.path,
                format!("tensor {name:?} has {} bytes, {} values were expected", location.bytes, values.len()),
            ));
        }
        let mut buffer = vec![0; CHUNK_BYTES.min(location.bytes as usize)];
        let mut offset = location.offset;
        for chunk in values.chunks_mut(CHUNK_BYTES / width) {
            let bytes = &mut buffer[..chunk.len() * width];
            self.file.read_exact_at(bytes, offset).map_err(ModelError::io("read", &self.path))?;
            offset += bytes.len() as u64;
            for (value, bytes) in chunk.iter_mut().zip(bytes.chunks_exact(width)) {
                *value = convert(bytes);
            }
        }
        Ok(())
    }
}
