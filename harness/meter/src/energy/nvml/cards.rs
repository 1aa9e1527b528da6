use std::sync::OnceLock;

use nvml_wrapper::{Device, Nvml, error::NvmlError};

use super::none;
use crate::energy::{
    AbsentMeter, Basis, Discovery, EnergyMeter, Measurand, MeterInfo, MeterSource, RawReading, Reason, Scope,
    Unavailable, UpdatePeriod,
};

/// The library updates its figures every 20 to 100 ms; the slower end is assumed until a period is observed.
const UPDATE_NS: u64 = 100_000_000;
/// nvmlDeviceGetPowerUsage: "accurate to within +/- 5 % of current power draw".
const POWER_GAIN_ERROR: f64 = 0.05;

pub(super) fn cards() -> Discovery {
    let library = match library() {
        Ok(library) => library,
        Err(unavailable) => return none(unavailable.reason, unavailable.hint),
    };
    let mut found = Discovery::default();
    let count = match library.device_count() {
        Ok(count) => count,
        Err(error) => {
            let unavailable = unavailable(&error);
            return none(unavailable.reason, format!("how many cards there are: {}", unavailable.hint));
        }
    };
    for index in 0..count {
        let meter = library.device_by_index(index).map_err(|error| unavailable(&error)).and_then(|device| {
            let meter = CardMeter::open(device, index)?;
            Ok(Box::new(meter) as Box<dyn EnergyMeter>)
        });
        match meter {
            Ok(meter) => found.meters.push(meter),
            Err(unavailable) => found.absent.push(AbsentMeter {
                source: MeterSource::Nvml,
                id: format!("nvml:{index}"),
                scope: Some(Scope::Accelerator),
                unavailable,
            }),
        }
    }
    if count == 0 {
        return none(Reason::NoMeter, "the library knows no card".into());
    }
    found
}

/// The library, loaded once because cards borrow from it.
fn library() -> Result<&'static Nvml, Unavailable> {
    static LIBRARY: OnceLock<Result<Nvml, Unavailable>> = OnceLock::new();
    LIBRARY.get_or_init(|| Nvml::init().map_err(|error| unavailable(&error))).as_ref().map_err(Clone::clone)
}

fn unavailable(error: &NvmlError) -> Unavailable {
    let reason = match error {
        NvmlError::NoPermission => Reason::NotPermitted,
        NvmlError::NotSupported | NvmlError::FunctionNotFound => Reason::NotSupported,
        NvmlError::GpuLost => Reason::Vanished,
        NvmlError::LibraryNotFound | NvmlError::DriverNotLoaded | NvmlError::LibloadingError(_) => Reason::NoMeter,
        _ => Reason::Unreadable,
    };
    Unavailable::new(reason, format!("NVIDIA's library: {error}"))
}

/// One card: its energy counter (Volta and later), or its power.
#[derive(Debug)]
struct CardMeter {
    info: MeterInfo,
    device: Device<'static>,
    counts: bool,
}

impl CardMeter {
    fn open(device: Device<'static>, index: u32) -> Result<Self, Unavailable> {
        let counts = device.total_energy_consumption().is_ok();
        if !counts {
            device.power_usage().map_err(|error| unavailable(&error))?;
        }
        let name = device.name().unwrap_or_else(|_| format!("card {index}"));
        let limit = device.enforced_power_limit().ok().map(|milliwatts| f64::from(milliwatts) / 1e3);
        let info = MeterInfo {
            id: format!("nvml:{index}"),
            source: MeterSource::Nvml,
            scope: Scope::Accelerator,
            part: format!("{index} {name}"),
            path: if counts { "nvmlDeviceGetTotalEnergyConsumption" } else { "nvmlDeviceGetPowerUsage" }.into(),
            measurand: if counts {
                Measurand::EnergyCounter { joules_per_unit: 1e-3, modulus: None }
            } else {
                Measurand::Power { watts_per_unit: 1e-3 }
            },
            unit_basis: Basis::Documented,
            resolution: 1,
            update_period: Some(UpdatePeriod { ns: UPDATE_NS, basis: Basis::Documented }),
            gain_error: Some(POWER_GAIN_ERROR),
            power_limit_watts: limit,
        };
        Ok(Self { info, device, counts })
    }
}

impl EnergyMeter for CardMeter {
    fn info(&self) -> &MeterInfo {
        &self.info
    }

    fn read(&mut self) -> Result<RawReading, Unavailable> {
        let value = if self.counts {
            self.device.total_energy_consumption().map(|millijoules| i64::try_from(millijoules).unwrap_or(i64::MAX))
        } else {
            self.device.power_usage().map(i64::from)
        };
        value.map(RawReading::new).map_err(|error| unavailable(&error))
    }
}
