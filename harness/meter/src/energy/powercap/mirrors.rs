use super::{Discovery, EnergyMeter, Reason, Scope, Unavailable, absent, vendor};

/// This many readings must agree: two counters in steps of 61 uJ do not agree by chance once they have run for a while.
const READINGS: usize = 2;

/// A die is part of its package: where the whole package is read, the die would count twice. Two dies that show exactly
/// the same number are one counter shown twice, and their sum would be twice the truth; the first one stays. AMD's dies share
/// their package's counter, whatever number they show.
pub(super) fn leave_out_mirrors(found: &mut Discovery, amd: bool) {
    let mut kept: Vec<Box<dyn EnergyMeter>> = Vec::new();
    let wholes: Vec<(String, String)> =
        found.meters.iter().map(|meter| (meter.info().part.clone(), meter.info().id.clone())).collect();
    for mut meter in std::mem::take(&mut found.meters) {
        let whole = vendor::without_die(&meter.info().part);
        if let Some((_, id)) = wholes.iter().find(|(part, _)| whole.as_ref() == Some(part)) {
            let unavailable = Unavailable::new(Reason::Duplicate, format!("it is part of {id}, which is read"));
            found.absent.push(absent(meter.info().id.clone(), Some(meter.info().scope), unavailable));
            continue;
        }
        let shared = |other: &mut Box<dyn EnergyMeter>| {
            same_package(&**other, &*meter)
                && ((amd && meter.info().scope == Scope::Package) || show_the_same(&mut **other, &mut *meter))
        };
        let Some(original) = kept.iter_mut().position(shared).and_then(|index| kept.get(index)) else {
            kept.push(meter);
            continue;
        };
        let hint = format!("it shows the same number as {}: probably one counter, shown twice", original.info().id);
        let unavailable = Unavailable::new(Reason::Duplicate, hint);
        found.absent.push(absent(meter.info().id.clone(), Some(meter.info().scope), unavailable));
    }
    found.meters = kept;
}

fn same_package(one: &dyn EnergyMeter, other: &dyn EnergyMeter) -> bool {
    let (one, other) = (one.info(), other.info());
    one.scope == other.scope && vendor::package(&one.part) == vendor::package(&other.part)
}

/// Reads the first one before and after the second, because a counter may advance between two readings.
fn show_the_same(one: &mut dyn EnergyMeter, other: &mut dyn EnergyMeter) -> bool {
    (0..READINGS).all(|_| {
        let (Ok(before), Ok(value), Ok(after)) = (one.read(), other.read(), one.read()) else { return false };
        // A counter at 0 is no evidence.
        value.value != 0 && (before.value..=after.value).contains(&value.value)
    })
}
