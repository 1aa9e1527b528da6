//! The catalogue of metrics, for people and for METHODOLOGY.md.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};
use pocketwatt_record::{Direction, Metric, MetricId, catalogue};

/// Marks the start of a table in a document; the name of a family of metrics and ` -->` follow.
const BEGIN: &str = "<!-- metrics: ";
const END: &str = "<!-- end of metrics -->";

/// Every metric with its unit, its direction, what one observation covers, and its formula.
pub fn listing() -> String {
    let mut text = String::new();
    let mut family = "";
    for metric in catalogue() {
        if metric.family() != family {
            family = metric.family();
            text += &format!("{}{family}\n", if text.is_empty() { "" } else { "\n" });
        }
        let Metric { name, unit, direction, observation, formula, .. } = metric.definition();
        let facts = [unit.symbol(), words(*direction)].into_iter().filter(|fact| !fact.is_empty());
        let facts: Vec<&str> = facts.collect();
        text += &format!("  {name} ({}), of {observation}\n      {formula}\n", facts.join(", "));
    }
    text
}

/// Updates the tables of a document: those between `<!-- metrics: FAMILY -->` and the line that ends them.
///
/// # Errors
/// When the file cannot be read or written, or its marks are incomplete.
pub fn write_tables(file: &Path) -> Result<()> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let text = with_tables(&text).with_context(|| format!("cannot write the metrics into {}", file.display()))?;
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

fn with_tables(text: &str) -> Result<String> {
    let mut written = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(BEGIN) {
        let (family, after) = after.split_once(" -->\n").context("a mark has no end")?;
        let Some((_, after)) = after.split_once(END) else { bail!("the metrics of {family:?} have no {END}") };
        written += &format!("{before}{BEGIN}{family} -->\n{}{END}", table(family)?);
        rest = after;
    }
    Ok(written + rest)
}

fn table(family: &str) -> Result<String> {
    let metrics: Vec<&MetricId> = catalogue().iter().filter(|metric| metric.family() == family).collect();
    if metrics.is_empty() {
        bail!("there is no family of metrics {family:?}");
    }
    let mut table =
        String::from("| metric | unit | better | one observation covers | formula |\n|---|---|---|---|---|\n");
    for metric in metrics {
        let Metric { name, unit, direction, observation, formula, .. } = metric.definition();
        let cells = [unit.symbol(), words(*direction), observation, formula].map(|cell| cell.replace('|', "\\|"));
        table += &format!("| `{name}` | {} |\n", cells.join(" | "));
    }
    Ok(table)
}

fn words(direction: Direction) -> &'static str {
    match direction {
        Direction::LowerIsBetter => "less",
        Direction::HigherIsBetter => "more",
        Direction::Informative => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_written_between_their_marks_and_nowhere_else() {
        let text = "Before.\n\n<!-- metrics: machine -->\nold\n<!-- end of metrics -->\n\nAfter.\n";
        let written = with_tables(text).unwrap();
        assert!(written.starts_with("Before.\n\n<!-- metrics: machine -->\n| metric | unit |"), "{written}");
        assert!(written.ends_with("|\n<!-- end of metrics -->\n\nAfter.\n") && !written.contains("old"), "{written}");
        assert!(written.contains("| `steal` | share | less | the case |"), "{written}");
        assert_eq!(with_tables(&written).unwrap(), written);
    }

    #[test]
    fn marks_that_are_not_in_order_are_refused() {
        assert!(with_tables("<!-- metrics: speed -->\n").is_err());
        let error = with_tables("<!-- metrics: smiles -->\n<!-- end of metrics -->").unwrap_err();
        assert_eq!(error.to_string(), "there is no family of metrics \"smiles\"");
    }
}
