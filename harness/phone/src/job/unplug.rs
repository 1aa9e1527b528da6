//! Waits until nothing feeds the phone, and nobody needs to unlock it.

use std::time::Duration;

use pocketwatt_protocol::{Clock, MonotonicClock};

use super::{android::Android, keyguard::Keyguard, stop::Stop};
use crate::printed::BatteryReport;

/// Between two looks. After a cable is out, some phones say for some seconds that it is still in.
const BETWEEN: Duration = Duration::from_secs(5);
/// So often in a row, nothing feeds the phone.
const TIMES: u32 = 2;

/// Why the phone is not left to its battery.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unplugged {
    /// It is.
    Yes,
    /// The job was stopped.
    Stopped,
    /// The time is over; with what stood in the way.
    NotInTime(String),
}

/// Waits at most for the limit, and tells what it waits for, each time that this changes.
pub(super) fn wait_until_unplugged(
    android: &Android,
    limit: Duration,
    stop: &Stop,
    mut tell: impl FnMut(&str),
) -> Unplugged {
    let started = MonotonicClock.now();
    let (mut times, mut told) = (0, None);
    loop {
        match obstacle(android) {
            None => times += 1,
            Some(words) => {
                times = 0;
                if Duration::from_nanos(MonotonicClock.now().since(started)) >= limit {
                    return Unplugged::NotInTime(words);
                }
                if told.as_ref() != Some(&words) {
                    tell(&words);
                    told = Some(words);
                }
            }
        }
        if times == TIMES {
            return Unplugged::Yes;
        }
        if stop.wait(BETWEEN) {
            return Unplugged::Stopped;
        }
    }
}

fn obstacle(android: &Android) -> Option<String> {
    let battery = match android.ask(&["dumpsys", "battery"]) {
        Err(why) => return Some(why.to_string()),
        Ok(text) => BatteryReport::read(&text),
    };
    if let Err(why) = battery.ensure_on_battery() {
        return Some(format!("unplug the phone: {}", why.hint));
    }
    // Where this is not told, the phone may be unlocked.
    let keyguard = android.ask(&["dumpsys", "window"]).ok().and_then(|text| Keyguard::read(&text));
    let Keyguard { showing: true, secure } = keyguard? else { return None };
    if !secure {
        // Swiped away; if that fails, it is seen at the next look.
        let _ = android.ask(&["wm", "dismiss-keyguard"]);
    }
    Some("unlock the phone: its lock screen switches the screen off, and then an unplugged phone sleeps".into())
}
