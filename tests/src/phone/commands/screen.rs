//! The screen and the lock screen.

use std::{fs, path::Path};

use super::{Said, faults, settings::refusal};
use crate::phone::machine::files::RUN;

/// Changed by each input.
pub(in crate::phone) const ACTIVITY: &str = "activity";
/// A file of this name there is for each of these that holds.
pub(in crate::phone) const ASLEEP: &str = "asleep";
const PANEL_OFF: &str = "panel-off";
/// Also read from outside: tests lock the phone with it.
pub(in crate::phone) const KEYGUARD: &str = "keyguard";
/// A code has to be typed.
const SECURE: &str = "/standin/secure-keyguard";

fn holds(what: &str) -> bool {
    Path::new(RUN).join(what).exists()
}

fn set(what: &str, holds: bool) {
    let file = Path::new(RUN).join(what);
    // The folder is there as long as the phone runs.
    let _ = if holds { fs::write(file, "") } else { fs::remove_file(file) };
}

/// `cmd display power-off|power-on ID`.
pub(super) fn display(words: &[&str]) -> Said {
    match words {
        ["power-off", _] => set(PANEL_OFF, true),
        ["power-on", _] => set(PANEL_OFF, false),
        _ => return Said::error(255, "Display manager commands:\n"),
    }
    Said::nothing()
}

/// `input keyevent KEY`.
pub(super) fn input(words: &[&str]) -> Said {
    if faults().settings_refused {
        return refusal();
    }
    set(ACTIVITY, true);
    let ["keyevent", keys @ ..] = words else { return Said::nothing() };
    for key in keys {
        match key.trim_start_matches("KEYCODE_") {
            "WAKEUP" | "224" => set(ASLEEP, false),
            "SLEEP" | "223" => fall_asleep(),
            "POWER" | "26" if holds(ASLEEP) => set(ASLEEP, false),
            "POWER" | "26" => fall_asleep(),
            "MENU" | "82" => drop(dismiss_keyguard()),
            _ => {}
        }
    }
    Said::nothing()
}

fn fall_asleep() {
    set(ASLEEP, true);
    set(KEYGUARD, true);
}

/// `wm dismiss-keyguard`: one with a code stays.
pub(super) fn dismiss_keyguard() -> Said {
    if !holds(ASLEEP) && !Path::new(SECURE).exists() {
        set(KEYGUARD, false);
    }
    Said::nothing()
}

/// `dumpsys window`, the lines about the lock screen.
pub(super) fn window() -> String {
    let (shows, secure) = (holds(KEYGUARD), Path::new(SECURE).exists());
    format!(
        "WINDOW MANAGER POLICY STATE (dumpsys window policy)\n    mSafeMode=false\n    mScreenOnEarly={awake} mScreenOnFully={awake}\n    \
         mShowingDream=false mDreamingLockscreen={shows}\n    KeyguardServiceDelegate\n      showing={shows}\n      \
         showingAndNotOccluded={shows}\n      inputRestricted={shows}\n      occluded=false\n      secure={secure}\n      \
         dreaming=false\n      systemIsReady=true\n  mCurrentFocus=Window{{1 u0 {focus}}}\n  isKeyguardShowing={shows}\n",
        awake = !holds(ASLEEP),
        focus = if shows { "NotificationShade" } else { "com.android.launcher3" },
    )
}

/// `dumpsys power`, the lines about the screen.
pub(super) fn power() -> String {
    let (wakefulness, display) = if holds(ASLEEP) { ("Asleep", "OFF") } else { ("Awake", "ON") };
    format!(
        "POWER MANAGER (dumpsys power)\n\nPower Manager State:\n  mWakefulness={wakefulness}\n  mIsPowered=false\n  mStayOn=false\n\n\
         Display Power: state={display}\n"
    )
}

/// `dumpsys display`, the line about the panel.
pub(super) fn shown_by_display() -> String {
    let state = if holds(ASLEEP) || holds(PANEL_OFF) { "OFF" } else { "ON" };
    format!("DISPLAY MANAGER (dumpsys display)\n  mGlobalDisplayState={state}\n  mScreenState={state}\n")
}
