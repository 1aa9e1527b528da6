//! The backends, read from `backends/backends.toml` or a file with the same structure.

use std::{collections::BTreeMap, env, path::Path};

use anyhow::{Context, Result};
use pocketwatt_files::read_text_bounded;
use pocketwatt_protocol::{GraphKind, Precision};
use pocketwatt_record::Case;
use serde::Deserialize;

use crate::{bundle::Bundle, refusal::Refusal};

/// Longest list of backends that is read.
const MOST_DOCUMENT_BYTES: u64 = 4 << 20;
/// The file that ships with the program.
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
    /// Whether a run uses it by default.
    #[serde(default)]
    pub default: bool,
    /// Number formats that it computes in.
    pub precisions: Vec<Precision>,
    /// Whether its f32 is what others are compared with: true of one of them at the most.
    #[serde(default)]
    pub reference: bool,
    /// Its colour in charts.
    pub colour: Option<Colour>,
    /// Whether its answers mean anything: then they are compared with those of other backends.
    #[serde(default = "yes")]
    pub scored: bool,
    /// Why it does not compute in other precisions.
    #[serde(default)]
    refused: BTreeMap<Precision, Reason>,
    /// ONNX graphs that it loads, the one it runs fastest first.
    #[serde(default)]
    pub graphs: Vec<GraphKind>,
    /// Variables for the runner; `{threads}` is replaced by the number of threads.
    #[serde(default)]
    environment: BTreeMap<String, String>,
    /// Variables that the runner inherits in addition to the usual ones; a star stands for any ending.
    #[serde(default)]
    pub inherit: Vec<String>,
    /// A shared library that it opens at run time.
    pub library: Option<Library>,
}

/// A colour: red, green and blue from 0 to 255. In text `#0072b2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Colour(pub [u8; 3]);

impl TryFrom<String> for Colour {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let is_colour = |digits: &&str| digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let digits = text.strip_prefix('#').filter(is_colour);
        match digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).map(u32::to_be_bytes) {
            Some([_, red, green, blue]) => Ok(Self([red, green, blue])),
            None => Err(format!("{text:?} is no colour: write # and six hexadecimal digits, as in \"#0072b2\"")),
        }
    }
}

/// Why a backend does not compute in a precision.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
enum Reason {
    /// On every processor.
    Everywhere(String),
    /// By the processor's architecture, as Rust names it.
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
    /// Where the script puts it, below the cache folder; `{arch}` is replaced by the processor architecture.
    pub cached: String,
    /// The script, from the root of a source checkout.
    pub fetch: String,
    /// SHA-256 of the fetched file, by the processor architecture as Rust names it.
    #[serde(default)]
    pub sha256: BTreeMap<String, String>,
}

fn yes() -> bool {
    true
}

impl Backend {
    /// Why it does not compute in that precision on processors of the architecture that this program, and so its runners, were
    /// built for.
    pub fn refusal(&self, precision: Precision) -> String {
        self.refusal_on(precision, env::consts::ARCH)
    }

    /// The same for processors of another architecture, as Rust names it.
    pub fn refusal_on(&self, precision: Precision, architecture: &str) -> String {
        match self.refused.get(&precision).and_then(|reason| reason.on(architecture)) {
            Some(reason) => reason.to_owned(),
            None => format!("{} does not compute in {}", self.name, precision.name()),
        }
    }

    /// The name of its runner among ours, by which `scripts/package` knows it; `None` for a runner of somebody else.
    pub fn own_runner(&self) -> Option<&str> {
        self.package.as_deref()?.strip_prefix("pocketwatt-")
    }

    /// Whether a program with that file name is its runner.
    pub fn is_runner(&self, file: &str) -> bool {
        file == self.binary
    }

    /// Variables with which the runner is started.
    pub fn environment(&self, threads: u32) -> impl Iterator<Item = (&str, String)> {
        let threads = threads.to_string();
        self.environment.iter().map(move |(name, value)| (name.as_str(), value.replace("{threads}", &threads)))
    }
}

/// Those of these backends whose f32 others can be compared with: first the one that its file calls the reference, then the
/// others in their order.
pub fn references<'b>(among: impl IntoIterator<Item = &'b Backend>) -> Vec<&'b Backend> {
    let able = |backend: &&Backend| backend.scored && backend.precisions.contains(&Precision::F32);
    let mut able: Vec<&Backend> = among.into_iter().filter(able).collect();
    able.sort_by_key(|backend| !backend.reference);
    able
}

/// Names of the backends that a run takes unasked where the user has no list of backends, separated by commas.
pub fn default_names() -> String {
    let registry = Registry::open(None);
    let backends = registry.as_ref().ok().and_then(|registry| registry.select(&[]).ok()).unwrap_or_default();
    backends.iter().map(|backend| backend.name.as_str()).collect::<Vec<_>>().join(",")
}

/// Name of the backend that is the reference where the user has no list of backends.
pub fn default_reference() -> String {
    let registry = Registry::open(None);
    registry.ok().and_then(|registry| Some(references(registry.all()).first()?.name.clone())).unwrap_or_default()
}

