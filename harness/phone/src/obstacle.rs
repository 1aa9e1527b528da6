use serde::Serialize;

use crate::adb::State;

/// Something that stands in the way of measuring on a phone.
#[derive(Clone, Debug, PartialEq)]
pub enum Obstacle {
    /// adb lists it, and it cannot be asked.
    NotReady {
        /// Its state.
        state: State,
    },
    /// A question was not answered.
    NotAnswering {
        /// What happened.
        words: String,
    },
    /// Its adb cannot tell the exit status of a command.
    NoShellV2,
    /// It runs no 64-bit Arm programs.
    NotArm64 {
        /// Those that it runs: `armeabi-v7a`.
        instruction_sets: Vec<String>,
    },
    /// The kernel filters the system calls of programs that adb starts.
    FilteredCalls,
    /// A command replaced the battery's values.
    BatteryUpdatesStopped,
    /// A property keeps the phone from charging.
    ChargingSuspended,
    /// It is too hot to measure what it can do.
    TooHot {
        /// `battery`, `skin`.
        part: &'static str,
        /// Its temperature in degrees Celsius.
        celsius: f64,
    },
    /// It limits itself, by its own word.
    Throttled {
        /// Its word.
        status: crate::printed::ThermalStatus,
    },
    /// Its clocks are limited below what the hardware can do, whatever else it says.
    ClocksLimited {
        /// The limit of the fastest cluster that is limited, in hertz.
        limit_hz: u64,
        /// What that cluster can do, in hertz.
        max_hz: u64,
    },
    /// Its battery may be empty before the end of a run.
    LowBattery {
        /// How full it is.
        percent: f64,
    },
    /// It is an emulator.
    Emulator,
}

/// How much an obstacle matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Measuring is possible, and the numbers mean less.
    Warning,
    /// No measurement is possible, or it would be wrong.
    Unfit,
}

/// Measuring begins at or below this temperature of battery and skin: a phone that is warmer limits its clocks soon.
pub(crate) const HOT_CELSIUS: f64 = 35.0;
/// Measuring begins with at least this much in the battery: some phones limit themselves below it.
pub(crate) const LOW_PERCENT: f64 = 30.0;

impl Obstacle {
    /// How much it matters.
    pub fn severity(&self) -> Severity {
        match self {
            Self::NotReady { .. }
            | Self::NotAnswering { .. }
            | Self::NoShellV2
            | Self::NotArm64 { .. }
            | Self::BatteryUpdatesStopped
            | Self::ChargingSuspended
            | Self::TooHot { .. } => Severity::Unfit,
            Self::FilteredCalls
            | Self::Throttled { .. }
            | Self::ClocksLimited { .. }
            | Self::LowBattery { .. }
            | Self::Emulator => Severity::Warning,
        }
    }

    /// Its kind, for programs.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NotReady { .. } => "not-ready",
            Self::NotAnswering { .. } => "not-answering",
            Self::NoShellV2 => "no-shell-v2",
            Self::NotArm64 { .. } => "not-arm64",
            Self::FilteredCalls => "filtered-calls",
            Self::BatteryUpdatesStopped => "battery-updates-stopped",
            Self::ChargingSuspended => "charging-suspended",
            Self::TooHot { .. } => "too-hot",
            Self::Throttled { .. } => "throttled",
            Self::ClocksLimited { .. } => "clocks-limited",
            Self::LowBattery { .. } => "low-battery",
            Self::Emulator => "emulator",
        }
    }

    /// What was seen.
    pub fn seen(&self) -> String {
        match self {
            Self::NotReady { state } => not_ready(*state).0.to_owned(),
            Self::NotAnswering { words } => format!("it stopped answering: {words}"),
            Self::NoShellV2 => "its adb has no shell v2, so the exit status of a command is not known".to_owned(),
            Self::NotArm64 { instruction_sets } => {
                format!("it runs no 64-bit Arm programs, only {}", instruction_sets.join(", "))
            }
            Self::FilteredCalls => "the kernel filters the system calls of adb's shell (seccomp 2)".to_owned(),
            Self::BatteryUpdatesStopped => {
                "the battery's values were replaced by a command (UPDATES STOPPED): they are made up".to_owned()
            }
            Self::ChargingSuspended => "power.battery_input.suspended is set: the phone does not charge".to_owned(),
            Self::TooHot { part, celsius } => {
                format!("{part} at {celsius:.1} °C; above {HOT_CELSIUS:.0} °C a phone soon limits its clocks")
            }
            Self::Throttled { status } => format!("the phone limits itself: thermal status {}", status.name()),
            Self::ClocksLimited { limit_hz, max_hz } => {
                let gigahertz = |hertz: u64| hertz as f64 / 1e9;
                format!("clocks are limited to {:.2} of {:.2} GHz", gigahertz(*limit_hz), gigahertz(*max_hz))
            }
            Self::LowBattery { percent } => {
                format!("the battery has {percent:.0} % left; a run should begin with {LOW_PERCENT:.0} % at least")
            }
            Self::Emulator => "it is an emulator: its times and joules say nothing about a phone".to_owned(),
        }
    }

    /// What the user can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NotReady { state } => not_ready(*state).1,
            Self::NotAnswering { .. } => {
                "unplug it and plug it in again, or for Wi-Fi: adb disconnect, then adb connect ADDRESS; then try again"
            }
            Self::NoShellV2 => "Android 7 or later is needed",
            Self::NotArm64 { .. } => "use a phone with a 64-bit Arm processor and a 64-bit Android",
            Self::FilteredCalls => "programs may be killed with signal 31 (SIGSYS); please report this phone's model",
            Self::BatteryUpdatesStopped => "adb shell dumpsys battery reset",
            Self::ChargingSuspended => "adb shell setprop power.battery_input.suspended false",
            Self::TooHot { .. } | Self::Throttled { .. } => {
                "let it cool: screen off, not on a fast charger, out of its case, on a hard surface"
            }
            Self::ClocksLimited { .. } => "let it cool, and switch battery saver off",
            Self::LowBattery { .. } => "charge it",
            Self::Emulator => "use a real phone",
        }
    }
}

/// What a state means, and what to do.
fn not_ready(state: State) -> (&'static str, &'static str) {
    match state {
        State::Device => ("it is ready", "try again"),
        State::Unauthorized => (
            "unauthorized: its user has not allowed this computer",
            "unlock it and tap Allow; if it does not ask: Developer options, Revoke USB debugging authorisations, and plug it in again",
        ),
        State::Authorizing => ("it is about to ask its user", "unlock it and tap Allow"),
        State::Connecting => ("the connection is being made", "try again in some seconds"),
        State::Offline => (
            "offline: adb knows it, and it does not answer",
            "unplug it and plug it in again, or for Wi-Fi: adb disconnect, then adb connect ADDRESS; else switch USB debugging off and on",
        ),
        State::NoPermissions => (
            "no permissions: this computer's user may not open the USB device",
            "install the udev rules for Android (Debian: sudo apt-get install android-sdk-platform-tools-common), then adb kill-server and plug it in again",
        ),
        State::Bootloader => ("it is in its boot loader", "start Android: fastboot reboot"),
        State::Recovery | State::Sideload | State::Rescue => {
            ("it is in its recovery system", "start Android: adb reboot")
        }
        State::Detached => ("another server of adb uses it", "end the other server: adb kill-server"),
        State::Host => ("it is another computer", "connect a phone"),
        State::Unknown => ("adb does not know its state", "unplug it and plug it in again"),
    }
}
