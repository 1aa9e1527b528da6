//! Pages in a real browser: `scripts/check-pages` finds each kind of fault, and none in what `pocketwatt` writes.
//!
//! Without node or Chromium, these tests are skipped, and say so, unless `POCKETWATT_BROWSER_REQUIRED` is set.
#![cfg(test)]

use std::{
    env, fs,
    path::Path,
    process::{Command, Output},
};

use tempfile::TempDir;

/// Exit status of a check that cannot run here.
const CANNOT_RUN: i32 = 77;

/// A fault: what is said of it, and what is replaced in the page without a fault.
struct Fault {
    said: &'static str,
    from: &'static str,
    to: &'static str,
}

/// A fault that is made in one place.
const fn fault(said: &'static str, from: &'static str, to: &'static str) -> Fault {
    Fault { said, from, to }
}

/// The faults of each page. Those of one page do not hide one another.
const PAGES: &[&[Fault]] = &[
    &[
        fault("console: lost", "<script>\n", "<script>\n  console.error('lost');\n"),
        fault("accessibility: Elements must meet minimum color contrast", "--quiet: #595959", "--quiet: #aaaaaa"),
        fault("width: it is too wide for a phone", "svg { max-width: 100%; height: auto; }", "svg { width: 400px; }"),
        fault("link: it leads to nothing", "href=\"#top\"", "href=\"#bottom\""),
        // Numbers in the order of texts.
        fault("tokens/s: not ascending: 10, 9.5", ", { numeric: true }", ""),
        fault("filter: Backend", "row.hidden = !(isOfBackend && ", "row.hidden = !("),
        fault("with the focus, no tip says", "[\"mouseenter\", \"focus\"]", "[\"mouseenter\"]"),
        // A bar in a cell makes two of it.
        fault("copy: table 1, row 3", ".replace(/[\\\\|<>`*_]/g, \"\\\\$&\")", ""),
    ],
    &[
        fault("script: ReferenceError: lost", "<script>\n", "<script>\n  setTimeout(() => lost());\n"),
        fault("(color-contrast, dark)", "--quiet: #b0b0b0", "--quiet: #404040"),
        fault(
            "aria-sort is null",
            "heading.setAttribute(\"aria-sort\", direction)",
            "heading.dataset.sort = direction",
        ),
        // It comes with the one above.
        fault("the key Enter does nothing", "", ""),
        fault("filter: Text", " && row.textContent.includes(form.text.value)", ""),
        fault("under the mouse, no tip says", "[\"mouseenter\", \"focus\"]", "[\"focus\"]"),
        fault("nothing is copied", "document.documentElement.dataset.copied =", "const copied ="),
    ],
    &[
        // What a name does that is written as it is.
        fault("script: it opens a dialog: 1", "<p class=\"quiet\">", "<p class=\"quiet\"><script>alert(1)</script>"),
        fault(
            "Form elements must have labels",
            "<label>Text <input name=\"text\" type=\"search\"></label>",
            "<input name=\"text\">",
        ),
        // What the keyboard does not press.
        fault(
            "the key Enter does nothing",
            "button.addEventListener(\"click\", () => {\n      const heading",
            "button.addEventListener(\"mousedown\", () => {\n      const heading",
        ),
        fault("request: https://example.org/", "<main>", "<main><img alt=\"\" src=\"https://example.org/\">"),
        fault("request: file:///", "<h1 id=\"top\">", "<img alt=\"\" src=\"../lost.png\"><h1 id=\"top\">"),
        // The network is off, and the file does not exist.
        fault("console: Failed to load resource", "img-src data:", "img-src *"),
    ],
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// What the check says of the pages; `None` where it cannot run.
fn check(pages: &Path) -> Option<Output> {
    let checked = Command::new(root().join("scripts/check-pages")).arg(pages).output().unwrap();
    if checked.status.code() != Some(CANNOT_RUN) {
        return Some(checked);
    }
    let why = String::from_utf8_lossy(&checked.stderr);
    assert!(env::var_os("POCKETWATT_BROWSER_REQUIRED").is_none(), "{why}");
    eprintln!("skipped: {why}");
    None
}

#[test]
fn each_fault_is_found_and_nothing_else() {
    let sound = fs::read_to_string(root().join("tests/browser/fixtures/sound.html")).unwrap();
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("sound.html"), &sound).unwrap();
    for (number, faults) in PAGES.iter().enumerate() {
        let mut page = sound.clone();
        for Fault { from, to, .. } in faults.iter().filter(|fault| !fault.from.is_empty()) {
            assert_eq!(page.matches(from).count(), 1, "{from}");
            page = page.replace(from, to);
        }
        fs::write(folder.path().join(format!("{number}.html")), page).unwrap();
    }
    let Some(checked) = check(folder.path()) else { return };
    let said = String::from_utf8(checked.stdout).unwrap();
    assert_eq!(checked.status.code(), Some(1), "{said}{}", String::from_utf8_lossy(&checked.stderr));
    for (number, faults) in PAGES.iter().enumerate() {
        let of_page = format!("/{number}.html: ");
        let lines: Vec<&str> = said.lines().filter(|line| line.contains(&of_page)).collect();
        for fault in *faults {
            assert!(
                lines.iter().any(|line| line.contains(fault.said)),
                "{} of page {number} is not in {said}",
                fault.said
            );
        }
        for line in lines {
            assert!(faults.iter().any(|fault| line.contains(fault.said)), "not a fault: {line}");
        }
    }
    assert!(!said.contains("/sound.html: "), "{said}");
}
