//! The backends, read from `backends/backends.toml` or a file in its form.

use std::{collections::BTreeMap, env, path::Path};

use anyhow::{Context, Result};
use pocketwatt_files::read_text_bounded;
use pocketwatt_protocol::{GraphKind, Precision};
use serde::Deserialize;

use crate::refusal::Refusal;

/// Longest list of backends that is read.
const MOST_DOCUMENT_BYTES: u64 = 4 << 20;
/// What ships with the program.
const SHIPPED: &str = include_str!("../../../../backends/backends.toml");

/// A backend as its table describes it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Backend {
    /// The table's name.
    #[serde(skip)]
    pub name: String,
    /// Name of the runner program.
    pub binary: String,
    /// Cargo package that builds it in a source checkout.
    pub package: Option<String>,
    /// One line for people.
    pub summary: String,
    /// Whether a run takes it unasked.
    #[serde(default)]
    pub default: bool,
    /// Number formats that it computes in.
    pub precisions: Vec<Precision>,
    /// Whether its answers mean anything: then they are compared with those of others.
    #[serde(default = "yes")]
    pub scored: bool,
    /// Why it does not compute in others.
    #[serde(default)]
    refused: BTreeMap<Precision, Reason>,
    /// ONNX graphs that it loads, the one it runs fastest first.
    #[serde(default)]
    pub graphs: Vec<GraphKind>,
    /// Variables for the runner; `{threads}` stands for the number of threads.
    #[serde(default)]
    environment: BTreeMap<String, String>,
    /// Variables that the runner inherits besides the usual ones; a star stands for any ending.
    #[serde(default)]
    pub inherit: Vec<String>,
    /// A shared library that it opens at run time.
    pub library: Option<Library>,
}

/// Why a backend does not compute in a precision.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
enum Reason {
    /// On every processor.
    Everywhere(String),
    /// By the processor's architecture, as Rust calls it.
    ByArchitecture(BTreeMap<String, String>),
}

impl Reason {
    fn on(&self, architecture: &str) -> Option<&str> {
        match self {
            Self::Everywhere(reason) => Some(reason),
            Self::ByArchitecture(reasons) => reasons.get(architecture).map(String::as_str),
        }
    }
}

/// A shared library that a runner opens, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Library {
    /// Environment variable that names its path.
    pub variable: String,
    /// Its file name.
    pub file: String,
    /// Where the script puts it, below the cache folder; `{arch}` stands for the processor architecture.
    pub cached: String,
    /// The script, from the root of a source checkout.
    pub fetch: String,
    /// SHA-256 of what the script fetches, by the processor architecture as Rust calls it.
    #[serde(default)]
    pub sha256: BTreeMap<String, String>,
}

fn yes() -> bool {
    true
}

impl Backend {
    /// Why it does not compute in that precision on processors of the architecture that this program was built for, which
    /// is the runners' too.
    pub fn refusal(&self, precision: Precision) -> String {
        self.refusal_on(precision, env::consts::ARCH)
    }

    /// The same for processors of another architecture, as Rust calls it.
    pub fn refusal_on(&self, precision: Precision, architecture: &str) -> String {
        match self.refused.get(&precision).and_then(|reason| reason.on(architecture)) {
            Some(reason) => reason.to_owned(),
            None => format!("{} does not compute in {}", self.name, precision.name()),
        }
    }

    /// Variables that the runner is started with.
    pub fn environment(&self, threads: u32) -> impl Iterator<Item = (&str, String)> {
        let threads = threads.to_string();
        self.environment.iter().map(move |(name, value)| (name.as_str(), value.replace("{threads}", &threads)))
    }
}

/// All known backends, in the order of their file.
#[derive(Debug)]
pub struct Registry {
    backends: Vec<Backend>,
}