/// All known backends, in the order of their file.
#[derive(Debug)]
pub struct Registry {
    backends: Vec<Backend>,
}

impl Registry {
    /// The backends that ship with the program, or those of a file. The file of a bundle ships with the programs there, and can be
    /// edited.
    ///
    /// # Errors
    /// When the file cannot be read or is malformed.
    pub fn open(file: Option<&Path>) -> Result<Self> {
        let bundled = Bundle::of_this_program().map(|bundle| bundle.backends());
        match file.or(bundled.as_deref()) {
            Some(path) => Self::read(path),
            None => Self::parse(SHIPPED).context("the backends that ship with pocketwatt"),
        }
    }

    fn read(path: &Path) -> Result<Self> {
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
        let backends: Vec<Backend> = tables.into_iter().map(backend).collect::<Result<_>>()?;
        let references: Vec<&str> =
            backends.iter().filter(|backend| backend.reference).map(|backend| backend.name.as_str()).collect();
        if references.len() > 1 {
            let names = references.join(" and ");
            return Err(Refusal::error(format!("{names} are each the reference: keep reference = true in one table")));
        }
        Ok(Self { backends })
    }

    /// The backends with these names; without names, the default ones.
    ///
    /// # Errors
    /// When there is no backend with one of the names.
    pub fn select(&self, names: &[String]) -> Result<Vec<&Backend>> {
        if names.is_empty() {
            return Ok(self.backends.iter().filter(|backend| backend.default).collect());
        }
        names.iter().map(|name| self.find(name)).collect()
    }

    /// The backend of that name; without a name, the one whose f32 others are compared with.
    ///
    /// # Errors
    /// When there is none of that name, or no reference; `option` is where one can be named.
    pub fn find_or_reference(&self, name: Option<&str>, option: &str) -> Result<&Backend> {
        match name {
            Some(name) => self.find(name),
            None => references(&self.backends).first().copied().ok_or_else(|| {
                Refusal::error(format!("no backend here can be the reference of others: name one with {option}"))
            }),
        }
    }

    /// The backend with that name.
    ///
    /// # Errors
    /// When it does not exist.
    pub fn find(&self, name: &str) -> Result<&Backend> {
        let known = || self.backends.iter().map(|backend| backend.name.as_str());
        self.backends
            .iter()
            .find(|backend| backend.name == name)
            .ok_or_else(|| Refusal::unknown("backend", name, known(), ""))
    }

    /// The backends of these cases, each once.
    ///
    /// # Errors
    /// When there is no backend with one of the names.
    pub fn of_cases<'c>(&self, cases: impl IntoIterator<Item = &'c Case>) -> Result<Vec<&Backend>> {
        let mut backends: Vec<&Backend> = Vec::new();
        for case in cases {
            if backends.iter().all(|backend| backend.name != case.backend) {
                backends.push(self.find(&case.backend)?);
            }
        }
        Ok(backends)
    }

    /// The colours of those that have one, by name.
    pub fn colours(&self) -> impl Iterator<Item = (String, [u8; 3])> {
        self.backends.iter().filter_map(|backend| Some((backend.name.clone(), backend.colour?.0)))
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
    fn one_is_the_reference_and_others_stand_in_for_it() {
        let registry = Registry::open(None).unwrap();
        assert_eq!(registry.find_or_reference(None, "--reference").unwrap().name, "candle");
        assert_eq!(registry.find_or_reference(Some("tract"), "--reference").unwrap().name, "tract");
        let without = registry.select(&["fake".into(), "tract".into(), "onnxruntime".into()]).unwrap();
        let names: Vec<&str> = references(without).iter().map(|backend| backend.name.as_str()).collect();
        assert_eq!(names, ["tract", "onnxruntime"], "fake computes nothing");
    }

    #[test]
    fn engines_that_are_compared_have_colours_of_their_own() {
        let registry = Registry::open(None).unwrap();
        let colours: Vec<[u8; 3]> =
            registry.select(&[]).unwrap().iter().map(|backend| backend.colour.unwrap().0).collect();
        assert_eq!(colours, [[0, 114, 178], [230, 159, 0], [0, 158, 115]]);
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
        let mine = "[mine]\nbinary = \"x\"\nsummary = \"y\"\nprecisions = [\"f32\"]\n";
        let unknown_key = text(&format!("{mine}weight = 3\n"));
        assert!(unknown_key.starts_with("backend \"mine\": ") && unknown_key.contains("weight"), "{unknown_key}");
        let colour = text(&format!("{mine}colour = \"reddish\"\n"));
        assert!(colour.starts_with("backend \"mine\": \"reddish\" is no colour: write #"), "{colour}");
        assert!(colour.contains("colour"), "{colour}");
        let two = text(&format!("{mine}reference = true\n{}reference = true\n", mine.replace("mine", "yours")));
        assert_eq!(two, "mine and yours are each the reference: keep reference = true in one table");
        let precision = text("[mine]\nbinary = \"x\"\nsummary = \"y\"\nprecisions = [\"f7\"]\n");
        assert!(precision.contains("f7"), "{precision}");
        assert!(text("mine").contains("expected"), "not TOML at all");
    }
}
