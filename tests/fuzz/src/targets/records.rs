use std::{fs, path::Path};

use pocketwatt::report::{
    self, Format, Style,
    calls::{self, Answers},
    charts, text,
};
use pocketwatt_record::{Record, Run, derive, read_record, read_run};
use serde_json::{Value, json};

use super::study;
use crate::{mutation::Form, scratch, target::Target};

/// Between `run.json` and the records.
const BETWEEN: &str = "\n@@@@\n";
/// More records than these tell nothing new.
const MOST_RECORDS: usize = 6;

pub const TARGET: Target =
    Target { name: "records", form: Form::Json(BETWEEN), seeds, words: &[], short_runs: 400, run };

fn run(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let mut parts = text.split(BETWEEN);
    let Ok(run) = read_run(&scratch::file("run.json", parts.next().unwrap_or_default().as_bytes())) else { return };
    let read = |part: &str| read_record(&scratch::file("case.json", part.as_bytes())).ok();
    let mut records: Vec<Record> = parts.filter_map(read).take(MOST_RECORDS).collect();
    if records.is_empty() {
        return;
    }
    show(&run, &records);
    // What was stored as a number is one thing, what follows from the samples another.
    records.iter_mut().for_each(derive);
    show(&run, &records);
}

/// Everything that `show` can make of them.
fn show(run: &Run, records: &[Record]) {
    let narrow = Style { width: Some(60), ..Style::default() };
    for style in [Style::default(), narrow] {
        inert("the table", &report::render(run, records, Format::Table, &style).unwrap());
    }
    inert("the Markdown", &report::render(run, records, Format::Markdown, &narrow).unwrap());
    same_width(&report::render(run, records, Format::Csv, &narrow).unwrap());
    let document = report::render(run, records, Format::Json, &narrow).unwrap();
    serde_json::from_str::<Value>(&document).expect("the JSON document is one");
    for format in [Format::Table, Format::Markdown] {
        inert("the turns", &report::render_turns(run, records, format, &narrow));
        let answers = Answers { decode: &|_, _| Some("an answer".into()), expected: &|_, _| None, first: 3 };
        inert("the calls", &calls::render(records, &answers, format, &narrow));
    }
    inert("the text", &text::render(records, &|_, _| Some("an answer".into())));
    let folder = scratch::empty("charts");
    for chart in charts::write(run, records, &folder).unwrap() {
        assert_eq!(chart.parent(), Some(Path::new(&folder)), "a chart outside the folder");
        let chart = fs::read_to_string(chart).unwrap();
        inert("the chart", &chart);
        assert!(chart.trim_end().ends_with("</svg>"), "a chart without an end");
    }
}

/// Nothing that commands a terminal.
fn inert(what: &str, output: &str) {
    let forbidden = |letter: char| letter.is_control() && letter != '\n' && letter != '\t';
    if std::env::var_os("POCKETWATT_FUZZ_INERT").is_some()
        && let Some(at) = output.find(forbidden)
    {
        panic!("{what} has a control character: {:?}", &output[at..(at + 20).min(output.len())]);
    }
}

/// Every line of a CSV document has as many fields.
fn same_width(document: &str) {
    let mut widths = Vec::new();
    let (mut fields, mut quoted) = (1, false);
    for letter in document.chars() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => fields += 1,
            '\n' if !quoted => widths.push(std::mem::replace(&mut fields, 1)),
            _ => {}
        }
    }
    assert!(!quoted && widths.iter().all(|width| *width == widths[0]), "lines of different widths: {widths:?}");
}

/// The stored fixtures, alone and side by side, and as cases of studies.
fn seeds() -> Vec<Vec<u8>> {
    macro_rules! fixture {
        ($version:literal, $file:literal) => {
            serde_json::from_str::<Value>(include_str!(concat!(
                "../../../fixtures/records/",
                $version,
                "/",
                $file,
                ".json"
            )))
            .unwrap()
        };
    }
    let run = fixture!("1.3", "run");
    let measured = shorter(fixture!("1.3", "cases/measured"));
    let with = |changes: &[(&str, Value)]| {
        let mut record = measured.clone();
        for (pointer, value) in changes {
            *record.pointer_mut(pointer).unwrap() = value.clone();
        }
        record
    };
    let other = with(&[("/case/backend", json!("tract")), ("/case/id", json!("other"))]);
    let precise = with(&[("/case/precision", json!("int4")), ("/case/threads", json!(2))]);
    let larger = with(&[("/case/model", json!("mobilellm-350m")), ("/passport/model/parameters", json!(350_000_000))]);
    let mut seeds = vec![
        input(&fixture!("1.0", "run"), &[fixture!("1.0", "cases/measured"), fixture!("1.0", "cases/failed")]),
        input(&fixture!("1.1", "run"), &[shorter(fixture!("1.1", "cases/measured"))]),
        input(&fixture!("1.2", "run"), &[shorter(fixture!("1.2", "cases/measured"))]),
        input(&run, &[fixture!("1.3", "cases/measured")]),
        input(&run, &[measured.clone(), other, fixture!("1.3", "cases/failed"), fixture!("1.3", "cases/skipped")]),
        input(&run, &[measured.clone(), precise]),
    ];
    for definition in study::SHIPPED {
        let mut run = run.clone();
        let table: toml::Table = definition.parse().unwrap();
        run["study"] = json!({"name": table["name"].as_str(), "definition": definition, "model": "mobilellm-125m"});
        let named = with(&[("/case/model", json!("mobilellm-125m"))]);
        seeds.push(input(&run, &[named, larger.clone()]));
    }
    seeds
}

fn input(run: &Value, records: &[Value]) -> Vec<u8> {
    let parts: Vec<String> = std::iter::once(run).chain(records).map(Value::to_string).collect();
    parts.join(BETWEEN).into_bytes()
}

/// A record with a few of each list: as much to go wrong, and less to read.
fn shorter(mut record: Value) -> Value {
    const MOST: usize = 8;
    match &mut record {
        Value::Array(elements) => {
            elements.truncate(MOST);
            elements.iter_mut().for_each(|element| *element = shorter(element.take()));
        }
        Value::Object(fields) => {
            // All metrics and all figures stay: each has a row of its own.
            let lists = fields.iter_mut().filter(|(name, _)| !["metrics", "energy"].contains(&name.as_str()));
            lists.for_each(|(_, field)| *field = shorter(field.take()));
        }
        _ => {}
    }
    record
}
