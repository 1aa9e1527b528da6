use super::{CLASS, batteries};
use crate::{
    SystemRoot,
    energy::{RawFile, Reason, Unavailable},
};

const UNPLUG: &str = "unplug it: while it feeds the device, the battery does not tell what the device uses";

/// Whether a battery feeds the device: its status, and the chargers'. Kept open, because every reading looks.
#[derive(Debug)]
pub(super) struct SupplyState {
    battery: String,
    status: Option<RawFile>,
    /// Statuses of the device's other batteries: one may wait while another one is used.
    others: Vec<RawFile>,
    chargers: Vec<(String, RawFile)>,
}

impl SupplyState {
    pub fn open(root: &SystemRoot, battery: &str) -> Self {
        let is_charger =
            |name: &String| root.text(format!("{CLASS}/{name}/type")).is_some_and(|kind| kind != "Battery");
        let online = |name: String| {
            let file = RawFile::open(root, &format!("{CLASS}/{name}/online")).ok()?;
            Some((name, file))
        };
        let other = |name: String| {
            let other = (name != battery).then(|| RawFile::open(root, &format!("{CLASS}/{name}/status")))?;
            other.ok()
        };
        Self {
            others: batteries(root).into_iter().filter_map(other).collect(),
            battery: battery.to_owned(),
            status: RawFile::open(root, &format!("{CLASS}/{battery}/status")).ok(),
            chargers: root.names(CLASS).into_iter().filter(is_charger).filter_map(online).collect(),
        }
    }

    /// Fails unless the battery alone feeds the device, as far as anybody tells. `Unknown` is no charger: the chargers' own
    /// files and the direction of the current decide.
    pub fn ensure_discharging(&self) -> Result<(), Unavailable> {
        for (name, online) in &self.chargers {
            // A charger that does not answer is not known to be plugged in.
            if online.integer().is_ok_and(|online| online > 0) {
                return Err(Unavailable::new(
                    Reason::ChargerConnected,
                    format!("charger {name} is plugged in; {UNPLUG}"),
                ));
            }
        }
        let Some(status) = &self.status else { return Ok(()) };
        let mut buffer = [0; 4096];
        match status.text(&mut buffer) {
            Ok("Full" | "Not charging") if self.others.iter().any(is_discharging) => Ok(()),
            Ok(status @ ("Charging" | "Full" | "Not charging")) => Err(Unavailable::new(
                Reason::ChargerConnected,
                format!("battery {} is {:?}: a charger is plugged in; {UNPLUG}", self.battery, status.to_lowercase()),
            )),
            Err(unavailable) if unavailable.reason == Reason::Vanished => Err(unavailable),
            _ => Ok(()),
        }
    }
}

fn is_discharging(status: &RawFile) -> bool {
    status.text(&mut [0; 4096]).is_ok_and(|status| status == "Discharging")
}
