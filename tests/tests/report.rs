//! `pocketwatt report`: a page about stored runs.
#![cfg(test)]

use std::{
    fs,
    path::{Path, PathBuf},
};

use pocketwatt_tests::Bench;

/// Where the links to records lead, from the page.
fn records_of(page: &Path) -> Vec<PathBuf> {
    let text = fs::read_to_string(page).unwrap();
    let links = text.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let records = links.filter(|link| link.ends_with(".json") && !link.ends_with("run.json"));
    records.map(|link| page.parent().unwrap().join(link.replace("%20", " "))).collect()
}

#[test]
fn the_page_stands_beside_the_run_and_leads_to_its_records() {
    let bench = Bench::new();
    bench.run("", &["--scenario", "prefill-4-decode-4,prefill-5-decode-4", "--iterations", "2"]).expect_code(0);
    let said = bench.pocketwatt(&["report"]).expect_code(0).stdout;
    let page = bench.path(said.trim_end());
    assert_eq!(page.file_name().unwrap(), "report.html");
    let records = records_of(&page);
    assert_eq!(records.len(), 2);
    assert!(records.iter().all(|record| record.is_file()), "{records:?}");

    fs::create_dir(bench.path("some where")).unwrap();
    let elsewhere = bench.path("some where/page.html");
    bench.pocketwatt(&["report", "latest", "--output", elsewhere.to_str().unwrap()]).expect_code(0);
    let records = records_of(&elsewhere);
    assert!(records.len() == 2 && records.iter().all(|record| record.is_file()), "{records:?}");
}

#[test]
fn several_runs_stand_in_one_page() {
    let bench = Bench::new();
    for _ in 0..2 {
        bench.run("", &["--scenario", "prefill-4-decode-4", "--iterations", "1"]).expect_code(0);
    }
    let runs = fs::read_dir(bench.folder().path().parent().unwrap()).unwrap();
    let names: Vec<String> = runs.map(|run| run.unwrap().file_name().into_string().unwrap()).collect();
    let runs: Vec<&str> = names.iter().map(String::as_str).filter(|name| name.starts_with("20")).collect();
    let page = bench.path("both.html");
    let arguments = [&["report"], &runs[..], &["--output", page.to_str().unwrap()]].concat();
    bench.pocketwatt(&arguments).expect_code(0);
    let text = fs::read_to_string(&page).unwrap();
    assert!(runs.iter().all(|run| text.contains(run)) && runs.len() == 2, "{runs:?}");
    assert!(text.contains("id=\"every-case-1\"") && text.contains("id=\"every-case-2\""));
    assert_eq!(records_of(&page).iter().filter(|record| record.is_file()).count(), 2);
    bench.pocketwatt(&["report", runs[0], runs[0]]).expect_code(3).expect_stderr(&["is there twice"]);
}

#[test]
fn a_damaged_record_is_named_and_the_rest_is_shown() {
    let bench = Bench::new();
    bench.run("", &["--scenario", "prefill-4-decode-4,prefill-5-decode-4", "--iterations", "1"]).expect_code(0);
    let cases = bench.folder().path().join("cases");
    let record = fs::read_dir(cases).unwrap().map(|file| file.unwrap().path()).min().unwrap();
    let stored = fs::read_to_string(&record).unwrap();
    let page = bench.path("report.html");
    let newer = stored.replacen("\"major\": 1", "\"major\": 2", 1);
    assert_ne!(newer, stored);
    for damage in ["", "{", &stored[..stored.len() / 2], "{\"format\":\"1.0\",\"case\":{}}", &newer] {
        fs::write(&record, damage).unwrap();
        let reported = bench.pocketwatt(&["report", "latest", "--output", page.to_str().unwrap()]).expect_code(4);
        let name = record.file_name().unwrap().to_str().unwrap();
        assert!(reported.stderr.contains(name), "{}", reported.stderr);
        let text = fs::read_to_string(&page).unwrap();
        assert!(text.contains(name) && text.contains("prefill-5-decode-4"), "{damage:.20}");
        assert!(text.contains("1 of 2 planned cases have no record here"), "{damage:.20}");
    }
    bench.pocketwatt(&["report", "no-such-run"]).expect_code(3);
}
