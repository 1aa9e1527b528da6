//! `pocketwatt model`: the models of this machine.

use std::path::{Path, PathBuf};

use anyhow::{Chain, Context, Result};
use clap::{Args, Subcommand};
use pocketwatt_files::{PartialFolder, exchange};
use pocketwatt_model::{
    LibraryEntry, ModelConfig, ModelError, ModelFolder, ModelLibrary, ModelManifest, ModelOrigin, Preset, check_name,
    generate_seeded_in,
    precision::{bytes_per_token, obstacle, prepare_weights},
    variant::seeded_config,
};
use pocketwatt_protocol::Precision;

use super::{
    output,
    selection::{CacheArguments, precision_parser},
};
use crate::{
    cache::{CacheLock, Item},
    columns,
    fetch::{self, Repository},
    inert,
    plan::DEFAULT_SEED,
    refusal::Refusal,
};

/// What to do with models.
#[derive(Args, Debug)]
pub struct ModelArguments {
    #[command(subcommand)]
    command: ModelCommand,
}

#[derive(Subcommand, Debug)]
enum ModelCommand {
    /// Import trained weights: a GGUF file, or a folder of config.json, safetensors and tokenizer.json.
    Import(ImportArguments),
    /// Download trained weights from a model hub, and import them.
    Fetch(FetchArguments),
    /// Generate a model with random weights: it costs what a trained one of that shape costs, and its text is nonsense.
    Generate(GenerateArguments),
    /// List the existing models, and those that can be generated.
    List {
        #[command(flatten)]
        cache: CacheArguments,
    },
    /// Print the tokens that a model gets for each turn of a scenario, as JSON: for comparison with another program.
    Tokens(tokens::TokensArguments),
    /// Check that no file has changed since the model was generated or imported.
    Verify {
        /// Models [default: all].
        names: Vec<String>,
        #[command(flatten)]
        cache: CacheArguments,
    },
}

#[derive(Args, Debug)]
struct ImportArguments {
    /// The file or folder.
    source: PathBuf,
    #[command(flatten)]
    place: PlaceArguments,
    #[command(flatten)]
    cache: CacheArguments,
}

#[derive(Args, Debug)]
struct FetchArguments {
    /// Owner and name, as in HuggingFaceTB/SmolLM2-135M-Instruct. HF_TOKEN gives access to repositories that are not public,
    /// HF_ENDPOINT names another hub.
    #[arg(value_name = "OWNER/NAME")]
    repository: String,
    /// Branch, tag or commit.
    #[arg(long, default_value = "main")]
    revision: String,
    /// Keep the downloaded files, below downloads in the cache.
    #[arg(long)]
    keep: bool,
    #[command(flatten)]
    place: PlaceArguments,
    #[command(flatten)]
    cache: CacheArguments,
}

#[derive(Args, Debug)]
struct GenerateArguments {
    /// The model whose shape it gets: see `pocketwatt model list`; with changes, as in mobilellm-125m+layers12.
    preset: String,
    /// Seed of the random weights: the same seed gives the same model on every machine.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_SEED)]
    seed: u64,
    /// Number format in which its weights are written; others are made when they are needed.
    #[arg(long, value_name = "P", default_value = "f32", value_parser = precision_parser())]
    precision: Precision,
    #[command(flatten)]
    place: PlaceArguments,
    #[command(flatten)]
    cache: CacheArguments,
}

/// The name of a new model, and whether it may replace another.
#[derive(Args, Debug)]
struct PlaceArguments {
    /// Name of the model [default: the name of its source].
    #[arg(long)]
    name: Option<String>,
    /// Replace another model with that name.
    #[arg(long)]
    force: bool,
}

