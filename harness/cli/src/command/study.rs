//! `pocketwatt study`: a question, and the cases that answer it.

use anyhow::Result;
use clap::Args;
use pocketwatt_scenario::Study;

use super::run::{self, RunArguments};
use crate::{exit::Exit, phone::Given};

/// Which question, and how to answer it.
#[derive(Args, Debug)]
pub struct StudyArguments {
    /// The study: a name that `pocketwatt list` shows, or a .toml file.
    #[arg(value_name = "STUDY")]
    name: String,
    // These options override those of the study.
    #[command(flatten)]
    run: RunArguments,
}

impl StudyArguments {
    /// Tells the name of this command, and which options stand in the command line.
    pub fn give(&mut self, command: &str, given: Vec<Given>) {
        self.run.give(command, given);
    }
}

/// Measures, stores and shows the cost.
///
/// When the study does not exist, or as [`run::run`].
/// When there is no such study, or as [`run::run`].
pub fn run(arguments: StudyArguments) -> Result<Exit> {
    let mut run = arguments.run;
    run.adopt(Study::find(&arguments.name)?)?;
    run::run(run)
}
