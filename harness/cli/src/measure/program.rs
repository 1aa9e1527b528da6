//! Finds the runner programs.

use std::{
    collections::HashMap,
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    rc::Rc,
};

use anyhow::{Context, Result, bail};
use pocketwatt_meter::CoreList;
use pocketwatt_protocol::{Clock, MonotonicClock};
use pocketwatt_record::{Baseline, Case, PinnedCores};

use super::{
    environment::without_secrets,
    library::{RunnerLibrary, prepare_library},
    source::source_checkout,
};
use crate::{hashed_file::HashedFile, plan::Backend};

/// The variable with a folder of runner programs, which takes precedence.
const VARIABLE: &str = "POCKETWATT_RUNNERS";

/// A runner program, and what it opens at run time.
#[derive(Clone, Debug)]
pub struct RunnerProgram {
    /// Its file.
    pub file: Rc<HashedFile>,
    /// The shared library of its engine, if it opens one.
    pub library: Option<Rc<RunnerLibrary>>,
    /// The cache folder, where it finds what was fetched for it.
    pub cache: PathBuf,
    /// The cores on which it runs; absent where the system chooses.
    pub cores: Option<CoreList>,
}

impl RunnerProgram {
    /// SHA-256 of the program.
    pub fn sha256(&self) -> &str {
        self.file.sha256()
    }

    /// SHA-256 of the engine's library.
    pub fn library_sha256(&self) -> Option<&str> {
        self.library.as_ref().map(|library| library.file.sha256())
    }

    /// Checks whether program and library are still those that were hashed.
    ///
    /// # Errors
    /// Which one has changed.
    pub fn ensure_unchanged(&self) -> Result<(), String> {
        self.file.ensure_unchanged()?;
        self.library.as_ref().map_or(Ok(()), |library| library.file.ensure_unchanged())
    }
}

/// The programs of a run, each found (or built) once.
#[derive(Debug)]
pub struct Programs {
    cache: PathBuf,
    /// With what they are compared.
    baseline: Option<Baseline>,
    /// The cores on which they run.
    cores: Option<CoreList>,
    found: HashMap<(String, Build), Result<RunnerProgram, String>>,
}

/// Which build of a runner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Build {
    /// The one that every run measures.
    Own,
    /// The one that it is compared with.
    Baseline,
}

impl Build {
    /// That of a case.
    pub fn of(case: &Case) -> Self {
        if case.baseline { Self::Baseline } else { Self::Own }
    }
}

impl Programs {
    /// No program is found yet; every runner gets `cache`.
    pub fn new(cache: &Path) -> Self {
        Self { cache: cache.to_owned(), baseline: None, cores: None, found: HashMap::new() }
    }

    /// Finds those that they are compared with there.
    pub fn compare_with(&mut self, baseline: &Baseline) {
        self.baseline = Some(baseline.clone());
    }

    /// Runs those that are found from now on on these cores.
    pub fn run_on(&mut self, cores: Option<&PinnedCores>) {
        self.cores = cores.and_then(|cores| CoreList::parse(&cores.list));
    }

    /// The programs of all these backends. Those that have to be built come one after the other, and each says which of how
    /// many it is and how long it took so far: that may be many minutes on a small machine.
    pub fn find_all(&mut self, backends: &[&Backend]) {
        let started = MonotonicClock.now();
        let to_build: Vec<&str> =
            backends.iter().filter(|backend| is_to_build(backend)).map(|backend| backend.name.as_str()).collect();
        for backend in backends {
            let place = to_build.iter().position(|name| *name == backend.name);
            if let (Some(place), of @ 2..) = (place, to_build.len()) {
                let minutes = MonotonicClock.now().since(started) / 60_000_000_000;
                let name = &backend.name;
                notice!(
                    "runner {} of {of}, {name}, after {minutes} min: measuring begins when all are there",
                    place + 1
                );
            }
            // A missing runner is reported as the reason of the skipped case.
            let _ = self.find(backend, Build::Own);
        }
    }

