use thiserror::Error;

use super::{AbsentMeter, Discovery, EnergyMeter, MeterInfo, MeterSource, Reason, Scope, Unavailable};

/// Which meters are read, in the order of preference: tables show the first one's scope first.
#[derive(Debug, Default)]
pub struct Choice {
    /// The meters that are read beside every case.
    pub meters: Vec<Box<dyn EnergyMeter>>,
    /// All other known meters, with the reason why each is not read.
    pub absent: Vec<AbsentMeter>,
}

/// A requested meter does not exist, or cannot be read.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChoiceError {
    /// It exists but cannot be used.
    #[error("meter {id:?} cannot be used: {reason}: {hint}")]
    Unavailable {
        /// The id as the user gave it.
        id: String,
        /// The reason in few words.
        reason: &'static str,
        /// What was seen, and the next step.
        hint: String,
    },
    /// It does not exist.
    #[error("there is no meter {id:?}; known: {known}. `pocketwatt meters` lists them")]
    Unknown {
        /// The id as the user gave it.
        id: String,
        /// Ids of all that were found.
        known: String,
    },
}

/// Order of preference among all readable meters. The scope decides first: meters that resolve prefill and decode in one
/// request come before those that need minutes; then the interface that is easiest to read.
fn rank(info: &MeterInfo) -> (usize, usize, bool, &str) {
    const SCOPES: [Scope; 9] = [
        Scope::Package,
        Scope::CpuRails,
        Scope::Platform,
        Scope::Device,
        Scope::Accelerator,
        Scope::Dram,
        Scope::Core,
        Scope::Uncore,
        Scope::Rail,
    ];
    const SOURCES: [MeterSource; 8] = [
        MeterSource::Powercap,
        MeterSource::Perf,
        MeterSource::Hwmon,
        MeterSource::PixelRails,
        MeterSource::PowerStats,
        MeterSource::Battery,
        MeterSource::BatteryService,
        MeterSource::Nvml,
    ];
    let scope = SCOPES.iter().position(|scope| *scope == info.scope).unwrap_or(SCOPES.len());
    let source = SOURCES.iter().position(|source| *source == info.source).unwrap_or(SOURCES.len());
    (scope, source, !info.measurand.is_cumulative(), &info.id)
}

/// Chooses among the meters that were found. Without `wanted`, every meter is read; where two interfaces read the same part,
/// only the preferred one is. With `wanted`, exactly those meters are read, in that order; each entry is an id, or the name of
/// an interface for all of its meters.
///
/// # Errors
/// When a wanted meter is unknown or unusable.
pub fn choose(found: Discovery, wanted: &[String]) -> Result<Choice, ChoiceError> {
    let Discovery { mut meters, mut absent } = found;
    meters.sort_by(|one, other| rank(one.info()).cmp(&rank(other.info())));
    if wanted.is_empty() {
        let (kept, left_out) = without_duplicates(meters, &absent);
        absent.extend(left_out);
        return Ok(Choice { meters: kept, absent });
    }
    let known: Vec<String> = meters.iter().map(|meter| meter.info().id.clone()).collect();
    let mut kept: Vec<Box<dyn EnergyMeter>> = Vec::new();
    for id in wanted {
        let matches = |info: &MeterInfo| info.id == *id || info.source.name() == id;
        let (taken, rest): (Vec<_>, Vec<_>) = meters.into_iter().partition(|meter| matches(meter.info()));
        meters = rest;
        if taken.is_empty() && !kept.iter().any(|meter| matches(meter.info())) {
            return Err(refusal(id, &known, &absent));
        }
        kept.extend(taken);
    }
    if let Some((id, other)) = part_of_the_batteries(&kept, &meters) {
        let hint = format!("it does not cover all that the device uses; ask for {other}, too");
        return Err(ChoiceError::Unavailable { id, reason: "one of several batteries", hint });
    }
    absent.extend(meters.iter().map(|meter| left_out(meter.info(), Reason::NotChosen, "--meter names others".into())));
    Ok(Choice { meters: kept, absent })
}

