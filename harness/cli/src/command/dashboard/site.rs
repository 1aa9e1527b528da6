//! The folder of a site. A file in it lists what was written, and nothing else is ever removed or written over.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
};

use anyhow::{Context, Result};
use pocketwatt_files::{create_folder, read_bounded_in_place};

use crate::{refusal::Refusal, report::SITE_FOLDERS};

/// The file by which a site of this program is recognised.
const MARK: &str = "pocketwatt-dashboard.txt";
const MARK_TEXT: &str = "`pocketwatt dashboard` wrote these files, and removes them when it writes this folder anew:\n";
/// Of a million pages.
const MOST_MARK_BYTES: u64 = 64 << 20;

/// A folder that a site is being written into.
#[derive(Debug)]
pub struct Site<'a> {
    folder: &'a Path,
    mark: File,
}

impl<'a> Site<'a> {
    /// Makes the folder, and removes the files of an earlier site from it.
    ///
    /// # Errors
    /// When it has files of others, or no mark of an earlier site; where one of a site's folders is a link, because what lies behind it is
    /// somebody else's; or when the system refuses.
    pub fn open(folder: &'a Path) -> Result<Self> {
        create_folder(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let mark = folder.join(MARK);
        let is_ours = mark.symlink_metadata().is_ok_and(|found| found.is_file());
        if !is_ours {
            ensure_empty(folder)?;
        }
        for below in SITE_FOLDERS.map(|name| folder.join(name)) {
            if below.symlink_metadata().is_ok_and(|found| !found.is_dir()) {
                return Err(Refusal::error(format!(
                    "{} is a link or a file, not a folder: remove it",
                    below.display()
                )));
            }
            create_folder(&below).with_context(|| format!("cannot create {}", below.display()))?;
        }
        if is_ours {
            remove_listed(folder, &mark)?;
        }
        // A link in its place was refused above: this is a new file, or our own.
        let opened = File::create(&mark).and_then(|mut file| file.write_all(MARK_TEXT.as_bytes()).map(|()| file));
        let mark = opened.with_context(|| format!("cannot write {}", mark.display()))?;
        Ok(Self { folder, mark })
    }

    /// Writes a file, which is listed first: whatever interrupts this, the next site removes it.
    ///
    /// # Errors
    /// When there is such a file that no earlier site wrote, or the system refuses.
    pub fn write(&mut self, name: &str, contents: &str) -> Result<()> {
        let path = self.folder.join(name);
        let writing = || format!("cannot write {}", path.display());
        if path.symlink_metadata().is_ok() {
            return Err(Refusal::error(format!(
                "{} is there already and not of an earlier site: remove it, or choose another folder for the site",
                path.display()
            )));
        }
        writeln!(self.mark, "{name}").with_context(|| format!("cannot write {MARK}"))?;
        let mut file = File::create_new(&path).with_context(writing)?;
        file.write_all(contents.as_bytes()).with_context(writing)
    }
}

/// Checks that a folder has nothing but hidden files.
fn ensure_empty(folder: &Path) -> Result<()> {
    let reading = || format!("cannot read {}", folder.display());
    for entry in fs::read_dir(folder).with_context(reading)? {
        let name = entry.with_context(reading)?.file_name();
        if !name.as_encoded_bytes().starts_with(b".") {
            return Err(Refusal::error(format!(
                "{} has other files, such as {}: choose an empty folder for the site",
                folder.display(),
                name.display()
            )));
        }
    }
    Ok(())
}

/// Removes the files that the mark lists, and nothing outside of the site, whatever it says. A link is removed, not what it leads to.
fn remove_listed(folder: &Path, mark: &Path) -> Result<()> {
    let contents =
        read_bounded_in_place(mark, MOST_MARK_BYTES).with_context(|| format!("cannot read {}", mark.display()))?;
    let contents = String::from_utf8_lossy(&contents);
    for name in contents.lines().skip(1).filter(|name| may_be_of_a_site(name)) {
        let path = folder.join(name);
        if path.symlink_metadata().is_ok_and(|found| !found.is_dir()) {
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(())
}

/// A file at the top of a site, or in one of its folders.
fn may_be_of_a_site(name: &str) -> bool {
    let (is_ours, file) = match name.split_once('/') {
        Some((folder, file)) => (SITE_FOLDERS.contains(&folder), file),
        None => (true, name),
    };
    let is_plain = file.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.') && !file.starts_with('.');
    is_ours && is_plain && [".html", ".css", ".js"].iter().any(|ending| file.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_leads_nowhere_else() {
        for name in ["index.html", "page.js", "case/0123456789abcdef.html", "data/site.js", "commit/0123456789.html"] {
            assert!(may_be_of_a_site(name), "{name}");
        }
        for name in [
            "",
            "CNAME",
            "../index.html",
            "/etc/x.html",
            "case/../../x.html",
            "case/.html",
            "mine/index.html",
            "a b.js",
        ] {
            assert!(!may_be_of_a_site(name), "{name}");
        }
    }
}
