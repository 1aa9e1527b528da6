use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a meter is, what it covers and how its raw values become joules. Part of the passport of every joule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MeterInfo {
    /// Unique on the device and stable between boots as far as the kernel allows: `powercap:package-0`,
    /// `battery:BAT0/energy_now`. Also what `--meter` takes.
    pub id: String,
    /// The interface through which it is read.
    pub source: MeterSource,
    /// Which part of the device it covers.
    pub scope: Scope,
    /// Name of that part, where the scope has several: `package-0`, `S2M_VDD_CPUCL2`.
    pub part: String,
    /// The file that is read, or a description of what is not a file.
    pub path: String,
    /// What a raw value means.
    pub measurand: Measurand,
    /// Why that unit is believed.
    pub unit_basis: Basis,
    /// Smallest step of the raw value, in raw units: 61 for Intel's 61 uJ, 1000 for a charge counter that steps by 1 mAh.
    /// 1 where nothing better is known.
    pub resolution: i64,
    /// How often the value changes; absent where no source states it and no change was seen.
    pub update_period: Option<UpdatePeriod>,
    /// Relative error of the meter's scale (0.05 for 5 %), where its maker states one. Absent means unknown: then no
    /// uncertainty includes it, and reports say so.
    pub gain_error: Option<f64>,
    /// Sustained power limit of the part in watts, where the interface has it: an upper bound of plausible power.
    pub power_limit_watts: Option<f64>,
}

/// The interface through which a meter is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MeterSource {
    /// RAPL through `/sys/class/powercap` (Documentation/power/powercap/powercap.rst).
    Powercap,
    /// RAPL through the perf PMU `power` (perf_event_open(2)).
    Perf,
    /// Sensors of `/sys/class/hwmon` (Documentation/hwmon/sysfs-interface.rst).
    Hwmon,
    /// `/sys/class/power_supply` (Documentation/ABI/testing/sysfs-class-power).
    Battery,
    /// On-device power monitor of Pixel phones, through IIO.
    PixelRails,
    /// The same monitor through Android's service of power statistics (`dumpsys`).
    PowerStats,
    /// Android's battery service (`dumpsys battery`).
    BatteryService,
    /// NVIDIA's management library.
    Nvml,
}

impl MeterSource {
    /// The name used on the command line, in ids and in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Powercap => "powercap",
            Self::Perf => "perf",
            Self::Hwmon => "hwmon",
            Self::Battery => "battery",
            Self::PixelRails => "pixel-rails",
            Self::PowerStats => "power-stats",
            Self::BatteryService => "battery-service",
            Self::Nvml => "nvml",
        }
    }
}

/// Which part of a device a meter covers. Scopes overlap: they stand side by side and are never added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Processor packages, all of them together.
    Package,
    /// The cores alone; part of the package.
    Core,
    /// Parts of the package other than its cores, such as its graphics unit.
    Uncore,
    /// Memory; not part of the package.
    Dram,
    /// The whole platform as the processor sees it (`psys`).
    Platform,
    /// The supply rails of the processor cores.
    CpuRails,
    /// Any other rail or sensor; it stands alone under its own name.
    Rail,
    /// A graphics card or other accelerator.
    Accelerator,
    /// Everything that the battery or the power meter feeds, screen included.
    Device,
}

impl Scope {
    /// The word used in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Package => "package",
            Self::Core => "cores",
            Self::Uncore => "uncore",
            Self::Dram => "DRAM",
            Self::Platform => "platform",
            Self::CpuRails => "CPU rails",
            Self::Rail => "rail",
            Self::Accelerator => "accelerator",
            Self::Device => "whole device",
        }
    }

    /// Whether several parts of this scope, read through one interface, add up to a whole: two packages do, two sensors
    /// of unknown places do not.
    pub fn adds_up(self) -> bool {
        !matches!(self, Self::Rail)
    }
}

/// What a raw value means.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Measurand {
    /// Energy used so far: only differences mean anything.
    EnergyCounter {
        /// Joules in a raw unit.
        joules_per_unit: f64,
        /// The counter counts from 0 to `modulus - 1` and begins again; absent for one that never wraps.
        modulus: Option<i64>,
    },
    /// Energy that a battery still holds; falls while it is used.
    RemainingEnergy {
        /// Joules in a raw unit.
        joules_per_unit: f64,
    },
    /// Charge that a battery still holds; times the voltage it is energy.
    RemainingCharge {
        /// Coulombs in a raw unit.
        coulombs_per_unit: f64,
    },
    /// Power now, or its mean since the last update.
    Power {
        /// Watts in a raw unit.
        watts_per_unit: f64,
    },
    /// Current out of a battery (positive while it is used); times the voltage it is power.
    Current {
        /// Amperes in a raw unit.
        amperes_per_unit: f64,
    },
}

impl Measurand {
    /// Whether energy is the difference of two readings, rather than an integral over many.
    pub fn is_cumulative(&self) -> bool {
        matches!(self, Self::EnergyCounter { .. } | Self::RemainingEnergy { .. } | Self::RemainingCharge { .. })
    }
}

/// How often a meter's value changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UpdatePeriod {
    /// Time between two changes, in nanoseconds.
    pub ns: u64,
    /// How that is known.
    pub basis: Basis,
}

/// How a property of a meter is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// The interface's documentation says so.
    Documented,
    /// The device says so, in a file of the interface.
    Declared,
    /// It was seen on this device.
    Observed,
    /// It follows from a rule of thumb and may be wrong.
    Guessed,
}
