//! Only one process at a time measures on this device, because two would disturb each other.
//!
//! A process that measures holds a lock file at a place that all users know. If the user allows it to measure beside another,
//! it holds a share of a second file, so that each can know about the other.

use std::{
    env, fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use anyhow::Result;
use pocketwatt_files::Lock;
use rustix::fs::{Access, access};
use thiserror::Error;

use super::{Mailbox, holder};
use crate::refusal::Refusal;

/// The variable that names another lock file.
const VARIABLE: &str = "POCKETWATT_DEVICE_LOCK";
const FILE: &str = "pocketwatt-measures.lock";
/// Folders where everybody may write, the preferred one first.
const FOLDERS: [&str; 2] = ["/run/lock", "/tmp"];
/// Where programs without an app run on Android: it belongs to the user of adb's shell, who is the only one to start them.
const FOLDER_ON_PHONES: &str = "/data/local/tmp";
/// Time between two attempts while waiting.
const PATIENCE: Duration = Duration::from_secs(1);
/// A process that only checks holds the lock for a moment, so this many attempts are made.
const GLANCES: u32 = 3;
const GLANCE: Duration = Duration::from_millis(20);

/// What to do while another process measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenBusy {
    /// Measure nothing.
    Refuse,
    /// Wait until it ends.
    Wait,
    /// Measure anyway, and say so in the records.
    Beside,
}

/// Another process measures on this device.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct DeviceBusy(String);

impl DeviceBusy {
    fn now(who: &str) -> Self {
        Self(format!(
            "{who} measures on this device, and two would disturb each other: nothing was measured; --wait waits until \
             it ends (and `--allow-beside` of `run` and `conformance` measures anyway, and notes it in the records)"
        ))
    }

    /// Another process began to measure in the meantime.
    pub fn meanwhile(who: &str) -> Self {
        Self(format!(
            "{who} measured on this device at the same time, which disturbed this measurement: there is no result; try again"
        ))
    }
}

/// This device, as one process measures on it.
#[derive(Debug)]
pub struct Device {
    when_busy: WhenBusy,
    part: Part,
}

/// The part that this process has.
#[derive(Debug)]
enum Part {
    None,
    Whole {
        path: PathBuf,
        _lock: Lock,
    },
    Beside {
        path: PathBuf,
        share: Lock,
    },
    /// Others cannot be detected, for this reason.
    Unknown(String),
}

/// Whether this process may measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entered {
    /// Yes, from now on.
    Measuring,
    /// The user stopped waiting.
    Interrupted,
}

/// A time in which others may come and go.
#[derive(Debug)]
pub struct Watch {
    met: Option<String>,
    came: Option<SystemTime>,
}

/// The process that measures on this device now, if any.
///
/// # Errors
/// When it cannot be known.
pub fn who_measures() -> Result<Option<String>> {
    let path = lock_path()?;
    for path in [path.clone(), beside(&path)] {
        let held = Lock::look(&path).map_err(|error| no_lock(&path, &error))?;
        if let Some(held) = held {
            return Ok(Some(holder::shown(&held.holder)));
        }
    }
    Ok(None)
}

impl Device {
    /// Before any measurement.
    pub fn new(when_busy: WhenBusy) -> Self {
        Self { when_busy, part: Part::None }
    }

    /// Fails early if another process measures and this one would be refused later: before slow preparations.
    ///
    /// # Errors
    /// [`DeviceBusy`].
    pub fn foresee(&self) -> Result<()> {
        match who_measures() {
            Ok(Some(who)) if self.when_busy == WhenBusy::Refuse => Err(DeviceBusy::now(&who).into()),
            Err(error) if self.when_busy != WhenBusy::Beside => Err(error),
            _ => Ok(()),
        }
    }

