use std::fs;

use pocketwatt_record::{Damaged, Record, Run, RunFolder, derive, read_record};
use pocketwatt_report::{
    self as report, Format, Style, answers,
    calls::{self, Answers},
};
use serde_json::{Value, json};

use super::study;
use crate::{mutation::Form, scratch, target::Target};

/// Separates `run.json` and the records.
const BETWEEN: &str = "\n@@@@\n";
/// More records than these show nothing new.
const MOST_RECORDS: usize = 6;

pub const TARGET: Target = Target {
    name: "records",
    form: Form::Json(BETWEEN),
    seeds,
    words: &[],
    short_runs: 200,
    run: |input| show(input).is_some(),
};

/// Shows a run as stored, and as it follows from the samples.
fn show(input: &[u8]) -> Option<()> {
    let (run, records, damaged) = read(input)?;
    outputs(&run, &records, &damaged);
    if let Some(records) = derived(&records) {
        outputs(&run, &records, &[]);
    }
    Some(())
}

/// The records as they follow from their samples; `None` if they already do.
pub fn derived(records: &[Record]) -> Option<Vec<Record>> {
    let mut derived = records.to_vec();
    derived.iter_mut().for_each(derive);
    (derived != records).then_some(derived)
}

/// A run's folder with the input's files, as far as they are a run. Records that are damaged, or belong to another case than the
/// plan has, are among the damaged ones, and are still read if they can be.
pub fn read(input: &[u8]) -> Option<(Run, Vec<Record>, Vec<Damaged>)> {
    let text = String::from_utf8_lossy(input);
    let mut parts = text.split(BETWEEN);
    let cases = scratch::empty("run/cases");
    scratch::file("run/run.json", parts.next()?.as_bytes());
    let folder = RunFolder::open(cases.parent()?);
    let run = folder.run().ok()?;
    let mut records = Vec::new();
    for (index, part) in parts.take(MOST_RECORDS).enumerate() {
        let path = scratch::file("record.json", part.as_bytes());
        records.extend(read_record(&path));
        // An invalid name leads nowhere: the file is then written beside those of the plan.
        let planned = run.plan.get(index).map_or("", |planned| planned.case.id.as_str());
        if pocketwatt_files::check_name(planned).is_ok() {
            // A name that is too long for a file is invalid, too.
            let _ = fs::rename(&path, cases.join(format!("{planned}.json")));
        }
    }
    let stored = folder.records_of(&run).ok()?;
    assert!(stored.intact.len() <= records.len());
    (!records.is_empty()).then_some((run, records, stored.damaged))
}

/// Everything that `show` writes.
fn outputs(run: &Run, records: &[Record], damaged: &[Damaged]) {
    let narrow = Style { width: Some(60), ..Style::default() };
    let results = (records, damaged);
    let render = |format, style: &Style| {
        report::text_of(|output| report::write(run, &results, format, style, output)).expect("it can be written")
    };
    let turns = |format| {
        report::text_of(|output| report::write_turns(run, &results, format, &narrow, output))
            .expect("they can be written")
    };
    inert("the table", &render(Format::Table, &Style::default()));
    inert("the narrow table", &render(Format::Table, &narrow));
    inert("the Markdown", &render(Format::Markdown, &narrow));
    same_width(&render(Format::Csv, &narrow));
    serde_json::from_str::<Value>(&render(Format::Json, &narrow)).expect("the JSON document is one");
    for format in [Format::Table, Format::Markdown] {
        inert("the turns", &turns(format));
        let answers = Answers { decode: &|_, _| Some("an answer".into()), expected: &|_, _| None, first: 3 };
        inert("the calls", &calls::render(records, &answers, format, &narrow));
        inert(
            "the text",
            &answers::render(records, format, &|_, _| Some("an\u{1b}[2Janswer".into()), &|_, _| {
                Some("a\u{1b}[2Jword".into())
            }),
        );
    }
}

/// Checks that nothing controls a terminal, or reorders text.
pub fn inert(what: &str, output: &str) {
    let commands = |letter: char| letter.is_control() && letter != '\n';
    let turns =
        |letter: char| matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}');
    if let Some(at) = output.find(|letter| commands(letter) || turns(letter)) {
        panic!("{what} has {:?}", output[at..].chars().take(20).collect::<String>());
    }
}

/// Checks that every line of a CSV document has the same number of fields.
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
pub fn seeds() -> Vec<Vec<u8>> {
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
    let run = fixture!("1.4", "run");
    let measured = shorter(fixture!("1.4", "cases/measured"));
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
        input(&fixture!("1.3", "run"), &[shorter(fixture!("1.3", "cases/measured"))]),
        input(&run, &[fixture!("1.4", "cases/measured")]),
        input(&run, &[measured.clone(), other, fixture!("1.4", "cases/failed"), fixture!("1.4", "cases/skipped")]),
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

/// A record with only a few entries of each list: as much can go wrong, but there is less to read.
fn shorter(mut record: Value) -> Value {
    const MOST: usize = 8;
    match &mut record {
        Value::Array(elements) => {
            elements.truncate(MOST);
            elements.iter_mut().for_each(|element| *element = shorter(element.take()));
        }
        Value::Object(fields) => {
            // All metrics and all figures stay, because each has a row of its own.
            let lists = fields.iter_mut().filter(|(name, _)| !["metrics", "energy"].contains(&name.as_str()));
            lists.for_each(|(_, field)| *field = shorter(field.take()));
        }
        _ => {}
    }
    record
}
