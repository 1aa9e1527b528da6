//! Energy of single turns, each place in a conversation on its own.

use pocketwatt_meter::{TimeSpan, energy::Reason};

use super::{
    figure::{Meters, RESOLVED, gross, groups},
    resolution::resolves_windows,
};
use crate::Record;

/// The meters of the preferred figure, or why there are none.
pub(crate) struct TurnMeters<'a>(Result<Meters<'a>, Reason>);

impl<'a> TurnMeters<'a> {
    pub fn of(record: &'a Record) -> Self {
        let readings = &record.readings;
        let none = || readings.no_energy.as_ref().map_or(Reason::NotCovered, |unavailable| unavailable.reason);
        Self(groups(&readings.energy).first().map(|group| Meters::of(group, &readings.energy)).ok_or_else(none))
    }

    /// Mean gross energy of one of some windows, and its 95 % uncertainty. A window begins and ends in the middle of work, so
    /// what holds for the phases inside a request holds for it: a slow meter cannot tell it from what is beside it.
    ///
    /// # Errors
    /// When the meters cannot tell, in a few words.
    pub fn energy(&self, windows: &[TimeSpan]) -> Result<(f64, f64), String> {
        let words = |reason: Reason| reason.words().to_owned();
        let meters = self.0.as_ref().map_err(|reason| words(*reason))?;
        // What keeps it from being read at all comes first.
        let estimate = meters.energy(windows).map_err(|unavailable| words(unavailable.reason))?;
        let estimate = gross(estimate, meters.gain_error());
        let uncertainty = 2.0 * estimate.variance.sqrt();
        let resolved = resolves_windows(windows, meters.period()) && uncertainty <= RESOLVED * estimate.joules.abs();
        if !resolved {
            return Err(words(Reason::BelowResolution));
        }
        let count = windows.len() as f64;
        Ok((estimate.joules / count, uncertainty / count))
    }
}
