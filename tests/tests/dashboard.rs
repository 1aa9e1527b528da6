//! `pocketwatt dashboard`: a static site about a history.
#![cfg(test)]

use std::{
    fs,
    path::{Path, PathBuf},
};

use pocketwatt_model::sha256_of_file;
use pocketwatt_tests::{
    Bench,
    browser::{expect_no_fault, read_page},
};
use serde_json::{Value, json};

/// A history that begins with one run of the fake backend.
fn first_entry(bench: &Bench) -> Value {
    bench.run("", &["--scenario", "prefill-4-decode-4", "--iterations", "3"]).expect_code(0);
    let add = ["history", "add", "--commit", "0123456789", "--branch", "main", "--time", "2026-11-27T12:00:00Z"];
    let added = bench.pocketwatt(&add).expect_code(0).stdout;
    let path = bench.path(added.trim());
    let entry = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    fs::remove_file(path).unwrap();
    entry
}

/// Stores an entry under the name of its content.
fn store(bench: &Bench, entry: &Value) {
    let draft = PathBuf::from(bench.write("draft", &entry.to_string()));
    let digest = sha256_of_file(&draft).unwrap();
    let commit: String = entry["commit"].as_str().unwrap().chars().take(10).collect();
    fs::rename(draft, bench.path("history/entries").join(format!("{commit}-{}.json", &digest[..32]))).unwrap();
}

/// The digits of a commit that `at` made.
fn commit(number: u64) -> String {
    format!("{:010x}{:030x}", 0xabc0_0000_u64 + number, number)
}

/// The entry as of another commit, with every measured number this many times as large.
fn at(entry: &Value, number: u64, factor: f64) -> Value {
    let mut entry = entry.clone();
    entry["commit"] = json!(commit(number));
    entry["time_unix_ms"] = json!(1_700_000_000_000_u64 + number * 3_600_000);
    entry["run"]["id"] = json!(format!("run-{number}"));
    entry["cases"][0]["passport"]["runner_sha256"] = json!(format!("{number:064x}"));
    for metric in entry["cases"][0]["metrics"].as_array_mut().unwrap() {
        let Some(measured) = metric["observed"]["value"].get_mut("measured").and_then(Value::as_object_mut) else {
            continue;
        };
        for (_, number_of) in measured.iter_mut().filter(|(name, _)| *name != "count") {
            if let Some(value) = number_of.as_f64() {
                // A little scatter, which is the same in every test.
                *number_of = json!(value * factor * (1.0 + (number * 7919 % 13) as f64 / 1000.0));
            }
        }
    }
    entry
}

/// The texts of all files of a site.
fn site(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(site(&path));
        } else {
            files.push((path.clone(), fs::read_to_string(&path).unwrap()));
        }
    }
    files
}

fn page(bench: &Bench, path: &str) -> String {
    fs::read_to_string(bench.path("site").join(path)).unwrap()
}

