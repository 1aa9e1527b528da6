//! Pages in a real browser: `scripts/check-pages` finds each kind of fault, and none in what `pocketwatt` writes.
//!
//! Without node or Chromium, these tests are skipped, and say so, unless `POCKETWATT_BROWSER_REQUIRED` is set.
#![cfg(test)]

use std::{fs, path::Path};

use pocketwatt_tests::{
    Bench,
    browser::{check_pages, expect_no_fault},
};
use serde_json::Value;
use tempfile::TempDir;

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
        // These come with the one above: a click that a script makes is no press of the mouse.
        fault("ascending after two clicks, too", "", ""),
        fault("aria-sort is null after a click", "", ""),
        fault("request: https://example.org/", "<main>", "<main><img alt=\"\" src=\"https://example.org/\">"),
        fault("request: file:///", "<h1 id=\"top\">", "<img alt=\"\" src=\"../lost.png\"><h1 id=\"top\">"),
        // The network is off, and the file does not exist.
        fault("console: Failed to load resource", "img-src data:", "img-src *"),
    ],
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
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
    let Some(checked) = check_pages(folder.path()) else { return };
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

/// What nobody should have as a name: elements, quotes, separators of formats, a sequence for terminals, a change of direction.
const HOSTILE: &str =
    "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&|`*_[a](javascript:alert(3))\n\u{1b}[2J\u{202e}=1+1";

/// Of records and runs, the texts of these keys are other people's.
const FOREIGN: &[&str] = &[
    "accelerator",
    "build",
    "engine",
    "engine_version",
    "message",
    "model",
    "origin",
    "processor",
    "reason",
    "scenario",
];

/// Puts hostile texts in place of foreign ones, and one that is very long.
fn spoil(document: &mut Value) {
    match document {
        Value::Object(members) => {
            for (key, value) in members {
                match value {
                    Value::String(text) if key == "engine_version" => {
                        *text = format!("{HOSTILE}{}", "x".repeat(10_000))
                    }
                    // A reason may also be a word of ours.
                    Value::String(text) if key == "reason" && !text.contains(' ') => {}
                    Value::String(text) if FOREIGN.contains(&key.as_str()) => HOSTILE.clone_into(text),
                    other => spoil(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(spoil),
        _ => {}
    }
}

#[test]
fn reports_have_no_fault_whatever_names_there_are() {
    let bench = Bench::new();
    fs::create_dir(bench.path("pages")).unwrap();
    let report = |run: &str, page: &str, code| {
        bench.pocketwatt(&["report", run, "--output", &format!("pages/{page}")]).expect_code(code);
    };
    // One of real engines.
    report(root().join("docs/example-run").to_str().unwrap(), "example.html", 0);
    // One with several precisions and numbers of threads, of which the fake backend has no int4.
    let plan =
        ["--scenario", "chat,prefill-8-decode-8", "--precision", "f32,int4", "--threads", "1,2", "--iterations", "2"];
    bench.run("", &plan).expect_code(4);
    report("latest", "fake.html", 0);
    let folder = bench.folder();
    let records = fs::read_dir(folder.path().join("cases")).unwrap().map(|entry| entry.unwrap().path());
    for file in records.chain([folder.path().join("run.json")]) {
        let mut document: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        spoil(&mut document);
        fs::write(&file, document.to_string()).unwrap();
    }
    report("latest", "hostile.html", 0);
    assert!(fs::read_to_string(bench.path("pages/hostile.html")).unwrap().contains("alert(1)"));
    expect_no_fault(&bench.path("pages"));
}
