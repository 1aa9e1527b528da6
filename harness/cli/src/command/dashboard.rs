//! `pocketwatt dashboard`: a static site about a history; nothing is measured.

mod site;

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use self::site::Site;
use super::{history, output, selection::RegistryArguments};
use crate::{
    exit::Exit,
    refusal::Refusal,
    report::{self, Wishes, charts::Palette},
};

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
    let mut site = Site::open(&arguments.out)?;
    let wishes = Wishes { title: &arguments.title, commit_url: arguments.commit_url.as_deref() };
    report::dashboard(&known, &palette, wishes, &mut |path, contents| site.write(path, contents))?;
    output::write(&format!("{}\n", arguments.out.join("index.html").display()))?;
    Ok(if known.damaged.is_empty() { Exit::Success } else { Exit::Incomplete })
}
