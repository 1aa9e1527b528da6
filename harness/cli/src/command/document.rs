//! A document at the place that the user named with `--output`.

use std::{
    io::{self, BufWriter, Write},
    path::Path,
};

use anyhow::{Context, Result};
use pocketwatt_files::write_output;

use super::output::Parts;
use crate::report::Output;

/// The word for standard output in place of a path.
const STANDARD: &str = "-";

/// Whether the place is standard output.
pub fn is_standard(place: Option<&Path>) -> bool {
    place.is_none_or(|path| path == Path::new(STANDARD))
}

/// Writes what `fill` passes on, part by part: to standard output without a path or for `-`. A file is replaced as a whole, or not at all
/// where `fill` fails.
///
/// # Errors
/// Those of `fill`, or when the place cannot be written.
pub fn write(place: Option<&Path>, fill: impl FnOnce(&mut Output) -> Result<()>) -> Result<()> {
    let Some(path) = place.filter(|_| !is_standard(place)) else {
        let mut standard = Parts::open();
        fill(&mut |part| standard.write(part))?;
        return standard.finish();
    };
    let mut outcome = Ok(());
    write_output(path, |file| {
        let mut buffered = BufWriter::new(file);
        outcome = fill(&mut |part| Ok(buffered.write_all(part.as_bytes())?));
        buffered.flush()?;
        if outcome.is_err() { Err(io::Error::other("it is not complete")) } else { Ok(()) }
    })
    .or_else(|error| outcome.and(Err(error.into())))
    .with_context(|| format!("cannot write {}", path.display()))
}