/// Runs the command.
///
/// # Errors
/// When a name is unknown or taken, a file cannot be read or written, or a verified model changed.
pub fn run(arguments: ModelArguments) -> Result<()> {
    match arguments.command {
        ModelCommand::Import(arguments) => import(&arguments),
        ModelCommand::Fetch(arguments) => fetch(&arguments),
        ModelCommand::Generate(arguments) => generate(&arguments),
        ModelCommand::List { cache } => output::write(&list(&cache.library()?.list()?)),
        ModelCommand::Tokens(arguments) => tokens::run(&arguments),
        ModelCommand::Verify { names, cache } => verify::run(&cache.library()?, &names),
    }
}

fn import(arguments: &ImportArguments) -> Result<()> {
    if !arguments.source.exists() {
        return Err(Refusal::error(format!("there is no file or folder {} to import", arguments.source.display())));
    }
    let name = match &arguments.place.name {
        Some(name) => name.clone(),
        None => name_of(&arguments.source)?,
    };
    let library = arguments.cache.library()?;
    let was_free = is_free(&library, &name)?;
    let _lock = CacheLock::take(library.root(), Item::Model(&name))?;
    let same = |made: &ModelOrigin| Ok(*made == pocketwatt_model::import_origin(&arguments.source)?);
    if was_free && made_meanwhile(&library, &name, same)? {
        return Ok(());
    }
    notice!("importing {} as {name}", arguments.source.display());
    let folder = make(&library, &name, arguments.place.force, |folder| {
        pocketwatt_model::import(&arguments.source, &name, folder)
    })?;
    tell(&folder)
}

fn fetch(arguments: &FetchArguments) -> Result<()> {
    let repository = Repository::parse(&arguments.repository)?;
    let library = arguments.cache.library()?;
    let name = arguments.place.name.clone().unwrap_or_else(|| repository.model_name());
    // Checked before hundreds of megabytes are downloaded for nothing.
    let was_free = !occupied(&library, &name, arguments.place.force)?;
    notice!("fetching {}", arguments.repository);
    let commit = fetch::find(&repository, &arguments.revision)?;
    let _download = CacheLock::take(library.root(), Item::Download(&arguments.repository))?;
    let same =
        |made: &ModelOrigin| Ok(matches!(made, ModelOrigin::Imported { source, .. } if *source == commit.origin()));
    if was_free && made_meanwhile(&library, &name, same)? {
        return Ok(());
    }
    let checkpoint = commit.download(&library.root().join("downloads"))?;
    let _lock = CacheLock::take(library.root(), Item::Model(&name))?;
    notice!("importing {} as {name}", checkpoint.origin);
    let folder = make(&library, &name, arguments.place.force, |folder| {
        pocketwatt_model::import_known_as(&checkpoint.folder, Some(&checkpoint.origin), &name, folder)
    })?;
    if !arguments.keep {
        checkpoint.remove()?;
    }
    tell(&folder)
}

/// Reports what was imported, where its files contradict each other, and remarks about how its text becomes tokens.
fn tell(folder: &Path) -> Result<()> {
    let imported = ModelFolder::open(folder)?;
    notice!("{}, written to {}", size(imported.config(), Precision::F32), folder.display());
    let manifest = ModelManifest::read(&imported)?;
    let notes = if let ModelOrigin::Imported { notes, .. } = manifest.origin { notes } else { Vec::new() };
    for remark in notes.iter().chain(&manifest.remarks) {
        notice!("{remark}");
    }
    Ok(())
}

/// The name of a model from its file or folder: lower case, without the format's ending.
fn name_of(source: &Path) -> Result<String> {
    let source = source.canonicalize().map_err(ModelError::io("read", source))?;
    let file = source.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let stem = [".gguf", ".safetensors"].iter().find_map(|ending| file.strip_suffix(ending)).unwrap_or(&file);
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.+".contains(c) { c } else { '-' };
    Ok(stem.chars().map(plain).collect::<String>().trim_start_matches(['.', '-', '_', '+']).to_owned())
}

