//! What could measure a phone's energy.

use pocketwatt_meter::energy::{Measurand, Reason, Unavailable};
use pocketwatt_phone::{
    Metering, SupplyMeters,
    printed::{BatteryReport, ChargeCounter, RailsReport},
};
use serde::Serialize;

use crate::report::output::quantity::Quantity;

#[derive(Debug, Serialize)]
pub(super) struct EnergyView {
    rails: MeterKind<RailsView>,
    power_supply: MeterKind<SuppliesView>,
    battery_service: MeterKind<CounterView>,
    /// Why a battery cannot be measured at this moment.
    fed: Option<Unavailable>,
}

/// A kind of meter, or why the phone has none.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum MeterKind<T> {
    Found(T),
    Absent(Unavailable),
}

#[derive(Debug, Serialize)]
struct RailsView {
    all: usize,
    of_cores: Vec<String>,
    /// The coarsest step of those of the cores, in joules.
    resolution_joules: Option<f64>,
}

#[derive(Debug, Serialize)]
struct SuppliesView {
    meters: Vec<SupplyView>,
    absent: Vec<String>,
}

#[derive(Debug, Serialize)]
struct SupplyView {
    id: String,
    /// What a raw value means; absent where its unit can only be seen while the battery feeds the phone.
    measurand: Option<Measurand>,
}

#[derive(Debug, Serialize)]
struct CounterView {
    raw: i64,
    unit: &'static str,
    /// The energy of one unit at the voltage now, in joules. No counter resolves less.
    joules_per_unit: Option<f64>,
}

impl EnergyView {
    pub(super) fn new(metering: &Metering, battery: &BatteryReport) -> Self {
        let counter = |counter: &ChargeCounter| CounterView {
            raw: counter.raw,
            unit: if counter.is_in_milliampere_hours() { "mAh" } else { "µAh" },
            joules_per_unit: battery.volts.as_ref().ok().map(|volts| counter.joules_per_unit(*volts)),
        };
        Self {
            rails: MeterKind::new(&metering.rails, RailsView::new),
            power_supply: MeterKind::new(&metering.supplies, SuppliesView::new),
            battery_service: MeterKind::new(&metering.gauge, counter),
            fed: battery.ensure_on_battery().err().filter(|why| why.reason == Reason::ChargerConnected),
        }
    }

    /// Whether there is a counter that steps coarsely.
    pub(super) fn has_counter(&self) -> bool {
        matches!(self.battery_service, MeterKind::Found(_))
    }

    /// A line for each kind of meter.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = vec![
            format!("supply rails: {}", self.rails.words(RailsView::words)),
            format!("power_supply: {}", self.power_supply.words(SuppliesView::words)),
            format!("dumpsys battery: {}", self.battery_service.words(CounterView::words)),
        ];
        if let Some(fed) = &self.fed {
            lines.push(format!("{}: unplug it before its battery is measured", fed.hint));
        }
        lines
    }
}

impl<T> MeterKind<T> {
    fn new<Seen>(seen: &Result<Seen, Unavailable>, convert: impl FnOnce(&Seen) -> T) -> Self {
        match seen {
            Ok(value) => Self::Found(convert(value)),
            Err(unavailable) => Self::Absent(unavailable.clone()),
        }
    }

    fn words(&self, shown: impl FnOnce(&T) -> String) -> String {
        match self {
            Self::Found(found) => shown(found),
            Self::Absent(unavailable) => format!("{} ({})", unavailable.reason.words(), unavailable.hint),
        }
    }
}

impl RailsView {
    fn new(report: &RailsReport) -> Self {
        Self {
            all: report.rails.len(),
            of_cores: report.of_cores().map(|rail| rail.name.clone()).collect(),
            resolution_joules: report.resolution_of_cores().map(|microjoules| microjoules as f64 / 1e6),
        }
    }

    fn words(&self) -> String {
        let resolution = self.resolution_joules.map(|joules| format!(", in steps of {}", joules_shown(joules)));
        match self.of_cores.as_slice() {
            [] => format!("{}, none of which feeds the cores alone", self.all),
            cores => format!(
                "{}, of which {} feed the cores{}; they count on the cable, too",
                self.all,
                cores.join(", "),
                resolution.unwrap_or_default()
            ),
        }
    }
}

impl SuppliesView {
    fn new(supplies: &SupplyMeters) -> Self {
        let meters = supplies.meters.iter().map(|(id, measurand)| SupplyView { id: id.clone(), measurand: *measurand });
        let absent = supplies.absent.iter().map(|meter| {
            let why = &meter.unavailable;
            format!("{}: {} ({})", meter.id, why.reason.words(), why.hint)
        });
        Self { meters: meters.collect(), absent: absent.collect() }
    }

    fn words(&self) -> String {
        let meters = self.meters.iter().map(|meter| match meter.measurand {
            Some(measurand) => format!("{} in {}", meter.id, unit(&measurand)),
            None => format!("{} in a unit that shows once it is unplugged", meter.id),
        });
        let lines: Vec<String> = meters.chain(self.absent.iter().cloned()).collect();
        lines.join("; ")
    }
}

impl CounterView {
    fn words(&self) -> String {
        let energy = self.joules_per_unit.map(|joules| format!(", each {}", joules_shown(joules)));
        format!("a charge counter in {}{}", self.unit, energy.unwrap_or_default())
    }
}

/// The unit of a raw value, as the files of a battery have it.
fn unit(measurand: &Measurand) -> String {
    let (factor, symbol) = match measurand {
        Measurand::EnergyCounter { joules_per_unit, .. } | Measurand::RemainingEnergy { joules_per_unit } => {
            (joules_per_unit / 3600.0, "Wh")
        }
        Measurand::RemainingCharge { coulombs_per_unit } => (coulombs_per_unit / 3600.0, "Ah"),
        Measurand::Power { watts_per_unit } => (*watts_per_unit, "W"),
        Measurand::Current { amperes_per_unit } => (*amperes_per_unit, "A"),
    };
    let is = |prefix: f64| (factor / prefix - 1.0).abs() < 1e-9;
    match factor {
        _ if is(1e-6) => format!("µ{symbol}"),
        _ if is(1e-3) => format!("m{symbol}"),
        other => Quantity::new(other, symbol).prefixed().in_column(),
    }
}

fn joules_shown(joules: f64) -> String {
    Quantity::new(joules, "J").prefixed().in_column()
}