    /// The program of a backend, and the library that it opens, which is fetched on first use.
    ///
    /// A baseline is in its folder and nowhere else. Other builds, in this order: in the folder that `POCKETWATT_RUNNERS` names; built by cargo if this program was itself built from
    /// a source checkout and not installed, so that the measured program matches the source; beside this program.
    ///
    /// # Errors
    /// When it does not exist and cannot be built. The reason ends with what to do.
    pub fn find(&mut self, backend: &Backend, build: Build) -> Result<RunnerProgram, String> {
        let found = self.found.entry((backend.name.clone(), build)).or_insert_with(|| {
            let (path, what) = match (build, &self.baseline) {
                (Build::Own, _) => (locate(backend), "runner"),
                (Build::Baseline, Some(Baseline::Themselves)) => (locate(backend), "runner"),
                (Build::Baseline, Some(Baseline::Runners(folder))) => (in_folder(folder, backend), "baseline runner"),
                (Build::Baseline, None) => return Err("no folder of baseline runners was given".into()),
            };
            let path = path.map_err(|error| format!("{error:#}"))?;
            let file = Rc::new(HashedFile::read(format!("the {what} of {}", backend.name), &path)?);
            let library = backend.library.as_ref();
            let library = library.map(|library| prepare_library(library, backend, &path, &self.cache)).transpose()?;
            let cores = self.cores.clone();
            Ok(RunnerProgram { file, library: library.map(Rc::new), cache: self.cache.clone(), cores })
        });
        found.clone()
    }
}

/// Where a runner program is, or how to build it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whereabouts {
    /// At this path.
    At(PathBuf),
    /// Cargo builds it from this source checkout, or finds that it is up to date.
    Source {
        /// Root of the checkout.
        checkout: PathBuf,
        /// Package that builds it.
        package: String,
        /// Cargo's target folder.
        target: PathBuf,
        /// Name of the program's file.
        name: String,
    },
}

impl Whereabouts {
    /// Finds a backend's program, and builds nothing.
    ///
    /// # Errors
    /// When it does not exist and cannot be built. The reason ends with what to do.
    pub fn of(backend: &Backend) -> Result<Self> {
        let name = format!("{}{}", backend.binary, env::consts::EXE_SUFFIX);
        if let Some(folder) = env::var_os(VARIABLE).filter(|folder| !folder.is_empty()) {
            let path = Path::new(&folder).join(&name);
            if path.is_file() {
                return Ok(Self::At(path));
            }
            bail!("there is no {}: unset {VARIABLE}, or build the runner into it", path.display());
        }
        let program = env::current_exe().context("cannot tell where this program is")?;
        let beside = program.with_file_name(&name);
        // A debug build of the harness uses existing debug builds, which only tests have.
        if cfg!(debug_assertions) && beside.is_file() {
            return Ok(Self::At(beside));
        }
        if let (Some(checkout), Some(package), Some(target)) =
            (source_checkout(), &backend.package, program.parent().and_then(Path::parent))
        {
            return Ok(Self::Source { checkout, package: package.clone(), target: target.to_owned(), name });
        }
        if beside.is_file() {
            return Ok(Self::At(beside));
        }
        bail!("there is no {}: install it there, or name its folder in {VARIABLE}", beside.display())
    }

    /// The path of the program, whether or not it exists.
    pub fn path(&self) -> PathBuf {
        match self {
            Self::At(path) => path.clone(),
            Self::Source { target, name, .. } => target.join("release").join(name),
        }
    }
}

/// The program of a backend in a folder of baseline runners.
///
/// # Errors
/// When it is not there, with what to do.
pub fn in_folder(folder: &Path, backend: &Backend) -> Result<PathBuf> {
    let path = folder.join(format!("{}{}", backend.binary, env::consts::EXE_SUFFIX));
    if !path.is_file() {
        bail!(
            "there is no {}: build the runner into that folder, or choose other backends with --backend",
            path.display()
        );
    }
    Ok(path)
}

/// Whether nothing was built yet of a backend that cargo builds.
fn is_to_build(backend: &Backend) -> bool {
    matches!(Whereabouts::of(backend), Ok(whereabouts @ Whereabouts::Source { .. }) if !whereabouts.path().is_file())
}

fn locate(backend: &Backend) -> Result<PathBuf> {
    match Whereabouts::of(backend)? {
        Whereabouts::At(path) => Ok(path),
        Whereabouts::Source { checkout, package, target, name } => build(&checkout, &package, &target, &name),
    }
}

/// Builds one runner alone, in release: built together with others, it would be a different program.
fn build(checkout: &Path, package: &str, target: &Path, name: &str) -> Result<PathBuf> {
    let built = target.join("release").join(name);
    let command = format!("cargo build --release -p {package}");
    let mut cargo = Command::new("cargo");
    without_secrets(&mut cargo);
    cargo.args(["build", "--release", "--locked", "-p", package, "--target-dir"]).arg(target).current_dir(checkout);
    if built.is_file() {
        // Usually there is nothing to build, and nothing to report.
        cargo.arg("--quiet");
    } else {
        notice!("building a runner, once: {command}");
    }
    let status = cargo
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .with_context(|| format!("cannot run cargo to build the runner: {command}"))?;
    if !status.success() || !built.is_file() {
        bail!("the runner could not be built, see above: {command}");
    }
    Ok(built)
}