fn generate(arguments: &GenerateArguments) -> Result<()> {
    let Some(config) = seeded_config(&arguments.preset) else {
        let presets = Preset::ALL.iter().map(|preset| preset.name);
        return Err(Refusal::unknown("preset", &arguments.preset, presets, ""));
    };
    let config = config.map_err(|error| Refusal::error(error.to_string()))?;
    let precision = arguments.precision;
    if let Some(reason) = obstacle(&config, precision) {
        return Err(Refusal::error(format!("{}: {reason}", arguments.preset)));
    }
    let preset = Preset::find(&arguments.preset).map(|preset| preset.name.to_owned());
    let library = arguments.cache.library()?;
    let name = arguments.place.name.as_deref().unwrap_or(&arguments.preset);
    let origin = ModelOrigin::Seeded { preset, seed: arguments.seed };
    check_name(name)?;
    let _lock = CacheLock::take(library.root(), Item::Model(name))?;
    let is_same = matches!(origin_of(&library, name)?, Some(Ok(present)) if present == origin);
    if let Some(present) = is_same.then(|| library.find(name)).transpose()?.filter(|it| *it.config() == config) {
        let had_weights = present.has_weights(precision);
        let manifest = ModelManifest::read(&present)?;
        let weights = prepare_weights(&present, &manifest.weights_sha256, precision)?;
        match had_weights {
            true => notice!("{name} is there already, {origin}: {}", present.path().display()),
            false => notice!("written in {} to {}", precision.name(), weights.path.display()),
        }
        return Ok(());
    }
    notice!("generating {name}: {}, {origin}", size(&config, precision));
    let folder = make(&library, name, arguments.place.force, |folder| {
        generate_seeded_in(&config, name, arguments.seed, Some(precision), folder)
    })?;
    notice!("written to {}", folder.display());
    Ok(())
}

/// The origin of the model with that name, or what is wrong with it; `None` if the name is free.
fn origin_of(library: &ModelLibrary, name: &str) -> Result<Option<Result<ModelOrigin, ModelError>>> {
    check_name(name)?;
    let path = library.folder(name);
    let verified = || {
        let folder = ModelFolder::open(&path)?;
        let manifest = ModelManifest::read(&folder)?;
        manifest.verify(&folder)?;
        Ok(manifest.origin)
    };
    Ok(path.exists().then(verified))
}

/// Whether there is a model with that name, which may be replaced only with `force`.
fn occupied(library: &ModelLibrary, name: &str, force: bool) -> Result<bool> {
    let what = match origin_of(library, name)? {
        None => return Ok(false),
        Some(Ok(origin)) => origin.to_string(),
        Some(Err(error)) => damaged(&error),
    };
    if !force {
        return Err(Refusal::error(format!(
            "there is a model {name:?} already ({what}): give this one another --name, or replace that one with --force"
        )));
    }
    Ok(true)
}

/// Whether the name is free.
fn is_free(library: &ModelLibrary, name: &str) -> Result<bool> {
    check_name(name)?;
    Ok(!library.folder(name).exists())
}

/// Whether a model of the same origin has appeared since this command began: then another process made
/// it, and there is nothing left to do.
fn made_meanwhile(
    library: &ModelLibrary,
    name: &str,
    is_same: impl FnOnce(&ModelOrigin) -> Result<bool>,
) -> Result<bool> {
    let made = match origin_of(library, name)? {
        Some(Ok(origin)) => is_same(&origin)?,
        Some(Err(_)) | None => false,
    };
    if made {
        notice!("{name} was made by another process meanwhile: {}", library.folder(name).display());
    }
    Ok(made)
}

/// Lets `write` make the model's folder, and returns its place. With `force`, an existing folder is removed only when the
/// new model is complete. The caller holds the model's lock.
fn make(
    library: &ModelLibrary,
    name: &str,
    force: bool,
    write: impl FnOnce(&Path) -> Result<ModelFolder, ModelError>,
) -> Result<PathBuf> {
    let target = library.folder(name);
    if !occupied(library, name, force)? {
        write(&target)?;
        return Ok(target);
    }
    let models = target.parent().unwrap_or(library.root());
    let beside = PartialFolder::begin(models).with_context(|| format!("cannot write into {}", models.display()))?;
    let next = beside.path().join(name);
    write(&next)?;
    // Runs that open the model find the old one or the new one. The old one, which is beside it then, is removed.
    exchange(&next, &target).with_context(|| format!("cannot replace {}", target.display()))?;
    Ok(target)
}

