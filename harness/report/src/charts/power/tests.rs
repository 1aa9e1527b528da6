//! Simulates a device with known power, measures and draws it.

use pocketwatt_meter::{
    ContextReading, ContextSeries, IdleWindows, TimeSpan,
    energy::{
        Basis, Measurand, MeterEnd, MeterInfo, MeterReading, MeterSeries, MeterSource, RawReading, Reason, Scope,
        Unavailable, UpdatePeriod,
    },
};
use pocketwatt_protocol::MonotonicNs;
use pocketwatt_record::{Absent, EnergyMetric, Phase, Record, Run, Value, derive};

use super::{draw, phases::windows};
use crate::{
    charts::{self, Palette, subject::Subject},
    fixture,
};

const SECOND: u64 = 1_000_000_000;
/// Idle before and after.
const IDLE: u64 = 4 * SECOND;
const MODULUS: i64 = 262_143_328_850;

fn meter(id: &str, source: MeterSource, scope: Scope, measurand: Measurand, period_ns: u64) -> MeterInfo {
    MeterInfo {
        id: id.into(),
        source,
        scope,
        part: id.rsplit(':').next().unwrap_or(id).into(),
        path: "made up".into(),
        measurand,
        unit_basis: Basis::Documented,
        resolution: 1,
        update_period: Some(UpdatePeriod { ns: period_ns, basis: Basis::Documented }),
        gain_error: None,
        power_limit_watts: None,
    }
}

fn rapl(id: &str, scope: Scope) -> MeterInfo {
    let measurand = Measurand::EnergyCounter { joules_per_unit: 1e-6, modulus: Some(MODULUS) };
    meter(id, MeterSource::Powercap, scope, measurand, 1_000_000)
}

/// Package power of each phase, in watts.
fn watts(phase: Option<Phase>) -> f64 {
    match phase {
        Some(Phase::Load) => 14.0,
        Some(Phase::Prefill) => 31.0,
        Some(Phase::Decode) => 22.0,
        _ => 4.0,
    }
}

/// Moves a record to a time at which its clock leaves room for idle windows, and returns the moments of readings: ten times a
/// second, and twice in quick succession at the edges of phases.
fn prepare(record: &mut Record) -> Vec<u64> {
    let last = record.samples.iterations.last().and_then(|last| last.turns.last()).unwrap();
    let end = last.token_times.last().unwrap_or(&last.prefill_end).0;
    let start = record.samples.loaded.as_ref().unwrap().start.0 + IDLE;
    shift(record, IDLE);
    record.readings.idle = Some(IdleWindows {
        before: TimeSpan { start: MonotonicNs(start - IDLE), end: MonotonicNs(start - SECOND / 10) },
        after: Some(TimeSpan { start: MonotonicNs(end + IDLE + SECOND / 5), end: MonotonicNs(end + 2 * IDLE) }),
    });
    let mut moments: Vec<u64> = (0..(end + 2 * IDLE - start + IDLE) / (SECOND / 10) + 3)
        .map(|round| start - IDLE + round * (SECOND / 10) + round * 7919 % 900_000)
        .collect();
    for window in windows(record) {
        for edge in [window.span.start.0, window.span.end.0] {
            moments.extend([edge + 40_000, edge + 740_000]);
        }
    }
    moments.sort_unstable();
    moments
}

fn shift(record: &mut Record, by: u64) {
    let move_on = |at: &mut MonotonicNs| at.0 += by;
    if let Some(loaded) = &mut record.samples.loaded {
        move_on(&mut loaded.start);
        move_on(&mut loaded.end);
    }
    for turn in record.samples.iterations.iter_mut().flat_map(|iteration| &mut iteration.turns) {
        move_on(&mut turn.start);
        move_on(&mut turn.prefill_end);
        turn.token_times.iter_mut().for_each(move_on);
    }
}

