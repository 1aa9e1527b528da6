//! Pages in a real browser.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// Exit status of a check that cannot run here.
const CANNOT_RUN: i32 = 77;

/// What `scripts/check-pages` says of a page or a folder of pages; `None`, after saying why, where it cannot run.
///
/// # Panics
///
/// If it cannot run although `POCKETWATT_BROWSER_REQUIRED` is set.
#[must_use]
pub fn check_pages(pages: &Path) -> Option<Output> {
    run(Command::new(script()).arg(pages))
}

/// What a page says where a selector finds something, a line for each place; the page is a path, and may have a part after `#`. `None`
/// where there is no browser.
///
/// # Panics
///
/// If there is none although `POCKETWATT_BROWSER_REQUIRED` is set, or it cannot open the page.
#[must_use]
pub fn read_page(page: &str, selector: &str) -> Option<Vec<String>> {
    let read = run(Command::new(script()).args([page, "--read", selector]))?;
    assert_eq!(read.status.code(), Some(0), "{}", String::from_utf8_lossy(&read.stderr));
    Some(String::from_utf8_lossy(&read.stdout).lines().map(str::to_owned).collect())
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("scripts").join("check-pages")
}

#[expect(clippy::print_stderr, reason = "the output of a test, which is shown on request")]
fn run(command: &mut Command) -> Option<Output> {
    let checked = command.output().unwrap();
    if checked.status.code() != Some(CANNOT_RUN) {
        return Some(checked);
    }
    let why = String::from_utf8_lossy(&checked.stderr);
    assert!(env::var_os("POCKETWATT_BROWSER_REQUIRED").is_none(), "{why}");
    eprintln!("skipped: {why}");
    None
}

/// Checks pages in which nothing is wrong.
///
/// # Panics
///
/// If anything is.
pub fn expect_no_fault(pages: &Path) {
    let Some(checked) = check_pages(pages) else { return };
    let said = String::from_utf8_lossy(&checked.stdout);
    assert_eq!(checked.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&checked.stderr));
}
