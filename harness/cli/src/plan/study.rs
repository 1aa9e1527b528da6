//! Studies: questions whose answer is a series of cases that differ in one thing.

use std::{path::Path, thread::available_parallelism};

use anyhow::{Context, Result};
use pocketwatt_files::{check_name, read_text_bounded};
use pocketwatt_protocol::Precision;
use pocketwatt_record::{StudySource, metric};
use serde::Deserialize;

use super::{MOST_DOCUMENT_BYTES, synthetic};
use crate::refusal::Refusal;

/// What ships with the program.
const SHIPPED: &[&str] = &[
    include_str!("../../../../scenarios/studies/layer-sharing.toml"),
    include_str!("../../../../scenarios/studies/depth.toml"),
    include_str!("../../../../scenarios/studies/embedding-sharing.toml"),
    include_str!("../../../../scenarios/studies/kv-heads.toml"),
    include_str!("../../../../scenarios/studies/model-size.toml"),
    include_str!("../../../../scenarios/studies/reference.toml"),
    include_str!("../../../../scenarios/studies/precision.toml"),
    include_str!("../../../../scenarios/studies/threads.toml"),
    include_str!("../../../../scenarios/studies/context.toml"),
];
/// What is told of a stated battery.
const BATTERY_METRICS: [&str; 2] = ["battery_per_request", "chat_hours_per_charge"];
/// Most threads of a case.
const MOST_THREADS: u32 = 1024;
/// Stands for the model that the user may choose.
const MODEL: &str = "{model}";

/// A question, and the cases that answer it.
#[derive(Clone, Debug, PartialEq)]
pub struct Study {
    document: Document,
    definition: String,
    /// What [`MODEL`] stands for.
    model: Option<String>,
}

/// In what the cases of a series differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Axis {
    /// Models that have no order.
    Model,
    /// Models in the order of their size.
    Parameters,
    /// Number formats.
    Precision,
    /// Numbers of threads.
    Threads,
    /// Lengths of the prompt, in tokens.
    Prompt,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Document {
    name: String,
    question: String,
    axis: Axis,
    model: Option<String>,
    #[serde(default)]
    models: Vec<Variant>,
    scenarios: Vec<String>,
    #[serde(default = "one_precision")]
    precisions: Vec<Precision>,
    #[serde(default = "one_thread")]
    threads: Vec<u32>,
    /// Whether each number is also told as a multiple of the first column's.
    #[serde(default)]
    ratios: bool,
    #[serde(default)]
    remarks: Vec<String>,
    show: Vec<Shown>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Variant {
    name: String,
    label: String,
}

/// A metric that the study's table shows.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// Its name in the catalogue.
    pub metric: String,
    /// Whether it is drawn.
    #[serde(default)]
    pub chart: bool,
    /// Whether a straight line is fitted through its numbers.
    #[serde(default)]
    pub line: bool,
    /// What others published.
    pub published: Option<Published>,
}

/// Numbers that others published, to stand beside ours.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// Whose they are.
    pub label: String,
    /// Their unit, as it is shown.
    pub unit: String,
    /// One for each model of the study, in its order.
    #[serde(default)]
    pub values: Vec<f64>,
    /// A slope, for 10^9 weights.
    pub per_billion_weights: Option<f64>,
}

fn one_precision() -> Vec<Precision> {
    vec![Precision::F32]
}

fn one_thread() -> Vec<u32> {
    vec![1]
}

impl Study {
    /// The studies that ship with the program.
    ///
    /// # Errors
    /// None in a build whose tests passed.
    pub fn shipped() -> Result<Vec<Self>> {
        SHIPPED.iter().map(|definition| Self::parse(definition)).collect()
    }

    /// A shipped study by its name, or any by its file.
    ///
    /// # Errors
    /// When there is none, or its file is not a study.
    pub fn find(wanted: &str) -> Result<Self> {
        let shipped = Self::shipped()?;
        if let Some(study) = shipped.iter().find(|study| study.name() == wanted) {
            return Ok(study.clone());
        }
        if wanted.ends_with(".toml") || wanted.contains('/') {
            return Self::read(Path::new(wanted));
        }
        Err(Refusal::unknown("study", wanted, shipped.iter().map(Self::name), ", or the path of a .toml file"))
    }

    /// A study's file.
    ///
    /// # Errors
    /// When it cannot be read, or is not a study.
    pub fn read(file: &Path) -> Result<Self> {
        let text = read_text_bounded(file, MOST_DOCUMENT_BYTES)
            .map_err(|error| Refusal::error(format!("cannot read the study {}: {error}", file.display())))?;
        Self::parse(&text).with_context(|| format!("{} is not a study", file.display()))
    }

    /// As it was stored with a run.
    ///
    /// # Errors
    /// When the text is not a study.
    pub fn stored(source: &StudySource) -> Result<Self> {
        let study = Self::parse(&source.definition).context("the stored study")?;
        Ok(Self { model: source.model.clone(), ..study })
    }

    /// What is stored with a run.
    pub fn source(&self) -> StudySource {
        StudySource { name: self.document.name.clone(), definition: self.definition.clone(), model: self.model.clone() }
    }

