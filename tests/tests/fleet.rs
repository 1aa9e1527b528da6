//! Shards of a plan, and their merge.
#![cfg(test)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use pocketwatt_record::{Run, RunFolder};
use pocketwatt_tests::{Bench, Finished};
use serde_json::Value;

/// Three groups of two cases each.
const PLAN: &[&str] =
    &["--scenario", "prefill-4-decode-4,prefill-8-decode-8,prefill-16-decode-16", "--threads", "1,2", "--no-quality"];
const BLOCKS: &[&str] = &["--iterations", "2", "--blocks", "2"];
const SCRIPT: &str = "load=1ms,prefill=20us,decode=500us";

fn shard(bench: &Bench, shard: &str, more: &[&str]) -> Finished {
    bench.run(SCRIPT, &[PLAN, BLOCKS, &["--shard", shard], more].concat())
}

/// The folders of all shards of a plan in one bench.
fn shards(bench: &Bench, of: u32) -> Vec<PathBuf> {
    let measured = |number: u32| {
        shard(bench, &format!("{number}/{of}"), &[]).expect_code(0);
        bench.folder().path().to_owned()
    };
    (1..=of).map(measured).collect()
}

fn merge(bench: &Bench, runs: &[PathBuf], more: &[&str]) -> Finished {
    let runs: Vec<&str> = runs.iter().map(|run| run.to_str().unwrap()).collect();
    bench.pocketwatt(&[&["merge"], &runs[..], more].concat())
}

/// The run at a path that a command wrote to standard output.
fn merged(bench: &Bench, finished: &Finished) -> (RunFolder, Run) {
    let folder = RunFolder::open(&bench.path(finished.stdout.trim_end()));
    let run = folder.run().unwrap();
    (folder, run)
}

fn ids(run: &Run) -> Vec<&str> {
    run.plan.iter().map(|planned| planned.case.id.as_str()).collect()
}

fn changed(run: &Path, change: impl FnOnce(&mut Value)) {
    changed_file(&run.join("run.json"), change);
}

fn changed_file(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut value: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    change(&mut value);
    fs::write(path, value.to_string()).unwrap();
}

/// A record as it would have been measured on another start of the device than this one.
fn measured_on_another_start(record: &Path) {
    changed_file(record, |record| {
        assert!(record["passport"]["boot_id"].is_string(), "{record}");
        record["passport"]["boot_id"] = "another".into();
    });
}

