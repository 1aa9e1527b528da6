use pocketwatt_meter::DeviceFacts;

use super::*;
use crate::{Case, EnergyPlan, FormatVersion, Precision, RunSettings, energy::simulation};

/// Shard `number` of 3 of a plan of three cases.
fn shard(number: u32) -> Run {
    let case = |name: &str| Case { id: name.into(), scenario: name.into(), ..simulation::record().case };
    let own = [(1, "b"), (2, "a"), (3, "c")].into_iter().filter(|(shard, _)| *shard == number);
    let planned = |(_, name): (u32, &str)| PlannedCase { case: case(name), estimate_s: 1.0, shard: None };
    let cases = [("a", 2), ("b", 1), ("c", 3)].map(|(id, shard)| ShardCase { id: id.into(), shard });
    Run {
        format: RECORD_FORMAT,
        id: format!("run-{number}"),
        pocketwatt: "0.1.0".into(),
        started_unix_ms: 1000 - u64::from(number),
        command: vec!["pocketwatt".into()],
        device: DeviceFacts { name: "board".into(), memory_bytes: Some(8_000_000_000), ..DeviceFacts::default() },
        bandwidth: Vec::new(),
        energy: EnergyPlan::default(),
        settings: RunSettings::default(),
        scenarios: Vec::new(),
        plan: own.map(planned).collect(),
        baseline: None,
        against: None,
        study: None,
        shard: Some(Shard {
            number,
            of: 3,
            plan_sha256: "5a".repeat(32),
            cases: cases.to_vec(),
            boot_id: Some(format!("boot-{number}")),
        }),
        merged: None,
        rebuilt: None,
    }
}

fn refused(shards: &[Run]) -> String {
    merge(shards).unwrap_err().to_string()
}

#[test]
fn shards_in_any_order_make_the_whole_plan() {
    let run = merge(&[shard(3), shard(1), shard(2)]).unwrap();
    let plan: Vec<(&str, Option<u32>)> =
        run.plan.iter().map(|planned| (planned.case.id.as_str(), planned.shard)).collect();
    assert_eq!(plan, [("a", Some(2)), ("b", Some(1)), ("c", Some(3))]);
    let measured_in: Vec<&str> = run.plan.iter().map(|planned| run.measured_in(planned).0).collect();
    assert_eq!(measured_in, ["run-2", "run-1", "run-3"]);
    assert_eq!(run.started_unix_ms, 997, "when the first one began");
    assert_eq!(run.check(), Ok(()));
    assert!(run.merged.unwrap().missing.is_empty());
    assert_eq!(shard(2).check(), Ok(()));
}

#[test]
fn what_is_missing_is_known() {
    let run = merge(&[shard(3), shard(1)]).unwrap();
    assert_eq!(run.plan.len(), 2);
    assert_eq!(run.merged.unwrap().missing, [ShardCase { id: "a".into(), shard: 2 }]);
    assert_eq!(merge(&[]), Err(MergeError::Nothing));
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let whole = Run { shard: None, ..shard(2) };
    assert!(refused(&[shard(1), whole]).starts_with("run run-2 is no shard"));
    assert!(refused(&[shard(1), shard(1)]).starts_with("shard 1 is there twice"));
    let merged = merge(&[shard(1), shard(2)]).unwrap();
    assert!(refused(&[merged]).contains("was merged already"));
    let other_version = Run { pocketwatt: "0.2.0".into(), ..shard(2) };
    assert!(refused(&[shard(1), other_version]).contains("run-2 was measured by pocketwatt 0.2.0, and run-1 by 0.1.0"));
    let mut other_plan = shard(2);
    other_plan.shard.as_mut().unwrap().plan_sha256 = "0".repeat(64);
    assert!(refused(&[shard(1), other_plan]).contains("is of another plan than run-1"));
    let other_settings = Run { settings: RunSettings { iterations: 7, ..RunSettings::default() }, ..shard(2) };
    assert!(refused(&[shard(1), other_settings]).contains("with other settings"));
    let newer = Run { format: FormatVersion { minor: RECORD_FORMAT.minor + 1, ..RECORD_FORMAT }, ..shard(2) };
    assert!(refused(&[shard(1), newer]).contains("use a newer pocketwatt"));
}