/// Several interfaces read the processor's registers: for each scope, this keeps the interface that reads most of its parts,
/// and the first of equal ones. It keeps all other scopes, whatever covers them: a battery and a power meter are two witnesses.
fn without_duplicates(
    meters: Vec<Box<dyn EnergyMeter>>,
    absent: &[AbsentMeter],
) -> (Vec<Box<dyn EnergyMeter>>, Vec<AbsentMeter>) {
    // A part that was left out because another meter stands for it counts as read.
    let parts = |scope: Scope, source: MeterSource| {
        let read = meters.iter().filter(|meter| (meter.info().scope, meter.info().source) == (scope, source));
        let stood_for = absent.iter().filter(|absent| {
            (absent.scope, absent.source, absent.unavailable.reason) == (Some(scope), source, Reason::Duplicate)
        });
        read.count() + stood_for.count()
    };
    // The id of the first meter of the interface that is kept for a meter's scope.
    let kept_for = |info: &MeterInfo| -> Option<String> {
        let processor =
            matches!(info.scope, Scope::Package | Scope::Core | Scope::Uncore | Scope::Dram | Scope::Platform);
        let mut best: Option<&MeterInfo> = None;
        for other in meters.iter().map(|meter| meter.info()).filter(|other| processor && other.scope == info.scope) {
            if best.is_none_or(|best| parts(other.scope, other.source) > parts(best.scope, best.source)) {
                best = Some(other);
            }
        }
        best.filter(|best| best.source != info.source).map(|best| best.id.clone())
    };
    // Android's services show what files of the kernel show, too, where the user may read these.
    let shown_by_kernel = |info: &MeterInfo| -> Option<String> {
        let same = |other: &MeterInfo| match info.source {
            MeterSource::PowerStats => other.source == MeterSource::PixelRails && other.scope == info.scope,
            MeterSource::BatteryService => {
                other.source == MeterSource::Battery
                    && other.measurand.is_cumulative() == info.measurand.is_cumulative()
            }
            _ => false,
        };
        meters.iter().map(|meter| meter.info()).find(|other| same(other)).map(|other| other.id.clone())
    };
    let duplicate_of = |info: &MeterInfo| kept_for(info).or_else(|| shown_by_kernel(info));
    let duplicates: Vec<Option<String>> = meters.iter().map(|meter| duplicate_of(meter.info())).collect();
    let mut kept: Vec<Box<dyn EnergyMeter>> = Vec::new();
    let mut absent = Vec::new();
    for (meter, duplicate) in meters.into_iter().zip(duplicates) {
        let info = meter.info();
        match duplicate {
            Some(id) if info.source == MeterSource::Hwmon => {
                absent.push(left_out(info, Reason::Duplicate, format!("{id} covers the same part, and is read")));
            }
            Some(id) if info.source == MeterSource::BatteryService => {
                absent.push(left_out(info, Reason::Duplicate, format!("{id} is the same battery, and is read")));
            }
            Some(id) => absent.push(left_out(info, Reason::Duplicate, format!("{id} reads the same counters"))),
            None => kept.push(meter),
        }
    }
    (kept, absent)
}

/// Ids of a battery's meter that is kept, and of a meter of another battery that belongs to it and is not kept. Both
/// batteries feed the device.
fn part_of_the_batteries(kept: &[Box<dyn EnergyMeter>], others: &[Box<dyn EnergyMeter>]) -> Option<(String, String)> {
    let of_batteries = |meters: &[Box<dyn EnergyMeter>]| -> Vec<MeterInfo> {
        let infos = meters.iter().map(|meter| meter.info());
        infos.filter(|info| info.source == MeterSource::Battery).cloned().collect()
    };
    let kept = of_batteries(kept);
    let same_kind =
        |one: &MeterInfo, other: &MeterInfo| one.measurand.is_cumulative() == other.measurand.is_cumulative();
    of_batteries(others).into_iter().find_map(|other| {
        let mut alike = kept.iter().filter(|info| same_kind(info, &other));
        let first = alike.clone().next()?;
        alike.all(|info| info.part != other.part).then(|| (first.id.clone(), other.id))
    })
}

fn left_out(info: &MeterInfo, reason: Reason, hint: String) -> AbsentMeter {
    AbsentMeter {
        source: info.source,
        id: info.id.clone(),
        scope: Some(info.scope),
        unavailable: Unavailable::new(reason, hint),
    }
}

fn refusal(id: &str, known: &[String], absent: &[AbsentMeter]) -> ChoiceError {
    if let Some(found) = absent.iter().find(|absent| absent.id == id || absent.source.name() == id) {
        let unavailable = found.unavailable.clone();
        return ChoiceError::Unavailable { id: id.into(), reason: unavailable.reason.words(), hint: unavailable.hint };
    }
    ChoiceError::Unknown { id: id.into(), known: if known.is_empty() { "none".into() } else { known.join(", ") } }
}

#[cfg(test)]
mod tests;
