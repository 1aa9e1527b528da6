//! Simulated devices that get hot, and others that do not.

use pocketwatt_meter::{
    ContextReading, ContextSeries,
    energy::{Basis, Measurand, MeterInfo, MeterSeries, MeterSource, RawReading, Scope, UpdatePeriod},
};
use pocketwatt_protocol::{Iteration, IterationKind, MonotonicNs};
use pocketwatt_record::{Absent, Record, Value, derive};

use crate::{charts, fixture};

const SECOND: u64 = 1_000_000_000;

/// `chat` on three backends for ten minutes: throughput falls in steps to a little more than a half.
fn records() -> Vec<Record> {
    let mut records = fixture::records();
    records.truncate(3);
    for record in &mut records {
        record.passport.sustain_ms = Some(600_000);
        let first = record.samples.iterations[1].clone();
        let mut start = record.samples.iterations[0].turns.last().unwrap().token_times.last().unwrap().0;
        let from = start;
        record.samples.iterations.truncate(1);
        while start < from + 600 * SECOND {
            let slower = 1.0 + ((start - from) as f64 / (120.0 * SECOND as f64)).floor().min(3.0) * 0.25;
            record.samples.iterations.push(moved(&first, start, slower));
            start = record.samples.iterations.last().unwrap().turns.last().unwrap().token_times.last().unwrap().0;
        }
        derive(record);
    }
    records
}

/// The same iteration at another time, slowed down by a factor.
fn moved(iteration: &Iteration, start: u64, slower: f64) -> Iteration {
    let origin = iteration.turns[0].start.0;
    let at = |at: MonotonicNs| MonotonicNs(start + ((at.0 - origin) as f64 * slower) as u64);
    let mut moved = Iteration { kind: IterationKind::Measured, ..iteration.clone() };
    for turn in &mut moved.turns {
        (turn.start, turn.prefill_end) = (at(turn.start), at(turn.prefill_end));
        turn.token_times.iter_mut().for_each(|time| *time = at(*time));
    }
    moved
}

/// A temperature that rises to 90 degrees, a frequency that falls, and a counter at 15 W.
fn add_readings(record: &mut Record) {
    let moments: Vec<u64> = (0..1400).map(|index| index * SECOND / 2).collect();
    let series = |name: &str, value: &dyn Fn(f64) -> f64| ContextSeries {
        name: name.into(),
        readings: moments
            .iter()
            .map(|&at| ContextReading { at: MonotonicNs(at), value: value(at as f64 / SECOND as f64) })
            .collect(),
    };
    record.readings.temperatures = vec![series("cpu", &|at| 90.0 - 45.0 * (-at / 90.0).exp())];
    record.readings.frequencies = vec![series("mean", &|at| 3.4e9 - 1.4e9 * (at / 600.0).min(1.0))];
    let mut counter = MeterSeries::new(MeterInfo {
        id: "powercap:package-0".into(),
        source: MeterSource::Powercap,
        scope: Scope::Package,
        part: "package-0".into(),
        path: "made up".into(),
        measurand: Measurand::EnergyCounter { joules_per_unit: 1e-6, modulus: None },
        unit_basis: Basis::Documented,
        resolution: 1,
        update_period: Some(UpdatePeriod { ns: 1_000_000, basis: Basis::Documented }),
        gain_error: None,
        power_limit_watts: None,
    });
    for at in moments {
        counter.push(MonotonicNs(at), RawReading::new((at / 1000 * 15) as i64));
    }
    record.readings.energy = vec![counter];
    record.readings.no_energy = None;
    derive(record);
}

fn svg(records: &[Record]) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let files = charts::write(&fixture::run(records), records, folder.path()).unwrap();
    files.iter().find(|file| file.ends_with("sustained.svg")).map(|file| std::fs::read_to_string(file).unwrap())
}

/// The texts of a chart, with wrapped lines joined.
fn written(chart: &str) -> String {
    chart.lines().filter(|line| !line.starts_with('<')).collect::<Vec<_>>().join(" ")
}

#[test]
fn every_reading_has_a_panel_and_every_case_a_line() {
    let mut records = records();
    records.iter_mut().for_each(add_readings);
    let chart = svg(&records).unwrap();
    assert!(!chart.contains("NaN") && !chart.contains("inf"), "every coordinate is a number");
    for words in [
        "Sustained decoding over time",
        "decode throughput, tokens/s",
        "temperature of the hottest sensor, °C",
        "package power, W",
        "mean processor frequency, GHz",
        "minutes since the first counted conversation",
    ] {
        assert!(chart.contains(words), "{words}\n{chart}");
    }
    // Throughput falls to 1 / 1.75.
    for share in ["onnxruntime\u{a0}57.1\u{a0}%", "tract\u{a0}57.1\u{a0}%", "candle\u{a0}57.1\u{a0}%"] {
        assert!(chart.contains(share), "{share}\n{chart}");
    }
    for ink in ["#0072B2", "#E69F00", "#009E73"] {
        let lines = |width: u32| chart.matches(&format!("stroke=\"{ink}\" stroke-width=\"{width}\"")).count();
        let (thin, broad) = ((2..=4).map(lines).sum::<usize>(), lines(9));
        assert_eq!((thin, broad), (4, 2), "{ink}: a line in each panel, and the first and the last rounds");
    }
    assert!(!chart.contains("No temperature") && !chart.contains("No power") && !chart.contains("No clock"));
    assert!(chart.len() < 200_000, "{} bytes", chart.len());
}

#[test]
fn what_was_not_read_is_said_and_has_no_panel() {
    let chart = svg(&records()).unwrap();
    for words in ["No temperature: no sensor can be read.", "No power: virtual machine: no meter.", "No clock: the"] {
        assert!(written(&chart).contains(words), "{words}\n{chart}");
    }
    assert!(!chart.contains("package power") && !chart.contains("frequency, GHz") && !chart.contains("°C"));
    let mut some = records();
    add_readings(&mut some[0]);
    let chart = svg(&some).unwrap();
    let written = written(&chart);
    assert!(written.contains("°C") && written.contains("No temperature of tract, candle: no sensor"), "{written}");
}

#[test]
fn ordinary_cases_have_no_such_chart() {
    assert_eq!(svg(&fixture::records()), None);
    let mut withheld = records();
    for value in withheld.iter_mut().flat_map(|record| &mut record.metrics) {
        value.value = Value::Absent(Absent::withheld("bandwidth", "it cannot be true"));
    }
    assert_eq!(svg(&withheld), None, "what is withheld is not drawn");
}

#[test]
fn a_case_that_was_too_short_says_so() {
    let mut records = records();
    records[1].samples.iterations.truncate(3);
    derive(&mut records[1]);
    assert!(svg(&records).unwrap().contains("tract unknown (too short: 2 of 3 rounds"));
}
