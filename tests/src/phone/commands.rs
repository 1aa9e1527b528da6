//! Android's own commands, as far as programs without root use them. Their state is in files.
//!
//! They are this program under other names: the phone's `/system/bin` has a link for each.

mod dumpsys;
mod screen;
mod settings;

use std::{env, fs, fs::OpenOptions, io, io::Write, path::Path, thread, time::Duration};

use super::{
    faults::Faults,
    machine::files::{FAULTS, MACHINE_REQUEST, PROPERTIES, PROPERTIES_SET},
};

/// Those that there are.
pub(super) const NAMES: [&str; 10] =
    ["getprop", "setprop", "dumpsys", "settings", "svc", "cmd", "input", "wm", "reboot", "am"];
pub(super) use screen::{ACTIVITY, ASLEEP, KEYGUARD};

/// Each call is a line of this file.
pub(super) const CALLS: &str = "/standin/calls";

/// What a command wrote, and its exit status.
pub(super) struct Said {
    stdout: String,
    stderr: String,
    status: u8,
}

impl Said {
    fn out(text: impl Into<String>) -> Self {
        Self { stdout: text.into(), stderr: String::new(), status: 0 }
    }

    fn nothing() -> Self {
        Self::out("")
    }

    fn error(status: u8, text: impl Into<String>) -> Self {
        Self { stdout: String::new(), stderr: text.into(), status }
    }
}

/// Carries out the command of the phone under whose name this program was started, and returns its exit status; `None` if it was
/// started under its own name.
pub fn command_of_the_phone() -> Option<u8> {
    let arguments: Vec<String> = env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let (name, rest) = arguments.split_first()?;
    let name = *NAMES.iter().find(|known| Path::new(name).file_name().is_some_and(|name| name == **known))?;
    note(name, rest);
    let words: Vec<&str> = rest.iter().map(String::as_str).collect();
    let said = carry_out(name, &words);
    // Whoever started it need not read it.
    let _ = io::stdout().write_all(said.stdout.as_bytes()).and_then(|()| io::stdout().flush());
    let _ = io::stderr().write_all(said.stderr.as_bytes());
    Some(said.status)
}

fn carry_out(name: &str, words: &[&str]) -> Said {
    match (name, words) {
        ("getprop", [key, rest @ ..]) => Said::out(format!("{}\n", property(key, rest.first().copied()))),
        ("getprop", []) => all_properties(),
        ("setprop", [key, value]) => set_property(key, value),
        ("setprop", _) => Said::error(1, "setprop: Needs 2 arguments\n"),
        ("dumpsys", words) => dumpsys::dumpsys(words),
        ("settings", words) => settings::settings(words),
        ("svc", ["power", "stayon", how]) => settings::stay_on(how),
        ("cmd", ["battery", words @ ..]) => dumpsys::dumpsys(&[&["battery"], words].concat()),
        ("cmd", ["display", words @ ..]) => screen::display(words),
        ("cmd", ["settings", words @ ..]) => settings::settings(words),
        ("cmd", [service, ..])
            if !["power", "thermalservice", "deviceidle", "window", "activity", "package"].contains(service) =>
        {
            Said::error(20, format!("cmd: Can't find service: {service}\n"))
        }
        ("input", words) => screen::input(words),
        ("wm", ["dismiss-keyguard"]) => screen::dismiss_keyguard(),
        ("reboot", _) => {
            let _ = fs::write(MACHINE_REQUEST, "reboot 2\n");
            // Nobody returns from that.
            thread::sleep(Duration::from_secs(60));
            Said::nothing()
        }
        _ => Said::nothing(),
    }
}

fn note(name: &str, words: &[String]) {
    let line = format!("{}\n", [&[name.to_owned()], words].concat().join(" ").replace('\n', "\\n"));
    let log = OpenOptions::new().create(true).append(true).open(CALLS);
    // A phone without room notes nothing.
    let _ = log.and_then(|mut log| log.write_all(line.as_bytes()));
}

fn faults() -> Faults {
    Faults::read(Path::new(FAULTS)).unwrap_or_default()
}

fn is_key(key: &str) -> bool {
    !key.is_empty() && !key.contains('/') && key != "." && key != ".."
}

fn property(key: &str, default: Option<&str>) -> String {
    let read = |folder: &str| fs::read_to_string(Path::new(folder).join(key)).ok();
    let found = is_key(key).then(|| read(PROPERTIES_SET).or_else(|| read(PROPERTIES))).flatten();
    let value = found.map(|text| text.strip_suffix('\n').unwrap_or(&text).to_owned()).unwrap_or_default();
    if value.is_empty() { default.unwrap_or_default().to_owned() } else { value }
}

fn all_properties() -> Said {
    let names = [PROPERTIES, PROPERTIES_SET].into_iter().flat_map(|folder| fs::read_dir(folder).into_iter().flatten());
    let mut names: Vec<_> = names.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names.dedup();
    Said::out(names.iter().map(|key| format!("[{key}]: [{}]\n", property(key, None))).collect::<String>())
}

fn set_property(key: &str, value: &str) -> Said {
    let folder = if key.starts_with("persist.") { PROPERTIES } else { PROPERTIES_SET };
    if key.starts_with("ro.") || !is_key(key) || fs::write(Path::new(folder).join(key), format!("{value}\n")).is_err() {
        return Said::error(1, format!("Failed to set property '{key}' to '{value}'.\nSee dmesg for error reason.\n"));
    }
    Said::nothing()
}
