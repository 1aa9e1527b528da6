//! A static site about a history: what changed, when, by how much, and how sure that is.
//!
//! From the bottom up: `unmeasured` (runs without numbers), `numbers` and `view` (what all pages need), `watched` (where a change could be
//! found), `events` (what changed together) and `changes` (their table), `chart`,
//! a file for each kind of page, and `data` (what the site's script reads).

mod case;
mod changes;
mod chart;
mod commit;
mod compare;
mod data;
mod devices;
mod events;
#[cfg(test)]
mod fixture;
mod numbers;
mod overview;
#[cfg(test)]
mod tests;
mod unmeasured;
mod view;
mod watched;

use pocketwatt_history::{CaseCourse, Known, Outline, courses};
use pocketwatt_record::RankSums;

pub use self::view::Wishes;
use self::{commit::CommitView, unmeasured::without_numbers, view::CaseView};
use crate::{
    charts::Palette,
    pages::document::{Page, SCRIPT, STYLE},
};

const OWN_STYLE: &str = include_str!("dashboard/dashboard.css");
const OWN_SCRIPT: &str = include_str!("dashboard/dashboard.js");
const COMPARE_SCRIPT: &str = include_str!("dashboard/compare.js");

/// Takes a file of a site: its path, with slashes, and its contents.
pub type SiteFile<'a> = dyn FnMut(&str, &str) -> anyhow::Result<()> + 'a;

/// Folders of a site that it fills alone.
pub const SITE_FOLDERS: [&str; 3] = ["case", "commit", "data"];

/// Writes a site about a history. It needs no network and no server.
///
/// # Errors
/// Those of `write`.
pub fn dashboard<'a>(
    known: &'a Known,
    palette: &Palette,
    wishes: Wishes<'_>,
    write: &mut SiteFile<'_>,
) -> anyhow::Result<()> {
    let outlines: Vec<&Outline> = known.entries.iter().map(|(_, outline)| outline).collect();
    let mut without = without_numbers(&outlines);
    let view = |case: CaseCourse<'a>| {
        let without = without.remove(&(case.device, case.branch, case.subject)).unwrap_or_default();
        CaseView::of(case, without)
    };
    let views: Vec<CaseView<'_>> = courses(outlines.iter().copied()).into_iter().map(view).collect();
    write("style.css", &format!("{STYLE}{OWN_STYLE}"))?;
    write("page.js", SCRIPT)?;
    write("dashboard.js", OWN_SCRIPT)?;
    write("compare.js", COMPARE_SCRIPT)?;
    let page = |title: &str, root: &str, scripts: &[String], body| Page { title, root, scripts, body }.write();
    write("index.html", &page(wishes.title, "", &[], overview::overview(known, &views, &without, wishes)))?;
    write("devices.html", &page("Devices side by side", "", &[], devices::devices(&views)))?;
    let scripts = ["dashboard.js", "compare.js", "data/site.js"].map(str::to_owned);
    write("compare.html", &page("Compare two commits", "", &scripts, compare::compare()))?;
    let commits = commit::commits(&outlines, &views);
    let each: Vec<&Outline> = commits.iter().map(|commit: &CommitView<'_, '_>| commit.outline).collect();
    write("data/site.js", &data::site(&each, &views))?;
    for view in &views {
        let scripts = ["dashboard.js".to_owned(), "data/site.js".to_owned(), format!("data/{}.js", view.key)];
        write(
            &format!("case/{}.html", view.key),
            &page(&view.title(), "../", &scripts, case::case(view, palette, wishes)),
        )?;
        write(&format!("data/{}.js", view.key), &data::case(view))?;
    }
    let mut sums = RankSums::default();
    for view in &commits {
        let title = format!("Commit {}", view.outline.commit.short());
        write(
            &view::commit_page(&view.outline.commit),
            &page(&title, "../", &[], commit::commit(view, wishes, &mut sums)),
        )?;
    }
    Ok(())
}
