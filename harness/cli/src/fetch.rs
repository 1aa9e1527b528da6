//! Checkpoints from a model hub, as Hugging Face's libraries keep them.

mod files;
mod problem;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use hf_hub::{
    Repo, RepoType,
    api::sync::{Api, ApiBuilder, ApiRepo},
};

use crate::refusal::Refusal;
use files::{INDEX, shards, wanted};
use problem::explained;

/// How often a download that breaks off is taken up again.
const RETRIES: usize = 3;
/// Characters of a commit.
const COMMIT_CHARACTERS: usize = 40;
/// Characters of a SHA-256 in hexadecimal: how the hub names large files.
const SHA256_CHARACTERS: usize = 64;

/// A repository on the hub, as its users write it: `facebook/MobileLLM-125M`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    name: String,
}

/// Files of one commit, complete and checked.
#[derive(Debug)]
pub struct Checkpoint {
    /// Where they lie.
    pub folder: PathBuf,
    /// `facebook/MobileLLM-125M at 0123456789ab`.
    pub origin: String,
    /// Everything that was downloaded for it.
    downloads: PathBuf,
}

impl Repository {
    /// Reads a repository's name.
    ///
    /// # Errors
    /// When it is not the name of an organisation and that of a repository.
    pub fn parse(text: &str) -> Result<Self> {
        let plain = |part: &str| {
            let allowed = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
            !part.is_empty() && !part.starts_with('.') && part.chars().all(allowed)
        };
        match text.split('/').collect::<Vec<_>>()[..] {
            [owner, name] if plain(owner) && plain(name) => Ok(Self { name: text.to_owned() }),
            _ => Err(Refusal::error(format!(
                "{text:?} is no repository: write owner and name, as in HuggingFaceTB/SmolLM2-135M-Instruct"
            ))),
        }
    }

    /// What the model is called here unless the user says otherwise.
    pub fn model_name(&self) -> String {
        self.name.rsplit('/').next().unwrap_or_default().to_lowercase()
    }
}

/// Downloads what an import needs into `downloads`. What is there already is not downloaded again, and a file that broke
/// off goes on where it stopped.
///
/// `HF_ENDPOINT` names another hub, `HF_TOKEN` or the token file of Hugging Face's programs opens repositories that are
/// not public.
///
/// # Errors
/// When the repository, the revision or a file that an import needs is not there or not open to the user, the
/// connection breaks, or what arrived is not what the hub says it is.
pub fn fetch(repository: &Repository, revision: &str, downloads: &Path) -> Result<Checkpoint> {
    let name = &repository.name;
    let api = client(downloads)?;
    let at = |revision: &str| Repo::with_revision(name.clone(), RepoType::Model, revision.to_owned());
    let info = api.repo(at(revision)).info().map_err(|error| explained(error, &format!("{name} at {revision}")))?;
    // One commit for all files, whatever is pushed meanwhile. It also becomes part of a path.
    if !is_hexadecimal(&info.sha, COMMIT_CHARACTERS) {
        return Err(Refusal::error(format!("the hub calls {:?} the commit of {name}: that is none", info.sha)));
    }
    let present: Vec<String> = info.siblings.into_iter().map(|file| file.rfilename).collect();
    let pinned = Pinned { api: &api, repo: api.repo(at(&info.sha)), name };
    let plan = wanted(name, &present)?;
    let mut last = PathBuf::new();
    for file in &plan.files {
        last = pinned.get(file)?;
    }
    if plan.sharded {
        let index = pinned.get(INDEX)?;
        for shard in shards(&index, &present)? {
            last = pinned.get(&shard)?;
        }
    }
    let folder = last.parent().context("a file without a folder")?.to_owned();
    let origin = format!("{name} at {}", &info.sha[..12]);
    Ok(Checkpoint { folder, origin, downloads: downloads.join(at(revision).folder_name()) })
}

impl Checkpoint {
    /// Removes what was downloaded.
    ///
    /// # Errors
    /// When the folder cannot be removed.
    pub fn remove(self) -> Result<()> {
        fs::remove_dir_all(&self.downloads).with_context(|| format!("cannot remove {}", self.downloads.display()))
    }
}

fn client(downloads: &Path) -> Result<Api> {
    let mut builder = ApiBuilder::from_env()
        .with_cache_dir(downloads.to_owned())
        .with_retries(RETRIES)
        .with_user_agent("pocketwatt", env!("CARGO_PKG_VERSION"));
    if let Some(token) = env::var("HF_TOKEN").ok().filter(|token| !token.trim().is_empty()) {
        builder = builder.with_token(Some(token.trim().to_owned()));
    }
    builder.build().context("cannot set up the connection to the hub")
}

/// The files of one commit.
struct Pinned<'a> {
    api: &'a Api,
    repo: ApiRepo,
    name: &'a str,
}

impl Pinned<'_> {
    /// Downloads a file unless it is there, and checks it.
    fn get(&self, file: &str) -> Result<PathBuf> {
        let whose = || format!("{file} of {}", self.name);
        let metadata = self.api.metadata(&self.repo.url(file)).map_err(|error| explained(error, &whose()))?;
        // The name that the file will have on this disk.
        let etag = metadata.etag();
        if etag.is_empty() || !etag.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-') {
            return Err(Refusal::error(format!("the hub marks {} with {etag:?}: that is no checksum", whose())));
        }
        eprintln!("{file}, {}", size(metadata.size()));
        let path = self.repo.get(file).map_err(|error| explained(error, &whose()))?;
        if is_hexadecimal(etag, SHA256_CHARACTERS) {
            self.check(&path, etag, file)?;
        }
        Ok(path)
    }

    fn check(&self, path: &Path, expected: &str, file: &str) -> Result<()> {
        let found = pocketwatt_model::sha256_of_file(path)?;
        if found == expected {
            return Ok(());
        }
        // The file, and the link to it.
        let blob = fs::canonicalize(path)?;
        fs::remove_file(&blob).and_then(|()| fs::remove_file(path))?;
        Err(Refusal::error(format!(
            "{file} of {} has the sha256 {found}, the hub says {expected}: it was removed, fetch it again",
            self.name
        )))
    }
}

fn is_hexadecimal(text: &str, characters: usize) -> bool {
    text.len() == characters && text.chars().all(|letter| matches!(letter, '0'..='9' | 'a'..='f'))
}

fn size(bytes: usize) -> String {
    const MEBIBYTE: f64 = 1_048_576.0;
    match bytes as f64 {
        bytes if bytes < MEBIBYTE => format!("{:.0} KiB", (bytes / 1024.0).ceil()),
        bytes => format!("{:.0} MiB", bytes / MEBIBYTE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_have_an_owner_and_a_name() {
        let repository = Repository::parse("HuggingFaceTB/SmolLM2-135M-Instruct").unwrap();
        assert_eq!(repository.model_name(), "smollm2-135m-instruct");
        for bad in ["", "gpt2", "a/b/c", "/b", "a/", "../b", "a/..", "a b/c", "a/b?x"] {
            let error = Repository::parse(bad).unwrap_err().to_string();
            assert!(error.contains("is no repository"), "{bad}: {error}");
        }
    }
}
