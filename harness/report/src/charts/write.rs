//! The charts of a run, drawn and stored.

use std::{
    borrow::Cow,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::Context;
use pocketwatt_files::harmless_name;
use pocketwatt_files::{create_folder, join_inside, write_atomically};
use pocketwatt_record::{Record, Run};

use crate::{
    cases::{Results, all_without_series, combinations, study_of},
    charts::{bars::Bars, latency, palette::Palette, power, study, subject::Subject, sustained, turns},
    output::inert,
};

/// Draws the charts of a run, without colours of anybody's own, into `folder`, which is made if it is missing. Gives the files in the order in which they
/// answer a reader's questions; a chart without any number is left out.
///
/// # Errors
/// When a chart cannot be drawn or its file cannot be written.
pub fn write(run: &Run, records: &[Record], folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    write_stored(run, &(records, &[][..]), &Palette::default(), folder)
}

/// The same for results that need not be in memory: only the records of one model, precision and number of threads are held at a
/// time.
///
/// # Errors
/// As [`write()`].
pub fn write_stored(
    run: &Run,
    results: &dyn Results,
    palette: &Palette,
    folder: &Path,
) -> anyhow::Result<Vec<PathBuf>> {
    create_folder(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let mut files = Vec::new();
    draw(run, results, palette, &mut |name, chart| {
        files.push(save(folder, name, chart)?);
        Ok(())
    })?;
    Ok(files)
}

/// Passes the name and SVG of each chart to `put`.
fn draw(
    run: &Run,
    results: &dyn Results,
    palette: &Palette,
    put: &mut dyn FnMut(&str, &str) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    if let Some(study) = study_of(run) {
        let chart = study::draw(run, &all_without_series(results), &study, palette)
            .context("cannot draw the chart of the study")?;
        return chart.map_or(Ok(()), |chart| put(study.name(), &chart));
    }
    let groups = combinations(&results.cases());
    let single = groups.len() == 1;
    for group in groups {
        let records: Vec<Cow<Record>> = group.into_iter().filter_map(|place| results.record(place)).collect();
        if records.is_empty() {
            continue;
        }
        let group: Vec<&Record> = records.iter().map(AsRef::as_ref).collect();
        let suffix = if single { String::new() } else { suffix(&group) };
        let subject = Subject::of(run, group, palette);
        let charts = [
            ("decode-throughput", Bars::DECODE_THROUGHPUT.draw(&subject)),
            ("time-to-first-token", Bars::TIME_TO_FIRST_TOKEN.draw(&subject)),
            ("peak-memory", Bars::PEAK_MEMORY.draw(&subject)),
            ("inter-token-latency", latency::draw(&subject)),
            ("power", power::draw(&subject)),
            ("turn-latency", turns::draw(&subject)),
            ("sustained", sustained::draw(&subject)),
        ];
        for (name, chart) in charts {
            let Some(chart) = chart.with_context(|| format!("cannot draw the chart {name}"))? else { continue };
            put(&format!("{name}{suffix}"), &chart)?;
        }
    }
    Ok(())
}

fn save(folder: &Path, name: &str, chart: &str) -> anyhow::Result<PathBuf> {
    let path = join_inside(folder, &format!("{name}.svg"))?;
    let document = inert::text(chart);
    write_atomically(&path, |file| file.write_all(document.as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// A suffix that distinguishes the files of several combinations.
fn suffix(group: &[&Record]) -> String {
    let Some(first) = group.first() else { return String::new() };
    let model = harmless_name(&first.case.model);
    format!("-{model}-{}-{}t", first.case.precision.name(), first.case.threads)
}

/// A chart of a run, and what a page says of it.
pub struct NamedChart {
    /// Its file's name without the ending.
    pub name: String,
    /// The question that it answers.
    pub title: String,
    /// What it shows, for those who do not see it.
    pub alternative: String,
    /// The chart.
    pub svg: String,
}

/// Every chart of a run, in the order in which they answer a reader's questions.
///
/// # Errors
/// When one cannot be drawn.
pub fn all(run: &Run, results: &dyn Results, palette: &Palette) -> anyhow::Result<Vec<NamedChart>> {
    let mut charts = Vec::new();
    draw(run, results, palette, &mut |name, svg| {
        let title = name.replace('-', " ");
        charts.push(NamedChart { name: name.to_owned(), title, alternative: String::new(), svg: svg.to_owned() });
        Ok(())
    })?;
    Ok(charts)
}
