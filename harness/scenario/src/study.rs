//! Studies: questions whose answer is a series of cases that differ in one thing.

mod document;
#[cfg(test)]
mod tests;

use std::{path::Path, thread::available_parallelism};

use pocketwatt_files::read_text_bounded;
use pocketwatt_protocol::Precision;
use pocketwatt_record::{EnergyMetric, MetricId, StudySource};

pub use document::{Axis, Published, Shown};
use document::{Document, MODEL, Variant};

use crate::{error::ScenarioError, limits::MOST_DOCUMENT_BYTES, unknown::UnknownName};

/// What ships with the program.
const SHIPPED: &[&str] = &[
    include_str!("../../../scenarios/studies/layer-sharing.toml"),
    include_str!("../../../scenarios/studies/depth.toml"),
    include_str!("../../../scenarios/studies/embedding-sharing.toml"),
    include_str!("../../../scenarios/studies/kv-heads.toml"),
    include_str!("../../../scenarios/studies/model-size.toml"),
    include_str!("../../../scenarios/studies/reference.toml"),
    include_str!("../../../scenarios/studies/precision.toml"),
    include_str!("../../../scenarios/studies/threads.toml"),
    include_str!("../../../scenarios/studies/context.toml"),
];
/// What is told of a stated battery.
const BATTERY_METRICS: [EnergyMetric; 2] = [EnergyMetric::BatteryPerRequest, EnergyMetric::ChatHoursPerCharge];

/// A question, and the cases that answer it.
#[derive(Clone, Debug, PartialEq)]
pub struct Study {
    document: Document,
    definition: String,
    /// What [`MODEL`] stands for.
    model: Option<String>,
}

impl Study {
    /// The studies that ship with the program.
    ///
    /// # Errors
    /// None in a build whose tests passed.
    pub fn shipped() -> Result<Vec<Self>, ScenarioError> {
        SHIPPED.iter().map(|definition| Self::parse(definition)).collect()
    }

    /// A shipped study by its name, or any by its file.
    ///
    /// # Errors
    /// When there is none, or its file is not a study.
    pub fn find(wanted: &str) -> Result<Self, ScenarioError> {
        let shipped = Self::shipped()?;
        if let Some(study) = shipped.iter().find(|study| study.name() == wanted) {
            return Ok(study.clone());
        }
        if wanted.ends_with(".toml") || wanted.contains('/') {
            return Self::read(Path::new(wanted));
        }
        Err(UnknownName::new("study", wanted, shipped.iter().map(Self::name), ", or the path of a .toml file").into())
    }

    /// A study's file.
    ///
    /// # Errors
    /// When it cannot be read, or is not a study.
    pub fn read(file: &Path) -> Result<Self, ScenarioError> {
        let named = file.display().to_string();
        let text = read_text_bounded(file, MOST_DOCUMENT_BYTES).map_err(|reason| ScenarioError::Unreadable {
            thing: "study",
            file: named.clone(),
            reason,
        })?;
        Self::parse(&text).map_err(|error| error.at(format_args!("{named} is not a study")))
    }

    /// As it was stored with a run.
    ///
    /// # Errors
    /// When the text is not a study.
    pub fn stored(source: &StudySource) -> Result<Self, ScenarioError> {
        let study = Self::parse(&source.definition).map_err(|error| error.at("the stored study"))?;
        Ok(Self { model: source.model.clone(), ..study })
    }

    /// What is stored with a run.
    pub fn source(&self) -> StudySource {
        StudySource { name: self.document.name.clone(), definition: self.definition.clone(), model: self.model.clone() }
    }

    fn parse(definition: &str) -> Result<Self, ScenarioError> {
        let document = Document::parse(definition)?;
        Ok(Self { model: document.model.clone(), document, definition: definition.to_owned() })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.document.name
    }

    /// What it answers.
    pub fn question(&self) -> &str {
        &self.document.question
    }

    /// In what the cases of a series differ.
    pub fn axis(&self) -> Axis {
        self.document.axis
    }

    /// What a reader must know.
    pub fn remarks(&self) -> &[String] {
        &self.document.remarks
    }

    /// Whether each number is also told as a multiple of the first column's.
    pub fn has_ratios(&self) -> bool {
        self.document.ratios
    }

    /// What its table shows.
    pub fn shown(&self) -> &[Shown] {
        &self.document.show
    }

    /// Whether a number of it depends on a battery.
    pub fn is_about_battery(&self) -> bool {
        let is_of_battery = |metric: MetricId| BATTERY_METRICS.map(MetricId::from).contains(&metric);
        self.shown().iter().filter_map(|shown| shown.metric.id()).any(is_of_battery)
    }

    /// Its scenarios by name.
    pub fn scenarios(&self) -> &[String] {
        &self.document.scenarios
    }

    /// Its number formats.
    pub fn precisions(&self) -> &[Precision] {
        &self.document.precisions
    }

    /// Its numbers of threads, as far as this device has cores for them.
    pub fn threads(&self) -> Vec<u32> {
        let cores = available_parallelism().map_or(1, |cores| cores.get() as u32);
        let threads = &self.document.threads;
        let fitting: Vec<u32> = threads.iter().copied().filter(|&threads| threads <= cores).collect();
        if fitting.is_empty() { threads.clone() } else { fitting }
    }

    /// Its models by name, where the user chose `chosen`: the one that it is about, or some of its own.
    ///
    /// # Errors
    /// When the choice does not fit the study.
    pub fn choose_models(&mut self, chosen: &[String]) -> Result<Vec<String>, ScenarioError> {
        let [first, rest @ ..] = chosen else { return Ok(self.models()) };
        if self.document.model.is_none() {
            return Ok(chosen.to_vec());
        }
        if !rest.is_empty() {
            return Err(ScenarioError::Refused(format!(
                "study {:?} is about one model: name one with --model",
                self.name()
            )));
        }
        self.model = Some(first.clone());
        Ok(self.models())
    }

    fn models(&self) -> Vec<String> {
        if self.document.models.is_empty() {
            return self.model.iter().cloned().collect();
        }
        self.document.models.iter().map(|variant| self.model_name(variant)).collect()
    }

    fn model_name(&self, variant: &Variant) -> String {
        variant.name.replace(MODEL, self.model.as_deref().unwrap_or_default())
    }

    /// What a model is called in the study: its own name where the study does not know it.
    pub fn label<'a>(&'a self, model: &'a str) -> &'a str {
        self.position(model).map_or(model, |position| &self.document.models[position].label)
    }

    /// Which of the study's models it is.
    pub fn position(&self, model: &str) -> Option<usize> {
        self.document.models.iter().position(|variant| self.model_name(variant) == model)
    }
}
