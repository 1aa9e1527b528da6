//! What can be read on a device while a case runs. Each source reads below an injectable root for `/proc` and `/sys`.

mod bandwidth;
mod context;
mod cores;
mod device;
mod emulation;
pub mod energy;
mod error;
mod plateau;
mod power_supply;
mod process;
mod reading;
mod root;
mod sampler;
mod surroundings;
mod system;

pub use bandwidth::measure_bandwidth;
pub use context::{ContextProbe, ContextSample, Limits};
pub use cores::{CoreList, LentAffinity, clusters_of, core_clusters};
pub use device::{boot_id, device_facts, device_folder_name};
pub use error::MeterError;
pub use pocketwatt_protocol::TimeSpan;
pub use power_supply::BatteryStatus;
pub use process::{ProcessMemory, ProcessMeter};
pub use reading::{
    Bandwidth, CaseReadings, ClockLimit, ContextReading, ContextSeries, CoreCluster, DeviceFacts, IdleWindows,
    LimitReading, MemoryReading, NamedTemperature, PhoneFacts, Regrouped, RunnerCores, SamplerCost, ScreenState,
    Warmth,
};
pub use root::SystemRoot;
pub use sampler::{Sampled, Sampler};
pub use surroundings::{
    BatterySupply, FrequencyPolicy, Heat, Load, Memory, Processors, Supply, Surroundings, Temperature,
};
pub use system::{BrokenCounter, KernelCounter, SystemTimes, SystemWork, read_system_times};
