//! Every chart of a run, for a page.

use std::collections::BTreeSet;

use anyhow::Context;
use pocketwatt_files::harmless_name;
use pocketwatt_record::Run;

use crate::{
    cases::{Results, all_without_series, combination, study_of},
    charts::{
        chart::Chart,
        kinds::{About, KINDS},
        palette::Palette,
        settings::AllSettings,
        study,
        subject::each_subject,
    },
    output::inert,
};

/// A chart of a run.
#[derive(Clone, Debug)]
pub struct NamedChart {
    /// `decode-throughput`; charts of a kind stand one after another.
    pub kind: String,
    /// The kind, and what distinguishes the chart from others of it: `decode-throughput-mobilellm-125m-int8-2t`. No other chart of
    /// the run has it, and it has no character that is special in a file name or an attribute.
    pub name: String,
    /// `Decode throughput (more is better)`. It is also in the picture.
    pub title: String,
    /// `mobilellm-125m · int8 · 2 threads`. It is also in the picture.
    pub about: String,
    /// What it shows, with its numbers, for people who do not see it.
    pub description: String,
    /// An SVG document. After the picture comes `<g class="marks">`, and in it a `<g class="mark" tabindex="0" aria-label="...">`
    /// for each drawn number: its exact value, on a transparent `<rect class="hit">`. `charts::COLOURS` are the colours in it.
    pub svg: String,
}

/// Draws every chart of a run that has numbers, in the order in which they answer a reader's questions.
///
/// # Errors
/// When a chart cannot be drawn.
pub fn all(run: &Run, results: &dyn Results, palette: &Palette) -> anyhow::Result<Vec<NamedChart>> {
    let mut found: Vec<(usize, NamedChart)> = Vec::new();
    let records = all_without_series(results);
    if let Some(study) = study_of(run) {
        let chart = study::draw(run, &records, &study, palette).context("cannot draw the chart of the study")?;
        found.extend(chart.map(|chart| (0, named(study.name(), "", String::new(), chart))));
    } else {
        each_subject(run, results, palette, &mut |subject, suffix| {
            let about = subject.records.first().map(|record| combination(record)).unwrap_or_default();
            for (rank, kind) in KINDS.iter().enumerate() {
                let About::OneSetting(draw) = kind.about else { continue };
                let chart = draw(subject).with_context(|| format!("cannot draw the chart {}", kind.name))?;
                found.extend(chart.map(|chart| (rank, named(kind.name, suffix, about.clone(), chart))));
            }
            Ok(())
        })?;
    }
    for (place, settings) in AllSettings::each(run, &records, palette).iter().enumerate() {
        for (rank, kind) in KINDS.iter().enumerate() {
            let About::AllSettings(draw) = kind.about else { continue };
            let chart = draw(settings).with_context(|| format!("cannot draw the chart {}", kind.name))?;
            let suffix = format!("-{}", place + 1);
            found.extend(chart.map(|chart| (rank, named(kind.name, &suffix, settings.title(), chart))));
        }
    }
    found.sort_by_key(|(rank, _)| *rank);
    let mut charts: Vec<NamedChart> = found.into_iter().map(|(_, chart)| chart).collect();
    distinguish(&mut charts);
    Ok(charts)
}

/// Different models may have the same harmless name.
fn distinguish(charts: &mut [NamedChart]) {
    let mut known = BTreeSet::new();
    for chart in charts {
        let plain = chart.name.clone();
        let mut number = 2;
        while !known.insert(chart.name.clone()) {
            chart.name = format!("{plain}-{number}");
            number += 1;
        }
    }
}

fn named(kind: &str, suffix: &str, about: String, chart: Chart) -> NamedChart {
    NamedChart {
        kind: harmless_name(kind),
        name: format!("{}{suffix}", harmless_name(kind)),
        title: inert::one_line(&chart.title),
        about,
        description: inert::one_line(&chart.description),
        svg: inert::text(&chart.drawing.with_marks()),
    }
}
