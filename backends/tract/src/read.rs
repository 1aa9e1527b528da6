use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
};

use tract_onnx::{data_resolver::ModelDataResolver, prelude::TractResult, tract_hir::internal::*};

/// Reads weights into memory without mapping their file. Tract maps it again for each tensor and copies out of the
/// mapping, so that for the largest tensor three copies count as resident at once.
pub struct WeightReader;

impl ModelDataResolver for WeightReader {
    fn read_bytes_from_path(
        &self,
        bytes: &mut Vec<u8>,
        path: &Path,
        offset: usize,
        length: Option<usize>,
    ) -> TractResult<()> {
        let mut file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        let size = file.metadata()?.len() as usize;
        let length = length.unwrap_or(size.saturating_sub(offset));
        ensure!(
            offset.checked_add(length).is_some_and(|end| end <= size),
            "{} has {size} bytes, but the graph wants {length} at {offset}: was it truncated?",
            path.display()
        );
        file.seek(SeekFrom::Start(offset as u64))?;
        bytes.reserve_exact(length);
        let read = file.take(length as u64).read_to_end(bytes)?;
        ensure!(read == length, "{} became shorter while it was read", path.display());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read(offset: usize, length: Option<usize>) -> TractResult<Vec<u8>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("weights");
        fs::write(&path, [0, 1, 2, 3])?;
        let mut bytes = Vec::new();
        WeightReader.read_bytes_from_path(&mut bytes, &path, offset, length)?;
        Ok(bytes)
    }

    #[test]
    fn a_range_is_read_and_no_more() {
        assert_eq!(read(1, Some(2)).unwrap(), [1, 2]);
        assert_eq!(read(1, None).unwrap(), [1, 2, 3]);
        assert!(read(4, Some(0)).unwrap().is_empty());
    }

    #[test]
    fn a_range_beyond_the_end_is_refused() {
        for (offset, length) in [(0, 5), (3, 2), (5, 0), (usize::MAX, 2)] {
            let error = read(offset, Some(length)).unwrap_err().to_string();
            assert!(error.contains("has 4 bytes") && error.contains("truncated"), "{error}");
        }
    }
}
