//! `pocketwatt dashboard`: a static site about a history; nothing is measured.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use clap::Args;
use pocketwatt_files::create_folder;

use super::{history, output, selection::RegistryArguments};
use crate::{
    exit::Exit,
    refusal::Refusal,
    report::{self, SITE_FOLDERS, Wishes, charts::Palette},
};

/// The file by which a site of this program is recognised.
const MARK: &str = "pocketwatt-dashboard.txt";
const MARK_TEXT: &str = "`pocketwatt dashboard` wrote this folder, and writes it anew.\n";
/// What stands for the commit in an address.
const SHA: &str = "{sha}";

/// Which history, and where the site is written.
#[derive(Args, Debug)]
pub struct DashboardArguments {
    /// The folder of the history.
    #[arg(default_value = "history")]
    history: PathBuf,
    /// The folder of the site: a new or empty one, or that of an earlier site.
    #[arg(long, short, value_name = "SITE", default_value = "site")]
    out: PathBuf,
    /// The title of its first page.
    #[arg(long, value_name = "TEXT", default_value = "Performance over commits")]
    title: String,
    /// Where a commit can be read, with `{sha}` in place of its name: `https://github.com/OWNER/NAME/commit/{sha}`.
    #[arg(long, value_name = "TEMPLATE", value_parser = commit_url)]
    commit_url: Option<String>,
    // Whose colours the charts have.
    #[command(flatten)]
    registry: RegistryArguments,
}

/// A template that leads to a web page, and nowhere else.
fn commit_url(template: &str) -> Result<String, String> {
    let is_web = template.starts_with("https://") || template.starts_with("http://");
    if is_web && template.contains(SHA) {
        Ok(template.to_owned())
    } else {
        Err(format!("it begins with https:// or http://, and has {SHA} in place of the commit"))
    }
}

/// Writes the site, and the path of its first page to standard output.
///
/// # Errors
/// When there is no history, or the site cannot be written.
pub fn run(arguments: &DashboardArguments) -> Result<Exit> {
    let palette = Palette::new(arguments.registry.open()?.colours());
    let known = history::read(&arguments.history, false)?;
    if known.entries.is_empty() {
        return Err(Refusal::error(format!("{} has no entry that can be read", arguments.history.display())));
    }
    let site = &arguments.out;
    prepare(site)?;
    let wishes = Wishes { title: &arguments.title, commit_url: arguments.commit_url.as_deref() };
    report::dashboard(&known, &palette, wishes, &mut |path, contents| {
        let path = site.join(path);
        fs::write(&path, contents).with_context(|| format!("cannot write {}", path.display()))
    })?;
    output::write(&format!("{}\n", site.join("index.html").display()))?;
    Ok(if known.damaged.is_empty() { Exit::Success } else { Exit::Incomplete })
}

/// Makes the folders of a site, without the pages of an earlier one. A folder with other files is left alone.
fn prepare(site: &Path) -> Result<()> {
    create_folder(site).with_context(|| format!("cannot create {}", site.display()))?;
    let mark = site.join(MARK);
    let reading = || format!("cannot read {}", site.display());
    if !mark.is_file() {
        for entry in fs::read_dir(site).with_context(reading)? {
            let name = entry.with_context(reading)?.file_name();
            if !name.as_encoded_bytes().starts_with(b".") {
                return Err(Refusal::error(format!(
                    "{} has other files, such as {}: choose an empty folder for the site",
                    site.display(),
                    name.display()
                )));
            }
        }
        fs::write(&mark, MARK_TEXT).with_context(|| format!("cannot write {}", mark.display()))?;
    }
    for folder in SITE_FOLDERS.map(|folder| site.join(folder)) {
        if folder.symlink_metadata().is_ok_and(|found| found.is_dir()) {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
        }
        create_folder(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    Ok(())
}
