use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{Said, faults, is_key};

/// They outlast a reboot.
const FOLDER: &str = "/data/settings";
const NAMESPACES: [&str; 3] = ["system", "secure", "global"];
/// A charger, USB, a coil and a dock together.
const ALL_SOURCES: &str = "15";

/// `settings get|put|delete|list NAMESPACE [KEY [VALUE]]`.
pub(super) fn settings(words: &[&str]) -> Said {
    // adb's own shell may name a user.
    let words: Vec<&str> = match words {
        ["--user", _, rest @ ..] => rest.to_vec(),
        words => words.to_vec(),
    };
    let known = |space: &str| NAMESPACES.contains(&space);
    let is_refused = faults().settings_refused;
    match *words {
        ["get", space, key] if known(space) && is_key(key) => {
            Said::out(fs::read_to_string(file(space, key)).unwrap_or_else(|_| "null\n".into()))
        }
        ["put", space, _, _, ..] | ["delete", space, _] if known(space) && is_refused => refusal(),
        ["put", space, key, value, ..] if known(space) && is_key(key) => told(put(space, key, value)),
        ["delete", space, key] if known(space) && is_key(key) => {
            let deleted = u8::from(fs::remove_file(file(space, key)).is_ok());
            Said::out(format!("Deleted {deleted} rows\n"))
        }
        ["list", space] if known(space) => {
            let mut names: Vec<_> =
                fs::read_dir(Path::new(FOLDER).join(space)).into_iter().flatten().flatten().collect();
            names.sort_by_key(|entry| entry.file_name());
            let line = |entry: &fs::DirEntry| {
                let value = fs::read_to_string(entry.path()).unwrap_or_default();
                format!("{}={value}", entry.file_name().to_string_lossy())
            };
            Said::out(names.iter().map(line).collect::<String>())
        }
        _ => Said::error(255, "Invalid command\nSettings provider (settings) commands:\n"),
    }
}

/// `svc power stayon true|false|usb|ac|wireless`.
pub(super) fn stay_on(how: &str) -> Said {
    if faults().settings_refused {
        return refusal();
    }
    let value = match how {
        "true" => ALL_SOURCES,
        "ac" => "1",
        "usb" => "2",
        "wireless" => "4",
        _ => "0",
    };
    told(put("global", "stay_on_while_plugged_in", value))
}

/// As Xiaomi's phones say it, where a switch of the developer's options is off.
pub(super) fn refusal() -> Said {
    Said::error(
        255,
        "Exception occurred while executing 'put':\njava.lang.SecurityException: Permission denial: writing to settings requires:\
         android.permission.WRITE_SECURE_SETTINGS\n",
    )
}

fn file(space: &str, key: &str) -> PathBuf {
    Path::new(FOLDER).join(space).join(key)
}

fn put(space: &str, key: &str, value: &str) -> io::Result<()> {
    fs::create_dir_all(Path::new(FOLDER).join(space))?;
    fs::write(file(space, key), format!("{value}\n"))
}

fn told(done: io::Result<()>) -> Said {
    match done {
        Ok(()) => Said::nothing(),
        Err(error) => Said::error(255, format!("Exception occurred while executing 'put':\n{error}\n")),
    }
}
