use pocketwatt_meter::energy::{MeterSource, Reason, Scope, Unavailable};
use pocketwatt_record::{
    Absent, AnswerWorth, CallAnswer, CheckVerdict, Energy, EnergyPlan, MetricScope, PhysicsCheck, Record, SpeedMetric,
    Value,
};

use super::{NARROW, first_table, render};
use crate::{Format, Style, fixture};

fn show(records: &[Record], format: Format) -> String {
    let (run, _) = fixture::energy::metered();
    render(&run, records, format, &NARROW).unwrap()
}

fn chat() -> Vec<Record> {
    fixture::energy::metered().1.into_iter().take(3).collect()
}

/// The rows of energy and the text below them.
fn energy_part(output: &str) -> String {
    let lines = output.lines().skip_while(|line| !line.starts_with("energy"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn joules_stand_under_the_name_of_their_scope_with_their_interval() {
    insta::assert_snapshot!(show(&chat(), Format::Table), @r"
    chat · mobilellm-125m (seeded weights) · f32 · 1 thread
                                   onnxruntime          tract        candle
    ───────────────────────────────────────────────────────────────────────
    time to first token, ms        180 ±4         297 ±4        153 ±1
    prefill, tokens/s              320 ±4         192 ±2        372 ±3
    decode, tokens/s              29.2 ±0.03     23.9 ±0.04    29.0 ±0.04
    inter-token latency, ms       34.2 ±0.1      41.8 ±0.1     34.4 ±0.1
      90th percentile, ms         36.0 ±0.04     43.5 ±0.1     36.1 ±0.1
      99th percentile, ms         36.5 ±0.03     44.1 ±0.1     36.6 ±0.1
    token, undisturbed, ms        32.8 ±0.1      40.2 ±0.1     32.9 ±0.1
    request latency, ms           2375 ±5        3015 ±5       2348 ±5
    load time, ms                  389           1420           252
      of which reading, ms           - [1]        310           231
      of which preparing, ms         - [1]       1110            21
    first token after load, ms     300            495           263
    peak memory, MiB               522            585           527
      of which own, MiB            498            561           503
    key-value cache, MiB          16.9           16.9          16.9
    of memory bandwidth, %        81.2 ±0.1      66.7 ±0.1     80.8 ±0.1
    same tokens as onnxruntime       reference      yes (192)     yes (192)
    energy of the package (powercap):
    energy per prefill token, mJ  54.1 ±0.6      79.2 ±1.0        - [2]
      less idle, mJ               48.1 ±0.6      69.1 ±0.8        - [2]
    energy per output token, mJ    449 ±5         526 ±6          - [2]
      less idle, mJ                384 ±5         445 ±5          - [2]
    energy per request, J         31.8 ±0.4      38.3 ±0.5        - [2]
      less idle, J                27.3 ±0.3      32.5 ±0.4        - [2]
    energy of loading, J          5.10 ±0.06    17.89 ±0.21       - [2]
    power while prefilling, W     17.4 ±0.2      15.2 ±0.2        - [2]
    power while decoding, W       13.1 ±0.2      12.6 ±0.2        - [2]
    power when idle, W            1.91 ±0.02     1.94 ±0.02       - [2]
    energy-delay product, J s     75.0 ±0.9     113.7 ±1.4        - [2]
    generated, tokens/Wh          7249 ±87       6018 ±72         - [2]
    energy of the DRAM (powercap):
    energy per output token, mJ    117 ±4         121 ±4        114 ±4
    energy per request, J         7.72 ±0.27     8.21 ±0.29    7.52 ±0.26
    ───────────────────────────────────────────────────────────────────────
    [1] the engine loads in one call
    [2] meter vanished: powercap:package-0 is not there any more; measure again
    battery: 50 kJ (--battery), idle power as measured, screen 0 W as stated; energy
             of the package (powercap) alone, so that a real charge lasts less
             onnxruntime: a chat turn takes 0.0636 % ±0.0008 of the charge; 1.031 h
             ±0.012 of chat per charge, back to back; 7249 tokens/Wh ±87; idle 1.91
             W ±0.02
             tract: a chat turn takes 0.0766 % ±0.0009 of the charge; 1.077 h ±0.013
             of chat per charge, back to back; 6018 tokens/Wh ±72; idle 1.94 W ±0.02

    Medians over all iterations; ± is half of the 95 % interval, from 3 blocks or
    rounds on. Energy and power are means over all counted iterations together. *
    marks the best: it is better than each other by more than 1 %, and a table
    without a true difference has such a mark once in a hundred at most. It needs
    backends that took turns.

    device     Intel(R) Xeon(R) Processor @ 2.60GHz, 2 logical cores, 7.8 GiB,
               Debian GNU/Linux 13, kernel 6.12.8, x86_64
    bandwidth  18.2 GB/s with 1 thread (median pass 17.6)
    engine     onnxruntime: ONNX Runtime 1.32.0, graph onnxruntime, on cpu
    engine     tract: tract 0.23.9, graph opset17, on cpu
    engine     candle: candle 0.11.1, own model, on cpu
    weights    mobilellm-125m: 124.6 M weights, f32, 475 MiB, sha256 0123456789ab,
               seeded weights (seed 42)
    run        20261123-124233-main, 2026-11-23 12:42 UTC, 1 warm-up and 5 counted
               iterations, 3 of 6 cases not reached, pocketwatt 0.1.0
    meter      powercap:package-0: package, steps of 61 µJ, updated every 998 µs
               (observed), scale error unknown and not in ±, 1236 readings
    meter      powercap:dram: DRAM, steps of 61 µJ, updated every 998 µs (observed),
               scale error unknown and not in ±, 1236 readings
    not read   perf:energy-pkg (same as another meter); powercap:psys (not
               permitted); hwmon, nvml (no meter). powercap:psys: sudo chmod -R a+r
               /sys/class/powercap/intel-rapl:1/ lets every user read it.
               `pocketwatt doctor` says more
    energy     5 s of idling before and after each case, ±5 % asked for, so counted
               iterations last 20 s at least
    sampler    300 rounds of reading took 0.04 % of a core
    observer   decode changes by -0.10 % [-0.30, +0.10] with the sampler on, 20
               pairs (candle, mobilellm-125m, 1 thread, 2026-11-23 10:33 UTC)
    ");
}

#[test]
fn markdown_says_the_same() {
    insta::assert_snapshot!(show(&chat(), Format::Markdown), @r"
    ### chat · mobilellm-125m (seeded weights) · f32 · 1 thread

    | | onnxruntime | tract | candle |
    |---|---:|---:|---:|
    | time to first token, ms | 180 ±4 | 297 ±4 | 153 ±1 |
    | prefill, tokens/s | 320 ±4 | 192 ±2 | 372 ±3 |
    | decode, tokens/s | 29.2 ±0.03 | 23.9 ±0.04 | 29.0 ±0.04 |
    | inter-token latency, ms | 34.2 ±0.1 | 41.8 ±0.1 | 34.4 ±0.1 |
    | &nbsp;&nbsp;90th percentile, ms | 36.0 ±0.04 | 43.5 ±0.1 | 36.1 ±0.1 |
    | &nbsp;&nbsp;99th percentile, ms | 36.5 ±0.03 | 44.1 ±0.1 | 36.6 ±0.1 |
    | token, undisturbed, ms | 32.8 ±0.1 | 40.2 ±0.1 | 32.9 ±0.1 |
    | request latency, ms | 2375 ±5 | 3015 ±5 | 2348 ±5 |
    | load time, ms | 389 | 1420 | 252 |
    | &nbsp;&nbsp;of which reading, ms | - \[1\] | 310 | 231 |
    | &nbsp;&nbsp;of which preparing, ms | - \[1\] | 1110 | 21 |
    | first token after load, ms | 300 | 495 | 263 |
    | peak memory, MiB | 522 | 585 | 527 |
    | &nbsp;&nbsp;of which own, MiB | 498 | 561 | 503 |
    | key-value cache, MiB | 16.9 | 16.9 | 16.9 |
    | of memory bandwidth, % | 81.2 ±0.1 | 66.7 ±0.1 | 80.8 ±0.1 |
    | same tokens as onnxruntime | reference | yes (192) | yes (192) |
    | **energy of the package (powercap):** |  |  |  |
    | energy per prefill token, mJ | 54.1 ±0.6 | 79.2 ±1.0 | - \[2\] |
    | &nbsp;&nbsp;less idle, mJ | 48.1 ±0.6 | 69.1 ±0.8 | - \[2\] |
    | energy per output token, mJ | 449 ±5 | 526 ±6 | - \[2\] |
    | &nbsp;&nbsp;less idle, mJ | 384 ±5 | 445 ±5 | - \[2\] |
    | energy per request, J | 31.8 ±0.4 | 38.3 ±0.5 | - \[2\] |
    | &nbsp;&nbsp;less idle, J | 27.3 ±0.3 | 32.5 ±0.4 | - \[2\] |
    | energy of loading, J | 5.10 ±0.06 | 17.89 ±0.21 | - \[2\] |
    | power while prefilling, W | 17.4 ±0.2 | 15.2 ±0.2 | - \[2\] |
    | power while decoding, W | 13.1 ±0.2 | 12.6 ±0.2 | - \[2\] |
    | power when idle, W | 1.91 ±0.02 | 1.94 ±0.02 | - \[2\] |
    | energy-delay product, J s | 75.0 ±0.9 | 113.7 ±1.4 | - \[2\] |
    | generated, tokens/Wh | 7249 ±87 | 6018 ±72 | - \[2\] |
    | **energy of the DRAM (powercap):** |  |  |  |
    | energy per output token, mJ | 117 ±4 | 121 ±4 | 114 ±4 |
    | energy per request, J | 7.72 ±0.27 | 8.21 ±0.29 | 7.52 ±0.26 |

    - \[1\] the engine loads in one call
    - \[2\] meter vanished: powercap:package-0 is not there any more; measure again
    - battery: 50 kJ (--battery), idle power as measured, screen 0 W as stated; energy of the package (powercap) alone, so that a real charge lasts less
    - battery: onnxruntime: a chat turn takes 0.0636 % ±0.0008 of the charge; 1.031 h ±0.012 of chat per charge, back to back; 7249 tokens/Wh ±87; idle 1.91 W ±0.02
    - battery: tract: a chat turn takes 0.0766 % ±0.0009 of the charge; 1.077 h ±0.013 of chat per charge, back to back; 6018 tokens/Wh ±72; idle 1.94 W ±0.02

    Medians over all iterations; ± is half of the 95 % interval, from 3 blocks or rounds on. Energy and power are means over all counted iterations together. \* marks the best: it is better than each other by more than 1 %, and a table without a true difference has such a mark once in a hundred at most. It needs backends that took turns.

    | | |
    |---|---|
    | device | Intel(R) Xeon(R) Processor @ 2.60GHz, 2 logical cores, 7.8 GiB, Debian GNU/Linux 13, kernel 6.12.8, x86_64 |
    | bandwidth | 18.2 GB/s with 1 thread (median pass 17.6) |
    | engine | onnxruntime: ONNX Runtime 1.32.0, graph onnxruntime, on cpu |
    | engine | tract: tract 0.23.9, graph opset17, on cpu |
    | engine | candle: candle 0.11.1, own model, on cpu |
    | weights | mobilellm-125m: 124.6 M weights, f32, 475 MiB, sha256 0123456789ab, seeded weights (seed 42) |
    | run | 20261123-124233-main, 2026-11-23 12:42 UTC, 1 warm-up and 5 counted iterations, 3 of 6 cases not reached, pocketwatt 0.1.0 |
    | meter | powercap:package-0: package, steps of 61 µJ, updated every 998 µs (observed), scale error unknown and not in ±, 1236 readings |
    | meter | powercap:dram: DRAM, steps of 61 µJ, updated every 998 µs (observed), scale error unknown and not in ±, 1236 readings |
    | not read | perf:energy-pkg (same as another meter); powercap:psys (not permitted); hwmon, nvml (no meter). powercap:psys: sudo chmod -R a+r /sys/class/powercap/intel-rapl:1/ lets every user read it. \`pocketwatt doctor\` says more |
    | energy | 5 s of idling before and after each case, ±5 % asked for, so counted iterations last 20 s at least |
    | sampler | 300 rounds of reading took 0.04 % of a core |
    | observer | decode changes by -0.10 % \[-0.30, +0.10\] with the sampler on, 20 pairs (candle, mobilellm-125m, 1 thread, 2026-11-23 10:33 UTC) |
    ");
}

#[test]
fn an_api_call_has_a_price() {
    let mut records = fixture::energy::metered().1.split_off(3);
    for record in &mut records {
        let worth = AnswerWorth::Call { intent: true, structure: true, bfcl: None, complete_token: None };
        let (question, category) = ("alarm".into(), String::new());
        record.calls = vec![CallAnswer { iteration: 0, turn: 0, question, category, worth }];
    }
    let output = show(&records, Format::Table);
    let battery = output.lines().skip_while(|line| !line.starts_with("battery:")).take_while(|line| !line.is_empty());
    insta::assert_snapshot!(battery.collect::<Vec<_>>().join("\n"), @r#"
    battery: 50 kJ (--battery), idle power as measured, screen 0 W as stated; energy
             of the package (powercap) alone, so that a real charge lasts less
             onnxruntime: an API call takes 44.8 J ±0.5, 0.0897 % ±0.0011 of the
             charge; 0.930 h ±0.011 of API calls per charge, back to back; 3853
             tokens/Wh ±46; idle 1.91 W ±0.02
             tract: an API call takes 59.1 J ±0.7, 0.1181 % ±0.0014 of the charge;
             0.997 h ±0.012 of API calls per charge, back to back; 2926 tokens/Wh
             ±35; idle 1.94 W ±0.02
    "#);
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
        value.value = Value::Absent(Reason::ChargerConnected.into());
        value.uncertainty = None;
    }
    insta::assert_snapshot!(energy_part(&first_table(&show(&records, Format::Table))), @r#"
    energy of the package (powercap)     - [2]         - [2]         - [2]
    ──────────────────────────────────────────────────────────────────────────
    [1] the engine loads in one call
    [2] charger connected
    "#);
}

#[test]
fn a_slow_meter_shows_what_it_can() {
    let mut records = chat();
    for record in &mut records {
        record.metrics.retain(|value| value.scope.as_ref().is_none_or(|scope| scope.scope == Scope::Package));
        for value in &mut record.metrics {
            if value.metric.as_str().contains("_token") && value.scope.is_some()
                || value.metric.as_str().starts_with("net_")
            {
                value.value = Value::Absent(Reason::BelowResolution.into());
                value.uncertainty = None;
            }
        }
        for phase in &mut record.energy[0].phases {
            let hint = format!("the meter is updated every 1.0 s and cannot tell {:?} from the rest", phase.phase);
            phase.net = Energy::Unavailable(Unavailable::new(Reason::BelowResolution, hint));
            phase.gross = phase.net.clone();
        }
    }
    insta::assert_snapshot!(energy_part(&first_table(&show(&records, Format::Table))), @r"
    energy of the package (powercap):
    energy per prefill token       - [2]          - [2]         - [2]
    energy per output token        - [3]          - [3]         - [3]
    energy per request, J       31.8 ±0.4      38.3 ±0.5        - [4]
    energy of loading, J        5.10 ±0.06    17.89 ±0.21       - [4]
    power while prefilling, W   17.4 ±0.2      15.2 ±0.2        - [4]
    power while decoding, W     13.1 ±0.2      12.6 ±0.2        - [4]
    power when idle, W          1.91 ±0.02     1.94 ±0.02       - [5]
    energy-delay product, J s   75.0 ±0.9     113.7 ±1.4        - [4]
    generated, tokens/Wh        7249 ±87       6018 ±72         - [4]
    ─────────────────────────────────────────────────────────────────────
    [1] the engine loads in one call
    [2] below resolution; onnxruntime: the meter is updated every 1.0 s and cannot
        tell Prefill from the rest
    [3] below resolution; onnxruntime: the meter is updated every 1.0 s and cannot
        tell Decode from the rest
    [4] meter vanished
    [5] meter vanished: powercap:package-0 is not there any more; measure again
    battery: 50 kJ (--battery), idle power as measured, screen 0 W as stated; energy
             of the package (powercap) alone, so that a real charge lasts less
             onnxruntime: a chat turn takes 0.0636 % ±0.0008 of the charge; 1.031 h
             ±0.012 of chat per charge, back to back; 7249 tokens/Wh ±87; idle 1.91
             W ±0.02
             tract: a chat turn takes 0.0766 % ±0.0009 of the charge; 1.077 h ±0.013
             of chat per charge, back to back; 6018 tokens/Wh ±72; idle 1.94 W ±0.02
    ");
}

#[test]
fn what_cannot_be_true_is_withheld_with_its_numbers() {
    let mut records = chat();
    let detail = "requests 613.200 W, loading 12.000 W, not within 0 to 60 W";
    for value in &mut records[1].metrics {
        if value.scope.as_ref().is_some_and(|scope| scope.scope == Scope::Package) {
            value.value = Value::Absent(Absent::withheld("power bounds of package (powercap)", detail));
            value.uncertainty = None;
        }
    }
    records[1].checks = vec![PhysicsCheck {
        name: "power bounds of package (powercap)".into(),
        verdict: CheckVerdict::Failed,
        detail: detail.into(),
    }];
    insta::assert_snapshot!(energy_part(&first_table(&show(&records, Format::Table))), @r#"
    energy of the package (powercap):
    energy per prefill token, mJ  54.1 ±0.6     withheld [2]     - [3]
      less idle, mJ               48.1 ±0.6     withheld [2]     - [3]
    energy per output token, mJ    449 ±5       withheld [2]     - [3]
      less idle, mJ                384 ±5       withheld [2]     - [3]
    energy per request, J         31.8 ±0.4     withheld [2]     - [3]
      less idle, J                27.3 ±0.3     withheld [2]     - [3]
    energy of loading, J          5.10 ±0.06    withheld [2]     - [3]
    power while prefilling, W     17.4 ±0.2     withheld [2]     - [3]
    power while decoding, W       13.1 ±0.2     withheld [2]     - [3]
    power when idle, W            1.91 ±0.02    withheld [2]     - [3]
    energy-delay product, J s     75.0 ±0.9     withheld [2]     - [3]
    generated, tokens/Wh          7249 ±87      withheld [2]     - [3]
    energy of the DRAM (powercap):
    energy per output token, mJ    117 ±4        121 ±4        114 ±4
    energy per request, J         7.72 ±0.27    8.21 ±0.29    7.52 ±0.26
    ──────────────────────────────────────────────────────────────────────
    [1] the engine loads in one call
    [2] power bounds of package (powercap): requests 613.200 W, loading 12.000 W,
        not within 0 to 60 W
    [3] meter vanished: powercap:package-0 is not there any more; measure again
    note: tract: physics check failed: power bounds of package (powercap); the
          numbers are withheld
    battery: 50 kJ (--battery), idle power as measured, screen 0 W as stated; energy
             of the package (powercap) alone, so that a real charge lasts less
             onnxruntime: a chat turn takes 0.0636 % ±0.0008 of the charge; 1.031 h
             ±0.012 of chat per charge, back to back; 7249 tokens/Wh ±87; idle 1.91
             W ±0.02
    "#);
}

#[test]
fn speed_that_cannot_be_true_is_withheld_too() {
    let (run, mut records) = (fixture::run(&chat()), chat());
    let detail = "1000.0 tokens/s x 499 MB of weights = 498.5 GB/s, more than the 18.2 GB/s that the memory delivers";
    let decode = records[0].metrics.iter_mut().find(|value| value.is(SpeedMetric::DecodeThroughput)).unwrap();
    decode.value = Value::Absent(Absent::withheld("bandwidth", detail));
    records[0].checks =
        vec![PhysicsCheck { name: "bandwidth".into(), verdict: CheckVerdict::Failed, detail: detail.into() }];
    let output = render(&run, &records, Format::Table, &Style { color: true, width: None }).unwrap();
    let decode = output.lines().find(|line| line.starts_with("decode")).unwrap();
    assert!(decode.contains("\x1b[31mwithheld [1]\x1b[0m") && !decode.contains("1000"), "{decode}");
    assert!(output.contains("bandwidth: 1000.0 tokens/s"), "{output}");
    assert!(output.contains("onnxruntime: physics check failed: bandwidth; the numbers are withheld"), "{output}");
}

/// However far apart they are: what lies between them may be the device, which changed meanwhile.
#[test]
fn no_energy_is_the_best_without_turns() {
    let mut records = chat();
    for value in records[0].metrics.iter_mut() {
        value.uncertainty = value.uncertainty.map(|uncertainty| uncertainty / 1000.0);
    }
    let output = show(&records, Format::Table);
    let per_request = output.lines().find(|line| line.starts_with("energy per request")).unwrap();
    assert!(per_request.contains('±') && !per_request.contains('*'), "{per_request}");
}

#[test]
fn scopes_and_interfaces_are_never_mixed_in_a_row() {
    let mut records = chat();
    for value in &mut records[1].metrics {
        if let Some(scope) = &mut value.scope {
            scope.source = MeterSource::Hwmon;
        }
    }
    let output = show(&records[..2], Format::Table);
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
    assert!(rail.ends_with(",hwmon,power1,,,,,,20261123-124233-main"), "{rail}");
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
    insta::assert_snapshot!(shown.join("\n"), @r#"
    run,device,scenario,model,backend,precision,graph,threads,metric,unit,count,median,mean,minimum,p10,p90,p99,maximum,standard_deviation,outcome,reason,weights_sha256,engine_version,scope,uncertainty,source,part,beside,absent,cores,emulated,simulated,measured_in
    20261123-124233-main,xeon-2,chat,mobilellm-125m,onnxruntime,f32,onnxruntime,1,energy_per_output_token,joules,1,0.4489812670994481,0.4489812670994481,0.4489812670994481,0.4489812670994481,0.4489812670994481,0.4489812670994481,0.4489812670994481,,measured,,0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef,1.32.0,package,0.005387775205193377,powercap,,,,,,,20261123-124233-main
    20261123-124233-main,xeon-2,chat,mobilellm-125m,onnxruntime,f32,onnxruntime,1,energy_per_output_token,joules,1,0.11652948917084911,0.11652948917084911,0.11652948917084911,0.11652948917084911,0.11652948917084911,0.11652948917084911,0.11652948917084911,,measured,,0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef,1.32.0,dram,0.0040785321209797195,powercap,,,,,,,20261123-124233-main
    "#);
}

#[test]
fn json_has_figures_metrics_and_checks() {
    let report: serde_json::Value = serde_json::from_str(&show(&chat(), Format::Json)).unwrap();
    let case = &report["cases"][0];
    let metric = case["metrics"].as_array().unwrap().iter().find(|part| part["metric"] == "energy_per_request");
    insta::assert_snapshot!(serde_json::to_string_pretty(metric.unwrap()).unwrap(), @r#"
    {
      "metric": "energy_per_request",
      "unit": "joules",
      "direction": "lower-is-better",
      "scope": "package",
      "source": "powercap",
      "uncertainty": 0.38141016470448,
      "measured": {
        "count": 1,
        "minimum": 31.78418039204,
        "p10": 31.78418039204,
        "median": 31.78418039204,
        "p90": 31.78418039204,
        "p99": 31.78418039204,
        "maximum": 31.78418039204,
        "mean": 31.78418039204,
        "standard_deviation": null
      }
    }
    "#);
    assert_eq!(case["energy"][1]["scope"], "dram");
    assert_eq!(case["battery"]["joules"], 50_000.0);
    assert!(case["checks"].is_array());
    assert_eq!(report["run"]["energy"]["meters"][0]["id"], "powercap:package-0");
    assert_eq!(report["cases"][2]["energy"][0]["phases"][0]["gross"]["unavailable"]["reason"], "vanished");
}
