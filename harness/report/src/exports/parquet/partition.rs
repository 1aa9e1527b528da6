//! Where files lie.

use std::path::{Path, PathBuf};

use pocketwatt_files::harmless_name;
use pocketwatt_record::Run;

use crate::{exports::digest::digest, output::date};

/// The device and the month that a file belongs to, and its own name, as names of folders and files.
pub struct Partition {
    device: String,
    month: String,
    file: String,
}

impl Partition {
    /// That of a run.
    pub fn of(run: &Run) -> Self {
        Self::new(&run.device.name, run.started_unix_ms, &run.id)
    }

    /// That of what began at a time, in milliseconds since 1970 UTC, on a device. The month is UTC's.
    pub fn new(device: &str, started_unix_ms: u64, file: &str) -> Self {
        Self { device: value(device), month: date::month(started_unix_ms), file: value(file) }
    }

    /// The file in a data set.
    pub fn file(&self, folder: &Path, dataset: &str) -> PathBuf {
        let Self { device, month, file } = self;
        folder
            .join(dataset)
            .join(format!("device={device}"))
            .join(format!("month={month}"))
            .join(format!("{file}.parquet"))
    }
}

/// A name that readers take for a value and nothing else: letters, digits, `-`, `_` and `.`; they skip files that begin with one of the
/// last two. A name that is not harmless itself gets a digest, so that two of them never become one.
fn value(name: &str) -> String {
    let harmless = harmless_name(name);
    let harmless = harmless.trim_start_matches(['.', '_']);
    if harmless == name && !name.is_empty() {
        return name.to_owned();
    }
    format!("{harmless}-{}", digest(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn no_name_leads_elsewhere_or_hides() {
        let mut run = fixture::run(&[]);
        for name in ["../../etc", "..", ".", "", "_x", "__HIVE_DEFAULT_PARTITION__", "a/b", "a=b%2F", "\u{202e}\n", "ü"]
        {
            run.device.name = name.to_owned();
            run.id = name.to_owned();
            let path = Partition::of(&run).file(Path::new("folder"), "metrics");
            let parts: Vec<&str> = path.iter().map(|part| part.to_str().unwrap()).collect();
            let [_, "metrics", device, month, file] = parts[..] else { panic!("{path:?}") };
            let device = device.strip_prefix("device=").unwrap();
            let run = file.strip_suffix(".parquet").unwrap();
            for value in [device, run] {
                assert!(!value.is_empty() && !value.starts_with(['.', '_']), "{path:?}");
                assert!(
                    value.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter)),
                    "{path:?}"
                );
                assert_ne!(value, name);
            }
            assert_eq!(month, "month=2026-11");
        }
    }

    #[test]
    fn different_names_stay_different() {
        assert_eq!(value("xeon-2"), "xeon-2");
        assert_ne!(value("a/b"), value("a:b"));
        assert_ne!(value("a/b"), value("a-b"));
        assert!(value(&"x".repeat(5000)).len() < 200);
    }
}
