//! Runs that measure a part of a plan, and runs that were put together from such parts.

use std::collections::{BTreeMap, BTreeSet};

use pocketwatt_files::check_name;
use pocketwatt_meter::Bandwidth;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{energy::EnergyPlan, plan_error::PlanError, planned_case::PlannedCase};

/// Most parts into which a plan is divided.
pub const MOST_SHARDS: u32 = 10_000;
/// Hexadecimal digits of a SHA-256.
const SHA256_DIGITS: usize = 64;

/// Which part of a plan a run measures. The part knows the whole, so that nothing else has to say what belongs together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Shard {
    /// Which part, counted from 1.
    pub number: u32,
    /// Number of parts.
    pub of: u32,
    /// SHA-256 of what is planned: cases, scenarios, settings, study. Shards with the same one belong to one plan.
    pub plan_sha256: String,
    /// All cases of the plan, in its order.
    pub cases: Vec<ShardCase>,
    /// The start of the device on which it began, as the kernel names it (`boot_id`); absent where it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_id: Option<String>,
}

/// A case of the whole plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShardCase {
    /// Its identifier.
    pub id: String,
    /// The number of the part that measures it.
    pub shard: u32,
}

/// What a run was put together from; the plan says which case is from which shard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Merged {
    /// [`Shard::plan_sha256`] of all of them.
    pub plan_sha256: String,
    /// Number of parts of the plan.
    pub of: u32,
    /// Those that are here, by number.
    pub shards: Vec<MergedShard>,
    /// Cases of the plan that are not here, in its order, because their shard is missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<ShardCase>,
}

/// A run that measured a part of the plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MergedShard {
    /// Which part, counted from 1.
    pub number: u32,
    /// The name of its run, as its records have it.
    pub run: String,
    /// When it began, milliseconds since 1970 UTC.
    pub started_unix_ms: u64,
    /// Its command line, for people.
    pub command: Vec<String>,
    /// The starts of the device on which its records were measured, as the kernel names them (`boot_id`), in the order of their names:
    /// several where it went on after a new start, and none where the kernel has no name for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub boot_ids: Vec<String>,
    /// How it measured energy, of which it observed a part itself: the meters' update periods, and what follows from them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub energy: Option<EnergyPlan>,
    /// Rooflines that it measured, one for each number of threads.
    pub bandwidth: Vec<Bandwidth>,
}

impl Shard {
    /// Whether the command line could have asked for this part, and the cases are those of it.
    pub(super) fn check(&self, plan: &[PlannedCase]) -> Result<(), PlanError> {
        ensure_number(self.number, self.of)?;
        ensure_digest(&self.plan_sha256)?;
        let mut known: BTreeMap<&str, u32> = BTreeMap::new();
        for ShardCase { id, shard } in &self.cases {
            ensure_case(id, *shard, self.of)?;
            if known.insert(id, *shard).is_some() {
                return Err(PlanError::Twice(id.clone()));
            }
        }
        let own = self.cases.iter().filter(|case| case.shard == self.number).map(|case| case.id.as_str());
        if own.ne(plan.iter().map(|planned| planned.case.id.as_str())) {
            return Err(PlanError::OtherShard(self.number));
        }
        Ok(())
    }
}

impl Merged {
    /// Whether each case of the plan is from a shard that is here, and each shard is here once.
    pub(super) fn check(&self, plan: &[PlannedCase]) -> Result<(), PlanError> {
        ensure_digest(&self.plan_sha256)?;
        let mut here = BTreeSet::new();
        for MergedShard { number, run, .. } in &self.shards {
            ensure_number(*number, self.of)?;
            check_name(run).map_err(|reason| PlanError::Name { what: "a shard's run", reason })?;
            if !here.insert(*number) {
                return Err(PlanError::ShardTwice(*number));
            }
        }
        for ShardCase { id, shard } in &self.missing {
            ensure_case(id, *shard, self.of)?;
        }
        match plan.iter().find(|planned| planned.shard.is_none_or(|shard| !here.contains(&shard))) {
            Some(planned) => Err(PlanError::NoShard(planned.case.id.clone())),
            None => Ok(()),
        }
    }
}

fn ensure_digest(sha256: &str) -> Result<(), PlanError> {
    match sha256.len() == SHA256_DIGITS && sha256.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
        true => Ok(()),
        false => Err(PlanError::NoDigest),
    }
}

fn ensure_case(id: &str, shard: u32, of: u32) -> Result<(), PlanError> {
    check_name(id).map_err(|reason| PlanError::Name { what: "a case", reason })?;
    ensure_number(shard, of)
}

fn ensure_number(number: u32, of: u32) -> Result<(), PlanError> {
    match number {
        _ if of > MOST_SHARDS => {
            Err(PlanError::TooMany { what: "shards", number: of.into(), most: MOST_SHARDS.into() })
        }
        1.. if number <= of => Ok(()),
        _ => Err(PlanError::ShardNumber { number, of }),
    }
}