/// Reads a counter that begins just before its end and is updated every millisecond.
fn count(info: MeterInfo, moments: &[u64], record: &Record, share: f64) -> MeterSeries {
    let windows = windows(record);
    let mut series = MeterSeries::new(info);
    let (mut now, mut joules) = (moments[0] / 1_000_000, 0.0);
    for &moment in moments {
        while now < moment / 1_000_000 {
            let inside = |span: &TimeSpan| (span.start.0..span.end.0).contains(&(now * 1_000_000));
            let phase = windows.iter().find(|window| inside(&window.span)).map(|window| window.shade.phase);
            let wave = 1.0 + 0.04 * (now as f64 / 700.0).sin();
            joules += watts(phase) * wave * share / 1000.0;
            now += 1;
        }
        let value = (MODULUS - 300_000_000 + (joules * 1e6) as i64) % MODULUS;
        series.push(MonotonicNs(moment), RawReading::new(value));
    }
    series
}

/// Frequencies and temperatures that follow the power.
fn add_context(record: &mut Record, moments: &[u64]) {
    let series = |name: &str, value: &dyn Fn(f64) -> f64| ContextSeries {
        name: name.into(),
        readings: moments
            .iter()
            .step_by(6)
            .map(|&at| ContextReading { at: MonotonicNs(at), value: value((at - moments[0]) as f64 * 1e-9) })
            .collect(),
    };
    record.readings.frequencies =
        vec![series("mean", &|at| 2.9e9 - 8e6 * at), series("highest", &|at| 3.4e9 - 1e8 * (at / 3.0).sin())];
    record.readings.temperatures = vec![
        series("x86_pkg_temp", &|at| 41.0 + 24.0 * (1.0 - (-at / 20.0).exp())),
        series("acpitz", &|at| 38.0 + 0.1 * at),
    ];
}

/// `chat` on three backends: RAPL with memory beside it, a battery gauge, and a meter that vanishes.
fn records() -> Vec<Record> {
    let mut records = fixture::records();
    records.truncate(3);
    for record in &mut records[..1] {
        let moments = prepare(record);
        record.readings.energy = vec![
            count(rapl("powercap:package-0", Scope::Package), &moments, record, 1.0),
            count(rapl("powercap:dram", Scope::Dram), &moments, record, 0.2),
        ];
        add_context(record, &moments);
    }
    let moments = prepare(&mut records[1]);
    let current = Measurand::Current { amperes_per_unit: 1e-6 };
    let battery = meter("battery:BAT0/current_now", MeterSource::Battery, Scope::Device, current, SECOND);
    let mut series = MeterSeries::new(battery);
    for (index, moment) in moments.iter().enumerate() {
        let second = (moment / SECOND) as i64;
        let level = 500_000 + second * 7919 % 11 * 12_000 + if index > 60 { 700_000 } else { 0 };
        series.push(MonotonicNs(*moment), RawReading { value: level, microvolts: Some(7_600_000) });
    }
    records[1].readings.energy = vec![series];
    let mut moments = prepare(&mut records[2]);
    moments.truncate(moments.len() * 3 / 5);
    let mut series = count(rapl("powercap:package-0", Scope::Package), &moments, &records[2], 0.9);
    series.ended = Some(MeterEnd {
        at: MonotonicNs(moments.last().unwrap() + SECOND / 10),
        unavailable: Unavailable::new(Reason::Vanished, "the file is gone"),
    });
    records[2].readings.energy = vec![series];
    records.iter_mut().for_each(derive);
    records
}

fn svg(run: &Run, records: &[Record]) -> Option<String> {
    let chart = draw(&Subject::of(run, records.iter().collect(), &Palette::default())).unwrap();
    chart.map(|chart| chart.drawing.svg)
}

