//! Decides whether two nodes show one battery. Phones have one node from the maker and one for the gauge's chip (`battery` and
//! `bms`, `bq27541-0`); notebooks have two batteries of one make. Their names do not tell the two apart.

use std::time::Duration;

use super::CLASS;
use crate::{SystemRoot, power_supply::PowerSupplies};

/// Both must have changed to the same values this often: two batteries may agree once by chance.
const INSTANTS: usize = 3;
/// How long to wait for those changes; the next constant is the time between two looks.
const PATIENCE: Duration = Duration::from_secs(3);
const LOOKS: u32 = 75;
/// A current or a power below this counts as none, in micro-units.
const NOTHING: i64 = 20_000;

/// What is known about a battery's node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    /// A battery of its own.
    Own,
    /// Another node shows the same battery; with the evidence.
    Same { hint: String },
    /// It shows the same as another node, and neither changed.
    Undecided { hint: String },
}

/// The device's batteries with what is known about each. Only those that look alike are watched, for a few seconds at most.
pub(super) fn identities<'a>(root: &SystemRoot, supplies: &'a PowerSupplies) -> Vec<(&'a str, Identity)> {
    let mut known: Vec<(&str, Identity)> = Vec::new();
    for battery in &supplies.batteries {
        let name = &*battery.name;
        let mut identity = Identity::Own;
        for (other, of_other) in &mut known {
            if *of_other != Identity::Own {
                continue;
            }
            match compare(root, other, name) {
                Comparison::Different => {}
                Comparison::Same(evidence) => {
                    identity = Identity::Same { hint: format!("the same battery as {other}: {evidence}") };
                    break;
                }
                Comparison::Undecided => {
                    let hint = format!(
                        "{other} and {name} show the same and did not change in {} s: whether they are one battery or two is \
                         not known",
                        PATIENCE.as_secs()
                    );
                    *of_other = Identity::Undecided { hint: hint.clone() };
                    identity = Identity::Undecided { hint };
                    break;
                }
            }
        }
        known.push((name, identity));
    }
    known
}

enum Comparison {
    Different,
    /// One battery, with the evidence.
    Same(String),
    Undecided,
}

fn compare(root: &SystemRoot, one: &str, other: &str) -> Comparison {
    let serial = match (serial_number(root, one), serial_number(root, other)) {
        (Some(one), Some(other)) if one != other => return Comparison::Different,
        (Some(serial), Some(_)) => Some(serial),
        _ => None,
    };
    let look = || look_alike(root, one, other);
    // A value may change once between the reads of the two nodes.
    let alike = || {
        look().or_else(|| {
            std::thread::sleep(PATIENCE / LOOKS / 4);
            look()
        })
    };
    let Some(first) = alike() else { return Comparison::Different };
    if let Some(serial) = serial {
        return Comparison::Same(format!("both have the serial number {serial}, and {}", first.description()));
    }
    if !first.are_several() {
        return Comparison::Different;
    }
    let mut seen = vec![first];
    for _ in 0..LOOKS {
        std::thread::sleep(PATIENCE / LOOKS);
        let Some(next) = alike() else { return Comparison::Different };
        if seen.last() != Some(&next) {
            seen.push(next);
        }
        if let Some(last) = seen.get(INSTANTS) {
            return Comparison::Same(format!("{}, and changed together {INSTANTS} times", last.description()));
        }
    }
    Comparison::Undecided
}

/// What two nodes show alike at one moment: the facts' names and their values.
#[derive(Debug, PartialEq, Eq)]
struct Alike(Vec<(&'static str, i64)>);

impl Alike {
    /// Whether both the charge, energy or flow and the voltage agree: one of them may be equal by chance.
    fn are_several(&self) -> bool {
        self.0.len() >= 2
    }

    fn description(&self) -> String {
        let facts: Vec<&str> = self.0.iter().map(|(fact, _)| *fact).collect();
        format!("the same {}", facts.join(" and "))
    }
}

/// What both nodes show, if all of it is the same.
fn look_alike(root: &SystemRoot, one: &str, other: &str) -> Option<Alike> {
    let number = |battery: &str, file: &str| -> Option<i64> {
        let value: i64 = root.text(format!("{CLASS}/{battery}/{file}"))?.parse().ok()?;
        Some(value.saturating_abs()).filter(|value| *value > 0)
    };
    let store = |battery: &str, file: &str| match file {
        "charge" => number(battery, "charge_now").or_else(|| number(battery, "charge_counter")),
        _ => number(battery, file),
    };
    let mut alike = Vec::new();
    for fact in ["charge", "energy_now", "voltage_now"] {
        let (Some(first), Some(second)) = (store(one, fact), store(other, fact)) else { continue };
        let again = store(one, fact);
        if !are_alike(first, second) && !again.is_some_and(|again| are_alike(again, second)) {
            return None;
        }
        alike.push((fact, second));
    }
    // Two gauges of one battery need not be read at the same moment; but one of two batteries may be waiting.
    for fact in ["current_now", "power_now"] {
        let flows = |battery: &str| {
            let value: i64 = root.text(format!("{CLASS}/{battery}/{fact}"))?.parse().ok()?;
            Some(value.saturating_abs())
        };
        let (Some(first), Some(second)) = (flows(one), flows(other)) else { continue };
        if (first < NOTHING) != (second < NOTHING) && !is_thousandth(first.min(second), first.max(second)) {
            return None;
        }
        if first > 0 && are_alike(first, second) {
            alike.push((fact, second));
        }
    }
    (!alike.is_empty()).then_some(Alike(alike))
}

/// Whether two numbers are equal, also where one node rounds to whole thousands or shows thousandths.
fn are_alike(one: i64, other: i64) -> bool {
    let (small, large) = (one.min(other), one.max(other));
    let rounded = (one % 1000 == 0) != (other % 1000 == 0) && large - small < 1000;
    small == large || rounded || is_thousandth(small, large)
}

/// Whether `small` is `large` in milli-units instead of micro-units, however it was rounded.
fn is_thousandth(small: i64, large: i64) -> bool {
    small > 0 && (large - small.saturating_mul(1000)).abs() < 1000
}

/// A serial number that identifies a battery; drivers that have none show all kinds of words.
fn serial_number(root: &SystemRoot, battery: &str) -> Option<String> {
    const NONE: [&str; 6] = ["unknown", "n/a", "na", "none", "not available", "default"];
    let serial = root.text(format!("{CLASS}/{battery}/serial_number"))?;
    let characters = || serial.chars().filter(|character| character.is_alphanumeric());
    let varies = characters().any(|character| characters().next() != Some(character));
    (varies && !NONE.contains(&&*serial.to_lowercase())).then_some(serial)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_may_be_rounded_or_in_another_unit() {
        for (one, other, alike) in [
            (3_270_456, 3_270_456, true),
            (3_270_456, 3_270_000, true),
            (3_270_456, 3_271_000, true),
            (3_270_456, 3270, true),
            (3_270_456, 3_270_457, false),
            (3_270_000, 3_271_000, false),
            (3_270_456, 3_269_000, false),
            (900, 901, false),
        ] {
            assert_eq!((are_alike(one, other), are_alike(other, one)), (alike, alike), "{one} {other}");
        }
    }
}
