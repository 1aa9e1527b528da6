//! Whatever is in the fields of a record, no output lets it act.

use pocketwatt_record::{Damage, Damaged};
use proptest::prelude::*;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::*;
use crate::{
    ReportedRun,
    charts::Palette,
    output::{columns, inert},
};

/// Text that terminals, spreadsheets, browsers and readers would act on, and a line that looks like one of ours.
const HOSTILE: &[&str] = &[
    "\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m\r\n\nFORGED: all well\n",
    "\u{202e}\u{2066}gpj\u{200b}\u{feff}\u{e0041}\u{2028}FORGED",
    "=HYPERLINK(\"http://x\")\t\u{b}\u{85}",
    "<script>alert(1)</script> ![x](javascript:x) | a | ```\n# FORGED",
    "日本語 e\u{301}\u{301}\u{301} 👩\u{200d}🔬 \u{fffe}\u{ffff}\0",
];

/// Puts a text before every free text of a document, and keeps the others.
fn fouled<T: Serialize + DeserializeOwned>(document: &T, text: &str) -> T {
    fn leaves(value: &Value, path: &str, found: &mut Vec<String>) {
        match value {
            Value::String(_) => found.push(path.to_owned()),
            Value::Array(values) => {
                values.iter().enumerate().for_each(|(index, value)| leaves(value, &format!("{path}/{index}"), found));
            }
            Value::Object(fields) => {
                for (key, value) in fields.iter().filter(|(key, _)| *key != "metric" && *key != "definition") {
                    leaves(value, &format!("{path}/{key}"), found);
                }
            }
            _ => {}
        }
    }
    let mut value = serde_json::to_value(document).unwrap();
    let mut paths = Vec::new();
    leaves(&value, "", &mut paths);
    for path in paths {
        let Some(leaf) = value.pointer_mut(&path) else { continue };
        let before = leaf.clone();
        *leaf = Value::String(format!("{text}{}", before.as_str().unwrap_or_default()));
        // Texts with a fixed set of values, such as a precision.
        if serde_json::from_value::<T>(value.clone()).is_err() {
            *value.pointer_mut(&path).unwrap() = before;
        }
    }
    serde_json::from_value(value).unwrap()
}

/// Few iterations, because each record is read again for each of its texts.
fn small() -> Vec<Record> {
    let mut records = fixture::troubled();
    for record in &mut records {
        record.samples.iterations.truncate(2);
        for turn in record.samples.iterations.iter_mut().flat_map(|iteration| &mut iteration.turns) {
            turn.tokens.truncate(2);
            turn.token_times.truncate(2);
        }
        record.readings.memory.truncate(2);
    }
    records
}

fn ensure_inert(text: &str) {
    let records = small();
    let run = fouled(&fixture::run(&records), text);
    let records: Vec<Record> = records.iter().map(|record| fouled(record, text)).collect();
    let damage = Damage::Malformed(text.to_owned());
    let damaged = [Damaged { file: format!("{text}.json"), case: None, damage }];
    let shown = |format| {
        let mut shown =
            text_of(|output| write(&run, &(&records[..], &damaged[..]), format, &Style::default(), output)).unwrap();
        if matches!(format, Format::Table | Format::Markdown) {
            shown += &render_turns(&run, &records, format, &Style::default());
            shown += &text::render(&records, format, &|_, _| Some(text.to_owned()), &|_, _| Some(text.to_owned()));
        }
        shown
    };
    let safe = |shown: &str| {
        let active = shown.chars().find(|&character| character != '\n' && inert::is_active(character));
        assert_eq!(active, None, "{shown:?}");
    };
    let [table, markdown, csv, json] = [Format::Table, Format::Markdown, Format::Csv, Format::Json].map(shown);
    for output in [&table, &markdown, &csv, &json] {
        safe(output);
        assert!(!output.lines().any(|line| line.starts_with("FORGED") || line.starts_with("# FORGED")), "{output}");
    }

    let report: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["run"]["id"].as_str(), Some(run.id.as_str()), "a program reads what was stored");

    let plain: Vec<Record> = small();
    let lines = |format| render(&fixture::run(&plain), &plain, format, &NARROW).unwrap().lines().count();
    assert_eq!(csv.lines().count(), lines(Format::Csv), "{csv}");
    let formula = |cell: &str| cell.trim_start_matches('"').starts_with(['=', '+', '@', '\t']);
    assert!(!csv.lines().any(|line| line.split(',').any(formula)), "{csv}");

    let reported = [ReportedRun { run: &run, results: &(&records[..], &damaged[..]), address: Some("../".into()) }];
    let page = crate::report(&reported, &Palette::default()).unwrap();
    safe(&page);
    assert!(!page.contains("<script>alert") && page.matches("<script").count() == 1, "{page}");

    // Outside of fences, foreign markup is escaped.
    let mut fenced = false;
    for line in markdown.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            let bare = |markup: &str| line.match_indices(markup).any(|(at, _)| !line[..at].ends_with('\\'));
            assert!(!["<script", "](javascript", "http://"].iter().any(|markup| bare(markup)), "{line}");
        }
    }

    let head = table.lines().take_while(|line| !line.starts_with('[')).skip(1);
    let rules: Vec<usize> = head.filter(|line| line.starts_with('─')).map(columns::width).collect();
    assert!(rules.windows(2).take(1).all(|pair| pair[0] == pair[1]), "{table}");

    let folder = tempfile::tempdir().unwrap();
    for file in charts::write(&run, &records, folder.path()).unwrap() {
        let chart = fs::read_to_string(file).unwrap();
        safe(&chart);
        assert!(!chart.contains("<script") && !chart.contains(['\u{fffe}', '\u{ffff}']), "{chart}");
    }
    for chart in charts::all(&run, &(&records[..], &[][..]), &Palette::default()).unwrap() {
        for text in [&chart.kind, &chart.name, &chart.title, &chart.about, &chart.description, &chart.svg] {
            safe(text);
        }
        assert!(!chart.svg.contains("<script") && !chart.svg.contains(['\u{fffe}', '\u{ffff}']), "{}", chart.svg);
        assert!(chart.name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter)));
    }
}

#[test]
fn what_others_wrote_does_nothing() {
    HOSTILE.iter().for_each(|text| ensure_inert(text));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nor_does_anything_else(text in any::<String>()) {
        ensure_inert(&text);
    }
}
