//! Work that several threads share.

use std::{num::NonZero, panic::resume_unwind, thread};

/// More of them would wait for the disk, or for each other's memory.
const MOST_THREADS: usize = 4;

/// What `work` makes of each share of `all`, one after the other in the order of `all`. A panic in one goes on here.
pub fn in_shares<T: Send, R: Send>(mut all: Vec<T>, work: impl Fn(Vec<T>) -> Vec<R> + Sync) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS);
    let share = all.len().div_ceil(threads).max(1);
    let work = &work;
    thread::scope(|scope| {
        let mut shares = Vec::new();
        while !all.is_empty() {
            let rest = all.split_off(share.min(all.len()));
            shares.push(scope.spawn(move || work(all)));
            all = rest;
        }
        shares.into_iter().flat_map(|share| share.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_done_once_and_in_order() {
        for count in [0, 1, 2, 3, 4, 5, 1000] {
            let squares = in_shares((0..count).collect(), |share| share.into_iter().map(|one| one * one).collect());
            assert_eq!(squares, (0..count).map(|one: u64| one * one).collect::<Vec<_>>());
        }
    }
}
