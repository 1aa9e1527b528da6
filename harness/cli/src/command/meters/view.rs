//! The observed meters, for people and for programs.

use std::path::Path;

use pocketwatt_meter::energy::{
    AbsentMeter, Basis, Measurand, MeterEnd, MeterGap, MeterInfo, MeterSeries, Observation, Scope, Unavailable,
    UpdatePeriod,
};
use pocketwatt_record::{Energy, Together, energies_together};
use serde::Serialize;

use super::watched;
use crate::{
    columns, inert,
    report::{Paint, Style, output::quantity::Quantity, paragraph, unanswered},
};

const TEXT_WIDTH: usize = 100;
const GAP: &str = "  ";

/// Everything that the command shows.
#[derive(Debug, Serialize)]
pub struct MetersView {
    /// The tree that was read in place of `/sys`: then the meters are not this device's.
    sysfs_root: Option<String>,
    /// Length of the watch in seconds.
    watched_s: Option<f64>,
    meters: Vec<MeterView>,
    /// Sums of meters that are parts of one whole.
    together: Vec<TogetherView>,
    absent: Vec<AbsentMeter>,
    /// Why no meter can be read.
    none: Option<Unavailable>,
}

#[derive(Debug, Serialize)]
struct MeterView {
    #[serde(flatten)]
    info: MeterInfo,
    /// Number of readings, how many in a second, and how often the value differed from the one before.
    readings: u64,
    readings_per_second: Option<f64>,
    changes: u64,
    smallest_step: Option<i64>,
    mean_power_watts: Option<f64>,
    energy: Energy,
    /// When it was asked and did not answer.
    gaps: Vec<MeterGap>,
    ended: Option<MeterEnd>,
}

/// Several meters whose energies add up.
#[derive(Debug, Serialize)]
struct TogetherView {
    meters: Vec<String>,
    scope: Scope,
    mean_power_watts: Option<f64>,
    energy: Energy,
}

impl MetersView {
    /// Makes the view from what was observed.
    pub fn new(
        sysfs_root: Option<&Path>,
        observations: &[Observation],
        absent: Vec<AbsentMeter>,
        none: Option<Unavailable>,
    ) -> Self {
        let all: Vec<MeterSeries> = observations.iter().map(|seen| seen.series.clone()).collect();
        Self {
            sysfs_root: sysfs_root.map(|folder| folder.display().to_string()),
            watched_s: observations.first().map(|seen| seen.watched_ns as f64 / 1e9),
            meters: observations.iter().map(|seen| MeterView::of(seen, &all)).collect(),
            together: energies_together(&all).into_iter().map(TogetherView::of).collect(),
            absent,
            none,
        }
    }
}

impl TogetherView {
    fn of(sum: Together) -> Self {
        let span_s = sum.span.map(|span| span.duration_ns() as f64 / 1e9);
        Self {
            mean_power_watts: sum.energy.measured().zip(span_s).map(|((joules, _), span_s)| joules / span_s),
            meters: sum.meters,
            scope: sum.scope,
            energy: sum.energy,
        }
    }

    /// `battery:BAT0/power_now + battery:BAT1/power_now together: 18.0 W (36.0 ±0.1 J)`.
    fn words(&self) -> String {
        let what = match self.meters.as_slice() {
            [first, .., last] if self.meters.len() > 3 => format!("{first} to {last} ({} meters)", self.meters.len()),
            meters => meters.join(" + "),
        };
        let energy = match (&self.energy, self.mean_power_watts) {
            (Energy::Measured { joules, uncertainty_joules }, Some(watts)) => {
                format!("{} ({})", shown(watts, "W"), energy_shown(*joules, *uncertainty_joules))
            }
            (Energy::Unavailable(unavailable), _) => format!("{}: {}", unavailable.reason.words(), unavailable.hint),
            (Energy::Measured { .. }, None) => "no time passed".to_owned(),
        };
        format!("{what}, {} together: {energy}", self.scope.name())
    }
}

