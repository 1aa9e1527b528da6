//! What can be read on a device while a case runs, each source against an injectable root for `/proc` and `/sys`.

mod reading;

pub use reading::{Bandwidth, CaseReadings, DeviceFacts, MemoryReading, SamplerCost};
