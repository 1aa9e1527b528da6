//! How much a full battery holds, and from that the unit in which it reports what it still holds. The kernel's ABI has uAh and
//! uWh; some drivers show mAh and mWh.

use super::{CLASS, MICROAMPERE_HOURS, MICROVOLTS, MICROWATT_HOURS};
use crate::{
    SystemRoot,
    energy::{Basis, Reason, Unavailable, plausible::FileUnit},
};

/// A battery that feeds a computer holds at least this many uAh.
const LEAST_CHARGE: i64 = 100_000;
/// The same in uWh.
const LEAST_ENERGY: i64 = 300_000;
/// The largest battery holds this many times as much as the smallest: 1000 Ah.
const LARGEST: f64 = 1e4;
/// A battery may hold this many times its stated size: sizes are learned, and age.
const OVERFULL: f64 = 1.3;
/// The share that is left may differ from the reported percentage by this many percentage points.
const PERCENT: f64 = 10.0;
/// The maker's size of a battery and the learned one differ by less than this factor.
const SIZES: f64 = 3.0;
/// Nobody measures on a battery that has less than this share of its charge left.
const EMPTY: f64 = 0.005;

/// Which of the two units a number is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prefix {
    /// As the ABI has it.
    Micro,
    /// A thousand times as much as the ABI has.
    Milli,
}

impl Prefix {
    pub(super) fn factor(self) -> f64 {
        match self {
            Self::Micro => 1.0,
            Self::Milli => 1000.0,
        }
    }

    /// The kernel's ABI has micro-units; any other unit is a guess.
    pub(super) fn basis(self) -> Basis {
        match self {
            Self::Micro => Basis::Documented,
            Self::Milli => Basis::Guessed,
        }
    }
}

/// What a battery reports about its size.
#[derive(Debug)]
pub(super) struct Size {
    /// Size in micro-units, and the reported unit; absent where it is missing, or two files contradict each other.
    pub(super) full: Option<(f64, Prefix)>,
    /// How full it is.
    percent: Option<f64>,
    least: i64,
    unit: &'static str,
}

impl Size {
    pub(super) fn of_charge(root: &SystemRoot, battery: &str) -> Self {
        Self::read(root, battery, ["charge_full", "charge_full_design"], &MICROAMPERE_HOURS, LEAST_CHARGE, "Ah")
    }

    pub(super) fn of_energy(root: &SystemRoot, battery: &str) -> Self {
        Self::read(root, battery, ["energy_full", "energy_full_design"], &MICROWATT_HOURS, LEAST_ENERGY, "Wh")
    }

    /// What a battery says about its charge if all that is known is how full it is.
    pub(super) fn of_charge_at(percent: Option<f64>) -> Self {
        Self { full: None, percent: percent.filter(is_percentage), least: LEAST_CHARGE, unit: "Ah" }
    }

    fn read(
        root: &SystemRoot,
        battery: &str,
        files: [&str; 2],
        file_unit: &FileUnit,
        least: i64,
        unit: &'static str,
    ) -> Self {
        let size = |file: &str| {
            let stated = file_unit.stated(root, &format!("{CLASS}/{battery}/{file}")).ok().flatten()?;
            let prefix = [Prefix::Micro, Prefix::Milli]
                .into_iter()
                .find(|prefix| stated as f64 * prefix.factor() >= least as f64)?;
            Some((stated as f64 * prefix.factor(), prefix))
        };
        let full = match files.map(size) {
            [Some(full), Some(design)] => (1.0 / SIZES..SIZES).contains(&(full.0 / design.0)).then_some(full),
            [full, design] => full.or(design),
        };
        let percent = root.text(format!("{CLASS}/{battery}/capacity")).and_then(|text| text.parse().ok());
        Self { full, percent: percent.filter(is_percentage), least, unit }
    }