/// Names of all charts of a run.
fn files(records: &[Record]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let files = charts::write(&fixture::run(records), records, folder.path()).unwrap();
    files.iter().map(|file| file.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

#[test]
fn a_part_of_a_curve_says_its_power_and_the_phase_that_it_is_mostly_in() {
    let records = records();
    let run = fixture::run(&records);
    let chart = draw(&Subject::of(&run, records.iter().collect(), &Palette::default())).unwrap().unwrap();
    let marked = chart.drawing.with_marks();
    let first = marked.split("aria-label=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    assert!(
        first.starts_with("onnxruntime, chat: 0.00 to ") && first.contains("; mostly idle before, which takes 3.98"),
        "{first}"
    );
    assert!(marked.contains("; mostly decode, which takes ") && chart.description.contains("decode 22.0"), "{marked}");
}

#[test]
fn every_case_with_a_meter_has_a_panel_with_its_phases() {
    let records = records();
    let run = fixture::run(&records);
    let chart = svg(&run, &records).unwrap();
    assert!(!chart.contains("NaN") && !chart.contains("inf"), "every coordinate is a number");
    assert_eq!(chart.matches("since the start of the case").count(), 3, "panels");
    for words in [
        "chat, onnxruntime",
        "package power, W; thin line: DRAM",
        "powercap:package-0 (package), updated every 1\u{a0}ms",
        "battery:BAT0/current_now (whole device), updated every",
        "meter vanished",
        "processor frequency, GHz: mean; thin line: highest",
        "temperature, °C: the hottest of 2 sensors",
    ] {
        assert!(chart.contains(words), "{words}\n{chart}");
    }
    for phase in ["#DECB14", "#CC79A7", "#56B4E9", "#828282"] {
        let shades = chart.matches(&format!("opacity=\"0.3\" fill=\"{phase}\"")).count();
        assert!(shades >= 4, "{shades} of {phase}: one in the legend, and one in each panel");
    }
    assert!(chart.len() < 300_000, "{} bytes", chart.len());
    assert!(files(&records).contains(&"power.svg".to_owned()));
}

#[test]
fn a_simulation_says_so() {
    let records = records();
    let mut run = fixture::run(&records);
    assert!(!svg(&run, &records).unwrap().contains("imulated"));
    run.energy.sysfs_root = Some("tree".into());
    let chart = svg(&run, &records).unwrap();
    assert!(chart.contains("Power over time (simulated meters)") && chart.contains("Simulated: read from tree"));
}

#[test]
fn mean_powers_are_those_of_the_record() {
    let mut records = records();
    records.truncate(1);
    let chart = svg(&fixture::run(&records), &records).unwrap();
    let number = |phase: Phase| {
        let energy = records[0].energy[0].phase(phase).unwrap();
        energy.gross.measured().unwrap().0 / (energy.duration_ns as f64 * 1e-9)
    };
    assert!((number(Phase::Decode) - 22.0).abs() < 0.5, "{}", number(Phase::Decode));
    for words in [format!("decode {:.2}", number(Phase::Decode)), format!("prefill {:.2}", number(Phase::Prefill))] {
        assert!(chart.contains(&words), "{words}\n{chart}");
    }
    assert!(chart.contains(&format!("idle before {:.2}", number(Phase::IdleBefore))), "no room on its shade");
    records[0].metrics.iter_mut().filter(|metric| metric.is(EnergyMetric::EnergyPerRequest)).for_each(|metric| {
        metric.value = Value::Absent(Absent::withheld("power bounds", "too much"));
    });
    let chart = svg(&fixture::run(&records), &records).unwrap();
    assert!(chart.contains("mean power withheld") && !chart.contains("decode 2"), "{chart}");
}

#[test]
fn without_readings_there_is_no_chart() {
    let mut records = fixture::records();
    assert_eq!(svg(&fixture::run(&records), &records), None);
    assert!(!files(&records).contains(&"power.svg".to_owned()));
    // A counter that stands still is not a power of 0 W.
    let moments = prepare(&mut records[0]);
    records[0].readings.energy = vec![count(rapl("powercap:package-0", Scope::Package), &moments, &records[0], 0.0)];
    derive(&mut records[0]);
    assert_eq!(svg(&fixture::run(&records), &records), None);
}

#[test]
fn a_long_run_is_no_large_file() {
    let mut records = records();
    records.truncate(2);
    let record = &mut records[1];
    let first = record.readings.energy[0].readings[0];
    // Eight hours, ten times a second.
    record.readings.energy[0].readings = (0..288_000_u64)
        .map(|index| MeterReading {
            at: MonotonicNs(first.at.0 + index * SECOND / 10),
            value: 400_000 + (index as i64 * 7919) % 90_000,
            ..first
        })
        .collect();
    record.readings.idle = record.readings.idle.map(|idle| IdleWindows {
        after: Some(TimeSpan {
            start: MonotonicNs(first.at.0 + 28_000 * SECOND),
            end: MonotonicNs(first.at.0 + 28_800 * SECOND),
        }),
        ..idle
    });
    derive(record);
    let chart = svg(&fixture::run(&records), &records[1..]).unwrap();
    assert!(chart.contains("hours since the start of the case"));
    assert!(chart.len() < 100_000, "{} bytes", chart.len());
}
