use pocketwatt_protocol::MonotonicNs;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How warm a device is, and how far it limits itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Warmth {
    /// When it was read.
    pub at: MonotonicNs,
    /// A phone's own word for how far it limits itself: `none`, `light`, ...; absent on other devices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thermal_status: Option<String>,
    /// Of a phone, its battery and its skin; of other devices, the processor's sensors. Empty where none can be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub temperatures: Vec<NamedTemperature>,
    /// The clock limits; empty where the kernel reports none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clocks: Vec<ClockLimit>,
}

impl Warmth {
    /// Whether nothing was read: the device reports none of it.
    pub fn is_unknown(&self) -> bool {
        let clocks = self.clocks.iter().any(|clock| clock.highest_hz.is_some());
        self.thermal_status.is_none() && self.temperatures.is_empty() && !clocks
    }
}

/// What a sensor shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NamedTemperature {
    /// `battery`, `skin`, `cpu-thermal`.
    pub name: String,
    /// Degrees Celsius.
    pub celsius: f64,
}

/// The highest clock of the cores of one policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClockLimit {
    /// `policy0`.
    pub policy: String,
    /// The highest that is allowed now, in hertz.
    pub highest_hz: Option<u64>,
    /// The highest that the hardware can have, in hertz.
    pub hardware_highest_hz: Option<u64>,
}