    /// The unit in which a battery of this size reports that it still holds `value`.
    ///
    /// # Errors
    /// When its files contradict each other, or do not decide about such a small number.
    pub(super) fn prefix_of(&self, value: i64, file: &str) -> Result<Prefix, Unavailable> {
        // Without any other fact, a small number may come from a battery that is nearly empty.
        let is_known = self.full.is_some() || self.percent.is_some();
        let fits =
            |prefix: Prefix| (is_known || prefix == Prefix::Micro) && self.can_hold(value as f64 * prefix.factor());
        match (fits(Prefix::Micro), fits(Prefix::Milli)) {
            (true, false) => Ok(Prefix::Micro),
            (false, true) => Ok(Prefix::Milli),
            (true, true) => {
                let is_empty = self.full.is_some_and(|(full, _)| value != 0 && (value as f64) < EMPTY * full);
                Ok(if is_empty { Prefix::Milli } else { Prefix::Micro })
            }
            // A counter may begin anywhere; its large values are not in milli-units.
            (false, false) if value.abs() >= self.least => Ok(Prefix::Micro),
            (false, false) => {
                let unit = self.unit;
                let hint = format!(
                    "{file} holds {value}: neither in u{unit} nor in m{unit} does that fit what else the battery says \
                     (its size when full, `capacity`)"
                );
                Err(Unavailable::new(Reason::Unreadable, hint))
            }
        }
    }

    /// Whether the battery can hold this many micro-units now.
    fn can_hold(&self, amount: f64) -> bool {
        let least = self.least as f64;
        match (self.full, self.percent) {
            (Some((full, _)), Some(percent)) => (100.0 * amount / full - percent).abs() <= PERCENT,
            (Some((full, _)), None) => (0.0..=OVERFULL * full).contains(&amount),
            (None, Some(percent)) if percent >= 1.0 => (least..least * LARGEST).contains(&(amount * 100.0 / percent)),
            (None, _) => (least..least * LARGEST).contains(&amount),
        }
    }
}

fn is_percentage(percent: &f64) -> bool {
    (0.0..=100.0).contains(percent)
}

/// A voltage of a battery in volts, where a file states it.
pub(super) fn volts(root: &SystemRoot, battery: &str, file: &str) -> Option<f64> {
    let microvolts = MICROVOLTS.stated(root, &format!("{CLASS}/{battery}/{file}")).ok().flatten()?;
    Some(microvolts as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::fixture::Tree;

    fn prefix(value: i64, lines: &[&str]) -> Option<Prefix> {
        let tree: String = lines.iter().map(|line| format!("{CLASS}/b/{line}\n")).collect();
        Size::of_charge(&Tree::parse(&tree).root(), "b").prefix_of(value, "charge_now").ok()
    }

    #[test]
    fn the_size_and_the_percentage_tell_the_unit() {
        let (micro, milli) = (Some(Prefix::Micro), Some(Prefix::Milli));
        for (value, lines, expected) in [
            (6978, &["charge_full = 7100", "charge_full_design = 7100", "capacity = 98"][..], milli),
            (6978, &["charge_full = 7100000", "capacity = 98"], milli),
            (6978, &["capacity = 98"], milli),
            (6978, &["charge_full = 7100"], milli),
            (6978, &[], None),
            (6978, &["charge_full = 7100", "capacity = 30"], None),
            (3_270_000, &[], micro),
            (3_270_000, &["charge_full = 4410000"], micro),
            (3_270_000, &["charge_full = 4410", "capacity = 74"], micro),
            (30_000, &["charge_full = 4500000", "capacity = 1"], micro),
            (4000, &["charge_full = 4500000"], milli),
            (0, &["charge_full = 4500000", "capacity = 0"], micro),
            (-350_000, &["charge_full = 4500000", "capacity = 50"], micro),
            (-300, &["charge_full = 4500000", "capacity = 50"], None),
        ] {
            assert_eq!(prefix(value, lines), expected, "{value} {lines:?}");
        }
    }

    #[test]
    fn sizes_that_contradict_each_other_are_none() {
        let full =
            |lines: &str| Size::of_charge(&Tree::parse(&lines.replace("b/", &format!("{CLASS}/b/"))).root(), "b").full;
        assert_eq!(full("b/charge_full = 4500\nb/charge_full_design = 4600000"), Some((4_500_000.0, Prefix::Milli)));
        assert_eq!(full("b/charge_full = 400000\nb/charge_full_design = 4600000"), None);
        assert_eq!(full("b/charge_full = 0\nb/charge_full_design = 4600000"), Some((4_600_000.0, Prefix::Micro)));
    }
}
