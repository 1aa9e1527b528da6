use std::{
    fs,
    sync::mpsc::{RecvTimeoutError, channel},
    thread,
    time::Duration,
};

use pocketwatt_protocol::{Clock, MonotonicClock};

/// Real templates take milliseconds.
const DEADLINE: Duration = Duration::from_secs(10);
/// Real templates take some kilobytes.
const MOST_KIBIBYTES: u64 = 512 << 10;
const LOOK: Duration = Duration::from_millis(20);
/// For recursion as deep as a template may have.
const STACK_BYTES: usize = 64 << 20;

/// Does on a thread of its own what somebody else wrote and what may never end, and gives it up when it takes too long or
/// too much memory.
///
/// # Errors
/// Why it was given up. The thread cannot be stopped then: the program should end soon, and measure nothing.
pub(super) fn watched<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    within(DEADLINE, MOST_KIBIBYTES, work)
}

fn within<T: Send + 'static>(
    deadline: Duration,
    most_kibibytes: u64,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    let (send, receive) = channel();
    let before = resident_kibibytes();
    let begun = MonotonicClock.now();
    thread::Builder::new()
        .name("template".into())
        .stack_size(STACK_BYTES)
        // Nobody listens any more to what was given up.
        .spawn(move || drop(send.send(work())))
        .map_err(|error| format!("there is no thread for it: {error}"))?;
    loop {
        match receive.recv_timeout(LOOK) {
            Ok(done) => return Ok(done),
            Err(RecvTimeoutError::Disconnected) => return Err("it panicked".into()),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if u128::from(MonotonicClock.now().since(begun)) > deadline.as_nanos() {
            return Err(format!("it did not end within {} s", deadline.as_secs()));
        }
        let grown = resident_kibibytes().saturating_sub(before);
        if grown > most_kibibytes {
            return Err(format!("it took {} MiB of memory and did not end", grown >> 10));
        }
    }
}

/// Resident memory of this process; 0 where the system does not tell, which leaves the deadline.
fn resident_kibibytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_is_handed_over() {
        assert_eq!(watched(|| 7), Ok(7));
    }

    #[test]
    fn what_takes_too_much_is_given_up() {
        // It waits for the end of the test with what it has taken.
        let hold = |bytes: usize| {
            let (hold, wait) = channel::<()>();
            let work = move || {
                let taken = vec![1u8; bytes];
                let _ = wait.recv();
                taken.len()
            };
            (hold, work)
        };
        let (_held, large) = hold(96 << 20);
        let reason = within(DEADLINE, 48 << 10, large).unwrap_err();
        assert!(reason.contains("MiB of memory"), "{reason}");
        let (_held, long) = hold(1);
        let reason = within(Duration::ZERO, u64::MAX, long).unwrap_err();
        assert_eq!(reason, "it did not end within 0 s");
    }
}
