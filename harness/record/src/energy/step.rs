//! The smallest step of a meter, from what it states and from its readings.

/// The smallest step in raw units: the larger of the stated one and the one of which all changes are multiples.
///
/// Many meters count in a unit far finer than their resolution: a charge counter in uAh that moves by 1000 uAh.
pub(super) fn smallest_step(stated: i64, changes: &[i128]) -> i128 {
    let stated = i128::from(stated.max(1));
    let common = changes.iter().fold(0, |divisor, &change| greatest_common_divisor(divisor, change.abs()));
    let smallest = changes.iter().map(|change| change.abs()).min().unwrap_or(0);
    // Steps that were converted to another unit are rounded: 3333 and 3334 are one and two times the same step.
    let rounded = smallest > 10
        && changes.iter().all(|change| {
            let times = (change.abs() + smallest / 2) / smallest;
            // Beyond that, rounding alone would make any number a multiple.
            times * 10 <= smallest && (change.abs() - times * smallest).abs() <= times
        });
    stated.max(common).max(if rounded { smallest } else { 0 })
}

fn greatest_common_divisor(a: i128, b: i128) -> i128 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_step_is_what_all_changes_are_multiples_of() {
        assert_eq!(smallest_step(1, &[3000, 1000, -2000]), 1000);
        assert_eq!(smallest_step(1, &[3333, 6667, 10000]), 3333, "rounded steps");
        assert_eq!(smallest_step(61, &[1_000_123, 998_321, 523]), 61, "a fine counter keeps its own step");
        assert_eq!(smallest_step(0, &[]), 1);
    }
}
