//! `pocketwatt run --strict`: nothing is measured on an unfit device.

use std::{path::Path, thread};

use pocketwatt_meter::Surroundings;
use pocketwatt_record::EnergyPlan;

use super::energy::{root_of, why_none};
use crate::{
    doctor::{Status, Subject, examine},
    plan::Backend,
};

/// What is about to be measured.
#[derive(Debug)]
pub struct Intention<'a> {
    /// Meters, and the tree that they are read from.
    pub energy: &'a EnergyPlan,
    /// Backends that will run.
    pub backends: &'a [&'a Backend],
    /// Where fetched libraries are.
    pub cache: &'a Path,
    /// Name and bytes of weights of the largest model.
    pub model: (&'a str, u64),
    /// The most threads that will compute.
    pub threads: u32,
    /// Another process that measures on this device, if any.
    pub other: Option<String>,
}

/// Why this device is unfit: a line for each reason with advice; empty when it is fit.
pub fn obstacles(intention: &Intention) -> Vec<String> {
    let root = root_of(intention.energy);
    let (meters, absent) = (&intention.energy.meters, &intention.energy.absent);
    let none = meters.is_empty().then(|| why_none(&root, absent));
    let surroundings = Surroundings::look(&root, &mut thread::sleep);
    let checks = examine(&Subject {
        root: &root,
        meters,
        absent,
        none: none.as_ref(),
        surroundings: &surroundings,
        backends: intention.backends,
        cache: intention.cache,
        model: intention.model,
        threads: intention.threads,
        other: &Ok(intention.other.clone()),
    });
    let unfit = checks.iter().filter(|check| check.status == Status::Unfit);
    unfit
        .map(|check| match &check.fix {
            Some(fix) => format!("{}: {}; {fix}", check.name, check.seen),
            None => format!("{}: {}", check.name, check.seen),
        })
        .collect()
}