    /// From now on others know that this process measures, until `self` is dropped. One call is enough.
    ///
    /// # Errors
    /// [`DeviceBusy`], or when there can be no lock and others cannot be detected.
    pub fn enter(&mut self, mailbox: &mut Mailbox) -> Result<Entered> {
        if !matches!(self.part, Part::None) {
            return Ok(Entered::Measuring);
        }
        self.part = match self.lock(mailbox) {
            Ok(Some(part)) => part,
            Ok(None) => return Ok(Entered::Interrupted),
            Err(error) if self.when_busy == WhenBusy::Beside => {
                notice!("{error:#}");
                Part::Unknown(format!("{error:#}"))
            }
            Err(error) => return Err(error),
        };
        Ok(Entered::Measuring)
    }

    /// `None` when interrupted.
    fn lock(&self, mailbox: &mut Mailbox) -> Result<Option<Part>> {
        let path = lock_path()?;
        let name = holder::own_name();
        let refused = |error| no_lock(&path, &error);
        let mut glances = 0;
        let mut told = false;
        loop {
            let held = match Lock::try_take(&path, &name).map_err(refused)? {
                Ok(lock) => return Ok(Some(Part::Whole { path, _lock: lock })),
                Err(held) => holder::shown(&held.holder),
            };
            let pause = if glances < GLANCES { GLANCE } else { PATIENCE };
            glances += 1;
            if glances > GLANCES {
                match self.when_busy {
                    WhenBusy::Refuse => return Err(DeviceBusy::now(&held).into()),
                    WhenBusy::Beside => {
                        notice!("{held} measures on this device, too: the records say so");
                        let share = Lock::share(&beside(&path), &name).map_err(refused)?;
                        return Ok(Some(Part::Beside { path, share }));
                    }
                    WhenBusy::Wait if told => {}
                    WhenBusy::Wait => notice!("{held} measures on this device: waiting until it ends"),
                }
                told = true;
            }
            if mailbox.pause(pause) {
                return Ok(None);
            }
        }
    }

    /// The measurement has ended.
    pub fn leave(&mut self) {
        self.part = Part::None;
    }

    /// Begins to watch for others.
    pub fn watch(&mut self) -> Watch {
        Watch { met: self.other(), came: self.last_coming() }
    }

    /// Another process that has measured since then, if known.
    pub fn met(&mut self, watch: Watch) -> Option<String> {
        let came_meanwhile = self.last_coming() != watch.came;
        let since_ended = || came_meanwhile.then(|| "a process that has ended since".to_owned());
        watch.met.or_else(|| self.other()).or_else(since_ended)
    }

    /// Whether another process is known to have measured since then: not merely that none can be detected.
    pub fn surely_met(&mut self, watch: Watch) -> bool {
        !matches!(self.part, Part::Unknown(_)) && self.met(watch).is_some()
    }

    /// Another process that measures now.
    pub fn other(&mut self) -> Option<String> {
        match std::mem::replace(&mut self.part, Part::None) {
            Part::None => None,
            Part::Unknown(reason) => {
                self.part = Part::Unknown(reason.clone());
                Some(format!("other processes cannot be detected: {reason}"))
            }
            Part::Whole { path, _lock } => {
                let other = other_beside(&path);
                self.part = Part::Whole { path, _lock };
                other
            }
            // The holder of the whole lock may have ended; then another process has to take its place.
            Part::Beside { path, share } => match Lock::try_take(&path, &holder::own_name()) {
                Ok(Ok(lock)) => {
                    drop(share);
                    let other = other_beside(&path);
                    self.part = Part::Whole { path, _lock: lock };
                    other
                }
                Ok(Err(held)) => {
                    self.part = Part::Beside { path, share };
                    Some(holder::shown(&held.holder))
                }
                Err(error) => {
                    let reason = no_lock(&path, &error).to_string();
                    self.part = Part::Beside { path, share };
                    Some(format!("other processes cannot be detected: {reason}"))
                }
            },
        }
    }

