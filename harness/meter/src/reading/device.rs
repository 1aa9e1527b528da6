use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The device, as far as it reports. Facts that it does not report are absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceFacts {
    /// Short name for folders: from the processor's name and number, or as the user gave it.
    pub name: String,
    /// Processor model.
    pub processor: Option<String>,
    /// Instruction set, for example `x86_64`.
    pub architecture: String,
    /// Processors that the system schedules on, whether or not this process may use them.
    pub logical_cores: u32,
    /// Cores.
    pub physical_cores: Option<u32>,
    /// Logical processors that this process may use: its affinity, which a cpuset limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_cores: Option<u32>,
    /// How many processors' worth of time its control groups allow; absent without such a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processor_quota: Option<f64>,
    /// Main memory.
    pub memory_bytes: Option<u64>,
    /// How much memory its control groups allow; absent without such a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_limit_bytes: Option<u64>,
    /// Operating system and its version.
    pub operating_system: Option<String>,
    /// Kernel version.
    pub kernel: Option<String>,
    /// `Some("kvm")` and the like inside a virtual machine, where it can be recognised.
    pub virtualisation: Option<String>,
    /// Frequency governor of the first processor.
    pub governor: Option<String>,
    /// Highest frequency of the first processor.
    pub maximum_frequency_hz: Option<u64>,
    /// Size of the last-level cache.
    pub last_level_cache_bytes: Option<u64>,
    /// Its cores by their speed, slowest first; empty where the kernel does not report it. Since format 1.11.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clusters: Vec<CoreCluster>,
    /// Size of a page of memory; since format 1.11.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_bytes: Option<u64>,
    /// What an Android phone says about itself; absent elsewhere. Since format 1.11.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<PhoneFacts>,
    /// How it was recognised that this device is imitated by a program, whose speed is not the device's; since format 1.11.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emulated: Option<String>,
}

/// Cores of one speed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CoreCluster {
    /// Their numbers, in order.
    pub cores: Vec<u32>,
    /// Speed relative to the fastest core of the device, which has 1024 (`cpu_capacity`).
    pub capacity: Option<u32>,
    /// The highest frequency of the hardware.
    pub max_hz: Option<u64>,
    /// The highest frequency that was allowed when this was read: the lowest of its cores.
    pub limit_hz: Option<u64>,
}

/// What an Android phone says about itself. Its serial number is not among it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PhoneFacts {
    /// `Google`, `samsung`: as the maker writes it.
    pub maker: Option<String>,
    /// `Pixel 8`, `SM-S9110`.
    pub model: Option<String>,
    /// The system on a chip: `QTI SM8550`.
    pub soc: Option<String>,
    /// Version of Android: `16`.
    pub android: Option<String>,
    /// Its screen when the run began.
    #[serde(default)]
    pub screen: ScreenState,
    /// Settings that were changed for the run and are put back afterwards, with their value before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed_settings: Vec<String>,
}

/// A phone's screen. What the phone does not say is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScreenState {
    /// Whether it is on, or counts as on.
    pub on: Option<bool>,
    /// The brightness setting as the phone counts it, usually from 0 to 255.
    pub brightness: Option<u32>,
}
