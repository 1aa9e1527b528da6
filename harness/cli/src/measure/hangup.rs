//! The end of the terminal (SIGHUP). It stops a run as Ctrl-C does, unless the run was started to outlive its terminal.
#![expect(
    unsafe_code,
    reason = "no safe interface can ignore a signal, and the one that catches the others also catches this one"
)]

use std::fs;

/// Whether this program was started so that it ignores the end of its terminal, as nohup does.
pub(super) fn is_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let signals = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let signals = signals.and_then(|signals| u64::from_str_radix(signals.trim(), 16).ok()).unwrap_or(0);
    signals & (1 << (libc::SIGHUP - 1)) != 0
}

/// Ignores it from now on.
pub(super) fn ignore() {
    // SAFETY: the disposition SIG_IGN runs no code of ours.
    unsafe {
        libc::signal(libc::SIGHUP, libc::SIG_IGN);
    }
}