#[test]
fn three_shards_make_the_run_that_one_process_would_have_planned() {
    let bench = Bench::new();
    let whole = bench.run(SCRIPT, &[PLAN, BLOCKS, &["--dry-run"]].concat()).expect_code(0).stdout;
    let planned: Vec<&str> =
        whole.lines().filter_map(|line| line.split_once("  about")).map(|(id, _)| id.trim_end()).collect();
    assert_eq!(planned.len(), 6, "{whole}");
    let runs = shards(&bench, 3);
    let parts: Vec<Run> = runs.iter().map(|run| RunFolder::open(run).run().unwrap()).collect();
    for part in &parts {
        let scenarios: BTreeSet<&str> = part.plan.iter().map(|planned| planned.case.scenario.as_str()).collect();
        assert_eq!((part.plan.len(), scenarios.len()), (2, 1), "what takes turns stays together");
        let whole: Vec<&str> = part.shard.as_ref().unwrap().cases.iter().map(|case| case.id.as_str()).collect();
        assert_eq!(whole, planned, "a shard knows its whole plan");
        assert_eq!(part.settings, parts[0].settings, "also the seed");
    }
    let finished = merge(&bench, &runs, &[]).expect_code(0);
    assert_eq!(finished.stderr, "");
    let (folder, run) = merged(&bench, &finished);
    assert_eq!(ids(&run), planned);
    assert_eq!(folder.path(), bench.folder().path(), "it is the latest run");
    let records = folder.records().unwrap();
    assert_eq!((records.intact.len(), records.damaged), (6, vec![]));
    for (record, planned) in records.intact.iter().zip(&run.plan) {
        let shard = planned.shard.unwrap() as usize;
        assert_eq!(record.passport.run.as_deref(), Some(parts[shard - 1].id.as_str()), "it says where it was measured");
        let file = format!("cases/{}.json", record.case.id);
        assert_eq!(fs::read(folder.path().join(&file)).unwrap(), fs::read(runs[shard - 1].join(&file)).unwrap());
    }

    let shown = bench.pocketwatt(&["show"]).expect_code(0).stdout;
    assert!(shown.contains("from 3 shards of one plan: 1 ("), "{shown}");
    assert!(!shown.contains("not reached") && !shown.contains("starts "), "{shown}");
    let document: Value =
        serde_json::from_str(&bench.pocketwatt(&["show", "--format", "json"]).expect_code(0).stdout).unwrap();
    assert_eq!(document["cases"].as_array().unwrap().len(), 6);
    assert_eq!(document["run"]["merged"]["shards"][2]["run"], parts[2].id.as_str());
    let exported = bench.pocketwatt(&["export", "--format", "bencher"]).expect_code(0).stdout;
    assert!(planned.iter().all(|id| exported.contains(id.split('_').next().unwrap())), "{exported}");
    // Beside its shards, each line says which of them measured it.
    let together: Vec<&str> =
        runs.iter().map(PathBuf::as_path).chain([folder.path()]).filter_map(Path::to_str).collect();
    let csv = bench.pocketwatt(&[&["export", "--format", "csv"], &together[..]].concat()).expect_code(0).stdout;
    assert!(csv.lines().next().unwrap().ends_with(",measured_in"), "{csv}");
    let lines = |run: &str| csv.lines().filter(|line| line.starts_with(&format!("{run},"))).count();
    let measured = |run: &str| csv.lines().filter(|line| line.ends_with(&format!(",{run}"))).count();
    for part in &parts {
        assert_eq!(measured(&part.id), 2 * lines(&part.id), "in the shard and in the merged run");
    }
    assert_eq!((lines(&run.id), measured(&run.id)), (parts.iter().map(|part| lines(&part.id)).sum(), 0));
    // What was merged is compared like any run, also by the files of its records.
    let record = |id: &str| folder.path().join(format!("cases/{id}.json")).to_str().unwrap().to_owned();
    let compared = bench.pocketwatt(&["compare", &record(planned[0]), &record(planned[1])]).expect_code(0).stdout;
    assert!(!compared.contains("not measured together"), "they took turns: {compared}");
    let itself = bench.pocketwatt(&["compare", runs[0].to_str().unwrap(), folder.path().to_str().unwrap()]);
    itself.expect_code(3).expect_stderr(&["one measurement is not compared with itself"]);
    bench.resume(SCRIPT, &[]).expect_code(3).expect_stderr(&["was merged from shards: continue the shard"]);
}

