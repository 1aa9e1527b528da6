//! Energy of single turns, for each place in a conversation separately.

use pocketwatt_meter::{TimeSpan, energy::Reason};

use super::{
    meters::{Meters, RESOLVED, gross, groups},
    resolution::resolves_windows,
};
use crate::{Absent, Evidence, Uncertain};

/// The meters of the preferred figure, or why there are none.
pub(crate) struct TurnMeters<'a>(Result<Meters<'a>, Reason>);

impl<'a> TurnMeters<'a> {
    pub fn of(case: &Evidence<'a>) -> Self {
        let readings = case.readings;
        let none = || readings.no_energy.as_ref().map_or(Reason::NotCovered, |unavailable| unavailable.reason);
        Self(groups(&readings.energy).first().map(|group| Meters::of(group, &readings.energy)).ok_or_else(none))
    }

    /// Mean gross energy of one of some windows, and its 95 % uncertainty. A window begins and ends in the middle of work, so the
    /// rules for phases inside a request apply: a slow meter cannot separate it from its neighbours.
    ///
    /// # Errors
    /// When the meters cannot resolve it.
    pub fn energy(&self, windows: &[TimeSpan]) -> Result<Uncertain, Absent> {
        let meters = self.0.as_ref().map_err(|reason| Absent::from(*reason))?;
        // A failure of the reading itself takes precedence.
        let estimate = meters.energy(windows).map_err(|unavailable| Absent::from(&unavailable))?;
        let estimate = gross(estimate, meters.gain_error());
        let uncertainty = 2.0 * estimate.variance.sqrt();
        let resolved = resolves_windows(windows, meters.period()) && uncertainty <= RESOLVED * estimate.joules.abs();
        if !resolved {
            return Err(Reason::BelowResolution.into());
        }
        let count = windows.len() as f64;
        Ok(Uncertain { value: estimate.joules / count, uncertainty: uncertainty / count })
    }
}