#[test]
fn a_slower_commit_is_shown_with_its_link_and_a_new_engine_is_not() {
    let bench = Bench::new();
    let entry = first_entry(&bench);
    for number in 0..60 {
        let factor = if number >= 30 { 1.2 } else { 1.0 };
        let mut entry = at(&entry, number, if number >= 50 { 3.0 } else { factor });
        if number >= 50 {
            entry["cases"][0]["passport"]["backend"]["engine_version"] = json!("99");
        }
        store(&bench, &entry);
    }
    let url = "https://example.org/commit/{sha}";
    bench.pocketwatt(&["dashboard", "--commit-url", url]).expect_code(0);
    let overview = page(&bench, "index.html");
    let slow = at(&entry, 30, 1.2)["commit"].as_str().unwrap().to_owned();
    assert!(overview.contains(&format!("https://example.org/commit/{slow}")), "{overview}");
    assert!(overview.contains("+20 %") && overview.contains("confirmed"), "{overview}");
    let newer = at(&entry, 50, 3.0)["commit"].as_str().unwrap().to_owned();
    let listed = overview.split("Where everything stands").next().unwrap();
    assert!(!listed.contains(&newer), "a new engine is no change: {listed}");
    let cases: Vec<String> = site(&bench.path("site/case")).into_iter().map(|(_, text)| text).collect();
    assert_eq!(cases.len(), 1);
    assert!(cases[0].contains("new engine") && cases[0].contains("<h2>Segments</h2>"), "{}", cases[0]);
    assert!(cases[0].contains("svg") && cases[0].contains("time to first token"));
    assert!(page(&bench, &format!("commit/{slow}.html")).contains("+20 %"));
    assert_eq!(fs::read_dir(bench.path("site/commit")).unwrap().count(), 60);
    for (path, text) in site(&bench.path("site")) {
        assert!(!text.contains("fetch(") && !text.contains("src=\"http"), "{}", path.display());
    }
    // Written anew, it has no page that is not in the history any more.
    for entry in fs::read_dir(bench.path("history/entries")).unwrap().skip(5) {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    bench.pocketwatt(&["dashboard"]).expect_code(0);
    assert_eq!(fs::read_dir(bench.path("site/commit")).unwrap().count(), 5);
}

#[test]
fn names_of_others_are_no_markup_anywhere() {
    let bench = Bench::new();
    let entry = first_entry(&bench);
    let hostile = "</script><script>alert(1)</script><img src=x onerror=\"a('b')\">\u{202e}\u{1b}[2J";
    for number in 0..3 {
        let mut entry = at(&entry, number, 1.0);
        entry["branch"] = json!(hostile);
        entry["message"] = json!(hostile.repeat(10));
        entry["run"]["id"] = json!(hostile);
        entry["run"]["device"]["name"] = json!(hostile);
        entry["run"]["device"]["kernel"] = json!(format!("{hostile}{number}"));
        for what in ["scenario", "model", "backend", "id"] {
            entry["cases"][0]["case"][what] = json!(format!("{hostile}{}", "x".repeat(10_000)));
        }
        store(&bench, &entry);
    }
    fs::write(bench.path("history/entries/<img src=x>.json"), "{}").unwrap();
    let finished = bench.pocketwatt(&["dashboard", "--title", hostile]).expect_code(4);
    assert!(!finished.stderr.contains('\u{1b}'), "{}", finished.stderr);
    let files = site(&bench.path("site"));
    assert!(files.len() > 8);
    for (path, text) in files {
        let is_ours = ["page.js", "dashboard.js", "compare.js"].iter().any(|name| path.ends_with(name));
        for part in ["<img", "<script>", "\u{202e}", "\u{1b}"] {
            assert!(is_ours || !text.contains(part), "{part:?} is in {}", path.display());
        }
    }
}

#[test]
fn a_site_with_a_change_has_no_fault_in_a_browser() {
    let bench = Bench::new();
    let entry = first_entry(&bench);
    // Few commits with several runs each, since each commit is a page.
    for number in 0..30 {
        let (commit, factor) = if number < 20 { (number / 10, 1.0) } else { (2 + number / 25, 1.2) };
        let mut entry = at(&entry, number, factor);
        entry["commit"] = json!(format!("{commit:040x}"));
        entry["time_unix_ms"] = json!(1_700_000_000_000_u64 + commit * 3_600_000);
        entry["branch"] = json!("<main> & \"others\"");
        store(&bench, &entry);
    }
    bench.pocketwatt(&["dashboard"]).expect_code(0);
    let overview = page(&bench, "index.html");
    assert!(overview.contains("+20 %"), "{overview}");
    assert_eq!(fs::read_dir(bench.path("site/commit")).unwrap().count(), 4);
    expect_no_fault(&bench.path("site"));
}

/// What the comparison of two commits says, and of each row the metric, verdict, ratio and values.
fn compared(bench: &Bench, choice: &str) -> Option<(String, Vec<String>)> {
    let page = format!("{}#?{choice}", bench.path("site/compare.html").display());
    let mut told = read_page(&page, "#told, #compared tbody tr")?;
    let rows = told.split_off(1);
    Some((told.remove(0), rows))
}

#[test]
fn two_commits_are_compared_under_the_same_conditions_only_and_over_branches() {
    let bench = Bench::new();
    let entry = first_entry(&bench);
    for number in 0..40 {
        let engine = if number < 20 { "1.0" } else { "2.0" };
        let mut entry = at(&entry, number, if number < 20 { 1.0 } else { 0.6 });
        entry["cases"][0]["passport"]["backend"]["engine_version"] = json!(engine);
        if number == 20 {
            // The commit before was measured again with the new engine.
            entry["commit"] = json!(commit(19));
        }
        if number == 12 {
            entry["branch"] = json!("feature");
        }
        if number == 15 {
            entry["cases"][0]["outcome"] = json!({"outcome": "failed", "stage": "load", "message": "SIGSEGV"});
            entry["cases"][0]["metrics"] = json!([]);
        }
        store(&bench, &entry);
    }
    bench.pocketwatt(&["dashboard"]).expect_code(0);
    let pair = |a: u64, b: u64| compared(&bench, &format!("a={}&b={}", commit(a), commit(b)));
    let decode = |rows: &[String]| rows.iter().find(|row| row.contains("| decode |")).unwrap().clone();
    let Some((_, rows)) = pair(10, 19) else { return };
    let row = decode(&rows);
    assert!(row.contains("1 run under other conditions left out") && row.contains(" | 1.0"), "{row}");
    let row = decode(&pair(10, 30).unwrap().1);
    assert!(row.contains("new engine: no verdict"), "{row}");
    let row = decode(&pair(11, 12).unwrap().1);
    assert!(row.contains("branches main and feature"), "{row}");
    let (_, rows) = pair(10, 15).unwrap();
    assert!(rows.len() == 1 && rows[0].contains("not measured in the candidate: failed: SIGSEGV"), "{rows:?}");
    let (told, rows) = compared(&bench, &format!("a={0}&b={0}&show=differs", commit(10))).unwrap();
    assert!(told.starts_with("Nothing is known to differ among") && rows.is_empty(), "{told} {rows:?}");
    let (told, _) = compared(&bench, "a=00abc&b=00abc").unwrap();
    assert!(told.contains("commits begin with 00abc: give more digits"), "{told}");
}

#[test]
fn what_is_imitated_is_said_on_every_page_with_numbers() {
    let bench = Bench::new();
    let mut entry = at(&first_entry(&bench), 0, 1.0);
    entry["run"]["device"]["emulated"] = json!("qemu");
    entry["run"]["sysfs_root"] = json!("/tmp/tree");
    store(&bench, &entry);
    bench.pocketwatt(&["dashboard"]).expect_code(0);
    for (path, text) in site(&bench.path("site")) {
        if path.extension().is_some_and(|ending| ending == "html") && !path.ends_with("compare.html") {
            assert!(text.contains("1 of 1 runs were on an emulated device"), "{}", path.display());
            assert!(text.contains("1 of 1 runs had simulated meters"), "{}", path.display());
        }
    }
}

#[test]
fn files_of_others_stay_as_they_are() {
    let bench = Bench::new();
    let entry = first_entry(&bench);
    for number in 0..3 {
        store(&bench, &at(&entry, number, 1.0));
    }
    bench.pocketwatt(&["dashboard"]).expect_code(0);
    bench.write("site/CNAME", "mine");
    bench.write("site/data/mine.csv", "mine");
    let gone = bench.path("history/entries");
    fs::remove_file(fs::read_dir(gone).unwrap().next().unwrap().unwrap().path()).unwrap();
    bench.pocketwatt(&["dashboard"]).expect_code(0);
    assert_eq!(fs::read_dir(bench.path("site/commit")).unwrap().count(), 2, "an earlier site's pages are removed");
    assert_eq!([page(&bench, "CNAME"), page(&bench, "data/mine.csv")], ["mine", "mine"]);
    // A list that was changed leads nowhere else.
    bench.write("outside.html", "mine");
    let listed = page(&bench, "pocketwatt-dashboard.txt");
    bench.write("site/pocketwatt-dashboard.txt", &format!("{listed}../outside.html\ncase/../../outside.html\n"));
    bench.pocketwatt(&["dashboard"]).expect_code(0);
    assert!(bench.path("outside.html").is_file());
    // Nothing is written through a link.
    fs::remove_file(bench.path("site/index.html")).unwrap();
    std::os::unix::fs::symlink("../outside.html", bench.path("site/index.html")).unwrap();
    bench.pocketwatt(&["dashboard"]).expect_code(0);
    assert_eq!(fs::read_to_string(bench.path("outside.html")).unwrap(), "mine");
    fs::remove_dir_all(bench.path("site/commit")).unwrap();
    fs::create_dir(bench.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink("../elsewhere", bench.path("site/commit")).unwrap();
    bench.pocketwatt(&["dashboard"]).expect_code(3).expect_stderr(&["site/commit is a link"]);
    assert_eq!(fs::read_dir(bench.path("elsewhere")).unwrap().count(), 0);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let bench = Bench::new();
    bench.pocketwatt(&["dashboard"]).expect_code(3).expect_stderr(&["is no history"]);
    let entry = first_entry(&bench);
    bench.pocketwatt(&["dashboard"]).expect_code(3).expect_stderr(&["has no entry"]);
    store(&bench, &entry);
    for template in ["javascript:alert({sha})", "https://example.org/"] {
        bench.pocketwatt(&["dashboard", "--commit-url", template]).expect_code(2).expect_stderr(&["{sha}"]);
    }
    fs::create_dir(bench.path("mine")).unwrap();
    bench.write("mine/photos.txt", "mine");
    bench.pocketwatt(&["dashboard", "--out", "mine"]).expect_code(3).expect_stderr(&["photos.txt"]);
    assert_eq!(fs::read_dir(bench.path("mine")).unwrap().count(), 1);
}