    fn parse(definition: &str) -> Result<Self> {
        let document: Document =
            toml::from_str(definition).map_err(|error| Refusal::error(error.to_string().trim_end().to_owned()))?;
        document.check().map_err(|reason| Refusal::error(format!("study {:?}: {reason}", document.name)))?;
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
        self.shown().iter().any(|shown| BATTERY_METRICS.contains(&shown.metric.as_str()))
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
    pub fn choose_models(&mut self, chosen: &[String]) -> Result<Vec<String>> {
        let [first, rest @ ..] = chosen else { return Ok(self.models()) };
        if self.document.model.is_none() {
            return Ok(chosen.to_vec());
        }
        if !rest.is_empty() {
            return Err(Refusal::error(format!("study {:?} is about one model: name one with --model", self.name())));
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

impl Document {
    fn check(&self) -> Result<(), String> {
        // Its chart is named after it.
        check_name(&self.name).map_err(|error| error.to_string())?;
        if self.show.is_empty() {
            return Err("it shows nothing: add a [[show]] table".into());
        }
        if let Some(shown) = self.show.iter().find(|shown| metric(&shown.metric).is_none()) {
            return Err(format!("there is no metric {:?}", shown.metric));
        }
        if self.scenarios.is_empty() || self.precisions.is_empty() || self.threads.is_empty() {
            return Err("scenarios, precisions and threads may not be empty".into());
        }
        if let Some(threads) = self.threads.iter().find(|threads| !(1..=MOST_THREADS).contains(*threads)) {
            return Err(format!("{threads} threads are not from 1 to {MOST_THREADS}"));
        }
        let is_template = self.models.is_empty() || self.models.iter().any(|variant| variant.name.contains(MODEL));
        match (is_template, &self.model) {
            (true, None) => return Err(format!("it needs a model, for {MODEL} to stand for")),
            (false, Some(_)) => return Err(format!("no name of its models has {MODEL} in it: leave model out")),
            _ => {}
        }
        for published in self.show.iter().filter_map(|shown| shown.published.as_ref()) {
            if !published.values.is_empty() && published.values.len() != self.models.len() {
                let (values, models) = (published.values.len(), self.models.len());
                return Err(format!("{:?} has {values} values for {models} models", published.label));
            }
        }
        if self.axis == Axis::Prompt {
            for scenario in &self.scenarios {
                if synthetic::definition(scenario).map_err(|error| error.to_string())?.is_none() {
                    return Err(format!("{scenario:?} has no length of its prompt in its name"));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use pocketwatt_model::variant::seeded_config;

    use super::*;
    use crate::plan::Scenario;

    #[test]
    fn everything_that_shipped_studies_name_exists() {
        let studies = Study::shipped().unwrap();
        assert_eq!(studies.len(), SHIPPED.len());
        for study in studies {
            for model in study.models() {
                seeded_config(&model).unwrap_or_else(|| panic!("{}: {model}", study.name())).unwrap();
            }
            study.scenarios().iter().for_each(|name| drop(Scenario::find(name).unwrap()));
            assert!(study.shown().iter().any(|shown| shown.chart), "{} draws nothing", study.name());
            assert_eq!(Study::stored(&study.source()).unwrap(), study);
        }
    }

    #[test]
    fn the_models_of_the_depth_study_have_the_same_number_of_weights() {
        let sizes: Vec<u64> = Study::find("depth")
            .unwrap()
            .models()
            .iter()
            .map(|model| seeded_config(model).unwrap().unwrap().parameters())
            .collect();
        let (least, most) = (*sizes.iter().min().unwrap() as f64, *sizes.iter().max().unwrap() as f64);
        assert!(most / least < 1.011, "{sizes:?}");
    }

    #[test]
    fn the_user_chooses_the_model_or_some_of_them() {
        let chosen = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
        let mut study = Study::find("kv-heads").unwrap();
        let models = study.choose_models(&chosen(&["tiny"])).unwrap();
        assert_eq!(models, ["tiny+kv1", "tiny+kv3", "tiny+kv9"]);
        assert_eq!((study.label("tiny+kv9"), study.label("other")), ("9 key-value heads", "other"));
        assert_eq!(Study::stored(&study.source()).unwrap().position("tiny+kv3"), Some(1));
        let error = study.choose_models(&chosen(&["tiny", "tiny-ls"])).unwrap_err().to_string();
        assert_eq!(error, "study \"kv-heads\" is about one model: name one with --model");
        let mut sizes = Study::find("model-size").unwrap();
        assert_eq!(sizes.choose_models(&chosen(&["mobilellm-350m"])).unwrap(), ["mobilellm-350m"]);
    }

    #[test]
    fn what_is_no_study_is_refused_with_the_reason() {
        let refused = |change: (&str, &str)| {
            let text = SHIPPED[0].replace(change.0, change.1);
            assert_ne!(text, SHIPPED[0]);
            Study::parse(&text).unwrap_err().to_string()
        };
        assert_eq!(
            refused(("metric = \"load_time\"", "metric = \"speed\"")),
            "study \"layer-sharing\": there is no metric \"speed\""
        );
        assert_eq!(
            refused(("39.2, 43.6, 68.6", "39.2")),
            "study \"layer-sharing\": \"paper, load\" has 1 values for 3 models"
        );
        assert!(refused(("axis = \"model\"", "axis = \"prompt\"\nmodel = \"tiny\"")).contains("leave model out"));
        assert!(refused(("ratios = true", "ratio = true")).contains("unknown field `ratio`"));
        assert!(refused(("\"layer-sharing\"", "\"../../evil\"")).contains("would lead elsewhere"));
        assert!(refused(("ratios = true", "threads = [1, 4294967295]")).contains("4294967295 threads are not from 1"));
        let error = Study::find("/dev/zero").unwrap_err().to_string();
        assert!(error.contains("it is a pipe, socket or device"), "{error}");
        let error = Study::find("depht").unwrap_err().to_string();
        assert!(error.contains("did you mean") || error.contains("depth"), "{error}");
    }
}
