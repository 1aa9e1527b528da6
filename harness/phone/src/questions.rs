//! What a phone's shell is asked. All of it is read-only, and works without root.

use crate::printed::Properties;

/// Where programs and models lie on a phone: the one folder that its shell may write to and run programs from.
pub const FOLDER: &str = "/data/local/tmp";

pub const STATUS_OF_PROCESS: &str = "cat /proc/self/status";
pub const BATTERY: &str = "dumpsys battery";
pub const TEMPERATURES: &str = "dumpsys thermalservice";
/// Without such a service, it says so on standard error.
pub const RAILS: &str = "dumpsys android.hardware.power.stats.IPowerStats/default 2>&1";

/// Lines `key=value`. Of a value with line ends, only its first line: the others could look like other properties.
pub fn properties() -> String {
    let keys = Properties::KEYS.join(" ");
    format!("for key in {keys}; do getprop \"$key\" | (IFS= read -r value; echo \"$key=$value\"); done")
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

/// See [`crate::printed::power_supplies`]. It fails only if the folder itself may not be read.
pub const SUPPLIES: &str = "names=$(ls /sys/class/power_supply) || exit 1
for supply in $names; do
echo \"SUPPLY=$supply\"
echo \"POWER_SUPPLY_TYPE=$(cat \"/sys/class/power_supply/$supply/type\" 2>&1)\"
cat \"/sys/class/power_supply/$supply/uevent\" 2>&1
done
:";