#[test]
fn what_was_asked_of_the_meters_is_compared_and_what_was_observed_is_kept() {
    let measured = |energy: EnergyPlan| merge(&[shard(1), Run { energy, ..shard(2) }]);
    let asked = EnergyPlan { idle_ms: 4000, asked_idle_ms: Some(4000), ..EnergyPlan::default() };
    assert!(measured(asked).unwrap_err().to_string().contains("with other --idle than run-1"));
    let tree = EnergyPlan { sysfs_root: Some("/tree".into()), ..EnergyPlan::default() };
    assert!(measured(tree).unwrap_err().to_string().contains("with other --sysfs-root"));
    // It follows from the update period, which each shard observes.
    let observed = EnergyPlan { idle_ms: 4000, at_least_ms: 1000, ..EnergyPlan::default() };
    let shards = measured(observed.clone()).unwrap().merged.unwrap().shards;
    let kept: Vec<Option<EnergyPlan>> = shards.into_iter().map(|shard| shard.energy).collect();
    assert_eq!(kept, [Some(EnergyPlan::default()), Some(observed)]);
}

#[test]
fn another_device_is_refused_by_the_fact_that_tells_it() {
    let on = |device: DeviceFacts| [shard(1), Run { device, ..shard(2) }];
    let like = || shard(1).device;
    let processor = DeviceFacts { processor: Some("x".into()), name: "x-1".into(), ..like() };
    assert!(refused(&on(processor)).contains("(processor: x instead of unknown)"), "not by the name made from it");
    let kernel = DeviceFacts { kernel: Some("6.2".into()), ..like() };
    assert!(refused(&on(kernel)).contains("(kernel: 6.2 instead of unknown)"));
    let memory = |bytes: u64| DeviceFacts { memory_bytes: Some(bytes), ..like() };
    assert!(refused(&on(memory(16_000_000_000))).contains("memory_bytes: 16000000000 instead of 8000000000"));
    merge(&on(memory(8_000_004_096))).unwrap();
    // A shard without a case has measured on no device.
    let nothing = Run { plan: Vec::new(), device: memory(1), ..shard(2) };
    merge(&[shard(1), nothing]).unwrap();
}

#[test]
fn another_program_or_model_is_refused() {
    let mut record = simulation::record();
    record.case.precision = Precision::F32;
    record.passport.runner_sha256 = Some("one".into());
    let mut measurers = Measurers::default();
    measurers.add(&record, "run-1").unwrap();
    measurers.add(&record, "run-2").unwrap();
    let refused = |measurers: &mut Measurers, record| measurers.add(record, "run-3").unwrap_err().to_string();
    let mut other = record.clone();
    other.passport.runner_sha256 = Some("other".into());
    assert!(
        refused(&mut measurers, &other).starts_with("the runner of fake in run run-3 is another one than in run-1")
    );
    let mut baseline = other.clone();
    baseline.case.baseline = true;
    measurers.add(&baseline, "run-3").unwrap();
    let mut model = record.clone();
    model.passport.model.weights_sha256 = "other".into();
    assert!(refused(&mut measurers, &model).starts_with("the model of simulated"));
    let mut skipped = model;
    skipped.passport.runner_sha256 = None;
    measurers.add(&skipped, "run-3").unwrap();
}

#[test]
fn a_plan_of_other_cases_than_the_shard_s_is_refused() {
    let checked = |change: &dyn Fn(&mut Run)| {
        let mut run = shard(2);
        change(&mut run);
        run.check().map_err(|error| error.to_string())
    };
    assert_eq!(checked(&|run| run.plan.clear()), Err("the cases are not those of shard 2".into()));
    let number = |number: u32| checked(&|run| run.shard.as_mut().unwrap().number = number);
    assert_eq!(number(4), Err("there is no shard 4 of 3".into()));
    assert_eq!(number(0), Err("there is no shard 0 of 3".into()));
    for digest in ["", "5a", &"x".repeat(64), &"5A".repeat(32)] {
        let other = checked(&|run| run.shard.as_mut().unwrap().plan_sha256 = digest.into());
        assert_eq!(other, Err("plan_sha256 is not 64 hexadecimal digits".into()));
    }
    let merged = merge(&[shard(1), shard(2)]).unwrap();
    let mut homeless = merged.clone();
    homeless.plan[0].shard = Some(3);
    assert_eq!(homeless.check().unwrap_err().to_string(), "the case \"a\" is of no shard that was merged");
    let mut twice = merged;
    twice.merged.as_mut().unwrap().shards[1].number = 1;
    assert_eq!(twice.check().unwrap_err().to_string(), "shard 1 is there twice");
}