/// The origin of a model, and the precisions in which it exists, if not in f32; or why it is unknown.
pub(super) fn origin(entry: &LibraryEntry) -> String {
    let manifest = match &entry.manifest {
        Ok(manifest) => manifest,
        Err(error) => return damaged(error),
    };
    let written: Vec<&str> = entry.precisions.iter().map(|precision| precision.name()).collect();
    let origin = manifest.origin_text();
    match written.as_slice() {
        [] => format!("{origin}, not written yet"),
        _ if entry.precisions.contains(&Precision::F32) => origin,
        written => format!("{origin}, in {}", written.join(", ")),
    }
}

fn damaged(error: &ModelError) -> String {
    let causes: Vec<String> = Chain::new(error).map(ToString::to_string).collect();
    format!("damaged: {}", causes.join(": "))
}

/// The models as a table, and the presets that are not among them.
fn list(entries: &[LibraryEntry]) -> String {
    let present = entries.iter().map(|entry| {
        let (config, precision) = (entry.config.as_ref(), entry.precisions.first().copied());
        let size = config.zip(precision).map(|(config, precision)| bytes(config, precision));
        let [parameters, size] = [config.map(parameters), size].map(|text| text.unwrap_or_else(|| "-".into()));
        [inert::line(&entry.name), parameters, size, inert::line(&origin(entry))]
    });
    let missing = Preset::ALL.iter().filter(|preset| entries.iter().all(|entry| entry.name != preset.name));
    let missing = missing.map(|preset| {
        let config = preset.config();
        [preset.name.to_owned(), parameters(&config), bytes(&config, Precision::F32), preset.summary.to_owned()]
    });
    let tables = [
        ("models", "origin", present.collect::<Vec<_>>()),
        ("presets, not generated yet (pocketwatt model generate NAME)", "what it is", missing.collect()),
    ];
    let tables = tables.into_iter().filter(|(_, _, rows)| !rows.is_empty());
    tables
        .map(|(title, last, rows)| format!("{title}\n{}", table(["name", "parameters", "size", last], &rows)))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Aligns columns: names to the left, numbers to the right.
fn table(header: [&str; 4], rows: &[[String; 4]]) -> String {
    let header = header.map(str::to_owned);
    let lines = || std::iter::once(&header).chain(rows);
    let width = |column: usize| columns::widest(lines().map(|row| row[column].as_str()));
    let (name_width, parameters_width, size_width) = (width(0), width(1), width(2));
    let line = |[name, parameters, size, last]: &[String; 4]| {
        let name = columns::left(name, name_width);
        format!("  {name}  {parameters:>parameters_width$}  {size:>size_width$}  {last}\n")
    };
    lines().map(line).collect()
}

fn size(config: &ModelConfig, precision: Precision) -> String {
    let in_precision = if precision == Precision::F32 { String::new() } else { format!(" in {}", precision.name()) };
    format!("{} parameters, {}{in_precision}", parameters(config), bytes(config, precision))
}

fn parameters(config: &ModelConfig) -> String {
    match config.parameters() as f64 {
        number if number < 1e6 => format!("{:.1} k", number / 1e3),
        number if number < 1e9 => format!("{:.1} M", number / 1e6),
        number => format!("{:.3} G", number / 1e9),
    }
}

/// Size of the weights.
fn bytes(config: &ModelConfig, precision: Precision) -> String {
    const MEBIBYTE: f64 = 1_048_576.0;
    match bytes_per_token(config, precision).0 as f64 {
        bytes if bytes < MEBIBYTE => format!("{:.0} KiB", bytes / 1024.0),
        bytes => format!("{:.0} MiB", bytes / MEBIBYTE),
    }
}

#[cfg(test)]
mod tests;
mod tokens;
mod verify;
