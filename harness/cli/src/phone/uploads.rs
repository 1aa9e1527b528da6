//! What a phone needs for any run: programs and models.

use std::{ffi::OsStr, fs, os::unix::fs::PermissionsExt, path::Path};

use anyhow::{Context, Result};
use pocketwatt_model::precision::weights_file_name;
use pocketwatt_phone::{host::Upload, job::below_root};
use pocketwatt_protocol::Precision;

use super::PhonePrograms;
use crate::plan::{Backend, PreparedModel};

/// The program, the runners of these backends, the libraries and the list of backends.
///
/// # Errors
/// When the bundle cannot be read.
pub fn of_programs(programs: &PhonePrograms, backends: &[&Backend]) -> Result<Vec<Upload>> {
    let mut uploads = in_folder(&programs.folder.join(below_root::LIBRARIES), below_root::LIBRARIES, |_| true)?;
    let is_wanted = |name: &str| name == "pocketwatt" || backends.iter().any(|backend| backend.is_runner(name));
    uploads.extend(in_folder(&programs.folder.join(below_root::PROGRAMS), below_root::PROGRAMS, is_wanted)?);
    uploads.push(Upload { from: programs.folder.join("backends.toml"), to: "backends.toml".into(), is_program: false });
    Ok(uploads)
}

/// A model, with its weights in these precisions. Graphs are small: the phone writes them itself.
///
/// # Errors
/// When its folder cannot be read.
pub fn of_model(model: &PreparedModel, precisions: &[Precision]) -> Result<Vec<Upload>> {
    let others: Vec<&str> = Precision::ALL
        .into_iter()
        .filter(|precision| !precisions.contains(precision) && *precision != Precision::F32)
        .map(weights_file_name)
        .collect();
    let is_wanted = |name: &str| !others.iter().any(|other| name.starts_with(other));
    let place = format!("{}/models/{}", below_root::CACHE, model.passport.name);
    in_folder(model.folder.path(), &place, is_wanted)
}

/// The regular files in a folder, by the order of their names.
fn in_folder(folder: &Path, place: &str, is_wanted: impl Fn(&str) -> bool) -> Result<Vec<Upload>> {
    let unreadable = || format!("cannot read {}", folder.display());
    let mut uploads = Vec::new();
    for entry in fs::read_dir(folder).with_context(unreadable)? {
        let entry = entry.with_context(unreadable)?;
        let path = entry.path();
        let facts = path.metadata().with_context(unreadable)?;
        let Some(name) = path.file_name().and_then(OsStr::to_str) else { continue };
        if facts.is_file() && !name.starts_with('.') && is_wanted(name) {
            let is_program = facts.permissions().mode() & 0o111 != 0;
            uploads.push(Upload { to: format!("{place}/{name}"), is_program, from: path });
        }
    }
    uploads.sort_by(|one, other| one.to.cmp(&other.to));
    Ok(uploads)
}
