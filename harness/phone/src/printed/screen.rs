//! The screen: `dumpsys power`, and `settings get system screen_brightness`.
//!
//! `mWakefulness` is in the text of every Android since 5 (AOSP, `PowerManagerService.java`). `Awake` and `Dreaming` (a screen saver)
//! are states with a lit screen; `Asleep` and `Dozing` (the always-on display) are not. A panel that `cmd display power-off` switched
//! off counts as on: the phone is awake.

/// Whether the phone is awake, with its screen on; `None` where it does not say.
pub fn is_screen_on(power: &str) -> Option<bool> {
    let state = power.lines().find_map(|line| line.trim().strip_prefix("mWakefulness="))?;
    match state.trim() {
        "Awake" | "Dreaming" => Some(true),
        "Asleep" | "Dozing" => Some(false),
        _ => None,
    }
}

/// The brightness setting: 0 to 255 on most phones, up to 4095 or more on some.
pub fn brightness(setting: &str) -> Option<u32> {
    setting.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_states_are_believed() {
        let power = |state: &str| {
            is_screen_on(&format!("Power Manager State:\n  mWakefulness={state}\n  mWakefulnessChanging=false\n"))
        };
        let seen = ["Awake", "Dreaming", "Asleep", "Dozing", "2", ""].map(power);
        assert_eq!(seen, [Some(true), Some(true), Some(false), Some(false), None, None]);
        assert_eq!(is_screen_on(""), None);
        assert_eq!([" 128\n", "null", "-1", ""].map(brightness), [Some(128), None, None, None]);
    }
}
