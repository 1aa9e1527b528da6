//! Checkpoints from a model hub, in the layout of Hugging Face's libraries.

mod client;
mod download;
mod files;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use hf_hub::{Repo, RepoType};

use crate::refusal::Refusal;
use client::Client;
use download::Downloads;
pub use files::shards;
use files::{INDEX, wanted};

/// Characters of a commit.
const COMMIT_CHARACTERS: usize = 40;

/// A repository on the hub: `facebook/MobileLLM-125M`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    name: String,
}

/// Files of one commit, complete and checked.
#[derive(Debug)]
pub struct Checkpoint {
    /// The folder that contains them.
    pub folder: PathBuf,
    /// `facebook/MobileLLM-125M at` and its commit.
    pub origin: String,
    /// The folder with all its downloads.
    downloads: PathBuf,
}

impl Repository {
    /// Reads a repository's name.
    ///
    /// # Errors
    /// When it is not the name of an owner followed by that of a repository.
    pub fn parse(text: &str) -> Result<Self> {
        let plain = |part: &str| {
            let allowed = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
            !part.is_empty() && !part.starts_with('.') && part.chars().all(allowed)
        };
        match text.split('/').collect::<Vec<_>>()[..] {
            [owner, name] if plain(owner) && plain(name) => Ok(Self { name: text.to_owned() }),
            _ => Err(Refusal::error(format!(
                "{text:?} is not a repository: write owner and name, as in HuggingFaceTB/SmolLM2-135M-Instruct"
            ))),
        }
    }

    /// The model's default name.
    pub fn model_name(&self) -> String {
        self.name.rsplit('/').next().unwrap_or_default().to_lowercase()
    }
}

/// A commit of a repository on the hub, and the names of its files.
pub struct Commit<'a> {
    client: Client,
    repository: &'a str,
    commit: String,
    present: Vec<String>,
}

/// Asks the hub for a repository at a revision.
///
/// `HF_ENDPOINT` names another hub; `HF_TOKEN` or the token file of Hugging Face's programs gives access to repositories that are
/// not public.
///
/// # Errors
/// When the repository or the revision does not exist or the user has no access, or the connection fails.
pub fn find<'a>(repository: &'a Repository, revision: &str) -> Result<Commit<'a>> {
    let name = &repository.name;
    let client = Client::from_environment()?;
    let (commit, present) = client.repository(name, &checked_revision(revision)?)?;
    // One commit for all files, whatever is pushed in the meantime. It also becomes part of a path.
    if !is_hexadecimal(&commit, COMMIT_CHARACTERS) {
        return Err(Refusal::error(format!("the hub gives {commit:?} as the commit of {name}, which is not a commit")));
    }
    Ok(Commit { client, repository: name, commit, present })
}

impl Commit<'_> {
    /// `facebook/MobileLLM-125M at` and the commit.
    pub fn origin(&self) -> String {
        format!("{} at {}", self.repository, self.commit)
    }

    /// Downloads what an import needs into `downloads`. Existing files are not downloaded again, and an interrupted download
    /// continues where it stopped. Only one process at a time may do this for a repository.
    ///
    /// # Errors
    /// When a required file does not exist or the user has no access, the connection fails, or the received data do not
    /// match the hub's hash.
    pub fn download(&self, downloads: &Path) -> Result<Checkpoint> {
        let Self { client, repository, commit, present } = self;
        let downloads = downloads.join(Repo::new((*repository).to_owned(), RepoType::Model).folder_name());
        let folder = downloads.join(commit);
        pocketwatt_files::create_folder(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let files = Downloads { client, repository, commit, folder: &folder };
        let plan = wanted(repository, present)?;
        for file in &plan.files {
            files.get(file)?;
        }
        if plan.sharded {
            files.get(INDEX)?;
            for shard in shards(&folder.join(INDEX), present)? {
                files.get(&shard)?;
            }
        }
        Ok(Checkpoint { origin: self.origin(), folder, downloads })
    }
}

/// A branch, tag or commit, in the form for an address.
fn checked_revision(revision: &str) -> Result<String> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./".contains(letter);
    if revision.is_empty() || !revision.chars().all(plain) || revision.contains("..") {
        return Err(Refusal::error(format!("{revision:?} is not a branch, tag or commit")));
    }
    Ok(revision.replace('/', "%2F"))
}

impl Checkpoint {
    /// Removes the downloaded files.
    ///
    /// # Errors
    /// When the folder cannot be removed.
    pub fn remove(self) -> Result<()> {
        fs::remove_dir_all(&self.downloads).with_context(|| format!("cannot remove {}", self.downloads.display()))
    }
}

fn is_hexadecimal(text: &str, characters: usize) -> bool {
    text.len() == characters && text.chars().all(|letter| matches!(letter, '0'..='9' | 'a'..='f'))
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
            assert!(error.contains("is not a repository"), "{bad}: {error}");
        }
    }

    #[test]
    fn revisions_are_names() {
        assert_eq!(checked_revision("refs/pr/3").unwrap(), "refs%2Fpr%2F3");
        for bad in ["", "a b", "../main", "main?x"] {
            assert!(checked_revision(bad).unwrap_err().to_string().contains("is not a branch, tag or commit"), "{bad}");
        }
    }
}