impl MeterView {
    fn of(seen: &Observation, all: &[MeterSeries]) -> Self {
        let energy = watched::energy(seen, all);
        let span_s = watched::span(seen).map(|span| span.duration_ns() as f64 / 1e9);
        Self {
            info: seen.series.meter.clone(),
            readings: seen.series.taken,
            readings_per_second: span_s.map(|span_s| seen.series.taken as f64 / span_s),
            changes: seen.changes,
            smallest_step: seen.smallest_step,
            mean_power_watts: energy.measured().zip(span_s).map(|((joules, _), span_s)| joules / span_s),
            energy,
            gaps: seen.series.gaps.clone(),
            ended: seen.series.ended.clone(),
        }
    }

    fn cells(&self) -> [String; 8] {
        let info = &self.info;
        let (kind, unit) = raw_value(&info.measurand);
        let guessed = if info.unit_basis == Basis::Guessed { ", guessed" } else { "" };
        let step = self.unit_times(info.resolution as f64);
        let power = self.mean_power_watts.map_or("-".into(), |watts| shown(watts, "W"));
        let energy = match &self.energy {
            Energy::Measured { joules, uncertainty_joules } => energy_shown(*joules, *uncertainty_joules),
            Energy::Unavailable(unavailable) => unavailable.reason.words().to_owned(),
        };
        [
            info.id.clone(),
            // Parts that do not add up are distinguished by their names.
            if info.scope.adds_up() {
                info.scope.name().to_owned()
            } else {
                format!("{} {}", info.scope.name(), info.part)
            },
            format!("{kind}, {unit}{guessed}"),
            step,
            info.update_period.map_or("unknown".into(), update),
            self.readings.to_string(),
            power,
            energy,
        ]
    }

    /// `count` raw units, with the unit of the raw value.
    fn unit_times(&self, count: f64) -> String {
        let (factor, unit) = unit(&self.info.measurand);
        shown(factor * count, unit)
    }
}

const HEADER: [&str; 8] =
    ["meter", "scope", "raw value", "resolution", "updated every", "readings", "mean power", "energy"];
/// The columns that are aligned to the right.
const NUMBERS: std::ops::Range<usize> = 5..7;

/// A row for each meter, then the meters that are not read.
pub fn table(view: &MetersView, style: &Style) -> String {
    let paint = Paint { color: style.color };
    let width = style.width.unwrap_or(TEXT_WIDTH).min(TEXT_WIDTH);
    let mut output = String::new();
    if let Some(folder) = &view.sysfs_root {
        let text = format!("/sys is read from {folder}: these are not this device's meters.");
        output += &paint.alarm(&paragraph("SIMULATION  ", &text, width, Paint { color: false }));
        output.push('\n');
    }
    if let Some(none) = &view.none {
        let text = format!(
            "No energy meter can be read here ({}): {}. `pocketwatt doctor` says more.",
            none.reason.words(),
            none.hint
        );
        output += &paragraph("", &text, width, paint);
    } else {
        output += &meters(view, style.width.unwrap_or(usize::MAX), paint);
        output.push('\n');
        for sum in &view.together {
            output += &paragraph("sum: ", &inert::line(&sum.words()), width, paint);
        }
        for meter in &view.meters {
            if let Energy::Unavailable(unavailable) = &meter.energy {
                let text = format!("{}: {}: {}", meter.info.id, unavailable.reason.words(), unavailable.hint);
                output += &paragraph("note: ", &text, width, paint);
            }
            if let Some(text) = unanswered(&meter.gaps) {
                output += &paragraph("note: ", &format!("{} {text}", meter.info.id), width, paint);
            }
        }
        output += &paragraph("", &legend(view), width, paint);
    }
    if !view.absent.is_empty() {
        output += &format!("\n{}\n", paint.bold("not read"));
        let ids: Vec<String> = view.absent.iter().map(|absent| inert::line(&absent.id)).collect();
        let longest = columns::widest(ids.iter().map(String::as_str));
        for (absent, id) in view.absent.iter().zip(&ids) {
            let text = format!("{}: {}", absent.unavailable.reason.words(), absent.unavailable.hint);
            output += &paragraph(&format!("  {}  ", columns::left(id, longest)), &text, width, paint);
        }
    }
    output
}

