/// Adds a reading, and keeps only the first and the last of consecutive equal ones: an hour without a change stays small, and
/// the time at which a value was last seen unchanged is kept. `same` compares two readings without their times; `move_to`
/// gives an earlier reading the time of the new one.
pub(crate) fn push<T>(readings: &mut Vec<T>, next: T, same: impl Fn(&T, &T) -> bool, move_to: impl Fn(&mut T, &T)) {
    if let [.., before, last] = readings.as_mut_slice()
        && same(before, &next)
        && same(last, &next)
    {
        move_to(last, &next);
        return;
    }
    readings.push(next);
}
