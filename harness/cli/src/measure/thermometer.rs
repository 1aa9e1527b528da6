//! How warm this device is, and how far it limits itself: by its kernel, and on a phone by its thermal service and its battery.

use pocketwatt_meter::{SystemRoot, Warmth};
use pocketwatt_phone::{Here, battery_and_skin};

/// Reads it.
#[derive(Clone, Debug)]
pub struct Thermometer {
    root: SystemRoot,
    phone: Option<Here>,
}

impl Thermometer {
    /// That of the device with this `/sys`; a phone is asked, too, on which this program runs.
    pub fn new(root: SystemRoot) -> Self {
        Self { root, phone: Here::find() }
    }

    /// Whether a phone is asked, each time with some commands.
    pub fn asks_a_phone(&self) -> bool {
        self.phone.is_some()
    }

    /// Reads everything once.
    pub fn read(&self) -> Warmth {
        let mut warmth = Warmth::read(&self.root);
        let Some(phone) = &self.phone else { return warmth };
        let thermal = phone.thermal().ok();
        let found = battery_and_skin(&phone.battery(), thermal.as_ref());
        if !found.is_empty() {
            warmth.temperatures = found;
        }
        // A status that a command has set says nothing about the phone.
        let own = thermal.filter(|thermal| !thermal.is_overridden);
        warmth.thermal_status = own.and_then(|thermal| thermal.status).map(|status| status.name().to_owned());
        warmth
    }
}
