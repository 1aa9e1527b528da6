//! What a phone's shell is asked. All of it is read-only, and works without root.

use crate::printed::Properties;

/// Where programs and models lie on a phone: the one folder that its shell may write to and run programs from.
pub const FOLDER: &str = "/data/local/tmp";

pub const STATUS_OF_PROCESS: &str = "cat /proc/self/status";
pub const BATTERY: &str = "dumpsys battery";
pub const TEMPERATURES: &str = "dumpsys thermalservice";
/// Without such a service, it says so on standard error.
pub const RAILS: &str = "dumpsys android.hardware.power.stats.IPowerStats/default 2>&1";

/// Lines `key=value`.
pub fn properties() -> String {
    format!("for key in {}; do echo \"$key=$(getprop \"$key\")\"; done", Properties::KEYS.join(" "))
}

/// Lines `cpu0 2016000` with what a file of each core holds, or with nothing where it may not be read.
pub fn of_cores(file: &str) -> String {
    format!(
        "for cpu in /sys/devices/system/cpu/cpu[0-9]*; do echo \"${{cpu##*/}} $(cat \"$cpu/{file}\" 2>/dev/null)\"; done"
    )
}

/// The free room as `df` prints it.
pub fn room() -> String {
    format!("df -k {FOLDER}")
}

/// See [`crate::printed::power_supplies`].
pub const SUPPLIES: &str = "cd /sys/class/power_supply 2>&1 || exit 0
for supply in *; do
echo \"SUPPLY=$supply\"
echo \"POWER_SUPPLY_TYPE=$(cat \"/sys/class/power_supply/$supply/type\" 2>&1)\"
cat \"/sys/class/power_supply/$supply/uevent\" 2>&1
done";
