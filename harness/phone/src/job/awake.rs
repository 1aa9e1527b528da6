//! Keeps a phone awake while it measures, and its screen the same: without a wake lock, which adb's shell cannot take, a phone that
//! is not plugged in sleeps soon after its screen is off.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{
    android::{Android, Unanswered},
    before::{Before, Namespace, Refused, Screen, SettingChange},
    settings,
};

/// At a charger, at USB and on a coil: 1, 2 and 4 of `android.os.BatteryManager`, together.
const STAY_ON: &str = "7";
/// The longest time that the system takes, in milliseconds: 24 days.
const NEVER_OFF: &str = "2147483647";
/// Android 15 is the first that switches the panel off and counts the phone as on.
const PANEL_OFF_SINCE_SDK: u32 = 35;

/// A setting and its value while a job measures.
type Wanted = (Namespace, &'static str, &'static str);

/// The changes of a job, as they are in its `before.json`.
#[derive(Debug)]
pub(super) struct Awake<'a> {
    android: &'a Android,
    path: PathBuf,
    before: Before,
}

impl<'a> Awake<'a> {
    /// Switches the screen on, and keeps it so: as long as the phone is plugged in, or without a cable.
    ///
    /// # Errors
    /// When `before.json` cannot be written: then nothing was changed. What the phone does not allow is in [`Awake::refused`].
    pub(super) fn begin(android: &'a Android, path: &Path, untethered: bool) -> io::Result<Self> {
        let before = Before { screen: Some(Screen::On), ..Before::default() };
        let mut awake = Self { android, path: path.to_owned(), before };
        awake.change(&[match untethered {
            true => (Namespace::System, "screen_off_timeout", NEVER_OFF),
            false => (Namespace::Global, "stay_on_while_plugged_in", STAY_ON),
        }])?;
        if let Err(why) = android.ask(&["input", "keyevent", "KEYCODE_WAKEUP"]) {
            awake.refuse("the screen's wake-up key", &why)?;
        }
        Ok(awake)
    }

    /// Takes the power from the panel, or dims it: once nobody needs to see it any more.
    ///
    /// # Errors
    /// As [`Awake::begin`].
    pub(super) fn darken(&mut self) -> io::Result<()> {
        if self.sdk().is_some_and(|sdk| sdk >= PANEL_OFF_SINCE_SDK) {
            self.before.screen = Some(Screen::PanelOff);
            self.before.write(&self.path)?;
            match self.android.ask(&["cmd", "display", "power-off", "0"]) {
                Ok(_) => return Ok(()),
                Err(why) => {
                    self.before.screen = Some(Screen::On);
                    self.refuse("the panel's power", &why)?;
                }
            }
        }
        // Automatic brightness first: it would change the brightness again.
        let all = self.change(&[
            (Namespace::System, "screen_brightness_mode", "0"),
            (Namespace::System, "screen_brightness", "0"),
        ])?;
        if all {
            self.before.screen = Some(Screen::Dimmed);
            self.before.write(&self.path)?;
        }
        Ok(())
    }

    /// What the phone did not allow.
    pub(super) fn refused(&self) -> &[Refused] {
        &self.before.refused
    }

    fn sdk(&self) -> Option<u32> {
        self.android.ask(&["getprop", "ro.build.version.sdk"]).ok()?.trim().parse().ok()
    }

    /// Changes settings, whose old values are on the disk before; whether all have the wanted values now.
    fn change(&mut self, wanted: &[Wanted]) -> io::Result<bool> {
        let mut all = true;
        let mut changes = Vec::new();
        for &(namespace, key, during) in wanted {
            let what = format!("{} {key}", namespace.name());
            match settings::value(self.android, namespace, key) {
                Ok(Some(now)) if now == during => {}
                Ok(before) => {
                    changes.push(SettingChange { namespace, key: key.into(), before, during: during.into() });
                }
                // What could not be put back is not changed.
                Err(why) => {
                    all = false;
                    self.before.refused.push(Refused { what, words: why.to_string() });
                }
            }
        }
        self.before.settings.extend(changes.iter().cloned());
        self.before.write(&self.path)?;
        for change in changes {
            let Err(why) = settings::set(self.android, change.namespace, &change.key, Some(&change.during)) else {
                continue;
            };
            all = false;
            let now = settings::value(self.android, change.namespace, &change.key);
            if now.is_ok_and(|now| now == change.before) {
                self.before.settings.retain(|other| *other != change);
            }
            self.refuse(&change.what(), &why)?;
        }
        Ok(all)
    }

    fn refuse(&mut self, what: &str, why: &Unanswered) -> io::Result<()> {
        self.before.refused.push(Refused { what: what.into(), words: why.to_string() });
        self.before.write(&self.path)
    }
}