/// Three digits with the suitable prefix.
fn shown(value: f64, unit: &str) -> String {
    Quantity::new(value, unit).prefixed().in_column()
}

/// A number with two digits of its uncertainty.
fn energy_shown(joules: f64, uncertainty_joules: f64) -> String {
    Quantity::new(joules, "J").with(uncertainty_joules).prefixed().in_column()
}

/// Side by side where there is room, otherwise one below the other.
fn meters(view: &MetersView, width: usize, paint: Paint) -> String {
    let rows: Vec<[String; 8]> = view.meters.iter().map(|meter| meter.cells().map(|cell| inert::line(&cell))).collect();
    let mut header = HEADER.map(str::to_owned);
    header[7] = format!("energy in {:.1} s", view.watched_s.unwrap_or(0.0));
    let widths: Vec<usize> = (0..HEADER.len())
        .map(|column| columns::widest(rows.iter().chain([&header]).map(|row| row[column].as_str())))
        .collect();
    if widths.iter().sum::<usize>() + GAP.len() * (widths.len() - 1) > width {
        return rows.iter().map(|row| stacked(&header, row, paint)).collect::<Vec<_>>().join("\n");
    }
    let line = |cells: &[String; 8]| {
        let cells = cells.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            if NUMBERS.contains(&column) { columns::right(cell, *width) } else { columns::left(cell, *width) }
        });
        cells.collect::<Vec<_>>().join(GAP).trim_end().to_owned()
    };
    let mut output = paint.bold(&line(&header)) + "\n";
    for row in &rows {
        output += &line(row);
        output.push('\n');
    }
    output
}

fn stacked(header: &[String; 8], row: &[String; 8], paint: Paint) -> String {
    let longest = header.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let mut output = paint.bold(&row[0]) + "\n";
    for (name, cell) in header.iter().zip(row).skip(1) {
        output += &format!("  {name:longest$}  {cell}\n");
    }
    output
}

fn legend(view: &MetersView) -> String {
    let mut text = String::from("± is the 95 % interval");
    text += if view.meters.iter().all(|meter| meter.info.gain_error.is_some()) {
        "."
    } else {
        " of updates, steps and noise; it includes the error of a scale only where the maker states one."
    };
    if view.meters.len() > 1 {
        text += " Scopes overlap: they are never added up.";
    }
    text
}

/// The meaning of a raw value, and its unit.
fn raw_value(measurand: &Measurand) -> (&'static str, String) {
    let (factor, unit) = unit(measurand);
    let kind = match measurand {
        Measurand::EnergyCounter { .. } => "energy used",
        Measurand::RemainingEnergy { .. } => "energy left",
        Measurand::RemainingCharge { .. } => "charge left",
        Measurand::Power { .. } => "power",
        Measurand::Current { .. } => "current",
    };
    (kind, shown(factor, unit))
}

fn unit(measurand: &Measurand) -> (f64, &'static str) {
    match measurand {
        Measurand::EnergyCounter { joules_per_unit, .. } | Measurand::RemainingEnergy { joules_per_unit } => {
            (*joules_per_unit, "J")
        }
        Measurand::RemainingCharge { coulombs_per_unit } => (*coulombs_per_unit, "C"),
        Measurand::Power { watts_per_unit } => (*watts_per_unit, "W"),
        Measurand::Current { amperes_per_unit } => (*amperes_per_unit, "A"),
    }
}

fn update(period: UpdatePeriod) -> String {
    let basis = match period.basis {
        Basis::Observed => "seen",
        Basis::Declared => "declared",
        Basis::Documented => "documented",
        Basis::Guessed => "guessed",
    };
    format!("{} ({basis})", shown(period.ns as f64 / 1e9, "s"))
}

#[cfg(test)]
mod tests;
