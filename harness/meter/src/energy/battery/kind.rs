use super::{COULOMBS_IN_MICROAMPERE_HOUR, JOULES_IN_MICROWATT_HOUR, size::Size, unit};
use crate::energy::{
    Basis, Measurand, Unavailable,
    plausible::{FileUnit, MICROAMPERE_HOURS, MICROAMPERES, MICROWATT_HOURS, MICROWATTS},
};

/// One of the ways in which a battery reports what it supplies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    EnergyNow,
    ChargeNow,
    ChargeCounter,
    PowerNow,
    CurrentNow,
}

impl Kind {
    pub(super) const ALL: [Kind; 5] =
        [Kind::EnergyNow, Kind::ChargeNow, Kind::ChargeCounter, Kind::PowerNow, Kind::CurrentNow];

    pub(super) fn file(self) -> &'static str {
        match self {
            Self::EnergyNow => "energy_now",
            Self::ChargeNow => "charge_now",
            Self::ChargeCounter => "charge_counter",
            Self::PowerNow => "power_now",
            Self::CurrentNow => "current_now",
        }
    }

    pub(super) fn unit(self) -> FileUnit {
        match self {
            Self::EnergyNow => MICROWATT_HOURS,
            Self::ChargeNow | Self::ChargeCounter => MICROAMPERE_HOURS,
            Self::PowerNow => MICROWATTS,
            Self::CurrentNow => MICROAMPERES,
        }
    }

    /// Whether its values mean nothing without the voltage.
    pub(super) fn needs_voltage(self) -> bool {
        matches!(self, Self::ChargeNow | Self::ChargeCounter | Self::CurrentNow)
    }

    /// What its values mean, given the `first` of them, and why that unit is believed.
    ///
    /// # Errors
    /// When the battery's other files do not decide it.
    pub(super) fn measurand(self, first: i64, around: &Around) -> Result<(Measurand, Basis), Unavailable> {
        match self {
            Self::EnergyNow => {
                let prefix = around.energy.prefix_of(first, self.file())?;
                let joules_per_unit = JOULES_IN_MICROWATT_HOUR * prefix.factor();
                Ok((Measurand::RemainingEnergy { joules_per_unit }, prefix.basis()))
            }
            Self::ChargeNow | Self::ChargeCounter => {
                let prefix = around.charge.prefix_of(first, self.file())?;
                let coulombs_per_unit = COULOMBS_IN_MICROAMPERE_HOUR * prefix.factor();
                Ok((Measurand::RemainingCharge { coulombs_per_unit }, prefix.basis()))
            }
            Self::PowerNow => Ok((Measurand::Power { watts_per_unit: 1e-6 }, Basis::Documented)),
            Self::CurrentNow => {
                let (amperes_per_unit, basis) = unit::guess(around.largest_current, around.waits);
                Ok((Measurand::Current { amperes_per_unit }, basis))
            }
        }
    }

    /// Whether it reports what the battery still holds, rather than what flows out of it.
    pub(super) fn is_store(self) -> bool {
        matches!(self, Self::EnergyNow | Self::ChargeNow | Self::ChargeCounter)
    }
}

/// What else is known about a battery when one of its files is opened.
#[derive(Debug)]
pub(super) struct Around {
    pub(super) charge: Size,
    pub(super) energy: Size,
    /// The largest raw current of all batteries of the device, without its sign: a kernel uses one unit for all of them.
    pub(super) largest_current: i64,
    /// Whether it waits while another battery, which does not report its current, is in use.
    pub(super) waits: bool,
}
