use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};

use serde::Serialize;

use super::StoreError;

/// Writes beside the target, then renames over it: a reader, or a run resumed after a crash, never sees half a file.
pub(crate) fn write_atomically(path: &Path, contents: &impl Serialize) -> Result<(), StoreError> {
    let write = |file: &mut File| {
        let mut buffer = BufWriter::new(file);
        serde_json::to_writer_pretty(&mut buffer, contents)?;
        buffer.write_all(b"\n")?;
        buffer.flush()
    };
    pocketwatt_files::write_atomically(path, write).map_err(StoreError::io("write", path))
}