#[test]
fn the_plan_is_divided_alike_everywhere() {
    let (one, other) = (Bench::new(), Bench::new());
    // The second machine has no model yet, and other programs around it.
    shard(&one, "2/2", &[]).expect_code(0);
    let dry = |bench: &Bench| shard(bench, "2/2", &["--dry-run"]).expect_code(0).stdout;
    let cases =
        |text: &str| text.lines().filter(|line| line.contains("  about")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(cases(&dry(&one)), cases(&dry(&other)));
    assert!(dry(&one).contains("shard 2 of 2: 2 of the 6 cases of the plan") || dry(&one).contains(": 4 of the 6"));
    shard(&other, "1/2", &[]).expect_code(0);
    let runs = [one.folder().path().to_owned(), other.folder().path().to_owned()];
    merge(&one, &runs, &[]).expect_code(0);
    let seeds = runs.iter().map(|run| RunFolder::open(run).run().unwrap().settings.turns.unwrap().seed);
    assert_eq!(seeds.collect::<BTreeSet<_>>().len(), 1);
    // The seed that was asked for is part of the plan.
    shard(&other, "2/2", &["--seed", "7"]).expect_code(0);
    let another = [runs[1].clone(), other.folder().path().to_owned()];
    merge(&one, &another, &[]).expect_code(3).expect_stderr(&["is of another plan than"]);
}

#[test]
fn a_shard_with_nothing_to_do_says_so_and_is_no_obstacle() {
    let bench = Bench::new();
    let nothing = shard(&bench, "5/5", &[]).expect_code(0);
    nothing.expect_stderr(&["shard 5 of 5: none of the 6 cases of the plan", "nothing to measure"]);
    let empty = bench.folder().path().to_owned();
    assert_eq!(RunFolder::open(&empty).run().unwrap().plan, []);
    assert!(!bench.model("tiny").exists(), "no model is generated for it");
    bench.pocketwatt(&["show"]).expect_code(3).expect_stderr(&["is shard 5 of 5, which has no case of the plan"]);
    bench.resume(SCRIPT, &[]).expect_code(0);
    let dry = shard(&bench, "5/5", &["--dry-run"]).expect_code(0).stdout;
    assert!(dry.contains("shard 5 of 5: none of the 6"), "{dry}");
    let mut runs: Vec<PathBuf> = (1..=3)
        .map(|number| {
            shard(&bench, &format!("{number}/5"), &[]).expect_code(0);
            bench.folder().path().to_owned()
        })
        .collect();
    // Shard 4 is not there at all, and would have had nothing to do either.
    merge(&bench, &runs, &["--output", "without"]).expect_code(0);
    runs.push(empty);
    let finished = merge(&bench, &runs, &["--output", "with"]).expect_code(0);
    let (folder, run) = merged(&bench, &finished);
    assert_eq!((run.plan.len(), folder.path().ends_with("with")), (6, true));
    let taken = merge(&bench, &runs, &["--output", "with"]).expect_code(3);
    taken.expect_stderr(&["with exists already"]);
}

#[test]
fn what_does_not_belong_is_refused() {
    let bench = Bench::new();
    let runs = shards(&bench, 2);
    let refused = |runs: &[PathBuf], words: &[&str]| {
        let finished = merge(&bench, runs, &[]).expect_code(3).expect_stderr(words);
        assert_eq!(finished.stdout, "");
    };
    let one = || runs[0].clone();
    refused(&[one(), one()], &["shard 1 is there twice"]);
    bench.run(SCRIPT, &[PLAN, BLOCKS].concat()).expect_code(0);
    refused(&[one(), bench.folder().path().to_owned()], &["is no shard: it measures a whole plan"]);
    bench.run(SCRIPT, &[PLAN, &["--iterations", "3", "--blocks", "3", "--shard", "2/2"]].concat()).expect_code(0);
    refused(&[one(), bench.folder().path().to_owned()], &["is of another plan than"]);
    shard(&bench, "2/3", &[]).expect_code(0);
    refused(&[one(), bench.folder().path().to_owned()], &["shard 2 of 3", "is of another plan than"]);
    shard(&bench, "2/2", &["--device", "elsewhere"]).expect_code(0);
    refused(&[one(), bench.folder().path().to_owned()], &["on elsewhere, which is another device", "name: elsewhere"]);
    merge(&bench, &[one(), bench.path("nowhere")], &[]).expect_code(3);
    bench.pocketwatt(&["merge"]).expect_code(2);
    changed(&runs[1], |run| run["pocketwatt"] = "9.9.9".into());
    refused(&runs, &["was measured by pocketwatt 9.9.9"]);
}

#[test]
fn another_build_of_a_runner_is_refused() {
    let mut bench = Bench::new();
    shard(&bench, "1/2", &[]).expect_code(0);
    let one = bench.folder().path().to_owned();
    bench.wrap_runner("exec RUNNER");
    shard(&bench, "2/2", &[]).expect_code(0);
    let runs = [one, bench.folder().path().to_owned()];
    merge(&bench, &runs, &[])
        .expect_code(3)
        .expect_stderr(&["the runner of fake in run", "give all shards the same files"]);
}

#[test]
fn what_is_missing_is_listed_and_only_joined_on_request() {
    let bench = Bench::new();
    let runs = shards(&bench, 3);
    let two = [runs[0].clone(), runs[2].clone()];
    let lost = RunFolder::open(&runs[1]).run().unwrap();
    let missing = format!("missing: {} of shard 2 of 3", ids(&lost)[0]);
    merge(&bench, &two, &[]).expect_code(3).expect_stderr(&[&missing, "join what is there with --partial"]);
    let finished = merge(&bench, &two, &["--partial"]).expect_code(4).expect_stderr(&[&missing]);
    let (_, run) = merged(&bench, &finished);
    assert_eq!(run.plan.len(), 4);
    let shown = bench.pocketwatt(&["show"]).expect_code(0).stdout;
    assert!(shown.contains("from 2 of 3 shards of one plan") && shown.contains(ids(&lost)[0]), "{shown}");

    // A shard that was killed has no record of some cases; its command continues it.
    fs::remove_file(runs[1].join(format!("cases/{}.json", ids(&lost)[1]))).unwrap();
    let words = [ids(&lost)[1], "which was not measured", "continue it with `pocketwatt run --resume"];
    merge(&bench, &runs, &[]).expect_code(3).expect_stderr(&words);
    let finished = merge(&bench, &runs, &["--partial"]).expect_code(4).expect_stderr(&words[..2]);
    let (folder, run) = merged(&bench, &finished);
    assert_eq!((run.plan.len(), folder.records().unwrap().intact.len()), (6, 5));
    bench.resume(SCRIPT, &[&lost.id]).expect_code(0);
    merge(&bench, &runs, &[]).expect_code(0);
}

#[test]
fn damaged_records_are_listed_and_the_others_are_joined() {
    let bench = Bench::new();
    let runs = shards(&bench, 2);
    let plan = RunFolder::open(&runs[0]).run().unwrap();
    let file = format!("{}.json", ids(&plan)[0]);
    fs::write(runs[0].join("cases").join(&file), "{").unwrap();
    let finished = merge(&bench, &runs, &[]).expect_code(4).expect_stderr(&[&file, "is not a valid result file"]);
    let (folder, run) = merged(&bench, &finished);
    assert_eq!((run.plan.len(), folder.records().unwrap().intact.len()), (6, 5));
    let shown = bench.pocketwatt(&["show"]).expect_code(0).stdout;
    assert!(shown.contains("1 of 6 cases not reached"), "{shown}");
    fs::write(runs[1].join("run.json"), "{").unwrap();
    merge(&bench, &runs, &[]).expect_code(3);
    merge(&bench, &runs, &["--partial"]).expect_code(4).expect_stderr(&["run.json is not a valid result file"]);
}

#[test]
fn shards_of_several_starts_are_told() {
    let bench = Bench::new();
    let runs = shards(&bench, 3);
    for record in fs::read_dir(runs[1].join("cases")).unwrap() {
        measured_on_another_start(&record.unwrap().path());
    }
    merge(&bench, &runs, &[]).expect_code(0).expect_stderr(&["not on one start of the device: shard 2; shards 1, 3"]);
    let shown = bench.pocketwatt(&["show"]).expect_code(0).stdout;
    assert!(shown.contains("ran on 2 starts of the device"), "{shown}");
}

/// As where a job is put into the queue again, and goes on with `--resume` after a new start.
#[test]
fn a_shard_that_went_on_after_a_new_start_is_told() {
    let bench = Bench::new();
    let runs = shards(&bench, 2);
    let plan = RunFolder::open(&runs[0]).run().unwrap();
    let began = plan.shard.as_ref().unwrap().boot_id.clone().unwrap();
    measured_on_another_start(&runs[0].join(format!("cases/{}.json", ids(&plan)[0])));
    let finished = merge(&bench, &runs, &[]).expect_code(0);
    let finished = finished.expect_stderr(&["not on one start of the device: shard 1 in part; shards 1 in part, 2"]);
    let mut starts = merged(&bench, &finished).1.merged.unwrap().shards.swap_remove(0).boot_ids;
    starts.sort();
    let mut expected = ["another".to_owned(), began];
    expected.sort();
    assert_eq!(starts, expected);
    let shown = bench.pocketwatt(&["show"]).expect_code(0).stdout;
    assert!(shown.contains("ran on 2 starts of the device"), "{shown}");
}

#[test]
fn how_each_shard_measured_energy_is_compared_or_told() {
    let bench = Bench::new();
    let runs = shards(&bench, 2);
    let idle = |run: &Path, ms: u64, asked: Option<u64>| {
        changed(run, |run| {
            run["energy"]["idle_ms"] = ms.into();
            run["energy"]["asked_idle_ms"] = asked.into();
        });
    };
    idle(&runs[0], 1000, Some(1000));
    idle(&runs[1], 4000, Some(4000));
    merge(&bench, &runs, &[]).expect_code(3).expect_stderr(&["with other --idle than"]);
    // Without --idle, each observes the update period of its meter.
    idle(&runs[0], 1000, None);
    idle(&runs[1], 4000, None);
    let finished = merge(&bench, &runs, &[]).expect_code(0);
    let shards = merged(&bench, &finished).1.merged.unwrap().shards;
    let kept: Vec<u64> = shards.into_iter().map(|shard| shard.energy.unwrap().idle_ms).collect();
    assert_eq!(kept, [1000, 4000]);
}

#[test]
fn what_a_merge_would_lose_or_make_up_is_refused() {
    let bench = Bench::new();
    let runs = shards(&bench, 2);
    let path = runs[1].join("run.json");
    let own = fs::read(&path).unwrap();
    let refused = |words: &[&str], change: &dyn Fn(&mut Value)| {
        changed(&runs[1], change);
        merge(&bench, &runs, &[]).expect_code(3).expect_stderr(words);
        fs::write(&path, &own).unwrap();
    };
    refused(&["has format 1.99", "use a newer pocketwatt"], &|run| {
        run["format"]["minor"] = 99.into();
        run["future"] = "lost".into();
    });
    refused(&["the definition of the scenario", "is not the one that was measured"], &|run| {
        let definition = run["scenarios"][0]["definition"].as_str().unwrap();
        run["scenarios"][0]["definition"] = format!("{definition}# changed\n").into();
    });
    refused(&["plan_sha256 is not 64 hexadecimal digits"], &|run| run["shard"]["plan_sha256"] = "6d".into());
    merge(&bench, &runs, &[]).expect_code(0);
}

#[test]
fn a_study_is_divided_and_what_has_no_parts_is_refused() {
    let bench = Bench::new();
    let study = ["study", "layer-sharing", "--backend", "fake", "--no-probe", "--iterations", "2", "--blocks", "2"];
    let dry = bench.pocketwatt(&[&study[..], &["--shard", "1/2", "--dry-run"]].concat()).expect_code(0).stdout;
    assert!(dry.contains("shard 1 of 2: "), "{dry}");
    shard(&bench, "1/2", &["--resume"]).expect_code(2);
    shard(&bench, "1/2", &["--against", "latest"]).expect_code(2);
    for nonsense in ["0/2", "3/2", "x"] {
        shard(&bench, nonsense, &[]).expect_code(2).expect_stderr(&["expected a shard and their number"]);
    }
    let calibrate = ["calibrate", "--backend", "fake", "--model", "tiny", "--shard", "1/2"];
    bench.pocketwatt(&calibrate).expect_code(3).expect_stderr(&["leave out --shard"]);
}
