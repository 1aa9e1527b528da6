//! Properties of Android, as lines `key=value` with the value that `getprop KEY` prints.
//!
//! Only the properties that are needed are asked for, because `getprop` without a key also prints the phone's serial number.

use std::collections::BTreeMap;

/// What the phone's properties say. The texts are the phone's own: untrusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties {
    values: BTreeMap<String, String>,
}

/// Longer values are cut: the property service of Android keeps 91 characters.
const LONGEST_VALUE: usize = 100;
const ARM64: &str = "arm64-v8a";
const SUSPENDED: &str = "power.battery_input.suspended";

impl Properties {
    /// Those that are asked for.
    pub const KEYS: [&str; 16] = [
        "ro.product.manufacturer",
        "ro.product.model",
        // Xiaomi's and others' name for people, beside a model such as 2209116AG.
        "ro.product.marketname",
        "ro.build.version.release",
        "ro.build.version.sdk",
        "ro.soc.manufacturer",
        "ro.soc.model",
        "ro.board.platform",
        "ro.hardware",
        "ro.product.cpu.abilist",
        "ro.product.cpu.abi",
        "ro.kernel.qemu",
        "ro.boot.qemu",
        "ro.build.type",
        "ro.build.display.id",
        SUSPENDED,
    ];

    /// Reads lines `key=value`. The first value of a key counts, an empty one is missing, and other keys are ignored.
    pub fn read(text: &str) -> Self {
        let mut values = BTreeMap::new();
        for (key, value) in text.lines().filter_map(|line| line.split_once('=')) {
            let value = value.trim();
            if Self::KEYS.contains(&key) && !value.is_empty() {
                values.entry(key.to_owned()).or_insert_with(|| value.chars().take(LONGEST_VALUE).collect());
            }
        }
        Self { values }
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// `Samsung`, `Google`: as the maker writes it.
    pub fn manufacturer(&self) -> Option<&str> {
        self.get("ro.product.manufacturer")
    }

    /// `Pixel 11 Pro`, `SM-S9110`; the name for people where the maker sets one.
    pub fn model(&self) -> Option<&str> {
        self.get("ro.product.marketname").or_else(|| self.get("ro.product.model"))
    }

    /// `16`.
    pub fn android(&self) -> Option<&str> {
        self.get("ro.build.version.release")
    }

    /// The system on a chip, such as `QTI SM8550`. Before Android 12 there is only the name of the platform: `kalama`.
    pub fn soc(&self) -> Option<String> {
        let model = self.get("ro.soc.model").map(|model| match self.get("ro.soc.manufacturer") {
            Some(maker) => format!("{maker} {model}"),
            None => model.to_owned(),
        });
        let platform = || self.get("ro.board.platform").or_else(|| self.get("ro.hardware")).map(str::to_owned);
        model.or_else(platform)
    }

    /// The instruction sets for which it runs programs, best first: `arm64-v8a`.
    pub fn instruction_sets(&self) -> Vec<&str> {
        let list = self.get("ro.product.cpu.abilist").or_else(|| self.get("ro.product.cpu.abi"));
        list.map(|list| list.split(',').map(str::trim).filter(|set| !set.is_empty()).collect()).unwrap_or_default()
    }

    /// Whether it runs 64-bit Arm programs; `None` where it does not say.
    pub fn runs_arm64(&self) -> Option<bool> {
        let sets = self.instruction_sets();
        (!sets.is_empty()).then(|| sets.contains(&ARM64))
    }

    /// Whether it is an emulator: Android Studio's, or Cuttlefish.
    pub fn is_emulator(&self) -> bool {
        let is_set = |key| self.get(key) == Some("1");
        let hardware = self.get("ro.hardware").is_some_and(|name| ["goldfish", "ranchu", "cutf_cvm"].contains(&name));
        is_set("ro.kernel.qemu") || is_set("ro.boot.qemu") || hardware
    }

    /// Whether somebody switched the charging off with the property that androidx.benchmark uses.
    pub fn is_charging_suspended(&self) -> bool {
        self.get(SUSPENDED) == Some("true")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{capture, section};

    #[test]
    fn a_pixel_and_a_samsung_say_who_they_are() {
        let text = capture("google-pixel11pro-android17/device.txt");
        let pixel = Properties::read(section(&text, "props"));
        assert_eq!(
            (pixel.manufacturer(), pixel.model(), pixel.android()),
            (Some("Google"), Some("Pixel 11 Pro"), Some("17"))
        );
        assert_eq!((pixel.soc().as_deref(), pixel.instruction_sets()), (Some("Google Tensor G6"), vec![ARM64]));
        assert_eq!(
            (pixel.runs_arm64(), pixel.is_emulator(), pixel.is_charging_suspended()),
            (Some(true), false, false)
        );
        let text = capture("samsung-s23-SM-S9110-android16/device.txt");
        let samsung = Properties::read(section(&text, "props"));
        assert_eq!((samsung.manufacturer(), samsung.model()), (Some("samsung"), Some("SM-S9110")));
        assert_eq!((samsung.soc().as_deref(), samsung.runs_arm64()), (Some("QTI SM8550"), Some(true)));
        assert_eq!(samsung.instruction_sets().len(), 3);
    }

    #[test]
    fn what_is_not_said_is_not_known() {
        let none = Properties::read("");
        assert_eq!((none.model(), none.soc(), none.runs_arm64(), none.is_emulator()), (None, None, None, false));
        let old = Properties::read("ro.board.platform=msm8226\nro.product.cpu.abi=armeabi-v7a\nro.product.model=\n");
        assert_eq!((old.soc().as_deref(), old.model(), old.runs_arm64()), (Some("msm8226"), None, Some(false)));
        let named = Properties::read("ro.product.model=2209116AG\nro.product.marketname=Redmi Note 12 Pro\n");
        assert_eq!(named.model(), Some("Redmi Note 12 Pro"));
    }

    #[test]
    fn emulators_and_a_suspended_charger_are_recognised() {
        for line in ["ro.kernel.qemu=1", "ro.boot.qemu=1", "ro.hardware=ranchu"] {
            assert!(Properties::read(line).is_emulator(), "{line}");
        }
        assert!(Properties::read("power.battery_input.suspended=true\r\n").is_charging_suspended());
        let twice = "ro.product.model=first\nro.product.model=second\nro.serialno=0123456789\n";
        assert_eq!(Properties::read(twice).model(), Some("first"));
        assert!(!format!("{:?}", Properties::read(twice)).contains("0123456789"));
    }
}
