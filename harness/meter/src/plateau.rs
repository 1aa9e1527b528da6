/// Adds a reading, and keeps of equal ones in a row the first and the last: an hour without a change stays small, and when a
/// value was last seen unchanged is still known. `same` says whether an earlier reading equals the new one, its time aside;
/// `move_to` gives an earlier reading the time of the new one.
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