impl Registry {
    /// The backends that ship with the program, or those of a file.
    ///
    /// # Errors
    /// When the file cannot be read or does not have the form.
    pub fn open(file: Option<&Path>) -> Result<Self> {
        let Some(path) = file else { return Self::parse(SHIPPED).context("the backends that ship with pocketwatt") };
        let text = read_text_bounded(path, MOST_DOCUMENT_BYTES)
            .map_err(|error| Refusal::error(format!("cannot read the backends in {}: {error}", path.display())))?;
        Self::parse(&text).with_context(|| format!("{} lists no backends", path.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let malformed = |error: toml::de::Error| Refusal::error(error.to_string().trim_end().to_owned());
        let tables: toml::Table = toml::from_str(text).map_err(malformed)?;
        let backend = |(name, table): (String, toml::Value)| -> Result<Backend> {
            let backend: Backend = table.try_into().map_err(malformed).with_context(|| format!("backend {name:?}"))?;
            Ok(Backend { name, ..backend })
        };
        Ok(Self { backends: tables.into_iter().map(backend).collect::<Result<_>>()? })
    }

    /// The backends of these names; without names, those that are run unasked.
    ///
    /// # Errors
    /// When there is no backend of a name.
    pub fn select(&self, names: &[String]) -> Result<Vec<&Backend>> {
        if names.is_empty() {
            return Ok(self.backends.iter().filter(|backend| backend.default).collect());
        }
        names.iter().map(|name| self.find(name)).collect()
    }

    /// The backend of that name.
    ///
    /// # Errors
    /// When there is none.
    pub fn find(&self, name: &str) -> Result<&Backend> {
        let known = || self.backends.iter().map(|backend| backend.name.as_str());
        self.backends
            .iter()
            .find(|backend| backend.name == name)
            .ok_or_else(|| Refusal::unknown("backend", name, known(), ""))
    }

    /// All of them.
    pub fn all(&self) -> &[Backend] {
        &self.backends
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_backends_keep_their_order_and_three_are_run_unasked() {
        let registry = Registry::open(None).unwrap();
        let names = |backends: Vec<&Backend>| backends.iter().map(|backend| backend.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(registry.all().iter().collect()), ["onnxruntime", "tract", "candle", "fake"]);
        assert_eq!(names(registry.select(&[]).unwrap()), ["onnxruntime", "tract", "candle"]);
        assert_eq!(names(registry.select(&["fake".into()]).unwrap()), ["fake"]);
    }

    #[test]
    fn threads_reach_the_environment() {
        let registry = Registry::open(None).unwrap();
        let candle: Vec<_> = registry.find("candle").unwrap().environment(3).collect();
        assert!(candle.contains(&("RAYON_NUM_THREADS", "3".into())), "{candle:?}");
    }

    #[test]
    fn the_script_fetches_the_library_that_is_expected() {
        let registry = Registry::open(None).unwrap();
        let library = registry.find("onnxruntime").unwrap().library.clone().unwrap();
        let script = include_str!("../../../../scripts/fetch-onnxruntime");
        assert_eq!(library.sha256.keys().collect::<Vec<_>>(), ["aarch64", "x86_64"]);
        for sha256 in library.sha256.values() {
            assert!(script.contains(&format!("library_sha256={sha256}\n")), "the script pins another one");
        }
    }

    #[test]
    fn reasons_are_those_of_the_architecture() {
        let registry = Registry::open(None).unwrap();
        let onnxruntime = registry.find("onnxruntime").unwrap();
        let reason = |precision, architecture| onnxruntime.refusal_on(precision, architecture);
        assert!(reason(Precision::F16, "x86_64").contains("x86_64"));
        assert!(reason(Precision::F16, "aarch64").contains("aarch64"));
        assert_eq!(reason(Precision::F16, "riscv64"), "onnxruntime does not compute in f16");
        assert_eq!(reason(Precision::Bf16, "x86_64"), reason(Precision::Bf16, "aarch64"));
    }

    #[test]
    fn what_is_wrong_with_a_table_is_told() {
        let text = |text: &str| format!("{:#}", Registry::parse(text).unwrap_err());
        let unknown_key = text("[mine]\nbinary = \"x\"\nsummary = \"y\"\nprecisions = [\"f32\"]\ncolour = 3\n");
        assert!(unknown_key.starts_with("backend \"mine\": ") && unknown_key.contains("colour"), "{unknown_key}");
        let precision = text("[mine]\nbinary = \"x\"\nsummary = \"y\"\nprecisions = [\"f7\"]\n");
        assert!(precision.contains("f7"), "{precision}");
        assert!(text("mine").contains("expected"), "not TOML at all");
    }
}
