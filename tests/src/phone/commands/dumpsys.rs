use std::{fs, path::Path, thread, time::Duration};

use pocketwatt_protocol::{Clock, MonotonicClock};

use super::{Said, faults, screen};
use crate::phone::{
    battery::{Truth, busy_s, print_battery, print_rails},
    machine::files::{BATTERY_FORM, RUN, TRUTH},
};

/// What a test put in place of a service's answer.
const FIXED: &str = "/standin/dumpsys";
const RAILS: &str = "android.hardware.power.stats.IPowerStats/default";
const OVERRIDDEN: &str = "battery-overridden";

/// `dumpsys SERVICE ...`.
pub(super) fn dumpsys(words: &[&str]) -> Said {
    let Some((service, words)) = words.split_first() else {
        return Said::out("Currently running services:\n  battery\n");
    };
    while faults().dumpsys_hangs.is_some_and(|hangs| hangs == *service) {
        thread::sleep(Duration::from_millis(50));
    }
    if !words.is_empty() && *service == "battery" {
        return change(words);
    }
    if let Ok(text) = fs::read_to_string(Path::new(FIXED).join(service)) {
        return Said::out(text);
    }
    let text = match *service {
        "battery" => battery(),
        RAILS => truth().and_then(|truth| print_rails(&truth)),
        "thermalservice" => truth().map(|truth| heat(truth.model.celsius)),
        "window" => Some(screen::window()),
        "power" => Some(screen::power()),
        "display" => Some(screen::shown_by_display()),
        _ => None,
    };
    text.map_or_else(|| Said::error(0, format!("Can't find service: {service}\n")), Said::out)
}

/// What is true now.
fn truth() -> Option<Truth> {
    let before: Truth = serde_json::from_slice(&fs::read(TRUTH).ok()?).ok()?;
    Some(before.later(MonotonicClock.now().0, busy_s()))
}

fn battery() -> Option<String> {
    let form = fs::read_to_string(BATTERY_FORM).ok();
    let overridden = fs::read_to_string(Path::new(RUN).join(OVERRIDDEN)).ok();
    Some(print_battery(&truth()?, form.as_deref(), overridden.as_deref()))
}

/// `dumpsys battery unplug|set KEY VALUE|reset`.
fn change(words: &[&str]) -> Said {
    let file = Path::new(RUN).join(OVERRIDDEN);
    let so_far = fs::read_to_string(&file).unwrap_or_default();
    let lines = match words {
        ["reset", ..] => {
            let _ = fs::remove_file(file);
            return Said::nothing();
        }
        ["unplug", ..] => {
            "AC powered: false\nUSB powered: false\nWireless powered: false\nDock powered: false\n".to_owned()
        }
        ["set", key, value] => {
            let is_on = if *value == "0" { "false" } else { "true" };
            match *key {
                "ac" => format!("AC powered: {is_on}\n"),
                "usb" => format!("USB powered: {is_on}\n"),
                "wireless" => format!("Wireless powered: {is_on}\n"),
                "temp" => format!("temperature: {value}\n"),
                "counter" => format!("Charge counter: {value}\n"),
                key => format!("{key}: {value}\n"),
            }
        }
        _ => return Said::error(255, "Battery service (battery) commands:\n"),
    };
    match fs::write(file, so_far + &lines) {
        Ok(()) => Said::nothing(),
        Err(error) => Said::error(1, format!("{error}\n")),
    }
}

/// A cool phone: its battery, its skin a little less, its processor a little more.
fn heat(battery: f64) -> String {
    let sensors = [(0, "CPU", battery + 4.0), (2, "battery", battery), (3, "VIRTUAL-SKIN", battery - 1.0)];
    let lines: String = sensors
        .iter()
        .map(|(kind, name, celsius)| {
            format!("\tTemperature{{mValue={celsius:.1}, mType={kind}, mName={name}, mStatus=0}}\n")
        })
        .collect();
    format!(
        "IsStatusOverride: false\nThermalEventListeners:\n\tcallbacks: 1\n\tkilled: false\n\tbroadcasts count: -1\n\
         ThermalStatusListeners:\n\tcallbacks: 1\n\tkilled: false\n\tbroadcasts count: -1\nThermal Status: 0\n\
         Cached temperatures:\n{lines}HAL Ready: true\nHAL connection:\n\tThermalHAL AIDL 1  connected: yes\n\
         Current temperatures from HAL:\n{lines}Current cooling devices from HAL:\n\
         Temperature static thresholds from HAL:\n"
    )
}