    /// When a process last began to measure beside others: it may have ended before anybody checked.
    fn last_coming(&self) -> Option<SystemTime> {
        match &self.part {
            Part::Whole { path, .. } | Part::Beside { path, .. } => {
                fs::metadata(beside(path)).and_then(|facts| facts.modified()).ok()
            }
            Part::None | Part::Unknown(_) => None,
        }
    }
}

fn other_beside(path: &Path) -> Option<String> {
    match Lock::look(&beside(path)) {
        Ok(held) => held.map(|held| holder::shown(&held.holder)),
        Err(error) => Some(format!("other processes cannot be detected: {}", no_lock(path, &error))),
    }
}

/// The file in which processes that measure beside others hold their shares.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".beside");
    name.into()
}

/// The same file for all users of the device: a folder counts only if everybody may write to it, or if there is one user.
fn lock_path() -> Result<PathBuf> {
    if let Some(path) = env::var_os(VARIABLE).filter(|path| !path.is_empty()) {
        return Ok(path.into());
    }
    let everybody = 0o002;
    let open = |folder: &&&str| fs::metadata(folder).is_ok_and(|facts| facts.is_dir() && facts.mode() & everybody != 0);
    let on_phones = || Some(FOLDER_ON_PHONES).filter(|folder| access(*folder, Access::WRITE_OK).is_ok());
    let folder = FOLDERS.iter().find(open).copied().or_else(on_phones).ok_or_else(|| {
        Refusal::error(format!(
            "there is no folder for the lock that keeps two processes from measuring at once ({}, {FOLDER_ON_PHONES}): name a \
             file in {VARIABLE}",
            FOLDERS.join(", ")
        ))
    })?;
    Ok(Path::new(folder).join(FILE))
}

fn no_lock(path: &Path, error: &std::io::Error) -> anyhow::Error {
    Refusal::error(format!(
        "{} cannot be locked to keep two processes from measuring at once: {error}; name another file in {VARIABLE}",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(path: &Path) -> Device {
        let lock = Lock::try_take(path, "the whole").unwrap().unwrap();
        Device { when_busy: WhenBusy::Refuse, part: Part::Whole { path: path.to_owned(), _lock: lock } }
    }

    fn beside_it(path: &Path, name: &str) -> Device {
        let share = Lock::share(&beside(path), name).unwrap();
        Device { when_busy: WhenBusy::Beside, part: Part::Beside { path: path.to_owned(), share } }
    }

    #[test]
    fn each_knows_of_the_other() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("lock");
        let mut first = whole(&path);
        let alone = first.watch();
        assert_eq!(first.met(alone), None);
        let before = first.watch();
        let mut second = beside_it(&path, "the second");
        let watch = second.watch();
        assert_eq!(first.met(before), Some("the second".into()), "it came in between");
        let mut third = beside_it(&path, "the third");
        drop(first);
        assert_eq!(second.met(watch), Some("the whole".into()), "it was there in the beginning");
        // The second one has taken the place of the first.
        assert_eq!(second.other(), Some("the third".into()));
        assert!(third.other().unwrap().starts_with("pocketwatt, process "));
        drop(second);
        assert_eq!(third.other(), None);
    }

    #[test]
    fn whoever_came_and_went_meanwhile_is_noticed() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("lock");
        let mut first = whole(&path);
        let watch = first.watch();
        drop(beside_it(&path, "a short one"));
        assert_eq!(first.met(watch), Some("a process that has ended since".into()));
        let watch = first.watch();
        drop(beside_it(&path, "another short one"));
        assert!(first.surely_met(watch));
        let watch = first.watch();
        assert_eq!(first.met(watch), None);
    }

    #[test]
    fn what_cannot_be_locked_is_no_sign_that_one_is_alone() {
        let mut device = Device { when_busy: WhenBusy::Beside, part: Part::Unknown("no folder".into()) };
        let watch = device.watch();
        assert_eq!(device.met(watch), Some("other processes cannot be detected: no folder".into()));
        let watch = device.watch();
        assert!(!device.surely_met(watch), "nor is it a sign of others");
    }
}
