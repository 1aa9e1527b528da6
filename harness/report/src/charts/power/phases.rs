//! What the device was doing, as shades behind a curve, and the mean power of each phase.

use plotters::style::{Color, RGBAColor};
use pocketwatt_meter::TimeSpan;
use pocketwatt_protocol::{IterationKind, MonotonicNs};
use pocketwatt_record::{Energy, EnergyFigure, Phase, Record};

use crate::charts::palette::{DECODE, IDLE, LOAD, PREFILL};

/// The shade of a period of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shade {
    /// The phase.
    pub phase: Phase,
    /// Whether it belongs to the warm-up.
    pub warm_up: bool,
}

/// All shades. A column of pixels gets the one that takes most of its time.
const SHADES: [Shade; 7] = [
    Shade { phase: Phase::IdleBefore, warm_up: false },
    Shade { phase: Phase::IdleAfter, warm_up: false },
    Shade { phase: Phase::Load, warm_up: false },
    Shade { phase: Phase::Prefill, warm_up: false },
    Shade { phase: Phase::Decode, warm_up: false },
    Shade { phase: Phase::Prefill, warm_up: true },
    Shade { phase: Phase::Decode, warm_up: true },
];

impl Shade {
    /// Pale enough for a line in front of it.
    pub fn color(self) -> RGBAColor {
        let full = match self.phase {
            Phase::Load => LOAD,
            Phase::Prefill => PREFILL,
            Phase::Decode | Phase::Request => DECODE,
            Phase::IdleBefore | Phase::IdleAfter => IDLE,
        };
        full.mix(if self.warm_up { 0.12 } else { 0.3 })
    }
}

/// The name of a phase.
pub fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Load => "load",
        Phase::Prefill => "prefill",
        Phase::Decode => "decode",
        Phase::Request => "request",
        Phase::IdleBefore => "idle before",
        Phase::IdleAfter => "idle after",
    }
}

/// A phase from one moment to another.
pub struct Window {
    /// First and last moment.
    pub span: TimeSpan,
    /// Its shade.
    pub shade: Shade,
}

/// Every phase of a case, warm-up included.
pub fn windows(record: &Record) -> Vec<Window> {
    let mut windows = Vec::new();
    let mut add = |phase, warm_up, span: TimeSpan| windows.push(Window { span, shade: Shade { phase, warm_up } });
    if let Some(idle) = &record.readings.idle {
        add(Phase::IdleBefore, false, idle.before);
        if let Some(after) = idle.after {
            add(Phase::IdleAfter, false, after);
        }
    }
    if let Some(loaded) = &record.samples.loaded {
        add(Phase::Load, false, loaded.span());
    }
    for iteration in &record.samples.iterations {
        let warm_up = iteration.kind == IterationKind::Warmup;
        for turn in &iteration.turns {
            add(Phase::Prefill, warm_up, turn.prefill());
            if let Some(decode) = turn.decode() {
                add(Phase::Decode, warm_up, decode);
            }
        }
    }
    windows
}

/// Neighbouring columns of pixels with the same shade: the first, and the one after the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stripe {
    /// First column.
    pub first: usize,
    /// The column after the last.
    pub end: usize,
    /// Their shade.
    pub shade: Shade,
}

/// Shades `count` columns from the moment `origin` on, each `seconds` wide. However many phases there are, there are at most
/// as many stripes as columns.
pub fn stripes(windows: &[Window], origin: MonotonicNs, seconds: f64, count: usize) -> Vec<Stripe> {
    let mut shares = vec![[0.0_f64; SHADES.len()]; count];
    for window in windows {
        let Some(shade) = SHADES.iter().position(|shade| *shade == window.shade) else { continue };
        let [from, to] = [window.span.start, window.span.end].map(|at| at.since(origin) as f64 * 1e-9 / seconds);
        for (column, share) in shares.iter_mut().enumerate().take(to.ceil() as usize).skip(from as usize) {
            share[shade] += (to.min(column as f64 + 1.0) - from.max(column as f64)).max(0.0);
        }
    }
    let mut stripes: Vec<Stripe> = Vec::new();
    for (column, share) in shares.iter().enumerate() {
        let nothing = 1.0 - share.iter().sum::<f64>();
        let most = (0..SHADES.len()).max_by(|&left, &right| share[left].total_cmp(&share[right]));
        let Some(shade) = most.filter(|&most| share[most] > nothing.max(0.0)).map(|most| SHADES[most]) else {
            continue;
        };
        match stripes.last_mut() {
            Some(last) if last.end == column && last.shade == shade => last.end += 1,
            _ => stripes.push(Stripe { first: column, end: column + 1, shade }),
        }
    }
    stripes
}

/// Mean power of a phase, or why there is none.
pub struct Mean {
    /// The phase.
    pub phase: Phase,
    /// Number of windows in the mean.
    pub windows: u64,
    /// Watts and their 95 % uncertainty, or a short reason.
    pub watts: Result<(f64, f64), &'static str>,
}

/// The gross mean power of every phase that took place.
pub fn means(figure: &EnergyFigure) -> Vec<Mean> {
    let shown = figure.phases.iter().filter(|energy| energy.phase != Phase::Request && energy.duration_ns > 0);
    let mut means: Vec<Mean> = shown
        .map(|energy| {
            let seconds = energy.duration_ns as f64 * 1e-9;
            let watts = match &energy.gross {
                Energy::Measured { joules, uncertainty_joules } => Ok((joules / seconds, uncertainty_joules / seconds)),
                Energy::Unavailable(unavailable) => Err(unavailable.reason.words()),
            };
            Mean { phase: energy.phase, windows: energy.windows, watts }
        })
        .collect();
    // In the order in which they happened.
    means.sort_by_key(|mean| mean.phase != Phase::IdleBefore);
    means
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(start_ms: u64, end_ms: u64, phase: Phase, warm_up: bool) -> Window {
        let at = |milliseconds: u64| MonotonicNs(1_000_000_000 + milliseconds * 1_000_000);
        Window { span: TimeSpan { start: at(start_ms), end: at(end_ms) }, shade: Shade { phase, warm_up } }
    }

    #[test]
    fn a_column_is_shaded_as_what_takes_most_of_it() {
        let windows = [
            window(0, 250, Phase::IdleBefore, false),
            window(400, 460, Phase::Prefill, true),
            window(460, 700, Phase::Decode, true),
        ];
        let stripes = stripes(&windows, MonotonicNs(1_000_000_000), 0.1, 8);
        let found: Vec<(usize, usize, Phase)> =
            stripes.iter().map(|stripe| (stripe.first, stripe.end, stripe.shade.phase)).collect();
        assert_eq!(found, [(0, 2, Phase::IdleBefore), (4, 5, Phase::Prefill), (5, 7, Phase::Decode)]);
    }

    #[test]
    fn thousands_of_iterations_are_no_more_stripes_than_columns() {
        let windows: Vec<Window> = (0..20_000)
            .flat_map(|index| {
                [
                    window(index * 10, index * 10 + 2, Phase::Prefill, false),
                    window(index * 10 + 2, index * 10 + 10, Phase::Decode, false),
                ]
            })
            .collect();
        let stripes = stripes(&windows, MonotonicNs(1_000_000_000), 0.25, 800);
        assert_eq!(stripes.len(), 1, "most of the time is decoding");
        assert_eq!((stripes[0].first, stripes[0].end), (0, 800));
    }
}
