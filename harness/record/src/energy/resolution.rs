//! The times over which the energy of a phase is measured, depending on what its meter resolves.
//!
//! An edge is known to one update period `D` of the meter: energy over a time `T` to `D / (sqrt(6) T)`. Windows that follow each
//! other more closely than the meter can separate form one stretch, from the first edge to the last: back-to-back
//! requests of 50 ms are one block, and the energy of a request is that of the block divided by their number. The gaps between them are
//! assumed to need the same power, and anything from zero to twice that is possible.

use pocketwatt_meter::{
    TimeSpan,
    energy::{Reason, Unavailable},
};

use super::{Over, Phase, spans::duration_ns};
use crate::Amount;

/// Updates in a stretch that has others beside it. With fewer, the power on either side of its edges is unknown.
const WINDOW_UPDATES: f64 = 10.0;
/// Updates in a stretch that is alone.
const ALONE_UPDATES: f64 = 2.0;
/// Updates while the model is loaded: other work follows at once.
const LOAD_UPDATES: f64 = 5.0;
/// Updates between two windows that can be separated.
const GAP_UPDATES: f64 = 5.0;
/// Steps of a counter that all stretches together need at least.
const STEPS: f64 = 5.0;
/// Largest share of the stretches that may be gaps between requests.
const REQUEST_GAPS: f64 = 0.25;
/// The same for a phase inside requests, where the gaps are the other phase, at another power.
const PHASE_GAPS: f64 = 0.02;

/// The times over which the energy of some windows is measured.
#[derive(Debug)]
pub(super) struct Stretches {
    pub spans: Vec<TimeSpan>,
    /// The windows' share of their time.
    pub share: f64,
    pub over: Over,
    /// Steps of a counter that they need in total.
    pub steps: f64,
}

/// How a meter that is updated every `period` seconds can measure the energy of a phase.
///
/// # Errors
/// [`Reason::BelowResolution`] where it resolves neither the windows nor blocks of them, with the lengths.
pub(super) fn stretches(phase: Phase, windows: &[TimeSpan], period: f64) -> Result<Stretches, Unavailable> {
    let mut spans: Vec<TimeSpan> = Vec::new();
    for window in windows {
        match spans.last_mut() {
            Some(last) if seconds(window.start.since(last.end)) < GAP_UPDATES * period => last.end = window.end,
            _ => spans.push(*window),
        }
    }
    let inside = matches!(phase, Phase::Prefill | Phase::Decode);
    let (total, whole) = (seconds(duration_ns(windows)), seconds(duration_ns(&spans)));
    let share = if whole > 0.0 { (total / whole).min(1.0) } else { 1.0 };
    let least = match phase {
        Phase::Load => LOAD_UPDATES,
        _ if inside || spans.len() > 1 => WINDOW_UPDATES,
        _ => ALONE_UPDATES,
    };
    let updates = least * spans.len() as f64;
    let long_enough = whole >= updates * period;
    let most_gaps = if inside { PHASE_GAPS } else { REQUEST_GAPS };
    if !long_enough || 1.0 - share > most_gaps {
        let window = total / windows.len().max(1) as f64;
        return Err(shortfall(phase, window, long_enough.then_some((whole, share)), period));
    }
    let over = if spans.len() == windows.len() { Over::Windows } else { Over::Blocks };
    Ok(Stretches { spans, share, over, steps: updates.max(STEPS) })
}

fn seconds(ns: u64) -> f64 {
    ns as f64 * 1e-9
}

/// `1.234 s`, `0.31 ms`.
fn length(seconds: f64) -> String {
    if seconds < 0.01 { format!("{:.2} ms", seconds * 1e3) } else { format!("{:.3} s", Amount(seconds)) }
}

/// `together` is the length of what could be measured, and the windows' share of it.
fn shortfall(phase: Phase, window: f64, together: Option<(f64, f64)>, period: f64) -> Unavailable {
    let name = phase.words();
    let lasts = format!("{name} lasts {} at a time, and the meter is updated every {}", length(window), length(period));
    let hint = match (phase, together) {
        (Phase::Prefill | Phase::Decode, _) => format!(
            "{lasts}: it cannot tell {name} from the rest of a request; measure the phases alone with --scenario \
             prefill-128,decode-128, or ask for a longer scenario"
        ),
        (Phase::Request, Some((whole, share))) => format!(
            "{lasts}: only {} of them together could be told, and {:.0} % of that is something else",
            length(whole),
            Amount((1.0 - share) * 100.0)
        ),
        _ => format!("{lasts}; ask for --energy-uncertainty 5%, or for a longer scenario"),
    };
    Unavailable::new(Reason::BelowResolution, hint)
}

/// # Errors
/// When the meter is updated less than twice in a window that stands alone.
pub(super) fn at_least_two_updates(name: &str, window: TimeSpan, period: f64) -> Result<(), Unavailable> {
    let seconds = seconds(window.duration_ns());
    if seconds >= ALONE_UPDATES * period {
        return Ok(());
    }
    let hint = format!("{name} lasts {}, and the meter is updated every {}", length(seconds), length(period));
    Err(Unavailable::new(Reason::BelowResolution, hint))
}

/// Whether single windows in the middle of similar work can be resolved.
pub(super) fn resolves_windows(windows: &[TimeSpan], period: f64) -> bool {
    seconds(duration_ns(windows)) >= WINDOW_UPDATES * period * windows.len() as f64
}

/// Whether windows follow each other about as often as the meter is updated.
pub(super) fn in_rhythm(windows: &[TimeSpan], stretches: &[TimeSpan], period: f64) -> bool {
    const NEAR: f64 = 0.3;
    let cycle = seconds(duration_ns(stretches)) / windows.len().max(1) as f64;
    (cycle / period - 1.0).abs() < NEAR
}

/// Whether a meter can separate `window` from what is `gap_ns` beside it: either similar work follows at once, or something else for
/// long enough.
pub(super) fn resolves_neighbour(window: TimeSpan, gap_ns: u64, period: f64) -> bool {
    let gap = seconds(gap_ns);
    gap <= PHASE_GAPS * seconds(window.duration_ns()) || gap >= GAP_UPDATES * period
}
