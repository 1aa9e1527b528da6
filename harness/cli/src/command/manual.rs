//! `pocketwatt manual`: the help of all commands as pages for `man`. Whoever packages the program runs it.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use clap::{Args, Command};
use clap_mangen::generate_to;

/// Where to write.
#[derive(Args, Debug)]
pub struct ManualArguments {
    /// Folder for pocketwatt.1, and one page for each command.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Writes the pages. `program` is the whole command line.
///
/// # Errors
/// When the folder or a page cannot be written.
pub fn run(arguments: &ManualArguments, program: Command) -> Result<()> {
    let folder = &arguments.folder;
    let written = fs::create_dir_all(folder).and_then(|()| generate_to(program, folder));
    written.with_context(|| format!("cannot write the manual into {}", folder.display()))
}
