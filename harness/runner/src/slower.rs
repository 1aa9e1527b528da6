//! A measured loop that is slower by a known share, for `scripts/error-rate`. No ordinary build has it.

use pocketwatt_protocol::{Clock, MonotonicClock};

/// By how many per mille, as it was said when this was compiled.
const PER_MILLE: Option<&str> = option_env!("POCKETWATT_SLOWER_PER_MILLE");

/// Does the work, and keeps the processor busy for the share of its time.
pub fn slower<T>(work: impl FnOnce() -> T) -> T {
    let per_mille: u64 = PER_MILLE.and_then(|text| text.parse().ok()).unwrap_or(50);
    let start = MonotonicClock.now();
    let done = work();
    let end = start.0 + MonotonicClock.now().since(start) * (1000 + per_mille) / 1000;
    while MonotonicClock.now().0 < end {
        std::hint::spin_loop();
    }
    done
}
