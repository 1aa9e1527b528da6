//! A phone that nothing feeds sleeps soon after its screen went off: all programs stop, and adb gets no answer. A cable wakes it.

use std::{fs, path::Path, time::SystemTime};

use super::files::{RUN, SLEEPS};
use crate::phone::commands::{ACTIVITY, ASLEEP, KEYGUARD};

/// Where `settings put system screen_off_timeout` puts it, in milliseconds.
const TIMEOUT: &str = "/data/settings/system/screen_off_timeout";
const USUAL_MS: f64 = 60_000.0;
/// The lock screen goes off by itself after so many seconds, whatever that setting says, unless [`SLEEPS`] has another number.
const LOCKED_S: f64 = 10.0;
/// From the screen's end to sleep.
const GRACE_NS: u64 = 500_000_000;

/// What a phone does without a user.
#[derive(Default)]
pub(super) struct Sleep {
    /// When somebody last did something, on the monotonic clock.
    active_ns: u64,
    touched: Option<SystemTime>,
    was_fed: bool,
    /// Whether its programs are stopped.
    pub is_deep: bool,
}

impl Sleep {
    /// Looks at the screen; returns whether everything has to stop or to go on, if that changes.
    pub fn follow(&mut self, now_ns: u64, is_fed: bool) -> Option<bool> {
        let sleeps = fs::read_to_string(SLEEPS).ok();
        let file = |name: &str| Path::new(RUN).join(name);
        let touched = fs::metadata(file(ACTIVITY)).and_then(|file| file.modified()).ok();
        let is_plugged_now = is_fed && !self.was_fed;
        if self.active_ns == 0 || touched != self.touched || is_fed != self.was_fed {
            self.active_ns = now_ns;
        }
        (self.touched, self.was_fed) = (touched, is_fed);
        if is_plugged_now {
            // A phone shows that it is charging.
            let _ = fs::remove_file(file(ASLEEP));
        }
        let Some(sleeps) = sleeps.filter(|_| !is_fed) else { return self.set(false) };
        let locked_s: f64 = sleeps.trim().parse().unwrap_or(LOCKED_S);
        let limit_s = if file(KEYGUARD).exists() { locked_s } else { screen_off_ms() / 1e3 };
        let idle_ns = now_ns.saturating_sub(self.active_ns);
        let is_asleep = file(ASLEEP).exists();
        if !is_asleep && idle_ns as f64 > limit_s * 1e9 {
            // The folder is there as long as the phone runs.
            let _ = fs::write(file(ASLEEP), "").and_then(|()| fs::write(file(KEYGUARD), ""));
            self.active_ns = now_ns;
            return None;
        }
        self.set(is_asleep && idle_ns > GRACE_NS)
    }

    fn set(&mut self, is_deep: bool) -> Option<bool> {
        let changes = is_deep != self.is_deep;
        self.is_deep = is_deep;
        changes.then_some(is_deep)
    }
}

fn screen_off_ms() -> f64 {
    fs::read_to_string(TIMEOUT).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(USUAL_MS)
}
