//! What llama.cpp's compare-llama-bench.py reads.

use pocketwatt_record::{Record, Run, SpeedMetric};

use super::examples::{NO_DAMAGE, exported, hostile, json, short};
use crate::{
    exports::{ExportFormat, Exported, export},
    fixture,
    output::text_of,
};

#[test]
fn llama_bench_has_a_test_for_each_kind_of_turn() {
    insta::assert_snapshot!(exported(&short(), ExportFormat::LlamaBenchJson), @r##"
    [
      {"build_commit":"71078c553fb6-20261123-124233-main","build_number":0,"cpu_info":"Intel(R) Xeon(R) Processor @ 2.60GHz","gpu_info":"","backends":"onnxruntime onnxruntime","model_filename":"mobilellm-125m","model_type":"mobilellm-125m f32","model_size":498541824,"model_n_params":124635456,"n_batch":0,"n_ubatch":0,"n_threads":1,"cpu_mask":"","cpu_strict":false,"poll":0,"type_k":"","type_v":"","n_gpu_layers":0,"n_cpu_moe":0,"split_mode":"","main_gpu":0,"no_kv_offload":false,"flash_attn":false,"devices":"","tensor_split":"","tensor_buft_overrides":"","use_mmap":false,"embeddings":false,"no_op_offload":0,"no_host":false,"n_prompt":412,"n_gen":0,"n_depth":0,"test_time":"2026-11-23T12:42:40Z","avg_ns":1276552976,"stddev_ns":9579690,"avg_ts":322.7532340244576,"stddev_ts":2.4220505288958254,"load_mode":"","fit_target":0,"fit_min_ctx":0,"samples_ns":[1283326839,1269779112],"samples_ts":[321.0405856710989,324.4658823778163]},
      {"build_commit":"71078c553fb6-20261123-124233-main","build_number":0,"cpu_info":"Intel(R) Xeon(R) Processor @ 2.60GHz","gpu_info":"","backends":"onnxruntime onnxruntime","model_filename":"mobilellm-125m","model_type":"mobilellm-125m f32","model_size":498541824,"model_n_params":124635456,"n_batch":0,"n_ubatch":0,"n_threads":1,"cpu_mask":"","cpu_strict":false,"poll":0,"type_k":"","type_v":"","n_gpu_layers":0,"n_cpu_moe":0,"split_mode":"","main_gpu":0,"no_kv_offload":false,"flash_attn":false,"devices":"","tensor_split":"","tensor_buft_overrides":"","use_mmap":false,"embeddings":false,"no_op_offload":0,"no_host":false,"n_prompt":0,"n_gen":2,"n_depth":412,"test_time":"2026-11-23T12:42:40Z","avg_ns":72846178,"stddev_ns":483763,"avg_ts":27.455717749314182,"stddev_ts":0.1823301778256359,"load_mode":"","fit_target":0,"fit_min_ctx":0,"samples_ns":[72504106,73188250],"samples_ts":[27.58464465446964,27.326790844158726]}
    ]
    "##);
    insta::assert_snapshot!(exported(&short(), ExportFormat::LlamaBenchSql), @r##"
    CREATE TABLE IF NOT EXISTS llama_bench (
      build_commit TEXT,
      build_number INTEGER,
      cpu_info TEXT,
      gpu_info TEXT,
      backends TEXT,
      model_filename TEXT,
      model_type TEXT,
      model_size INTEGER,
      model_n_params INTEGER,
      n_batch INTEGER,
      n_ubatch INTEGER,
      n_threads INTEGER,
      cpu_mask TEXT,
      cpu_strict INTEGER,
      poll INTEGER,
      type_k TEXT,
      type_v TEXT,
      n_gpu_layers INTEGER,
      n_cpu_moe INTEGER,
      split_mode TEXT,
      main_gpu INTEGER,
      no_kv_offload INTEGER,
      flash_attn INTEGER,
      devices TEXT,
      tensor_split TEXT,
      tensor_buft_overrides TEXT,
      use_mmap INTEGER,
      embeddings INTEGER,
      no_op_offload INTEGER,
      no_host INTEGER,
      n_prompt INTEGER,
      n_gen INTEGER,
      n_depth INTEGER,
      test_time TEXT,
      avg_ns INTEGER,
      stddev_ns INTEGER,
      avg_ts REAL,
      stddev_ts REAL,
      load_mode TEXT,
      fit_target INTEGER,
      fit_min_ctx INTEGER
    );

    INSERT INTO llama_bench (build_commit, build_number, cpu_info, gpu_info, backends, model_filename, model_type, model_size, model_n_params, n_batch, n_ubatch, n_threads, cpu_mask, cpu_strict, poll, type_k, type_v, n_gpu_layers, n_cpu_moe, split_mode, main_gpu, no_kv_offload, flash_attn, devices, tensor_split, tensor_buft_overrides, use_mmap, embeddings, no_op_offload, no_host, n_prompt, n_gen, n_depth, test_time, avg_ns, stddev_ns, avg_ts, stddev_ts, load_mode, fit_target, fit_min_ctx) VALUES ('71078c553fb6-20261123-124233-main', 0, 'Intel(R) Xeon(R) Processor @ 2.60GHz', '', 'onnxruntime onnxruntime', 'mobilellm-125m', 'mobilellm-125m f32', 498541824, 124635456, 0, 0, 1, '', 0, 0, '', '', 0, 0, '', 0, 0, 0, '', '', '', 0, 0, 0, 0, 412, 0, 0, '2026-11-23T12:42:40Z', 1276552976, 9579690, 322.7532340244576, 2.4220505288958254, '', 0, 0);
    INSERT INTO llama_bench (build_commit, build_number, cpu_info, gpu_info, backends, model_filename, model_type, model_size, model_n_params, n_batch, n_ubatch, n_threads, cpu_mask, cpu_strict, poll, type_k, type_v, n_gpu_layers, n_cpu_moe, split_mode, main_gpu, no_kv_offload, flash_attn, devices, tensor_split, tensor_buft_overrides, use_mmap, embeddings, no_op_offload, no_host, n_prompt, n_gen, n_depth, test_time, avg_ns, stddev_ns, avg_ts, stddev_ts, load_mode, fit_target, fit_min_ctx) VALUES ('71078c553fb6-20261123-124233-main', 0, 'Intel(R) Xeon(R) Processor @ 2.60GHz', '', 'onnxruntime onnxruntime', 'mobilellm-125m', 'mobilellm-125m f32', 498541824, 124635456, 0, 0, 1, '', 0, 0, '', '', 0, 0, '', 0, 0, 0, '', '', '', 0, 0, 0, 0, 0, 2, 412, '2026-11-23T12:42:40Z', 72846178, 483763, 27.455717749314182, 0.1823301778256359, '', 0, 0);
    "##);
}

/// The keys that `scripts/compare-llama-bench.py` refuses to be without, and the numbers of our own metrics.
#[test]
fn llama_bench_agrees_with_our_throughput() {
    const KEYS: [&str; 28] = [
        "cpu_info",
        "gpu_info",
        "backends",
        "n_gpu_layers",
        "tensor_buft_overrides",
        "model_filename",
        "model_type",
        "n_batch",
        "n_ubatch",
        "embeddings",
        "cpu_mask",
        "cpu_strict",
        "poll",
        "n_threads",
        "type_k",
        "type_v",
        "use_mmap",
        "no_kv_offload",
        "split_mode",
        "main_gpu",
        "tensor_split",
        "flash_attn",
        "n_prompt",
        "n_gen",
        "n_depth",
        "build_commit",
        "test_time",
        "avg_ts",
    ];
    let records = fixture::records();
    for record in &records {
        let one = vec![record.clone()];
        let document = json(&exported(&(fixture::run(&one), one), ExportFormat::LlamaBenchJson));
        let tests = document.as_array().unwrap();
        assert_eq!(tests.len(), 2 * record.samples.iterations[0].turns.len());
        for test in tests {
            assert!(KEYS.iter().all(|key| !test[key].is_null()), "{test}");
            assert_eq!(test["samples_ns"].as_array().map(Vec::len), Some(5), "warm-up does not count");
        }
        // The turns of an iteration together are the metric.
        let throughput = |tokens: &str| {
            let of_kind = || tests.iter().filter(|test| test[tokens] != 0);
            let total: f64 = of_kind().map(|test| test[tokens].as_f64().unwrap() * 5.0).sum();
            let samples = of_kind().flat_map(|test| test["samples_ns"].as_array().unwrap());
            total * 1e9 / samples.map(|ns| ns.as_f64().unwrap()).sum::<f64>()
        };
        for (tokens, metric) in [("n_prompt", SpeedMetric::PrefillThroughput), ("n_gen", SpeedMetric::DecodeThroughput)]
        {
            let ours = record.summary(metric).unwrap();
            assert!((ours.minimum..=ours.maximum).contains(&throughput(tokens)), "{tokens}: {ours:?}");
        }
    }
}

#[test]
fn a_withheld_throughput_is_in_no_test() {
    let (run, mut records) = short();
    records[0].metrics.retain(|value| !value.is(SpeedMetric::DecodeThroughput));
    let document = json(&exported(&(run, records), ExportFormat::LlamaBenchJson));
    assert!(document.as_array().unwrap().iter().all(|test| test["n_gen"] == 0));
}

#[test]
fn no_name_leaves_a_text_of_sql() {
    let script = exported(&hostile(), ExportFormat::LlamaBenchSql);
    assert!(script.contains("<script>\"''\\ \\u{1b}[2J"), "{script}");
    let (_, rows) = script.split_once(";\n\n").unwrap();
    for row in rows.lines() {
        assert!(row.starts_with("INSERT INTO llama_bench (") && row.ends_with(");"), "{row}");
        // With each text taken out, nothing of the names is left.
        let outside: String = row.split('\'').step_by(2).collect();
        assert!(!outside.contains("script"), "{outside}");
    }
}

/// The builds of the script: it cuts their names to the shortest, be it ours or an abbreviated commit of llama.cpp.
fn builds(runs: &[(Run, Vec<Record>)], shortest: usize) -> Vec<String> {
    let results: Vec<_> = runs.iter().map(|(_, records)| (&records[..], NO_DAMAGE)).collect();
    let exported: Vec<Exported<'_>> =
        runs.iter().zip(&results).map(|((run, _), results)| (run, results as _)).collect();
    let written = text_of(|output| export(&exported, ExportFormat::LlamaBenchJson, output)).unwrap();
    let document = json(&written);
    let names = document.as_array().unwrap().iter().map(|test| test["build_commit"].as_str().unwrap());
    let shortest = names.clone().map(str::len).min().unwrap().min(shortest);
    let mut builds: Vec<String> = names.map(|name| name[..shortest].to_owned()).collect();
    builds.sort();
    builds.dedup();
    builds
}

#[test]
fn builds_stay_apart_however_their_names_are_cut() {
    let (run, records) = short();
    let named = |id: &str| Run { id: id.into(), ..run.clone() };
    let of_both_sides = || {
        let mut both = [&records[..], &records[..]].concat();
        both[0].case.baseline = true;
        both
    };
    let paired = |id: &str| (named(id), of_both_sides());
    let alone = |run: Run| (run, records.clone());
    for cut in [usize::MAX, 8] {
        // Two runs of a month, each with the other build's cases.
        assert_eq!(builds(&[paired("20261127-190028"), paired("20261127-190217")], cut).len(), 4);
        // Two runs of one second.
        let second = [alone(named("20261127-190028")), alone(named("20261127-190028-2"))];
        assert_eq!(builds(&second, cut).len(), 2);
        // Two devices of one processor, and two machines of one name, each with a run of the same name.
        let mut elsewhere = named("20261127-190028");
        elsewhere.device.name = "another".into();
        let later = Run { started_unix_ms: run.started_unix_ms + 1, ..named("20261127-190028") };
        let devices = [alone(named("20261127-190028")), alone(elsewhere), alone(later)];
        assert_eq!(builds(&devices, cut).len(), 3);
    }
    // Joined later, a run is still the same build.
    let written = |runs: &[(Run, Vec<Record>)]| builds(runs, usize::MAX);
    let first = written(&[alone(named("20261127-190028"))]);
    assert!(written(&[alone(named("20261127-190028")), alone(named("20261127-190217"))]).contains(&first[0]));
}
