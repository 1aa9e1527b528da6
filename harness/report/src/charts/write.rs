//! The charts of a run, drawn and stored.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::Context;
use pocketwatt_files::{create_folder, join_inside, write_atomically};
use pocketwatt_record::{Record, Run};

use crate::{
    cases::{Results, all_without_series, study_of},
    charts::{
        kinds::{About, KINDS},
        palette::Palette,
        study,
        subject::each_subject,
    },
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
        return chart.map_or(Ok(()), |chart| put(study.name(), &chart.drawing.svg));
    }
    each_subject(run, results, palette, &mut |subject, suffix| {
        for kind in KINDS.iter().filter(|kind| kind.is_file) {
            let About::OneSetting(draw) = kind.about else { continue };
            let chart = draw(subject).with_context(|| format!("cannot draw the chart {}", kind.name))?;
            let Some(chart) = chart else { continue };
            put(&format!("{}{suffix}", kind.name), &chart.drawing.svg)?;
        }
        Ok(())
    })
}

fn save(folder: &Path, name: &str, chart: &str) -> anyhow::Result<PathBuf> {
    let path = join_inside(folder, &format!("{name}.svg"))?;
    let document = inert::text(chart);
    write_atomically(&path, |file| file.write_all(document.as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}
