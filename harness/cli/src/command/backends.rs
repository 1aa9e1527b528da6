//! `pocketwatt backends`: which backends compute in which precision, and why others do not.

use std::env;

use anyhow::Result;
use clap::Args;
use pocketwatt_protocol::Precision;

use super::{output, selection::RegistryArguments};
use crate::{
    columns, inert,
    plan::{Backend, Registry},
};

/// Which backends to show.
#[derive(Args, Debug)]
pub struct BackendsArguments {
    #[command(flatten)]
    registry: RegistryArguments,
}

/// Writes the matrix of backends and precisions to standard output.
///
/// # Errors
/// When the backends' file cannot be read.
pub fn run(arguments: &BackendsArguments) -> Result<()> {
    output::write(&matrix(&arguments.registry.open()?, env::consts::ARCH))
}

/// A row for each backend, a column for each precision, and a footnote for each that is missing on processors of that
/// architecture.
fn matrix(registry: &Registry, architecture: &str) -> String {
    let backends: Vec<&Backend> = registry.all().iter().collect();
    let names: Vec<String> = backends.iter().map(|backend| inert::line(&backend.name)).collect();
    let width = columns::widest(names.iter().map(String::as_str));
    let mut text = format!("{:width$}", "");
    for precision in Precision::ALL {
        text += &format!("  {:>4}", precision.name());
    }
    text = text.trim_end().to_owned() + "  graphs, best first\n";
    let mut footnotes = Vec::new();
    for (backend, name) in backends.iter().zip(&names) {
        text += &columns::left(name, width);
        for precision in Precision::ALL {
            let cell = if backend.precisions.contains(&precision) {
                "yes".to_owned()
            } else {
                format!("[{}]", footnote(&mut footnotes, backend.refusal_on(precision, architecture)))
            };
            text += &format!("  {cell:>4}");
        }
        let graphs: Vec<&str> = backend.graphs.iter().map(|graph| graph.name()).collect();
        text += &format!("  {}\n", if graphs.is_empty() { "own model".to_owned() } else { graphs.join(", ") });
    }
    for (index, reason) in footnotes.iter().enumerate() {
        text += &format!("[{}] {}\n", index + 1, inert::line(reason));
    }
    text
}

/// The number of the footnote; equal reasons share one.
fn footnote(footnotes: &mut Vec<String>, reason: String) -> usize {
    if let Some(index) = footnotes.iter().position(|known| *known == reason) {
        return index + 1;
    }
    footnotes.push(reason);
    footnotes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_says_yes_or_why_not() {
        let text = matrix(&Registry::open(None).unwrap(), "x86_64");
        insta::assert_snapshot!(text);
    }
}
