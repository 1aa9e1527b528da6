use pocketwatt_meter::{
    Bandwidth,
    energy::{MeterSource, Scope},
};

use crate::{
    CheckVerdict, EnergyMetric, MetricId, PhysicsCheck, Record, SpeedMetric, derive,
    energy::simulation::{Meter, Plan, Random, Shape},
};

fn measured(idle_watts: f64, working_watts: f64) -> Record {
    let plan = Plan {
        idle_seconds: 5.0,
        idle_watts,
        load: (2.0, working_watts),
        iterations: vec![[(1.0, working_watts), (2.0, working_watts)]; 3],
        pause_seconds: 0.0,
        noise: 0.0,
        grain: 1.0,
    };
    let mut random = Random(9);
    let mut happened = plan.happen(&mut random);
    let shape = Shape::Counter { unit: 1e-6, modulus: None, first: 0 };
    let meter = Meter { shape, tick: 0.001, phase: 0.0 };
    happened.record.readings.energy = vec![meter.series(&happened.power, &happened.edges, &mut random)];
    happened.record
}

fn check<'a>(record: &'a Record, name: &str) -> &'a PhysicsCheck {
    record.checks.iter().find(|check| check.name.starts_with(name)).unwrap()
}

fn withheld(record: &Record, metric: impl Into<MetricId>) -> bool {
    let absent = record.value(metric).unwrap().absent();
    let failed = |name: &String| check(record, name).verdict == CheckVerdict::Failed;
    absent.is_some_and(|absent| absent.is_withheld() && absent.check.as_ref().is_some_and(failed))
}

#[test]
fn decoding_faster_than_the_memory_is_withheld() {
    let mut record = measured(4.0, 20.0);
    let decode = 5.0;
    record.passport.model.weight_bytes_per_token = 400_000_000;
    record.passport.bandwidth = Some(Bandwidth {
        threads: 1,
        buffer_bytes: 1 << 30,
        best_bytes_per_second: decode * 400e6 / 1.09,
        median_bytes_per_second: 1e9,
        passes: 5,
    });
    derive(&mut record);
    assert_eq!(check(&record, "bandwidth").verdict, CheckVerdict::Passed, "{:?}", record.checks[0]);
    assert!(record.summary(SpeedMetric::DecodeThroughput).is_some());

    record.passport.bandwidth.as_mut().unwrap().best_bytes_per_second = decode * 400e6 / 1.2;
    derive(&mut record);
    assert_eq!(check(&record, "bandwidth").verdict, CheckVerdict::Failed);
    insta::assert_snapshot!(
        check(&record, "bandwidth").detail,
        @"5.0 tokens/s x 400 MB of weights = 2.0 GB/s, more than the 1.7 GB/s that the memory delivers"
    );
    assert!(withheld(&record, SpeedMetric::DecodeThroughput) && withheld(&record, EnergyMetric::EnergyPerOutputToken));
    assert!(
        !withheld(&record, EnergyMetric::EnergyPerPrefillToken) && !withheld(&record, SpeedMetric::TimeToFirstToken)
    );

    record.passport.last_level_cache_bytes = Some(1 << 30);
    derive(&mut record);
    assert_eq!(check(&record, "bandwidth").verdict, CheckVerdict::NotApplicable, "it may stay in the cache");
    assert!(!withheld(&record, SpeedMetric::DecodeThroughput));
}

#[test]
fn a_true_measurement_passes_every_check_of_power() {
    let mut record = measured(4.0, 20.0);
    derive(&mut record);
    for name in ["energy = power x time of package", "power bounds of package", "net energy of package"] {
        assert_eq!(check(&record, name).verdict, CheckVerdict::Passed, "{:?}", record.checks);
    }
}

#[test]
fn a_power_that_the_part_cannot_take_is_withheld() {
    let mut record = measured(4.0, 70.0);
    record.readings.energy[0].meter.power_limit_watts = Some(15.0);
    derive(&mut record);
    assert_eq!(check(&record, "power bounds").verdict, CheckVerdict::Failed);
    insta::assert_snapshot!(
        check(&record, "power bounds").detail,
        @"requests 70.000 W, loading 70.000 W, not within 0 to 60 W"
    );
    assert!(withheld(&record, EnergyMetric::EnergyPerRequest) && withheld(&record, EnergyMetric::NetEnergyPerRequest));
    assert!(!withheld(&record, SpeedMetric::DecodeThroughput), "speed has nothing to do with it");
    record.readings.energy[0].meter.power_limit_watts = Some(45.0);
    derive(&mut record);
    assert_eq!(check(&record, "power bounds").verdict, CheckVerdict::Passed);
}

#[test]
fn less_than_idle_means_that_idle_was_disturbed() {
    let mut record = measured(30.0, 20.0);
    derive(&mut record);
    assert_eq!(check(&record, "net energy").verdict, CheckVerdict::Failed);
    assert!(withheld(&record, EnergyMetric::NetEnergyPerRequest) && !withheld(&record, EnergyMetric::EnergyPerRequest));
}

#[test]
fn two_cards_are_not_compared_and_one_card_is() {
    for (part, compared) in [("xe/card", true), ("amdgpu/PPT", false)] {
        let mut record = measured(4.0, 20.0);
        let mut other = record.readings.energy[0].clone();
        let place = |series: &mut pocketwatt_meter::energy::MeterSeries, source, part: &str| {
            (series.meter.scope, series.meter.source, series.meter.part) = (Scope::Accelerator, source, part.into());
        };
        place(&mut record.readings.energy[0], MeterSource::Hwmon, "xe/card");
        place(&mut other, MeterSource::Nvml, part);
        other.readings.iter_mut().for_each(|reading| reading.value *= 2);
        record.readings.energy.push(other);
        derive(&mut record);
        let check = record.checks.iter().find(|check| check.name.starts_with("two meters of accelerator"));
        assert_eq!(check.is_some(), compared, "{part}: {check:?}");
    }
}

#[test]
fn two_meters_of_one_scope_that_disagree_are_both_withheld() {
    let mut record = measured(4.0, 20.0);
    let mut other = record.readings.energy[0].clone();
    other.meter.source = MeterSource::Perf;
    other.meter.id = "perf:package".into();
    record.readings.energy.push(other);
    derive(&mut record);
    assert_eq!(check(&record, "two meters of package").verdict, CheckVerdict::Passed);
    for reading in &mut record.readings.energy[1].readings {
        reading.value *= 2;
    }
    derive(&mut record);
    assert_eq!(check(&record, "two meters of package").verdict, CheckVerdict::Failed);
    let energy: Vec<_> = record.values(EnergyMetric::EnergyPerRequest).collect();
    assert!(energy.len() == 2 && energy.iter().all(|value| value.absent().is_some()));
    record.readings.energy[1].meter.scope = Scope::Dram;
    derive(&mut record);
    assert!(record.checks.iter().all(|check| check.verdict == CheckVerdict::Passed || check.name == "bandwidth"));
}
