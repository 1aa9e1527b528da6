use pocketwatt_meter::energy::{MeterSource, Reason, Scope};
use pocketwatt_record::{CheckVerdict, EnergyPlan, MetricScope, PhysicsCheck, Record, Value};

use super::{NARROW, first_sheet};
use crate::report::{Format, Style, fixture, render};

fn show(records: &[Record], format: Format) -> String {
    let (run, _) = fixture::energy::metered();
    render(&run, records, format, &NARROW).unwrap()
}

fn chat() -> Vec<Record> {
    fixture::energy::metered().1.into_iter().take(3).collect()
}

/// The rows of energy and what stands below them.
fn energy_part(output: &str) -> String {
    let lines = output.lines().skip_while(|line| !line.starts_with("energy"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn joules_stand_under_the_name_of_their_scope_with_their_interval() {
    insta::assert_snapshot!(show(&chat(), Format::Table), @"");
}

#[test]
fn markdown_says_the_same() {
    insta::assert_snapshot!(show(&chat(), Format::Markdown), @"");
}

#[test]
fn an_api_call_has_a_price() {
    let output = show(&fixture::energy::metered().1[3..], Format::Table);
    let battery = output.lines().skip_while(|line| !line.starts_with("battery:")).take_while(|line| !line.is_empty());
    insta::assert_snapshot!(battery.collect::<Vec<_>>().join("\n"), @"");
}

#[test]
fn tables_of_energy_fit_their_terminal() {
    let (run, records) = fixture::energy::metered();
    for width in [60, 80] {
        let output = render(&run, &records, Format::Table, &Style { color: false, width: Some(width) }).unwrap();
        assert!(output.lines().all(|line| line.chars().count() <= width), "{output}");
    }
    let mut colored = render(&run, &records, Format::Table, &Style { color: true, width: Some(80) }).unwrap();
    for code in ["0", "1", "2", "31", "1;32"] {
        colored = colored.replace(&format!("\x1b[{code}m"), "");
    }
    assert_eq!(colored, render(&run, &records, Format::Table, &NARROW).unwrap());
}

#[test]
fn a_meter_that_says_nothing_takes_one_line() {
    let mut records = chat();
    for value in records.iter_mut().flat_map(|record| &mut record.metrics).filter(|value| value.scope.is_some()) {
        value.value = Value::Unavailable(Reason::ChargerConnected.words().into());
        value.uncertainty = None;
    }
    insta::assert_snapshot!(energy_part(&first_sheet(&show(&records, Format::Table))), @"");
}

#[test]
fn a_slow_meter_shows_what_it_can() {
    let mut records = chat();
    for record in &mut records {
        record.metrics.retain(|value| value.scope.as_ref().is_none_or(|scope| scope.scope == Scope::Package));
        for value in &mut record.metrics {
            if value.metric.contains("_token") && value.scope.is_some() || value.metric.starts_with("net_") {
                value.value = Value::Unavailable(Reason::BelowResolution.words().into());
                value.uncertainty = None;
            }
        }
    }
    insta::assert_snapshot!(energy_part(&first_sheet(&show(&records, Format::Table))), @"");
}

#[test]
fn what_cannot_be_true_is_withheld_with_its_numbers() {
    let mut records = chat();
    let detail = "requests 613.200 W, loading 12.000 W, not within 0 to 60 W";
    for value in &mut records[1].metrics {
        if value.scope.as_ref().is_some_and(|scope| scope.scope == Scope::Package) {
            value.value = Value::Unavailable(format!("withheld: {detail}"));
            value.uncertainty = None;
        }
    }
    records[1].checks = vec![PhysicsCheck {
        name: "power bounds of package (powercap)".into(),
        verdict: CheckVerdict::Failed,
        detail: detail.into(),
    }];
    insta::assert_snapshot!(energy_part(&first_sheet(&show(&records, Format::Table))), @"");
}

#[test]
fn speed_that_cannot_be_true_is_withheld_too() {
    let (run, mut records) = (fixture::run(&chat()), chat());
    let detail = "1000.0 tokens/s x 499 MB of weights = 498.5 GB/s, more than the 18.2 GB/s that the memory delivers";
    let decode = records[0].metrics.iter_mut().find(|value| value.metric == "decode_throughput").unwrap();
    decode.value = Value::Unavailable(format!("withheld: {detail}"));
    records[0].checks =
        vec![PhysicsCheck { name: "bandwidth".into(), verdict: CheckVerdict::Failed, detail: detail.into() }];
    let output = render(&run, &records, Format::Table, &Style { color: true, width: None }).unwrap();
    let decode = output.lines().find(|line| line.starts_with("decode")).unwrap();
    assert!(decode.contains("\x1b[31mwithheld [1]\x1b[0m") && !decode.contains("1000"), "{decode}");
    assert!(output.contains("withheld: bandwidth: 1000.0 tokens/s"), "{output}");
    assert!(output.contains("onnxruntime: bandwidth cannot be true; what follows from it is withheld"), "{output}");
}

#[test]
fn the_best_is_marked_only_where_intervals_are_apart() {
    let per_request = |output: &str| -> String {
        output.lines().find(|line| line.starts_with("energy per request")).unwrap().to_owned()
    };
    let mut records = chat();
    assert!(per_request(&show(&records, Format::Table)).contains('*'));
    for value in records.iter_mut().flat_map(|record| &mut record.metrics) {
        value.uncertainty = value.uncertainty.map(|uncertainty| uncertainty * 20.0);
    }
    assert!(!per_request(&show(&records, Format::Table)).contains('*'), "intervals overlap");
    for value in records.iter_mut().flat_map(|record| &mut record.metrics) {
        value.uncertainty = None;
    }
    assert!(!per_request(&show(&records, Format::Table)).contains('*'), "no intervals");
}

#[test]
fn scopes_and_interfaces_are_never_mixed_in_a_row() {
    let mut records = chat();
    for value in &mut records[1].metrics {
        if let Some(scope) = &mut value.scope {
            scope.source = MeterSource::Hwmon;
        }
    }
    let output = show(&records, Format::Table);
    for heading in ["energy of the package (powercap):", "energy of the package (hwmon):"] {
        assert!(output.contains(heading), "{output}");
    }
    let rows: Vec<&str> = output.lines().filter(|line| line.starts_with("energy per request")).collect();
    assert!(rows.iter().all(|row| row.matches('±').count() == 1), "{rows:?}");
}

#[test]
fn parts_of_the_package_and_rails_stay_in_the_exports() {
    let mut records = chat();
    let core = fixture::energy::scope(Scope::Core);
    let rail =
        MetricScope { part: Some("power1".into()), source: MeterSource::Hwmon, ..fixture::energy::scope(Scope::Rail) };
    for scope in [&core, &rail] {
        fixture::energy::set(&mut records[0], scope, Some(&fixture::energy::PACKAGE[0]), 0.01);
    }
    let table = show(&records, Format::Table);
    assert!(!table.contains("cores (powercap)") && !table.contains("power1"), "{table}");
    let csv = show(&records, Format::Csv);
    let rail = csv.lines().find(|line| line.contains(",load_energy,") && line.contains(",rail,")).unwrap();
    assert!(rail.ends_with(",hwmon,power1"), "{rail}");
}

#[test]
fn simulated_joules_are_called_so() {
    let (mut run, records) = fixture::energy::metered();
    run.energy.sysfs_root = Some("/tmp/tree".into());
    let output = render(&run, &records, Format::Table, &NARROW).unwrap();
    assert!(output.contains("energy of the package (powercap, simulated):"), "{output}");
    assert!(
        output.contains("SIMULATED  meters were read from /tmp/tree: these are not this device's joules"),
        "{output}"
    );
}

#[test]
fn runs_of_before_there_was_energy_are_shown_without() {
    let (mut run, mut records) = fixture::energy::metered();
    run.energy = EnergyPlan::default();
    for record in &mut records {
        record.metrics.retain(|value| value.scope.is_none());
        record.readings.energy.clear();
        record.energy.clear();
    }
    let output = render(&run, &records, Format::Table, &NARROW).unwrap();
    let lines: Vec<&str> = output.lines().filter(|line| line.contains("energy")).collect();
    assert_eq!(lines, ["energy     not measured"]);
}

#[test]
fn csv_has_a_line_for_each_scope() {
    let output = show(&chat()[..1], Format::Csv);
    let shown: Vec<&str> =
        output.lines().filter(|line| line.starts_with("run,") || line.contains(",energy_per_output_token,")).collect();
    insta::assert_snapshot!(shown.join("\n"), @"");
}

#[test]
fn json_has_figures_metrics_and_checks() {
    let report: serde_json::Value = serde_json::from_str(&show(&chat(), Format::Json)).unwrap();
    let case = &report["cases"][0];
    let metric = case["metrics"].as_array().unwrap().iter().find(|part| part["metric"] == "energy_per_request");
    insta::assert_snapshot!(serde_json::to_string_pretty(metric.unwrap()).unwrap(), @"");
    assert_eq!(case["energy"][1]["scope"], "dram");
    assert_eq!(case["battery"]["joules"], 50_000.0);
    assert!(case["checks"].is_array());
    assert_eq!(report["run"]["energy"]["meters"][0]["id"], "powercap:package-0");
    assert_eq!(report["cases"][2]["energy"][0]["phases"][0]["gross"]["unavailable"]["reason"], "vanished");
}
