//! Which numbers in a device's files are possible. A number out of range is damaged or in another unit, and anything computed
//! from it would look like any other number: so it is refused, and the message names the file.

use std::{fmt::Display, ops::RangeInclusive};

use super::{Reason, Unavailable};
use crate::SystemRoot;

/// A unit of a file, with the numbers that a device can show in it.
#[derive(Debug)]
pub struct FileUnit {
    name: &'static str,
    range: RangeInclusive<i64>,
    /// Whether its files may hold a value of [`NO_READING`].
    marked: bool,
}

/// What drivers show where they have no number: -1, the extremes of 16 and 32 bits, and the same extremes multiplied
/// by 1000 by drivers that convert milli-units without a check.
const NO_READING: [i64; 10] = [
    -1,
    65_535,
    65_535_000,
    32_768,
    -32_768,
    -32_768_000,
    2_147_483_647,
    -2_147_483_648,
    4_294_967_295,
    4_294_967_295_000,
];

const fn up_to(name: &'static str, most: i64) -> FileUnit {
    FileUnit { name, range: -most..=most, marked: true }
}

/// Up to 100 kW, in both directions.
pub const MICROWATTS: FileUnit = up_to("uW", 100_000_000_000);
/// Up to 1000 A. Some phones count in milliamperes, which gives smaller numbers.
pub const MICROAMPERES: FileUnit = up_to("uA", 1_000_000_000);
/// Voltage of a battery: half a volt to 1000 V. Some drivers use millivolts; any battery's number is then below this range.
pub const MICROVOLTS: FileUnit = FileUnit { name: "uV", range: 500_000..=1_000_000_000, marked: true };
/// Up to 100 kWh.
pub const MICROWATT_HOURS: FileUnit = up_to("uWh", 100_000_000_000);
/// Up to 1000 Ah. A counter that begins at the last boot may be negative.
pub const MICROAMPERE_HOURS: FileUnit = up_to("uAh", 1_000_000_000);
/// Energy used so far, which is never negative.
pub const MICROJOULES: FileUnit = FileUnit { name: "uJ", range: 0..=i64::MAX, marked: false };
/// Up to a day between two updates; 0 where there is no interval.
pub const MILLISECONDS: FileUnit = FileUnit { name: "ms", range: 0..=86_400_000, marked: false };

impl FileUnit {
    /// Returns the number if it is possible in this unit.
    ///
    /// # Errors
    /// [`Reason::Unreadable`], naming `file`.
    pub fn admit(&self, value: i64, file: impl Display) -> Result<i64, Unavailable> {
        if self.marked && NO_READING.contains(&value) {
            let hint = format!("{file} holds {value}, which is not a reading: drivers without one show it");
            return Err(Unavailable::new(Reason::Unreadable, hint));
        }
        if self.range.contains(&value) {
            return Ok(value);
        }
        let (name, least, most) = (self.name, self.range.start(), self.range.end());
        let hint = format!("{file} holds {value} {name}, which is impossible: the range is {least} to {most}");
        Err(Unavailable::new(Reason::Unreadable, hint))
    }

    /// A number that a file states and that does not change; `None` where the file is missing, empty or may not be read.
    ///
    /// # Errors
    /// [`Reason::Unreadable`] when it holds something impossible in this unit.
    pub fn stated(&self, root: &SystemRoot, path: &str) -> Result<Option<i64>, Unavailable> {
        let Some(text) = root.text(path) else { return Ok(None) };
        let file = root.join(path).display().to_string();
        let Ok(value) = text.parse() else {
            let shown: String = text.chars().take(40).collect();
            let hint = format!("{file} holds {shown:?}, which is not a number of {}", self.name);
            return Err(Unavailable::new(Reason::Unreadable, hint));
        };
        self.admit(value, file).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::fixture::Tree;

    #[test]
    fn what_a_unit_cannot_mean_is_refused_by_the_files_name() {
        assert_eq!(MICROWATTS.admit(-5, "x"), Ok(-5));
        let refused = MILLISECONDS.admit(18_446_744_073_710, "interval").unwrap_err();
        assert_eq!(refused.reason, Reason::Unreadable);
        assert_eq!(refused.hint, "interval holds 18446744073710 ms, which is impossible: the range is 0 to 86400000");
        for value in [i64::MIN, i64::MAX] {
            for unit in [MICROWATTS, MICROAMPERES, MICROVOLTS, MICROWATT_HOURS, MICROAMPERE_HOURS, MILLISECONDS] {
                assert!(unit.admit(value, "x").is_err(), "{value} {unit:?}");
            }
        }
        for value in [-1, 65_535, -32_768, 0x7fff_ffff, 0xffff_ffff] {
            let refused = MICROWATT_HOURS.admit(value, "x").unwrap_err();
            assert_eq!(refused.hint, format!("x holds {value}, which is not a reading: drivers without one show it"));
        }
        assert_eq!(MICROJOULES.admit(65_535, "x"), Ok(65_535), "a counter comes by every number");
        let tree = Tree::parse("sys/a = 18446744073709551615\nsys/b = 7\nsys/c =\nsys/d = 1e3\n");
        let stated = |file: &str| MILLISECONDS.stated(&tree.root(), &format!("sys/{file}"));
        assert_eq!((stated("b"), stated("c"), stated("e")), (Ok(Some(7)), Ok(None), Ok(None)));
        assert!(stated("a").unwrap_err().hint.contains("sys/a holds \"18446744073709551615\""));
        assert!(stated("d").is_err());
    }
}
