mod examples;
mod llama_bench;

use pocketwatt_record::Run;
use serde_json::Value;

use self::examples::{NO_DAMAGE, exported, hostile, json, short, small};
use super::{ExportFormat, export};
use crate::{
    fixture::{self, energy},
    output::text_of,
};

#[test]
fn github_action_benchmark_has_a_file_for_each_direction() {
    insta::assert_snapshot!(exported(&small(), ExportFormat::GithubActionBenchmarkBigger), @r##"
    [
      {"name":"xeon-2/chat-onnxruntime/decode","unit":"tokens/s","value":29.169751795562014,"range":"± 0.0339","extra":"engine: ONNX Runtime 1.32.0\nmedian of 5, range: 95 % interval\nsum of (output tokens - 1) over its turns / sum of (last token time - first token time)"}
    ]
    "##);
    insta::assert_snapshot!(exported(&small(), ExportFormat::GithubActionBenchmarkSmaller), @r##"
    [
      {"name":"xeon-2/chat-onnxruntime/time to first token","unit":"ns","value":179638989.0,"range":"± 3629752","extra":"engine: ONNX Runtime 1.32.0\nmedian of 15, range: 95 % interval\ntoken_times[0] - start; tokenisation is outside: the runner receives tokens"},
      {"name":"xeon-2/chat-onnxruntime/peak memory","unit":"bytes","value":547356672.0,"extra":"engine: ONNX Runtime 1.32.0\nmedian of 1, no interval\nVmHWM of the runner: anonymous, file-backed and shared pages that were resident at once; with HugetlbPages, which VmHWM leaves out"},
      {"name":"xeon-2/chat-onnxruntime/energy per output token (package powercap)","unit":"J","value":0.4489812670994481,"range":"± 0.00539","extra":"engine: ONNX Runtime 1.32.0\nmedian of 1, range: 95 % interval\nenergy of the windows from first to last token time / sum of (output tokens - 1)"},
      {"name":"xeon-2/chat-onnxruntime/energy per output token (DRAM powercap)","unit":"J","value":0.11652948917084911,"range":"± 0.00408","extra":"engine: ONNX Runtime 1.32.0\nmedian of 1, range: 95 % interval\nenergy of the windows from first to last token time / sum of (output tokens - 1)"}
    ]
    "##);
}

#[test]
fn bencher_has_our_intervals() {
    insta::assert_snapshot!(exported(&small(), ExportFormat::Bencher), @r##"
    {
      "xeon-2/chat-onnxruntime": {"decode-throughput":{"value":29.169751795562014,"lower_value":29.1358142247477,"upper_value":29.203689366376327},"peak-resident-memory":{"value":547356672.0},"time-to-first-token":{"value":179638989.0,"lower_value":176009236.73062396,"upper_value":183268741.26937604}},
      "xeon-2/chat-onnxruntime/DRAM powercap": {"energy-per-output-token":{"value":0.11652948917084911,"lower_value":0.11245095704986939,"upper_value":0.12060802129182883}},
      "xeon-2/chat-onnxruntime/package powercap": {"energy-per-output-token":{"value":0.4489812670994481,"lower_value":0.4435934918942547,"upper_value":0.4543690423046415}}
    }
    "##);
}

#[test]
fn openmetrics_has_base_units() {
    insta::assert_snapshot!(exported(&small(), ExportFormat::Openmetrics), @r##"
    # TYPE pocketwatt_time_to_first_token_seconds gauge
    # UNIT pocketwatt_time_to_first_token_seconds seconds
    # HELP pocketwatt_time_to_first_token_seconds time to first token: token_times[0] - start; tokenisation is outside: the runner receives tokens
    pocketwatt_time_to_first_token_seconds{device="xeon-2",scenario="chat",model="mobilellm-125m",backend="onnxruntime",precision="f32",threads="1",graph="onnxruntime",case="chat-onnxruntime"} 0.179638989
    # TYPE pocketwatt_time_to_first_token_lower_seconds gauge
    # UNIT pocketwatt_time_to_first_token_lower_seconds seconds
    # HELP pocketwatt_time_to_first_token_lower_seconds time to first token: token_times[0] - start; tokenisation is outside: the runner receives tokens; lower end of the 95 % interval
    pocketwatt_time_to_first_token_lower_seconds{device="xeon-2",scenario="chat",model="mobilellm-125m",backend="onnxruntime",precision="f32",threads="1",graph="onnxruntime",case="chat-onnxruntime"} 0.17600923673062396
    # TYPE pocketwatt_time_to_first_token_upper_seconds gauge
    # UNIT pocketwatt_time_to_first_token_upper_seconds seconds
    # HELP pocketwatt_time_to_first_token_upper_seconds time to first token: token_times[0] - start; tokenisation is outside: the runner receives tokens; upper end of the 95 % interval
    pocketwatt_time_to_first_token_upper_seconds{device="xeon-2",scenario="chat",model="mobilellm-125m",backend="onnxruntime",precision="f32",threads="1",graph="onnxruntime",case="chat-onnxruntime"} 0.18326874126937603
    # TYPE pocketwatt_decode_throughput_tokens_per_second gauge
    # UNIT pocketwatt_decode_throughput_tokens_per_second tokens_per_second
    # HELP pocketwatt_decode_throughput_tokens_per_second decode: sum of (output tokens - 1) over its turns / sum of (last token time - first token time)
    pocketwatt_decode_throughput_tokens_per_second{device="xeon-2",scenario="chat",model="mobilellm-125m",backend="onnxruntime",precision="f32",threads="1",graph="onnxruntime",case="chat-onnxruntime"} 29.169751795562014
    # TYPE pocketwatt_decode_throughput_lower_tokens_per_second gauge
    # UNIT pocketwatt_decode_throughput_lower_tokens_per_second tokens_per_second
    # HELP pocketwatt_decode_throughput_lower_tokens_per_second decode: sum of (output tokens - 1) over its turns / sum of (last token time - first token time); lower end of the 95 % interval
    pocketwatt_decode_throughput_lower_tokens_per_second{device="xeon-2",scenario="chat",model="mobilellm-125m",backend="onnxruntime",precision="f32",threads="1",graph="onnxruntime",case="chat-onnxruntime"} 29.1358142247477
    # TYPE pocketwatt_decode_throughput_upper_tokens_per_second gauge
    # UNIT pocketwatt_decode_throughput_upper_tokens_per_second tokens_per_second
    # HELP pocketwatt_decode_throughput_upper_tokens_per_second decode: sum of (output tokens - 1) over its turns / sum of (last token time - first token time); upper end of the 95 % interval
    pocketwatt_decode_throughput_upper_tokens_per_second{device="xeon-2",scenario="chat",model="mobilellm-125m",backend="onnxruntime",precision="f32",threads="1",graph="onnxruntime",case="chat-onnxruntime"} 29.203689366376327
    # TYPE pocketwatt_peak_resident_memory_bytes gauge
    # UNIT pocketwatt_peak_resident_memory_bytes bytes
    # HELP pocketwatt_peak_resident_memory_bytes peak memory: VmHWM of the runner: anonymous, file-backed and shared pages that were resident at once; with HugetlbPages, which VmHWM leaves out
    pocketwatt_peak_resident_memory_bytes{device="xeon-2",scenario="chat",model="mobilellm-125m",backend="onnxruntime",precision="f32",threads="1",graph="onnxruntime",case="chat-onnxruntime"} 547356672
    # TYPE pocketwatt_energy_per_output_token_joules gauge
    # UNIT pocketwatt_energy_per_output_token_joules joules
    # HELP pocketwatt_energy_per_output_token_joules energy per output token: energy of the windows from first to last token time / sum of (output tokens - 1)
    pocketwatt_energy_per_output_token_joules{device="xeon-2",scenario="chat",model="mobilellm-125m",backend="onnxruntime",precision="f32",threads="1",graph="onnxruntime",case="chat-onnxruntime",scope="package",source="powercap"} 0.4489812670994481
    pocketwatt_energy_per_output_token_joules{device="xeon-2",scenario="chat",model="mobilellm-125m",backend="onnxruntime",precision="f32",threads="1",graph="onnxruntime",case="chat-onnxruntime",scope="DRAM",source="powercap"} 0.11652948917084911
    # TYPE pocketwatt_energy_per_output_token_lower_joules gauge
    # UNIT pocketwatt_energy_per_output_token_lower_joules joules
    # HELP pocketwatt_energy_per_output_token_lower_joules energy per output token: energy of the windows from first to last token time / sum of (output tokens - 1); lower end of the 95 % interval
    pocketwatt_energy_per_output_token_lower_joules{device="xeon-2",scenario="chat",model="mobilellm-125m",backend="onnxruntime",precision="f32",threads="1",graph="onnxruntime",case="chat-onnxruntime",scope="package",source="powercap"} 0.4435934918942547
    pocketwatt_energy_per_output_token_lower_joules{device="xeon-2",scenario="chat",model="mobilellm-125m",backend="onnxruntime",precision="f32",threads="1",graph="onnxruntime",case="chat-onnxruntime",scope="DRAM",source="powercap"} 0.11245095704986939
    # TYPE pocketwatt_energy_per_output_token_upper_joules gauge
    # UNIT pocketwatt_energy_per_output_token_upper_joules joules
    # HELP pocketwatt_energy_per_output_token_upper_joules energy per output token: energy of the windows from first to last token time / sum of (output tokens - 1); upper end of the 95 % interval
    pocketwatt_energy_per_output_token_upper_joules{device="xeon-2",scenario="chat",model="mobilellm-125m",backend="onnxruntime",precision="f32",threads="1",graph="onnxruntime",case="chat-onnxruntime",scope="package",source="powercap"} 0.4543690423046415
    pocketwatt_energy_per_output_token_upper_joules{device="xeon-2",scenario="chat",model="mobilellm-125m",backend="onnxruntime",precision="f32",threads="1",graph="onnxruntime",case="chat-onnxruntime",scope="DRAM",source="powercap"} 0.12060802129182883
    # EOF
    "##);
}

/// As in the specification: metadata before the samples, names that end with the unit, and every label set once.
#[test]
fn openmetrics_keeps_its_grammar_whatever_names_there_are() {
    for results in [hostile(), (fixture::run(&fixture::records()), fixture::records()), energy::metered()] {
        let text = exported(&results, ExportFormat::Openmetrics);
        assert!(text.ends_with("\n# EOF\n") && text.matches("# EOF").count() == 1);
        let (mut family, mut seen) = (String::new(), std::collections::HashSet::new());
        for line in text.lines() {
            if let Some(named) = line.strip_prefix("# TYPE ") {
                family = named.strip_suffix(" gauge").unwrap().to_owned();
                assert!(seen.insert(family.clone()), "{family} is there twice");
            } else if let Some(named) = line.strip_prefix("# UNIT ") {
                let (name, unit) = named.split_once(' ').unwrap();
                assert!(name == family && name.ends_with(&format!("_{unit}")), "{line}");
            } else if let Some(named) = line.strip_prefix("# HELP ") {
                assert_eq!(named.split(' ').next(), Some(&family[..]));
            } else if line != "# EOF" {
                let (sample, number) = line.rsplit_once(' ').unwrap();
                assert!(number.parse::<f64>().is_ok_and(f64::is_finite), "{line}");
                let labels = sample.strip_prefix(&family[..]).and_then(|rest| rest.strip_prefix('{')).unwrap();
                assert!(labels.starts_with("device=\"") && labels.ends_with("\"}"), "{line}");
                assert!(seen.insert(sample.to_owned()), "{sample} is there twice");
                // Every quotation mark that is not escaped begins or ends a value.
                let marks = labels.replace("\\\\", "").replace("\\\"", "").matches('"').count();
                assert!(marks.is_multiple_of(2) && marks / 2 == labels.matches("=\"").count(), "{line}");
            }
        }
    }
}

/// The published schema: <https://bencher.dev/bmf.json>.
#[test]
fn bencher_keeps_its_schema() {
    for results in [hostile(), energy::metered(), (fixture::run(&[]), Vec::new())] {
        let document = json(&exported(&results, ExportFormat::Bencher));
        for (benchmark, measures) in document.as_object().unwrap() {
            assert!((1..=1024).contains(&benchmark.chars().count()), "{benchmark}");
            for (measure, value) in measures.as_object().unwrap() {
                assert!((1..=64).contains(&measure.len()) && !measure.contains('_'), "{measure}");
                assert!(value["value"].is_number(), "{value}");
                let known = ["value", "lower_value", "upper_value"];
                assert!(
                    value
                        .as_object()
                        .unwrap()
                        .iter()
                        .all(|(key, value)| known.contains(&&key[..]) && value.is_number())
                );
            }
        }
    }
}

/// It draws all values of one name as one course, and a name of two numbers would mix them.
#[test]
fn no_two_numbers_have_one_name() {
    let everything = (fixture::run(&fixture::records()), fixture::records());
    for (name, (run, records)) in [("energy", energy::metered()), ("all", everything), ("hostile", hostile())] {
        let later = Run { id: "20261124-080000".into(), ..run.clone() };
        let results = (&records[..], NO_DAMAGE);
        for runs in [&[(&run, &results as _)][..], &[(&run, &results as _), (&later, &results as _)]] {
            let mut names = Vec::new();
            for format in [ExportFormat::GithubActionBenchmarkBigger, ExportFormat::GithubActionBenchmarkSmaller] {
                let document = json(&text_of(|output| export(runs, format, output)).unwrap());
                names.extend(document.as_array().unwrap().iter().map(|entry| entry["name"].to_string()));
            }
            let known: std::collections::HashSet<&String> = names.iter().collect();
            assert!(!names.is_empty() && known.len() == names.len(), "{name}: {names:#?}");
        }
    }
}

/// `BenchmarkResult` in its `src/extract.ts`.
#[test]
fn github_action_benchmark_gets_harmless_texts() {
    for format in [ExportFormat::GithubActionBenchmarkBigger, ExportFormat::GithubActionBenchmarkSmaller] {
        for results in [hostile(), energy::metered(), (fixture::run(&[]), Vec::new())] {
            for entry in json(&exported(&results, format)).as_array().unwrap() {
                assert!(entry["value"].is_number() && entry["unit"].as_str().is_some_and(|unit| !unit.is_empty()));
                assert!(entry.get("range").is_none_or(Value::is_string));
                let (name, extra) = (entry["name"].as_str().unwrap(), entry["extra"].as_str().unwrap());
                assert!(!name.contains(['<', '>', '|', '`', '\n', '\u{1b}', '\u{202e}']), "{name}");
                assert!(!extra.contains(['<', '>', '|', '`', '\u{1b}', '\u{202e}']), "{extra}");
            }
        }
    }
}

/// Names that differ anywhere stay two.
#[test]
fn a_benchmark_whose_name_is_cut_is_still_known() {
    let long = |device: &str, case: &str| {
        let (mut run, mut records) = small();
        run.device.name = device.into();
        records[0].case.id = format!("{case}{}", "x".repeat(2000));
        json(&exported(&(run, records), ExportFormat::Bencher)).as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    let (one, other, third) = (long("one", "a"), long("other", "a"), long("one", "b"));
    assert!(one.iter().all(|name| name.chars().count() == 1024), "{one:?}");
    assert_eq!(one, long("one", "a"));
    assert!(one.iter().all(|name| !other.contains(name) && !third.contains(name)));
}

#[test]
fn what_was_not_measured_is_left_out() {
    let troubled = fixture::troubled();
    let failed = troubled.iter().find(|record| record.metrics.is_empty()).unwrap().case.id.clone();
    let results = (fixture::run(&troubled), troubled);
    let with_reasons = [ExportFormat::Csv, ExportFormat::Parquet];
    let formats = <ExportFormat as clap::ValueEnum>::value_variants().iter();
    for format in formats.filter(|format| !with_reasons.contains(format)) {
        let text = exported(&results, *format);
        assert!(!text.contains(&failed), "{text}");
        assert!(!text.contains("null"), "{text}");
    }
}

#[test]
fn several_runs_are_told_apart() {
    let (run, records) = small();
    let later = Run { id: "20261124-080000".into(), ..run.clone() };
    let results = (&records[..], NO_DAMAGE);
    let both =
        text_of(|output| export(&[(&run, &results), (&later, &results)], ExportFormat::Bencher, output)).unwrap();
    assert!(both.contains(&format!("xeon-2/{}/", run.id)) && both.contains("xeon-2/20261124-080000/"), "{both}");
    assert!(!exported(&(run.clone(), records), ExportFormat::Bencher).contains(&run.id));
}

#[test]
fn a_trace_has_phases_tokens_and_power() {
    let (run, mut records) = short();
    records[0].samples.iterations.truncate(2);
    insta::assert_snapshot!(exported(&(run, records), ExportFormat::Trace), @r##"
    {"displayTimeUnit": "ms", "traceEvents": [
      {"name":"process_name","cat":"__metadata","ph":"M","ts":0.0,"pid":1,"tid":1,"args":{"name":"xeon-2/api-call-onnxruntime"}},
      {"name":"thread_name","cat":"__metadata","ph":"M","ts":0.0,"pid":1,"tid":1,"args":{"name":"phases"}},
      {"name":"load","cat":"phase","ph":"X","ts":1000000.0,"dur":389000.0,"pid":1,"tid":1},
      {"name":"warm-up","cat":"phase","ph":"X","ts":1389000.0,"dur":1341879.27,"pid":1,"tid":1,"args":{"conversation":0}},
      {"name":"prefill","cat":"phase","ph":"X","ts":1389000.0,"dur":1254396.862,"pid":1,"tid":1,"args":{"context tokens":0,"prompt tokens":412}},
      {"name":"decode","cat":"phase","ph":"X","ts":2643446.862,"dur":87432.408,"pid":1,"tid":1,"args":{"tokens":2}},
      {"name":"token","cat":"token","ph":"i","ts":2643446.862,"pid":1,"tid":1,"s":"t"},
      {"name":"token","cat":"token","ph":"i","ts":2687410.204,"pid":1,"tid":1,"s":"t"},
      {"name":"token","cat":"token","ph":"i","ts":2730879.27,"pid":1,"tid":1,"s":"t"},
      {"name":"iteration","cat":"phase","ph":"X","ts":4715171.29,"dur":1355880.945,"pid":1,"tid":1,"args":{"conversation":0}},
      {"name":"prefill","cat":"phase","ph":"X","ts":4715171.29,"dur":1283326.839,"pid":1,"tid":1,"args":{"context tokens":0,"prompt tokens":412}},
      {"name":"decode","cat":"phase","ph":"X","ts":5998548.129,"dur":72504.106,"pid":1,"tid":1,"args":{"tokens":2}},
      {"name":"token","cat":"token","ph":"i","ts":5998548.129,"pid":1,"tid":1,"s":"t"},
      {"name":"token","cat":"token","ph":"i","ts":6034374.856,"pid":1,"tid":1,"s":"t"},
      {"name":"token","cat":"token","ph":"i","ts":6071052.235,"pid":1,"tid":1,"s":"t"}
    ]}
    "##);
}

/// What the published description of the format demands of each kind of event; and phases of a row lie within each other, or beside.
#[test]
fn a_trace_keeps_its_format() {
    for results in [hostile(), energy::metered(), (fixture::run(&[]), Vec::new())] {
        let document = json(&exported(&results, ExportFormat::Trace));
        let mut open: Vec<(u64, f64)> = Vec::new();
        for event in document["traceEvents"].as_array().unwrap() {
            assert!(
                event["name"].is_string() && event["ts"].is_number() && event["pid"].is_u64() && event["tid"].is_u64()
            );
            match event["ph"].as_str().unwrap() {
                "X" => {
                    let (start, length) = (event["ts"].as_f64().unwrap(), event["dur"].as_f64().unwrap());
                    let pid = event["pid"].as_u64().unwrap();
                    open.retain(|&(other, end)| other == pid && end > start + 1e-3);
                    assert!(open.iter().all(|&(_, end)| start + length <= end + 1e-3), "{event}");
                    open.push((pid, start + length));
                }
                "i" => assert_eq!(event["s"], "t"),
                "C" => assert!(event["args"]["watts"].is_number()),
                "M" => assert!(event["args"]["name"].is_string()),
                other => panic!("{other}"),
            }
        }
    }
}
