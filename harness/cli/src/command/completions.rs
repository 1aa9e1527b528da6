//! `pocketwatt completions`: what a shell needs to complete commands, options and their values.

use anyhow::Result;
use clap::{Args, Command};
use clap_complete::{Shell, generate};

use super::output;

/// For which shell.
#[derive(Args, Debug)]
pub struct CompletionsArguments {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// Writes the shell's script to standard output. `program` is the whole command line.
///
/// # Errors
/// When it cannot be written.
pub fn run(arguments: &CompletionsArguments, mut program: Command) -> Result<()> {
    let name = program.get_name().to_owned();
    let mut script = Vec::new();
    generate(arguments.shell, &mut program, name, &mut script);
    output::write(&String::from_utf8(script)?)
}
