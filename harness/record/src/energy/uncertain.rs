use crate::{Absent, AbsentKind};

/// A number and half the width of its 95 % interval, in the same unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Uncertain {
    pub value: f64,
    pub uncertainty: f64,
}

impl Uncertain {
    pub fn times(self, factor: f64) -> Self {
        Self { value: self.value * factor, uncertainty: self.uncertainty * factor.abs() }
    }

    /// `numerator` divided by this energy; the relative uncertainty stays.
    ///
    /// # Errors
    /// When the energy is zero or less.
    pub fn under(self, numerator: f64) -> Result<Self, Absent> {
        if self.value <= 0.0 {
            return Err(AbsentKind::NoEnergyUsed.into());
        }
        let value = numerator / self.value;
        Ok(Self { value, uncertainty: value * self.uncertainty / self.value })
    }
}
