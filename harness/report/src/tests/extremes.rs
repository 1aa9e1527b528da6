//! Whatever number is in a field, every output is written, has a bounded length, and shows no number that is not one.

use std::collections::BTreeMap;

use pocketwatt_record::derive;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;

/// Of all minor versions, the newest has the most numbers.
const RUN: &str = include_str!("../../../../tests/fixtures/records/1.5/run.json");
const RECORD: &str = include_str!("../../../../tests/fixtures/records/1.5/cases/measured.json");
/// One of this many numbers is shown in full.
const FULL_EVERY: usize = 100;
/// Largest length of an output, as a multiple of its length without extremes.
const LONGEST: usize = 10;

fn extremes() -> Vec<Value> {
    vec![
        json!(u64::MAX),
        json!(1e308),
        json!(0),
        json!(-1e308),
        json!(1e-320),
        json!(i64::MIN),
        json!(u32::MAX),
        json!(-1),
        json!(0.5),
    ]
}

/// The paths of all numbers, by field: those of all entries of a list together.
fn numbers(document: &Value) -> BTreeMap<String, Vec<String>> {
    fn leaves(value: &Value, (field, at): (&str, &str), found: &mut BTreeMap<String, Vec<String>>) {
        match value {
            Value::Number(_) => found.entry(field.to_owned()).or_default().push(at.to_owned()),
            Value::Array(values) => values.iter().enumerate().for_each(|(place, value)| {
                leaves(value, (&format!("{field}/*"), &format!("{at}/{place}")), found);
            }),
            Value::Object(fields) => {
                for (name, value) in fields.iter().filter(|(name, _)| *name != "format") {
                    leaves(value, (&format!("{field}/{name}"), &format!("{at}/{name}")), found);
                }
            }
            _ => {}
        }
    }
    let mut found = BTreeMap::new();
    leaves(document, ("", ""), &mut found);
    found
}

/// A document with a number at other paths; `None` if the reader refuses it.
fn changed<T: DeserializeOwned>(document: &Value, places: &[String], number: &Value) -> Option<(Value, T)> {
    let mut value = document.clone();
    for place in places {
        *value.pointer_mut(place)? = number.clone();
    }
    let read = T::deserialize(&value).ok()?;
    Some((value, read))
}

/// The same with that number in every field that accepts it.
fn changed_everywhere<T: DeserializeOwned>(document: &Value, number: &Value) -> T {
    let change = |document: Value, places: &Vec<String>| {
        changed::<T>(&document, places, number).map_or(document, |(changed, _)| changed)
    };
    serde_json::from_value(numbers(document).values().fold(document.clone(), change)).unwrap()
}

fn texts(run: &Run, records: &[Record]) -> Vec<String> {
    let formats = [Format::Table, Format::Markdown, Format::Csv, Format::Json];
    let mut texts = formats.map(|format| render(run, records, format, &NARROW).unwrap()).to_vec();
    texts.extend([Format::Table, Format::Markdown].map(|format| render_turns(run, records, format, &NARROW)));
    texts.push(text::render(records, Format::Table, &|_, _| Some("answer".into()), &|_, _| None));
    texts
}

fn drawn(run: &Run, records: &[Record]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let files = charts::write(run, records, folder.path()).unwrap();
    let files = files.iter().map(|file| fs::read_to_string(file).unwrap());
    let charts = charts::all(run, &(records, &[][..]), &charts::Palette::default()).unwrap();
    files.chain(charts.into_iter().map(|chart| chart.svg + &chart.description)).collect()
}

/// Limits of the lengths of a run's outputs: of each text, and of every chart.
struct Limits {
    texts: Vec<usize>,
    chart: usize,
}

impl Limits {
    fn of(run: &Run, records: &[Record]) -> Self {
        let texts = texts(run, records).iter().map(|text| LONGEST * text.len()).collect();
        let chart = drawn(run, records).iter().map(|chart| LONGEST * chart.len()).max().unwrap();
        Self { texts, chart }
    }
}

#[track_caller]
fn ensure_sound(what: &str, output: &str, most: usize) {
    let (length, begin) = (output.len(), output.chars().take(2000).collect::<String>());
    assert!(length <= most, "{what} makes {length} bytes: {begin}");
    for line in output.lines() {
        let mut words = line.split(|character: char| !character.is_alphanumeric());
        let none = words.find(|word| ["NaN", "nan", "inf", "infinity"].contains(word));
        assert_eq!(none, None, "{what}: {line}");
    }
}

/// Outputs of a run as it is stored, beside an ordinary record; if it is shown in `full`, with charts, and also as it
/// follows from its samples.
#[track_caller]
fn ensure_shown(what: &str, run: &Run, records: &[Record], limits: &Limits, full: bool) {
    let mut records = records.to_vec();
    for _ in 0..if full { 2 } else { 1 } {
        for (text, most) in texts(run, &records).iter().zip(&limits.texts) {
            ensure_sound(what, text, *most);
        }
        if full {
            drawn(run, &records).iter().for_each(|chart| ensure_sound(what, chart, limits.chart));
            records.iter_mut().for_each(derive);
        }
    }
}

#[test]
fn no_number_of_a_record_or_a_run_makes_an_output_senseless() {
    let (stored_run, stored): (Value, Value) =
        (serde_json::from_str(RUN).unwrap(), serde_json::from_str(RECORD).unwrap());
    let (run, record): (Run, Record) =
        (serde_json::from_value(stored_run.clone()).unwrap(), serde_json::from_value(stored.clone()).unwrap());
    let run = Run { study: None, ..run };
    let beside = |record: Record| {
        let mut other = record;
        other.case.backend = "tract".into();
        other.case.id = "other".into();
        other
    };
    let records = [record.clone(), beside(record)];
    let limits = Limits::of(&run, &records);
    let all = std::env::var_os("POCKETWATT_EXTREMES").is_some();

    for number in extremes() {
        let what = format!("{number} everywhere");
        let (run, record) = (changed_everywhere::<Run>(&stored_run, &number), changed_everywhere(&stored, &number));
        ensure_shown(&what, &Run { study: None, ..run }, &[record, records[1].clone()], &limits, true);
    }
    // All extremes of all numbers take minutes: `POCKETWATT_EXTREMES=1` runs them.
    let tried = |index: usize| {
        extremes().into_iter().enumerate().filter(move |(turn, _)| all || index % extremes().len() == *turn)
    };
    for (index, (field, places)) in numbers(&stored).iter().enumerate() {
        for (_, number) in tried(index) {
            let Some((_, record)) = changed::<Record>(&stored, places, &number) else { continue };
            let what = format!("{number} in {field}");
            ensure_shown(&what, &run, &[record, records[1].clone()], &limits, all || index % FULL_EVERY == 0);
        }
    }
    for (index, (field, places)) in numbers(&stored_run).iter().enumerate() {
        for (_, number) in tried(index) {
            let Some((_, run)) = changed::<Run>(&stored_run, places, &number) else { continue };
            let table = render(&Run { study: None, ..run }, &records, Format::Table, &NARROW).unwrap();
            ensure_sound(&format!("{number} in {field} of run.json"), &table, limits.texts[0]);
        }
    }
}
